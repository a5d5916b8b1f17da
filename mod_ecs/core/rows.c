/* SPDX-License-Identifier: MIT */
/*
 * rows.c - a typo in a row is found at start-up, and said with its place.
 *
 * Rows are words, and words can be wrong: a schema nobody wrote, a code that
 * would become a 500, a {name} without its field. Each check looks at one row
 * or one schema and says what is wrong; the row is named around it.
 */
#include "rows.h"
#include "example.h"
#include "fields_types.h"
#include "operation.h"
#include "problem.h"
#include "refusals.h"
#include "schema.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

typedef struct rows_t {
    apr_pool_t *p;
    const ecs_app_t *apps;
    apr_hash_t *names; /* of schemas, and of operations */
    apr_hash_t *paths; /* without the names in braces -> as written */
} rows_t;

/* ---- types and schemas ---- */

/* Remember a name. Returns 0 when it was there. */
static int add_name(const rows_t *rows, const char *name)
{
    if (apr_hash_get(rows->names, name, APR_HASH_KEY_STRING) != NULL) {
        return 0;
    }
    apr_hash_set(rows->names, name, APR_HASH_KEY_STRING, name);
    return 1;
}

static const char *check_shape(const rows_t *rows, const ecs_shape_t *shape)
{
    while (shape->kind == ECS_K_ARRAY) {
        shape = shape->items;
    }
    if (shape->kind == ECS_K_SCHEMA &&
        ecs_schema_find(rows->apps, shape->word) == NULL) {
        return apr_psprintf(rows->p, "there is no schema \"%s\"", shape->word);
    }
    return NULL;
}

static const char *check_type(const rows_t *rows, const char *type)
{
    const char *error = NULL;
    const ecs_shape_t *shape = ecs_shape_parse(rows->p, type, &error);
    json_t *example;

    if (shape != NULL) {
        error = check_shape(rows, shape);
    }
    if (error != NULL) {
        return error;
    }
    example = ecs_example_of_shape(rows->p, rows->apps, shape, NULL);
    if (example == NULL) {
        return apr_psprintf(rows->p, "no value can be a \"%s\"", type);
    }
    json_decref(example);
    return NULL;
}

static const char *check_members(const rows_t *rows,
                                 const ecs_schema_t *schema)
{
    const char *error = NULL;
    apr_array_header_t *members = ecs_schema_members(rows->p, schema, &error);
    int i;

    for (i = 0; members != NULL && error == NULL && i < members->nelts; i++) {
        const ecs_member_t *member = &APR_ARRAY_IDX(members, i, ecs_member_t);

        error = check_shape(rows, member->shape);
        if (error != NULL) {
            error = apr_psprintf(rows->p, "\"%s\": %s", member->name, error);
        }
    }
    return error;
}

static const char *check_schema(const rows_t *rows, const ecs_schema_t *schema)
{
    const char *error = NULL;

    if (!add_name(rows, schema->name)) {
        error = "the name is taken";
    }
    if (error == NULL) {
        error = check_members(rows, schema);
    }
    if (error == NULL) {
        error = check_type(rows, schema->name);
    }
    if (error == NULL) {
        return NULL;
    }
    return apr_psprintf(rows->p, "schema %s: %s", schema->name, error);
}

/* ---- rows ---- */

/* OpenAPI knows one path only once, whatever its {names} are. */
static const char *check_path(const rows_t *rows, const ecs_route_t *route)
{
    char *plain = apr_palloc(rows->p, strlen(route->path) + 1), *to = plain;
    const char *at = route->path, *known;

    while (*at != '\0') {
        *to++ = *at;
        at += *at == '{' ? strcspn(at, "}") : 1;
    }
    *to = '\0';
    known = apr_hash_get(rows->paths, plain, APR_HASH_KEY_STRING);
    if (known == NULL) {
        apr_hash_set(rows->paths, plain, APR_HASH_KEY_STRING, route->path);
        return NULL;
    }
    return strcmp(known, route->path) == 0
               ? NULL
               : apr_psprintf(rows->p, "the same path is %s elsewhere", known);
}

