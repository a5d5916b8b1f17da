/* SPDX-License-Identifier: MIT */
/*
 * jwt.h - access tokens: HS256 only (RFC 7519, RFC 8725), a strict wrapper
 * around libjwt, which by itself takes the algorithm from the token and checks
 * no times.
 */
#ifndef ECS_JWT_H
#define ECS_JWT_H

#include <apr_pools.h>
#include <apr_time.h>
#include "secrets.h"

#define ECS_JWT_LENGTH_MAX 4096
#define ECS_JWT_LEEWAY_S 30 /* clocks may differ: iat and nbf, never exp */
#define ECS_JWT_ISSUER "mod_ecs"

typedef struct ecs_identity_t {
    long long user_id;    /* claim sub */
    long long session_id; /* claim sid */
    unsigned role;        /* claim role, one ECS_<ROLE> bit of route.h */
    apr_time_t issued_at;
    apr_time_t expires_at;
    const char *jti;
} ecs_identity_t;

/**
 * Make a token, signed by the current key.
 * @param who       user_id, session_id and role are needed; jti may be NULL
 *                  for 128 fresh random bits; the times are not looked at
 * @param audience  claim aud: the shop's public name
 * @param now       issued at; expires lifetime_s seconds later
 * @return the token in `p`; NULL when `who`, audience or lifetime are of no
 *         use, the token got longer than ECS_JWT_LENGTH_MAX, or libjwt failed
 */
const char *ecs_jwt_issue(apr_pool_t *p, const ecs_secrets_t *keys,
                          const char *audience, const ecs_identity_t *who,
                          apr_time_t now, int lifetime_s);

/**
 * Verify a token completely: form (three canonical base64url parts, at most
 * ECS_JWT_LENGTH_MAX), header exactly {"alg":"HS256","typ":"JWT"} in any order
 * and nothing else, signature in constant time by the current or the previous
 * key, then exp, iat, iss, aud, sub, sid, role, jti, each of the type that is
 * issued, and nbf if there is one. Expired means now >= exp. Takes some 10 us;
 * any thread.
 * @param who  out, filled on success only
 * @return NULL on success, else why not ("expired", "malformed", "signature",
 *         "claims"): for the log, never for the client
 */
const char *ecs_jwt_verify(apr_pool_t *p, const ecs_secrets_t *keys,
                           const char *audience, const char *token,
                           apr_time_t now, ecs_identity_t *who);

/**
 * The role word for a role bit and back ("seller" <-> ECS_SELLER); NULL and 0
 * for what is no role.
 */
const char *ecs_role_name(unsigned role);
unsigned ecs_role_of_name(const char *name);

#endif
