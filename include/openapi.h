/* SPDX-License-Identifier: MIT */
/*
 * openapi.h - the OpenAPI 3.1 document of all rows.
 */
#ifndef ECS_OPENAPI_H
#define ECS_OPENAPI_H

#include <apr_pools.h>
#include "route.h"

/**
 * Make the document, once at start-up.
 * @param apps        array closed by an app whose name is NULL; rows.h checks them
 * @param server_url  scheme and host without a trailing slash, or NULL for the
 *                    host that serves the document
 * @return JSON text in `p`, the same for the same rows
 */
const char *ecs_openapi_make(apr_pool_t *p, const ecs_app_t *apps,
                             const char *server_url);

#endif
