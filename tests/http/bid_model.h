/* SPDX-License-Identifier: MIT */
/*
 * bid_model.h - the rule of bidding, written once more for the tests, in cents
 * and without a word of what sql/api/46_bids.sql says: who leads has the
 * highest maximum, the earliest of equal ones; the price is what it takes to
 * beat the second.
 */
#ifndef TEST_BID_MODEL_H
#define TEST_BID_MODEL_H

#define BID_PLAYERS 4

/* An auction as the model understands it. */
typedef struct bid_model_t {
    int start, reserve, increment; /* reserve 0: none */
    int price, leader;             /* leader -1: none */
    int best[BID_PLAYERS], when[BID_PLAYERS];
    int moves;
} bid_model_t;

typedef struct bid_move_t {
    int player, amount, max; /* 0: not given */
} bid_move_t;

/**
 * Make a move.
 * @param purse  what the player could have held for one piece
 * @return NULL when the bid is taken, else the code of its refusal
 */
const char *bid_play(bid_model_t *m, const bid_move_t *move, int purse);

/** Think of amount, maximum or both, near the price: a bid or too low. */
void bid_think(unsigned *seed, const bid_model_t *m, bid_move_t *move);

/** A random number from `from` to `to`. */
int chance(unsigned *seed, int from, int to);

#endif
