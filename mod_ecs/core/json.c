/* SPDX-License-Identifier: MIT */
/*
 * json.c - jansson, made strict.
 *
 * A scan before the parser does what jansson cannot: it limits the nesting and
 * the number of values (each takes some hundred bytes), and it finds the numbers
 * that a double or a 64-bit integer cannot hold as they were written (an
 * exponent, more than 15 digits, out of range). Those are put between quotes and
 * so reach the fields as strings of their text: no amount of money is rounded
 * behind the client's back, and every field but those of decimal numbers refuses
 * them for their type.
 */
#include "json.h"
#include "utf8.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A decimal text of up to 15 digits survives the way through a double. */
#define REAL_DIGITS_MAX 15
#define INTEGER_CHARS_MAX 20 /* "-9223372036854775808" */
#define ESCAPE_MAX 6         /* bytes of \u003c */

typedef struct span_t {
    apr_size_t start, end; /* byte offsets in the body */
} span_t;

typedef struct scan_t {
    const char *text;
    apr_size_t length;
    apr_array_header_t *wide; /* of span_t: numbers to be put in quotes */
    apr_size_t too_deep;      /* offset + 1 of the bracket, 0 for none */
    apr_size_t too_many;      /* and of the value */
} scan_t;

static apr_size_t skip_digits(const scan_t *scan, apr_size_t at)
{
    while (at < scan->length && apr_isdigit(scan->text[at])) {
        at++;
    }
    return at;
}

static int is_at(const scan_t *scan, apr_size_t at, const char *chars)
{
    return at < scan->length && scan->text[at] != '\0' &&
           strchr(chars, scan->text[at]) != NULL;
}

static int fits_integer(const scan_t *scan, const span_t *span)
{
    char number[INTEGER_CHARS_MAX + 1];
    apr_size_t length = span->end - span->start;

    if (length > INTEGER_CHARS_MAX) {
        return 0;
    }
    memcpy(number, scan->text + span->start, length);
    number[length] = '\0';
    errno = 0;
    (void)strtoll(number, NULL, 10);
    return errno == 0;
}

/*
 * Read a number (RFC 8259 section 6) and its end.
 * Returns 1 when it must be kept as text. What is no number is left to jansson
 * to refuse.
 */
static int is_wide_number(const scan_t *scan, span_t *span)
{
    apr_size_t whole = span->start + is_at(scan, span->start, "-");
    apr_size_t point = skip_digits(scan, whole), end = point;

    span->end = point > span->start ? point : span->start + 1;
    if (point == whole || (point - whole > 1 && scan->text[whole] == '0')) {
        return 0;
    }
    if (is_at(scan, point, ".")) {
        end = skip_digits(scan, point + 1);
        if (end == point + 1) {
            return 0;
        }
    }
    span->end = end;
    if (is_at(scan, end, "eE")) {
        apr_size_t power = end + 1 + is_at(scan, end + 1, "+-");

        span->end = skip_digits(scan, power);
        return span->end > power;
    }
    if (end == point) {
        return !fits_integer(scan, span);
    }
    return end - whole - 1 > REAL_DIGITS_MAX;
}

/* In quotes a number in the place of a key would become a valid key. */
static int is_key(const scan_t *scan, apr_size_t at)
{
    while (is_at(scan, at, " \t\r\n")) {
        at++;
    }
    return is_at(scan, at, ":");
}

static apr_size_t string_end(const scan_t *scan, apr_size_t at)
{
    for (at++; at < scan->length && scan->text[at] != '"'; at++) {
        if (scan->text[at] == '\\') {
            at++;
        }
    }
    return at < scan->length ? at + 1 : scan->length;
}

static void scan_body(scan_t *scan)
{
    apr_size_t at = 0;
    int depth = 0, values = 0;

    while (at < scan->length) {
        char c = scan->text[at];

        if (c == '"') {
            at = string_end(scan, at);
            continue;
        }
        if (c == '-' || apr_isdigit(c)) {
            span_t span = {at, at};

            if (is_wide_number(scan, &span) && !is_key(scan, span.end)) {
                APR_ARRAY_PUSH(scan->wide, span_t) = span;
            }
            at = span.end;
            continue;
        }
        if (c == '[' || c == '{') {
            depth++;
        }
        else if (c == ']' || c == '}') {
            depth--;
        }
        values += c == ',' || c == '[' || c == '{';
        at++;
        if (depth > ECS_JSON_DEPTH_MAX) {
            scan->too_deep = at;
            return;
        }
        if (values > ECS_JSON_VALUES_MAX) {
            scan->too_many = at;
            return;
        }
    }
}

/* The body with quotes around its wide numbers. */
static const char *quote_numbers(apr_pool_t *p, const scan_t *scan,
                                 apr_size_t *length)
{
    char *copy =
        apr_palloc(p, scan->length + 2 * (apr_size_t)scan->wide->nelts);
    char *to = copy;
    apr_size_t from = 0;
    int i;

    for (i = 0; i < scan->wide->nelts; i++) {
        const span_t *span = &APR_ARRAY_IDX(scan->wide, i, span_t);

        memcpy(to, scan->text + from, span->start - from);
        to += span->start - from;
        *to++ = '"';
        memcpy(to, scan->text + span->start, span->end - span->start);
        to += span->end - span->start;
        *to++ = '"';
        from = span->end;
    }
    memcpy(to, scan->text + from, scan->length - from);
    *length = (apr_size_t)(to - copy) + scan->length - from;
    return copy;
}

