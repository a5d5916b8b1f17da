/* SPDX-License-Identifier: MIT */
/*
 * schema.c - from a row's words to JSON Schema.
 *
 * Answers are described as strictly as they are made: closed objects, every
 * member there. Inputs are described as they should be sent, which is a little
 * narrower than what fields_types.c takes: a choice in any case, say, or
 * white space around a text.
 */
#include "schema.h"
#include "fields_types.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define REF_PREFIX "#/components/schemas/"
#define MONEY_MAX 999999999999LL /* cents, see money.h */
#define SIGNED_MONEY "^-?[0-9]{1,12}\\.[0-9]{2}$"
#define GIVEN_MONEY "^[0-9]{1,10}(\\.[0-9]{1,2})?$"
#define GIVEN_DECIMAL "^-?[0-9]+(\\.[0-9]{1,6})?$"

typedef struct word_t {
    const char *word;
    ecs_kind_e kind;
} word_t;

static const word_t words[] = {
    {"id", ECS_K_ID},       {"int", ECS_K_INT},   {"num", ECS_K_NUM},
    {"bool", ECS_K_BOOL},   {"str", ECS_K_STR},   {"text", ECS_K_TEXT},
    {"money", ECS_K_MONEY}, {"time", ECS_K_TIME}, {"date", ECS_K_DATE},
    {"email", ECS_K_EMAIL}, {"url", ECS_K_URL},   {"json", ECS_K_JSON},
};

/* ---- the notation ---- */

static int is_word(const char *text, const char *further)
{
    const char *at;

    for (at = text; *at != '\0'; at++) {
        if (!apr_isalnum(*at) && strchr(further, *at) == NULL) {
            return 0;
        }
    }
    return at > text;
}

static int set_kind(ecs_shape_t *shape, const char *text)
{
    apr_size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, text) == 0) {
            shape->kind = words[i].kind;
            return 1;
        }
    }
    shape->word = text;
    if (strchr(text, '|') != NULL) {
        shape->kind = ECS_K_CHOICE;
        return is_word(text, "|_.-") && strstr(text, "||") == NULL &&
               text[0] != '|' && text[strlen(text) - 1] != '|';
    }
    shape->kind = ECS_K_SCHEMA;
    return apr_isupper(text[0]) && is_word(text, "");
}

ecs_shape_t *ecs_shape_parse(apr_pool_t *p, const char *text,
                             const char **error)
{
    ecs_shape_t *shape = apr_pcalloc(p, sizeof(*shape));
    char *type = apr_pstrdup(p, text);
    apr_size_t length = strlen(type);

    if (length > 0 && type[length - 1] == '?') {
        shape->nullable = 1;
        type[--length] = '\0';
    }
    if (length > 2 && type[0] == '[' && type[length - 1] == ']') {
        type[length - 1] = '\0';
        shape->kind = ECS_K_ARRAY;
        shape->items = ecs_shape_parse(p, type + 1, error);
        return shape->items ? shape : NULL;
    }
    if (!set_kind(shape, type)) {
        *error = apr_psprintf(p, "\"%s\" is no type", text);
        return NULL;
    }
    return shape;
}

