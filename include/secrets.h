/* SPDX-License-Identifier: MIT */
/*
 * secrets.h - everything secret is derived from one key file.
 *
 * HKDF-SHA256 (RFC 5869) makes one independent 32-byte key per purpose, so
 * that a proof key can never verify a token. Keys live in memory only.
 */
#ifndef ECS_SECRETS_H
#define ECS_SECRETS_H

#include <apr_pools.h>

#define ECS_KEY_BYTES 32

typedef struct ecs_secrets_t {
    unsigned char token[ECS_KEY_BYTES];  /* access tokens (HS256) */
    unsigned char cursor[ECS_KEY_BYTES]; /* list cursors */
    unsigned char proof[ECS_KEY_BYTES];  /* proof of delivery */
    unsigned char request[ECS_KEY_BYTES]; /* fingerprints of requests */
    unsigned char mail[ECS_KEY_BYTES];    /* tokens in mails */
    unsigned char webhook[ECS_KEY_BYTES]; /* secrets of webhook endpoints */
    unsigned char previous_token[ECS_KEY_BYTES]; /* accepted, never issued */
    int has_previous;
} ecs_secrets_t;

/**
 * Read the key file and derive all keys. The file holds 32 to 4096 bytes, is
 * 0640 or stricter and does not repeat one byte; its end of line, if it has
 * one, is part of the key.
 * @param path      current key file
 * @param previous  the file used before a change of keys, or NULL
 * @param error     out: what is wrong and what to do, in `p`
 * @return the keys in `p`, wiped when the pool goes; NULL on error, and only
 *         then *error is set
 */
ecs_secrets_t *ecs_secrets_load(apr_pool_t *p, const char *path,
                                const char *previous, const char **error);

/**
 * Derive all keys from given material (tests, ecsctl).
 * @return as above; NULL when it is shorter than 32 bytes or OpenSSL failed
 */
ecs_secrets_t *ecs_secrets_derive(apr_pool_t *p, const void *material,
                                  apr_size_t length);

/**
 * `bytes` random bytes of the operating system's generator, as lower-case hex
 * or as base64url without padding.
 * @param bytes  at most 1024
 * @return text in `p`; NULL when the generator failed
 */
const char *ecs_secrets_random_hex(apr_pool_t *p, apr_size_t bytes);
const char *ecs_secrets_random_url(apr_pool_t *p, apr_size_t bytes);

/**
 * The token that a mail proves something with, as base64url of 256 bits. It is
 * derived, so that the database need not hold it until the mail is made: it has
 * the nonce, and the token's SHA-256.
 */
const char *ecs_secrets_mail_token(apr_pool_t *p, const ecs_secrets_t *secrets,
                                   const char *nonce);

/**
 * SHA-256 of a text as lower-case hex: how refresh tokens are stored.
 */
const char *ecs_secrets_sha256(apr_pool_t *p, const void *data,
                               apr_size_t length);

/**
 * HMAC-SHA256 over the given strings, each terminated by its NUL so that
 * ("ab","c") and ("a","bc") differ; the list is closed by NULL, so a string
 * that may be NULL needs a substitute. Ends the process when memory ran out,
 * as httpd's pools do. Any thread, any key.
 * @param mac  out: 32 bytes
 */
void ecs_secrets_mac(const unsigned char key[ECS_KEY_BYTES],
                     unsigned char mac[ECS_KEY_BYTES], ...);

#endif
