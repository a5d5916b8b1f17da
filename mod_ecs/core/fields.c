/* SPDX-License-Identifier: MIT */
/*
 * fields.c - walks the fields of a row over what a request brought.
 *
 * Places are read in one pass in the row's order, so that messages come in
 * the order of the fields; then whatever the row does not name is refused.
 * All 400s are gathered; a path id that cannot exist is a 404 at once, a bad
 * page or cursor is one when nothing else is wrong.
 */
#include "fields.h"
#include "fields_types.h"
#include "items.h"
#include "json.h"
#include "page.h"
#include "query.h"
#include "utf8.h"

#include <apr_strings.h>
#include <string.h>

#define NON_FIELD "non_field_errors"
#define UNKNOWN_MAX 20 /* messages about unknown members; more help nobody */
#define FIRST_PAGE "1"
/* Pages times ECS_PAGE_SIZE_MAX fit PostgreSQL's integer. */
#define PAGE_MAX (ECS_INT_MAX / ECS_PAGE_SIZE_MAX)

typedef struct reading_t {
    const ecs_route_t *route;
    const ecs_input_t *in;
    apr_pool_t *p;
    const char **values;
    apr_array_header_t *query; /* of ecs_pair_t */
    const char *changes;       /* members so far, NULL when the row has none */
    ecs_problem_t *invalid;    /* what is wrong with fields */
    ecs_problem_t *missing;    /* a page or a cursor that is not there */
} reading_t;

static void add_error(reading_t *reading, const char *field,
                      const char *message)
{
    ecs_problem_add_field(reading->p, &reading->invalid, field, message);
}

/* ---- path ---- */

/* The position of {name} among the names of a template, or -1. */
static int path_position(const char *path, const char *name)
{
    apr_size_t length = strlen(name);
    int position = 0;

    for (path = strchr(path, '{'); path != NULL; path = strchr(path, '{')) {
        path++;
        if (strncmp(path, name, length) == 0 && path[length] == '}') {
            return position;
        }
        position++;
    }
    return -1;
}

/* Ids have one spelling, so that one object has one URL. */
static int is_plain_id(const char *text)
{
    return *text >= '1' && *text <= '9' &&
           text[strspn(text, "0123456789")] == '\0';
}

static ecs_problem_t *read_path(reading_t *reading, const ecs_field_t *field,
                                const char **value)
{
    int position = path_position(reading->route->path, field->name);
    const char *text = position >= 0 ? reading->in->path[position] : NULL;

    if (text == NULL || (field->type == ECS_T_ID && !is_plain_id(text)) ||
        ecs_field_of_text(reading->p, field, text, value) != NULL) {
        return ecs_problem_make(reading->p, "not_found", NULL);
    }
    return NULL;
}

/* ---- body ---- */

/* Is a form's value as good as none? Browsers send empty inputs. */
static int is_empty_input(const ecs_field_t *field, const json_t *given)
{
    return field->type != ECS_T_STRING && field->type != ECS_T_TEXT &&
           field->type != ECS_T_EMAIL && !(field->flags & ECS_BLANK) &&
           json_string_length(given) == 0;
}

static void add_change(reading_t *reading, const ecs_field_t *field,
                       const char *value)
{
    apr_pool_t *p = reading->p;

    reading->changes =
        apr_pstrcat(p, reading->changes, *reading->changes ? "," : "",
                    ecs_json_quote(p, field->name), ":",
                    value ? ecs_field_to_json(p, field, value) : "null", NULL);
}

static void read_absent(reading_t *reading, const ecs_field_t *field,
                        const char **value)
{
    if (field->flags & ECS_REQUIRED) {
        add_error(reading, field->name, "This field is required.");
    }
    else if (reading->changes == NULL || field->in != ECS_IN_BODY) {
        *value = field->initial;
    }
}

