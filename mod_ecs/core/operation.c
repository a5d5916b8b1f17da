/* SPDX-License-Identifier: MIT */
/*
 * operation.c - a row, told to people and programs: its parameters, bodies and
 * answers. What other rows say, too, is put under #/components when the first
 * row needs it.
 */
#include "operation.h"
#include "example.h"
#include "jwt.h"
#include "refusals.h"
#include "schema.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define CSV_TYPE "text/csv"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define MULTIPART_TYPE "multipart/form-data"
#define PAGE_SUFFIX "Page"
#define BODY_SUFFIX "_body"

static json_t *ref(const char *where, const char *name)
{
    return json_pack("{s:s++}", "$ref", "#/components/", where, name);
}

static int is_list(const ecs_route_t *route)
{
    return (route->flags & ECS_R_LIST) != 0;
}

static const char *word_at(const apr_array_header_t *words, int i)
{
    return APR_ARRAY_IDX(words, i, const char *);
}

/* ---- pages ---- */

static const char *page_name(apr_pool_t *p, const ecs_row_answer_t *answer)
{
    const char *name = apr_pstrcat(p, answer->type, PAGE_SUFFIX, NULL);
    int i;

    for (i = 0; i < answer->extras->nelts; i++) {
        name = apr_pstrcat(p, name, word_at(answer->extras, i), NULL);
    }
    return name;
}

static json_t *link_schema(const char *description)
{
    return json_pack("{s:[s, s], s:s, s:s}", "type", "string", "null",
                     "format", "uri", "description", description);
}

/* Put the members of a further schema into the envelope. */
static void add_extra(const ecs_document_t *doc, const char *name, json_t *page)
{
    const ecs_schema_t *schema = ecs_schema_find(doc->apps, name);
    json_t *extra = schema ? ecs_schema_json(doc->p, schema) : NULL;

    json_object_update(json_object_get(page, "properties"),
                       json_object_get(extra, "properties"));
    json_array_extend(json_object_get(page, "required"),
                      json_object_get(extra, "required"));
    json_decref(extra);
}

static json_t *page_schema(const ecs_document_t *doc,
                           const ecs_row_answer_t *answer)
{
    json_t *page = json_pack(
        "{s:s, s:{s:{s:s, s:i, s:s}, s:o, s:o}, s:[s, s], s:b}", "type",
        "object", "properties", "count", "type", "integer", "minimum", 0,
        "description", "Results in all; not there in cursor mode.", "next",
        link_schema("The next page, null on the last one."), "previous",
        link_schema("The page before, null on the first one."), "required",
        "next", "previous", "additionalProperties", 0);
    int i;

    for (i = 0; i < answer->extras->nelts; i++) {
        add_extra(doc, word_at(answer->extras, i), page);
    }
    json_object_set_new(json_object_get(page, "properties"), "results",
                        json_pack("{s:s, s:o}", "type", "array", "items",
                                  ref("schemas/", answer->type)));
    json_array_append_new(json_object_get(page, "required"),
                          json_string("results"));
    return page;
}

static json_t *named_example(const ecs_document_t *doc, const char *type)
{
    const char *error = NULL;
    const ecs_shape_t *shape = ecs_shape_parse(doc->p, type, &error);

    return shape ? ecs_example_of_shape(doc->p, doc->apps, shape, NULL) : NULL;
}

static json_t *page_example(const ecs_document_t *doc, const ecs_route_t *route,
                            const ecs_row_answer_t *answer)
{
    json_t *page = json_pack("{s:i, s:s++, s:n}", "count", 41, "next",
                             doc->server_url ? doc->server_url
                                             : "https://localhost",
                             route->path, "?page=2", "previous");
    int i;

    for (i = 0; i < answer->extras->nelts; i++) {
        json_t *extra = named_example(doc, word_at(answer->extras, i));

        json_object_update(page, extra);
        json_decref(extra);
    }
    json_object_set_new(page, "results",
                        json_pack("[o*]", named_example(doc, answer->type)));
    return page;
}

static void add_example(const ecs_document_t *doc, const char *name,
                        json_t *value)
{
    json_object_set_new(doc->examples, name,
                        json_pack("{s:o*}", "value", value));
}

