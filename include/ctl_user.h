/* SPDX-License-Identifier: MIT */
/*
 * ctl_user.h - `ecsctl createsuperuser`: the first account of a shop.
 */
#ifndef ECS_CTL_USER_H
#define ECS_CTL_USER_H

#include "ctl.h"

extern const char ecs_ctl_user_usage[];

/**
 * Make an account of role superadmin through ecs_lib.user_create.
 */
int ecs_ctl_user(const ecs_ctl_t *ctl);

#endif
