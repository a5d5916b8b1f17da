/* SPDX-License-Identifier: MIT */
/*
 * body.c - the body goes into one pool buffer under a cap of our own; httpd's
 * LimitRequestBody is the backstop behind it.
 */
#include "body.h"

#include <string.h>

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "csv.h"
#include "fields.h"
#include "form.h"
#include "json.h"
#include "multipart.h"

static const char UTF_8[] = "utf-8";

/* What was read so far. */
typedef struct buffer_t {
    apr_pool_t *p;
    char *text; /* `room` bytes and one for the NUL */
    apr_size_t used;
    apr_size_t room;
} buffer_t;

static ecs_problem_t *too_large(request_rec *r, apr_off_t max)
{
    /* What was not read must not be taken for the next request. */
    r->connection->keepalive = AP_CONN_CLOSE;
    return ecs_problem_make(r->pool, "too_large",
                            "The request body is larger than %" APR_OFF_T_FMT
                            " bytes.", max);
}

static ecs_problem_t *read_failed(request_rec *r, apr_status_t rv)
{
    int status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);

    if (status == AP_FILTER_ERROR) {
        status = r->status >= HTTP_BAD_REQUEST ? r->status
                                               : HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    r->connection->keepalive = AP_CONN_CLOSE;
    return ecs_problem_of_status(r->pool, status);
}

typedef struct stream_t {
    request_rec *r;
    apr_off_t max, used;
    ecs_body_sink_fn *sink;
    void *baton;
    int is_last; /* the body's end was seen */
} stream_t;

static ecs_problem_t *pass_on(stream_t *stream, apr_bucket_brigade *bb)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        ecs_problem_t *problem;
        const char *data;
        apr_size_t length;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            stream->is_last = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        rv = apr_bucket_read(b, &data, &length, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return read_failed(stream->r, rv);
        }
        stream->used += (apr_off_t)length;
        if (stream->used > stream->max) {
            return too_large(stream->r, stream->max);
        }
        problem = stream->sink(stream->baton, data, length);
        if (problem) {
            stream->r->connection->keepalive = AP_CONN_CLOSE;
            return problem;
        }
    }
    return NULL;
}

ecs_problem_t *ecs_body_stream(request_rec *r, apr_off_t max,
                               ecs_body_sink_fn *sink, void *baton)
{
    const char *declared = apr_table_get(r->headers_in, "Content-Length");
    stream_t stream = { r, max, 0, sink, baton, 0 };
    apr_bucket_brigade *bb;
    ecs_problem_t *problem = NULL;

    if (declared) {
        apr_int64_t bytes = apr_atoi64(declared);

        if (bytes < 0 || bytes > max) {
            return too_large(r, max);
        }
    }
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    while (!problem && !stream.is_last) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb,
                                         AP_MODE_READBYTES, APR_BLOCK_READ,
                                         HUGE_STRING_LEN);

        problem = rv == APR_SUCCESS ? pass_on(&stream, bb)
                                    : read_failed(r, rv);
        apr_brigade_cleanup(bb);
    }
    return problem;
}

static int has_body(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return apr_table_get(r->headers_in, "Transfer-Encoding")
        || (length && strcmp(length, "0") != 0);
}

/* Content-Length is no more than a hint: where a conf has a filter that
 * inflates bodies, more comes out of it. */
static void make_room(buffer_t *buffer, apr_size_t length)
{
    const char *old = buffer->text;

    if (old && length <= buffer->room - buffer->used) {
        return;
    }
    while (length > buffer->room - buffer->used) {
        buffer->room *= 2;
    }
    buffer->text = apr_palloc(buffer->p, buffer->room + 1);
    if (old) {
        memcpy(buffer->text, old, buffer->used);
    }
}

static ecs_problem_t *append(void *baton, const char *bytes, apr_size_t length)
{
    buffer_t *buffer = baton;

    make_room(buffer, length);
    memcpy(buffer->text + buffer->used, bytes, length);
    buffer->used += length;
    return NULL;
}

static ecs_problem_t *read_all(request_rec *r, apr_off_t max,
                               ecs_body_t *body)
{
    const char *declared = apr_table_get(r->headers_in, "Content-Length");
    apr_int64_t bytes = declared ? apr_atoi64(declared) : 0;
    buffer_t buffer = {
        .p = r->pool,
        .room = bytes > 0 && bytes <= max ? (apr_size_t)bytes
                                          : HUGE_STRING_LEN
    };
    ecs_problem_t *problem;

    make_room(&buffer, buffer.room);
    problem = ecs_body_stream(r, max, append, &buffer);
    buffer.text[buffer.used] = '\0';
    body->text = buffer.text;
    body->length = buffer.used;
    return problem;
}

/* "application/json; charset=utf-8" is `type`, with no other charset. */
static int is_type(const char *header, const char *type)
{
    apr_size_t length = strlen(type);
    const char *charset;

    if (!header || strncasecmp(header, type, length) != 0
        || (header[length] && !strchr("; \t", header[length]))) {
        return 0;
    }
    charset = ap_strcasestr(header, "charset=");
    if (!charset) {
        return 1;
    }
    charset += strlen("charset=");
    charset += *charset == '"';
    return !strncasecmp(charset, UTF_8, sizeof(UTF_8) - 1)
        && (!charset[sizeof(UTF_8) - 1]
            || strchr("\"; \t", charset[sizeof(UTF_8) - 1]));
}

/* A form of fields alone; files are for the routes that take one. */
static ecs_problem_t *read_multipart(request_rec *r, const char *boundary,
                                     ecs_body_t *body)
{
    ecs_form_t *form = ecs_form_make(r->pool, boundary, NULL, 0, NULL, NULL);
    ecs_problem_t *problem = ecs_form_push(form, body->text, body->length);

    if (!problem) {
        problem = ecs_form_finish(form, &body->value);
    }
    if (!problem) {
        body->is_form = 1;
        body->text = ecs_json_dump(r->pool, body->value);
        body->length = strlen(body->text);
    }
    return problem;
}

ecs_problem_t *ecs_body_read(request_rec *r, int takes_table,
                             ecs_body_t *body)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const char *boundary;
    ecs_problem_t *problem;

    memset(body, 0, sizeof(*body));
    if (!has_body(r)) {
        return NULL;
    }
    problem = read_all(r, takes_table ? ECS_BODY_TABLE_MAX
                                      : ECS_BODY_BYTES_MAX, body);
    if (problem || body->length == 0) {
        return problem;
    }
    if (is_type(type, "application/json")) {
        return ecs_json_parse(r->pool, body->text, body->length, &body->value);
    }
    if (is_type(type, "application/x-www-form-urlencoded")) {
        body->is_form = 1;
        return ecs_fields_of_form(r->pool, body->text, body->length,
                                  &body->value);
    }
    if (takes_table && is_type(type, "text/csv")) {
        body->is_table = 1;
        return ecs_csv_parse(r->pool, body->text, body->length, &body->value);
    }
    boundary = ecs_multipart_boundary(r->pool, type);
    if (boundary) {
        return read_multipart(r, boundary, body);
    }
    return ecs_problem_make(r->pool, "unsupported_media_type",
                            "Unsupported media type \"%s\" in request; send "
                            "application/json.", type ? type : "");
}
