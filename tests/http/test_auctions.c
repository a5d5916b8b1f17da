/* SPDX-License-Identifier: MIT */
/*
 * test_auctions.c - an auction from its proposal to the order of who gets it,
 * and what happens when two want to end it at once. Bidding itself is tested in
 * test_bids.c, each refusal in tests/sql/auctions.sql.
 */
#include <unistd.h>
#include "support.h"
#include "shop.h"

#define JOB_WAIT_S 20 /* until the clock's work counts as not done */
#define ROUNDS 25
#define BIDDERS 12
#define AT_ONCE 8

static actor_t *admin;

/* --- people of an auction and what they do ---------------------------------- */

static const char *in(const char *interval)
{
    return sql("SELECT ecs_lib.ts(ecs.now() + interval '%s')", interval);
}

/* The body of a proposal: from 10.00 on, from now on, for a day. */
static const char *proposal(long long product, const char *more)
{
    return fmt("{\"product\": %lld, \"title\": \"A vase\", \"start_price\":"
               " \"10.00\", \"start_at\": \"%s\", \"end_at\": \"%s\"%s}",
               product, in("1 s"), in("1 day"), more);
}

static long long propose(const actor_t *seller, long long product,
                         const char *more)
{
    return int_at(expect(post(seller, "/api/auctions/create/",
                              proposal(product, more)),
                         201),
                  "id");
}

static const char *path(long long id, const char *rest)
{
    return fmt("/api/auctions/%lld/%s", id, rest);
}

static const char *admin_path(long long id, const char *rest)
{
    return fmt("/api/auctions/admin/%lld/%s", id, rest);
}

static const char *close_path(long long id)
{
    return fmt("/api/auctions/admin/auctions/%lld/close/", id);
}

static reply_t *review(long long id, const char *action)
{
    return post(admin, admin_path(id, "review/"),
                fmt("{\"action\": \"%s\", \"reason\": \"Because.\"}", action));
}

/* An auction of an own product that has begun. */
static long long running(const actor_t *seller, int quantity, const char *more)
{
    long long id = propose(seller, product(seller, "20.00", 10),
                           fmt(", \"quantity\": %d%s", quantity, more));

    expect(review(id, "approve"), 200);
    same(expect(post(admin, admin_path(id, "activate/"), NULL), 200), "status",
         "ACTIVE");
    return id;
}

static reply_t *bid(const actor_t *who, long long id, const char *amount)
{
    return post(who, path(id, "bid/"), fmt("{\"amount\": \"%s\"}", amount));
}

static reply_t *close_now(long long id)
{
    return post(admin, close_path(id), "{\"force\": true}");
}

static const char *state(long long id)
{
    return sql("SELECT concat_ws(' ', status, result) FROM ecs.auctions"
               " WHERE id = %lld", id);
}

static void state_becomes(long long id, const char *expected)
{
    int tries;

    for (tries = 0; tries < JOB_WAIT_S * 10; tries++) {
        if (strcmp(state(id), expected) == 0) {
            return;
        }
        usleep(100000);
    }
    ck_abort_msg("auction %lld is %s, not %s", id, state(id), expected);
}

static long long stock_of(long long id)
{
    return stock(sql_int("SELECT product_id FROM ecs.auctions WHERE id = %lld",
                         id));
}

static long long orders_of(long long id)
{
    return sql_int("SELECT count(*) FROM ecs.orders o JOIN ecs.order_items i"
                   " ON i.order_id = o.id JOIN ecs.auctions a ON a.product_id"
                   " = i.product_id WHERE a.id = %lld", id);
}

/* --- before it begins --------------------------------------------------------- */

