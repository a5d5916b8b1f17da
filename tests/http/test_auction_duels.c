/* SPDX-License-Identifier: MIT */
/*
 * test_auction_duels.c - steps of one auction that come at once: each has one
 * effect, whoever is first.
 */
#include "lots.h"

#define ROUNDS 25
#define BIDDERS 12
#define AT_ONCE 8

static int succeeded(reply_t *const *replies, int count)
{
    int i, n = 0;

    for (i = 0; i < count; i++) {
        ck_assert_msg(replies[i]->status < 500, "%d %s", replies[i]->status,
                      replies[i]->body);
        n += replies[i]->status < 300;
    }
    return n;
}

static request_t posting(const actor_t *who, const char *where,
                         const char *body)
{
    return (request_t){
        .method = "POST", .path = where, .body = body, .who = who};
}

START_TEST(closing_many_times_at_once_sells_once)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    request_t requests[AT_ONCE];
    reply_t *replies[AT_ONCE];
    int round, i;

    for (round = 0; round < 5; round++) {
        long long id = running(seller, 2, "");

        expect(bid(anna, id, "10.00"), 201);
        for (i = 0; i < AT_ONCE; i++) {
            requests[i] =
                posting(lots_admin, lot_close_path(id), "{\"force\": true}");
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), AT_ONCE);
        for (i = 0; i < AT_ONCE; i++) {
            same(replies[i], "order", text_at(replies[0], "order"));
        }
        ck_assert_int_eq(lot_orders(id), 1);
    }
    wallet_is(anna, "800.00 100.00");
    ck_assert_int_eq(notified(anna, "auction_won"), 5);
    books_balance();
}
END_TEST

/* Bids of many and the end at once. Who leads when it ends has an order at the
 * price, everybody else all of their money. */
START_TEST(closing_while_bidding)
{
    actor_t *seller = person("seller", NULL), *bidders[BIDDERS];
    request_t requests[BIDDERS + 1];
    reply_t *replies[BIDDERS + 1];
    int round, i;

    for (i = 0; i < BIDDERS; i++) {
        bidders[i] = person("user", "5000.00");
    }
    for (round = 0; round < ROUNDS; round++) {
        long long id = running(seller, 1, "");

        for (i = 0; i < BIDDERS; i++) {
            requests[i] = posting(
                bidders[i], lot_path(id, "bid/"),
                fmt("{\"amount\": \"%d.00\"}", 10 + (i * 7 + round) % BIDDERS));
        }
        requests[BIDDERS] = requests[round % BIDDERS];
        requests[round % BIDDERS] =
            posting(lots_admin, lot_close_path(id), "{\"force\": true}");
        all_at_once(requests, replies, BIDDERS + 1);
        ck_assert_int_eq(replies[round % BIDDERS]->status, 200);
        ck_assert_int_eq(succeeded(replies, BIDDERS + 1) - 1,
                         sql_int("SELECT bids_count FROM ecs.auctions"
                                 " WHERE id = %lld AND status = 'ENDED'",
                                 id));
        ck_assert_int_eq(
            lot_orders(id),
            sql_int("SELECT (result = 'SOLD')::integer FROM ecs.auctions"
                    " WHERE id = %lld",
                    id));
        ck_assert(sql_true("SELECT (bids_count > 0) = (result = 'SOLD')"
                           " FROM ecs.auctions WHERE id = %lld",
                           id));
    }
    ck_assert_str_eq(sql("SELECT sum(held) - (SELECT sum(held_amount) FROM"
                         " ecs.orders o JOIN ecs.order_items i ON i.order_id ="
                         " o.id WHERE i.seller_id = %lld) FROM ecs.wallets"
                         " WHERE user_id BETWEEN %lld AND %lld",
                         seller->id, bidders[0]->id, bidders[BIDDERS - 1]->id),
                     "0.00");
    books_balance();
}
END_TEST

/* Its seller may call an auction off before the first bid, not after. */
START_TEST(cancelling_while_bidding)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    actor_t *ben = person("user", "900.00");
    int round, cancelled = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long id = running(seller, 1, "");
        request_t requests[3] = {
            posting(anna, lot_path(id, "bid/"), "{\"amount\": \"10.00\"}"),
            posting(seller, lot_path(id, "cancel/"), NULL),
            posting(ben, lot_path(id, "bid/"), "{\"amount\": \"11.00\"}")};
        reply_t *replies[3];
        int bids;

        all_at_once(requests, replies, 3);
        succeeded(replies, 3);
        bids = (replies[0]->status == 201) + (replies[2]->status == 201);
        ck_assert_int_eq(replies[1]->status == 200, bids == 0);
        ck_assert_str_eq(lot_state(id), bids == 0 ? "CANCELLED" : "ACTIVE");
        ck_assert_int_eq(lot_stock(id), bids == 0 ? 10 : 9);
        cancelled += bids == 0;
        if (bids > 0) {
            expect(post(lots_admin, lot_admin_path(id, "cancel/"),
                        "{\"reason\": \"x\"}"),
                   200);
        }
        wallet_is(anna, "900.00 0.00");
        wallet_is(ben, "900.00 0.00");
    }
    printf("cancelled before the bids in %d of %d rounds\n", cancelled, ROUNDS);
    books_balance();
}
END_TEST

