/* SPDX-License-Identifier: MIT */
/*
 * test_auctions.c - an auction from its proposal to the order of who gets it.
 * Bidding itself is tested in test_bids.c, what happens when two want to end an
 * auction at once in test_auction_duels.c, each refusal in
 * tests/sql/auctions.sql.
 */
#include <unistd.h>
#include "lots.h"

#define PENDING "/api/auctions/admin/pending/?page_size=100"

/* --- before it begins ---------------------------------------------------- */

START_TEST(an_auction_is_seen_when_it_is_approved)
{
    actor_t *seller = person("seller", NULL);
    long long thing = product(seller, "20.00", 5);
    long long id = propose(seller, thing,
                           ", \"quantity\": 2,"
                           " \"reserve_price\": \"30\"");
    reply_t *r;

    ck_assert_int_eq(stock(thing), 3);
    expect(get(NULL, lot_path(id, "")), 404);
    expect(get(NULL, lot_path(id, "bids/")), 404);
    ck_assert(lists(get(seller, "/api/auctions/mine/?page_size=100"), id));
    r = expect(get(lots_admin, PENDING), 200); /* oldest first */
    ck_assert(lists(get(lots_admin, fmt(PENDING "&page=%lld",
                                        (int_at(r, "count") + 99) / 100)),
                    id));
    invalid(post(lots_admin, lot_admin_path(id, "review/"),
                 "{\"action\": \"reject\"}"),
            "reason");
    same(expect(review(id, "reject"), 200), "reason", "Because.");
    ck_assert_int_eq(stock(thing), 5);
    ck_assert_int_eq(notified(seller, "auction_rejected"), 1);
    expect(patch(seller, lot_path(id, ""), "{\"quantity\": 3}"), 200);
    same(expect(post(seller, lot_path(id, "submit/"), NULL), 200), "status",
         "SUBMITTED");
    ck_assert_int_eq(stock(thing), 2);
    expect(review(id, "approve"), 200);
    refused(review(id, "approve"), 409, "wrong_state");
    r = expect(get(NULL, lot_path(id, "")), 200);
    ck_assert_ptr_null(strstr(r->body, "reserve_price"));
    same(r, "has_reserve", "true");
    same(r, "reserve_met", "false");
    same(r, "minimum_bid", "10.00");
    ck_assert(
        lists(get(NULL, fmt("/api/auctions/?seller=%lld", seller->id)), id));
    ck_assert_int_eq(notified(seller, "auction_approved"), 1);
    same(get(seller, lot_path(id, "")), "reserve_price", "30.00");
    refused(patch(seller, lot_path(id, ""), "{\"quantity\": 1}"), 409,
            "wrong_state");
    same(expect(post(seller, lot_path(id, "cancel/"), NULL), 200), "status",
         "CANCELLED");
    ck_assert_int_eq(stock(thing), 5);
    expect(get(NULL, lot_path(id, "")), 404);
}
END_TEST

