/* SPDX-License-Identifier: MIT */
/*
 * openapi.c - the frame of the document: what is said of the shop as a whole,
 * and the parts of #/components that no row makes.
 *
 * The document is built as one jansson tree. What many operations share stands
 * once under #/components: schemas, their examples, the pages of lists, bodies,
 * headers, and the refusals (refusals.c). Everything is written in the order
 * of the rows, so two builds of the same rows give the same text.
 */
#include "openapi.h"
#include "json.h"
#include "operation.h"
#include "refusals.h"
#include "schema.h"
#include "version.h"

static const char introduction[] =
    "A marketplace with escrow, served by Apache httpd.\n\n"
    "- **Money** is a decimal string with two digits, `\"12.50\"`; **times** "
    "are RFC 3339 in UTC; **ids** are positive integers.\n"
    "- **Lists** take `page` and `page_size` and answer with `count`, or "
    "`cursor` (empty to begin), which costs the same on every page and answers "
    "without `count`. `next` and `previous` are complete URLs.\n"
    "- **Nothing is silently ignored**: a member or a query parameter that is "
    "not described here is refused with 400.\n"
    "- **Errors** are `{\"detail\", \"code\"}`, or messages by field. A client "
    "whose `Accept` prefers `application/problem+json` gets RFC 9457.\n"
    "- **Idempotency-Key**: every writing request may carry one. Repeated with "
    "the same key within 24 hours it has no second effect and gets the first "
    "answer again.\n"
    "- **If-Match** with the ETag of an object guards a change against "
    "overwriting what somebody else wrote (412).\n"
    "- A bare path without its trailing slash is the same resource, and `HEAD` "
    "works wherever `GET` does.";

/* ---- components ---- */

static const struct {
    const char *name;
    const char *type;
    const char *description;
} headers[] = {
    {"RequestId", "string",
     "Names the request in the server's log: the client's own X-Request-Id, "
     "or one that was made."},
    {"Location", "string", "Path of what was created."},
    {"ETag", "string",
     "Version of what was read, for If-Match and If-None-Match."},
    {"Link", "string",
     "The neighbouring pages, `rel=\"next\"` and `rel=\"prev\"` "
     "(RFC 8288)."},
    {"IdempotentReplayed", "string",
     "`true` when this is the stored answer of an earlier request with the "
     "same Idempotency-Key."},
    {"RetryAfter", "integer", "Seconds after which it is worth trying again."},
    {"WwwAuthenticate", "string", "`Bearer`: which credentials are needed."},
};

static json_t *header_components(void)
{
    json_t *all = json_object();
    size_t i;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        json_object_set_new(all, headers[i].name,
                            json_pack("{s:s, s:{s:s}}", "description",
                                      headers[i].description, "schema", "type",
                                      headers[i].type));
    }
    return all;
}

static json_t *header_parameter(const char *name, const char *description,
                                json_t *schema)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", name, "in", "header",
                     "required", 0, "description", description, "schema",
                     schema);
}

static json_t *key_schema(void)
{
    return json_pack("{s:s, s:i, s:i, s:s}", "type", "string", "minLength", 1,
                     "maxLength", 255, "pattern", "^[!-~]+$");
}

static json_t *parameter_components(void)
{
    json_t *all = json_object();

    json_object_set_new(
        all, "IdempotencyKey",
        header_parameter(
            "Idempotency-Key",
            "A fresh random word for each intention. The same request with "
            "the same key gets the stored answer for 24 hours; another "
            "request with that key is refused with 422.",
            key_schema()));
    json_object_set_new(
        all, "IdempotencyKeyUnused",
        header_parameter("Idempotency-Key",
                         "Accepted, but the answer of this operation is not "
                         "stored: a repetition is carried out again.",
                         key_schema()));
    json_object_set_new(
        all, "IfMatch",
        header_parameter("If-Match",
                         "The ETag the object had when it was read. If it has "
                         "changed since, the request is refused with 412.",
                         json_pack("{s:s}", "type", "string")));
    return all;
}

static json_t *not_modified(void)
{
    return json_pack("{s:s, s:{s:{s:s}, s:{s:s}}}", "description",
                     "What If-None-Match names is still what would be sent.",
                     "headers", "X-Request-Id", "$ref",
                     "#/components/headers/RequestId", "ETag", "$ref",
                     "#/components/headers/ETag");
}

/* ---- the whole ---- */

static json_t *tags(const ecs_app_t *apps)
{
    json_t *all = json_array();

    for (; apps->name != NULL; apps++) {
        json_array_append_new(all,
                              json_pack("{s:s, s:s*}", "name", apps->name,
                                        "description", apps->description));
    }
    return all;
}

static json_t *information(void)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "mod_ecs",
                     "description", introduction, "version", ECS_VERSION,
                     "license", "name", "MIT", "identifier", "MIT");
}

static json_t *components(const ecs_document_t *doc)
{
    return json_pack(
        "{s:O, s:O, s:o, s:O, s:o, s:{s:{s:s, s:s, s:s, s:s}}}", "schemas",
        doc->schemas, "responses", doc->responses, "parameters",
        parameter_components(), "examples", doc->examples, "headers",
        header_components(), "securitySchemes", "bearer", "type", "http",
        "scheme", "bearer", "bearerFormat", "JWT", "description",
        "The `access` token of POST /api/accounts/token/.");
}

static void add_app(const ecs_document_t *doc, const ecs_app_t *app)
{
    const ecs_schema_t *schema;
    const ecs_route_t *route;

    for (schema = app->schemas; schema && schema->name; schema++) {
        json_object_set_new(doc->schemas, schema->name,
                            ecs_schema_json(doc->p, schema));
    }
    for (route = app->routes; route && route->method; route++) {
        ecs_operation_add(doc, app, route);
    }
}

const char *ecs_openapi_make(apr_pool_t *p, const ecs_app_t *apps,
                             const char *server_url)
{
    const ecs_document_t doc = {p, apps, server_url, json_object(),
                                json_object(), json_object(), json_object()};
    const ecs_app_t *app;
    const char *text;
    json_t *root;

    json_object_set_new(doc.responses, "NotModified", not_modified());
    for (app = apps; app->name != NULL; app++) {
        add_app(&doc, app);
    }
    ecs_refusals_schemas(doc.schemas);
    root = json_pack("{s:s, s:o, s:[{s:s}], s:o, s:o, s:o}", "openapi",
                     "3.1.0", "info", information(), "servers", "url",
                     server_url ? server_url : "/", "tags", tags(apps),
                     "paths", doc.paths, "components", components(&doc));
    json_decref(doc.schemas);
    json_decref(doc.examples);
    json_decref(doc.responses);
    text = ecs_json_dump(p, root);
    json_decref(root);
    return text;
}
