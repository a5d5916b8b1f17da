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

#include "fields.h"
#include "json.h"

static const char UTF_8[] = "utf-8";

/* What was read so far. */
typedef struct buffer_t {
    char *text; /* `room` bytes and one for the NUL */
    apr_size_t used;
    apr_size_t room;
} buffer_t;

static ecs_problem_t *too_large(request_rec *r)
{
    /* What was not read must not be taken for the next request. */
    r->connection->keepalive = AP_CONN_CLOSE;
    return ecs_problem_make(r->pool, "too_large",
                            "The request body is larger than %d bytes.",
                            ECS_BODY_BYTES_MAX);
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

/* Content-Length is no more than a hint: where a conf has a filter that
 * inflates bodies, more comes out of it. */
static void make_room(apr_pool_t *p, buffer_t *buffer, apr_size_t length)
{
    const char *old = buffer->text;

    if (old && length <= buffer->room - buffer->used) {
        return;
    }
    while (length > buffer->room - buffer->used) {
        buffer->room *= 2;
    }
    buffer->text = apr_palloc(p, buffer->room + 1);
    if (old) {
        memcpy(buffer->text, old, buffer->used);
    }
}

/* Append a brigade's data; *is_last when the body's end was in it. */
static ecs_problem_t *append(request_rec *r, apr_bucket_brigade *bb,
                             buffer_t *buffer, int *is_last)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t length;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            *is_last = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        rv = apr_bucket_read(b, &data, &length, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return read_failed(r, rv);
        }
        if (length > ECS_BODY_BYTES_MAX - buffer->used) {
            return too_large(r);
        }
        make_room(r->pool, buffer, length);
        memcpy(buffer->text + buffer->used, data, length);
        buffer->used += length;
    }
    return NULL;
}

static int has_body(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return apr_table_get(r->headers_in, "Transfer-Encoding")
        || (length && strcmp(length, "0") != 0);
}

static ecs_problem_t *read_all(request_rec *r, ecs_body_t *body)
{
    const char *declared = apr_table_get(r->headers_in, "Content-Length");
    apr_int64_t bytes = declared ? apr_atoi64(declared) : 0;
    buffer_t buffer = {
        .room = bytes > 0 ? (apr_size_t)bytes : HUGE_STRING_LEN
    };
    apr_bucket_brigade *bb;
    int is_last = 0;

    if (bytes < 0 || bytes > ECS_BODY_BYTES_MAX) {
        return too_large(r);
    }
    make_room(r->pool, &buffer, buffer.room);
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    while (!is_last) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb,
                                         AP_MODE_READBYTES, APR_BLOCK_READ,
                                         HUGE_STRING_LEN);
        ecs_problem_t *problem = rv == APR_SUCCESS
            ? append(r, bb, &buffer, &is_last)
            : read_failed(r, rv);

        apr_brigade_cleanup(bb);
        if (problem) {
            return problem;
        }
    }
    buffer.text[buffer.used] = '\0';
    body->text = buffer.text;
    body->length = buffer.used;
    return NULL;
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

ecs_problem_t *ecs_body_read(request_rec *r, ecs_body_t *body)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    ecs_problem_t *problem;

    memset(body, 0, sizeof(*body));
    if (!has_body(r)) {
        return NULL;
    }
    problem = read_all(r, body);
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
    return ecs_problem_make(r->pool, "unsupported_media_type",
                            "Unsupported media type \"%s\" in request; send "
                            "application/json.", type ? type : "");
}
