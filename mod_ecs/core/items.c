/* SPDX-License-Identifier: MIT */
/*
 * items.c - reads a list of objects, member by member.
 *
 * Errors are gathered as the JSON that the client gets: one object for each of
 * the list's, in which every member has its messages.
 */
#include "items.h"
#include "fields_types.h"
#include "json.h"

#include <apr_strings.h>
#include <string.h>

#define NON_FIELD "non_field_errors"
#define UNKNOWN_MAX 20 /* messages about unknown members of one object */

static void add_error(json_t *errors, const char *member, const char *message)
{
    json_object_set_new(errors, member, json_pack("[s]", message));
}

/* The value as JSON text, NULL for none; what is wrong goes to `errors`. */
static const char *read_member(apr_pool_t *p, const ecs_field_t *member,
                               const json_t *given, int is_table,
                               json_t *errors)
{
    const char *wrong = NULL, *value = member->initial;

    if (given == NULL) {
        wrong = member->flags & ECS_REQUIRED ? "This field is required." : NULL;
    }
    else if (json_is_null(given)) {
        wrong = member->flags & ECS_NULLABLE ? NULL
                                             : "This field may not be null.";
        value = NULL;
    }
    else {
        wrong = is_table ? ecs_field_of_text(p, member,
                                             json_string_value(given), &value)
                         : ecs_field_of_json(p, member, given, &value);
    }
    if (wrong != NULL) {
        add_error(errors, member->name, wrong);
        return NULL;
    }
    return value ? ecs_field_to_json(p, member, value) : NULL;
}

static int is_member(const ecs_field_t *members, const char *name)
{
    while (members->name != NULL && strcmp(members->name, name) != 0) {
        members++;
    }
    return members->name != NULL;
}

static void refuse_unknown(const ecs_field_t *members, const json_t *object,
                           json_t *errors)
{
    int left = UNKNOWN_MAX;
    const char *name;
    json_t *value;

    /* jansson has no iteration over a const object; nothing is changed. */
    json_object_foreach((json_t *)object, name, value)
    {
        if (left > 0 && !is_member(members, name)) {
            add_error(errors, name, "Unknown field.");
            left--;
        }
    }
}

static const char *read_object(apr_pool_t *p, const ecs_field_t *members,
                               const json_t *object, int is_table,
                               json_t *errors)
{
    const ecs_field_t *member;
    const char *text = "";

    if (!json_is_object(object)) {
        add_error(errors, NON_FIELD,
                  apr_psprintf(p,
                               "Invalid data. Expected a dictionary, but got "
                               "%s.",
                               ecs_field_python_type(object)));
        return text;
    }
    for (member = members; member->name != NULL; member++) {
        const char *value = read_member(
            p, member, json_object_get(object, member->name), is_table,
            errors);

        if (value != NULL) {
            text = apr_pstrcat(p, text, *text ? "," : "",
                               ecs_json_quote(p, member->name), ":", value,
                               NULL);
        }
    }
    refuse_unknown(members, object, errors);
    return apr_pstrcat(p, "{", text, "}", NULL);
}

const char *ecs_items_read(apr_pool_t *p, const ecs_field_t *field,
                           const json_t *list, int is_table,
                           ecs_problem_t **problem)
{
    json_t *errors = ecs_json_own(p, json_array()), *object;
    apr_array_header_t *texts = apr_array_make(p, (int)json_array_size(list),
                                               sizeof(char *));
    int is_wrong = 0;
    size_t i;

    /* jansson has no iteration over a const array; nothing is changed. */
    json_array_foreach((json_t *)list, i, object)
    {
        json_t *wrong = json_object();

        APR_ARRAY_PUSH(texts, const char *) =
            read_object(p, field->members, object, is_table, wrong);
        is_wrong = is_wrong || json_object_size(wrong) > 0;
        json_array_append_new(errors, wrong);
    }
    if (is_wrong) {
        ecs_problem_add_items(p, problem, field->name, errors);
        return NULL;
    }
    return apr_pstrcat(p, "[", apr_array_pstrcat(p, texts, ','), "]", NULL);
}
