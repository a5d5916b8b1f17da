/* SPDX-License-Identifier: MIT */
/*
 * fields_types.h - one value of one field: checked, and put into the text form
 * that PostgreSQL reads.
 */
#ifndef ECS_FIELDS_TYPES_H
#define ECS_FIELDS_TYPES_H

#include <apr_pools.h>
#include <jansson.h>
#include "route.h"

/* A type's own limits, where a field says max 0. */
#define ECS_INT_MAX 2147483647       /* PostgreSQL's integer */
#define ECS_DECIMAL_MAX 999999999999 /* and so many below zero never */
#define ECS_DECIMAL_PLACES 6
#define ECS_STRING_MAX 255 /* characters */
#define ECS_TEXT_MAX 10000 /* characters */
#define ECS_EMAIL_MAX 254  /* characters */
#define ECS_LIST_MAX 100

/**
 * Convert a member of a JSON body, whose type must fit strictly.
 * @param value  not JSON null
 * @param out    the text for PostgreSQL, in `p` or part of the input; NULL
 *               when the value is empty, which only optional ones may be
 * @return NULL, or what is wrong with it
 */
const char *ecs_field_of_json(apr_pool_t *p, const ecs_field_t *field,
                              const json_t *value, const char **out);

/**
 * Convert a text of a path, a query string or a form.
 */
const char *ecs_field_of_text(apr_pool_t *p, const ecs_field_t *field,
                              const char *text, const char **out);

/**
 * A converted value as JSON: numbers and booleans bare, lists as arrays, all
 * else (money too) in quotes.
 */
const char *ecs_field_to_json(apr_pool_t *p, const ecs_field_t *field,
                              const char *text);

/**
 * What Python, and so DRF's messages, call the type of a value.
 */
const char *ecs_field_python_type(const json_t *value);

#endif
