/* SPDX-License-Identifier: MIT */
/*
 * gate.h - at most n threads of a child do something at once; the others wait
 * their turn, in the order they came, for a bounded time.
 *
 * mod_dbd's own pool waits for ever and wakes anybody; a gate of the same size
 * in front of it makes waiting fair and finite.
 */
#ifndef ECS_GATE_H
#define ECS_GATE_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct ecs_gate_t ecs_gate_t;

/**
 * @param places  how many may be inside at once
 * @param p       the gate lives as long as this pool (the child's)
 */
ecs_gate_t *ecs_gate_make(apr_pool_t *p, int places);

/**
 * Let no more than so many wait; further ones are sent away at once. For slow
 * work, whose waiters would take all threads from the rest. Before first use.
 */
void ecs_gate_bound_queue(ecs_gate_t *gate, int waiting_max);

/**
 * Go in, waiting at most `wait`.
 * @param p  for the place in the queue, if one is needed; e.g. r->pool
 * @return APR_SUCCESS, or APR_TIMEUP when the turn did not come in time or the
 *         queue is full
 */
apr_status_t ecs_gate_enter(ecs_gate_t *gate, apr_interval_time_t wait,
                            apr_pool_t *p);

/**
 * Go out; the longest waiting thread goes in.
 */
void ecs_gate_leave(ecs_gate_t *gate);

#endif
