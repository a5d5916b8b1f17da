/* SPDX-License-Identifier: MIT */
/*
 * test_bids.c - bidding: what a bid holds and what it releases, proxy bidding
 * against a model of the rule that was written on its own, and many bidders on
 * one auction in its last seconds.
 */
#include <stdlib.h>
#include <string.h>
#include "lots.h"
#include "bid_model.h"

#define BIDDERS 64
#define BIDS_EACH 50
#define FEW 10 /* bids that a storm takes at least */
#define ROUNDS 20
#define SLOW_ROUNDS 3
#define STORM_SECONDS 60

#define HISTORIES 2000
#define SLOW_HISTORIES 200
#define MOVES_MAX 14
#define PURSE_CENTS 20000

/* An active auction that has begun an hour ago and ends in `ends`, written into
 * the database; its stock is off the shelf. */
static long long auction(const actor_t *seller, int quantity, const char *price,
                         const char *ends)
{
    long long id = product(seller, price, 100);

    sql("UPDATE ecs.products SET quantity = quantity - %d WHERE id = %lld",
        quantity, id);
    return sql_int(
        "INSERT INTO ecs.auctions (seller_id, product_id, title, quantity,"
        " start_price, min_increment, start_at, end_at, planned_end_at, status)"
        " SELECT %lld, %lld, 'A vase', %d, %s, 1.00, t - interval '1 day',"
        " t + interval '%s', t + interval '%s', 'ACTIVE' FROM ecs.now() t"
        " RETURNING id",
        seller->id, id, quantity, price, ends, ends);
}

static reply_t *bid_up_to(const actor_t *who, long long id, const char *max)
{
    return post(who, lot_path(id, "bid/"),
                fmt("{\"max_amount\": \"%s\"}", max));
}

/* --- one after the other --------------------------------------------------- */

START_TEST(a_bid_holds_and_being_outbid_releases)
{
    actor_t *anna = person("user", "100.00"), *ben = person("seller", "100.00");
    long long id = auction(person("seller", NULL), 2, "10.00", "1 hour");
    reply_t *reply = expect(bid(anna, id, "10.00"), 201);

    same(reply, "is_leading", "true");
    same(reply, "minimum_bid", "11.00");
    same(reply, "wallet.balance", "80.00");
    same(reply, "wallet.held_balance", "20.00");
    reply = expect(bid(ben, id, "12.50"), 201);
    same(reply, "current_price", "12.50");
    wallet_is(anna, "100.00 0.00");
    wallet_is(ben, "75.00 25.00");
    ck_assert_int_eq(notified(anna, "auction_outbid"), 1);
    /* the leader's own raise tops the hold up */
    expect(bid(ben, id, "14.00"), 201);
    wallet_is(ben, "72.00 28.00");
    ck_assert_int_eq(sql_int("SELECT bids_count FROM ecs.auctions"
                             " WHERE id = %lld", id), 3);
    books_balance();
}
END_TEST

START_TEST(a_maximum_bids_for_its_owner)
{
    actor_t *anna = person("user", "100.00"), *ben = person("user", "100.00");
    long long id = auction(person("seller", NULL), 1, "10.00", "1 hour");
    reply_t *reply = expect(bid_up_to(anna, id, "50.00"), 201);

    same(reply, "current_price", "10.00");
    wallet_is(anna, "50.00 50.00");
    reply = expect(bid(ben, id, "20.00"), 201);
    same(reply, "is_leading", "false");
    same(reply, "current_price", "21.00");
    wallet_is(ben, "100.00 0.00");
    /* a tie goes to the earlier */
    same(expect(bid(ben, id, "50.00"), 201), "is_leading", "false");
    ck_assert_str_eq(sql("SELECT current_price FROM ecs.auctions"
                         " WHERE id = %lld", id), "50.00");
    /* a higher maximum moves no price, and only more is one */
    same(expect(bid_up_to(anna, id, "60.00"), 201), "current_price", "50.00");
    refused(bid_up_to(anna, id, "60.00"), 409, "bid_too_low");
    wallet_is(anna, "40.00 60.00");
    same(expect(bid_up_to(ben, id, "70.00"), 201), "current_price", "61.00");
    wallet_is(anna, "100.00 0.00");
    wallet_is(ben, "30.00 70.00");
    books_balance();
}
END_TEST

