/* SPDX-License-Identifier: MIT */
/*
 * form.h - a multipart form as the routes want it: a flat set of text fields,
 * and files of one name, which go elsewhere as they arrive.
 */
#ifndef ECS_FORM_H
#define ECS_FORM_H

#include <apr_pools.h>
#include <jansson.h>
#include "problem.h"

#define ECS_FORM_TEXT_MAX (64 * 1024) /* bytes of all text fields */

typedef struct ecs_form_t ecs_form_t;

/** Takes a piece of a file; none (length 0) says that a file begins. A problem
 * ends the reading. */
typedef ecs_problem_t *ecs_form_file_fn(void *baton, const char *bytes,
                                        apr_size_t length);

/**
 * @param boundary  of ecs_multipart_boundary()
 * @param file      name of the files' parts, NULL: no file is wanted
 * @param files_max  how many of them
 * @param take      gets the files, one after the other
 */
ecs_form_t *ecs_form_make(apr_pool_t *p, const char *boundary,
                          const char *file, int files_max,
                          ecs_form_file_fn *take, void *baton);

/**
 * Take the next bytes of the body.
 * @return NULL, or parse_error, too_large, or what `take` said
 */
ecs_problem_t *ecs_form_push(ecs_form_t *form, const char *bytes,
                             apr_size_t length);

/**
 * The body has ended.
 * @param fields  out: object of strings, released with the pool
 * @return NULL, parse_error, or the errors of fields: given too often, not
 *         UTF-8, a file where none belongs
 */
ecs_problem_t *ecs_form_finish(ecs_form_t *form, json_t **fields);

#endif