static int has_member(const apr_array_header_t *members, const char *name)
{
    int i;

    for (i = 0; i < members->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(members, i, ecs_member_t).name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* One "name:type"; `text` is changed and kept. */
static const char *add_member(apr_pool_t *p, apr_array_header_t *members,
                              char *text)
{
    ecs_member_t member = {NULL, 0, NULL};
    char *colon = strchr(text, ':');
    const char *error = NULL;

    if (colon == NULL) {
        return apr_psprintf(p, "\"%s\" has no type", text);
    }
    *colon = '\0';
    member.optional = *text == '~';
    member.name = text + member.optional;
    if (!is_word(member.name, "_")) {
        return apr_psprintf(p, "\"%s\" is no name", text);
    }
    if (has_member(members, member.name)) {
        return apr_psprintf(p, "\"%s\" is there twice", member.name);
    }
    member.shape = ecs_shape_parse(p, colon + 1, &error);
    if (member.shape == NULL) {
        return apr_psprintf(p, "\"%s\": %s", member.name, error);
    }
    APR_ARRAY_PUSH(members, ecs_member_t) = member;
    return NULL;
}

apr_array_header_t *ecs_schema_members(apr_pool_t *p,
                                       const ecs_schema_t *schema,
                                       const char **error)
{
    apr_array_header_t *members = apr_array_make(p, 16, sizeof(ecs_member_t));
    char *rest = NULL;
    char *text = apr_strtok(apr_pstrdup(p, schema->members), " \n", &rest);

    while (text != NULL) {
        *error = add_member(p, members, text);
        if (*error != NULL) {
            return NULL;
        }
        text = apr_strtok(NULL, " \n", &rest);
    }
    return members;
}

const ecs_schema_t *ecs_schema_find(const ecs_app_t *apps, const char *name)
{
    const ecs_schema_t *schema;

    for (; apps->name != NULL; apps++) {
        for (schema = apps->schemas; schema && schema->name; schema++) {
            if (strcmp(schema->name, name) == 0) {
                return schema;
            }
        }
    }
    return NULL;
}

/* ---- what they share ---- */

static json_t *string_of(const char *format)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", format);
}

/* The words of a list as an array of strings. */
static json_t *enum_of(apr_pool_t *p, const char *list, const char *separator)
{
    json_t *choices = json_array();
    char *rest = NULL;
    char *word = apr_strtok(apr_pstrdup(p, list), separator, &rest);

    while (word != NULL) {
        json_array_append_new(choices, json_string(word));
        word = apr_strtok(NULL, separator, &rest);
    }
    return choices;
}

/* The same schema, null added. Takes `schema` over. */
static json_t *or_null(json_t *schema)
{
    json_t *type = json_object_get(schema, "type");
    json_t *choices = json_object_get(schema, "enum");

    if (json_object_size(schema) == 0) {
        return schema; /* anything is null too */
    }
    if (type == NULL) {
        return json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    }
    if (json_is_string(type)) {
        json_object_set_new(schema, "type",
                            json_pack("[O, s]", type, "null"));
    }
    else {
        json_array_append_new(type, json_string("null"));
    }
    if (choices != NULL) {
        json_array_append_new(choices, json_null());
    }
    return schema;
}

/* ---- answers ---- */

static json_t *plain_shape(apr_pool_t *p, const ecs_shape_t *shape)
{
    switch (shape->kind) {
    case ECS_K_ID:
        return json_pack("{s:s, s:s, s:i}", "type", "integer", "format",
                         "int64", "minimum", 1);
    case ECS_K_INT:
        return json_pack("{s:s}", "type", "integer");
    case ECS_K_NUM:
        return json_pack("{s:s}", "type", "number");
    case ECS_K_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case ECS_K_STR:
    case ECS_K_TEXT:
        return json_pack("{s:s}", "type", "string");
    case ECS_K_MONEY:
        return json_pack("{s:s, s:s}", "type", "string", "pattern",
                         SIGNED_MONEY);
    case ECS_K_TIME:
        return string_of("date-time");
    case ECS_K_DATE:
        return string_of("date");
    case ECS_K_EMAIL:
        return string_of("email");
    case ECS_K_URL:
        return string_of("uri-reference");
    case ECS_K_CHOICE:
        return json_pack("{s:s, s:o}", "type", "string", "enum",
                         enum_of(p, shape->word, "|"));
    case ECS_K_SCHEMA:
        return json_pack("{s:s+}", "$ref", REF_PREFIX, shape->word);
    case ECS_K_ARRAY:
        return json_pack("{s:s, s:o}", "type", "array", "items",
                         ecs_shape_json(p, shape->items));
    case ECS_K_JSON:
        break;
    }
    return json_object();
}

json_t *ecs_shape_json(apr_pool_t *p, const ecs_shape_t *shape)
{
    json_t *schema = plain_shape(p, shape);

    return shape->nullable ? or_null(schema) : schema;
}

json_t *ecs_schema_json(apr_pool_t *p, const ecs_schema_t *schema)
{
    json_t *properties = json_object(), *required = json_array(), *object;
    const char *error = NULL;
    apr_array_header_t *members = ecs_schema_members(p, schema, &error);
    int i;

    for (i = 0; members != NULL && i < members->nelts; i++) {
        const ecs_member_t *member = &APR_ARRAY_IDX(members, i, ecs_member_t);

        json_object_set_new(properties, member->name,
                            ecs_shape_json(p, member->shape));
        if (!member->optional) {
            json_array_append_new(required, json_string(member->name));
        }
    }
    object = json_pack("{s:s, s:s*, s:o, s:o, s:b}", "type", "object",
                       "description", schema->description, "properties",
                       properties, "required", required,
                       "additionalProperties", 0);
    if (members == NULL) {
        json_object_set_new(object, "not", json_object());
    }
    return object;
}

/* ---- inputs ---- */

static long long own_max(const ecs_field_t *field, long long type_max)
{
    return field->max ? field->max : type_max;
}

static json_t *text_schema(const ecs_field_t *field, long long type_max)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    long long min = field->min > 0 ? field->min : 1;

    if (!(field->flags & ECS_BLANK)) {
        json_object_set_new(schema, "minLength", json_integer(min));
    }
    json_object_set_new(schema, "maxLength",
                        json_integer(own_max(field, type_max)));
    if (field->flags & ECS_SECRET) {
        json_object_set_new(schema, "writeOnly", json_true());
    }
    return schema;
}