START_TEST(a_maximum_that_meets_the_reserve_meets_it_at_once)
{
    actor_t *anna = person("user", "100.00"), *ben = person("user", "100.00");
    long long id = auction(person("seller", NULL), 1, "10.00", "1 hour");

    sql("UPDATE ecs.auctions SET reserve_price = 30 WHERE id = %lld", id);
    same(expect(bid_up_to(anna, id, "29.99"), 201), "current_price", "10.00");
    same(expect(bid_up_to(ben, id, "40.00"), 201), "current_price", "30.99");
    id = auction(person("seller", NULL), 1, "10.00", "1 hour");
    sql("UPDATE ecs.auctions SET reserve_price = 30 WHERE id = %lld", id);
    same(expect(bid_up_to(anna, id, "40.00"), 201), "current_price", "30.00");
}
END_TEST

START_TEST(bids_that_are_none)
{
    actor_t *anna = person("user", "100.00"), *seller = person("seller", "9.00");
    actor_t *homeless = person("user", "100.00");
    long long id = auction(seller, 1, "10.00", "1 hour");
    reply_t *reply = refused(bid(anna, id, "9.99"), 409, "bid_too_low");

    same(reply, "minimum_bid", "10.00");
    reply = refused(bid(anna, id, "100.01"), 402, "insufficient_funds");
    same(reply, "required", "100.01");
    same(reply, "balance", "100.00");
    refused(bid(seller, id, "10.00"), 409, "own_product");
    sql("UPDATE ecs.profiles SET location_lat = NULL, location_lng = NULL"
        " WHERE user_id = %lld", homeless->id);
    refused(bid(homeless, id, "10.00"), 409, "location_required");
    invalid(post(anna, lot_path(id, "bid/"), "{}"), "amount");
    invalid(post(anna, lot_path(id, "bid/"),
                 "{\"amount\": \"20\", \"max_amount\": \"19\"}"), "max_amount");
    invalid(bid(anna, id, "-1"), "amount");
    invalid(bid(anna, id, "10.001"), "amount");
    expect(bid(NULL, id, "10.00"), 401);
    expect(bid(person("delivery", NULL), id, "10.00"), 403);
    expect(bid(person("admin", NULL), id, "10.00"), 403);
    expect(bid(anna, 999999999, "10.00"), 404);
    sql("UPDATE ecs.sessions SET revoked_at = ecs.now() WHERE user_id = %lld",
        homeless->id);
    refused(bid(homeless, id, "10.00"), 401, "session_revoked");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.bids"
                             " WHERE auction_id = %lld", id), 0);
    wallet_is(anna, "100.00 0.00");
}
END_TEST

START_TEST(only_between_start_and_end)
{
    actor_t *anna = person("user", "100.00");
    long long id = auction(person("seller", NULL), 1, "10.00", "1 hour");

    sql("UPDATE ecs.auctions SET planned_end_at = t, end_at = t"
        " FROM ecs.now() t WHERE id = %lld", id);
    same(refused(bid(anna, id, "10.00"), 409, "wrong_state"), "state", "ENDED");
    id = auction(person("seller", NULL), 1, "10.00", "3 hours");
    sql("UPDATE ecs.auctions SET status = 'CANCELLED' WHERE id = %lld", id);
    refused(bid(anna, id, "10.00"), 409, "wrong_state");
}
END_TEST

START_TEST(a_late_bid_moves_the_end)
{
    actor_t *anna = person("user", "100.00"), *ben = person("user", "100.00");
    long long id = auction(person("seller", NULL), 1, "10.00", "30 seconds");

    expect(bid(anna, id, "10.00"), 201);
    ck_assert(sql_true("SELECT end_at BETWEEN ecs.now() + interval '60 s'"
                       " AND ecs.now() + interval '120 s' AND extensions = 1"
                       " FROM ecs.auctions WHERE id = %lld", id));
    /* as far as the settings allow */
    sql("UPDATE ecs.settings SET bid_soft_close_cap_minutes = 1");
    expect(bid(ben, id, "11.00"), 201);
    ck_assert(sql_true("SELECT extensions = 1 FROM ecs.auctions"
                       " WHERE id = %lld", id));
    id = auction(person("seller", NULL), 1, "10.00", "30 seconds");
    expect(bid(anna, id, "10.00"), 201);
    ck_assert(sql_true("SELECT end_at = planned_end_at + interval '1 minute'"
                       " FROM ecs.auctions WHERE id = %lld", id));
    sql("UPDATE ecs.settings SET bid_soft_close_cap_minutes = 0");
}
END_TEST

