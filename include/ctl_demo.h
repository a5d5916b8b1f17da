/* SPDX-License-Identifier: MIT */
/*
 * ctl_demo.h - `ecsctl demo`: fill an empty shop.
 */
#ifndef ECS_CTL_DEMO_H
#define ECS_CTL_DEMO_H

#include "ctl.h"

extern const char ecs_ctl_demo_usage[];

/**
 * Load demo.sql, once. A shop that has other users is left alone.
 */
int ecs_ctl_demo(const ecs_ctl_t *ctl);

#endif
