/* SPDX-License-Identifier: MIT */
/*
 * refusals.h - which codes of core/problem.c a row may refuse with, and how
 * the OpenAPI document says so.
 */
#ifndef ECS_REFUSALS_H
#define ECS_REFUSALS_H

#include <apr_pools.h>
#include <jansson.h>
#include "problem.h"
#include "route.h"

/**
 * May the row refuse with this code? Either its `errors` name it, or the row
 * implies it by its method, path, roles, fields and flags.
 */
int ecs_refusals_has(const ecs_route_t *route, const char *code);

/**
 * The first word of the row's `errors` that is no code of core/problem.c.
 * @return the word in `p`, NULL when all are
 */
const char *ecs_refusals_unknown(apr_pool_t *p, const ecs_route_t *route);

/**
 * Describe all refusals of a row, one response per status with its codes in
 * an enumeration and an example of each in both media types. Rows that refuse
 * with the same codes share one response.
 * @param responses  in, out: the Responses Object of the operation
 * @param shared     in, out: #/components/responses of the document
 */
void ecs_refusals_describe(apr_pool_t *p, const ecs_route_t *route,
                           json_t *responses, json_t *shared);

/**
 * Add the schemas Error, ValidationError and Problem.
 * @param schemas  in, out: #/components/schemas of the document
 */
void ecs_refusals_schemas(json_t *schemas);

#endif
