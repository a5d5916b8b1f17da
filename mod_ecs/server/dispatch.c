/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - the way of a request through the shop, in the order in which
 * the functions below are called by handle_call().
 */
#include <string.h>

#include <apr_encode.h>
#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "body.h"
#include "carry.h"
#include "db.h"
#include "fields.h"
#include "json.h"
#include "reply.h"
#include "server.h"
#include "statement.h"
#include "stream.h"
#include "upload.h"

#define REQUEST_ID_MAX 64
#define REQUEST_ID_BYTES 16
#define KEY_LENGTH_MAX 255

int ecs_is_ours(const request_rec *r)
{
    const apr_size_t length = sizeof(ECS_BASE) - 1;

    return r->uri && ecs_config_of(r->server)->secrets
        && !strncmp(r->uri, ECS_BASE, length)
        && (r->uri[length] == '/' || r->uri[length] == '\0');
}

/* An id that a client may choose: it goes into logs and headers. */
static const char *sane_request_id(const char *id)
{
    apr_size_t length = 0;

    while (id && id[length]
           && (apr_isalnum(id[length]) || strchr("-_.", id[length]))) {
        length++;
    }
    return length > 0 && length <= REQUEST_ID_MAX && !id[length] ? id : NULL;
}

ecs_note_t *ecs_note_of(request_rec *r)
{
    ecs_note_t *note = ap_get_module_config(r->request_config, &ecs_module);

    if (!note) {
        note = apr_pcalloc(r->pool, sizeof(*note));
        note->request_id =
            sane_request_id(apr_table_get(r->headers_in, "X-Request-Id"));
        if (!note->request_id) {
            note->request_id = ecs_secrets_random_hex(r->pool,
                                                      REQUEST_ID_BYTES);
        }
        if (!r->log_id) {
            r->log_id = note->request_id;
        }
        ap_set_module_config(r->request_config, &ecs_module, note);
    }
    return note;
}

/* Nothing of the shop lies in the file system, so nobody needs to look there:
 * that saves a stat for each part of the path. */
static int is_handled_here(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *handler = core->handler;
    const char *error = NULL;

    if (!ecs_is_ours(r)) {
        return 0;
    }
    if (core->expr_handler) { /* httpd keeps even a plain word as one */
        handler = ap_expr_str_exec(r, core->expr_handler, &error);
    }
    return handler && !error && !strcmp(handler, ECS_HANDLER);
}

int ecs_dispatch_translate_name(request_rec *r)
{
    if (!is_handled_here(r)) {
        return DECLINED;
    }
    ecs_note_of(r);
    ecs_errors_want_no_page(r);
    r->filename = apr_pstrdup(r->pool, r->uri);
    return OK;
}

int ecs_dispatch_map_to_storage(request_rec *r)
{
    /* The per-directory configuration was reset meanwhile; the note and the
     * name that translate_name gave say whose the request is. */
    return ap_get_module_config(r->request_config, &ecs_module)
        && ecs_is_ours(r) && r->filename && !strcmp(r->filename, r->uri)
        ? OK : DECLINED;
}

/* Who may ----------------------------------------------------------------- */

static ecs_problem_t *authorise(const ecs_request_t *req)
{
    if (req->route->roles & ECS_PUBLIC) {
        return NULL;
    }
    if (!req->who) {
        return ecs_problem_make(req->pool, "not_authenticated", NULL);
    }
    return req->route->roles & req->who->role
        ? NULL : ecs_problem_make(req->pool, "permission_denied", NULL);
}

/* What it says --------------------------------------------------------------- */

/* The key as it is stored: with or without the quotes of a structured field. */
static ecs_problem_t *read_key(ecs_request_t *req)
{
    const char *key = apr_table_get(req->r->headers_in, "Idempotency-Key");
    apr_size_t length, i;

    if (!key || !ecs_route_writes(req->route)) {
        return NULL;
    }
    length = strlen(key);
    for (i = 0; i < length && apr_isgraph(key[i]); i++) {
    }
    if (length == 0 || length > KEY_LENGTH_MAX || i < length) {
        return ecs_problem_make(req->pool, "parse_error",
                                "Idempotency-Key must be 1 to %d visible "
                                "ASCII characters.", KEY_LENGTH_MAX);
    }
    if (length > 2 && key[0] == '"' && key[length - 1] == '"') {
        key = apr_pstrmemdup(req->pool, key + 1, length - 2);
    }
    req->idempotency_key = key;
    return NULL;
}

/* A keyed one: a body may hold a password, and what is stored of it must not
 * be open to guessing. No body that was accepted holds a NUL. */
static const char *fingerprint(const ecs_request_t *req,
                               const ecs_body_t *body)
{
    unsigned char mac[ECS_KEY_BYTES];

    ecs_secrets_mac(req->config->secrets->request, mac, req->r->method,
                    req->r->uri, req->r->args ? req->r->args : "",
                    body->text ? body->text : "", NULL);
    return apr_pencode_base16_binary(req->pool, mac, sizeof(mac),
                                     APR_ENCODE_LOWER, NULL);
}

