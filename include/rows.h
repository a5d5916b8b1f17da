/* SPDX-License-Identifier: MIT */
/*
 * rows.h - find what cannot be meant in the rows, before anybody calls them.
 */
#ifndef ECS_ROWS_H
#define ECS_ROWS_H

#include <apr_pools.h>
#include "route.h"

/**
 * Check what the compiler cannot see: methods and statuses, types, schemas and
 * codes that do not exist, names that are there twice, path fields that do not
 * fit their template, defaults that their own field refuses, answers no value
 * can have.
 * @param apps  array closed by an app whose name is NULL
 * @return NULL, or the first such thing and where it stands, in `p`
 */
const char *ecs_rows_check(apr_pool_t *p, const ecs_app_t *apps);

#endif
