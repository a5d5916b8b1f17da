/* SPDX-License-Identifier: MIT */
/*
 * password.h - password hashes by crypt_r (yescrypt), and the rules for new
 * passwords. Hashing is slow on purpose: callers limit how many run at once
 * (server/gate.c) and hold no database connection meanwhile.
 */
#ifndef ECS_PASSWORD_H
#define ECS_PASSWORD_H

#include <apr_pools.h>

#define ECS_PASSWORD_CHARS_MIN 10
#define ECS_PASSWORD_BYTES_MAX 512 /* crypt's limit, with the final NUL */

/**
 * Hash a new password with a fresh salt.
 * @return "$y$..." in `p`, NULL when crypt failed or the password has more
 *         than 511 bytes (ecs_password_weakness refuses those before)
 */
const char *ecs_password_hash(apr_pool_t *p, const char *password);

/**
 * Check a password in constant time against a hash ($y$, $2b$, $2y$, $6$;
 * other prefixes never match). With hash NULL it does the same work against a
 * fixed dummy hash and says no, so that unknown accounts take as long; so it
 * does for a hash that is none and for a password longer than 511 bytes.
 * @return 1 when they match, else 0
 */
int ecs_password_verify(apr_pool_t *p, const char *password, const char *hash);

/**
 * Should this hash be made anew at the next login (not yescrypt, or weaker
 * than today's cost)?
 */
int ecs_password_is_outdated(const char *hash);

/**
 * Is the password good enough? Too short, too long for crypt, among the common
 * ones (a built-in list of the most used, also with digits and signs around
 * it, look-alikes like p@ssw0rd, or said twice), entirely numeric, or like the
 * user's own data is refused, with the sentences of Django's validators.
 * @param own  user's own data in this order: e-mail, username, first name,
 *             last name, further ones; "" for what is not known; closed by
 *             NULL. The place decides the name in the sentence. Compared
 *             without regard to ASCII case, an e-mail by its local part, from
 *             four characters on. May be NULL.
 * @return NULL when good, else the sentence
 */
const char *ecs_password_weakness(apr_pool_t *p, const char *password,
                                  const char *const *own);

#endif
