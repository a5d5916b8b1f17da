/* SPDX-License-Identifier: MIT */
/*
 * history_requests.h - a command of the model (history_model.h) becomes a
 * request to the shop.
 */
#ifndef TEST_HISTORY_REQUESTS_H
#define TEST_HISTORY_REQUESTS_H

#include "client.h"
#include "history_model.h"

/* A history while it is played, and what the model's things are in the shop. */
typedef struct run_t {
    unsigned seed, state; /* the history's; of the random numbers */
    model_t model;
    actor_t *people[PEOPLE];
    long long goods[PRODUCTS], auction;
    long long orders[ORDERS_MAX], returns[RETURNS_MAX];
    long long withdrawals[WITHDRAWALS_MAX];
    const char *reference, *log;
} run_t;

/** The request that gives the command. */
request_t request_of(const run_t *run, const command_t *c);

#endif
