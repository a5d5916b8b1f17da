/* SPDX-License-Identifier: MIT */
/*
 * schema_document.h - is an OpenAPI document sound, and does a server answer
 * as it says?
 */
#ifndef SCHEMA_DOCUMENT_H
#define SCHEMA_DOCUMENT_H

#include <jansson.h>

typedef struct schema_count_t {
    int references;
    int operations;
    int examples;
} schema_count_t;

/**
 * Check that every $ref leads somewhere, that names of operations are unique,
 * and that every example satisfies its schema.
 * @param count  out: how much was looked at; may be NULL
 * @return NULL, or what is wrong, until the next call of the same thread
 */
const char *schema_check_document(const json_t *document,
                                  schema_count_t *count);

/**
 * Check what a server answered against what the document says of it: the
 * operation is there, the status is listed, the media type too, and the body
 * satisfies its schema. HEAD is checked as a GET without a body. The errors
 * that httpd makes for any request (405, 406, 408, 411, 414, 431, and 404 for
 * a path that is not there) need not be listed, but must have a common form.
 * @param path  of the request, from "/", with or without its query
 * @param type  Content-Type with or without parameters, NULL for none
 * @param body  NULL for none, or when it is not JSON
 * @return as schema_check()
 */
const char *schema_check_answer(const json_t *document, const char *method,
                                const char *path, int status, const char *type,
                                const json_t *body);

#endif