START_TEST(an_auction_is_seen_when_it_is_approved)
{
    actor_t *seller = person("seller", NULL);
    long long thing = product(seller, "20.00", 5);
    long long id = propose(seller, thing, ", \"quantity\": 2,"
                                          " \"reserve_price\": \"30\"");
    reply_t *r;

    ck_assert_int_eq(stock(thing), 3);
    expect(get(NULL, path(id, "")), 404);
    expect(get(NULL, path(id, "bids/")), 404);
    ck_assert(lists(get(seller, "/api/auctions/mine/?page_size=100"), id));
    ck_assert(lists(get(admin, "/api/auctions/admin/pending/?cursor="
                               "&page_size=100"), id));
    invalid(post(admin, admin_path(id, "review/"), "{\"action\": \"reject\"}"),
            "reason");
    same(expect(review(id, "reject"), 200), "reason", "Because.");
    ck_assert_int_eq(stock(thing), 5);
    ck_assert_int_eq(notified(seller, "auction_rejected"), 1);
    expect(patch(seller, path(id, ""), "{\"quantity\": 3}"), 200);
    same(expect(post(seller, path(id, "submit/"), NULL), 200), "status",
         "SUBMITTED");
    ck_assert_int_eq(stock(thing), 2);
    expect(review(id, "approve"), 200);
    refused(review(id, "approve"), 409, "wrong_state");
    r = expect(get(NULL, path(id, "")), 200);
    ck_assert_ptr_null(strstr(r->body, "reserve_price"));
    same(r, "has_reserve", "true");
    same(r, "reserve_met", "false");
    same(r, "minimum_bid", "10.00");
    ck_assert(lists(get(NULL, fmt("/api/auctions/?seller=%lld", seller->id)),
                    id));
    ck_assert_int_eq(notified(seller, "auction_approved"), 1);
    same(get(seller, path(id, "")), "reserve_price", "30.00");
    refused(patch(seller, path(id, ""), "{\"quantity\": 1}"), 409,
            "wrong_state");
    same(expect(post(seller, path(id, "cancel/"), NULL), 200), "status",
         "CANCELLED");
    ck_assert_int_eq(stock(thing), 5);
    expect(get(NULL, path(id, "")), 404);
}
END_TEST

START_TEST(a_draft_takes_nothing_until_it_is_submitted)
{
    actor_t *seller = person("seller", NULL);
    long long thing = product(seller, "20.00", 1);
    long long id = propose(seller, thing, ", \"draft\": true");
    long long other = propose(seller, thing, "");
    const char *tag = header(get(seller, path(id, "")), "ETag");

    ck_assert_int_eq(stock(thing), 0);
    same(refused(post(seller, path(id, "submit/"), NULL), 409, "out_of_stock"),
         "available", "0");
    ck_assert_str_eq(state(id), "DRAFT");
    expect(patch(seller, path(id, ""), "{\"title\": \"A jug\"}"), 200);
    refused(http(.method = "PATCH", .path = path(id, ""), .who = seller,
                 .body = "{\"title\": \"A cup\"}",
                 .headers = {fmt("If-Match: %s", tag)}),
            412, "stale");
    refused(delete (seller, fmt("/api/product/products/%lld/", thing)), 409,
            "in_use");
    expect(post(seller, path(other, "cancel/"), NULL), 200);
    expect(delete (seller, path(id, "")), 204);
    expect(get(seller, path(id, "")), 404);
    expect(delete (seller, fmt("/api/product/products/%lld/", thing)), 204);
}
END_TEST

START_TEST(a_proposal_keeps_the_rules)
{
    actor_t *seller = person("seller", NULL);
    long long thing = product(seller, "20.00", 5);
    const char *create = "/api/auctions/create/";

    invalid(post(seller, create, proposal(thing, ", \"reserve_price\": 9")),
            "reserve_price");
    invalid(post(seller, create, proposal(thing, ", \"buy_now_price\": 9")),
            "buy_now_price");
    invalid(post(seller, create, proposal(thing, ", \"min_increment\": 0")),
            "min_increment");
    invalid(post(seller, create, proposal(thing, ", \"quantity\": 0")),
            "quantity");
    refused(post(seller, create, proposal(thing, ", \"quantity\": 6")), 409,
            "out_of_stock");
    invalid(post(person("seller", NULL), create, proposal(thing, "")),
            "product");
    refused(post(seller, create,
                 proposal(product_in(seller, "1.00", 5, "PENDING"), "")),
            409, "unavailable");
    ck_assert_int_eq(stock(thing), 5);
}
END_TEST

/* What a seller does not say, the shop's table says, as the price goes up. */
START_TEST(the_table_of_increments_is_for_those_without_one)
{
    actor_t *top = person("superadmin", NULL), *seller = person("seller", NULL);
    actor_t *anna = person("user", "500.00");
    const char *settings = "/api/settings/";
    long long id, own;

    same(expect(patch(top, settings, "{\"bid_increments\": [{\"from\": 0}]}"),
                400),
         "bid_increments.0.increment.0", "This field is required.");
    invalid(patch(top, settings, "{\"bid_increments\":"
                                 " [{\"from\": 5, \"increment\": 1}]}"),
            "bid_increments");
    same(expect(patch(top, settings,
                      "{\"bid_increments\": [{\"from\": \"20\", \"increment\":"
                      " \"5\"}, {\"from\": 0, \"increment\": 0.5}]}"),
                200),
         "bid_increments.1.increment", "5.00");
    id = running(seller, 1, "");
    own = running(seller, 1, ", \"min_increment\": 2");
    same(expect(bid(anna, id, "10.00"), 201), "minimum_bid", "10.50");
    same(expect(bid(anna, id, "20.00"), 201), "minimum_bid", "25.00");
    same(get(NULL, path(id, "")), "min_increment", "5.00");
    same(expect(bid(anna, own, "20.00"), 201), "minimum_bid", "22.00");
    expect(patch(top, settings, "{\"bid_increments\": []}"), 200);
    same(get(NULL, path(id, "")), "min_increment", "1.00");
}
END_TEST

