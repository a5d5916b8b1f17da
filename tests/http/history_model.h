/* SPDX-License-Identifier: MIT */
/*
 * history_model.h - a small shop in memory, for test_histories.c: the rules of
 * wallets, carts, orders, returns and one auction, written once more from the
 * contract, in whole cents and without a word of SQL.
 *
 * A command is tried on a model; it either changes it or says with which code
 * it is refused. So the model also tells beforehand what a command would do,
 * and a history can have as many wrong commands as it wants.
 */
#ifndef TEST_HISTORY_MODEL_H
#define TEST_HISTORY_MODEL_H

#include "bid_model.h"

/* The cast: two users, two sellers, two couriers, an administrator. */
enum { ANNA, BEN, CLAY, DORA, EMIL, FAY, ADMIN, PEOPLE };
#define TRADERS 4 /* who can buy: the first of them */
#define FIRST_SELLER CLAY
#define FIRST_COURIER EMIL
#define NOBODY (-1)

#define PRODUCTS 4 /* two of Clay's, one of Dora's, and what Clay auctions */
#define AUCTIONED 3
#define ORDERS_MAX 8
#define RETURNS_MAX 10
#define WITHDRAWALS_MAX 8
#define CONDITIONS 5

/* Settings that the model goes by. */
#define FEE_PERCENT 4
#define CANCEL_FEE_TENTHS 25 /* of a percent */
#define ACTIVE_MAX 2         /* deliveries of a courier */
#define TRIES_MAX 5          /* of a PIN */

typedef enum order_state_t {
    CREATED, PROCESSING, SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED
} order_state_t;

typedef enum return_state_t {
    REQUESTED, INSPECTED, APPROVED, REJECTED, TAKEN_BACK
} return_state_t;

typedef struct purse_t {
    long long available, held;
} purse_t;

typedef struct goods_t {
    int seller, stock, sold;
    long long price;
} goods_t;

typedef struct line_t {
    int product, quantity, returned;
    long long total, refunded, retained;
} line_t;

typedef struct order_t {
    int buyer, courier, tries, is_old, lines;
    order_state_t state;
    long long held, refunded, fees;
    line_t line[PRODUCTS]; /* by product */
} order_t;

typedef struct return_t {
    int order, line, quantity, inspector;
    int found[CONDITIONS];
    return_state_t state;
    long long paid, refund;
} return_t;

typedef struct withdrawal_t {
    int owner;
    long long amount;
    return_state_t state; /* REQUESTED, APPROVED, REJECTED */
} withdrawal_t;

typedef struct auction_t {
    bid_model_t bids;
    int pieces;
    const char *state, *result; /* as the shop calls them; result or "-" */
    int order;                  /* or NOBODY */
} auction_t;

typedef struct model_t {
    purse_t purse[PEOPLE];
    goods_t goods[PRODUCTS];
    int cart[TRADERS][PRODUCTS];
    order_t order[ORDERS_MAX];
    return_t sent[RETURNS_MAX];
    withdrawal_t withdrawal[WITHDRAWALS_MAX];
    int orders, returns, withdrawals, deposits;
    auction_t auction;
} model_t;

typedef enum verb_t {
    DEPOSIT, TRANSFER, WITHDRAW, PAY_OUT, PAY_BACK, FILL_CART, CHECKOUT,
    CANCEL, CLAIM, RELEASE, SHIP, DELIVER, COMPLETE, REFUND, GROW_OLD,
    ASK_BACK, TAKE_BACK, INSPECT, DECIDE, BID, CALL_OFF, CLOSE, VERBS
} verb_t;

typedef struct command_t {
    verb_t verb;
    int who;
    int on;           /* person, product, order, return or withdrawal */
    int line;         /* of the order */
    int quantity;
    int is_right;     /* DEPOSIT: new reference, DELIVER: the PIN, COMPLETE:
                         with a reason, DECIDE: accepted, CLOSE: by force */
    long long amount; /* NONE: not given */
    long long max;    /* BID: or NONE */
    int found[CONDITIONS];
} command_t;
#define NONE (-1)

const char *verb_name(verb_t verb);

/** Is a command one that a person of this role may give? */
int may(int who, verb_t verb);

/** "user", "seller", "delivery" or "admin". */
const char *role_of(int who);

/**
 * A shop before its first command, with goods and an auction as the seed says.
 * @param money  what everybody has who can buy
 */
void model_open(model_t *m, unsigned *seed, long long money);

/**
 * Let a command have its effect.
 * @return NULL when it has, else the code of its refusal ("invalid" for a
 *         field that is wrong), and nothing has changed but that a try of a
 *         PIN is counted
 */
const char *model_do(model_t *m, const command_t *c);

#endif
