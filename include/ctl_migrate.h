/* SPDX-License-Identifier: MIT */
/*
 * ctl_migrate.h - `ecsctl migrate`: bring the database to what the SQL files
 * say.
 */
#ifndef ECS_CTL_MIGRATE_H
#define ECS_CTL_MIGRATE_H

#include "ctl.h"

extern const char ecs_ctl_migrate_usage[];

/**
 * Apply what is missing, or with --check only say so (exit status 1 then).
 */
int ecs_ctl_migrate(const ecs_ctl_t *ctl);

#endif
