/* SPDX-License-Identifier: MIT */
/*
 * query.h - application/x-www-form-urlencoded texts: query strings and forms.
 */
#ifndef ECS_QUERY_H
#define ECS_QUERY_H

#include <apr_pools.h>
#include <apr_tables.h>
#include "problem.h"

#define ECS_QUERY_PAIRS_MAX 100 /* a request with more is refused */

typedef struct ecs_pair_t {
    const char *name;  /* decoded, valid UTF-8 without NUL */
    const char *value; /* the same; "" when there was no "=" */
} ecs_pair_t;

/**
 * Split and decode a text, "+" being a blank. Pairs that are broken or repeat
 * a name become field errors and are left out.
 * @param problem  in, out: collects the errors (validation_error)
 * @return array of ecs_pair_t in their order
 */
apr_array_header_t *ecs_query_read(apr_pool_t *p, const char *text,
                                   apr_size_t length, ecs_problem_t **problem);

/**
 * The value of a name, or NULL.
 */
const char *ecs_query_value(const apr_array_header_t *pairs, const char *name);

/**
 * Encode a name or a value as Python's quote_plus() does.
 */
const char *ecs_query_escape(apr_pool_t *p, const char *text);

#endif