/* The page's schema and example under #/components, once. */
static const char *need_page(const ecs_document_t *doc,
                             const ecs_route_t *route,
                             const ecs_row_answer_t *answer)
{
    const char *name = page_name(doc->p, answer);

    if (json_object_get(doc->schemas, name) == NULL) {
        json_object_set_new(doc->schemas, name, page_schema(doc, answer));
        add_example(doc, name, page_example(doc, route, answer));
    }
    return name;
}

/* ---- parameters ---- */

static json_t *parameter(const ecs_document_t *doc, const ecs_field_t *field)
{
    int in_path = field->in == ECS_IN_PATH;
    int required = in_path || (field->flags & ECS_REQUIRED);
    json_t *schema = ecs_schema_of_field(doc->p, field);
    json_t *object =
        json_pack("{s:s, s:s, s:b, s:s*}", "name", field->name, "in",
                  in_path ? "path" : "query", "required", required,
                  "description", field->help);

    json_object_del(schema, "description");
    json_object_set_new(object, "schema", schema);
    if (field->type == ECS_T_CURSOR) {
        json_object_set_new(object, "allowEmptyValue", json_true());
    }
    /* Viewers send examples: one of a filter would narrow every list. */
    if (required) {
        json_object_set_new(object, "example",
                            ecs_example_of_field(doc->p, field));
    }
    return object;
}

static json_t *parameters(const ecs_document_t *doc, const ecs_route_t *route)
{
    json_t *all = json_array();
    const ecs_field_t *field;

    for (field = route->fields; field && field->name != NULL; field++) {
        if (field->in == ECS_IN_PATH || field->in == ECS_IN_QUERY) {
            json_array_append_new(all, parameter(doc, field));
        }
    }
    if (ecs_refusals_has(route, "idempotency_key_reused")) {
        json_array_append_new(all, ref("parameters/", "IdempotencyKey"));
    }
    else if (ecs_route_writes(route)) {
        json_array_append_new(all, ref("parameters/", "IdempotencyKeyUnused"));
    }
    if (ecs_refusals_has(route, "stale")) {
        json_array_append_new(all, ref("parameters/", "IfMatch"));
    }
    return all;
}

/* ---- bodies ---- */

static int has_body(const ecs_route_t *route, unsigned flags)
{
    const ecs_field_t *field;

    for (field = route->fields; field && field->name != NULL; field++) {
        if (field->in == ECS_IN_BODY && (field->flags & flags) == flags) {
            return 1;
        }
    }
    return 0;
}

/* A form's value is a text, and no list. */
static int has_list(const ecs_route_t *route)
{
    const ecs_field_t *field = route->fields;

    while (field && field->name != NULL && field->type != ECS_T_IDS &&
           field->type != ECS_T_ITEMS) {
        field++;
    }
    return field && field->name != NULL;
}

static json_t *media(const char *schema, const char *name)
{
    return json_pack("{s:o, s:{s:o}}", "schema", ref("schemas/", schema),
                     "examples", "example", ref("examples/", name));
}

static json_t *file_schema(void)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", "binary");
}

static json_t *files_schema(const ecs_route_t *route)
{
    return route->images_max > 1
               ? json_pack("{s:s, s:o, s:i}", "type", "array", "items",
                           file_schema(), "maxItems", route->images_max)
               : file_schema();
}

/* The fields of the form and the file among them, or the file alone. */
static json_t *picture_body(const ecs_document_t *doc, const ecs_route_t *route)
{
    static const char *const types[] = {"image/jpeg", "image/png",
                                        "image/webp"};
    int may_miss = (route->flags & ECS_R_MAY_IMAGE) != 0;
    json_t *form = ecs_schema_of_body(doc->p, route->fields);
    json_t *content = json_object();
    size_t i;

    json_object_set_new(json_object_get(form, "properties"), route->image,
                        files_schema(route));
    if (!may_miss) {
        if (json_object_get(form, "required") == NULL) {
            json_object_set_new(form, "required", json_array());
        }
        json_array_append_new(json_object_get(form, "required"),
                              json_string(route->image));
    }
    json_object_set_new(content, MULTIPART_TYPE,
                        json_pack("{s:o}", "schema", form));
    for (i = 0; i < 3 && !has_body(route, ECS_REQUIRED); i++) {
        json_object_set_new(content, types[i],
                            json_pack("{s:o}", "schema", file_schema()));
    }
    return content;
}

