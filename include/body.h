/* SPDX-License-Identifier: MIT */
/*
 * body.h - reading a request's body: whole, bounded, and before a database
 * connection is taken, so that a slow client holds nothing but its thread.
 */
#ifndef ECS_BODY_H
#define ECS_BODY_H

#include <httpd.h>
#include <jansson.h>
#include "problem.h"

#define ECS_BODY_BYTES_MAX (64 * 1024)    /* of JSON or a form */
#define ECS_BODY_TABLE_MAX (2 * 1024 * 1024) /* where a table is welcome */

typedef struct ecs_body_t {
    const char *text; /* what was said; of a multipart form its fields */
    apr_size_t length;
    json_t *value; /* parsed, NULL when there was no body */
    int is_form;   /* value's members are strings of a form */
    int is_table;  /* those of its rows are strings of a table */
} ecs_body_t;

/**
 * Takes a piece of a body; a problem ends the reading.
 */
typedef ecs_problem_t *ecs_body_sink_fn(void *baton, const char *bytes,
                                        apr_size_t length);

/**
 * Read and parse the body of a request.
 * @param takes_table  the row has ECS_R_CSV
 * @return NULL, or too_large (413), unsupported_media_type (415),
 *         malformed_json or malformed_csv (400), request_timeout (408)
 */
ecs_problem_t *ecs_body_read(request_rec *r, int takes_table,
                             ecs_body_t *body);

/**
 * Hand the body of a request on as it comes. No more than one piece of it is
 * in memory.
 * @param max  bytes; a body that says it has more is not read at all
 * @return NULL, too_large (413), request_timeout (408), or what `sink` said
 */
ecs_problem_t *ecs_body_stream(request_rec *r, apr_off_t max,
                               ecs_body_sink_fn *sink, void *baton);

#endif
