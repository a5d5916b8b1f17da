/* SPDX-License-Identifier: MIT */
/*
 * schema_check.c - a small validator for JSON Schema 2020-12.
 *
 * One function per keyword, found by name in a table; the place in the value
 * is a linked list on the stack and becomes a pointer only when something is
 * wrong. It stands apart from core/, whose work it checks.
 */
#include "schema_check.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 1024
#define POINTER_BYTES 512
#define SEGMENT_BYTES 256
#define PATTERN_BYTES 512
#define DEPTH_MAX 200 /* schemas within schemas: a $ref that meets itself */

typedef struct place_t {
    const char *name; /* NULL: `index` counts */
    size_t index;
    const struct place_t *outer;
} place_t;

typedef struct check_t {
    const json_t *document;
    const json_t *schema; /* whose keyword is looked at */
    const place_t *place;
    int depth;
} check_t;

/* NULL, or what is wrong. */
typedef const char *keyword_fn(const check_t *check, const json_t *keyword,
                               const json_t *value);

static const char *check_value(const check_t *outer, const json_t *schema,
                               const json_t *value, const place_t *place);

/* ---- messages ---- */

static size_t write_place(char *to, size_t room, const place_t *place)
{
    size_t length = 0;

    if (place == NULL) {
        to[0] = '\0';
        return 0;
    }
    length = write_place(to, room, place->outer);
    if (place->name != NULL) {
        snprintf(to + length, room - length, "/%s", place->name);
    }
    else {
        snprintf(to + length, room - length, "/%zu", place->index);
    }
    return strlen(to);
}

__attribute__((format(printf, 2, 3))) static const char *
wrong(const check_t *check, const char *format, ...)
{
    static _Thread_local char message[MESSAGE_BYTES];
    char pointer[POINTER_BYTES], sentence[MESSAGE_BYTES - POINTER_BYTES - 3];
    va_list args;

    /* The sentence may quote an earlier message: it is written first. */
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    write_place(pointer, sizeof(pointer), check ? check->place : NULL);
    snprintf(message, sizeof(message), "%s: %s", *pointer ? pointer : "/",
             sentence);
    return message;
}

/* ---- references ---- */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0'
                                     : tolower((unsigned char)c) - 'a' + 10;
}

/* One segment of a pointer, unescaped; returns where it ends. */
static const char *read_segment(const char *from, char *to)
{
    char *end = to + SEGMENT_BYTES - 1;

    while (*from != '\0' && *from != '/' && to < end) {
        if (from[0] == '~' && (from[1] == '0' || from[1] == '1')) {
            *to++ = from[1] == '0' ? '~' : '/';
            from += 2;
        }
        else if (from[0] == '%' && isxdigit((unsigned char)from[1]) &&
                 isxdigit((unsigned char)from[2])) {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 3;
        }
        else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return from;
}

const json_t *schema_at(const json_t *document, const char *pointer)
{
    char segment[SEGMENT_BYTES];

    pointer += *pointer == '#';
    while (document != NULL && *pointer == '/') {
        pointer = read_segment(pointer + 1, segment);
        document = json_is_array(document)
                       ? json_array_get(document,
                                        (size_t)strtoul(segment, NULL, 10))
                       : json_object_get(document, segment);
    }
    return *pointer == '\0' ? document : NULL;
}

static const char *check_ref(const check_t *check, const json_t *keyword,
                             const json_t *value)
{
    const char *name = json_string_value(keyword);
    const json_t *target = name ? schema_at(check->document, name) : NULL;

    if (target == NULL) {
        return wrong(check, "the schema's $ref leads nowhere: %s",
                     name ? name : "no string");
    }
    return check_value(check, target, value, check->place);
}

/* ---- any value ---- */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_NULL:
        return "null";
    default:
        return "boolean";
    }
}

static int has_type(const json_t *value, const char *type)
{
    if (type == NULL) {
        return 0;
    }
    if (strcmp(type, "number") == 0) {
        return json_is_number(value);
    }
    if (strcmp(type, "integer") == 0 && json_is_real(value)) {
        return floor(json_real_value(value)) == json_real_value(value);
    }
    return strcmp(type, type_name(value)) == 0;
}