static json_t *email_schema(const ecs_field_t *field)
{
    json_t *schema = text_schema(field, ECS_EMAIL_MAX);

    json_object_set_new(schema, "format", json_string("email"));
    return schema;
}

/* A bound of money in a JSON number: whole amounts stay integers. */
static json_t *amount(long long cents)
{
    return cents % 100 == 0 ? json_integer(cents / 100)
                            : json_real((double)cents / 100);
}

/* The bounds are those of numbers; a string cannot say them. */
static json_t *money_schema(const ecs_field_t *field)
{
    return json_pack("{s:[s, s], s:s, s:o, s:o}", "type", "string", "number",
                     "pattern", GIVEN_MONEY, "minimum", amount(field->min),
                     "maximum", amount(own_max(field, MONEY_MAX)));
}

static json_t *choice_schema(apr_pool_t *p, const ecs_field_t *field)
{
    json_t *choices = enum_of(p, field->choices, " ");

    if (field->flags & ECS_BLANK) {
        json_array_append_new(choices, json_string(""));
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", choices);
}

static json_t *id_schema(void)
{
    return json_pack("{s:s, s:s, s:i}", "type", "integer", "format", "int64",
                     "minimum", 1);
}

static json_t *ids_schema(const ecs_field_t *field)
{
    return json_pack("{s:s, s:o, s:I, s:I, s:b}", "type", "array", "items",
                     id_schema(), "minItems", (json_int_t)field->min,
                     "maxItems", (json_int_t)own_max(field, ECS_LIST_MAX),
                     "uniqueItems", 1);
}

static json_t *items_schema(apr_pool_t *p, const ecs_field_t *field)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "type", "array", "items",
                     ecs_schema_of_body(p, field->members), "minItems",
                     (json_int_t)field->min, "maxItems",
                     (json_int_t)own_max(field, ECS_LIST_MAX));
}

