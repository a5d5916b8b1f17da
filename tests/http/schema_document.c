/* SPDX-License-Identifier: MIT */
/*
 * schema_document.c - finds in the document what it promises, and asks
 * schema_check.c whether the promise is kept.
 */
#include "schema_document.h"
#include "schema_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_BYTES 1024

__attribute__((format(printf, 1, 2))) static const char *
say(const char *format, ...)
{
    static _Thread_local char message[MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return message;
}

/* ---- the document itself ---- */

typedef struct audit_t {
    const json_t *document;
    json_t *operations; /* their names so far */
    schema_count_t *count;
} audit_t;

static const json_t *follow(const json_t *document, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "$ref"));

    return name ? schema_at(document, name) : object;
}

static const char *audit_ref(const audit_t *audit, const json_t *object)
{
    const char *ref = json_string_value(json_object_get(object, "$ref"));

    audit->count->references += ref != NULL;
    return ref == NULL || schema_at(audit->document, ref) != NULL
               ? NULL
               : say("%s leads nowhere", ref);
}

static const char *audit_name(const audit_t *audit, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object,
                                                         "operationId"));

    if (name == NULL) {
        return NULL;
    }
    if (json_object_get(audit->operations, name) != NULL) {
        return say("operationId %s is there twice", name);
    }
    json_object_set_new(audit->operations, name, json_true());
    audit->count->operations++;
    return NULL;
}

static const char *audit_example(const audit_t *audit, const json_t *schema,
                                 const json_t *example)
{
    const char *error = schema_check(audit->document, schema, example);
    char *text = json_dumps(example, JSON_ENCODE_ANY | JSON_COMPACT);

    error = error ? say("example %.300s: %s", text ? text : "", error) : NULL;
    free(text);
    audit->count->examples++;
    return error;
}

/* Whatever has a schema and examples: media types, parameters. */
static const char *audit_examples(const audit_t *audit, const json_t *object)
{
    const json_t *schema = json_object_get(object, "schema");
    json_t *examples = json_object_get(object, "examples"), *example;
    const char *error = NULL, *name;

    if (!json_is_object(schema)) {
        return NULL;
    }
    example = json_object_get(object, "example");
    if (example != NULL) {
        error = audit_example(audit, schema, example);
    }
    json_object_foreach(examples, name, example)
    {
        if (error == NULL) {
            error = audit_example(
                audit, schema,
                json_object_get(follow(audit->document, example), "value"));
        }
    }
    return error;
}

static const char *audit_value(const audit_t *audit, const json_t *value)
{
    const char *error = NULL, *name;
    json_t *member;
    size_t i;

    if (json_is_object(value)) {
        error = audit_ref(audit, value);
        error = error ? error : audit_name(audit, value);
        error = error ? error : audit_examples(audit, value);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        error = error ? error : audit_value(audit, member);
    }
    json_array_foreach((json_t *)value, i, member)
    {
        error = error ? error : audit_value(audit, member);
    }
    return error;
}

const char *schema_check_document(const json_t *document,
                                  schema_count_t *count)
{
    schema_count_t own = {0, 0, 0};
    audit_t audit = {document, json_object(), count ? count : &own};
    const char *error;

    *audit.count = own;
    error = audit_value(&audit, document);
    json_decref(audit.operations);
    return error;
}

/* ---- answers ---- */

/* Does a path fit a template? Counts its literal segments, -1 for no. */
static int fit(const char *path, const char *template)
{
    int literals = 0;

    while (*path == '/' && *template == '/') {
        size_t length = strcspn(++path, "/?");
        size_t wanted = strcspn(++template, "/");

        if (*template != '{') {
            if (length != wanted || strncmp(path, template, length) != 0) {
                return -1;
            }
            literals += length > 0;
        }
        else if (length == 0) {
            return -1;
        }
        path += length;
        template += wanted;
    }
    /* "/api/cart" is "/api/cart/". */
    path += *path == '/';
    template += *template == '/';
    return (*path == '\0' || *path == '?') && *template == '\0' ? literals
                                                                : -1;
}

static const json_t *find_path(const json_t *document, const char *path)
{
    const json_t *paths = json_object_get(document, "paths");
    const json_t *best = NULL;
    const char *template;
    json_t *item;
    int most = -1;

    json_object_foreach((json_t *)paths, template, item)
    {
        int literals = fit(path, template);

        if (literals > most) {
            most = literals;
            best = item;
        }
    }
    return best;
}

static int is_httpds_own(int status, const json_t *item)
{
    static const int statuses[] = {405, 406, 408, 411, 414, 431};
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i] == status) {
            return 1;
        }
    }
    return status == 404 && item == NULL;
}

/* The media type object for a Content-Type without its parameters. */
static const json_t *find_media(const json_t *content, const char *type)
{
    size_t length = strcspn(type, "; ");
    const char *name;
    json_t *media;

    json_object_foreach((json_t *)content, name, media)
    {
        if (strlen(name) == length && strncasecmp(name, type, length) == 0) {
            return media;
        }
    }
    return NULL;
}

static const char *check_common_error(const json_t *document, const char *type,
                                      const json_t *body)
{
    int is_problem = type != NULL && strstr(type, "problem+json") != NULL;

    return schema_check(document,
                        schema_at(document,
                                  is_problem ? "#/components/schemas/Problem"
                                             : "#/components/schemas/Error"),
                        body);
}

static const char *check_body(const json_t *document, const json_t *response,
                              const char *type, const json_t *body)
{
    const json_t *content = json_object_get(response, "content");
    const json_t *media, *schema;

    if (content == NULL) {
        return body == NULL && type == NULL
                   ? NULL
                   : say("there is a body, the document has none");
    }
    if (type == NULL) {
        return say("there is no body, the document has one");
    }
    media = find_media(content, type);
    if (media == NULL) {
        return say("the document does not list %s", type);
    }
    schema = json_object_get(media, "schema");
    if (body == NULL && strstr(type, "json") == NULL) {
        return NULL;
    }
    return schema ? schema_check(document, schema, body) : NULL;
}

const char *schema_check_answer(const json_t *document, const char *method,
                                const char *path, int status, const char *type,
                                const json_t *body)
{
    const json_t *item = find_path(document, path), *operation, *response;
    int is_head = strcasecmp(method, "HEAD") == 0;
    char key[16];
    size_t i;

    if (is_httpds_own(status, item)) {
        return is_head ? NULL : check_common_error(document, type, body);
    }
    for (i = 0; i + 1 < sizeof(key) && method[i] != '\0'; i++) {
        key[i] = (char)tolower((unsigned char)method[i]);
    }
    key[i] = '\0';
    operation = json_object_get(item, is_head ? "get" : key);
    if (operation == NULL) {
        return say("the document has no %s %s", method, path);
    }
    snprintf(key, sizeof(key), "%d", status);
    response = follow(document, json_object_get(
                                    json_object_get(operation, "responses"),
                                    key));
    if (response == NULL) {
        return say("%s %s does not list status %d", method, path,
                     status);
    }
    return is_head ? NULL : check_body(document, response, type, body);
}
