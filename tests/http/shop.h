/* SPDX-License-Identifier: MIT */
/*
 * shop.h - people, goods and orders for the tests.
 *
 * People are written into the database and get a token made with the
 * instance's own key, because signing in is slow on purpose; test_auth and the
 * story sign in as clients do. Orders come about over HTTP.
 */
#ifndef TEST_SHOP_H
#define TEST_SHOP_H

#include "client.h"

/* Everybody's password. */
#define PASSWORD "wisteria-lantern-42"

/** Once per program, before the first person. */
void shop_open(void);

/**
 * A new person with profile, location (Damascus), wallet and a token.
 * @param role   "user", "seller", "delivery", "admin", "superadmin"
 * @param money  balance, e.g. "100.00", or NULL for none
 */
actor_t *person(const char *role, const char *money);

/** A further session of the same person. */
actor_t *another_session(const actor_t *who);

/**
 * A token for a person with whatever claims: its life begins `age_s` seconds
 * ago and lasts `lifetime_s`.
 */
const char *token_for(const actor_t *who, const char *role, long long session,
                      int age_s, int lifetime_s);

/** Sign in over HTTP: fills in access, refresh and session. */
void sign_in(actor_t *who);

/** A token's claims. */
json_t *token_claims(const char *token);

/** The category in which products of the tests are. */
long long category(void);

/** A new product in a state: "APPROVED", "PENDING" ... */
long long product_in(const actor_t *seller, const char *price, int quantity,
                     const char *status);

/** An approved one. */
long long product(const actor_t *seller, const char *price, int quantity);

/** Units of a product in stock. */
long long stock(long long product);

/** Put a product into a cart. */
void add_to_cart(const actor_t *buyer, long long product, int quantity);

/** Check the cart out; the buyer must have the money. Returns the order. */
long long checkout(const actor_t *buyer);

/** Buy one product: cart and checkout. */
long long buy(const actor_t *buyer, long long product, int quantity);

/** An order on its way: claimed; shipped too; delivered too. */
void claim(const actor_t *courier, long long order);
void ship(const actor_t *courier, long long order);
void deliver(const actor_t *buyer, const actor_t *courier, long long order);

/**
 * An order that is CREATED, PROCESSING or DELIVERED, without the road over HTTP:
 * the functions that the routes call do it in one statement.
 */
long long order_in(const char *status, const actor_t *buyer,
                   const actor_t *courier, long long product, int quantity);

/** The first line of an order. */
long long line_of(long long order);

/** An order for one product that has arrived. */
long long delivered(const actor_t *buyer, const actor_t *courier,
                    long long product, int quantity);

/** Somebody buys, gets and reviews a product. Returns the review. */
long long rate(long long product, int stars);

/** A return of units of the first line: asked for; looked at; decided. */
long long ask_back(const actor_t *buyer, long long order, int quantity);
void inspect(const actor_t *courier, long long sent_back, int quantity,
             const char *condition);
reply_t *decide(const actor_t *admin, long long sent_back, const char *body);

/** State of a return, as stored. */
const char *return_status(long long sent_back);

/** The PIN the buyer of a shipped order sees. */
const char *pin_of(const actor_t *buyer, long long order);

/** A PIN that is not that one. */
const char *wrong_pin(const char *pin);

/** State of an order, as stored. */
const char *order_status(long long order);

/** A wallet as "available held", e.g. "88.00 12.00". */
const char *wallet(const actor_t *who);
#define wallet_is(who, text) ck_assert_str_eq(wallet(who), text)

/** What the platform has earned so far. */
const char *platform_balance(void);

/** How many notifications of a type a person has. */
long long notified(const actor_t *who, const char *type);

/** A word no other test uses, with this beginning. */
const char *unique(const char *beginning);

/**
 * Send all requests at the same time. One that the gate in front of the
 * database turned away (503) had no effect; it is sent again until it has its
 * answer.
 * @param replies  out: one per request, in their order
 */
void all_at_once(const request_t *requests, reply_t **replies, int count);

/** POST with an Idempotency-Key. */
reply_t *post_keyed(const actor_t *who, const char *path, const char *body,
                    const char *key);

#endif
