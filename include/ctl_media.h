/* SPDX-License-Identifier: MIT */
/*
 * ctl_media.h - `ecsctl media-clean`.
 */
#ifndef ECS_CTL_MEDIA_H
#define ECS_CTL_MEDIA_H

#include "ctl.h"

extern const char ecs_ctl_media_usage[];

/** The command; see ctl.h. */
int ecs_ctl_media(const ecs_ctl_t *ctl);

#endif
