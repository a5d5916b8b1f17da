/* SPDX-License-Identifier: MIT */
/*
 * schema_check.h - does a value satisfy a JSON Schema of an OpenAPI document?
 *
 * Knows type, properties, required, additionalProperties, min- and
 * maxProperties, items, min- and maxItems, uniqueItems, $ref, enum, const,
 * minimum, maximum, minLength, maxLength, pattern, anyOf, oneOf, allOf and not.
 * `format` and annotations are ignored; any other keyword is an error, so that
 * nothing passes because it was not understood.
 */
#ifndef SCHEMA_CHECK_H
#define SCHEMA_CHECK_H

#include <jansson.h>

/**
 * @param document  root of the references "#/..."
 * @return NULL, or a message that names the place in the value by its JSON
 *         pointer. It stays valid until the next call of the same thread.
 */
const char *schema_check(const json_t *document, const json_t *schema,
                         const json_t *value);

/**
 * The value a JSON pointer or a reference names: "#/paths/~1api~1", "/info".
 * @return a borrowed reference, NULL when there is none
 */
const json_t *schema_at(const json_t *document, const char *pointer);

#endif
