/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - the clock of the shop: what it does by itself, without a request.
 */
#ifndef ECS_JOBS_H
#define ECS_JOBS_H

#include <httpd.h>
#include "config.h"

/**
 * A job that works outside of the database. It must bear being ended at any
 * point, and being done by two hosts at a time when it outlives its lease. It
 * should look at ecs_jobs_are_stopping() now and then, and end early.
 * @param p     of this run
 * @param done  out: how much was done
 * @return NULL, or why it failed
 */
typedef const char *ecs_chore_fn(server_rec *s, apr_pool_t *p, long *done);

/* What runs by the clock (see chores.c for the table). */
typedef struct ecs_job_t {
    const char *name;    /* NULL closes the table */
    int interval_ms;
    int limit;           /* things that ecs_lib.job_<name>() does at most in one
                            transaction; when it did as many it is called again
                            at once */
    ecs_chore_fn *chore; /* instead of a function of SQL */
    int lease_s;         /* of a chore: when it takes longer than that, its host
                            counts as dead */
    int (*is_wanted)(const ecs_server_config_t *config); /* NULL: always */
} ecs_job_t;

/**
 * Register the clock; called in post_config. Without mod_watchdog nothing runs
 * by itself, which is logged.
 */
void ecs_jobs_register(apr_pool_t *pconf, server_rec *main_server);

/**
 * Let the clock of this child tick; called in child_init, when the doors to the
 * database are there. It stops before `pchild` is destroyed, and waits for what
 * runs then.
 */
void ecs_jobs_open(apr_pool_t *pchild);

/**
 * Is this child about to end? Any thread.
 */
int ecs_jobs_are_stopping(void);

/* What this httpd knows of a job since it started, all its children together. */
typedef struct ecs_job_report_t {
    const server_rec *s;     /* the shop's */
    const ecs_job_t *job;
    apr_time_t last_run;     /* by this httpd; 0: never */
    apr_time_t last_success;
    long last_ms;            /* how long that took */
    long done;
    long failures;
} ecs_job_report_t;

/**
 * The n-th job, from 0; asks no database. Any thread.
 * @return 0 past the last one
 */
int ecs_jobs_report(int n, ecs_job_report_t *report);

#endif
