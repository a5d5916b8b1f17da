/* SPDX-License-Identifier: MIT */
/*
 * request.c - what the steps of a row may do with their request.
 */
#include "request.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>

#include "db.h"
#include "gate.h"
#include "json.h"
#include "password.h"
#include "server.h"

#define HASH_WAIT_US (2 * APR_USEC_PER_SEC) /* for a turn to hash */

static const char **slot_of(const ecs_request_t *req, const char *name)
{
    const ecs_field_t *field = req->route->fields;

    for (; field && field->name; field++) {
        if (!strcmp(field->name, name)) {
            return &req->values[field - req->route->fields];
        }
    }
    ap_log_rerror(APLOG_MARK, APLOG_CRIT, 0, req->r,
                  "ECS0020: the row %s %s has no field %s; this is a "
                  "programming error", req->route->method, req->route->path,
                  name);
    return NULL;
}

const char *ecs_request_value(const ecs_request_t *req, const char *name)
{
    const char **slot = slot_of(req, name);

    return slot ? *slot : NULL;
}

void ecs_request_set(ecs_request_t *req, const char *name, const char *value)
{
    const char **slot = slot_of(req, name);

    if (slot) {
        *slot = value;
    }
}

const char *ecs_request_address(request_rec *r)
{
    const char *zone = strchr(r->useragent_ip, '%');

    return zone ? apr_pstrmemdup(r->pool, r->useragent_ip,
                                 (apr_size_t)(zone - r->useragent_ip))
                : r->useragent_ip;
}

ecs_problem_t *ecs_request_query(ecs_request_t *req, const char *sql,
                                 int count, const char *const *params,
                                 ecs_answer_t *answer)
{
    ecs_db_call_t call = {
        .sql = sql, .count = count, .params = params, .r = req->r,
    };

    return ecs_db_run(req->pool, req->config->db, &call, answer);
}

json_t *ecs_request_json(ecs_request_t *req, const ecs_answer_t *answer)
{
    json_t *value = answer->body
        ? json_loadb(answer->body, answer->length, JSON_DECODE_ANY, NULL)
        : NULL;

    return value ? ecs_json_own(req->pool, value) : NULL;
}

void ecs_request_answer(ecs_request_t *req, int status, json_t *value)
{
    ecs_json_own(req->pool, value);
    req->answer.status = status;
    req->answer.body = ecs_json_dump(req->pool, value);
    req->answer.length = strlen(req->answer.body);
    req->answer.total = -1;
}

/* Hashing takes a core for some 50 ms, so only a few run at once. */
static ecs_problem_t *enter_hash_gate(ecs_request_t *req)
{
    if (ecs_gate_enter(req->config->hash_gate, HASH_WAIT_US, req->pool)
        == APR_SUCCESS) {
        return NULL;
    }
    return ecs_problem_make(req->pool, "service_unavailable",
                            "Too many people are signing in; try again.");
}

ecs_problem_t *ecs_request_hash(ecs_request_t *req, const char *password,
                                const char **hash)
{
    ecs_problem_t *problem = enter_hash_gate(req);

    if (problem) {
        return problem;
    }
    *hash = ecs_password_hash(req->pool, password);
    ecs_gate_leave(req->config->hash_gate);
    if (!*hash) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, req->r,
                      "ECS0021: crypt cannot make a yescrypt hash; check "
                      "that libcrypt supports $y$");
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    return NULL;
}

ecs_problem_t *ecs_request_verify(ecs_request_t *req, const char *password,
                                  const char *hash, int *matches)
{
    ecs_problem_t *problem = enter_hash_gate(req);

    *matches = 0;
    if (problem) {
        return problem;
    }
    *matches = ecs_password_verify(req->pool, password, hash);
    ecs_gate_leave(req->config->hash_gate);
    return NULL;
}
