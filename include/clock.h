/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the clock for waits, deadlines and how long something took.
 *
 * apr_time_now() is the time of day, which an administrator or NTP may set at
 * any moment; whoever waits by it waits too long or not at all. Nobody sets
 * this one.
 */
#ifndef ECS_CLOCK_H
#define ECS_CLOCK_H

#include <apr_time.h>

/**
 * Microseconds since a moment of the host's own choice: only differences mean
 * something, and only until it restarts. All processes of a host share the
 * clock (POSIX.1, CLOCK_MONOTONIC). Any thread.
 */
apr_time_t ecs_clock_us(void);

#endif
