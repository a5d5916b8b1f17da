/* SPDX-License-Identifier: MIT */
/*
 * fuse.h - whether it is worth asking a service that was away.
 *
 * While it is away everybody is refused at once, but for one who tries it after
 * each pause. So an outage costs no threads and does not become a storm of
 * connects, and what comes back is found within a pause. What was found long
 * ago, with nobody asking since, counts no more.
 */
#ifndef ECS_FUSE_H
#define ECS_FUSE_H

#include <apr.h>
#include <apr_time.h>

#define ECS_FUSE_PAUSE (APR_USEC_PER_SEC)  /* from a failure to the next try */
#define ECS_FUSE_DOUBT (100 * 1000) /* us: no single failure within it counts */

/* All zero is whole. Any thread, no lock. */
typedef struct ecs_fuse_t {
    volatile apr_uint64_t blown_until; /* 0: whole */
    volatile apr_uint64_t last_good;
} ecs_fuse_t;

typedef enum ecs_fuse_e {
    ECS_FUSE_REFUSED,
    ECS_FUSE_PASSED,
    ECS_FUSE_TRIES /* the one who tries: must say what came of it */
} ecs_fuse_e;

/**
 * May the service be asked? Who is told ECS_FUSE_TRIES must call
 * ecs_fuse_good() or ecs_fuse_blow() in the end, or nobody tries again.
 */
ecs_fuse_e ecs_fuse_pass(ecs_fuse_t *fuse, apr_time_t now);

/** Are people refused at the moment? */
int ecs_fuse_is_blown(ecs_fuse_t *fuse);

/** The service answered, whatever it said. */
void ecs_fuse_good(ecs_fuse_t *fuse, apr_time_t now);

/** The service is away, without doubt. */
void ecs_fuse_blow(ecs_fuse_t *fuse, apr_time_t now);

/**
 * The service could not be reached. When others were answered a moment ago it
 * is not away, and the fuse stays as it is.
 * @return whether the fuse is blown now
 */
int ecs_fuse_bad(ecs_fuse_t *fuse, apr_time_t now);

#endif