static ecs_problem_t *read_request(ecs_request_t *req, const ecs_match_t *match)
{
    const char *if_match = apr_table_get(req->r->headers_in, "If-Match");
    ecs_upload_t *upload = NULL;
    ecs_body_t body;
    ecs_problem_t *problem = read_key(req);
    ecs_input_t input = {
        .query = req->r->args,
        .path = match->values,
        .cursor_key = (const char *)req->config->secrets->cursor,
    };

    if (!problem) {
        problem = req->route->image ? ecs_upload_read(req, &body, &upload)
                                    : ecs_body_read(
                                          req->r, (req->route->flags
                                                   & ECS_R_CSV) != 0, &body);
    }
    if (problem) {
        return problem;
    }
    if (req->idempotency_key) {
        req->fingerprint = fingerprint(req, &body);
    }
    if (if_match && ecs_route_writes(req->route)) {
        req->if_match = ecs_reply_if_match(req->pool, if_match);
        /* Ours is checked under the row's lock, in SQL. */
        apr_table_unset(req->r->headers_in, "If-Match");
    }
    input.body = body.value;
    input.is_form = body.is_form;
    input.is_table = body.is_table;
    req->values = apr_pcalloc(
        req->pool, sizeof(char *)
            * (apr_size_t)(ecs_fields_count(req->route->fields) + 1));
    problem = ecs_fields_read(req->route, &input, req->pool, req->values,
                              &req->changes);
    return req->route->image ? ecs_upload_finish(req, upload, problem)
                             : problem;
}

/* What it does --------------------------------------------------------------- */

static int caller_params(const ecs_request_t *req, const char **params)
{
    if (req->who) {
        params[0] = apr_off_t_toa(req->pool, req->who->user_id);
        params[1] = apr_off_t_toa(req->pool, req->who->session_id);
        params[2] = ecs_role_name(req->who->role);
    }
    params[3] = ecs_request_address(req->r);
    params[4] = req->request_id;
    params[5] = req->if_match;
    return ECS_STATEMENT_CALLER_PARAMS;
}

static int field_params(const ecs_request_t *req, const char **params)
{
    const ecs_field_t *fields = req->route->fields;
    int count = 0;
    int i;

    for (i = 0; fields && fields[i].name; i++) {
        if (ecs_statement_passes(req->route, &fields[i])) {
            params[count++] = req->values[i];
        }
    }
    if (ecs_route_patches(req->route)) {
        params[count++] = req->changes;
    }
    return count;
}

static ecs_problem_t *call_database(ecs_request_t *req)
{
    const ecs_statement_t *statement = req->statement;
    const char *params[ECS_STATEMENT_PARAMS_MAX] = { NULL };
    ecs_db_call_t call = {
        .sql = statement->by_caller,
        .params = params,
        .is_read = !ecs_route_writes(req->route),
        .r = req->r,
    };

    if (statement->carried) {
        return ecs_carry_run(req, statement);
    }
    if (!req->who && statement->anonymous) {
        call.sql = statement->anonymous;
    }
    else {
        call.count = caller_params(req, params);
        if (req->idempotency_key && statement->keyed) {
            call.sql = statement->keyed;
            params[call.count++] = req->idempotency_key;
            params[call.count++] = req->fingerprint;
        }
    }
    call.count += field_params(req, params + call.count);
    return ecs_db_run(req->pool, req->config->db, &call, &req->answer);
}

/* A refusal that was returned so that its effect stays, or because others were
 * answered with it (ecs_lib.refused, ecs_lib.refused_field). */
static ecs_problem_t *returned_refusal(ecs_request_t *req)
{
    json_t *body = ecs_request_json(req, &req->answer);
    const char *detail = json_string_value(json_object_get(body, "detail"));
    const char *state = json_object_get(body, "fields") ? "EC400" : "EC000";

    return ecs_problem_of_sql(req->pool, state, detail, req->answer.body);
}

static ecs_problem_t *handle_call(ecs_request_t *req, const ecs_match_t *match)
{
    ecs_problem_t *problem = authorise(req);

    if (!problem) {
        problem = read_request(req, match);
    }
    if (!problem && req->route->before) {
        problem = req->route->before(req);
    }
    if (!problem && req->route->call) {
        problem = call_database(req);
        if (!problem && req->answer.status == 0) {
            problem = returned_refusal(req);
        }
    }
    if (!problem && req->route->after) {
        problem = req->route->after(req);
    }
    return problem;
}

int ecs_dispatch_handler(request_rec *r)
{
    const ecs_server_config_t *config = ecs_config_of(r->server);
    ecs_problem_t *problem;
    ecs_match_t match;
    ecs_request_t req = {
        .r = r,
        .pool = r->pool,
        .config = config,
        .answer = { .status = HTTP_OK, .total = -1 },
    };

    if (!r->handler || strcmp(r->handler, ECS_HANDLER) != 0) {
        return DECLINED;
    }
    if (!config->secrets) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "ECS0002: SetHandler " ECS_HANDLER " without EcsKeyFile "
                      "in this server; see conf/ecs.conf");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    req.request_id = ecs_note_of(r)->request_id;
    req.who = ecs_note_of(r)->who;
    ecs_router_find(config->router, r->method, r->uri, r->pool, &match);
    if (!match.allow) {
        return ecs_reply_problem(r, ecs_problem_make(r->pool, "not_found",
                                                     NULL));
    }
    if (r->method_number == M_OPTIONS) {
        return ecs_reply_options(r, match.allow);
    }
    if (!match.route) {
        problem = ecs_problem_make(r->pool, "method_not_allowed",
                                   "Method \"%s\" not allowed.", r->method);
        problem->allow = match.allow;
        return ecs_reply_problem(r, problem);
    }
    req.route = match.route;
    req.statement = &config->statements[match.index];
    problem = handle_call(&req, &match);
    if (problem) {
        return ecs_reply_problem(r, problem);
    }
    return req.route->flags & ECS_R_STREAM
        ? ecs_stream_reply(&req, call_database) : ecs_reply_answer(&req);
}
