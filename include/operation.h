/* SPDX-License-Identifier: MIT */
/*
 * operation.h - one row as an Operation Object of the OpenAPI document.
 */
#ifndef ECS_OPERATION_H
#define ECS_OPERATION_H

#include <apr_pools.h>
#include <jansson.h>
#include "route.h"

/* The document while it is made; its maker owns the references. */
typedef struct ecs_document_t {
    apr_pool_t *p;
    const ecs_app_t *apps;
    const char *server_url; /* NULL: the host that serves the document */
    json_t *paths;
    json_t *schemas; /* under #/components, like the next two */
    json_t *examples;
    json_t *responses;
} ecs_document_t;

/**
 * The unique name of a row's operation: "post_orders_by_id_cancel".
 */
const char *ecs_operation_name(apr_pool_t *p, const ecs_route_t *route);

/**
 * Describe a row under its path, and put what it shares with others into `doc`.
 */
void ecs_operation_add(const ecs_document_t *doc, const ecs_app_t *app,
                       const ecs_route_t *route);

#endif
