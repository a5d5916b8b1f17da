/* SPDX-License-Identifier: MIT */
/*
 * csv.c - one pass over the text, field by field.
 *
 * What a field says is not looked at here: all values are texts, and the row of
 * the endpoint knows what they have to be (items.c). How many there are is: each
 * row becomes an object with the names of its columns, so a small file can stand
 * for very large ones.
 */
#include "csv.h"
#include "json.h"
#include "utf8.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define FORMULA_STARTS "=+-@\t\r"
#define COLUMNS_MAX 32
#define COLUMN_NAME_MAX 64 /* bytes */
#define ROWS_MAX 5000

typedef struct reader_t {
    apr_pool_t *p;
    const char *at;
    char separator;
    int line; /* on which the record begins, from 1 */
    int next_line;
    const char *wrong;
} reader_t;

static int at_line_end(const reader_t *reader)
{
    return *reader->at == '\0' || *reader->at == '\n'
        || (*reader->at == '\r' && reader->at[1] == '\n');
}

/* The quote that ends a quoted field; two of them inside mean one. */
static const char *closing_quote(const char *text)
{
    for (text = strchr(text, '"'); text && text[1] == '"';
         text = strchr(text + 2, '"')) {
    }
    return text;
}

static const char *read_quoted(reader_t *reader)
{
    const char *from = reader->at + 1;
    const char *end = closing_quote(from);
    char *out, *to;

    if (!end) {
        reader->wrong = "a quoted field has no end";
        return "";
    }
    out = to = apr_palloc(reader->p, (apr_size_t)(end - from) + 1);
    for (; from < end; from++) {
        from += *from == '"';
        reader->next_line += *from == '\n';
        *to++ = *from;
    }
    *to = '\0';
    reader->at = end + 1;
    if (!at_line_end(reader) && *reader->at != reader->separator) {
        reader->wrong = "there is something behind a quoted field";
    }
    return out;
}

static const char *read_plain(reader_t *reader)
{
    const char *from = reader->at;

    while (!at_line_end(reader) && *reader->at != reader->separator) {
        if (*reader->at == '"') {
            reader->wrong = "a field with a quote in it has to be quoted";
            return "";
        }
        reader->at++;
    }
    return apr_pstrmemdup(reader->p, from, (apr_size_t)(reader->at - from));
}

/* The fields of a line, behind which the reader is then. */
static apr_array_header_t *read_record(reader_t *reader)
{
    apr_array_header_t *fields = apr_array_make(reader->p, 8, sizeof(char *));
    int is_last = 0;

    reader->line = reader->next_line;
    while (!is_last && !reader->wrong) {
        APR_ARRAY_PUSH(fields, const char *) =
            *reader->at == '"' ? read_quoted(reader) : read_plain(reader);
        is_last = *reader->at != reader->separator;
        reader->at += !is_last;
        if (!reader->wrong && fields->nelts > COLUMNS_MAX) {
            reader->wrong = "there are too many fields";
        }
    }
    reader->at += *reader->at == '\r';
    reader->at += *reader->at == '\n';
    reader->next_line++;
    return fields;
}

static const char *field_of(const apr_array_header_t *fields, int i)
{
    return APR_ARRAY_IDX(fields, i, const char *);
}

static int is_empty(const apr_array_header_t *fields)
{
    return fields->nelts == 1 && *field_of(fields, 0) == '\0';
}

static int is_separated_by(const char *text, char separator)
{
    apr_size_t length = strcspn(text, "\n");

    return memchr(text, separator, length) != NULL;
}

static const char *check_columns(apr_pool_t *p,
                                 const apr_array_header_t *columns)
{
    int i, j;

    for (i = 0; i < columns->nelts; i++) {
        if (*field_of(columns, i) == '\0') {
            return apr_psprintf(p, "column %d has no name", i + 1);
        }
        if (strlen(field_of(columns, i)) > COLUMN_NAME_MAX) {
            return apr_psprintf(p, "the name of column %d is too long", i + 1);
        }
        for (j = 0; j < i; j++) {
            if (!strcmp(field_of(columns, i), field_of(columns, j))) {
                return apr_psprintf(p, "column \"%s\" comes twice",
                                    field_of(columns, i));
            }
        }
    }
    return NULL;
}

static const char *unguarded(const char *text)
{
    return *text == '\'' && text[1] && strchr(FORMULA_STARTS, text[1])
        ? text + 1 : text;
}

static json_t *row_of(const apr_array_header_t *columns,
                      const apr_array_header_t *fields)
{
    json_t *row = json_object();
    int i;

    for (i = 0; i < fields->nelts; i++) {
        const char *text = unguarded(field_of(fields, i));

        if (*text) {
            json_object_set_new(row, field_of(columns, i), json_string(text));
        }
    }
    return row;
}

static void read_rows(reader_t *reader, json_t *rows)
{
    const apr_array_header_t *columns = read_record(reader);

    if (!reader->wrong) {
        reader->wrong = check_columns(reader->p, columns);
    }
    while (*reader->at && !reader->wrong) {
        const apr_array_header_t *fields = read_record(reader);

        if (fields->nelts > columns->nelts) {
            reader->wrong = "there are more fields than columns";
        }
        else if (reader->wrong || is_empty(fields)) {
            continue;
        }
        else if (json_array_size(rows) == ROWS_MAX) {
            reader->wrong = "there are too many rows";
        }
        else {
            json_array_append_new(rows, row_of(columns, fields));
        }
    }
}

ecs_problem_t *ecs_csv_parse(apr_pool_t *p, const char *text,
                             apr_size_t length, json_t **value)
{
    reader_t reader = { .p = p, .at = text, .line = 1, .next_line = 1 };
    json_t *rows = json_array();

    *value = ecs_json_own(p, json_pack("{s:o}", "rows", rows));
    if (strlen(text) != length || !ecs_utf8_valid(text)) {
        return ecs_problem_make(p, "malformed_csv", "The file is not UTF-8.");
    }
    if (!strncmp(text, BYTE_ORDER_MARK, sizeof(BYTE_ORDER_MARK) - 1)) {
        reader.at += sizeof(BYTE_ORDER_MARK) - 1;
    }
    reader.separator = is_separated_by(text, ';') && !is_separated_by(text, ',')
        ? ';' : ',';
    read_rows(&reader, rows);
    if (reader.wrong) {
        return ecs_problem_make(p, "malformed_csv", "Line %d: %s.",
                                reader.line, reader.wrong);
    }
    return NULL;
}