/* --- by the clock ---------------------------------------------------------------- */

START_TEST(the_clock_begins_and_ends_an_auction)
{
    actor_t *seller = person("seller", NULL);
    actor_t *anna = person("user", "100.00"), *ben = person("user", "100.00");
    long long thing = product(seller, "20.00", 5), order;
    long long id = propose(seller, thing, ", \"quantity\": 2");

    expect(review(id, "approve"), 200);
    state_becomes(id, "ACTIVE");
    expect(bid(anna, id, "10.00"), 201);
    expect(bid(ben, id, "12.00"), 201);
    wallet_is(anna, "100.00 0.00");
    wallet_is(ben, "76.00 24.00");
    pass("1 day 1 second");
    state_becomes(id, "ENDED SOLD");
    refused(bid(anna, id, "20.00"), 409, "wrong_state");
    order = int_at(expect(get(ben, path(id, "")), 200), "order");
    ck_assert_str_eq(order_status(order), "CREATED");
    wallet_is(ben, "76.00 24.00");
    ck_assert_int_eq(stock(thing), 3);
    ck_assert_int_eq(notified(ben, "auction_won"), 1);
    ck_assert_int_eq(notified(anna, "auction_lost"), 1);
    ck_assert_int_eq(notified(seller, "auction_sold"), 1);
    /* an order like any other */
    deliver(ben, person("delivery", NULL), order);
    pass("3 days 1 second");
    expect(post(ben, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    wallet_is(ben, "76.00 0.00");
    wallet_is(seller, "23.04 0.00");
    books_balance();
}
END_TEST

START_TEST(unsold_goods_and_money_come_back)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    long long id = running(seller, 2, ", \"reserve_price\": 20");
    long long other = running(seller, 3, "");

    expect(bid(anna, id, "19.99"), 201);
    wallet_is(anna, "60.02 39.98");
    pass("1 day 1 second");
    state_becomes(id, "ENDED RESERVE_NOT_MET");
    state_becomes(other, "ENDED UNSOLD");
    wallet_is(anna, "100.00 0.00");
    ck_assert_int_eq(stock_of(id), 10);
    ck_assert_int_eq(stock_of(other), 10);
    ck_assert_int_eq(notified(seller, "auction_unsold"), 2);
    ck_assert_int_eq(notified(anna, "auction_lost"), 1);
    books_balance();
}
END_TEST

/* --- by hand ---------------------------------------------------------------------- */

START_TEST(an_admin_ends_or_cancels_an_auction)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    long long id = running(seller, 1, ""), other = running(seller, 1, "");
    reply_t *first, *again;

    expect(bid(anna, id, "15.00"), 201);
    expect(bid(anna, other, "25.00"), 201);
    refused(post(admin, close_path(id), NULL), 409, "too_early");
    first = expect(close_now(id), 200);
    same(first, "result", "SOLD");
    again = expect(post(admin, close_path(id), NULL), 200);
    ck_assert_int_eq(int_at(again, "order"), int_at(first, "order"));
    ck_assert_int_eq(orders_of(id), 1);
    refused(post(admin, admin_path(id, "cancel/"), "{\"reason\": \"x\"}"), 409,
            "wrong_state");
    refused(post(seller, path(other, "cancel/"), NULL), 409, "has_bids");
    expect(post(admin, admin_path(other, "cancel/"), "{\"reason\": \"x\"}"),
           200);
    wallet_is(anna, "85.00 15.00");
    ck_assert_int_eq(stock_of(other), 10);
    ck_assert_int_eq(notified(anna, "auction_cancelled"), 1);
    refused(close_now(other), 409, "wrong_state");
    books_balance();
}
END_TEST

