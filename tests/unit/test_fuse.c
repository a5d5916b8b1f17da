/* SPDX-License-Identifier: MIT */
/*
 * test_fuse.c - one at a time tries what was away, and one failure among
 * successes is no outage.
 */
#include "fuse.h"
#include "unit.h"

#include <apr_thread_proc.h>

#define THREADS 8
#define NOW ((apr_time_t)1000 * APR_USEC_PER_SEC)
#define LATER (NOW + ECS_FUSE_PAUSE)

static ecs_fuse_t fuse;

static void setup(void)
{
    pool_open();
    fuse = (ecs_fuse_t){ 0 };
}

START_TEST(a_whole_fuse_lets_everybody_pass)
{
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW), ECS_FUSE_PASSED);
    ecs_fuse_good(&fuse, NOW);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW), ECS_FUSE_PASSED);
}
END_TEST

START_TEST(after_a_pause_one_tries)
{
    ck_assert(ecs_fuse_bad(&fuse, NOW));
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW), ECS_FUSE_REFUSED);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER - 1), ECS_FUSE_REFUSED);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_TRIES);
    /* However long the try takes. */
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_REFUSED);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER + 60 * ECS_FUSE_PAUSE),
                     ECS_FUSE_REFUSED);
}
END_TEST

START_TEST(a_failed_try_begins_another_pause)
{
    ecs_fuse_blow(&fuse, NOW);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_TRIES);
    ecs_fuse_blow(&fuse, LATER);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_REFUSED);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER + ECS_FUSE_PAUSE),
                     ECS_FUSE_TRIES);
}
END_TEST

START_TEST(an_answer_ends_the_outage)
{
    ecs_fuse_blow(&fuse, NOW);
    ecs_fuse_good(&fuse, NOW);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW), ECS_FUSE_PASSED);
    ecs_fuse_blow(&fuse, NOW);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_TRIES);
    ecs_fuse_good(&fuse, LATER);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER), ECS_FUSE_PASSED);
}
END_TEST

START_TEST(old_news_count_no_more)
{
    ecs_fuse_blow(&fuse, NOW);
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER + ECS_FUSE_PAUSE),
                     ECS_FUSE_PASSED);
    ck_assert(!ecs_fuse_is_blown(&fuse));
    ck_assert_int_eq(ecs_fuse_pass(&fuse, LATER + ECS_FUSE_PAUSE),
                     ECS_FUSE_PASSED);
}
END_TEST

START_TEST(one_failure_among_successes_is_no_outage)
{
    ecs_fuse_good(&fuse, NOW);
    ck_assert(!ecs_fuse_bad(&fuse, NOW + ECS_FUSE_DOUBT - 1));
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW), ECS_FUSE_PASSED);
    ck_assert(ecs_fuse_bad(&fuse, NOW + ECS_FUSE_DOUBT));
    ck_assert_int_eq(ecs_fuse_pass(&fuse, NOW + ECS_FUSE_DOUBT),
                     ECS_FUSE_REFUSED);
}
END_TEST

static void *APR_THREAD_FUNC try_it(apr_thread_t *thread, void *tries)
{
    *(int *)tries = ecs_fuse_pass(&fuse, LATER) == ECS_FUSE_TRIES;
    return NULL;
}

START_TEST(of_many_at_once_one_tries)
{
    apr_thread_t *threads[THREADS];
    int tries[THREADS];
    apr_status_t rv;
    int i, sum = 0;

    ecs_fuse_blow(&fuse, NOW);
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, try_it,
                                           &tries[i], pool), APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        sum += tries[i];
    }
    ck_assert_int_eq(sum, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fuse");
    TCase *tests = tcase_create("fuse");

    tcase_add_checked_fixture(tests, setup, pool_close);
    tcase_add_test(tests, a_whole_fuse_lets_everybody_pass);
    tcase_add_test(tests, after_a_pause_one_tries);
    tcase_add_test(tests, a_failed_try_begins_another_pause);
    tcase_add_test(tests, an_answer_ends_the_outage);
    tcase_add_test(tests, old_news_count_no_more);
    tcase_add_test(tests, one_failure_among_successes_is_no_outage);
    tcase_add_test(tests, of_many_at_once_one_tries);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
