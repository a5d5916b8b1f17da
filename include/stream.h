/* SPDX-License-Identifier: MIT */
/*
 * stream.h - the answer of a row with ECS_R_STREAM: as long as it wants, in as
 * little memory as one part of it takes.
 */
#ifndef ECS_STREAM_H
#define ECS_STREAM_H

#include "request.h"

/**
 * Send the part in req->answer, and then part by part what the row's function
 * answers for `cursor`, until it names no next one. No connection is held while
 * the client reads.
 * @param more  makes the call again and fills in req->answer
 * @return what a handler returns. When a later part cannot be had, the answer
 *         ends without its last chunk, so that the client sees that it is torn
 */
int ecs_stream_reply(ecs_request_t *req, ecs_step_fn *more);

#endif