static void read_body(reading_t *reading, const ecs_field_t *field,
                      const char **value)
{
    const json_t *given = json_object_get(reading->in->body, field->name);
    const char *wrong = NULL;
    int is_null = given != NULL && json_is_null(given);

    if (given != NULL && reading->in->is_form && is_empty_input(field, given)) {
        is_null = field->flags & ECS_NULLABLE;
        given = is_null ? given : NULL;
    }
    if (given == NULL) {
        read_absent(reading, field, value);
        return;
    }
    if (is_null && !(field->flags & ECS_NULLABLE)) {
        wrong = "This field may not be null.";
    }
    else if (!is_null && reading->in->is_form) {
        wrong = ecs_field_of_text(reading->p, field, json_string_value(given),
                                  value);
    }
    else if (!is_null) {
        wrong = ecs_field_of_json(reading->p, field, given, value);
    }
    if (wrong != NULL) {
        add_error(reading, field->name, wrong);
        return;
    }
    if (!is_null && field->type == ECS_T_ITEMS) {
        *value = ecs_items_read(reading->p, field, given,
                                reading->in->is_table, &reading->invalid);
    }
    if (reading->changes != NULL) {
        add_change(reading, field, *value);
        *value = NULL;
    }
}

/* ---- query ---- */

/* The value of a query parameter; an empty one counts as absent. */
static const char *query_text(const reading_t *reading, const char *name)
{
    const char *text = ecs_query_value(reading->query, name);

    if (text != NULL) {
        text = ecs_utf8_trim(reading->p, text);
    }
    return text != NULL && *text != '\0' ? text : NULL;
}

static void read_query(reading_t *reading, const ecs_field_t *field,
                       const char **value)
{
    const char *text = query_text(reading, field->name);
    const char *wrong;

    if (text == NULL) {
        read_absent(reading, field, value);
        return;
    }
    wrong = ecs_field_of_text(reading->p, field, text, value);
    if (wrong != NULL) {
        add_error(reading, field->name, wrong);
    }
}

static const ecs_field_t *field_of_type(const ecs_route_t *route,
                                        ecs_type_e type)
{
    const ecs_field_t *field = route->fields;

    while (field != NULL && field->name != NULL && field->type != type) {
        field++;
    }
    return field != NULL && field->name != NULL ? field : NULL;
}

static void read_page(reading_t *reading, const ecs_field_t *field)
{
    const char *text = query_text(reading, field->name);
    const char **value = &reading->values[field - reading->route->fields];

    if (text == NULL) {
        *value = field->initial ? field->initial : FIRST_PAGE;
    }
    else if (!is_plain_id(text) || strlen(text) > 9 ||
             apr_atoi64(text) > PAGE_MAX) {
        reading->missing = ecs_problem_make(reading->p, "invalid_page", NULL);
    }
    else {
        *value = text;
    }
}

static void read_cursor(reading_t *reading, const ecs_field_t *field,
                        const char *cursor)
{
    const char *key;

    if (*cursor == '\0') {
        return; /* the first page of cursor mode */
    }
    key = ecs_page_cursor_open(reading->p, reading->in->cursor_key,
                               ecs_fields_cursor_scope(
                                   reading->p, reading->route, reading->values),
                               cursor);
    if (key == NULL) {
        reading->missing = ecs_problem_make(reading->p, "invalid_cursor", NULL);
        return;
    }
    reading->values[field - reading->route->fields] = key;
}

/* Page or cursor mode; needs the value of `ordering`, so it comes last. */
static void read_mode(reading_t *reading)
{
    const ecs_field_t *page = field_of_type(reading->route, ECS_T_PAGE);
    const ecs_field_t *cursor = field_of_type(reading->route, ECS_T_CURSOR);
    const char *given =
        cursor ? ecs_query_value(reading->query, cursor->name) : NULL;

    if (given == NULL) {
        if (page != NULL) {
            read_page(reading, page);
        }
        return;
    }
    if (page != NULL && query_text(reading, page->name) != NULL) {
        add_error(reading, page->name,
                  "This parameter cannot be combined with a cursor.");
        return;
    }
    read_cursor(reading, cursor, given);
}

/* ---- all ---- */

