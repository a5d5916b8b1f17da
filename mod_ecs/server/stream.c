/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a long answer in parts.
 *
 * Each part is a call of its own, keyed by where the last one ended, as the
 * pages of a list are: the database keeps nothing between two parts, and a
 * client that reads slowly holds a thread but no connection. The parts are one
 * JSON string each, because that is what ecs.answer carries.
 */
#include "stream.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "reply.h"
#include "schema.h"
#include "server.h"

#define KEY_MAX 64 /* bytes of a keyset with its NUL */

static apr_bucket_brigade *brigade_of(const ecs_request_t *req)
{
    return apr_brigade_create(req->pool, req->r->connection->bucket_alloc);
}

/* 0: the client has gone. */
static int send_part(ecs_request_t *req)
{
    apr_bucket_brigade *bb = brigade_of(req);
    json_t *part = ecs_request_json(req, &req->answer);

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_transient_create(
        json_string_value(part), json_string_length(part), bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(bb->bucket_alloc));
    return ap_pass_brigade(req->r->output_filters, bb) == APR_SUCCESS
        && !req->r->connection->aborted;
}

/* The chunk filter leaves out the last chunk when it sees this status. */
static void tear(ecs_request_t *req, const ecs_problem_t *problem)
{
    apr_bucket_brigade *bb = brigade_of(req);

    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, req->r,
                  "ECS0070: an export ended before it was complete: %s",
                  problem->detail);
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(
        HTTP_BAD_GATEWAY, NULL, req->pool, bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_pass_brigade(req->r->output_filters, bb);
}

/* A name for what is saved: the call's before its last word, "orders_export". */
static const char *disposition(const ecs_request_t *req, const char *type)
{
    const char *call = req->route->call;
    const char *last = strrchr(call, '_'), *subtype = strchr(type, '/');

    return apr_psprintf(req->pool, "attachment; filename=\"%.*s.%s\"",
                        (int)(last ? last - call : (long)strlen(call)), call,
                        subtype ? subtype + 1 : "txt");
}

static void begin(ecs_request_t *req)
{
    const ecs_row_answer_t answer = ecs_schema_of_answer(req->pool,
                                                         req->route);
    const char *type = APR_ARRAY_IDX(answer.media, 0, const char *);
    apr_table_t *headers = req->r->headers_out;

    ecs_reply_headers(req->r);
    apr_table_setn(headers, "Cache-Control", "private, no-store");
    apr_table_setn(headers, "Content-Disposition", disposition(req, type));
    apr_table_unset(req->r->headers_in, "Range");
    ap_set_content_type(req->r, apr_pstrcat(req->pool, type,
                                            "; charset=utf-8", NULL));
}

int ecs_stream_reply(ecs_request_t *req, ecs_step_fn *more)
{
    request_rec *r = req->r;
    ecs_problem_t *problem = NULL;
    const char *next = req->answer.next_key;
    apr_pool_t *part_pool;

    begin(req);
    if (r->header_only || !send_part(req)) {
        return OK;
    }
    apr_pool_create(&part_pool, r->pool);
    apr_pool_tag(part_pool, "ecs_stream");
    req->pool = part_pool;
    while (next && !problem) {
        char key[KEY_MAX];

        apr_cpystrn(key, next, sizeof(key));
        apr_pool_clear(part_pool);
        ecs_request_set(req, "cursor", key);
        problem = more(req);
        if (!problem && !send_part(req)) {
            return OK;
        }
        next = req->answer.next_key;
    }
    if (problem) {
        tear(req, problem);
    }
    return OK;
}
