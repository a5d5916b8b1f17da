/* SPDX-License-Identifier: MIT */
/*
 * statement.h - the SQL text of a row, composed once at start-up.
 *
 * It comes in three forms: by somebody (or nobody) whom ecs_api.caller knows,
 * for an anonymous read (no caller at all), and under an Idempotency-Key. The
 * gateway functions are in sql/api/01_gateway.sql. A carried row has one form of
 * its own, for several requests.
 */
#ifndef ECS_STATEMENT_H
#define ECS_STATEMENT_H

#include <apr_pools.h>
#include "route.h"

/* Parameters that come before those of the fields. */
#define ECS_STATEMENT_CALLER_PARAMS 6 /* of ecs_api.caller */
#define ECS_STATEMENT_KEY_PARAMS 8    /* of ecs_api.request_begin */
#define ECS_STATEMENT_PARAMS_MAX 64

typedef struct ecs_statement_t {
    const char *by_caller;
    const char *anonymous; /* NULL unless the row is a public read */
    const char *keyed;     /* NULL unless the row writes and may be replayed */
    const char *carried;   /* of a row with ECS_R_CARRIED, the only one */
} ecs_statement_t;

/**
 * Compose the statements of all rows, indexed like the router's.
 */
const ecs_statement_t *ecs_statements_make(apr_pool_t *p,
                                           const ecs_router_t *router);

/**
 * Is this field of the row a parameter of its own? Secrets never reach the
 * database, and a PATCH row's body members travel together as p_changes.
 */
int ecs_statement_passes(const ecs_route_t *route, const ecs_field_t *field);

#endif