static int is_declared(const ecs_route_t *route, ecs_place_e in,
                       const char *name)
{
    const ecs_field_t *field = route->fields;

    for (; field != NULL && field->name != NULL; field++) {
        if (field->in == in && strcmp(field->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void refuse_unknown(reading_t *reading)
{
    const char *name;
    json_t *value;
    int left = UNKNOWN_MAX, i;

    /* jansson has no iteration over a const object; nothing is changed. */
    json_object_foreach((json_t *)reading->in->body, name, value)
    {
        if (left > 0 && !is_declared(reading->route, ECS_IN_BODY, name)) {
            add_error(reading, name, "Unknown field.");
            left--;
        }
    }
    for (i = 0; i < reading->query->nelts; i++) {
        name = APR_ARRAY_IDX(reading->query, i, ecs_pair_t).name;
        if (left > 0 && !is_declared(reading->route, ECS_IN_QUERY, name)) {
            add_error(reading, name, "Unknown field.");
            left--;
        }
    }
}

static ecs_problem_t *read_field(reading_t *reading, const ecs_field_t *field,
                                 const char **value)
{
    if (field->type == ECS_T_PAGE || field->type == ECS_T_CURSOR) {
        return NULL; /* read_mode() */
    }
    switch (field->in) {
    case ECS_IN_PATH:
        return read_path(reading, field, value);
    case ECS_IN_BODY:
        read_body(reading, field, value);
        return NULL;
    case ECS_IN_QUERY:
        read_query(reading, field, value);
        return NULL;
    case ECS_IN_SERVER:
        break;
    }
    return NULL;
}

ecs_problem_t *ecs_fields_read(const ecs_route_t *route, const ecs_input_t *in,
                               apr_pool_t *p, const char **values,
                               const char **changes)
{
    reading_t reading = {route, in, p, values};
    const char *query = in->query ? in->query : "";
    int count = ecs_fields_count(route->fields), i;

    *changes = NULL;
    for (i = 0; i < count; i++) {
        values[i] = NULL;
    }
    reading.changes = ecs_route_patches(route) ? "" : NULL;
    reading.query = ecs_query_read(p, query, strlen(query), &reading.invalid);
    if (in->body != NULL && !json_is_object(in->body)) {
        add_error(&reading, NON_FIELD,
                  apr_psprintf(p,
                               "Invalid data. Expected a dictionary, but got "
                               "%s.",
                               ecs_field_python_type(in->body)));
        return reading.invalid;
    }
    for (i = 0; i < count; i++) {
        ecs_problem_t *problem =
            read_field(&reading, &route->fields[i], &values[i]);

        if (problem != NULL) {
            return problem;
        }
    }
    read_mode(&reading);
    refuse_unknown(&reading);
    if (reading.changes != NULL) {
        *changes = apr_pstrcat(p, "{", reading.changes, "}", NULL);
    }
    return reading.invalid ? reading.invalid : reading.missing;
}

int ecs_fields_count(const ecs_field_t *fields)
{
    int count = 0;

    while (fields != NULL && fields[count].name != NULL) {
        count++;
    }
    return count;
}

const char *ecs_fields_value(const ecs_route_t *route,
                             const char *const *values, const char *name)
{
    const ecs_field_t *field = route->fields;

    for (; field != NULL && field->name != NULL; field++) {
        if (strcmp(field->name, name) == 0) {
            return values[field - route->fields];
        }
    }
    return NULL;
}

const char *ecs_fields_cursor_scope(apr_pool_t *p, const ecs_route_t *route,
                                    const char *const *values)
{
    const char *ordering = ecs_fields_value(route, values, "ordering");

    return apr_pstrcat(p, route->path, "|", ordering ? ordering : "", NULL);
}

ecs_problem_t *ecs_fields_of_form(apr_pool_t *p, const char *text,
                                  apr_size_t length, json_t **out)
{
    ecs_problem_t *problem = NULL;
    apr_array_header_t *pairs = ecs_query_read(p, text, length, &problem);
    json_t *form;
    int i;

    *out = NULL;
    if (problem != NULL) {
        return problem;
    }
    form = ecs_json_own(p, json_object());
    for (i = 0; i < pairs->nelts; i++) {
        const ecs_pair_t *pair = &APR_ARRAY_IDX(pairs, i, ecs_pair_t);

        json_object_set_new(form, pair->name, json_string(pair->value));
    }
    *out = form;
    return NULL;
}
