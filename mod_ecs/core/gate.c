/* SPDX-License-Identifier: MIT */
/*
 * gate.c - a fair counting semaphore with a deadline.
 *
 * A free place is handed over, not given back: leaving with somebody in the
 * queue keeps the count and wakes exactly the first one, so nobody who comes
 * later can overtake. Each waiter has a condition of its own.
 */
#include "gate.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

typedef struct waiter_t {
    apr_thread_cond_t *turn;
    int is_in;              /* the place was handed over */
    struct waiter_t *next;
} waiter_t;

struct ecs_gate_t {
    apr_thread_mutex_t *mutex; /* guards all below */
    int free_places;
    int waiting;
    int waiting_max;           /* 0: any number */
    waiter_t *first;
    waiter_t **last;           /* where the next waiter is hung */
};

ecs_gate_t *ecs_gate_make(apr_pool_t *p, int places)
{
    ecs_gate_t *gate = apr_pcalloc(p, sizeof(*gate));

    if (apr_thread_mutex_create(&gate->mutex, APR_THREAD_MUTEX_DEFAULT, p)
        != APR_SUCCESS) {
        return NULL;
    }
    gate->free_places = places;
    gate->last = &gate->first;
    return gate;
}

void ecs_gate_bound_queue(ecs_gate_t *gate, int waiting_max)
{
    gate->waiting_max = waiting_max;
}

static void leave_queue(ecs_gate_t *gate, waiter_t *me)
{
    waiter_t **link = &gate->first;

    while (*link != me) {
        link = &(*link)->next;
    }
    *link = me->next;
    if (!me->next) {
        gate->last = link;
    }
}

/* Called with the mutex held. */
static apr_status_t wait_for_turn(ecs_gate_t *gate, apr_interval_time_t wait,
                                  apr_pool_t *p)
{
    apr_time_t deadline = apr_time_now() + wait;
    apr_status_t rv = APR_SUCCESS;
    waiter_t me = { 0 };

    if (gate->waiting_max > 0 && gate->waiting >= gate->waiting_max) {
        return APR_TIMEUP;
    }
    if (apr_thread_cond_create(&me.turn, p) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    gate->waiting++;
    *gate->last = &me;
    /* cppcheck-suppress autoVariables ; out again before this returns */
    gate->last = &me.next;
    while (!me.is_in && rv != APR_TIMEUP) {
        apr_interval_time_t left = deadline - apr_time_now();

        rv = left > 0 ? apr_thread_cond_timedwait(me.turn, gate->mutex, left)
                      : APR_TIMEUP;
    }
    gate->waiting--;
    if (!me.is_in) {
        leave_queue(gate, &me);
    }
    apr_thread_cond_destroy(me.turn);
    return me.is_in ? APR_SUCCESS : APR_TIMEUP;
}

apr_status_t ecs_gate_enter(ecs_gate_t *gate, apr_interval_time_t wait,
                            apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(gate->mutex);
    if (gate->free_places > 0) {
        gate->free_places--;
    }
    else {
        rv = wait_for_turn(gate, wait, p);
    }
    apr_thread_mutex_unlock(gate->mutex);
    return rv;
}

void ecs_gate_leave(ecs_gate_t *gate)
{
    waiter_t *next;

    apr_thread_mutex_lock(gate->mutex);
    next = gate->first;
    if (next) {
        gate->first = next->next;
        if (!gate->first) {
            gate->last = &gate->first;
        }
        next->is_in = 1;
        apr_thread_cond_signal(next->turn);
    }
    else {
        gate->free_places++;
    }
    apr_thread_mutex_unlock(gate->mutex);
}
