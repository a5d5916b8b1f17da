/* SPDX-License-Identifier: MIT */
/*
 * test_carrier.c - every parcel arrives once, in trips of one key that do not
 * overlap and are in the order of arrival; a thread alone goes at once; what
 * gathers goes together.
 */
#include "carrier.h"
#include "unit.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#define THREADS 32
#define PARCELS 200 /* of each thread */
#define MOST 8
#define KEYS 3
#define PAUSE (200 * 1000) /* for the others to gather */

typedef struct work_t {
    ecs_carrier_t *carrier;
    apr_thread_mutex_t *mutex; /* guards all below */
    int trips, carried, longest;
    int under_way[KEYS]; /* trips of a key at this moment */
    int faults;
    int is_slow;
    int sent; /* parcels; each of them arrived before all that were sent earlier */
} work_t;

/* What a thread sends. */
typedef struct goods_t {
    int key;
    int carried; /* how often */
} goods_t;

static work_t work;

static void setup(void)
{
    pool_open();
    memset(&work, 0, sizeof(work));
    work.carrier = ecs_carrier_make(pool, MOST);
    apr_thread_mutex_create(&work.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
}

static void trip(void *baton, apr_pool_t *p, ecs_parcel_t **parcels, int count)
{
    goods_t *first = parcels[0]->goods;
    int i;

    apr_thread_mutex_lock(work.mutex);
    work.faults += work.under_way[first->key]++ > 0 || count > MOST;
    apr_thread_mutex_unlock(work.mutex);
    if (work.is_slow) {
        apr_sleep(PAUSE);
    }
    for (i = 0; i < count; i++) {
        goods_t *goods = parcels[i]->goods;

        goods->carried++;
        work.faults += goods->key != first->key;
        work.faults += i > 0 && parcels[i]->arrived <= parcels[i - 1]->arrived;
    }
    apr_thread_mutex_lock(work.mutex);
    work.under_way[first->key]--;
    work.trips++;
    work.carried += count;
    work.longest = count > work.longest ? count : work.longest;
    apr_thread_mutex_unlock(work.mutex);
}

static int ship(apr_pool_t *p, int key)
{
    goods_t goods = { .key = key };
    ecs_parcel_t parcel = { .key = apr_psprintf(p, "%d", key), .pool = p,
                            .goods = &goods };

    apr_thread_mutex_lock(work.mutex);
    parcel.arrived = -(apr_time_t)++work.sent;
    apr_thread_mutex_unlock(work.mutex);
    return ecs_carrier_send(work.carrier, &parcel, trip, NULL) == APR_SUCCESS
        && goods.carried == 1;
}

static void *APR_THREAD_FUNC send_many(apr_thread_t *thread, void *number)
{
    apr_pool_t *p;
    int i, bad = 0;

    apr_pool_create(&p, apr_thread_pool_get(thread));
    for (i = 0; i < PARCELS; i++) {
        apr_pool_clear(p);
        bad += !ship(p, (*(int *)number + i) % KEYS);
    }
    apr_thread_mutex_lock(work.mutex);
    work.faults += bad;
    apr_thread_mutex_unlock(work.mutex);
    return NULL;
}

static void *APR_THREAD_FUNC send_one(apr_thread_t *thread, void *number)
{
    if (!ship(apr_thread_pool_get(thread), 0)) {
        apr_thread_mutex_lock(work.mutex);
        work.faults++;
        apr_thread_mutex_unlock(work.mutex);
    }
    return NULL;
}

static void run(apr_thread_start_t body)
{
    apr_thread_t *threads[THREADS];
    int numbers[THREADS], i;
    apr_status_t rv;

    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, body, &numbers[i],
                                           pool), APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
}

START_TEST(one_alone_goes_at_once)
{
    ck_assert(ship(pool, 1));
    ck_assert(ship(pool, 2));
    ck_assert_int_eq(work.trips, 2);
    ck_assert_int_eq(work.longest, 1);
}
END_TEST

START_TEST(everything_arrives_once)
{
    run(send_many);
    ck_assert_int_eq(work.faults, 0);
    ck_assert_int_eq(work.carried, THREADS * PARCELS);
}
END_TEST

START_TEST(what_gathers_goes_together)
{
    work.is_slow = 1;
    run(send_one);
    ck_assert_int_eq(work.faults, 0);
    ck_assert_int_eq(work.carried, THREADS);
    ck_assert_int_eq(work.longest, MOST);
    ck_assert_int_lt(work.trips, THREADS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("carrier");
    TCase *tests = tcase_create("carrier");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, pool_close);
    tcase_add_test(tests, one_alone_goes_at_once);
    tcase_add_test(tests, everything_arrives_once);
    tcase_add_test(tests, what_gathers_goes_together);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