static const char *check_type(const check_t *check, const json_t *keyword,
                              const json_t *value)
{
    size_t i;

    if (json_is_string(keyword)) {
        return has_type(value, json_string_value(keyword))
                   ? NULL
                   : wrong(check, "is %s, not %s", type_name(value),
                           json_string_value(keyword));
    }
    for (i = 0; i < json_array_size(keyword); i++) {
        if (has_type(value, json_string_value(json_array_get(keyword, i)))) {
            return NULL;
        }
    }
    return wrong(check, "is %s, none of its types", type_name(value));
}

static int is_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    return json_equal(a, b);
}

static const char *check_const(const check_t *check, const json_t *keyword,
                               const json_t *value)
{
    return is_equal(keyword, value) ? NULL
                                    : wrong(check, "is not the one value");
}

static const char *check_enum(const check_t *check, const json_t *keyword,
                              const json_t *value)
{
    const char *text = json_string_value(value);
    size_t i;

    for (i = 0; i < json_array_size(keyword); i++) {
        if (is_equal(json_array_get(keyword, i), value)) {
            return NULL;
        }
    }
    return wrong(check, "is not in the enumeration: %s",
                 text ? text : type_name(value));
}

/* ---- combinations ---- */

static const char *check_all_of(const check_t *check, const json_t *keyword,
                                const json_t *value)
{
    const char *error = NULL;
    size_t i;

    for (i = 0; error == NULL && i < json_array_size(keyword); i++) {
        error = check_value(check, json_array_get(keyword, i), value,
                            check->place);
    }
    return error;
}

/* How many fit; the last error of those that do not is left in *error. */
static int count_fits(const check_t *check, const json_t *keyword,
                      const json_t *value, const char **error)
{
    int fits = 0;
    size_t i;

    *error = "there is no choice";
    for (i = 0; i < json_array_size(keyword); i++) {
        const char *one = check_value(check, json_array_get(keyword, i), value,
                                      check->place);

        fits += one == NULL;
        *error = one != NULL ? one : *error;
    }
    return fits;
}

static const char *check_any_of(const check_t *check, const json_t *keyword,
                                const json_t *value)
{
    const char *error;

    return count_fits(check, keyword, value, &error) > 0
               ? NULL
               : wrong(check, "fits none of anyOf, the last because: %s",
                       error);
}

static const char *check_one_of(const check_t *check, const json_t *keyword,
                                const json_t *value)
{
    const char *error;
    int fits = count_fits(check, keyword, value, &error);

    if (fits == 0) {
        return wrong(check, "fits none of oneOf, the last because: %s", error);
    }
    return fits == 1 ? NULL : wrong(check, "fits %d of oneOf", fits);
}

static const char *check_not(const check_t *check, const json_t *keyword,
                             const json_t *value)
{
    return check_value(check, keyword, value, check->place) != NULL
               ? NULL
               : wrong(check, "fits what it must not");
}

/* ---- numbers ---- */

/* Integers are compared as such: a double has no room for all of them. */
static int compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        return (json_integer_value(a) > json_integer_value(b)) -
               (json_integer_value(a) < json_integer_value(b));
    }
    return (json_number_value(a) > json_number_value(b)) -
           (json_number_value(a) < json_number_value(b));
}

static const char *check_minimum(const check_t *check, const json_t *keyword,
                                 const json_t *value)
{
    return !json_is_number(value) || compare(value, keyword) >= 0
               ? NULL
               : wrong(check, "%g is less than %g", json_number_value(value),
                       json_number_value(keyword));
}

static const char *check_maximum(const check_t *check, const json_t *keyword,
                                 const json_t *value)
{
    return !json_is_number(value) || compare(value, keyword) <= 0
               ? NULL
               : wrong(check, "%g is more than %g", json_number_value(value),
                       json_number_value(keyword));
}

