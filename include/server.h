/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the files of server/ share: the module's name for httpd's
 * log and configuration, and the hooks each file gives to mod_ecs.c.
 */
#ifndef ECS_SERVER_H
#define ECS_SERVER_H

#include <httpd.h>
#include <http_config.h>
#include "request.h"

extern module AP_MODULE_DECLARE_DATA ecs_module;
#ifndef ECS_MODULE_RECORD /* mod_ecs.c declares these itself */
APLOG_USE_MODULE(ecs);
#endif

#define ECS_HANDLER "ecs-api" /* SetHandler ecs-api */
#define ECS_BASE "/api"       /* where the shop's paths begin */

/* What a 401 says of the way to sign in; of a token that came and is no good
 * (RFC 6750 section 3). */
#define ECS_CHALLENGE "Bearer realm=\"api\""
#define ECS_CHALLENGE_INVALID ECS_CHALLENGE ", error=\"invalid_token\""

/* What is noted of a request before its handler runs. */
typedef struct ecs_note_t {
    const char *request_id;
    const ecs_identity_t *who;    /* the verified token, or NULL */
    const ecs_problem_t *problem; /* why it ends here, for the error filter */
    int session_is_good;          /* asked by Require ecs-role: 1 yes, -1 no */
} ecs_note_t;

/**
 * The note of a request, made on first use.
 */
ecs_note_t *ecs_note_of(request_rec *r);

/**
 * Is this a request for the shop: the server has a shop and the path lies
 * under ECS_BASE?
 */
int ecs_is_ours(const request_rec *r);

/*
 * The hooks, named as httpd names them. They decline what is not ours, and run
 * on the thread of their request; what registers runs once, at start-up.
 */

/** dispatch.c: a path of the shop is no file, and the handler answers it. */
int ecs_dispatch_translate_name(request_rec *r);
int ecs_dispatch_map_to_storage(request_rec *r);
int ecs_dispatch_handler(request_rec *r);

/** auth.c: AuthType ecs and Require ecs-role, by the token of the request. */
int ecs_auth_force_authn(request_rec *r);
int ecs_auth_check_authn(request_rec *r);
int ecs_auth_note_failure(request_rec *r, const char *type);
void ecs_auth_register_providers(apr_pool_t *p);

/** errors.c: below the shop httpd's own errors have the shop's shape. */
int ecs_errors_want_no_page(request_rec *r);
void ecs_errors_insert_filter(request_rec *r);
void ecs_errors_register_filter(void);

/** status.c: a part of mod_status's page, if that is loaded. */
void ecs_status_register(void);

/** db.c: whether mod_dbd is loaded. */
int ecs_db_is_available(void);

#endif
