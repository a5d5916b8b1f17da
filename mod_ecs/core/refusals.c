/* SPDX-License-Identifier: MIT */
/*
 * refusals.c - every error a client of a row can meet.
 *
 * What follows from a row's form stands in one table of codes and predicates,
 * what the shop's rules add stands in the row's `errors`. Statuses that httpd
 * gives to any request before a row is known (405, 408, 411, 414, 431, 500)
 * are not listed per row.
 *
 * A response is named by its status and its codes ("409.conflict.empty_cart"),
 * so that equal ones fall together without being compared.
 */
#include "refusals.h"
#include "json.h"

#include <apr_strings.h>
#include <string.h>

#define REQUEST_ID "b7d90614a8c1f53e"
#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define UNKNOWN_FIELD "Unknown field."
#define UNKNOWN_NAME "unexpected"

typedef int predicate_fn(const ecs_route_t *route);

/* ---- what a row implies ---- */

static int always(const ecs_route_t *route)
{
    return 1;
}

static int calls(const ecs_route_t *route)
{
    return !(route->flags & ECS_R_NO_DB);
}

static int writes_db(const ecs_route_t *route)
{
    return calls(route) && ecs_route_writes(route);
}

static int keeps_answers(const ecs_route_t *route)
{
    return writes_db(route) && !(route->flags & ECS_R_NO_REPLAY);
}

static int takes_values(const ecs_route_t *route)
{
    return calls(route) && route->fields != NULL;
}

static int needs_login(const ecs_route_t *route)
{
    return !(route->roles & ECS_PUBLIC);
}

static int excludes_roles(const ecs_route_t *route)
{
    return needs_login(route) &&
           (route->roles & ECS_ANY_ROLE) != ECS_ANY_ROLE;
}

static int names_object(const ecs_route_t *route)
{
    return strchr(route->path, '{') != NULL;
}

static int is_list(const ecs_route_t *route)
{
    return (route->flags & ECS_R_LIST) != 0;
}

static int takes_if_match(const ecs_route_t *route)
{
    return writes_db(route) && strcmp(route->method, "POST") != 0;
}

static const struct {
    const char *code;
    predicate_fn *applies;
} implied[] = {
    /* Every row refuses a query parameter it does not know. */
    {"validation_error", always},
    {"malformed_json", ecs_route_writes},
    {"parse_error", ecs_route_writes},
    {"invalid_value", takes_values},
    {"not_authenticated", needs_login},
    /* A token that is sent has to be good, also where none is needed. */
    {"token_not_valid", always},
    {"session_revoked", calls},
    {"permission_denied", excludes_roles},
    {"not_found", names_object},
    {"invalid_page", is_list},
    {"invalid_cursor", is_list},
    {"conflict", writes_db},
    {"request_in_progress", keeps_answers},
    {"stale", takes_if_match},
    {"too_large", ecs_route_writes},
    {"unsupported_media_type", ecs_route_writes},
    {"idempotency_key_reused", keeps_answers},
    {"service_unavailable", calls},
    {"timeout", calls},
    {"outcome_unknown", writes_db},
};

/* Is the word in a list separated by blanks? */
static int has_word(const char *list, const char *word)
{
    apr_size_t length = strlen(word);

    while (list != NULL && *list != '\0') {
        apr_size_t found = strcspn(list, " ");

        if (found == length && strncmp(list, word, length) == 0) {
            return 1;
        }
        list += found;
        list += strspn(list, " ");
    }
    return 0;
}

int ecs_refusals_has(const ecs_route_t *route, const char *code)
{
    apr_size_t i;

    for (i = 0; i < sizeof(implied) / sizeof(implied[0]); i++) {
        if (strcmp(implied[i].code, code) == 0 && implied[i].applies(route)) {
            return 1;
        }
    }
    return has_word(route->errors, code);
}

