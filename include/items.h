/* SPDX-License-Identifier: MIT */
/*
 * items.h - a list of objects in a body: a field of type ECS_T_ITEMS.
 *
 * Its objects are read as a body is, by the fields in `members`: nothing is
 * silently ignored, and what is wrong is told for each object by member, as
 * Django REST Framework does: {"items": [{}, {"quantity": ["..."]}]}.
 */
#ifndef ECS_ITEMS_H
#define ECS_ITEMS_H

#include <apr_pools.h>
#include <jansson.h>
#include "problem.h"
#include "route.h"

/**
 * Check the objects of a list.
 * @param field    of type ECS_T_ITEMS
 * @param list     a JSON array of a length the field allows
 * @param is_table the values are texts, as a CSV file has them
 * @param problem  in, out: made or extended when an object is wrong
 * @return the array as JSON text for PostgreSQL: values in their normal form,
 *         defaults filled in, members without a value left out. NULL when an
 *         object is wrong.
 */
const char *ecs_items_read(apr_pool_t *p, const ecs_field_t *field,
                           const json_t *list, int is_table,
                           ecs_problem_t **problem);

#endif
