/* SPDX-License-Identifier: MIT */
/*
 * carry.c - one statement for several requests.
 *
 * The function of a carried row takes the id of the object and an array with
 * one item per request, an object of texts: who calls, as ecs_api.caller and
 * ecs_api.request_begin take it, and the fields of the row. It returns one row
 * of ecs.answer for each, in their order; what it refuses to one it returns
 * (ecs_lib.refused), because an error would be everybody's.
 */
#include "carry.h"

#include <apr_strings.h>
#include <string.h>

#include "carrier.h"
#include "db.h"
#include "fields.h"
#include "json.h"
#include "server.h"

#define TRIP_PARAMS 2 /* the object's id, and the items */

typedef struct goods_t {
    const char *item; /* JSON text */
    ecs_answer_t answer;
    ecs_problem_t *problem;
} goods_t;

typedef struct trip_t {
    request_rec *r; /* of the carrier, for its log */
    ecs_db_t *db;
    const char *sql;
} trip_t;

static void add(json_t *item, const char *name, const char *value)
{
    if (value) {
        json_object_set_new_nocheck(item, name, json_string(value));
    }
}

/* What PostgreSQL takes for a row of the function's request type. */
static const char *item_of(const ecs_request_t *req)
{
    const ecs_field_t *fields = req->route->fields;
    json_t *item = json_object();
    int i;

    add(item, "user_id", apr_off_t_toa(req->pool, req->who->user_id));
    add(item, "session_id", apr_off_t_toa(req->pool, req->who->session_id));
    add(item, "role", ecs_role_name(req->who->role));
    add(item, "address", ecs_request_address(req->r));
    add(item, "request_id", req->request_id);
    add(item, "key", req->idempotency_key);
    add(item, "fingerprint", req->fingerprint);
    for (i = 0; fields[i].name; i++) {
        if (fields[i].in == ECS_IN_BODY) {
            add(item, fields[i].name, req->values[i]);
        }
    }
    ecs_json_own(req->pool, item);
    return ecs_json_dump(req->pool, item);
}

static const char *items_of(apr_pool_t *p, ecs_parcel_t **parcels, int count)
{
    apr_array_header_t *items = apr_array_make(p, count, sizeof(char *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(items, const char *) = ((goods_t *)parcels[i]->goods)->item;
    }
    return apr_pstrcat(p, "[", apr_array_pstrcat(p, items, ','), "]", NULL);
}

/* The carrier's memory may be gone before the others have read it. */
static void deliver_answer(ecs_parcel_t *parcel, const ecs_answer_t *answer)
{
    goods_t *goods = parcel->goods;

    goods->answer = *answer;
    goods->answer.body = apr_pstrmemdup(parcel->pool,
                                        answer->body ? answer->body : "",
                                        answer->length);
    goods->answer.location = apr_pstrdup(parcel->pool, answer->location);
    goods->answer.next_key = NULL;
    goods->answer.extra = NULL;
}

/* Would the same happen to each alone? */
static int is_for_all(const ecs_problem_t *problem)
{
    return !strcmp(problem->code, "service_unavailable")
        || !strcmp(problem->code, "outcome_unknown");
}

/* When all have to come again, each gets a Retry-After of its own. */
static void deliver_problem(ecs_parcel_t *parcel, const ecs_problem_t *problem)
{
    goods_t *goods = parcel->goods;

    goods->problem = is_for_all(problem)
        ? ecs_problem_make(parcel->pool, problem->code, "%s", problem->detail)
        : ecs_problem_copy(parcel->pool, problem);
}

static void make_trip(void *baton, apr_pool_t *p, ecs_parcel_t **parcels,
                      int count)
{
    trip_t *trip = baton;
    const char *params[TRIP_PARAMS] = { parcels[0]->key,
                                        items_of(p, parcels, count) };
    ecs_db_call_t call = { .sql = trip->sql, .count = TRIP_PARAMS,
                           .params = params, .r = trip->r };
    ecs_answer_t *answers = apr_pcalloc(p, sizeof(*answers)
                                           * (apr_size_t)count);
    ecs_problem_t *problem = ecs_db_run_rows(p, trip->db, &call, answers,
                                             count);
    int i;

    for (i = 0; i < count; i++) {
        if (!problem) {
            deliver_answer(parcels[i], &answers[i]);
        }
        else if (count == 1 || is_for_all(problem)) {
            deliver_problem(parcels[i], problem);
        }
        else {
            make_trip(baton, p, &parcels[i], 1);
        }
    }
}

ecs_problem_t *ecs_carry_run(ecs_request_t *req,
                             const ecs_statement_t *statement)
{
    trip_t trip = { .r = req->r, .db = req->config->db,
                    .sql = statement->carried };
    goods_t goods = { .item = item_of(req) };
    ecs_parcel_t parcel = {
        .key = ecs_fields_value(req->route, req->values,
                                req->route->fields[0].name),
        .pool = req->pool,
        .goods = &goods,
        .arrived = req->r->request_time,
    };
    ecs_parcel_t *alone = &parcel;

    if (!req->config->carrier) {
        make_trip(&trip, req->pool, &alone, 1);
    }
    else if (ecs_carrier_send(req->config->carrier, &parcel, make_trip, &trip)
             != APR_SUCCESS) {
        return ecs_problem_make(req->pool, "service_unavailable", NULL);
    }
    req->answer = goods.answer;
    return goods.problem;
}