/* ---- strings ---- */

/* Code points of valid UTF-8, which jansson sees to. */
static json_int_t length_of(const json_t *value)
{
    const char *at = json_string_value(value);
    json_int_t length = 0;

    for (; *at != '\0'; at++) {
        length += ((unsigned char)*at & 0xc0) != 0x80;
    }
    return length;
}

static const char *check_min_length(const check_t *check,
                                    const json_t *keyword, const json_t *value)
{
    return !json_is_string(value) ||
                   length_of(value) >= json_integer_value(keyword)
               ? NULL
               : wrong(check, "is shorter than %lld characters",
                       (long long)json_integer_value(keyword));
}

static const char *check_max_length(const check_t *check,
                                    const json_t *keyword, const json_t *value)
{
    return !json_is_string(value) ||
                   length_of(value) <= json_integer_value(keyword)
               ? NULL
               : wrong(check, "is longer than %lld characters",
                       (long long)json_integer_value(keyword));
}

/* POSIX knows no \d. Returns 0 when there is no room. */
static int posix_pattern(const char *from, char *to)
{
    char *end = to + PATTERN_BYTES - sizeof("[0-9]");

    for (; *from != '\0' && to < end; from++) {
        if (from[0] == '\\' && from[1] == 'd') {
            memcpy(to, "[0-9]", 5);
            to += 5;
            from++;
        }
        else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return *from == '\0';
}

static const char *check_pattern(const check_t *check, const json_t *keyword,
                                 const json_t *value)
{
    const char *text = json_string_value(keyword);
    char pattern[PATTERN_BYTES];
    regex_t regex;
    int missed;

    if (!json_is_string(value)) {
        return NULL;
    }
    if (text == NULL || !posix_pattern(text, pattern) ||
        regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return wrong(check, "the schema's pattern is none: %s",
                     text ? text : "no string");
    }
    missed = regexec(&regex, json_string_value(value), 0, NULL, 0);
    regfree(&regex);
    return missed ? wrong(check, "\"%s\" does not match %s",
                          json_string_value(value), text)
                  : NULL;
}

/* ---- arrays ---- */

static const char *check_items(const check_t *check, const json_t *keyword,
                               const json_t *value)
{
    const char *error = NULL;
    size_t i;

    for (i = 0; error == NULL && i < json_array_size(value); i++) {
        const place_t place = {NULL, i, check->place};

        error = check_value(check, keyword, json_array_get(value, i), &place);
    }
    return error;
}

static const char *check_min_items(const check_t *check, const json_t *keyword,
                                   const json_t *value)
{
    return !json_is_array(value) || (json_int_t)json_array_size(value) >=
                                        json_integer_value(keyword)
               ? NULL
               : wrong(check, "has too few items: %zu",
                       json_array_size(value));
}

static const char *check_max_items(const check_t *check, const json_t *keyword,
                                   const json_t *value)
{
    return !json_is_array(value) || (json_int_t)json_array_size(value) <=
                                        json_integer_value(keyword)
               ? NULL
               : wrong(check, "has too many items: %zu",
                       json_array_size(value));
}

static const char *check_unique(const check_t *check, const json_t *keyword,
                                const json_t *value)
{
    size_t i, j;

    for (i = 0; json_is_true(keyword) && i < json_array_size(value); i++) {
        for (j = 0; j < i; j++) {
            if (is_equal(json_array_get(value, i), json_array_get(value, j))) {
                return wrong(check, "items %zu and %zu are the same", j, i);
            }
        }
    }
    return NULL;
}

/* ---- objects ---- */

static const char *check_properties(const check_t *check,
                                    const json_t *keyword, const json_t *value)
{
    const char *error = NULL, *name;
    json_t *schema;

    json_object_foreach((json_t *)keyword, name, schema)
    {
        const json_t *member = json_object_get(value, name);
        const place_t place = {name, 0, check->place};

        if (error == NULL && member != NULL) {
            error = check_value(check, schema, member, &place);
        }
    }
    return error;
}

static const char *check_required(const check_t *check, const json_t *keyword,
                                  const json_t *value)
{
    size_t i;

    for (i = 0; json_is_object(value) && i < json_array_size(keyword); i++) {
        const char *name = json_string_value(json_array_get(keyword, i));

        if (json_object_get(value, name) == NULL) {
            return wrong(check, "\"%s\" is missing", name);
        }
    }
    return NULL;
}

static const char *check_additional(const check_t *check,
                                    const json_t *keyword, const json_t *value)
{
    const json_t *known = json_object_get(check->schema, "properties");
    const char *error = NULL, *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member)
    {
        const place_t place = {name, 0, check->place};

        if (error != NULL || json_object_get(known, name) != NULL) {
            continue;
        }
        error = json_is_false(keyword)
                    ? wrong(check, "\"%s\" should not be there", name)
                    : check_value(check, keyword, member, &place);
    }
    return error;
}

