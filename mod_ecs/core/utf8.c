/* SPDX-License-Identifier: MIT */
/*
 * utf8.c - a strict decoder and what is built on it.
 *
 * Everything works on C strings: a NUL never reaches this place, because the
 * JSON reader and the query reader refuse it.
 */
#include "utf8.h"

#include <apr_strings.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* Length of the sequence a byte begins, 0 when no sequence begins so. */
static int sequence_length(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        return 2;
    }
    if (lead >= 0xe0 && lead < 0xf0) {
        return 3;
    }
    if (lead >= 0xf0 && lead < 0xf5) {
        return 4;
    }
    return 0;
}

int ecs_utf8_next(const char **text)
{
    static const int least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)*text;
    int length, code, i;

    if (*s == '\0') {
        return 0;
    }
    (*text)++;
    length = sequence_length(*s);
    if (length <= 1) {
        return length ? *s : ECS_UTF8_INVALID;
    }
    code = *s & (0xff >> (length + 1));
    for (i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return ECS_UTF8_INVALID;
        }
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff)) {
        return ECS_UTF8_INVALID;
    }
    *text += length - 1;
    return code;
}

int ecs_utf8_valid(const char *text)
{
    int code;

    do {
        code = ecs_utf8_next(&text);
    } while (code > 0);
    return code == 0;
}

apr_size_t ecs_utf8_length(const char *text)
{
    apr_size_t length = 0;

    while (ecs_utf8_next(&text) != 0) {
        length++;
    }
    return length;
}

static int is_space(int code)
{
    return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) ||
           code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

const char *ecs_utf8_trim(apr_pool_t *p, const char *text)
{
    const char *start = text, *end = NULL, *at = text;
    int code = ecs_utf8_next(&at);

    while (is_space(code)) {
        start = at;
        code = ecs_utf8_next(&at);
    }
    end = start;
    while (code != 0) {
        if (!is_space(code)) {
            end = at;
        }
        code = ecs_utf8_next(&at);
    }
    return *end == '\0' ? start : apr_pstrmemdup(p, start, end - start);
}

const char *ecs_utf8_head(apr_pool_t *p, const char *text, apr_size_t chars)
{
    const char *at = text;

    while (chars > 0 && ecs_utf8_next(&at) != 0) {
        chars--;
    }
    if (*at == '\0') {
        return text;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, text, at - text), ELLIPSIS, NULL);
}

const char *ecs_utf8_readable(apr_pool_t *p, const char *text)
{
    char *copy, *c;

    if (ecs_utf8_valid(text)) {
        return text;
    }
    copy = apr_pstrdup(p, text);
    for (c = copy; *c; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    return copy;
}