START_TEST(who_leads_keeps_a_place_to_deliver_to)
{
    actor_t *anna = person("user", "100.00");
    long long id = running(person("seller", NULL), 1, "");
    const char *gone = "{\"location_lat\": null, \"location_lng\": null}";

    expect(bid(anna, id, "10.00"), 201);
    refused(patch(anna, "/api/accounts/me/", gone), 409, "in_use");
    expect(patch(anna, "/api/accounts/me/", "{\"bio\": \"Here.\"}"), 200);
    expect(close_now(id), 200);
    expect(patch(anna, "/api/accounts/me/", gone), 200);
}
END_TEST

START_TEST(what_is_bought_at_once_is_over)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    long long id = running(seller, 2, ", \"buy_now_price\": 40");
    reply_t *r = refused(post(person("user", "79.99"), path(id, "buy-now/"),
                              NULL), 402, "insufficient_funds");

    same(r, "required", "80.00");
    refused(post(seller, path(id, "buy-now/"), NULL), 409, "own_product");
    r = expect(post(anna, path(id, "buy-now/"), NULL), 201);
    same(r, "total", "80.00");
    same(r, "status", "CREATED");
    ck_assert_str_eq(state(id), "ENDED SOLD");
    wallet_is(anna, "20.00 80.00");
    refused(post(person("user", "90.00"), path(id, "buy-now/"), NULL), 409,
            "wrong_state");
    books_balance();
}
END_TEST

/* A maximum is the leader's secret, whoever asks and by whatever route. */
START_TEST(a_maximum_is_shown_to_nobody_else)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    actor_t *others[] = {person("user", NULL), seller, admin, NULL};
    long long id = running(seller, 1, "");
    const char *paths[] = {path(id, ""), path(id, "bids/"),
                           fmt("/api/auctions/?seller=%lld", seller->id)};
    size_t i, k;

    expect(post(anna, path(id, "bid/"), "{\"max_amount\": \"76.54\"}"), 201);
    for (i = 0; i < 4; i++) {
        for (k = 0; k < 3; k++) {
            reply_t *r = expect(get(others[i], paths[k]), 200);

            ck_assert_ptr_null(strstr(r->body, "76.54"));
            ck_assert(others[i] == admin
                      || strstr(r->body, anna->username) == NULL);
        }
    }
    same(get(anna, path(id, "")), "my_max", "76.54");
    same(get(anna, path(id, "")), "is_leading", "true");
    same(get(anna, fmt("/api/auctions/bids/mine/?auction=%lld", id)),
         "results.0.max_amount", "76.54");
    same(get(anna, path(id, "bids/")), "results.0.is_mine", "true");
    same(get(admin, path(id, "bids/")), "results.0.bidder.username",
         anna->username);
}
END_TEST