const char *ecs_refusals_unknown(apr_pool_t *p, const ecs_route_t *route)
{
    char *rest = NULL, *word;

    if (route->errors == NULL) {
        return NULL;
    }
    word = apr_strtok(apr_pstrdup(p, route->errors), " ", &rest);
    while (word != NULL && ecs_problem_kind(word) != NULL) {
        word = apr_strtok(NULL, " ", &rest);
    }
    return word;
}

/* ---- examples ---- */

static const char *example_text(apr_pool_t *p, const ecs_problem_kind_t *kind,
                                int is_problem)
{
    ecs_problem_t *problem = ecs_problem_make(p, kind->code, NULL);

    if (strcmp(kind->code, "validation_error") == 0) {
        ecs_problem_add_field(p, &problem, UNKNOWN_NAME, UNKNOWN_FIELD);
    }
    return is_problem ? ecs_problem_rfc9457(p, problem, REQUEST_ID)
                      : ecs_problem_drf(p, problem, REQUEST_ID);
}

/* The very text that the server would send. */
static json_t *example(apr_pool_t *p, const ecs_problem_kind_t *kind,
                       int is_problem)
{
    return json_loads(example_text(p, kind, is_problem), 0, NULL);
}

static json_t *examples(apr_pool_t *p, const apr_array_header_t *kinds,
                        int is_problem)
{
    json_t *all = json_object();
    int i;

    for (i = 0; i < kinds->nelts; i++) {
        const ecs_problem_kind_t *kind =
            APR_ARRAY_IDX(kinds, i, const ecs_problem_kind_t *);

        json_object_set_new(all, kind->code,
                            json_pack("{s:s, s:o}", "summary", kind->title,
                                      "value", example(p, kind, is_problem)));
    }
    return all;
}

/* ---- responses ---- */

static json_t *ref(const char *where, const char *name)
{
    return json_pack("{s:s++}", "$ref", "#/components/", where, name);
}

static json_t *codes_enum(const apr_array_header_t *kinds)
{
    json_t *codes = json_array();
    int i;

    for (i = 0; i < kinds->nelts; i++) {
        json_array_append_new(
            codes, json_string(APR_ARRAY_IDX(kinds, i,
                                             const ecs_problem_kind_t *)
                                   ->code));
    }
    return codes;
}

/* A common schema, narrowed to these codes. */
static json_t *narrowed(const char *schema, const apr_array_header_t *kinds)
{
    return json_pack("{s:[o, {s:s, s:{s:{s:o}}}]}", "allOf",
                     ref("schemas/", schema), "type", "object", "properties",
                     "code", "enum", codes_enum(kinds));
}

static json_t *drf_schema(int status, const apr_array_header_t *kinds)
{
    json_t *error = narrowed("Error", kinds);

    if (status != 400) {
        return error;
    }
    return json_pack("{s:[o, o]}", "anyOf", ref("schemas/", "ValidationError"),
                     error);
}

static json_t *problem_schema(int status, const apr_array_header_t *kinds)
{
    json_t *schema = narrowed("Problem", kinds);
    json_t *narrow = json_array_get(json_object_get(schema, "allOf"), 1);

    json_object_set_new(json_object_get(narrow, "properties"), "status",
                        json_pack("{s:i}", "const", status));
    return schema;
}

static json_t *headers(int status)
{
    json_t *all = json_object();

    json_object_set_new(all, "X-Request-Id", ref("headers/", "RequestId"));
    if (status == 401) {
        json_object_set_new(all, "WWW-Authenticate",
                            ref("headers/", "WwwAuthenticate"));
    }
    if (status == 429 || status == 503) {
        json_object_set_new(all, "Retry-After",
                            ref("headers/", "RetryAfter"));
    }
    return all;
}

static const char *describe(apr_pool_t *p, const apr_array_header_t *kinds)
{
    const char *text = "";
    int i;

    for (i = 0; i < kinds->nelts; i++) {
        const ecs_problem_kind_t *kind =
            APR_ARRAY_IDX(kinds, i, const ecs_problem_kind_t *);

        text = apr_pstrcat(p, text, i > 0 ? "\n" : "", "- `", kind->code,
                           "`: ", kind->title, NULL);
    }
    return text;
}

