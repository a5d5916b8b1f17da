/* SPDX-License-Identifier: MIT */
/*
 * fuse.c - one word says whole, blown until a time, or being tried.
 */
#include "fuse.h"

#include <apr_atomic.h>

#define WHOLE 0
#define BEING_TRIED APR_UINT64_MAX /* later than any time */

ecs_fuse_e ecs_fuse_pass(ecs_fuse_t *fuse, apr_time_t now)
{
    apr_uint64_t until = apr_atomic_read64(&fuse->blown_until);

    if (until == WHOLE) {
        return ECS_FUSE_PASSED;
    }
    if ((apr_uint64_t)now < until) {
        return ECS_FUSE_REFUSED;
    }
    if ((apr_uint64_t)now >= until + ECS_FUSE_PAUSE) {
        /* Nobody has asked for so long that nothing is known any more. */
        apr_atomic_cas64(&fuse->blown_until, WHOLE, until);
        return ECS_FUSE_PASSED;
    }
    return apr_atomic_cas64(&fuse->blown_until, BEING_TRIED, until) == until
        ? ECS_FUSE_TRIES : ECS_FUSE_REFUSED;
}

int ecs_fuse_is_blown(ecs_fuse_t *fuse)
{
    return apr_atomic_read64(&fuse->blown_until) != WHOLE;
}

void ecs_fuse_good(ecs_fuse_t *fuse, apr_time_t now)
{
    apr_atomic_set64(&fuse->last_good, (apr_uint64_t)now);
    if (apr_atomic_read64(&fuse->blown_until) != WHOLE) {
        apr_atomic_set64(&fuse->blown_until, WHOLE);
    }
}

void ecs_fuse_blow(ecs_fuse_t *fuse, apr_time_t now)
{
    apr_atomic_set64(&fuse->blown_until, (apr_uint64_t)(now + ECS_FUSE_PAUSE));
}

int ecs_fuse_bad(ecs_fuse_t *fuse, apr_time_t now)
{
    apr_time_t last_good = (apr_time_t)apr_atomic_read64(&fuse->last_good);

    if (now - last_good < ECS_FUSE_DOUBT) {
        return 0;
    }
    ecs_fuse_blow(fuse, now);
    return 1;
}
