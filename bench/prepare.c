/* SPDX-License-Identifier: MIT */
/*
 * prepare.c - what the load needs and the shop would be slow to give: access
 * tokens for thousands of users, and the hash of a password. Made with the
 * module's own code and the instance's key file.
 *
 *   prepare tokens KEYFILE FIRST COUNT   a token a line, of users FIRST ...
 *   prepare hash PASSWORD                its hash
 *
 * bench/seed.sql gives session n to user n, who is a buyer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "jwt.h"
#include "password.h"
#include "route.h"
#include "secrets.h"

#define TOKEN_LIFETIME_S (24 * 60 * 60)
#define AUDIENCE "mod_ecs" /* EcsTokenAudience when it is not set */

static int fail(const char *why)
{
    fprintf(stderr, "prepare: %s\n", why);
    return EXIT_FAILURE;
}

static int print_tokens(apr_pool_t *p, const char *key_file, long long first,
                        long long count)
{
    const char *error = NULL;
    ecs_secrets_t *keys = ecs_secrets_load(p, key_file, NULL, &error);
    apr_time_t now = apr_time_now();
    apr_pool_t *each;
    long long n;

    if (!keys) {
        return fail(error);
    }
    apr_pool_create(&each, p);
    for (n = first; n < first + count; n++) {
        ecs_identity_t who = {
            .user_id = n, .session_id = n, .role = ECS_USER
        };
        const char *token = ecs_jwt_issue(each, keys, AUDIENCE, &who, now,
                                          TOKEN_LIFETIME_S);

        if (!token) {
            return fail("cannot make a token");
        }
        puts(token);
        apr_pool_clear(each);
    }
    return EXIT_SUCCESS;
}

static int print_hash(apr_pool_t *p, const char *password)
{
    const char *hash = ecs_password_hash(p, password);

    if (!hash) {
        return fail("cannot hash this password");
    }
    puts(hash);
    return EXIT_SUCCESS;
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *p;
    int status;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) {
        return fail("cannot start APR");
    }
    apr_pool_create(&p, NULL);
    if (argc == 5 && !strcmp(argv[1], "tokens")) {
        status = print_tokens(p, argv[2], atoll(argv[3]), atoll(argv[4]));
    }
    else if (argc == 3 && !strcmp(argv[1], "hash")) {
        status = print_hash(p, argv[2]);
    }
    else {
        status = fail("usage: prepare tokens KEYFILE FIRST COUNT | "
                      "prepare hash PASSWORD");
    }
    apr_pool_destroy(p);
    apr_terminate();
    return status;
}