START_TEST(a_key_bids_once)
{
    actor_t *anna = person("user", "100.00");
    long long id = auction(person("seller", NULL), 1, "10.00", "1 hour");
    const char *path = lot_path(id, "bid/"), *key = unique("key");
    const char *body = "{\"amount\": \"10.00\"}";
    reply_t *first = expect(post_keyed(anna, path, body, key), 201);
    reply_t *again = expect(post_keyed(anna, path, body, key), 201);
    request_t requests[BIDDERS];
    reply_t *replies[BIDDERS];
    int i, made = 0;

    ck_assert_str_eq(header(again, "Idempotent-Replayed"), "true");
    ck_assert_str_eq(again->body, first->body);
    refused(post_keyed(anna, path, "{\"amount\": \"20.00\"}", key), 422,
            "idempotency_key_reused");
    /* a refusal leaves the key free */
    key = unique("key");
    refused(post_keyed(anna, path, body, key), 409, "bid_too_low");
    expect(post_keyed(anna, path, "{\"amount\": \"11.00\"}", key), 201);
    /* and many at once come to one bid */
    key = fmt("Idempotency-Key: %s", unique("key"));
    for (i = 0; i < BIDDERS; i++) {
        requests[i] = (request_t){.method = "POST", .path = path,
                                  .body = "{\"amount\": \"12.00\"}",
                                  .who = anna, .headers = {key}};
    }
    all_at_once(requests, replies, BIDDERS);
    for (i = 0; i < BIDDERS; i++) {
        made += replies[i]->status == 201
            && !header(replies[i], "Idempotent-Replayed");
        ck_assert(replies[i]->status == 201 || replies[i]->status == 409);
    }
    ck_assert_int_eq(made, 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.bids"
                             " WHERE auction_id = %lld", id), 3);
    wallet_is(anna, "88.00 12.00");
}
END_TEST

/* --- random histories against the model ------------------------------------ */

static const char *item(actor_t **players, const bid_move_t *move)
{
    const actor_t *who = players[move->player];

    return fmt("{\"user_id\": %lld, \"session_id\": %lld, \"role\": \"%s\","
               " \"amount\": %s, \"max_amount\": %s}", who->id, who->session,
               who->role,
               move->amount ? fmt("%d.%02d", move->amount / 100,
                                  move->amount % 100) : "null",
               move->max ? fmt("%d.%02d", move->max / 100, move->max % 100)
                         : "null");
}

/* The codes of a call's answers, "-" for a bid that was taken. */
static const char *answers_to(long long id, const char *items)
{
    return sql("SELECT string_agg(coalesce(body ->> 'code', '-'), ' '"
               " ORDER BY n) FROM ecs_api.auctions_bid(%lld, '[%s]')"
               " WITH ORDINALITY AS a (status, body, version, location, total,"
               " next_key, extra, replayed, n)", id, items);
}

static const char *standing_of(long long id)
{
    return sql("SELECT concat_ws(' ', current_price, leader_id, leader_max)"
               " FROM ecs.auctions WHERE id = %lld", id);
}

static const char *standing_in(const bid_model_t *m, actor_t **players)
{
    if (m->leader < 0) {
        return "";
    }
    return fmt("%d.%02d %lld %d.%02d", m->price / 100, m->price % 100,
               players[m->leader]->id, m->best[m->leader] / 100,
               m->best[m->leader] % 100);
}