static const char *check_verb(const rows_t *rows, const ecs_route_t *route)
{
    static const char verbs[] = " GET POST PUT PATCH DELETE ";
    const char *verb = apr_pstrcat(rows->p, " ", route->method, " ", NULL);

    if (strstr(verbs, verb) == NULL) {
        return "the method is none of GET, POST, PUT, PATCH, DELETE";
    }
    if (route->summary == NULL || *route->summary == '\0') {
        return "it has no summary";
    }
    if (!add_name(rows, ecs_operation_name(rows->p, route))) {
        return "another row has this method and path";
    }
    if (route->roles == 0) {
        return "nobody may call it";
    }
    if ((route->call == NULL) != ((route->flags & ECS_R_NO_DB) != 0)) {
        return "a row has either a call or ECS_R_NO_DB";
    }
    if ((route->flags & ECS_R_CARRIED)
        && ((route->roles & ECS_PUBLIC) || strcmp(route->method, "POST") != 0
            || route->fields == NULL || route->fields[0].type != ECS_T_ID
            || route->fields[0].in != ECS_IN_PATH)) {
        return "a carried row is a POST of signed-in callers whose first "
               "field is the id in its path";
    }
    return NULL;
}

static const char *check_answer(const rows_t *rows, const ecs_route_t *route)
{
    const ecs_row_answer_t answer = ecs_schema_of_answer(rows->p, route);
    const char *error = NULL;
    int i;

    if (route->status < 200 || route->status > 204) {
        return "the status is none of 200 to 204";
    }
    if ((route->status == 204) != (route->answer == NULL) &&
        route->status != 202) {
        return "204 and only 204 has no answer";
    }
    if ((route->flags & ECS_R_LIST) &&
        (answer.type == NULL ||
         ecs_schema_find(rows->apps, answer.type) == NULL)) {
        return "the answer of a list is no schema's name";
    }
    if (answer.extras->nelts > 0 && !(route->flags & ECS_R_LIST)) {
        return "only lists have a \"+\" in their answer";
    }
    if (answer.type != NULL) {
        error = check_type(rows, answer.type);
    }
    for (i = 0; error == NULL && i < answer.extras->nelts; i++) {
        error = check_type(rows, APR_ARRAY_IDX(answer.extras, i, const char *));
    }
    return error;
}

static const char *check_codes(const rows_t *rows, const ecs_route_t *route)
{
    const char *word = ecs_refusals_unknown(rows->p, route);

    if (word == NULL) {
        return NULL;
    }
    return apr_psprintf(rows->p, "there is no code \"%s\"", word);
}

/* ---- fields ---- */

static int is_in_path(const rows_t *rows, const ecs_route_t *route,
                      const char *name)
{
    return strstr(route->path, apr_pstrcat(rows->p, "{", name, "}", NULL)) !=
           NULL;
}

static const char *check_initial(const rows_t *rows, const ecs_field_t *field)
{
    const char *out;

    if (field->initial == NULL || field->in == ECS_IN_SERVER) {
        return NULL;
    }
    if (field->flags & ECS_REQUIRED) {
        return "a required field has no default";
    }
    return ecs_field_of_text(rows->p, field, field->initial, &out);
}

static const char *check_field(const rows_t *rows, const ecs_route_t *route,
                               const ecs_field_t *field);

/* Is the field a list? */
static int is_list(const ecs_field_t *field)
{
    return field->type == ECS_T_IDS || field->type == ECS_T_ITEMS;
}

/* The members of an object of a list: a small row of their own. */
static const char *check_object(const rows_t *rows, const ecs_field_t *field)
{
    const ecs_route_t object = {"POST", "", .fields = field->members};
    const ecs_field_t *member = field->members;
    const char *error = NULL;

    if ((field->type == ECS_T_ITEMS) != (member != NULL)) {
        return "members belong to ECS_T_ITEMS";
    }
    for (; error == NULL && member && member->name != NULL; member++) {
        if (is_list(member) || member->in != ECS_IN_BODY) {
            error = "it is no member of an object";
        }
        else {
            error = check_field(rows, &object, member);
        }
        if (error != NULL) {
            error = apr_psprintf(rows->p, "member %s: %s", member->name, error);
        }
    }
    return error;
}

