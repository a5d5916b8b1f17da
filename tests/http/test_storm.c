/* SPDX-License-Identifier: MIT */
/*
 * test_storm.c - many at the same time, and the effects counted afterwards:
 * nothing is sold twice, claimed twice or guessed once too often, and the money
 * is all there.
 */
#include <stdlib.h>
#include <unistd.h>
#include "support.h"
#include "shop.h"

#define CHECKOUT "/api/orders/checkout/"
#define BUYERS 100
#define STOCK 10
#define SAME_CART 20
#define COURIERS 20
#define GUESSES 50
#define STORM_CLIENTS 16
#define STORM_PEOPLE 12
#define STORM_SECONDS 20

/* Sends all and counts one status. */
static int storm(const request_t *requests, reply_t **replies, int count,
                 int status)
{
    int i, found = 0;

    all_at_once(requests, replies, count);
    for (i = 0; i < count; i++) {
        found += replies[i]->status == status;
    }
    return found;
}

static void put_into_cart(const actor_t *buyer, long long id)
{
    sql("INSERT INTO ecs.cart_items (user_id, product_id, quantity)"
        " VALUES (%lld, %lld, 1)",
        buyer->id, id);
}

START_TEST(ten_units_are_sold_ten_times)
{
    long long id = product(person("seller", NULL), "1.00", STOCK);
    actor_t *buyers[BUYERS];
    request_t requests[BUYERS];
    reply_t *replies[BUYERS];
    int i, empty_handed = 0;

    for (i = 0; i < BUYERS; i++) {
        buyers[i] = person("user", "5.00");
        put_into_cart(buyers[i], id);
        requests[i] =
            (request_t){.method = "POST", .path = CHECKOUT, .who = buyers[i]};
    }
    ck_assert_int_eq(storm(requests, replies, BUYERS, 201), STOCK);
    for (i = 0; i < BUYERS; i++) {
        if (replies[i]->status == 201) {
            wallet_is(buyers[i], "4.00 1.00");
            continue;
        }
        refused(replies[i], 409, "out_of_stock");
        wallet_is(buyers[i], "5.00 0.00");
        empty_handed++;
    }
    ck_assert_int_eq(empty_handed, BUYERS - STOCK);
    ck_assert_int_eq(stock(id), 0);
    ck_assert_int_eq(sql_int("SELECT sum(quantity) FROM ecs.order_items"
                             " WHERE product_id = %lld",
                             id),
                     STOCK);
    books_balance();
}
END_TEST

START_TEST(one_cart_becomes_one_order)
{
    actor_t *buyer = person("user", "100.00");
    request_t requests[SAME_CART];
    reply_t *replies[SAME_CART];
    int i;

    put_into_cart(buyer, product(person("seller", NULL), "1.00", 100));
    for (i = 0; i < SAME_CART; i++) {
        requests[i] =
            (request_t){.method = "POST", .path = CHECKOUT, .who = buyer};
    }
    ck_assert_int_eq(storm(requests, replies, SAME_CART, 201), 1);
    for (i = 0; i < SAME_CART; i++) {
        if (replies[i]->status != 201) {
            refused(replies[i], 409, "empty_cart");
        }
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.orders"
                             " WHERE buyer_id = %lld",
                             buyer->id),
                     1);
    wallet_is(buyer, "99.00 1.00");
}
END_TEST

START_TEST(twenty_couriers_claim_and_one_has_it)
{
    actor_t *buyer = person("user", "10.00");
    long long order = buy(buyer, product(person("seller", NULL), "1.00", 9), 1);
    const char *path = fmt("/api/delivery/orders/%lld/claim/", order);
    request_t requests[COURIERS];
    reply_t *replies[COURIERS];
    int i;

    for (i = 0; i < COURIERS; i++) {
        requests[i] = (request_t){
            .method = "POST", .path = path, .who = person("delivery", NULL)};
    }
    ck_assert_int_eq(storm(requests, replies, COURIERS, 200), 1);
    for (i = 0; i < COURIERS; i++) {
        if (replies[i]->status != 200) {
            refused(replies[i], 409, "already_claimed");
            continue;
        }
        ck_assert_int_eq(sql_int("SELECT courier_id FROM ecs.orders"
                                 " WHERE id = %lld",
                                 order),
                         requests[i].who->id);
    }
    ck_assert_int_eq(notified(buyer, "order_claimed"), 1);
}
END_TEST

