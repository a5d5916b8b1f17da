/* SPDX-License-Identifier: MIT */
/*
 * multipart.c - a state machine over pieces.
 *
 * A delimiter is CR LF "--" boundary, and a boundary has no CR: so CR is only
 * its first character, and after a mismatch the search begins anew at the very
 * byte that did not fit. What had matched until then was data and is known by
 * heart, so nothing of the body is ever stored. The first delimiter needs no
 * line break before it: the search begins as if one had been seen.
 */
#include "multipart.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static const char FORM_DATA[] = "multipart/form-data";

typedef enum state_e {
    PREAMBLE,  /* before the first delimiter */
    DELIMITED, /* behind a delimiter: blanks and a line break, or "--" */
    HEADER,
    DATA,
    EPILOGUE   /* behind the last delimiter; whatever comes is ignored */
} state_e;

struct ecs_multipart_t {
    apr_pool_t *p;
    const ecs_multipart_taker_t *taker;
    void *baton;
    const char *delimiter;
    apr_size_t length;  /* of the delimiter */
    apr_size_t matched; /* how much of it was just seen */
    apr_size_t lent;    /* of that, what is no data: see begin_part() */
    state_e state;
    int parts;
    char tail; /* DELIMITED: the byte before, '\0' for none but blanks */
    char *header; /* HEADER: lines so far */
    apr_size_t header_length;
};

/* ---- the media type ---- */

