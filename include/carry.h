/* SPDX-License-Identifier: MIT */
/*
 * carry.h - the call of a row with ECS_R_CARRIED: requests for one object that
 * wait in this child go to the database together (see carrier.h).
 */
#ifndef ECS_CARRY_H
#define ECS_CARRY_H

#include "problem.h"
#include "request.h"
#include "statement.h"

/**
 * Make the call of a request, alone or with others, and fill req->answer. Each
 * gets its own answer or refusal, after the commit that made it true; when a
 * call for several fails as a whole, each is made again alone.
 * @return as ecs_db_run()
 */
ecs_problem_t *ecs_carry_run(ecs_request_t *req,
                             const ecs_statement_t *statement);

#endif