static json_t *response(apr_pool_t *p, int status,
                        const apr_array_header_t *kinds)
{
    return json_pack("{s:s, s:o, s:{s:{s:o, s:o}, s:{s:o, s:o}}}",
                     "description", describe(p, kinds), "headers",
                     headers(status), "content", JSON_TYPE, "schema",
                     drf_schema(status, kinds), "examples",
                     examples(p, kinds, 0), PROBLEM_TYPE, "schema",
                     problem_schema(status, kinds), "examples",
                     examples(p, kinds, 1));
}

static const char *response_name(apr_pool_t *p, int status,
                                 const apr_array_header_t *kinds)
{
    const char *name = apr_itoa(p, status);
    int i;

    for (i = 0; i < kinds->nelts; i++) {
        name = apr_pstrcat(
            p, name, ".",
            APR_ARRAY_IDX(kinds, i, const ecs_problem_kind_t *)->code, NULL);
    }
    return name;
}

static apr_array_header_t *kinds_of(apr_pool_t *p, const ecs_route_t *route,
                                    int status)
{
    apr_array_header_t *found =
        apr_array_make(p, 8, sizeof(const ecs_problem_kind_t *));
    const ecs_problem_kind_t *kind;

    for (kind = ecs_problem_kinds(); kind->code != NULL; kind++) {
        if (kind->status == status && ecs_refusals_has(route, kind->code)) {
            APR_ARRAY_PUSH(found, const ecs_problem_kind_t *) = kind;
        }
    }
    return found;
}

void ecs_refusals_describe(apr_pool_t *p, const ecs_route_t *route,
                           json_t *responses, json_t *shared)
{
    int status;

    for (status = 400; status < 600; status++) {
        apr_array_header_t *kinds = kinds_of(p, route, status);
        const char *name = response_name(p, status, kinds);

        if (kinds->nelts == 0) {
            continue;
        }
        if (json_object_get(shared, name) == NULL) {
            json_object_set_new(shared, name, response(p, status, kinds));
        }
        json_object_set_new(responses, apr_itoa(p, status),
                            ref("responses/", name));
    }
}

/* ---- the common schemas ---- */

static const char error_schema[] =
    "{\"type\":\"object\",\"description\":"
    "\"Why a request was refused. Some codes bring further members, such as "
    "`available` with `out_of_stock`.\",\"properties\":{"
    "\"detail\":{\"type\":\"string\",\"description\":\"For people.\"},"
    "\"code\":{\"type\":\"string\",\"description\":\"For programs.\"},"
    "\"request_id\":{\"type\":\"string\",\"description\":"
    "\"Also in X-Request-Id and in the server's log.\"}},"
    "\"required\":[\"detail\",\"code\",\"request_id\"]}";

static const char validation_schema[] =
    "{\"type\":\"object\",\"description\":"
    "\"What is wrong with the input, by field; `non_field_errors` is about "
    "several together. Of a list of objects there is one object for each, "
    "empty when it is good.\",\"minProperties\":1,\"additionalProperties\":"
    "{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":["
    "{\"type\":\"string\"},{\"type\":\"object\",\"additionalProperties\":"
    "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}}]}}}";

static const char problem_details_schema[] =
    "{\"type\":\"object\",\"description\":"
    "\"The same as Error and ValidationError in the form of RFC 9457, for "
    "clients whose Accept prefers application/problem+json.\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599},"
    "\"detail\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\"},"
    "\"request_id\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"minItems\":1,\"items\":{"
    "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"pointer\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"detail\":{\"type\":\"string\"}},"
    "\"required\":[\"pointer\",\"detail\"]}}},"
    "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\","
    "\"request_id\"]}";

void ecs_refusals_schemas(json_t *schemas)
{
    json_object_set_new(schemas, "Error", json_loads(error_schema, 0, NULL));
    json_object_set_new(schemas, "ValidationError",
                        json_loads(validation_schema, 0, NULL));
    json_object_set_new(schemas, "Problem",
                        json_loads(problem_details_schema, 0, NULL));
}