/* One history: some calls with some bids each; the model plays along. */
static void play_history(unsigned seed, actor_t **players, long long id)
{
    unsigned state = seed;
    bid_model_t m = { .start = chance(&state, 1, 3000), .leader = -1,
                      .increment = chance(&state, 1, 300) };
    int left = chance(&state, 1, MOVES_MAX);

    m.reserve = chance(&state, 0, 2) ? 0 : m.start + chance(&state, 0, 2000);
    sql("UPDATE ecs.auctions SET start_price = %d * 0.01, min_increment ="
        " %d * 0.01, reserve_price = nullif(%d, 0) * 0.01 WHERE id = %lld",
        m.start, m.increment, m.reserve, id);
    while (left > 0) {
        int together = chance(&state, 1, left);
        const char *items = "", *expected = "";
        int i;

        left -= together;
        for (i = 0; i < together; i++) {
            bid_move_t move;
            const char *code;

            move.player = chance(&state, 0, BID_PLAYERS - 1);
            bid_think(&state, &m, &move);
            code = bid_play(&m, &move, PURSE_CENTS);
            items = fmt("%s%s%s", items, i ? ", " : "", item(players, &move));
            expected = fmt("%s%s%s", expected, i ? " " : "", code ? code : "-");
        }
        ck_assert_msg(!strcmp(answers_to(id, items), expected)
                          && !strcmp(standing_of(id), standing_in(&m, players)),
                      "seed %u: [%s] should come to '%s', %s and comes to %s",
                      seed, items, expected, standing_in(&m, players),
                      standing_of(id));
    }
    if (m.leader >= 0) {
        ck_assert_str_eq(wallet(players[m.leader]),
                         fmt("%d.%02d %d.%02d",
                             (PURSE_CENTS - m.best[m.leader]) / 100,
                             (PURSE_CENTS - m.best[m.leader]) % 100,
                             m.best[m.leader] / 100, m.best[m.leader] % 100));
    }
}

START_TEST(random_histories_are_what_the_model_says)
{
    int histories = is_slow() ? SLOW_HISTORIES : HISTORIES;
    unsigned first = (unsigned)atoi(getenv("ECS_SEED") ? getenv("ECS_SEED")
                                                       : "20261122");
    actor_t *players[BID_PLAYERS];
    long long id;
    int i;

    for (i = 0; i < BID_PLAYERS; i++) {
        players[i] = person("user", "200.00");
    }
    id = auction(person("seller", NULL), 1, "10.00", "1 hour");
    for (i = 0; i < histories; i++) {
        sql("BEGIN");
        play_history(first + (unsigned)i, players, id);
        sql("ROLLBACK");
    }
}
END_TEST

/* --- all at once -------------------------------------------------------------- */

/* The bidders, and behind them an administrator who closes the auction while
 * they bid, again and again. */
typedef struct storm_t {
    actor_t *bidders[BIDDERS];
    actor_t *admin;
    int left[BIDDERS];
    int sent, close_at; /* bids until the closing begins */
    double minimum;     /* that somebody heard of last */
    long long auction;
    char bodies[BIDDERS][64];
    int taken, closed, others;
} storm_t;

static int next_bid(void *context, int client, request_t *request)
{
    storm_t *storm = context;

    *request = (request_t){.method = "POST"};
    if (client == BIDDERS) {
        if (storm->sent == BIDDERS * BIDS_EACH) {
            return 0;
        }
        request->who = storm->admin;
        if (storm->sent < storm->close_at) {
            request->method = "GET";
            request->path = fmt("/api/auctions/%lld/", storm->auction);
            return 1;
        }
        request->path = fmt("/api/auctions/admin/auctions/%lld/close/",
                            storm->auction);
        request->body = "{\"force\": true}";
        return 1;
    }
    if (storm->left[client] == 0) {
        return 0;
    }
    storm->left[client]--;
    storm->sent++;
    snprintf(storm->bodies[client], sizeof(storm->bodies[client]),
             "{\"amount\": \"%.2f\"}", storm->minimum + (double)(client % 7));
    request->path = lot_path(storm->auction, "bid/");
    request->who = storm->bidders[client];
    request->body = storm->bodies[client];
    return 1;
}

static void bid_done(void *context, int client, const reply_t *reply)
{
    storm_t *storm = context;
    json_t *minimum = json_object_get(reply->json, "minimum_bid");

    if (client == BIDDERS) {
        storm->closed += storm->sent >= storm->close_at
            && reply->status == 200;
        storm->others += reply->status != 200 && reply->status != 503;
        return;
    }
    storm->taken += reply->status == 201;
    if (reply->status == 503) { /* turned away before it was one */
        storm->left[client]++;
        storm->sent--;
    }
    else if (reply->status != 201 && reply->status != 409) {
        storm->others++;
    }
    if (json_is_string(minimum)) {
        storm->minimum = atof(json_string_value(minimum));
    }
}

