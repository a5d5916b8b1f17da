/* SPDX-License-Identifier: MIT */
/*
 * reply.c - one brigade: head of the page's envelope, the body in libpq's
 * buffer, tail. Nothing is copied and nothing is flushed, so a small answer
 * leaves in one write after the handler has gone.
 */
#include "reply.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "accept.h"
#include "fields.h"
#include "page.h"
#include "server.h"

#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define VERSION_DIGITS_MAX 18 /* fit a 64-bit integer */

/* Headers ----------------------------------------------------------------- */

static void allow_origin(request_rec *r)
{
    apr_table_t *headers = r->err_headers_out;
    const ecs_server_config_t *config = ecs_config_of(r->server);
    const char *origin = apr_table_get(r->headers_in, "Origin");
    int i;

    for (i = 0; origin && config->cors && i < config->cors->nelts; i++) {
        if (!strcmp(origin, APR_ARRAY_IDX(config->cors, i, const char *))) {
            apr_table_setn(headers, "Access-Control-Allow-Origin", origin);
            apr_table_setn(headers, "Access-Control-Expose-Headers",
                           "ETag, Link, Location, Retry-After, X-Request-Id, "
                           "Idempotent-Replayed");
        }
    }
    if (config->cors) {
        apr_table_mergen(headers, "Vary", "Origin");
    }
}

void ecs_reply_headers(request_rec *r)
{
    apr_table_t *headers = r->err_headers_out;

    apr_table_setn(headers, "X-Request-Id", ecs_note_of(r)->request_id);
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
    apr_table_setn(headers, "Content-Security-Policy",
                   "default-src 'none'; frame-ancestors 'none'");
    apr_table_setn(headers, "Referrer-Policy", "no-referrer");
    allow_origin(r);
}

int ecs_reply_options(request_rec *r, const char *allow)
{
    apr_table_t *headers = r->err_headers_out;

    ecs_reply_headers(r);
    apr_table_setn(headers, "Allow", allow);
    if (apr_table_get(headers, "Access-Control-Allow-Origin")) {
        apr_table_setn(headers, "Access-Control-Allow-Methods", allow);
        apr_table_setn(headers, "Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Idempotency-Key, "
                       "If-Match, If-None-Match, X-Request-Id");
        apr_table_setn(headers, "Access-Control-Max-Age", "600");
    }
    r->status = HTTP_NO_CONTENT;
    return OK;
}

/* ETags -------------------------------------------------------------------- */

static apr_uint64_t hash_of(const char *text, apr_size_t length)
{
    static const unsigned char KEY[APR_SIPHASH_KSIZE] = "mod_ecs etag";

    return apr_siphash24(text, length, KEY);
}

const char *ecs_reply_etag(apr_pool_t *p, const ecs_answer_t *answer)
{
    apr_uint64_t hash = hash_of(answer->body ? answer->body : "",
                                answer->length);

    if (answer->version > 0) {
        return apr_psprintf(p, "\"%" APR_INT64_T_FMT "-%" APR_UINT64_T_HEX_FMT
                            "\"", (apr_int64_t)answer->version, hash);
    }
    if (answer->extra || answer->total >= 0) {
        hash ^= (apr_uint64_t)answer->total * 0x9e3779b97f4a7c15u;
        hash ^= hash_of(answer->extra ? answer->extra : "",
                        answer->extra ? strlen(answer->extra) : 0);
    }
    return apr_psprintf(p, "W/\"%" APR_UINT64_T_HEX_FMT "\"", hash);
}

/* The digits of an ETag of ours, "<digits>-<hash>"; their number, 0 for none. */
static apr_size_t version_digits(const char *tag)
{
    apr_size_t length = 0;

    if (*tag != '"') {
        return 0;
    }
    while (apr_isdigit(tag[1 + length])) {
        length++;
    }
    return length <= VERSION_DIGITS_MAX && tag[1 + length] == '-' ? length : 0;
}

const char *ecs_reply_if_match(apr_pool_t *p, const char *header)
{
    const char *newest = "0";
    const char *tag;

    if (!strcmp(header, "*")) {
        return NULL;
    }
    /* Versions only grow: of all that a client has seen, the newest is the
     * one that can be the present one. */
    for (tag = header; tag; tag = strchr(tag, ',')) {
        apr_size_t length;

        tag += strspn(tag, ", \t");
        length = version_digits(tag);
        if (length > 0) {
            const char *version = apr_pstrmemdup(p, tag + 1, length);

            newest = apr_atoi64(version) > apr_atoi64(newest) ? version
                                                              : newest;
        }
    }
    return newest;
}

