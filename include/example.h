/* SPDX-License-Identifier: MIT */
/*
 * example.h - example values for the OpenAPI document, made from types, bounds
 * and well-known names. Each satisfies the JSON Schema that schema.h makes of
 * the same thing.
 *
 * Functions return a new reference.
 */
#ifndef ECS_EXAMPLE_H
#define ECS_EXAMPLE_H

#include <apr_pools.h>
#include <jansson.h>
#include "route.h"
#include "schema.h"

/**
 * A value of a shape.
 * @param apps  where other schemas are looked up. A schema that contains
 *              itself ends at the first null, empty array or missing member.
 * @param name  of the member that has this shape, for a speaking value; NULL
 *              when there is none
 * @return NULL when a schema is unknown, unreadable or contains itself without
 *         end
 */
json_t *ecs_example_of_shape(apr_pool_t *p, const ecs_app_t *apps,
                             const ecs_shape_t *shape, const char *name);

/**
 * A value of a field that a client sends.
 */
json_t *ecs_example_of_field(apr_pool_t *p, const ecs_field_t *field);

/**
 * A body with all fields that belong there.
 */
json_t *ecs_example_of_body(apr_pool_t *p, const ecs_field_t *fields);

#endif
