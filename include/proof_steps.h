/* SPDX-License-Identifier: MIT */
/*
 * proof_steps.h - the steps around the SQL calls that deal with a proof of
 * delivery. PostgreSQL sees nonce and verifiers, clients see PIN and token;
 * here is where the one becomes the other.
 *
 * A row that uses a step has the fields the step names. All run on the thread
 * of their request.
 */
#ifndef ECS_PROOF_STEPS_H
#define ECS_PROOF_STEPS_H

#include "request.h"

/* Fields of a fresh proof, for ecs_proof_step_issue(). */
#define ECS_PROOF_ISSUED_FIELDS                                               \
    { .name = "nonce", .type = ECS_T_STRING, .in = ECS_IN_SERVER },           \
    { .name = "pin_verifier", .type = ECS_T_STRING, .in = ECS_IN_SERVER },    \
    { .name = "token_verifier", .type = ECS_T_STRING, .in = ECS_IN_SERVER }

/* Fields of a hand-over, for ecs_proof_step_try(). */
#define ECS_PROOF_TRIED_FIELDS                                                \
    { .name = "pin", .type = ECS_T_STRING, .flags = ECS_SECRET, .min = 6,     \
      .max = 6, .help = "The six digits the buyer reads out." },              \
    { .name = "token", .type = ECS_T_STRING, .flags = ECS_SECRET,             \
      .max = 200, .help = "What the buyer's QR code says." },                 \
    { .name = "lat", .type = ECS_T_DECIMAL, .min = -90, .max = 90,            \
      .help = "Where the order was handed over; together with lng." },        \
    { .name = "lng", .type = ECS_T_DECIMAL, .min = -180, .max = 180 },        \
    { .name = "note", .type = ECS_T_TEXT, .max = 500 },                       \
    { .name = "pin_tried", .type = ECS_T_STRING, .in = ECS_IN_SERVER },       \
    { .name = "token_tried", .type = ECS_T_STRING, .in = ECS_IN_SERVER }

/**
 * Before: make a fresh proof for the order of the path.
 */
ecs_problem_t *ecs_proof_step_issue(ecs_request_t *req);

/**
 * Before: turn the given PIN or token into the verifier to compare with.
 */
ecs_problem_t *ecs_proof_step_try(ecs_request_t *req);

/**
 * Before: both, for a row that may do either.
 */
ecs_problem_t *ecs_proof_step_issue_and_try(ecs_request_t *req);

/**
 * After: replace the nonce of the answer by PIN, token and QR code; or answer
 * with the QR code alone when Accept prefers a picture (RFC 9110 section
 * 12.5.1). Its content is the token, nothing else.
 */
ecs_problem_t *ecs_proof_step_show(ecs_request_t *req);

#endif
