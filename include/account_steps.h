/* SPDX-License-Identifier: MIT */
/*
 * account_steps.h - the steps around the SQL calls that deal with passwords
 * and tokens. PostgreSQL sees hashes, clients see tokens; here is where the one
 * becomes the other.
 *
 * A row that uses a step has the fields the step names. All run on the thread
 * of their request, and hold no connection while a password is hashed; where a
 * crowd waits for that, they refuse with `service_unavailable`.
 */
#ifndef ECS_ACCOUNT_STEPS_H
#define ECS_ACCOUNT_STEPS_H

#include "request.h"

/**
 * Before: make a token for a mail: `nonce` for whoever makes the mail,
 * `token_hash` to know it again.
 */
ecs_problem_t *ecs_account_step_make_token(ecs_request_t *req);

/**
 * Before: turn `token`, which came from a mail, into its `token_hash`.
 */
ecs_problem_t *ecs_account_step_take_token(ecs_request_t *req);

/**
 * Before: as ecs_account_step_make_token(), and `password_hash` of `password`
 * if there is one. It must not be weak, nor like the fields email, username,
 * first_name and last_name.
 */
ecs_problem_t *ecs_account_step_create(ecs_request_t *req);

/**
 * Before: check `password` of the account with `email`, by a statement of its
 * own. `proven_hash` is the hash it matched, or unset; `better_hash` a stronger
 * one, where that is outdated; `refresh` and `refresh_hash` a new token.
 */
ecs_problem_t *ecs_account_step_prove(ecs_request_t *req);

/**
 * After: the session that was opened becomes an access token, the refresh token
 * and the user.
 */
ecs_problem_t *ecs_account_step_sign_in(ecs_request_t *req);

/**
 * Before: `refresh_hash` of the `refresh` that came; `new_refresh` and
 * `new_hash`, what takes its place.
 */
ecs_problem_t *ecs_account_step_refresh(ecs_request_t *req);

/**
 * After: an access token and the new refresh token.
 */
ecs_problem_t *ecs_account_step_hand_out(ecs_request_t *req);

/**
 * Before: read the access token `token` into `user`, `session` and `role`, or
 * refuse it with `token_not_valid`.
 */
ecs_problem_t *ecs_account_step_verify(ecs_request_t *req);

/**
 * Before: `refresh_hash` of `refresh`, if there is one.
 */
ecs_problem_t *ecs_account_step_logout(ecs_request_t *req);

/**
 * Before: check `old_password` of the caller, by a statement of its own, and
 * hash `new_password`, as ecs_account_step_create() does. A wrong one is
 * counted in the database.
 */
ecs_problem_t *ecs_account_step_change(ecs_request_t *req);

/**
 * Before: as ecs_account_step_take_token(), and hash `new_password`, which must
 * not be like the data of the token's owner. Those are asked for by a statement
 * of its own; a token without an owner is left to the call to refuse.
 */
ecs_problem_t *ecs_account_step_reset(ecs_request_t *req);

#endif