START_TEST(one_courier_takes_five_and_no_more)
{
    actor_t *buyer = person("user", "100.00");
    actor_t *courier = person("delivery", NULL);
    long long id = product(person("seller", NULL), "1.00", 100);
    request_t requests[COURIERS];
    reply_t *replies[COURIERS];
    int i;

    for (i = 0; i < COURIERS; i++) {
        requests[i] = (request_t){
            .method = "POST",
            .path = fmt("/api/delivery/orders/%lld/claim/", buy(buyer, id, 1)),
            .who = courier};
    }
    ck_assert_int_eq(storm(requests, replies, COURIERS, 200), 5);
    for (i = 0; i < COURIERS; i++) {
        if (replies[i]->status != 200) {
            refused(replies[i], 409, "too_many_active");
        }
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.orders WHERE courier_id"
                             " = %lld AND status = 'PROCESSING'",
                             courier->id),
                     5);
}
END_TEST

START_TEST(fifty_guesses_are_five_tries)
{
    actor_t *buyer = person("user", "10.00");
    actor_t *courier = person("delivery", NULL);
    long long order = buy(buyer, product(person("seller", NULL), "1.00", 9), 1);
    const char *path = fmt("/api/orders/%lld/proof/confirm/", order);
    request_t requests[GUESSES];
    reply_t *replies[GUESSES];
    const char *pin;
    int i;

    ship(courier, order);
    pin = pin_of(buyer, order);
    for (i = 0; i < GUESSES; i++) {
        requests[i] = (request_t){
            .method = "POST",
            .path = path,
            .who = courier,
            .body = fmt("{\"pin\": \"%06ld\"}", (atol(pin) + 1 + i) % 1000000)};
    }
    ck_assert_int_eq(storm(requests, replies, GUESSES, 400), 5);
    for (i = 0; i < GUESSES; i++) {
        if (replies[i]->status != 400) {
            refused(replies[i], 423, "proof_locked");
        }
    }
    ck_assert_int_eq(sql_int("SELECT attempts FROM ecs.delivery_proofs"
                             " WHERE order_id = %lld",
                             order),
                     5);
    refused(post(courier, path, fmt("{\"pin\": \"%s\"}", pin)), 423,
            "proof_locked");
    ck_assert_str_eq(order_status(order), "SHIPPED");
}
END_TEST

/* --- twenty seconds of everything ---------------------------------------- */

typedef struct storm_t {
    actor_t *people[STORM_PEOPLE]; /* who buy and send each other money */
    actor_t *admin;
    long long products[3];
    long long last_order[STORM_CLIENTS];
    unsigned seeds[STORM_CLIENTS];
    int steps[STORM_CLIENTS]; /* odd: the cart was filled, check it out */
    int counts[600];          /* by status */
    int audits;
    int orders;
} storm_t;

/* Clients share people, so that they compete for wallets and carts. */
static actor_t *person_of(storm_t *storm, int client)
{
    return storm->people[client % STORM_PEOPLE];
}

static void transfer_next(storm_t *storm, int client, request_t *request)
{
    const actor_t *to =
        storm->people[(client + 1 +
                       rand_r(&storm->seeds[client]) % (STORM_PEOPLE - 1)) %
                      STORM_PEOPLE];

    request->path = "/api/wallet/transfer/";
    request->body = fmt("{\"recipient\": \"%s\", \"amount\": \"%d.%02d\"}",
                        to->username, rand_r(&storm->seeds[client]) % 3,
                        1 + rand_r(&storm->seeds[client]) % 99);
}