START_TEST(an_admin_cancels_while_others_bid)
{
    actor_t *seller = person("seller", NULL), *bidders[BIDDERS];
    request_t requests[BIDDERS + 1];
    reply_t *replies[BIDDERS + 1];
    int round, i;

    for (i = 0; i < BIDDERS; i++) {
        bidders[i] = person("user", "100.00");
    }
    for (round = 0; round < ROUNDS; round++) {
        long long id = running(seller, 1, "");

        for (i = 0; i < BIDDERS; i++) {
            requests[i] = posting(bidders[i], lot_path(id, "bid/"),
                                  fmt("{\"amount\": \"%d.00\"}", 10 + i));
        }
        requests[BIDDERS] = posting(lots_admin, lot_admin_path(id, "cancel/"),
                                    "{\"reason\": \"x\"}");
        all_at_once(requests, replies, BIDDERS + 1);
        succeeded(replies, BIDDERS + 1);
        ck_assert_int_eq(replies[BIDDERS]->status, 200);
        ck_assert_str_eq(lot_state(id), "CANCELLED");
        ck_assert_int_eq(lot_stock(id), 10);
        for (i = 0; i < BIDDERS; i++) {
            wallet_is(bidders[i], "100.00 0.00");
        }
    }
    books_balance();
}
END_TEST

/* Two who buy at once, and one who bids: one of them is the first. */
START_TEST(buying_at_once_happens_once)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    actor_t *ben = person("user", "900.00"), *cleo = person("user", "900.00");
    int round, bought = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long id = running(seller, 1, ", \"buy_now_price\": 15");
        request_t requests[3] = {
            posting(cleo, lot_path(id, "bid/"), "{\"amount\": \"10.00\"}"),
            posting(anna, lot_path(id, "buy-now/"), NULL),
            posting(ben, lot_path(id, "buy-now/"), NULL)};
        reply_t *replies[3];

        all_at_once(requests, replies, 3);
        ck_assert_int_eq(succeeded(replies, 3), 1);
        ck_assert_str_eq(lot_state(id),
                         replies[0]->status == 201 ? "ACTIVE" : "ENDED SOLD");
        ck_assert_int_eq(lot_orders(id), replies[0]->status != 201);
        bought += replies[0]->status != 201;
        if (replies[0]->status == 201) {
            expect(post(lots_admin, lot_admin_path(id, "cancel/"),
                        "{\"reason\": \"x\"}"),
                   200);
        }
    }
    wallet_is(cleo, "900.00 0.00");
    ck_assert_str_eq(sql("SELECT sum(held) FROM ecs.wallets WHERE user_id IN"
                         " (%lld, %lld)",
                         anna->id, ben->id),
                     fmt("%d.00", bought * 15));
    printf("bought before the bid in %d of %d rounds\n", bought, ROUNDS);
    books_balance();
}
END_TEST

/* The last pieces: two auctions and a cart want them. */
START_TEST(the_last_pieces_are_taken_once)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    int round;

    for (round = 0; round < ROUNDS; round++) {
        long long thing = product(seller, "5.00", 3);
        long long one = propose(seller, thing,
                                ", \"quantity\": 2,"
                                " \"draft\": true");
        long long two = propose(seller, thing,
                                ", \"quantity\": 2,"
                                " \"draft\": true");
        request_t requests[4] = {
            posting(seller, lot_path(one, "submit/"), NULL),
            posting(seller, lot_path(two, "submit/"), NULL),
            posting(seller, lot_path(one, "submit/"), NULL),
            posting(anna, "/api/orders/checkout/", NULL)};
        reply_t *replies[4];

        add_to_cart(anna, thing, 2);
        all_at_once(requests, replies, 4);
        ck_assert_int_eq(succeeded(replies, 4), 1);
        ck_assert_int_eq(stock(thing), 1);
        expect(delete (anna, "/api/cart/"), 204);
    }
    books_balance();
}
END_TEST

START_TEST(an_offer_is_decided_once)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    actor_t *ben = person("user", "900.00");
    int round, i, taken = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long id = running(seller, 1, "");
        request_t requests[AT_ONCE];
        reply_t *replies[AT_ONCE];

        expect(bid(ben, id, "10.00"), 201);
        expect(bid(anna, id, "11.00"), 201);
        expect(post(anna,
                    fmt("/api/orders/%lld/cancel/",
                        int_at(expect(close_now(id), 200), "order")),
                    NULL),
               200);
        for (i = 0; i < AT_ONCE; i++) {
            requests[i] = posting(seller, lot_path(id, "second-chance/"), NULL);
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), 1);
        ck_assert_int_eq(lot_stock(id), 9);
        for (i = 0; i < AT_ONCE; i++) {
            requests[i] = posting(ben,
                                  lot_path(id, (i + round) % 2
                                                   ? "second-chance/accept/"
                                                   : "second-chance/decline/"),
                                  NULL);
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), 1);
        for (i = 0; i < AT_ONCE; i++) {
            taken += replies[i]->status == 201;
        }
        ck_assert_int_eq(lot_stock(id) == 9, lot_orders(id) == 2);
    }
    wallet_is(ben, fmt("%d.00 %d.00", 900 - taken * 10, taken * 10));
    wallet_is(anna, "900.00 0.00");
    books_balance();
}
END_TEST

