/* SPDX-License-Identifier: MIT */
/*
 * carrier.c - queues by key, each with at most one thread on its way.
 *
 * Queues are slots of a fixed table, so nothing is allocated or freed for a
 * key. Two keys may share a slot; their trips then follow each other. The
 * carrier gives up its office after one trip, so that no thread works for
 * others longer than for itself. Each parcel has a semaphore of its own: with a
 * condition, all who come home would wait for one mutex once more.
 */
#include "carrier.h"

#include <apr_hash.h>
#include <apr_thread_mutex.h>
#include <string.h>

#define SLOTS 1024

typedef struct slot_t {
    int is_served;      /* a thread is on its way, or has been called to be */
    ecs_parcel_t *first;
    ecs_parcel_t *last;
} slot_t;

struct ecs_carrier_t {
    apr_thread_mutex_t *mutex; /* guards all slots; never held on a trip */
    int most;
    slot_t slots[SLOTS];
};

ecs_carrier_t *ecs_carrier_make(apr_pool_t *p, int most)
{
    ecs_carrier_t *carrier = apr_pcalloc(p, sizeof(*carrier));

    if (apr_thread_mutex_create(&carrier->mutex, APR_THREAD_MUTEX_DEFAULT, p)
        != APR_SUCCESS) {
        return NULL;
    }
    carrier->most = most;
    return carrier;
}

static slot_t *slot_of(ecs_carrier_t *carrier, const char *key)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;

    return &carrier->slots[apr_hashfunc_default(key, &length) % SLOTS];
}

/* Queue a parcel behind those that arrived before it; mostly that are all. */
static void enqueue(slot_t *slot, ecs_parcel_t *parcel)
{
    ecs_parcel_t **link = &slot->first;

    if (slot->last && slot->last->arrived <= parcel->arrived) {
        link = &slot->last->next;
    }
    while (*link && (*link)->arrived <= parcel->arrived) {
        link = &(*link)->next;
    }
    parcel->next = *link;
    *link = parcel;
    if (!parcel->next) {
        slot->last = parcel;
    }
}

/*
 * Take the parcels of one key out of the queue, the first ones, in order. The
 * carrier's own is one of them, even if many have come that arrived earlier.
 */
static int load(slot_t *slot, const ecs_parcel_t *mine, ecs_parcel_t **parcels,
                int most)
{
    ecs_parcel_t **link = &slot->first;
    ecs_parcel_t *kept = NULL;
    int others = 0, count = 0;

    while (*link) {
        ecs_parcel_t *parcel = *link;

        if (parcel == mine
            || (others < most - 1 && !strcmp(parcel->key, mine->key))) {
            others += parcel != mine;
            parcels[count++] = parcel;
            *link = parcel->next;
        }
        else {
            kept = parcel;
            link = &parcel->next;
        }
    }
    slot->last = kept;
    return count;
}

/* The parcel may be gone as soon as its thread has heard. */
static void tell(ecs_parcel_t *parcel, int state)
{
    parcel->state = state;
    sem_post(&parcel->news);
}

static void wait_for_news(ecs_parcel_t *parcel)
{
    while (sem_wait(&parcel->news) != 0) { /* a signal came */
    }
}

/* Make the first that waits the next carrier, because nobody else serves it. */
static void hand_over(ecs_carrier_t *carrier, slot_t *slot)
{
    ecs_parcel_t *next;

    apr_thread_mutex_lock(carrier->mutex);
    next = slot->first;
    slot->is_served = next != NULL;
    apr_thread_mutex_unlock(carrier->mutex);
    if (next) {
        tell(next, ECS_PARCEL_CARRIES);
    }
}

static void make_trip(ecs_carrier_t *carrier, slot_t *slot,
                      ecs_parcel_t *mine, ecs_trip_fn *trip, void *baton)
{
    ecs_parcel_t **parcels = apr_palloc(mine->pool, sizeof(*parcels)
                                                    * (apr_size_t)carrier->most);
    int count, i;

    apr_thread_mutex_lock(carrier->mutex);
    count = load(slot, mine, parcels, carrier->most);
    apr_thread_mutex_unlock(carrier->mutex);
    trip(baton, mine->pool, parcels, count);
    hand_over(carrier, slot); /* first, for that thread has the longest way */
    for (i = 0; i < count; i++) {
        if (parcels[i] != mine) {
            tell(parcels[i], ECS_PARCEL_DONE);
        }
    }
}

apr_status_t ecs_carrier_send(ecs_carrier_t *carrier, ecs_parcel_t *parcel,
                              ecs_trip_fn *trip, void *baton)
{
    slot_t *slot = slot_of(carrier, parcel->key);
    int is_alone;

    if (sem_init(&parcel->news, 0, 0) != 0) {
        return apr_get_os_error();
    }
    parcel->state = ECS_PARCEL_WAITS;
    apr_thread_mutex_lock(carrier->mutex);
    enqueue(slot, parcel);
    is_alone = !slot->is_served;
    slot->is_served = 1;
    apr_thread_mutex_unlock(carrier->mutex);
    if (!is_alone) {
        wait_for_news(parcel);
    }
    if (is_alone || parcel->state == ECS_PARCEL_CARRIES) {
        make_trip(carrier, slot, parcel, trip, baton);
    }
    sem_destroy(&parcel->news);
    return APR_SUCCESS;
}
