/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the clock that nobody sets.
 */
#include "clock.h"

#include <time.h>

apr_time_t ecs_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_make(now.tv_sec, now.tv_nsec / 1000);
}
