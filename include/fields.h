/* SPDX-License-Identifier: MIT */
/*
 * fields.h - from what a request brought to typed parameters, or to the list
 * of what is wrong with it.
 *
 * Messages are those of Django REST Framework, so that its clients find what
 * they know. Nothing is silently ignored: a member, form field or query
 * parameter that the row does not declare is an error.
 */
#ifndef ECS_FIELDS_H
#define ECS_FIELDS_H

#include <apr_pools.h>
#include <jansson.h>
#include "route.h"

typedef struct ecs_input_t {
    const json_t *body;       /* the parsed body, or NULL when there was none */
    int is_form;              /* body came as a form: its values are strings */
    int is_table;             /* it came as a table: those of its rows are */
    const char *query;        /* raw query string (r->args), or NULL */
    const char *const *path;  /* values of the path's {names}, in order */
    const char *cursor_key;   /* what cursors are signed with, 32 bytes */
} ecs_input_t;

/**
 * Check every field of the row and convert it to PostgreSQL's text form.
 * @param values   out: one entry per field of the row, NULL for absent/null
 * @param changes  out: for a PATCH row the provided body members as a JSON
 *                 object text (possibly "{}"), else NULL; their entries in
 *                 `values` stay NULL
 * @param p        everything returned lives here
 * @return NULL, or the problem with all field errors at once (400), or 404
 *         for a path id that cannot exist or a bad page or cursor
 */
ecs_problem_t *ecs_fields_read(const ecs_route_t *route, const ecs_input_t *in,
                               apr_pool_t *p, const char **values,
                               const char **changes);

/**
 * Number of fields of a row (0 for NULL).
 */
int ecs_fields_count(const ecs_field_t *fields);

/**
 * The value of the field of that name; NULL when it is absent or the row has
 * no such field.
 */
const char *ecs_fields_value(const ecs_route_t *route,
                             const char *const *values, const char *name);

/**
 * What the cursors of a list are bound to: the row's path and the ordering.
 * @param values  as ecs_fields_read() filled them
 */
const char *ecs_fields_cursor_scope(apr_pool_t *p, const ecs_route_t *route,
                                    const char *const *values);

/**
 * Decode an application/x-www-form-urlencoded text to a JSON object of
 * strings. A repeated name or a broken escape is refused.
 * @param out  a new reference, NULL on error; released with the pool
 */
ecs_problem_t *ecs_fields_of_form(apr_pool_t *p, const char *text,
                                  apr_size_t length, json_t **out);

#endif