static int storm_next(void *context, int client, request_t *request)
{
    storm_t *storm = context;
    int dice = rand_r(&storm->seeds[client]) % 10;

    request->method = "POST";
    request->who = person_of(storm, client);
    if (client == 0) { /* the auditor */
        request->method = "GET";
        request->who = storm->admin;
        request->path = "/api/wallet/admin/audit/";
    }
    else if (storm->steps[client]++ % 2 == 1) {
        request->path = CHECKOUT;
    }
    else if (dice < 4) {
        storm->steps[client]++;
        transfer_next(storm, client, request);
    }
    else if (dice < 5 && storm->last_order[client] != 0) {
        storm->steps[client]++;
        request->path =
            fmt("/api/orders/%lld/cancel/", storm->last_order[client]);
    }
    else {
        request->path = "/api/cart/items/";
        request->body = fmt("{\"product\": %lld}", storm->products[dice % 3]);
    }
    return 1;
}

static void storm_done(void *context, int client, const reply_t *reply)
{
    storm_t *storm = context;

    storm->counts[reply->status]++;
    ck_assert_msg(reply->status < 300 || reply->status == 402 ||
                      reply->status == 409 || reply->status == 503,
                  "%s %s -> %d %s", reply->request.method, reply->request.path,
                  reply->status, reply->body);
    if (client == 0 && reply->status == 200) {
        ck_assert_msg(strstr(reply->body, "false") == NULL, "%s", reply->body);
        storm->audits++;
    }
    if (reply->status == 201 && strcmp(reply->request.path, CHECKOUT) == 0) {
        storm->last_order[client] = int_at(reply, "id");
        storm->orders++;
    }
}

static void storm_prepare(storm_t *storm)
{
    actor_t *sellers[2] = {person("seller", "100.00"),
                           person("seller", "100.00")};
    int i;

    for (i = 0; i < STORM_PEOPLE; i++) {
        storm->people[i] = i < 2 ? sellers[i] : person("user", "1000.00");
    }
    storm->admin = person("admin", NULL);
    for (i = 0; i < 3; i++) {
        storm->products[i] = product(person("seller", NULL), "1.25", 100000);
    }
    for (i = 0; i < STORM_CLIENTS; i++) {
        storm->seeds[i] = (unsigned)i + 1;
    }
}

static const char *all_money(void)
{
    return sql("SELECT sum(available + held) || ' ' || (SELECT available FROM"
               " ecs.wallets WHERE kind = 'outside') FROM ecs.wallets"
               " WHERE kind <> 'outside'");
}

START_TEST(money_is_constant_through_the_storm)
{
    storm_t storm = {.audits = 0};
    stream_t stream = {STORM_CLIENTS, STORM_SECONDS, storm_next, storm_done,
                       &storm};
    const char *before;
    long long locked = deadlocks();

    storm_prepare(&storm);
    before = all_money();
    http_stream(&stream);
    printf("storm: %d answers 200, %d 201, %d 402, %d 409, %d 503;"
           " %d orders, %d audits\n",
           storm.counts[200], storm.counts[201], storm.counts[402],
           storm.counts[409], storm.counts[503], storm.orders, storm.audits);
    ck_assert_str_eq(all_money(), before);
    books_balance();
    sleep(2); /* until the statistics have arrived */
    ck_assert_int_eq(deadlocks(), locked);
    ck_assert_int_gt(storm.orders, 20);
    ck_assert_int_gt(storm.audits, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ten_units_are_sold_ten_times,
                                  one_cart_becomes_one_order,
                                  twenty_couriers_claim_and_one_has_it,
                                  one_courier_takes_five_and_no_more,
                                  fifty_guesses_are_five_tries,
                                  money_is_constant_through_the_storm,
                                  NULL};

    return suite_run("storm", tests, 60);
}
