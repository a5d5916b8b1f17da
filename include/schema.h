/* SPDX-License-Identifier: MIT */
/*
 * schema.h - the shapes of JSON, read from route.h's short notation and
 * written as JSON Schema 2020-12.
 *
 * Functions that return json_t * return a new reference.
 */
#ifndef ECS_SCHEMA_H
#define ECS_SCHEMA_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>
#include "route.h"

typedef enum ecs_kind_e {
    ECS_K_ID,     /* id: positive 64-bit integer */
    ECS_K_INT,    /* int */
    ECS_K_NUM,    /* num: any number */
    ECS_K_BOOL,   /* bool */
    ECS_K_STR,    /* str: one line */
    ECS_K_TEXT,   /* text */
    ECS_K_MONEY,  /* money: "12.50" */
    ECS_K_TIME,   /* time: RFC 3339, UTC */
    ECS_K_DATE,   /* date: YYYY-MM-DD */
    ECS_K_EMAIL,  /* email */
    ECS_K_URL,    /* url: absolute, or a path on this host */
    ECS_K_JSON,   /* json: anything */
    ECS_K_CHOICE, /* "A|B|C" */
    ECS_K_SCHEMA, /* the name of a schema, capitalised */
    ECS_K_ARRAY   /* "[type]" */
} ecs_kind_e;

typedef struct ecs_shape_t {
    ecs_kind_e kind;
    int nullable;                    /* trailing "?" */
    const char *word;                /* CHOICE: its words; SCHEMA: the name */
    const struct ecs_shape_t *items; /* ARRAY */
} ecs_shape_t;

typedef struct ecs_member_t {
    const char *name;
    int optional; /* leading "~" */
    const ecs_shape_t *shape;
} ecs_member_t;

/*
 * What a row answers with. Its `answer` is a list of words:
 *   a type      mostly a schema's name; for a list the schema of one result
 *   +Name       lists only: the members of this schema stand in the envelope
 *               too (`extra` of ecs.answer)
 *   image/png   another media type it can answer with
 * as in "Proof image/png image/svg+xml", "Notification +Unread", "text/plain".
 */
typedef struct ecs_row_answer_t {
    const char *type;           /* NULL when it answers with no JSON */
    apr_array_header_t *extras; /* of const char *, schema names */
    apr_array_header_t *media;  /* of const char * */
} ecs_row_answer_t;

/**
 * Read one type: "money", "str?", "A|B", "Order", "[Order]?".
 * @param error  out, on failure: what is wrong, in `p`
 * @return the shape in `p`, or NULL. Whether a named schema exists is not
 *         checked here.
 */
ecs_shape_t *ecs_shape_parse(apr_pool_t *p, const char *text,
                             const char **error);

/**
 * The members of a schema.
 * @return array of ecs_member_t in `p`, or NULL with *error set, also for a
 *         member that is there twice
 */
apr_array_header_t *ecs_schema_members(apr_pool_t *p,
                                       const ecs_schema_t *schema,
                                       const char **error);

/**
 * The schema of that name among all apps, or NULL.
 */
const ecs_schema_t *ecs_schema_find(const ecs_app_t *apps, const char *name);

/**
 * JSON Schema of a shape. Another schema is a $ref into #/components/schemas.
 */
json_t *ecs_shape_json(apr_pool_t *p, const ecs_shape_t *shape);

/**
 * JSON Schema of a schema: a closed object with all members required but the
 * optional ones. A schema that cannot be read is one that nothing satisfies.
 */
json_t *ecs_schema_json(apr_pool_t *p, const ecs_schema_t *schema);

/**
 * JSON Schema of a field's value as clients may send it, with its bounds,
 * default and description.
 */
json_t *ecs_schema_of_field(apr_pool_t *p, const ecs_field_t *field);

/**
 * JSON Schema of the fields a client sends in the body; required members are
 * listed, others refused.
 */
json_t *ecs_schema_of_body(apr_pool_t *p, const ecs_field_t *fields);

/**
 * The words of a row's `answer`, sorted.
 */
ecs_row_answer_t ecs_schema_of_answer(apr_pool_t *p, const ecs_route_t *route);

#endif
