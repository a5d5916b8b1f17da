/* SPDX-License-Identifier: MIT */
/*
 * chores.h - the table of all jobs of the shop.
 */
#ifndef ECS_CHORES_H
#define ECS_CHORES_H

#include "jobs.h"

/* Closed by a job without a name. */
extern const ecs_job_t ecs_jobs[];

#endif
