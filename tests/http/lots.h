/* SPDX-License-Identifier: MIT */
/*
 * lots.h - auctions for the tests. All of it happens over HTTP.
 */
#ifndef TEST_LOTS_H
#define TEST_LOTS_H

#include "support.h"
#include "shop.h"

#define JOB_WAIT_S 20 /* until the clock's work counts as not done */

/* Who reviews and closes. */
extern actor_t *lots_admin;

/** Once per program, before the first test: makes lots_admin. */
void lots_open(void);

/**
 * The body of a proposal: one piece from 10.00 on, from now on, for a day.
 * @param more  further members, e.g. ", \"quantity\": 2", or ""
 */
const char *proposal(long long product, const char *more);

/** Proposes an auction like that. */
long long propose(const actor_t *seller, long long product, const char *more);

/** Proposed, approved and begun, of a new product that there are 10 of. */
long long running(const actor_t *seller, int quantity, const char *more);

/* Paths of an auction; those of administrators. */
const char *lot_path(long long id, const char *rest);
const char *lot_admin_path(long long id, const char *rest);
const char *lot_close_path(long long id);

/** "approve" or "reject". */
reply_t *review(long long id, const char *action);
reply_t *bid(const actor_t *who, long long id, const char *amount);

/** Closed by the administrator, before its time. */
reply_t *close_now(long long id);

/** "ACTIVE", "ENDED SOLD" ... */
const char *lot_state(long long id);

/** Waits for what the clock does. */
void lot_becomes(long long id, const char *expected);

/** Pieces of an auction's product on the shelf. */
long long lot_stock(long long id);

/** Orders of an auction's product. */
long long lot_orders(long long id);

#endif
