/* SPDX-License-Identifier: MIT */
/*
 * errors.c - errors that httpd itself makes below /api get the shapes of the
 * shop's own: a client never meets HTML.
 *
 * A filter put before the content of an error response throws httpd's page
 * away and sends the problem instead. Auth refusals come this way too; what
 * was wrong stands in the request's note.
 */
#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "reply.h"
#include "server.h"

static const char FILTER_NAME[] = "ECS_ERRORS";
static ap_filter_rec_t *filter;

static apr_status_t send_problem(ap_filter_t *f)
{
    request_rec *r = f->r;
    const ecs_note_t *note = ecs_note_of(r);
    const ecs_problem_t *problem = note->problem;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    const char *type, *body;
    apr_size_t length;

    if (!problem || problem->status != r->status) {
        problem = ecs_problem_of_status(r->pool, r->status);
    }
    body = ecs_reply_problem_body(r, problem, &type);
    length = strlen(body);
    ecs_reply_headers(r);
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-store");
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)length);
    APR_BRIGADE_INSERT_TAIL(
        bb, apr_bucket_pool_create(body, length, r->pool, bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    return ap_pass_brigade(f->next, bb);
}

/* A long page (an ErrorDocument's text) comes in several parts; what follows
 * the first must not follow our end of the response. */
static apr_status_t replace_page(ap_filter_t *f, apr_bucket_brigade *page)
{
    apr_brigade_cleanup(page);
    if (f->ctx) {
        return APR_SUCCESS;
    }
    f->ctx = f;
    return send_problem(f);
}

/* A site's ErrorDocument is a page for people. Below the shop httpd's own text
 * is wanted, which the filter takes away. */
int ecs_errors_want_no_page(request_rec *r)
{
    static const int STATUSES[] = {
        HTTP_BAD_REQUEST, HTTP_UNAUTHORIZED, HTTP_FORBIDDEN, HTTP_NOT_FOUND,
        HTTP_METHOD_NOT_ALLOWED, HTTP_REQUEST_TIME_OUT, HTTP_LENGTH_REQUIRED,
        HTTP_REQUEST_ENTITY_TOO_LARGE, HTTP_EXPECTATION_FAILED,
        HTTP_TOO_MANY_REQUESTS, HTTP_INTERNAL_SERVER_ERROR,
        HTTP_NOT_IMPLEMENTED, HTTP_BAD_GATEWAY, HTTP_SERVICE_UNAVAILABLE,
        HTTP_GATEWAY_TIME_OUT
    };
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    apr_size_t i;

    if (!core->response_code_exprs || !ecs_is_ours(r)) {
        return DECLINED;
    }
    for (i = 0; i < sizeof(STATUSES) / sizeof(STATUSES[0]); i++) {
        ap_custom_response(r, STATUSES[i], "");
    }
    return DECLINED;
}

/* Was it for the shop? A request line that httpd could not read to its end has
 * left no uri. */
static int is_meant_for_us(const request_rec *r)
{
    const char *path = r->the_request ? strchr(r->the_request, ' ') : NULL;
    request_rec meant = { .server = r->server };

    if (r->uri || !path) {
        return ecs_is_ours(r);
    }
    meant.uri = apr_pstrdup(r->pool, path + 1);
    meant.uri[strcspn(meant.uri, " ?")] = '\0';
    return ecs_is_ours(&meant);
}

void ecs_errors_insert_filter(request_rec *r)
{
    if (r->status >= HTTP_BAD_REQUEST && is_meant_for_us(r)) {
        ap_add_output_filter_handle(filter, NULL, r, r->connection);
    }
}

void ecs_errors_register_filter(void)
{
    filter = ap_register_output_filter(FILTER_NAME, replace_page, NULL,
                                       AP_FTYPE_CONTENT_SET);
}