static int is_boundary_char(char c)
{
    return apr_isalnum(c) || (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

/* The value of a parameter, quoted or not; `text` is behind its "=". */
static const char *parameter_value(apr_pool_t *p, const char *text)
{
    const char *end;

    if (*text == '"') {
        end = strchr(++text, '"');
        return end ? apr_pstrmemdup(p, text, (apr_size_t)(end - text)) : NULL;
    }
    return apr_pstrmemdup(p, text, strcspn(text, "; \t"));
}

/* The value of the parameter of that name in "x; a=1; b=\"2\"", or NULL. */
static const char *parameter(apr_pool_t *p, const char *text, const char *name)
{
    apr_size_t length = strlen(name);
    int is_quoted = 0;

    for (; *text != '\0'; text++) {
        const char *at = text + 1;

        is_quoted ^= *text == '"';
        if (*text != ';' || is_quoted) {
            continue;
        }
        at += strspn(at, " \t");
        if (strncasecmp(at, name, length) == 0 && at[length] == '=') {
            return parameter_value(p, at + length + 1);
        }
    }
    return NULL;
}

const char *ecs_multipart_boundary(apr_pool_t *p, const char *content_type)
{
    apr_size_t length = sizeof(FORM_DATA) - 1, i;
    const char *boundary;

    if (content_type == NULL ||
        strncasecmp(content_type, FORM_DATA, length) != 0 ||
        strchr("; \t", content_type[length]) == NULL) {
        return NULL;
    }
    boundary = parameter(p, content_type, "boundary");
    length = boundary ? strlen(boundary) : 0;
    if (length == 0 || length > ECS_MULTIPART_BOUNDARY_MAX ||
        boundary[length - 1] == ' ') {
        return NULL;
    }
    for (i = 0; i < length && is_boundary_char(boundary[i]); i++) {
    }
    return i == length ? boundary : NULL;
}

ecs_multipart_t *ecs_multipart_make(apr_pool_t *p, const char *boundary,
                                    const ecs_multipart_taker_t *taker,
                                    void *baton)
{
    ecs_multipart_t *parser = apr_pcalloc(p, sizeof(*parser));

    parser->p = p;
    parser->taker = taker;
    parser->baton = baton;
    parser->delimiter = apr_pstrcat(p, "\r\n--", boundary, NULL);
    parser->length = strlen(parser->delimiter);
    parser->matched = parser->lent = 2; /* no line break comes before it */
    parser->header = apr_palloc(p, ECS_MULTIPART_HEADER_MAX + 1);
    return parser;
}

/* ---- the header of a part ---- */

static int is_name(const char *name)
{
    apr_size_t length = strlen(name), i;

    for (i = 0; i < length; i++) {
        if (!apr_isalnum(name[i]) && strchr("_-.[]", name[i]) == NULL) {
            return 0;
        }
    }
    return length > 0 && length <= ECS_MULTIPART_NAME_MAX;
}

/* The value of a header line, or NULL when the line is another one. */
static const char *header_value(const char *line, const char *name)
{
    apr_size_t length = strlen(name);

    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    line += length + 1;
    return line + strspn(line, " \t");
}

static const char *read_disposition(ecs_multipart_t *parser, const char *value,
                                    ecs_multipart_part_t *part)
{
    if (strncasecmp(value, "form-data", 9) != 0 ||
        (value[9] != ';' && value[9] != '\0')) {
        return "A part is no form-data.";
    }
    part->name = parameter(parser->p, value, "name");
    part->is_file = parameter(parser->p, value, "filename") != NULL ||
                    parameter(parser->p, value, "filename*") != NULL;
    return NULL;
}

static const char *begin_part(ecs_multipart_t *parser)
{
    ecs_multipart_part_t *part = apr_pcalloc(parser->p, sizeof(*part));
    const char *wrong = NULL;
    char *line, *rest = NULL;

    parser->header[parser->header_length] = '\0';
    if (strlen(parser->header) != parser->header_length) {
        return "A part's header has a null character.";
    }
    line = apr_strtok(parser->header, "\r\n", &rest);
    for (; line != NULL && wrong == NULL; line = apr_strtok(NULL, "\r\n",
                                                            &rest)) {
        const char *value = header_value(line, "Content-Disposition");

        if (value != NULL && part->name != NULL) {
            wrong = "A part has two names.";
        }
        else if (value != NULL) {
            wrong = read_disposition(parser, value, part);
        }
        else if (part->type == NULL) {
            part->type = header_value(line, "Content-Type");
        }
    }
    if (wrong == NULL && (part->name == NULL || !is_name(part->name))) {
        wrong = "A part has no name, or one that no field has.";
    }
    if (wrong == NULL && ++parser->parts > ECS_MULTIPART_PARTS_MAX) {
        wrong = "There are too many parts.";
    }
    if (wrong == NULL) {
        parser->state = DATA;
        /* The line break of the empty line may be the delimiter's, too. */
        parser->matched = parser->lent = 2;
        wrong = parser->taker->begin(parser->baton, part);
    }
    return wrong;
}

/* One byte of a header; an empty line ends it. */
static const char *push_header(ecs_multipart_t *parser, char c)
{
    char *header = parser->header;
    apr_size_t length = parser->header_length;

    if (length == ECS_MULTIPART_HEADER_MAX) {
        return "A part's header is too long.";
    }
    header[length++] = c;
    parser->header_length = length;
    if (c != '\n' || length < 2 || header[length - 2] != '\r') {
        return NULL;
    }
    if (length == 2 || (length >= 4 && memcmp(header + length - 4, "\r\n\r\n",
                                              4) == 0)) {
        return begin_part(parser);
    }
    return NULL;
}

/* ---- delimiters ---- */

/* A whole delimiter was seen. */
static const char *end_part(ecs_multipart_t *parser)
{
    int was_data = parser->state == DATA;

    parser->state = DELIMITED;
    parser->matched = parser->lent = 0;
    parser->tail = '\0';
    return was_data ? parser->taker->end(parser->baton) : NULL;
}

/* One byte behind a delimiter: "--", or blanks and a line break. */
static const char *push_delimited(ecs_multipart_t *parser, char c)
{
    char first = parser->tail;

    if (first == '\0' && (c == ' ' || c == '\t')) {
        return NULL;
    }
    if (first == '\0' && (c == '-' || c == '\r')) {
        parser->tail = c;
        return NULL;
    }
    if (first == '-' && c == '-') {
        parser->state = EPILOGUE;
        return NULL;
    }
    if (first == '\r' && c == '\n') {
        parser->state = HEADER;
        parser->header_length = 0;
        return NULL;
    }
    return "There is text behind a boundary.";
}

/* ---- data ---- */

static const char *give(ecs_multipart_t *parser, const char *bytes,
                        apr_size_t length)
{
    if (parser->state != DATA || length == 0) {
        return NULL;
    }
    return parser->taker->data(parser->baton, bytes, length);
}

/* What had matched was data after all. */
static const char *give_matched(ecs_multipart_t *parser)
{
    const char *bytes = parser->delimiter + parser->lent;
    apr_size_t length = parser->matched - parser->lent;

    parser->matched = parser->lent = 0;
    return give(parser, bytes, length);
}

/* Data up to the next delimiter; *used says how much of it. */
static const char *push_data(ecs_multipart_t *parser, const char *bytes,
                             apr_size_t length, apr_size_t *used)
{
    const char *cr;

    if (parser->matched > 0) {
        if (*bytes == parser->delimiter[parser->matched]) {
            *used = 1;
            return ++parser->matched == parser->length ? end_part(parser)
                                                       : NULL;
        }
        *used = 0; /* this byte may begin a delimiter */
        return give_matched(parser);
    }
    cr = memchr(bytes, '\r', length);
    *used = cr ? (apr_size_t)(cr - bytes) : length;
    if (cr != NULL) {
        parser->matched = 1;
        (*used)++;
    }
    return give(parser, bytes, cr ? *used - 1 : *used);
}

const char *ecs_multipart_push(ecs_multipart_t *parser, const char *bytes,
                               apr_size_t length)
{
    const char *wrong = NULL;

    while (length > 0 && wrong == NULL) {
        apr_size_t used = 1;

        switch (parser->state) {
        case PREAMBLE:
        case DATA:
            wrong = push_data(parser, bytes, length, &used);
            break;
        case DELIMITED:
            wrong = push_delimited(parser, *bytes);
            break;
        case HEADER:
            wrong = push_header(parser, *bytes);
            break;
        case EPILOGUE:
            return NULL;
        }
        bytes += used;
        length -= used;
    }
    return wrong;
}

const char *ecs_multipart_finish(const ecs_multipart_t *parser)
{
    return parser->state == EPILOGUE
               ? NULL
               : "The form ends before its last boundary.";
}