/* One of two pieces comes back, at what it was won for. */
START_TEST(what_was_won_can_come_back)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    long long id = running(seller, 2, ""), order, sent_back;

    expect(bid(anna, id, "12.50"), 201);
    order = int_at(expect(close_now(id), 200), "order");
    deliver(anna, person("delivery", NULL), order);
    sent_back = ask_back(anna, order, 1);
    inspect(admin, sent_back, 1, "NEW");
    same(expect(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 200),
         "refund_amount", "12.50");
    wallet_is(anna, "87.50 12.50");
    ck_assert_int_eq(stock_of(id), 9);
    pass("3 days 1 second");
    expect(post(anna, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    wallet_is(anna, "87.50 0.00");
    wallet_is(seller, "12.00 0.00");
    books_balance();
}
END_TEST

/* --- the runner-up ------------------------------------------------------------------ */

START_TEST(the_runner_up_has_a_second_chance)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    actor_t *ben = person("user", "100.00"), *cleo = person("user", "100.00");
    long long id = running(seller, 2, ""), order;
    const char *chance = path(id, "second-chance/");
    reply_t *r;

    expect(bid(cleo, id, "11.00"), 201);
    expect(bid(ben, id, "20.00"), 201);
    expect(bid(anna, id, "30.00"), 201);
    order = int_at(expect(close_now(id), 200), "order");
    refused(post(seller, chance, NULL), 409, "wrong_state");
    expect(post(anna, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    ck_assert_int_eq(stock_of(id), 10);
    r = expect(post(seller, chance, NULL), 201);
    same(r, "price", "20.00");
    same(r, "total", "40.00");
    same(r, "bidder.id", "null");
    ck_assert_int_eq(stock_of(id), 8);
    ck_assert_int_eq(notified(ben, "auction_offer"), 1);
    refused(post(seller, chance, NULL), 409, "duplicate");
    expect(post(cleo, path(id, "second-chance/accept/"), NULL), 404);
    expect(post(ben, path(id, "second-chance/decline/"), NULL), 200);
    ck_assert_int_eq(stock_of(id), 10);
    same(expect(post(seller, chance, NULL), 201), "price", "11.00");
    same(get(cleo, "/api/auctions/offers/mine/?status=offered"),
         "results.0.total", "22.00");
    same(expect(post(cleo, path(id, "second-chance/accept/"), NULL), 201),
         "total", "22.00");
    wallet_is(cleo, "78.00 22.00");
    wallet_is(anna, "100.00 0.00");
    same(get(seller, path(id, "")), "offers.1.status", "ACCEPTED");
    books_balance();
}
END_TEST

START_TEST(an_offer_expires_by_the_clock)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    actor_t *ben = person("user", "100.00");
    long long id = running(seller, 1, "");
    int tries;

    expect(bid(ben, id, "20.00"), 201);
    expect(bid(anna, id, "30.00"), 201);
    expect(post(anna, fmt("/api/orders/%lld/cancel/",
                          int_at(expect(close_now(id), 200), "order")), NULL),
           200);
    expect(post(seller, path(id, "second-chance/"), NULL), 201);
    pass("1 day");
    for (tries = 0; tries < JOB_WAIT_S * 10 && stock_of(id) < 10; tries++) {
        usleep(100000);
    }
    ck_assert_int_eq(stock_of(id), 10);
    same(get(ben, "/api/auctions/offers/mine/"), "results.0.status",
         "EXPIRED");
    refused(post(ben, path(id, "second-chance/accept/"), NULL), 409,
            "wrong_state");
    refused(post(seller, path(id, "second-chance/"), NULL), 409,
            "no_bidder_left");
}
END_TEST

/* --- two at once ---------------------------------------------------------------------- */

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
            requests[i] = posting(admin, close_path(id), "{\"force\": true}");
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), AT_ONCE);
        for (i = 0; i < AT_ONCE; i++) {
            same(replies[i], "order", text_at(replies[0], "order"));
        }
        ck_assert_int_eq(orders_of(id), 1);
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
            requests[i] = posting(bidders[i], path(id, "bid/"),
                                  fmt("{\"amount\": \"%d.00\"}",
                                      10 + (i * 7 + round) % BIDDERS));
        }
        requests[BIDDERS] = requests[round % BIDDERS];
        requests[round % BIDDERS] =
            posting(admin, close_path(id), "{\"force\": true}");
        all_at_once(requests, replies, BIDDERS + 1);
        ck_assert_int_eq(replies[round % BIDDERS]->status, 200);
        ck_assert_int_eq(succeeded(replies, BIDDERS + 1) - 1,
                         sql_int("SELECT bids_count FROM ecs.auctions"
                                 " WHERE id = %lld AND status = 'ENDED'", id));
        ck_assert_int_eq(orders_of(id), sql_int(
            "SELECT (result = 'SOLD')::integer FROM ecs.auctions"
            " WHERE id = %lld", id));
        ck_assert(sql_true("SELECT (bids_count > 0) = (result = 'SOLD')"
                           " FROM ecs.auctions WHERE id = %lld", id));
    }
    ck_assert_str_eq(sql("SELECT sum(held) - (SELECT sum(held_amount) FROM"
                         " ecs.orders o JOIN ecs.order_items i ON i.order_id ="
                         " o.id WHERE i.seller_id = %lld) FROM ecs.wallets"
                         " WHERE user_id BETWEEN %lld AND %lld", seller->id,
                         bidders[0]->id, bidders[BIDDERS - 1]->id), "0.00");
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
            posting(anna, path(id, "bid/"), "{\"amount\": \"10.00\"}"),
            posting(seller, path(id, "cancel/"), NULL),
            posting(ben, path(id, "bid/"), "{\"amount\": \"11.00\"}")};
        reply_t *replies[3];
        int bids;

        all_at_once(requests, replies, 3);
        succeeded(replies, 3);
        bids = (replies[0]->status == 201) + (replies[2]->status == 201);
        ck_assert_int_eq(replies[1]->status == 200, bids == 0);
        ck_assert_str_eq(state(id), bids == 0 ? "CANCELLED" : "ACTIVE");
        ck_assert_int_eq(stock_of(id), bids == 0 ? 10 : 9);
        cancelled += bids == 0;
        if (bids > 0) {
            expect(post(admin, admin_path(id, "cancel/"),
                        "{\"reason\": \"x\"}"), 200);
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
            requests[i] = posting(bidders[i], path(id, "bid/"),
                                  fmt("{\"amount\": \"%d.00\"}", 10 + i));
        }
        requests[BIDDERS] = posting(admin, admin_path(id, "cancel/"),
                                    "{\"reason\": \"x\"}");
        all_at_once(requests, replies, BIDDERS + 1);
        succeeded(replies, BIDDERS + 1);
        ck_assert_int_eq(replies[BIDDERS]->status, 200);
        ck_assert_str_eq(state(id), "CANCELLED");
        ck_assert_int_eq(stock_of(id), 10);
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
            posting(cleo, path(id, "bid/"), "{\"amount\": \"10.00\"}"),
            posting(anna, path(id, "buy-now/"), NULL),
            posting(ben, path(id, "buy-now/"), NULL)};
        reply_t *replies[3];

        all_at_once(requests, replies, 3);
        ck_assert_int_eq(succeeded(replies, 3), 1);
        ck_assert_str_eq(state(id), replies[0]->status == 201 ? "ACTIVE"
                                                              : "ENDED SOLD");
        ck_assert_int_eq(orders_of(id), replies[0]->status != 201);
        bought += replies[0]->status != 201;
        if (replies[0]->status == 201) {
            expect(post(admin, admin_path(id, "cancel/"),
                        "{\"reason\": \"x\"}"), 200);
        }
    }
    wallet_is(cleo, "900.00 0.00");
    ck_assert_str_eq(sql("SELECT sum(held) FROM ecs.wallets WHERE user_id IN"
                         " (%lld, %lld)", anna->id, ben->id),
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
        long long one = propose(seller, thing, ", \"quantity\": 2,"
                                               " \"draft\": true");
        long long two = propose(seller, thing, ", \"quantity\": 2,"
                                               " \"draft\": true");
        request_t requests[4] = {
            posting(seller, path(one, "submit/"), NULL),
            posting(seller, path(two, "submit/"), NULL),
            posting(seller, path(one, "submit/"), NULL),
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
        expect(post(anna, fmt("/api/orders/%lld/cancel/",
                              int_at(expect(close_now(id), 200), "order")),
                    NULL), 200);
        for (i = 0; i < AT_ONCE; i++) {
            requests[i] = posting(seller, path(id, "second-chance/"), NULL);
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), 1);
        ck_assert_int_eq(stock_of(id), 9);
        for (i = 0; i < AT_ONCE; i++) {
            requests[i] = posting(ben, path(id, (i + round) % 2
                                                ? "second-chance/accept/"
                                                : "second-chance/decline/"),
                                  NULL);
        }
        all_at_once(requests, replies, AT_ONCE);
        ck_assert_int_eq(succeeded(replies, AT_ONCE), 1);
        for (i = 0; i < AT_ONCE; i++) {
            taken += replies[i]->status == 201;
        }
        ck_assert_int_eq(stock_of(id) == 9, orders_of(id) == 2);
    }
    wallet_is(ben, fmt("%d.00 %d.00", 900 - taken * 10, taken * 10));
    wallet_is(anna, "900.00 0.00");
    books_balance();
}
END_TEST

static void begin(void)
{
    admin = person("admin", NULL);
}

int main(void)
{
    const TTest *const tests[] = {an_auction_is_seen_when_it_is_approved,
                                  a_draft_takes_nothing_until_it_is_submitted,
                                  a_proposal_keeps_the_rules,
                                  the_table_of_increments_is_for_those_without_one,
                                  the_clock_begins_and_ends_an_auction,
                                  unsold_goods_and_money_come_back,
                                  an_admin_ends_or_cancels_an_auction,
                                  who_leads_keeps_a_place_to_deliver_to,
                                  what_is_bought_at_once_is_over,
                                  a_maximum_is_shown_to_nobody_else,
                                  what_was_won_can_come_back,
                                  the_runner_up_has_a_second_chance,
                                  an_offer_expires_by_the_clock,
                                  closing_many_times_at_once_sells_once,
                                  closing_while_bidding,
                                  cancelling_while_bidding,
                                  an_admin_cancels_while_others_bid,
                                  buying_at_once_happens_once,
                                  the_last_pieces_are_taken_once,
                                  an_offer_is_decided_once,
                                  NULL};

    return suite_run_between("auctions", tests, 60, begin, NULL);
}
