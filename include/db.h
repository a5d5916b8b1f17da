/* SPDX-License-Identifier: MIT */
/*
 * db.h - the one door to PostgreSQL.
 *
 * Connections come from mod_dbd's pool and are driven with libpq on the native
 * handle, because the call layer of apr_dbd loses prepared statements on a
 * reconnect, hides the SQLSTATE and crashes on BEGIN over a dead connection.
 * A call is one statement and therefore one transaction: whatever error the
 * server reports, nothing of it remains.
 */
#ifndef ECS_DB_H
#define ECS_DB_H

#include <httpd.h>
#include "problem.h"
#include "request.h"

typedef struct ecs_db_t ecs_db_t;

typedef struct ecs_db_call_t {
    const char *sql;           /* must outlive the child: constant text */
    int count;
    const char *const *params; /* text form, NULL for SQL NULL */
    int is_read;               /* may be repeated when the connection broke */
    int is_background;         /* nobody waits for it: it bears a longer queue,
                                  and leaves it to requests to find that the
                                  database is away */
    request_rec *r;            /* whose log errors go to; NULL for the server's */
} ecs_db_call_t;

/**
 * The door of a server, made in child_init: connections are never opened
 * before the fork.
 * @param gate  to its connections, shared by servers that share a pool of them
 */
ecs_db_t *ecs_db_make(apr_pool_t *pchild, server_rec *s,
                      struct ecs_gate_t *gate);

/**
 * Run one statement whose columns are those of ecs.answer. Waits at most
 * EcsDbWait for a connection and EcsDbTimeout for the answer; no connection is
 * held when it returns. Any thread.
 * @param p       for the answer, the problem and the place in the queue: the
 *                request's pool, or a job's own
 * @param answer  out: points into libpq's buffer, which lives as long as p;
 *                nothing is copied
 * @return NULL, or the problem: a refusal of the shop, 503 when the database
 *         is away or too busy, `outcome_unknown` when the connection broke
 *         under a write
 */
ecs_problem_t *ecs_db_run(apr_pool_t *p, ecs_db_t *db,
                          const ecs_db_call_t *call, ecs_answer_t *answer);

/**
 * The same for a statement that answers several at once.
 * @param answers  out: one for each row
 * @param count    how many rows it has to have
 */
ecs_problem_t *ecs_db_run_rows(apr_pool_t *p, ecs_db_t *db,
                               const ecs_db_call_t *call,
                               ecs_answer_t *answers, int count);

#endif