static const char *check_min_properties(const check_t *check,
                                        const json_t *keyword,
                                        const json_t *value)
{
    return !json_is_object(value) || (json_int_t)json_object_size(value) >=
                                         json_integer_value(keyword)
               ? NULL
               : wrong(check, "has too few members: %zu",
                       json_object_size(value));
}

static const char *check_max_properties(const check_t *check,
                                        const json_t *keyword,
                                        const json_t *value)
{
    return !json_is_object(value) || (json_int_t)json_object_size(value) <=
                                         json_integer_value(keyword)
               ? NULL
               : wrong(check, "has too many members: %zu",
                       json_object_size(value));
}

/* ---- schemas ---- */

static const char *ignore(const check_t *check, const json_t *keyword,
                          const json_t *value)
{
    return NULL;
}

static const struct {
    const char *name;
    keyword_fn *check;
} keywords[] = {
    {"$ref", check_ref},
    {"type", check_type},
    {"const", check_const},
    {"enum", check_enum},
    {"properties", check_properties},
    {"required", check_required},
    {"additionalProperties", check_additional},
    {"minProperties", check_min_properties},
    {"maxProperties", check_max_properties},
    {"items", check_items},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"uniqueItems", check_unique},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"pattern", check_pattern},
    {"allOf", check_all_of},
    {"anyOf", check_any_of},
    {"oneOf", check_one_of},
    {"not", check_not},
    /* annotations */
    {"title", ignore},
    {"description", ignore},
    {"format", ignore},
    {"default", ignore},
    {"example", ignore},
    {"examples", ignore},
    {"readOnly", ignore},
    {"writeOnly", ignore},
    {"deprecated", ignore},
    {"$comment", ignore},
};

static keyword_fn *keyword_of(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcmp(keywords[i].name, name) == 0) {
            return keywords[i].check;
        }
    }
    return strncmp(name, "x-", 2) == 0 ? ignore : NULL;
}

static const char *check_value(const check_t *outer, const json_t *schema,
                               const json_t *value, const place_t *place)
{
    const check_t check = {outer->document, schema, place, outer->depth + 1};
    const char *error = NULL, *name;
    json_t *keyword;

    if (json_is_boolean(schema)) {
        return json_is_true(schema) ? NULL : wrong(&check, "must not be");
    }
    if (!json_is_object(schema)) {
        return wrong(&check, "its schema is none");
    }
    if (check.depth > DEPTH_MAX) {
        return wrong(&check, "the schema has no end");
    }
    json_object_foreach((json_t *)schema, name, keyword)
    {
        keyword_fn *fn = keyword_of(name);

        if (error == NULL) {
            error = fn != NULL ? fn(&check, keyword, value)
                               : wrong(&check, "keyword \"%s\" is not known",
                                       name);
        }
    }
    return error;
}

const char *schema_check(const json_t *document, const json_t *schema,
                         const json_t *value)
{
    const check_t root = {document, NULL, NULL, 0};

    if (value == NULL) {
        return wrong(NULL, "there is no value");
    }
    return check_value(&root, schema, value, NULL);
}