static const char *check_field(const rows_t *rows, const ecs_route_t *route,
                               const ecs_field_t *field)
{
    const ecs_field_t *other;
    const char *error;

    for (other = route->fields; other < field; other++) {
        if (strcmp(other->name, field->name) == 0) {
            return "it is there twice";
        }
    }
    if ((field->in == ECS_IN_PATH) != is_in_path(rows, route, field->name)) {
        return "it is either in the path and ECS_IN_PATH, or neither";
    }
    if (field->in == ECS_IN_BODY && !ecs_route_writes(route)) {
        return "a GET has no body";
    }
    if (field->max != 0 && field->max < field->min) {
        return "max is less than min";
    }
    if ((field->type == ECS_T_CHOICE) != (field->choices != NULL)) {
        return "choices belong to ECS_T_CHOICE";
    }
    if (is_list(field) && field->in != ECS_IN_BODY) {
        return "a list belongs into a body";
    }
    error = check_object(rows, field);
    return error ? error : check_initial(rows, field);
}

static int count_braces(const char *path)
{
    int count = 0;

    for (; *path != '\0'; path++) {
        count += *path == '{';
    }
    return count;
}

static const char *check_image(const ecs_route_t *route)
{
    const char *name = route->images_max > 1 ? "images" : "image_name";
    const ecs_field_t *field = route->fields;

    while (field != NULL && field->name != NULL &&
           (field->in != ECS_IN_SERVER || strcmp(field->name, name) != 0)) {
        field++;
    }
    return field != NULL && field->name != NULL
               ? NULL
               : "a row with an image needs ECS_IMAGE_FIELDS, or of several "
                 "ECS_IMAGES_FIELD";
}

static const char *check_fields(const rows_t *rows, const ecs_route_t *route)
{
    const ecs_field_t *field;
    const char *error;
    int in_path = 0;

    for (field = route->fields; field && field->name != NULL; field++) {
        error = check_field(rows, route, field);
        if (error != NULL) {
            return apr_psprintf(rows->p, "field %s: %s", field->name, error);
        }
        in_path += field->in == ECS_IN_PATH;
    }
    if (in_path != count_braces(route->path)) {
        return "a {name} of the path has no field";
    }
    return route->image ? check_image(route) : NULL;
}

static const char *check_row(const rows_t *rows, const ecs_route_t *route)
{
    static const char *(*const checks[])(const rows_t *,
                                         const ecs_route_t *) = {
        check_verb, check_path, check_answer, check_codes, check_fields};
    const char *error = NULL;
    apr_size_t i;

    for (i = 0; error == NULL && i < sizeof(checks) / sizeof(checks[0]); i++) {
        error = checks[i](rows, route);
    }
    if (error == NULL) {
        return NULL;
    }
    return apr_psprintf(rows->p, "%s %s: %s", route->method, route->path,
                        error);
}

const char *ecs_rows_check(apr_pool_t *p, const ecs_app_t *apps)
{
    const rows_t rows = {p, apps, apr_hash_make(p), apr_hash_make(p)};
    const char *error = NULL;
    const ecs_schema_t *schema;
    const ecs_route_t *route;
    const ecs_app_t *app;

    add_name(&rows, "Error");
    add_name(&rows, "ValidationError");
    add_name(&rows, "Problem");
    for (app = apps; app->name != NULL; app++) {
        for (schema = app->schemas; schema && schema->name; schema++) {
            error = error ? error : check_schema(&rows, schema);
        }
    }
    for (app = apps; app->name != NULL; app++) {
        for (route = app->routes; route && route->method; route++) {
            error = error ? error : check_row(&rows, route);
        }
    }
    return error;
}