/* Bodies --------------------------------------------------------------------- */

static void append(apr_bucket_brigade *bb, const char *text, apr_size_t length,
                   apr_pool_t *p)
{
    if (length > 0) {
        APR_BRIGADE_INSERT_TAIL(
            bb, apr_bucket_pool_create(text, length, p, bb->bucket_alloc));
    }
}

/* Send the texts, closed by NULL, as the body; `middle` has its length. */
static int send_body(request_rec *r, const char *head, const char *middle,
                     apr_size_t length, const char *tail)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);

    append(bb, head, strlen(head), r->pool);
    append(bb, middle, length, r->pool);
    append(bb, tail, strlen(tail), r->pool);
    ap_set_content_length(r, (apr_off_t)(strlen(head) + length
                                         + strlen(tail)));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_pass_brigade(r->output_filters, bb);
    /* A client that has gone is no error of ours. */
    return OK;
}

/* The canonical path ends as the row's does, however it was asked for. */
static const char *base_url(const ecs_request_t *req)
{
    apr_size_t length = strlen(req->r->uri);
    const char *path = req->r->uri[length - 1] == '/'
        ? req->r->uri : apr_pstrcat(req->pool, req->r->uri, "/", NULL);

    return req->config->public_url
        ? apr_pstrcat(req->pool, req->config->public_url, path, NULL)
        : ap_construct_url(req->pool, path, req->r);
}

static ecs_page_t page_of(ecs_request_t *req)
{
    const char *page = ecs_fields_value(req->route, req->values, "page");
    const char *size = ecs_fields_value(req->route, req->values, "page_size");
    ecs_page_t result = {
        .page = page ? strtoll(page, NULL, 10) : 0,
        .page_size = size ? strtoll(size, NULL, 10) : ECS_PAGE_SIZE_DEFAULT,
        .total = page ? req->answer.total : -1,
        .next_key = req->answer.next_key,
        .url = base_url(req),
        .query = req->r->args,
        .scope = ecs_fields_cursor_scope(req->pool, req->route, req->values),
    };

    return result;
}

static void link_header(request_rec *r, const char *next,
                        const char *previous)
{
    if (next) {
        apr_table_mergen(r->headers_out, "Link",
                         apr_psprintf(r->pool, "<%s>; rel=\"next\"", next));
    }
    if (previous) {
        apr_table_mergen(r->headers_out, "Link",
                         apr_psprintf(r->pool, "<%s>; rel=\"prev\"",
                                      previous));
    }
}

static int send_page(ecs_request_t *req)
{
    const char *secret = (const char *)req->config->secrets->cursor;
    ecs_page_t page = page_of(req);
    const char *next = NULL, *previous = NULL;

    if (page.page > 1 && (page.page - 1) * page.page_size >= page.total) {
        return ecs_reply_problem(req->r, ecs_problem_make(
            req->pool, "invalid_page", NULL));
    }
    ecs_page_links(req->pool, secret, &page, &next, &previous);
    link_header(req->r, next, previous);
    return send_body(req->r,
                     ecs_page_head(req->pool, &page, next, previous,
                                   req->answer.extra),
                     req->answer.body, req->answer.length, "}");
}

/* Answers ------------------------------------------------------------------ */

static void answer_headers(ecs_request_t *req)
{
    const ecs_answer_t *answer = &req->answer;
    apr_table_t *headers = req->r->headers_out;
    int is_public = (req->route->flags & ECS_R_CACHEABLE) && !req->who;

    ecs_reply_headers(req->r);
    apr_table_setn(headers, "Cache-Control",
                   is_public ? "public, max-age=0, must-revalidate"
                             : "private, no-store");
    if (req->route->flags & ECS_R_CACHEABLE) {
        apr_table_mergen(headers, "Vary", "Authorization");
    }
    if (answer->location) {
        apr_table_setn(headers, "Location", answer->location);
    }
    if (answer->replayed) {
        apr_table_setn(headers, "Idempotent-Replayed", "true");
    }
    if (answer->body && (answer->version > 0
                         || !ecs_route_writes(req->route))) {
        apr_table_setn(headers, "ETag", ecs_reply_etag(req->pool, answer));
    }
}

/* mod_deflate and mod_brotli write into an ETag what they did to the body. When
 * it comes back it means the answer they were given. */
