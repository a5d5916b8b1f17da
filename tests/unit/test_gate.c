/* SPDX-License-Identifier: MIT */
/*
 * test_gate.c - never more inside than there are places, first come first
 * served, and nobody waits longer than they said.
 */
#include "gate.h"
#include "unit.h"

#include <apr_thread_proc.h>

#define WAITERS 8
#define LONG_WAIT (10 * APR_USEC_PER_SEC)
#define SHORT_WAIT (20 * 1000)
#define STAGGER (20 * 1000) /* so that waiters queue in a known order */

static ecs_gate_t *gate;
static int order[WAITERS];
static int served; /* guarded by the gate's one place */

static void setup(void)
{
    pool_open();
    gate = ecs_gate_make(pool, 1);
    served = 0;
}

static void *APR_THREAD_FUNC wait_in_line(apr_thread_t *thread, void *number)
{
    if (ecs_gate_enter(gate, LONG_WAIT, apr_thread_pool_get(thread))
        == APR_SUCCESS) {
        order[served++] = *(int *)number;
        ecs_gate_leave(gate);
    }
    return NULL;
}

START_TEST(places_are_counted)
{
    ecs_gate_t *two = ecs_gate_make(pool, 2);

    ck_assert_int_eq(ecs_gate_enter(two, 0, pool), APR_SUCCESS);
    ck_assert_int_eq(ecs_gate_enter(two, 0, pool), APR_SUCCESS);
    ck_assert_int_eq(ecs_gate_enter(two, 0, pool), APR_TIMEUP);
    ecs_gate_leave(two);
    ck_assert_int_eq(ecs_gate_enter(two, 0, pool), APR_SUCCESS);
}
END_TEST

START_TEST(waiting_ends)
{
    ck_assert_int_eq(ecs_gate_enter(gate, 0, pool), APR_SUCCESS);
    ck_assert_int_eq(ecs_gate_enter(gate, SHORT_WAIT, pool), APR_TIMEUP);
    /* Who gave up has left the queue and takes no place. */
    ecs_gate_leave(gate);
    ck_assert_int_eq(ecs_gate_enter(gate, 0, pool), APR_SUCCESS);
}
END_TEST

START_TEST(first_come_first_served)
{
    apr_thread_t *threads[WAITERS];
    int numbers[WAITERS];
    apr_status_t rv;
    int i;

    ck_assert_int_eq(ecs_gate_enter(gate, 0, pool), APR_SUCCESS);
    for (i = 0; i < WAITERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, wait_in_line,
                                           &numbers[i], pool), APR_SUCCESS);
        apr_sleep(STAGGER);
    }
    ecs_gate_leave(gate);
    for (i = 0; i < WAITERS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    ck_assert_int_eq(served, WAITERS);
    for (i = 0; i < WAITERS; i++) {
        ck_assert_int_eq(order[i], i);
    }
}
END_TEST

START_TEST(a_full_queue_sends_away)
{
    apr_thread_t *threads[2];
    int numbers[2] = { 0, 1 };
    apr_time_t start;
    apr_status_t rv;
    int i;

    ecs_gate_bound_queue(gate, 2);
    ck_assert_int_eq(ecs_gate_enter(gate, 0, pool), APR_SUCCESS);
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, wait_in_line,
                                           &numbers[i], pool), APR_SUCCESS);
        apr_sleep(STAGGER);
    }
    start = apr_time_now();
    ck_assert_int_eq(ecs_gate_enter(gate, LONG_WAIT, pool), APR_TIMEUP);
    ck_assert_int_lt(apr_time_now() - start, LONG_WAIT / 2);
    ecs_gate_leave(gate);
    for (i = 0; i < 2; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    ck_assert_int_eq(served, 2);
    /* Who has left the queue leaves room in it. */
    ck_assert_int_eq(ecs_gate_enter(gate, 0, pool), APR_SUCCESS);
    ck_assert_int_eq(ecs_gate_enter(gate, SHORT_WAIT, pool), APR_TIMEUP);
    ck_assert_int_eq(ecs_gate_enter(gate, SHORT_WAIT, pool), APR_TIMEUP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tests = tcase_create("turns");

    tcase_add_checked_fixture(tests, setup, pool_close);
    tcase_add_test(tests, places_are_counted);
    tcase_add_test(tests, waiting_ends);
    tcase_add_test(tests, first_come_first_served);
    tcase_add_test(tests, a_full_queue_sends_away);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
