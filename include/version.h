/* SPDX-License-Identifier: MIT */
/*
 * version.h - the version of mod_ecs, as the OpenAPI document and ecsctl say.
 */
#ifndef ECS_VERSION_H
#define ECS_VERSION_H

#define ECS_VERSION "0.1.0"

#endif
