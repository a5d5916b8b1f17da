/* SPDX-License-Identifier: MIT */
/*
 * json.h - strict reading of request bodies and the few places where C writes
 * JSON. Responses are made by PostgreSQL and pass through untouched.
 */
#ifndef ECS_JSON_H
#define ECS_JSON_H

#include <apr_pools.h>
#include <jansson.h>
#include "problem.h"

#define ECS_JSON_DEPTH_MAX 16
#define ECS_JSON_VALUES_MAX 65536

/**
 * Parse a request body: UTF-8, no duplicate keys, no NUL in strings, nesting
 * up to ECS_JSON_DEPTH_MAX, no more than ECS_JSON_VALUES_MAX values, nothing
 * behind the value, no BOM. A number that would not keep its digits (exponent,
 * more than 15 digits with a point, an integer beyond 64 bits) arrives as a
 * string of its text.
 * @param out  the value; released with the pool
 * @return NULL, or the problem `malformed_json` with line and column
 */
ecs_problem_t *ecs_json_parse(apr_pool_t *p, const char *text,
                              apr_size_t length, json_t **out);

/**
 * A JSON string literal with its quotes; <, > and U+2028/9 escaped too.
 */
const char *ecs_json_quote(apr_pool_t *p, const char *text);

/**
 * Serialise a value compactly into the pool.
 */
const char *ecs_json_dump(apr_pool_t *p, const json_t *value);

/**
 * Release a jansson reference when the pool goes.
 * @return the same value
 */
json_t *ecs_json_own(apr_pool_t *p, json_t *value);

#endif
