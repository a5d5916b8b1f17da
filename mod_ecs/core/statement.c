/* SPDX-License-Identifier: MIT */
/*
 * statement.c - from a row to the one statement that is its endpoint.
 *
 * Parameters are named, so a row and its function agree by name and not by
 * position; a mismatch is an error of the first prepare.
 */
#include "statement.h"

#include <apr_strings.h>

static const char CALLER[] = "ecs_api.caller($1, $2, $3, $4, $5, $6)";

int ecs_statement_passes(const ecs_route_t *route, const ecs_field_t *field)
{
    if (field->flags & ECS_SECRET) {
        return 0;
    }
    return field->in != ECS_IN_BODY || !ecs_route_patches(route);
}

/* "ecs_api.cart_add(p_me => …, p_product => $7, p_quantity => $8)" */
static const char *call_text(apr_pool_t *p, const ecs_route_t *route,
                             const char *me, int first)
{
    const ecs_field_t *field;
    const char *text = apr_pstrcat(p, "ecs_api.", route->call,
                                   "(p_me => ", me, NULL);
    int n = first;

    for (field = route->fields; field && field->name; field++) {
        if (ecs_statement_passes(route, field)) {
            text = apr_psprintf(p, "%s, p_%s => $%d", text, field->name, n++);
        }
    }
    if (ecs_route_patches(route)) {
        text = apr_psprintf(p, "%s, p_changes => $%d", text, n);
    }
    return apr_pstrcat(p, text, ")", NULL);
}

static void compose(apr_pool_t *p, const ecs_route_t *route,
                    ecs_statement_t *statement)
{
    if (route->flags & ECS_R_CARRIED) {
        statement->carried = apr_psprintf(
            p, "SELECT * FROM ecs_api.%s(p_%s => $1, p_items => $2)",
            route->call, route->fields[0].name);
        return;
    }
    statement->by_caller = apr_pstrcat(
        p, "SELECT * FROM ",
        call_text(p, route, CALLER, ECS_STATEMENT_CALLER_PARAMS + 1), NULL);
    if ((route->roles & ECS_PUBLIC) && !ecs_route_writes(route)) {
        statement->anonymous = apr_pstrcat(
            p, "SELECT * FROM ", call_text(p, route, "NULL", 1), NULL);
    }
    if (ecs_route_writes(route) && !(route->flags & ECS_R_NO_REPLAY)) {
        statement->keyed = apr_pstrcat(
            p, "SELECT e.* FROM ecs_api.request_begin("
               "$1, $2, $3, $4, $5, $6, $7, $8) b, "
               "LATERAL ecs_api.request_end(b.scope, b.key, b.fingerprint, "
               "CASE WHEN b.replayed THEN b.replay ELSE ",
            call_text(p, route, "b.me", ECS_STATEMENT_KEY_PARAMS + 1),
            " END) e", NULL);
    }
}

const ecs_statement_t *ecs_statements_make(apr_pool_t *p,
                                           const ecs_router_t *router)
{
    int count = ecs_router_count(router);
    ecs_statement_t *all = apr_pcalloc(p, sizeof(*all) * (apr_size_t)count);
    int i;

    for (i = 0; i < count; i++) {
        const ecs_route_t *route = ecs_router_route(router, i);

        if (route->call) {
            compose(p, route, &all[i]);
        }
    }
    return all;
}