static void forget_encodings(request_rec *r, const char *name)
{
    static const char *const SUFFIXES[] = { "-gzip\"", "-br\"", NULL };
    const char *header = apr_table_get(r->headers_in, name);
    char *text = header && strchr(header, '-') ? apr_pstrdup(r->pool, header)
                                               : NULL;
    int i;

    for (i = 0; text && SUFFIXES[i]; i++) {
        apr_size_t length = strlen(SUFFIXES[i]) - 1; /* the quote stays */
        char *at;

        for (at = strstr(text, SUFFIXES[i]); at; at = strstr(at, SUFFIXES[i])) {
            memmove(at, at + length, strlen(at + length) + 1);
        }
    }
    if (text) {
        apr_table_setn(r->headers_in, name, text);
    }
}

/* What If-Match and If-None-Match say of a GET: OK to send the answer. No row
 * tells when it was changed last, so dates are not compared. */
static int condition_of(ecs_request_t *req)
{
    request_rec *r = req->r;

    if (ecs_route_writes(req->route) || r->status != HTTP_OK) {
        return OK;
    }
    apr_table_unset(r->headers_in, "If-Modified-Since");
    apr_table_unset(r->headers_in, "If-Unmodified-Since");
    forget_encodings(r, "If-Match");
    forget_encodings(r, "If-None-Match");
    return ap_meets_conditions(r);
}

int ecs_reply_answer(ecs_request_t *req)
{
    request_rec *r = req->r;
    int condition;

    r->status = req->answer.status;
    answer_headers(req);
    if (!req->answer.body || r->status == HTTP_NO_CONTENT) {
        return OK;
    }
    /* A part of a JSON text is of no use to anybody. */
    apr_table_unset(r->headers_in, "Range");
    condition = condition_of(req);
    if (condition == HTTP_NOT_MODIFIED) {
        r->status = HTTP_NOT_MODIFIED;
        return OK;
    }
    if (condition == HTTP_PRECONDITION_FAILED) {
        return ecs_reply_problem(r, ecs_problem_make(req->pool, "stale", NULL));
    }
    ap_set_content_type(r, req->answer.type ? req->answer.type : TYPE_JSON);
    if (req->route->flags & ECS_R_LIST) {
        return send_page(req);
    }
    return send_body(r, "", req->answer.body, req->answer.length, "");
}

/* Problems --------------------------------------------------------------------- */

/* Who names neither shape gets that of the conf. */
static int wants_rfc9457(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    ecs_accept_t problem = ecs_accept_of(accept, TYPE_PROBLEM);
    ecs_accept_t json = ecs_accept_of(accept, TYPE_JSON);

    if (problem.match != ECS_ACCEPT_EXACT && json.match != ECS_ACCEPT_EXACT) {
        return ecs_config_of(r->server)->error_format == ECS_ERRORS_PROBLEM;
    }
    return problem.quality > json.quality
        || (problem.quality == json.quality && problem.quality > 0
            && problem.match >= json.match);
}

const char *ecs_reply_problem_body(request_rec *r,
                                   const ecs_problem_t *problem,
                                   const char **type)
{
    const char *id = ecs_note_of(r)->request_id;

    if (wants_rfc9457(r)) {
        *type = TYPE_PROBLEM;
        return ecs_problem_rfc9457(r->pool, problem, id);
    }
    *type = TYPE_JSON;
    return ecs_problem_drf(r->pool, problem, id);
}

static void problem_headers(request_rec *r, const ecs_problem_t *problem)
{
    apr_table_t *headers = r->err_headers_out;

    apr_table_setn(headers, "Cache-Control", "private, no-store");
    if (problem->status == HTTP_UNAUTHORIZED) {
        apr_table_setn(headers, "WWW-Authenticate",
                       !strcmp(problem->code, "token_not_valid")
                               || !strcmp(problem->code, "session_revoked")
                           ? ECS_CHALLENGE_INVALID : ECS_CHALLENGE);
    }
    if (problem->retry_after > 0) {
        apr_table_setn(headers, "Retry-After",
                       apr_itoa(r->pool, problem->retry_after));
    }
    if (problem->allow) {
        apr_table_setn(headers, "Allow", problem->allow);
    }
}

int ecs_reply_problem(request_rec *r, const ecs_problem_t *problem)
{
    const char *type;
    const char *body = ecs_reply_problem_body(r, problem, &type);

    if (r->eos_sent) {
        return OK; /* httpd met a broken body and has answered already */
    }
    r->status = problem->status;
    apr_table_clear(r->headers_out); /* what an answer would have said */
    ecs_reply_headers(r);
    problem_headers(r, problem);
    ap_set_content_type(r, type);
    apr_table_unset(r->headers_in, "Range");
    return send_body(r, "", body, strlen(body), "");
}