/* Who leads keeps the place to deliver to; a bid and its removal are one after
 * the other. */
START_TEST(nobody_leads_without_a_place)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "900.00");
    int round, led = 0;

    for (round = 0; round < 2 * ROUNDS; round++) {
        long long id = running(seller, 1, "");
        request_t requests[2] = {
            posting(anna, lot_path(id, "bid/"), "{\"amount\": \"10.00\"}"),
            posting(anna, "/api/accounts/me/",
                    "{\"location_lat\": null, \"location_lng\": null}")};
        reply_t *replies[2];

        requests[1].method = "PATCH";
        all_at_once(requests, replies, 2);
        ck_assert_int_eq(succeeded(replies, 2), 1);
        led += replies[0]->status == 201;
        expect(post(lots_admin, lot_admin_path(id, "cancel/"),
                    "{\"reason\": \"x\"}"), 200);
        expect(patch(anna, "/api/accounts/me/",
                     "{\"location_lat\": 33.5, \"location_lng\": 36.3}"), 200);
    }
    printf("led in %d of %d rounds\n", led, 2 * ROUNDS);
    books_balance();
}
END_TEST

/* --- all of it at once --------------------------------------------------- */

#define CROWD 4 /* buyers, and auctions of each kind */

/* An auction of one piece that runs, with two bids. */
static long long contested(const actor_t *seller, long long thing,
                           const actor_t *one, const actor_t *two)
{
    long long id = propose(seller, thing, "");

    expect(review(id, "approve"), 200);
    expect(post(lots_admin, lot_admin_path(id, "activate/"), NULL), 200);
    expect(bid(one, id, "10.00"), 201);
    expect(bid(two, id, "11.00"), 201);
    return id;
}

/* Two products in two orders: carts, auctions that end by hand and by the
 * clock, cancelled auctions and orders, offers, submissions. */
START_TEST(everything_at_once_makes_no_deadlock)
{
    actor_t *seller = person("seller", NULL), *crowd[CROWD];
    long long things[2] = {product(seller, "5.00", 900),
                           product(seller, "6.00", 900)};
    long long locked = deadlocks();
    request_t requests[CROWD * 6];
    reply_t *replies[CROWD * 6];
    int round, i, n;

    for (i = 0; i < CROWD; i++) {
        crowd[i] = person("user", "9000.00");
    }
    for (round = 0; round < ROUNDS / 2; round++) {
        for (i = 0, n = 0; i < CROWD; i++) {
            const actor_t *who = crowd[i], *next = crowd[(i + 1) % CROWD];
            long long thing = things[i % 2];
            long long late = contested(seller, thing, who, next);
            long long offered =
                contested(seller, things[(i + 1) % 2], who, next);

            add_to_cart(who, things[i % 2], 1);
            add_to_cart(who, things[(i + 1) % 2], 1);
            requests[n++] = posting(who, "/api/orders/checkout/", NULL);
            requests[n++] = posting(
                lots_admin, lot_close_path(contested(seller, thing, who, next)),
                "{\"force\": true}");
            requests[n++] = posting(
                lots_admin,
                lot_admin_path(contested(seller, thing, next, who), "cancel/"),
                "{\"reason\": \"x\"}");
            requests[n++] =
                posting(seller,
                        lot_path(propose(seller, thing, ", \"draft\": true"),
                                 "submit/"),
                        NULL);
            expect(post(next,
                        fmt("/api/orders/%lld/cancel/",
                            int_at(expect(close_now(offered), 200), "order")),
                        NULL),
                   200);
            requests[n++] =
                posting(seller, lot_path(offered, "second-chance/"), NULL);
            requests[n++] =
                posting(who, lot_path(late, "bid/"), "{\"amount\": \"20.00\"}");
            sql("UPDATE ecs.auctions SET start_at = t - interval '1 day',"
                " planned_end_at = t + interval '300 ms',"
                " end_at = t + interval '300 ms'"
                " FROM ecs.now() t WHERE id = %lld",
                late);
        }
        all_at_once(requests, replies, n);
        succeeded(replies, n);
    }
    ck_assert_int_eq(deadlocks(), locked);
    books_balance();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {closing_many_times_at_once_sells_once,
                                  closing_while_bidding,
                                  cancelling_while_bidding,
                                  an_admin_cancels_while_others_bid,
                                  buying_at_once_happens_once,
                                  the_last_pieces_are_taken_once,
                                  an_offer_is_decided_once,
                                  nobody_leads_without_a_place,
                                  everything_at_once_makes_no_deadlock,
                                  NULL};

    return suite_run_between("auction duels", tests, 60, lots_open, NULL);
}