/* Where in the client's text jansson stopped: quotes were ours. */
static apr_size_t original_position(const scan_t *scan, apr_size_t position)
{
    apr_size_t added = 0;
    int i;

    for (i = 0; i < scan->wide->nelts; i++) {
        const span_t *span = &APR_ARRAY_IDX(scan->wide, i, span_t);

        added += span->start + added < position;
        added += span->end + added < position;
    }
    return position - added;
}

/* `position` bytes were read, the last of them is the culprit. */
static ecs_problem_t *malformed(apr_pool_t *p, const scan_t *scan,
                                apr_size_t position, const char *reason)
{
    int line = 1, column = 0;
    apr_size_t i;

    for (i = 0; i < position && i < scan->length; i++) {
        if (i > 0 && scan->text[i - 1] == '\n') {
            line++;
            column = 0;
        }
        column += ((unsigned char)scan->text[i] & 0xc0) != 0x80;
    }
    return ecs_problem_make(p, "malformed_json",
                            "Malformed JSON at line %d, column %d: %s.", line,
                            column > 0 ? column : 1, reason);
}

/* jansson's words without the part that repeats the client's text. */
static const char *reason_of(apr_pool_t *p, const json_error_t *error)
{
    const char *quote;

    switch (json_error_code(error)) {
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "NUL is not allowed in a string";
    case json_error_invalid_utf8:
        return "the text is not valid UTF-8";
    case json_error_duplicate_key:
        return "a member is there twice";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_numeric_overflow:
        return "a number is too big";
    default:
        quote = strstr(error->text, " near ");
        return quote ? apr_pstrmemdup(p, error->text,
                                      (apr_size_t)(quote - error->text))
                     : apr_pstrdup(p, error->text);
    }
}

ecs_problem_t *ecs_json_parse(apr_pool_t *p, const char *text,
                              apr_size_t length, json_t **out)
{
    scan_t scan = {text, length, NULL, 0};
    const char *nul = memchr(text, '\0', length);
    json_error_t error;
    json_t *value;

    *out = NULL;
    if (nul != NULL) { /* jansson overlooks one behind a bare number */
        return malformed(p, &scan, (apr_size_t)(nul - text) + 1,
                         "NUL is not allowed");
    }
    scan.wide = apr_array_make(p, 1, sizeof(span_t));
    scan_body(&scan);
    if (scan.too_deep) {
        return malformed(p, &scan, scan.too_deep, "nested too deeply");
    }
    if (scan.too_many) {
        return malformed(p, &scan, scan.too_many, "there are too many values");
    }
    if (scan.wide->nelts > 0) {
        text = quote_numbers(p, &scan, &length);
    }
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                       &error);
    if (value == NULL) {
        return malformed(p, &scan,
                         original_position(&scan, (apr_size_t)error.position),
                         reason_of(p, &error));
    }
    *out = ecs_json_own(p, value);
    return NULL;
}

/* Write one code point's literal form; `from` is its UTF-8 text. */
static char *put_quoted(char *to, int code, const char *from, apr_size_t bytes)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *pair;

    for (pair = named; *pair != '\0'; pair += 2) {
        if (*pair == code) {
            *to++ = '\\';
            *to++ = pair[1];
            return to;
        }
    }
    if (code == ECS_UTF8_INVALID) {
        memcpy(to, "\xef\xbf\xbd", 3); /* U+FFFD */
        return to + 3;
    }
    if (code < 0x20 || code == '<' || code == '>' ||
        code == 0x7f || code == 0x2028 || code == 0x2029) {
        return to + apr_snprintf(to, ESCAPE_MAX + 1, "\\u%04x", (unsigned)code);
    }
    memcpy(to, from, bytes);
    return to + bytes;
}

const char *ecs_json_quote(apr_pool_t *p, const char *text)
{
    char *quoted = apr_palloc(p, ESCAPE_MAX * strlen(text) + 3);
    char *to = quoted;
    const char *at = text;
    int code;

    *to++ = '"';
    code = ecs_utf8_next(&at);
    while (code != 0) {
        to = put_quoted(to, code, text, (apr_size_t)(at - text));
        text = at;
        code = ecs_utf8_next(&at);
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

const char *ecs_json_dump(apr_pool_t *p, const json_t *value)
{
    /* So many digits give back the text of a real that was parsed here. */
    const size_t flags =
        JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS_MAX);
    size_t length = json_dumpb(value, NULL, 0, flags);
    char *text = apr_palloc(p, length + 1);

    json_dumpb(value, text, length, flags);
    text[length] = '\0';
    return text;
}

static apr_status_t release(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

json_t *ecs_json_own(apr_pool_t *p, json_t *value)
{
    if (value != NULL) {
        apr_pool_cleanup_register(p, value, release, apr_pool_cleanup_null);
    }
    return value;
}