/* What has to be true of every auction, whatever happened to it. */
static void is_sound(long long id)
{
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM (SELECT amount - lag(amount) OVER"
                " (ORDER BY id) AS step FROM ecs.bids WHERE auction_id = %lld"
                " AND kind <> 'RAISE') b WHERE step < 1", id), 0);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.bids b JOIN ecs.auctions a"
                " ON a.id = b.auction_id WHERE a.id = %lld AND"
                " b.created_at >= a.ended_at", id), 0);
    ck_assert(sql_true("SELECT current_price = max(b.amount) AND bids_count ="
                       " count(*) FROM ecs.auctions a JOIN ecs.bids b"
                       " ON b.auction_id = a.id WHERE a.id = %lld"
                       " GROUP BY a.id", id));
}

/* One order, of whom led when it ended, and its price is all that is held. */
static void is_sold_once(const storm_t *storm, const char *held_before)
{
    ck_assert(sql_true(
        "SELECT a.status = 'ENDED' AND a.result = 'SOLD' AND o.status ="
        " 'CREATED' AND o.buyer_id = a.leader_id AND o.total ="
        " a.current_price AND 1 = (SELECT count(*) FROM ecs.order_items i"
        " WHERE i.product_id = a.product_id) FROM ecs.auctions a JOIN"
        " ecs.orders o ON o.id = a.order_id WHERE a.id = %lld",
        storm->auction));
    ck_assert(sql_true(
        "SELECT sum(w.held) - %s = a.current_price FROM ecs.auctions a,"
        " ecs.wallets w WHERE a.id = %lld AND w.user_id BETWEEN %lld AND %lld"
        " GROUP BY a.current_price", held_before, storm->auction,
        storm->bidders[0]->id, storm->bidders[BIDDERS - 1]->id));
}

static const char *held_of(const storm_t *storm)
{
    return sql("SELECT sum(held) FROM ecs.wallets WHERE user_id BETWEEN %lld"
               " AND %lld", storm->bidders[0]->id,
               storm->bidders[BIDDERS - 1]->id);
}

static void play_round(storm_t *storm, int round)
{
    stream_t stream = { .clients = BIDDERS + 1, .seconds = STORM_SECONDS,
                        .next = next_bid, .done = bid_done,
                        .context = storm };
    const char *held = held_of(storm);
    int i;

    storm->auction = auction(person("seller", NULL), 1, "10.00", "10 seconds");
    storm->minimum = 10;
    storm->taken = storm->sent = storm->closed = 0;
    storm->close_at = BIDDERS * BIDS_EACH * (round % 4 + 1) / 5;
    for (i = 0; i < BIDDERS; i++) {
        storm->left[i] = BIDS_EACH;
    }
    http_stream(&stream);
    ck_assert_int_eq(storm->others, 0);
    ck_assert_int_gt(storm->closed, 1);
    ck_assert_int_gt(storm->taken, FEW);
    ck_assert_int_eq(storm->taken,
                     sql_int("SELECT count(*) FROM ecs.bids WHERE"
                             " auction_id = %lld", storm->auction));
    is_sound(storm->auction);
    is_sold_once(storm, held);
}

START_TEST(a_storm_of_bids_and_a_close)
{
    int rounds = is_slow() ? SLOW_ROUNDS : ROUNDS;
    storm_t storm = { .admin = person("admin", NULL) };
    long long locked = deadlocks();
    int i;

    for (i = 0; i < BIDDERS; i++) {
        storm.bidders[i] = person("user", "900000.00");
    }
    for (i = 0; i < rounds; i++) {
        play_round(&storm, i);
    }
    books_balance();
    ck_assert_int_eq(deadlocks(), locked);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_bid_holds_and_being_outbid_releases,
        a_maximum_bids_for_its_owner,
        a_maximum_that_meets_the_reserve_meets_it_at_once,
        bids_that_are_none,
        only_between_start_and_end,
        a_late_bid_moves_the_end,
        a_key_bids_once,
        random_histories_are_what_the_model_says,
        a_storm_of_bids_and_a_close,
        NULL,
    };

    return suite_run("bids", tests, 300);
}
