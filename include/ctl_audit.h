/* SPDX-License-Identifier: MIT */
/*
 * ctl_audit.h - `ecsctl audit`: the shop proves its own books.
 */
#ifndef ECS_CTL_AUDIT_H
#define ECS_CTL_AUDIT_H

#include "ctl.h"

extern const char ecs_ctl_audit_usage[];

/**
 * Print every invariant; exit status 1 when one is broken.
 */
int ecs_ctl_audit(const ecs_ctl_t *ctl);

#endif
