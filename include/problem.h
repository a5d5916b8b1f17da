/* SPDX-License-Identifier: MIT */
/*
 * problem.h - why a request was refused, made where it is understood and
 * turned into a response in one place (server/reply.c).
 *
 * A function that can refuse returns `ecs_problem_t *`; NULL is success.
 * Every code a client can meet stands in the one table of core/problem.c with
 * its HTTP status and its title; SQL and C name the code, never the status.
 */
#ifndef ECS_PROBLEM_H
#define ECS_PROBLEM_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

typedef struct ecs_problem_kind_t {
    const char *code;  /* machine word, e.g. "out_of_stock" */
    int status;        /* HTTP status */
    const char *title; /* the default `detail`, DRF's wording where it has one */
} ecs_problem_kind_t;

typedef struct ecs_field_error_t {
    const char *field;   /* member name, or "non_field_errors" */
    const char *message; /* one sentence, DRF's wording */
    const char *items;   /* of a list of objects instead of a message: JSON
                            text, for each object what is wrong by member */
} ecs_field_error_t;

typedef struct ecs_problem_t {
    int status;
    const char *code;
    const char *detail;
    const char *extra;          /* further members, JSON object text, or NULL */
    const char *allow;          /* 405: value of the Allow header */
    int retry_after;            /* seconds for Retry-After, 0 for none */
    apr_array_header_t *fields; /* of ecs_field_error_t, or NULL */
} ecs_problem_t;

/**
 * The table of all codes, closed by an entry whose code is NULL.
 */
const ecs_problem_kind_t *ecs_problem_kinds(void);

/**
 * Look a code up.
 * @return the kind, or NULL when no such code is in the table
 */
const ecs_problem_kind_t *ecs_problem_kind(const char *code);

/**
 * Make a problem of a code of the table. A code that is not there becomes
 * `server_error` (500), so that a typo cannot leak as a success.
 * @param detail  printf format of the sentence for the client, or NULL for the
 *                kind's title
 * @param p       the problem lives as long as this pool
 */
ecs_problem_t *ecs_problem_make(apr_pool_t *p, const char *code,
                                const char *detail, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * The problem for a status that httpd itself made (404, 413, 500 ...).
 */
ecs_problem_t *ecs_problem_of_status(apr_pool_t *p, int status);

/**
 * Add one field error, making the 400 validation problem when *problem is
 * NULL. Errors keep the order in which they were added.
 */
void ecs_problem_add_field(apr_pool_t *p, ecs_problem_t **problem,
                           const char *field, const char *message);

/**
 * The same for a field that is a list of objects: [{}, {"quantity": ["..."]}].
 * @param errors  one object for each of the list's, empty when it is good
 */
void ecs_problem_add_items(apr_pool_t *p, ecs_problem_t **problem,
                           const char *field, const json_t *errors);

/**
 * The same problem in other memory.
 * @param p  the copy lives as long as this pool, whatever becomes of the
 *           original's
 */
ecs_problem_t *ecs_problem_copy(apr_pool_t *p, const ecs_problem_t *problem);

/**
 * The problem for an error report of PostgreSQL. Refusals of the shop carry
 * SQLSTATE EC000 and a JSON DETAIL {"code": ..., further members} or EC400
 * and {"fields": {"name": ["message"]}}; everything else is mapped by
 * SQLSTATE in one table.
 * @param sqlstate  five characters, or NULL when the connection was lost
 * @param message   PG_DIAG_MESSAGE_PRIMARY, used as detail of EC000 only
 * @param detail    PG_DIAG_MESSAGE_DETAIL, or NULL
 */
ecs_problem_t *ecs_problem_of_sql(apr_pool_t *p, const char *sqlstate,
                                  const char *message, const char *detail);

/**
 * The body DRF clients know: {"detail", "code", ...} or {"field": [...]}.
 * @return JSON text in `p`
 */
const char *ecs_problem_drf(apr_pool_t *p, const ecs_problem_t *problem,
                            const char *request_id);

/**
 * The RFC 9457 body: type, title, status, detail, code, errors, request_id
 * and the extra members.
 * @return JSON text in `p`
 */
const char *ecs_problem_rfc9457(apr_pool_t *p, const ecs_problem_t *problem,
                                const char *request_id);

#endif