static json_t *text_body(const ecs_document_t *doc, const ecs_route_t *route)
{
    const char *name = apr_pstrcat(
        doc->p, ecs_operation_name(doc->p, route), BODY_SUFFIX, NULL);
    json_t *content = json_object();

    json_object_set_new(doc->schemas, name,
                        ecs_schema_of_body(doc->p, route->fields));
    add_example(doc, name, ecs_example_of_body(doc->p, route->fields));
    json_object_set_new(content, JSON_TYPE, media(name, name));
    if (!has_list(route)) {
        json_object_set_new(content, FORM_TYPE, media(name, name));
        json_object_set_new(content, MULTIPART_TYPE, media(name, name));
    }
    if (route->flags & ECS_R_CSV) {
        json_object_set_new(content, CSV_TYPE,
                            json_pack("{s:{s:s}}", "schema", "type",
                                      "string"));
    }
    return content;
}

static json_t *request_body(const ecs_document_t *doc, const ecs_route_t *route)
{
    int needs_image = route->image && !(route->flags & ECS_R_MAY_IMAGE);
    json_t *content = json_object();

    if (!needs_image) {
        json_t *texts = text_body(doc, route);

        json_object_update(content, texts);
        json_decref(texts);
    }
    if (route->image) {
        json_t *pictures = picture_body(doc, route);

        json_object_update(content, pictures);
        json_decref(pictures);
    }
    return json_pack("{s:b, s:o}", "required",
                     needs_image || has_body(route, ECS_REQUIRED), "content",
                     content);
}

/* ---- answers ---- */

/* Every answer to a GET has a validator, and those to changes of an object. */
static int has_etag(const ecs_route_t *route)
{
    return route->answer != NULL && !(route->flags & ECS_R_STREAM) &&
           strcmp(route->method, "POST") != 0 &&
           strcmp(route->method, "DELETE") != 0;
}

static void add_header(json_t *headers, const char *name,
                       const char *component)
{
    json_object_set_new(headers, name, ref("headers/", component));
}

static json_t *success_headers(const ecs_route_t *route)
{
    json_t *headers = json_object();

    add_header(headers, "X-Request-Id", "RequestId");
    if (route->status == 201) {
        add_header(headers, "Location", "Location");
    }
    if (has_etag(route)) {
        add_header(headers, "ETag", "ETag");
    }
    if (is_list(route)) {
        add_header(headers, "Link", "Link");
    }
    if (ecs_refusals_has(route, "idempotency_key_reused")) {
        add_header(headers, "Idempotent-Replayed", "IdempotentReplayed");
    }
    return headers;
}

/* An answer that is no schema's name alone: "[Category]", "json". */
static json_t *inline_media(const ecs_document_t *doc, const char *type)
{
    const char *error = NULL;
    const ecs_shape_t *shape = ecs_shape_parse(doc->p, type, &error);

    if (shape == NULL) {
        return json_object();
    }
    return json_pack("{s:o, s:o*}", "schema", ecs_shape_json(doc->p, shape),
                     "example", named_example(doc, type));
}

static json_t *success_content(const ecs_document_t *doc,
                               const ecs_route_t *route)
{
    const ecs_row_answer_t answer = ecs_schema_of_answer(doc->p, route);
    json_t *content = json_object();
    int i;

    if (answer.type != NULL && is_list(route)) {
        const char *name = need_page(doc, route, &answer);

        json_object_set_new(content, JSON_TYPE, media(name, name));
    }
    else if (ecs_schema_find(doc->apps, answer.type ? answer.type : "")) {
        add_example(doc, answer.type, named_example(doc, answer.type));
        json_object_set_new(content, JSON_TYPE,
                            media(answer.type, answer.type));
    }
    else if (answer.type != NULL) {
        json_object_set_new(content, JSON_TYPE,
                            inline_media(doc, answer.type));
    }
    for (i = 0; i < answer.media->nelts; i++) {
        const char *type = word_at(answer.media, i);

        json_object_set_new(content, type,
                            strncmp(type, "text/", 5) == 0
                                ? json_pack("{s:{s:s}}", "schema", "type",
                                            "string")
                                : json_pack("{s:{}}", "schema"));
    }
    return content;
}

static const char *status_words(int status)
{
    switch (status) {
    case 201:
        return "Created; Location says where.";
    case 202:
        return "Accepted; it will be done.";
    case 204:
        return "Done, there is nothing to say.";
    default:
        return "Done.";
    }
}

