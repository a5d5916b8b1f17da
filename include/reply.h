/* SPDX-License-Identifier: MIT */
/*
 * reply.h - the only place where an answer or a problem becomes an HTTP
 * response.
 */
#ifndef ECS_REPLY_H
#define ECS_REPLY_H

#include "request.h"

/**
 * Send req->answer: the JSON that PostgreSQL made goes out from libpq's own
 * buffer. A page gets its envelope and links; GET answers get an ETag and are
 * answered 304 when the client has them.
 * @return OK, for the handler to return
 */
int ecs_reply_answer(ecs_request_t *req);

/**
 * Send a problem in the shape the client prefers.
 */
int ecs_reply_problem(request_rec *r, const ecs_problem_t *problem);

/**
 * Body and headers of a problem, for whoever sends it himself (errors.c).
 * @param type  out: the media type
 * @return JSON text in r->pool
 */
const char *ecs_reply_problem_body(request_rec *r,
                                   const ecs_problem_t *problem,
                                   const char **type);

/**
 * Headers that every response of the shop carries, errors included; they go
 * to err_headers_out, where `Header always` of a conf can still change them.
 */
void ecs_reply_headers(request_rec *r);

/**
 * Answer a request without a body: 204 to OPTIONS, with the methods allowed
 * and, for an allowed origin, what a browser's preflight asks for.
 */
int ecs_reply_options(request_rec *r, const char *allow);

/**
 * The strong ETag of an object, "<version>-<hash of the body>", and what an
 * If-Match says of the version: its text, of a list the newest; "0" when no
 * strong ETag of ours is in it, which no row ever has; NULL for "*".
 */
const char *ecs_reply_etag(apr_pool_t *p, const ecs_answer_t *answer);
const char *ecs_reply_if_match(apr_pool_t *p, const char *header);

#endif
