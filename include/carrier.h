/* SPDX-License-Identifier: MIT */
/*
 * carrier.h - threads of a child that want to do something to the same thing
 * do it together.
 *
 * A row lock that is taken and committed for each of many waiting requests is
 * slower the more of them there are, because each pays for a commit while the
 * others wait. Here the first thread becomes the carrier: it takes along what
 * has gathered meanwhile, for all of them in one trip, and whoever waits next
 * becomes the next carrier. It is group commit, as databases do it for their
 * logs (DeWitt et al., Implementation Techniques for Main Memory Database
 * Systems, 1984, section 5.2), one level higher.
 *
 * A thread alone pays for a mutex and makes its trip at once.
 */
#ifndef ECS_CARRIER_H
#define ECS_CARRIER_H

#include <semaphore.h>

#include <apr_pools.h>
#include <apr_time.h>

typedef struct ecs_carrier_t ecs_carrier_t;

/* What one thread wants to have carried; on its stack, until it is back. */
typedef struct ecs_parcel_t {
    const char *key;    /* of the thing it is for; equal keys travel together */
    apr_pool_t *pool;   /* the thread's own; free for the carrier to use while
                           the thread waits */
    void *goods;        /* what the trip makes of it is the caller's matter */
    apr_time_t arrived; /* the order on a trip, and who goes first */

    /* Of the carrier alone. */
    struct ecs_parcel_t *next;
    sem_t news;
    enum { ECS_PARCEL_WAITS, ECS_PARCEL_CARRIES, ECS_PARCEL_DONE } state;
} ecs_parcel_t;

/**
 * A trip with parcels of one key, in the order of their arrival. It leaves
 * every parcel with an outcome, whatever happens.
 * @param p  the pool of the thread that makes the trip
 */
typedef void ecs_trip_fn(void *baton, apr_pool_t *p, ecs_parcel_t **parcels,
                         int count);

/**
 * @param most  parcels in one trip
 * @param p     the carrier lives as long as this pool (the child's)
 * @return NULL when the system has no mutex left
 */
ecs_carrier_t *ecs_carrier_make(apr_pool_t *p, int most);

/**
 * Have a parcel carried. Returns when its trip is over, which this thread may
 * have made itself. Waits as long as at most two trips take. Any thread.
 * @param baton  for the trip, if this thread makes it
 */
apr_status_t ecs_carrier_send(ecs_carrier_t *carrier, ecs_parcel_t *parcel,
                              ecs_trip_fn *trip, void *baton);

#endif
