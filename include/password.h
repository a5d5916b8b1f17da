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
#define ECS_PASSWORD_BYTES_MAX 512

/**
 * Hash a new password with a fresh salt.
 * @return "$y$..." in `p`, NULL when crypt failed
 */
const char *ecs_password_hash(apr_pool_t *p, const char *password);

/**
 * Check a password in constant time against a hash ($y$, $2b$, $2y$, $6$;
 * other prefixes never match). With hash NULL it does the same work against a
 * fixed dummy hash and says no, so that unknown accounts take as long.
 */
int ecs_password_verify(apr_pool_t *p, const char *password, const char *hash);

/**
 * Should this hash be made anew at the next login (not yescrypt, or weaker
 * than today's cost)?
 */
int ecs_password_is_outdated(const char *hash);

/**
 * Is the password good enough? Too short, entirely numeric, among the common
 * ones (file of the system's or a built-in list of the most used), or like the
 * user's own data is refused with DRF's sentences.
 * @param own  user's own data (e-mail, username, names), closed by NULL
 * @return NULL when good, else the sentence
 */
const char *ecs_password_weakness(apr_pool_t *p, const char *password,
                                  const char *const *own);

#endif
