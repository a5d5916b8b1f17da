/* SPDX-License-Identifier: MIT */
/*
 * query.c - reading and writing of name=value texts.
 *
 * Nothing is repaired: a broken escape, bytes that are no UTF-8, a NUL and a
 * second value for a name are errors that name the field, so that no two
 * readers of one request can understand it differently.
 */
#include "query.h"
#include "utf8.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define NON_FIELD "non_field_errors"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decode one name or value.
 * Returns NULL, or what is wrong; *out is a text in any case.
 */
static const char *decode(apr_pool_t *p, const char *text, apr_size_t length,
                          const char **out)
{
    char *decoded = apr_palloc(p, length + 1);
    char *to = decoded;
    apr_size_t i;

    *out = "";
    for (i = 0; i < length; i++) {
        int c = text[i] == '+' ? ' ' : (unsigned char)text[i];

        if (text[i] == '%') {
            int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;

            if (low < 0) {
                return "Broken percent-encoding.";
            }
            c = high << 4 | low;
            i += 2;
        }
        if (c == 0) {
            return "Null characters are not allowed.";
        }
        *to++ = (char)c;
    }
    *to = '\0';
    if (!ecs_utf8_valid(decoded)) {
        return "The text is not valid UTF-8.";
    }
    *out = decoded;
    return NULL;
}

static void read_pair(apr_pool_t *p, const char *text, apr_size_t length,
                      apr_array_header_t *pairs, ecs_problem_t **problem)
{
    const char *equals = memchr(text, '=', length);
    apr_size_t name_length = equals ? (apr_size_t)(equals - text) : length;
    ecs_pair_t pair = {NULL, ""};
    const char *wrong = decode(p, text, name_length, &pair.name);

    if (wrong != NULL) {
        ecs_problem_add_field(p, problem, NON_FIELD, wrong);
        return;
    }
    if (equals != NULL) {
        wrong = decode(p, equals + 1, length - name_length - 1, &pair.value);
    }
    if (wrong == NULL && ecs_query_value(pairs, pair.name) != NULL) {
        wrong = "This field was given more than once.";
    }
    if (wrong != NULL) {
        ecs_problem_add_field(p, problem, pair.name, wrong);
        return;
    }
    APR_ARRAY_PUSH(pairs, ecs_pair_t) = pair;
}

apr_array_header_t *ecs_query_read(apr_pool_t *p, const char *text,
                                   apr_size_t length, ecs_problem_t **problem)
{
    apr_array_header_t *pairs = apr_array_make(p, 4, sizeof(ecs_pair_t));
    const char *end = text + length;
    int count = 0;

    while (text < end) {
        const char *stop = memchr(text, '&', (apr_size_t)(end - text));
        apr_size_t size = (apr_size_t)((stop ? stop : end) - text);

        if (size > 0 && ++count > ECS_QUERY_PAIRS_MAX) {
            ecs_problem_add_field(p, problem, NON_FIELD, "Too many fields.");
            return pairs;
        }
        if (size > 0) {
            read_pair(p, text, size, pairs, problem);
        }
        text += size + 1;
    }
    return pairs;
}

const char *ecs_query_value(const apr_array_header_t *pairs, const char *name)
{
    int i;

    for (i = 0; i < pairs->nelts; i++) {
        const ecs_pair_t *pair = &APR_ARRAY_IDX(pairs, i, ecs_pair_t);

        if (strcmp(pair->name, name) == 0) {
            return pair->value;
        }
    }
    return NULL;
}

const char *ecs_query_escape(apr_pool_t *p, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = apr_palloc(p, 3 * strlen(text) + 1);
    char *to = escaped;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == ' ') {
            *to++ = '+';
        }
        else if ((c < 0x80 && apr_isalnum(c)) || strchr("_.-~", c) != NULL) {
            *to++ = (char)c;
        }
        else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 0x0f];
        }
    }
    *to = '\0';
    return escaped;
}