static json_t *responses(const ecs_document_t *doc, const ecs_route_t *route)
{
    json_t *all = json_object();
    json_t *content = success_content(doc, route);
    json_t *success =
        json_pack("{s:s, s:o}", "description", status_words(route->status),
                  "headers", success_headers(route));

    if (json_object_size(content) > 0) {
        json_object_set(success, "content", content);
    }
    json_decref(content);
    json_object_set_new(all, apr_itoa(doc->p, route->status), success);
    if (!ecs_route_writes(route)) {
        json_object_set_new(all, "304", ref("responses/", "NotModified"));
    }
    ecs_refusals_describe(doc->p, route, all, doc->responses);
    return all;
}

/* ---- operations ---- */

static const char *lower(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text), *at;

    for (at = copy; *at != '\0'; at++) {
        *at = (char)apr_tolower(*at);
    }
    return copy;
}

/* Letters, digits and underscores; the braces of a {name} go. */
static const char *plain_word(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text), *to = copy;

    for (; *text != '\0'; text++) {
        if (*text != '{' && *text != '}') {
            *to++ = apr_isalnum(*text) ? *text : '_';
        }
    }
    *to = '\0';
    return copy;
}

const char *ecs_operation_name(apr_pool_t *p, const ecs_route_t *route)
{
    const char *at = route->path;
    const char *name = lower(p, route->method);
    char *segment, *rest = NULL;

    at += strncmp(at, "/api/", 5) == 0 ? 5 : 0;
    segment = apr_strtok(apr_pstrdup(p, at), "/", &rest);
    while (segment != NULL) {
        name = apr_pstrcat(p, name, *segment == '{' ? "_by_" : "_",
                           plain_word(p, segment), NULL);
        segment = apr_strtok(NULL, "/", &rest);
    }
    return name;
}

static json_t *role_words(const ecs_route_t *route)
{
    json_t *roles = json_array();
    unsigned bit;

    if (route->roles & ECS_PUBLIC) {
        json_array_append_new(roles, json_string("public"));
        return roles;
    }
    for (bit = 1; bit & ECS_ANY_ROLE; bit <<= 1) {
        if (route->roles & bit) {
            json_array_append_new(roles, json_string(ecs_role_name(bit)));
        }
    }
    return roles;
}

static const char *who_may_call(apr_pool_t *p, const ecs_route_t *route,
                                const json_t *roles)
{
    const char *text = "";
    json_t *role;
    size_t i;

    if (route->roles & ECS_PUBLIC) {
        return "Anyone may call this, signed in or not.";
    }
    if ((route->roles & ECS_ANY_ROLE) == ECS_ANY_ROLE) {
        return "Everyone who is signed in may call this.";
    }
    json_array_foreach((json_t *)roles, i, role)
    {
        text = apr_pstrcat(p, text, i > 0 ? ", " : "", "`",
                           json_string_value(role), "`", NULL);
    }
    return apr_pstrcat(p, "Who may call this: ", text, ".", NULL);
}

static json_t *security(const ecs_route_t *route)
{
    return route->roles & ECS_PUBLIC ? json_pack("[{}, {s:[]}]", "bearer")
                                     : json_pack("[{s:[]}]", "bearer");
}

static json_t *operation(const ecs_document_t *doc, const ecs_app_t *app,
                         const ecs_route_t *route)
{
    json_t *roles = role_words(route);
    const char *about = route->description ? route->description : "";
    const char *description =
        apr_pstrcat(doc->p, about, *about ? "\n\n" : "",
                    who_may_call(doc->p, route, roles), NULL);
    json_t *object =
        json_pack("{s:s, s:[s], s:s*, s:s, s:o, s:o, s:o}", "operationId",
                  ecs_operation_name(doc->p, route), "tags", app->name,
                  "summary", route->summary, "description", description,
                  "x-roles", roles, "security", security(route), "parameters",
                  parameters(doc, route));

    if (has_body(route, 0) || route->image) {
        json_object_set_new(object, "requestBody", request_body(doc, route));
    }
    json_object_set_new(object, "responses", responses(doc, route));
    if (route->statements > 1) {
        json_object_set_new(object, "x-statements",
                            json_integer(route->statements));
    }
    return object;
}

void ecs_operation_add(const ecs_document_t *doc, const ecs_app_t *app,
                       const ecs_route_t *route)
{
    json_t *item = json_object_get(doc->paths, route->path);

    if (item == NULL) {
        item = json_object();
        json_object_set_new(doc->paths, route->path, item);
    }
    json_object_set_new(item, lower(doc->p, route->method),
                        operation(doc, app, route));
}
