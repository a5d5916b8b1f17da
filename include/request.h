/* SPDX-License-Identifier: MIT */
/*
 * request.h - one request on its way through the module: what is known of it
 * when a row's `before` and `after` steps run.
 */
#ifndef ECS_REQUEST_H
#define ECS_REQUEST_H

#include <httpd.h>
#include <jansson.h>
#include "config.h"
#include "jwt.h"
#include "problem.h"
#include "route.h"

/* What the endpoint's function answered (type ecs.answer). */
typedef struct ecs_answer_t {
    int status;              /* 0: a returned refusal, see ecs_lib.refused */
    const char *body;        /* JSON text, or other content; NULL for none */
    apr_size_t length;       /* of body in bytes */
    const char *type;        /* media type; NULL means application/json */
    long long version;       /* of the object, 0 for none */
    const char *location;    /* path for the Location header, or NULL */
    long long total;         /* list: rows in all, -1 when not counted */
    const char *next_key;    /* list: keyset of the next page, or NULL */
    const char *extra;       /* list: further members as JSON text, or NULL */
    int replayed;
} ecs_answer_t;

typedef struct ecs_request_t {
    request_rec *r;
    apr_pool_t *pool;               /* r->pool */
    const ecs_server_config_t *config;
    const ecs_route_t *route;
    const struct ecs_statement_t *statement; /* the row's */
    const ecs_identity_t *who;      /* NULL: nobody has signed in */
    const char *request_id;
    const char **values;            /* one per field of the row */
    const char *changes;            /* PATCH: JSON object text */
    const char *idempotency_key;    /* NULL when none was sent */
    const char *fingerprint;        /* of method, path, query and body */
    const char *if_match;           /* version as text, NULL when not sent */
    ecs_answer_t answer;            /* filled by the call */
} ecs_request_t;

/**
 * The value of a field of the row in PostgreSQL's text form, NULL when absent.
 * Naming a field the row does not have is a programming error.
 */
const char *ecs_request_value(const ecs_request_t *req, const char *name);

/**
 * Give a field of the row that is made here (ECS_IN_SERVER) its value.
 */
void ecs_request_set(ecs_request_t *req, const char *name, const char *value);

/**
 * The client's address as PostgreSQL's inet reads it: without the zone that a
 * link-local IPv6 address has.
 */
const char *ecs_request_address(request_rec *r);

/**
 * A further statement, for the rows whose budget is more than one. No
 * connection is held afterwards.
 * @param sql     a constant text: "SELECT * FROM ecs_api.f(p_x => $1)"
 * @param answer  out: its columns must be those of ecs.answer
 */
ecs_problem_t *ecs_request_query(ecs_request_t *req, const char *sql,
                                 int count, const char *const *params,
                                 ecs_answer_t *answer);

/**
 * The body of an answer as a JSON value, released with the request.
 */
json_t *ecs_request_json(ecs_request_t *req, const ecs_answer_t *answer);

/**
 * Make `value` the answer's body; the reference is taken over.
 */
void ecs_request_answer(ecs_request_t *req, int status, json_t *value);

/**
 * Hash or check a password when its turn comes: at most EcsHashLimit hashes
 * run at once in a child, a request waits a bounded time and is then refused
 * with 503. No connection may be held.
 * @param matches  out: whether the password is right; a NULL hash never is,
 *                 after the same work
 */
ecs_problem_t *ecs_request_hash(ecs_request_t *req, const char *password,
                                const char **hash);
ecs_problem_t *ecs_request_verify(ecs_request_t *req, const char *password,
                                  const char *hash, int *matches);

#endif