static json_t *plain_field(apr_pool_t *p, const ecs_field_t *field)
{
    switch (field->type) {
    case ECS_T_ID:
        return id_schema();
    case ECS_T_INT:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                         (json_int_t)field->min, "maximum",
                         (json_int_t)own_max(field, ECS_INT_MAX));
    case ECS_T_MONEY:
        return money_schema(field);
    case ECS_T_DECIMAL:
        return json_pack("{s:[s, s], s:s, s:I, s:I}", "type", "number",
                         "string", "pattern", GIVEN_DECIMAL, "minimum",
                         (json_int_t)field->min, "maximum",
                         (json_int_t)own_max(field, ECS_DECIMAL_MAX));
    case ECS_T_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case ECS_T_STRING:
        return text_schema(field, ECS_STRING_MAX);
    case ECS_T_TEXT:
        return text_schema(field, ECS_TEXT_MAX);
    case ECS_T_EMAIL:
        return email_schema(field);
    case ECS_T_CHOICE:
        return choice_schema(p, field);
    case ECS_T_TIME:
        return string_of("date-time");
    case ECS_T_PAGE:
        return json_pack("{s:s, s:i}", "type", "integer", "minimum", 1);
    case ECS_T_IDS:
        return ids_schema(field);
    case ECS_T_ITEMS:
        return items_schema(p, field);
    case ECS_T_CURSOR:
        break;
    }
    return json_pack("{s:s}", "type", "string");
}

/* The default as the JSON type that the schema names. */
static json_t *initial_json(const ecs_field_t *field)
{
    switch (field->type) {
    case ECS_T_ID:
    case ECS_T_INT:
    case ECS_T_PAGE:
        return json_integer(strtoll(field->initial, NULL, 10));
    case ECS_T_BOOL:
        return json_boolean(strcmp(field->initial, "true") == 0);
    default:
        return json_string(field->initial);
    }
}

json_t *ecs_schema_of_field(apr_pool_t *p, const ecs_field_t *field)
{
    json_t *schema = plain_field(p, field);

    if (field->flags & ECS_NULLABLE) {
        schema = or_null(schema);
    }
    if (field->initial != NULL) {
        json_object_set_new(schema, "default", initial_json(field));
    }
    if (field->help != NULL) {
        json_object_set_new(schema, "description", json_string(field->help));
    }
    return schema;
}

json_t *ecs_schema_of_body(apr_pool_t *p, const ecs_field_t *fields)
{
    json_t *properties = json_object(), *required = json_array(), *body;
    const ecs_field_t *field;

    for (field = fields; field != NULL && field->name != NULL; field++) {
        if (field->in != ECS_IN_BODY) {
            continue;
        }
        json_object_set_new(properties, field->name,
                            ecs_schema_of_field(p, field));
        if (field->flags & ECS_REQUIRED) {
            json_array_append_new(required, json_string(field->name));
        }
    }
    body = json_pack("{s:s, s:o, s:b}", "type", "object", "properties",
                     properties, "additionalProperties", 0);
    if (json_array_size(required) > 0) {
        json_object_set(body, "required", required);
    }
    json_decref(required);
    return body;
}

ecs_row_answer_t ecs_schema_of_answer(apr_pool_t *p, const ecs_route_t *route)
{
    ecs_row_answer_t answer = {NULL,
                               apr_array_make(p, 1, sizeof(const char *)),
                               apr_array_make(p, 1, sizeof(const char *))};
    const char *list = route->answer ? route->answer : "";
    char *rest = NULL;
    char *word = apr_strtok(apr_pstrdup(p, list), " ", &rest);

    for (; word != NULL; word = apr_strtok(NULL, " ", &rest)) {
        if (*word == '+') {
            APR_ARRAY_PUSH(answer.extras, const char *) = word + 1;
        }
        else if (strchr(word, '/') != NULL) {
            APR_ARRAY_PUSH(answer.media, const char *) = word;
        }
        else {
            answer.type = word;
        }
    }
    return answer;
}
