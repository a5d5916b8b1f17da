/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - what the shop does by itself, without a request: on one child at a
 * time, by mod_watchdog.
 */
#ifndef ECS_JOBS_H
#define ECS_JOBS_H

#include <httpd.h>

/**
 * Register the jobs of all shops; called in post_config. Without mod_watchdog
 * they do not run, which is logged.
 */
void ecs_jobs_register(apr_pool_t *pconf, server_rec *main_server);

#endif