START_TEST(a_draft_takes_nothing_until_it_is_submitted)
{
    actor_t *seller = person("seller", NULL);
    long long thing = product(seller, "20.00", 1);
    long long id = propose(seller, thing, ", \"draft\": true");
    long long other = propose(seller, thing, "");
    const char *tag = header(get(seller, lot_path(id, "")), "ETag");

    ck_assert_int_eq(stock(thing), 0);
    same(refused(post(seller, lot_path(id, "submit/"), NULL), 409,
                 "out_of_stock"),
         "available", "0");
    ck_assert_str_eq(lot_state(id), "DRAFT");
    expect(patch(seller, lot_path(id, ""), "{\"title\": \"A jug\"}"), 200);
    refused(http(.method = "PATCH", .path = lot_path(id, ""), .who = seller,
                 .body = "{\"title\": \"A cup\"}",
                 .headers = {fmt("If-Match: %s", tag)}),
            412, "stale");
    refused(delete (seller, fmt("/api/product/products/%lld/", thing)), 409,
            "in_use");
    expect(post(seller, lot_path(other, "cancel/"), NULL), 200);
    expect(delete (seller, lot_path(id, "")), 204);
    expect(get(seller, lot_path(id, "")), 404);
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
    invalid(patch(top, settings,
                  "{\"bid_increments\":"
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
    same(get(NULL, lot_path(id, "")), "min_increment", "5.00");
    same(expect(bid(anna, own, "20.00"), 201), "minimum_bid", "22.00");
    expect(patch(top, settings, "{\"bid_increments\": []}"), 200);
    same(get(NULL, lot_path(id, "")), "min_increment", "1.00");
}
END_TEST

/* --- by the clock -------------------------------------------------------- */

START_TEST(the_clock_begins_and_ends_an_auction)
{
    actor_t *seller = person("seller", NULL);
    actor_t *anna = person("user", "100.00"), *ben = person("user", "100.00");
    long long thing = product(seller, "20.00", 5), order;
    long long id = propose(seller, thing, ", \"quantity\": 2");

    expect(review(id, "approve"), 200);
    lot_becomes(id, "ACTIVE");
    expect(bid(anna, id, "10.00"), 201);
    expect(bid(ben, id, "12.00"), 201);
    wallet_is(anna, "100.00 0.00");
    wallet_is(ben, "76.00 24.00");
    pass("1 day 1 second");
    lot_becomes(id, "ENDED SOLD");
    refused(bid(anna, id, "20.00"), 409, "wrong_state");
    order = int_at(expect(get(ben, lot_path(id, "")), 200), "order");
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
    lot_becomes(id, "ENDED RESERVE_NOT_MET");
    lot_becomes(other, "ENDED UNSOLD");
    wallet_is(anna, "100.00 0.00");
    ck_assert_int_eq(lot_stock(id), 10);
    ck_assert_int_eq(lot_stock(other), 10);
    ck_assert_int_eq(notified(seller, "auction_unsold"), 2);
    ck_assert_int_eq(notified(anna, "auction_lost"), 1);
    books_balance();
}
END_TEST

/* --- by hand ------------------------------------------------------------- */

START_TEST(an_admin_ends_or_cancels_an_auction)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    long long id = running(seller, 1, ""), other = running(seller, 1, "");
    reply_t *first, *again;

    expect(bid(anna, id, "15.00"), 201);
    expect(bid(anna, other, "25.00"), 201);
    refused(post(lots_admin, lot_close_path(id), NULL), 409, "too_early");
    first = expect(close_now(id), 200);
    same(first, "result", "SOLD");
    again = expect(post(lots_admin, lot_close_path(id), NULL), 200);
    ck_assert_int_eq(int_at(again, "order"), int_at(first, "order"));
    ck_assert_int_eq(lot_orders(id), 1);
    refused(
        post(lots_admin, lot_admin_path(id, "cancel/"), "{\"reason\": \"x\"}"),
        409, "wrong_state");
    refused(post(seller, lot_path(other, "cancel/"), NULL), 409, "has_bids");
    expect(post(lots_admin, lot_admin_path(other, "cancel/"),
                "{\"reason\": \"x\"}"),
           200);
    wallet_is(anna, "85.00 15.00");
    ck_assert_int_eq(lot_stock(other), 10);
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
    reply_t *r =
        refused(post(person("user", "79.99"), lot_path(id, "buy-now/"), NULL),
                402, "insufficient_funds");

    same(r, "required", "80.00");
    refused(post(seller, lot_path(id, "buy-now/"), NULL), 409, "own_product");
    r = expect(post(anna, lot_path(id, "buy-now/"), NULL), 201);
    same(r, "total", "80.00");
    same(r, "status", "CREATED");
    ck_assert_str_eq(lot_state(id), "ENDED SOLD");
    wallet_is(anna, "20.00 80.00");
    refused(post(person("user", "90.00"), lot_path(id, "buy-now/"), NULL), 409,
            "wrong_state");
    books_balance();
}
END_TEST

/* A maximum is the leader's secret, whoever asks and by whatever route. */
START_TEST(a_maximum_is_shown_to_nobody_else)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    actor_t *others[] = {person("user", NULL), seller, lots_admin, NULL};
    long long id = running(seller, 1, "");
    const char *paths[] = {lot_path(id, ""), lot_path(id, "bids/"),
                           fmt("/api/auctions/?seller=%lld", seller->id)};
    size_t i, k;

    expect(post(anna, lot_path(id, "bid/"), "{\"max_amount\": \"76.54\"}"),
           201);
    for (i = 0; i < 4; i++) {
        for (k = 0; k < 3; k++) {
            reply_t *r = expect(get(others[i], paths[k]), 200);

            ck_assert_ptr_null(strstr(r->body, "76.54"));
            ck_assert(others[i] == lots_admin ||
                      strstr(r->body, anna->username) == NULL);
        }
    }
    same(get(anna, lot_path(id, "")), "my_max", "76.54");
    same(get(anna, lot_path(id, "")), "is_leading", "true");
    same(get(anna, fmt("/api/auctions/bids/mine/?auction=%lld", id)),
         "results.0.max_amount", "76.54");
    same(get(anna, lot_path(id, "bids/")), "results.0.is_mine", "true");
    same(get(lots_admin, lot_path(id, "bids/")), "results.0.bidder.username",
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
    inspect(lots_admin, sent_back, 1, "NEW");
    same(expect(decide(lots_admin, sent_back, "{\"status\": \"APPROVED\"}"),
                200),
         "refund_amount", "12.50");
    wallet_is(anna, "87.50 12.50");
    ck_assert_int_eq(lot_stock(id), 9);
    pass("3 days 1 second");
    expect(post(anna, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    wallet_is(anna, "87.50 0.00");
    wallet_is(seller, "12.00 0.00");
    books_balance();
}
END_TEST

/* --- the runner-up ------------------------------------------------------- */

START_TEST(the_runner_up_has_a_second_chance)
{
    actor_t *seller = person("seller", NULL), *anna = person("user", "100.00");
    actor_t *ben = person("user", "100.00"), *cleo = person("user", "100.00");
    long long id = running(seller, 2, ""), order;
    const char *chance = lot_path(id, "second-chance/");
    reply_t *r;

    expect(bid(cleo, id, "11.00"), 201);
    expect(bid(ben, id, "20.00"), 201);
    expect(bid(anna, id, "30.00"), 201);
    order = int_at(expect(close_now(id), 200), "order");
    refused(post(seller, chance, NULL), 409, "wrong_state");
    expect(post(anna, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    ck_assert_int_eq(lot_stock(id), 10);
    r = expect(post(seller, chance, NULL), 201);
    same(r, "price", "20.00");
    same(r, "total", "40.00");
    same(r, "bidder.id", "null");
    ck_assert_int_eq(lot_stock(id), 8);
    ck_assert_int_eq(notified(ben, "auction_offer"), 1);
    refused(post(seller, chance, NULL), 409, "duplicate");
    expect(post(cleo, lot_path(id, "second-chance/accept/"), NULL), 404);
    expect(post(ben, lot_path(id, "second-chance/decline/"), NULL), 200);
    ck_assert_int_eq(lot_stock(id), 10);
    same(expect(post(seller, chance, NULL), 201), "price", "11.00");
    same(get(cleo, "/api/auctions/offers/mine/?status=offered"),
         "results.0.total", "22.00");
    same(expect(post(cleo, lot_path(id, "second-chance/accept/"), NULL), 201),
         "total", "22.00");
    wallet_is(cleo, "78.00 22.00");
    wallet_is(anna, "100.00 0.00");
    same(get(seller, lot_path(id, "")), "offers.1.status", "ACCEPTED");
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
    expect(post(anna,
                fmt("/api/orders/%lld/cancel/",
                    int_at(expect(close_now(id), 200), "order")),
                NULL),
           200);
    expect(post(seller, lot_path(id, "second-chance/"), NULL), 201);
    pass("1 day");
    for (tries = 0; tries < JOB_WAIT_S * 10 && lot_stock(id) < 10; tries++) {
        usleep(100000);
    }
    ck_assert_int_eq(lot_stock(id), 10);
    same(get(ben, "/api/auctions/offers/mine/"), "results.0.status", "EXPIRED");
    refused(post(ben, lot_path(id, "second-chance/accept/"), NULL), 409,
            "wrong_state");
    refused(post(seller, lot_path(id, "second-chance/"), NULL), 409,
            "no_bidder_left");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_auction_is_seen_when_it_is_approved,
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
        NULL};

    return suite_run_between("auctions", tests, 60, lots_open, NULL);
}
