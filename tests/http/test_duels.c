/* SPDX-License-Identifier: MIT */
/*
 * test_duels.c - two people want what only one can have, at the same moment,
 * fifty times over: one wins, the other is refused, and the money and the goods
 * are where the winner's answer says.
 *
 * Who wins is a matter of chance; the tests print it and rely on nothing.
 */
#include "shop.h"
#include "support.h"

#define ROUNDS 50
#define SECONDS 90 /* for one test */

/* At 12.50, of which a seller gets 12.00. */
static actor_t *buyer, *seller, *courier, *admin, *boss;
static long long goods;

/* New people for each round, so that their wallets tell what happened in it. */
static void people(void)
{
    buyer = person("user", "100.00");
    seller = person("seller", NULL);
    courier = person("delivery", NULL);
    if (admin == NULL) {
        admin = person("admin", NULL);
        boss = person("superadmin", NULL);
    }
    goods = product(seller, "12.50", 10);
}

static request_t doing(const actor_t *who, const char *method,
                       const char *path, const char *body)
{
    return (request_t){
        .method = method, .path = path, .body = body, .who = who};
}

/* Both at once, each first in every other round. */
static void fight(int round, request_t one, request_t two, reply_t **replies)
{
    request_t requests[2];
    reply_t *answers[2];
    int first = round % 2;

    requests[first] = one;
    requests[1 - first] = two;
    all_at_once(requests, answers, 2);
    replies[0] = answers[first];
    replies[1] = answers[1 - first];
}

/* Exactly one has the status of success; which? 0 or 1. */
static int winner(reply_t **replies, int one, int two)
{
    int first = replies[0]->status == one, second = replies[1]->status == two;

    ck_assert_msg(first + second == 1, "%s %d %s\n%s %d %s",
                  replies[0]->request.path, replies[0]->status,
                  replies[0]->body, replies[1]->request.path,
                  replies[1]->status, replies[1]->body);
    return second;
}

static void score(const char *name, const char *one, int ones,
                  const char *two)
{
    printf("duel: %s: %s %d, %s %d\n", name, one, ones, two, ROUNDS - ones);
    books_balance();
}

/* --- orders -------------------------------------------------------------- */

START_TEST(complete_against_return)
{
    reply_t *replies[2];
    int round, completed = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long order;

        people();
        order = order_in("DELIVERED", buyer, courier, goods, 1);
        fight(round,
              doing(admin, "POST", fmt("/api/orders/%lld/complete/", order),
                    "{\"reason\": \"Agreed\"}"),
              doing(buyer, "POST", "/api/returns/",
                    fmt("{\"order_item\": %lld, \"quantity\": 1, \"reason\":"
                        " \"It hums.\"}",
                        line_of(order))),
              replies);
        if (winner(replies, 200, 201) == 0) {
            completed++;
            refused(replies[1], 409, "wrong_state");
            wallet_is(seller, "12.00 0.00");
            wallet_is(buyer, "87.50 0.00");
            continue;
        }
        refused(replies[0], 409, "return_open");
        wallet_is(seller, "0.00 0.00");
        wallet_is(buyer, "87.50 12.50");
        ck_assert_str_eq(order_status(order), "DELIVERED");
    }
    score("complete against return", "completed", completed, "returned");
}
END_TEST

/* A claimed order can be cancelled, too: the order ends in any case, and the
 * claim counts if it came first. */
START_TEST(cancel_against_claim)
{
    reply_t *replies[2];
    int round, claimed = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long order;

        people();
        order = order_in("CREATED", buyer, courier, goods, 1);
        fight(round,
              doing(courier, "POST",
                    fmt("/api/delivery/orders/%lld/claim/", order), NULL),
              doing(buyer, "POST", fmt("/api/orders/%lld/cancel/", order),
                    NULL),
              replies);
        expect(replies[1], 200);
        if (replies[0]->status == 200) {
            claimed++;
            ck_assert_int_eq(notified(courier, "order_cancelled"), 1);
        }
        else {
            refused(replies[0], 409, "wrong_state");
            ck_assert_int_eq(notified(courier, "order_cancelled"), 0);
        }
        ck_assert_str_eq(order_status(order), "CANCELLED");
        wallet_is(buyer, "100.00 0.00");
        ck_assert_int_eq(stock(goods), 10);
        ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.transfers"
                                 " WHERE order_id = %lld",
                                 order),
                         2);
    }
    score("cancel against claim", "claimed before", claimed, "after");
}
END_TEST

START_TEST(cancel_against_shipping)
{
    reply_t *replies[2];
    int round, shipped = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long order;

        people();
        order = order_in("PROCESSING", buyer, courier, goods, 1);
        fight(round,
              doing(courier, "POST",
                    fmt("/api/delivery/orders/%lld/advance/", order), NULL),
              doing(buyer, "POST", fmt("/api/orders/%lld/cancel/", order),
                    NULL),
              replies);
        if (winner(replies, 200, 200) == 0) {
            shipped++;
            refused(replies[1], 409, "wrong_state");
            ck_assert_str_eq(order_status(order), "SHIPPED");
            wallet_is(buyer, "87.50 12.50");
            ck_assert_int_eq(stock(goods), 9);
            continue;
        }
        refused(replies[0], 409, "wrong_state");
        ck_assert_str_eq(order_status(order), "CANCELLED");
        wallet_is(buyer, "100.00 0.00");
        ck_assert_int_eq(stock(goods), 10);
    }
    score("cancel against shipping", "shipped", shipped, "cancelled");
}
END_TEST

START_TEST(refund_against_complete)
{
    reply_t *replies[2];
    int round, refunded = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long order;

        people();
        order = order_in("DELIVERED", buyer, courier, goods, 1);
        fight(round,
              doing(admin, "POST", fmt("/api/orders/%lld/refund/", order),
                    "{\"reason\": \"Broken\"}"),
              doing(boss, "POST", fmt("/api/orders/%lld/complete/", order),
                    "{\"reason\": \"Agreed\"}"),
              replies);
        if (winner(replies, 200, 200) == 0) {
            refunded++;
            refused(replies[1], 409, "wrong_state");
            wallet_is(seller, "0.00 0.00");
            wallet_is(buyer, "100.00 0.00");
            ck_assert_int_eq(notified(seller, "seller_payment"), 0);
            continue;
        }
        refused(replies[0], 409, "wrong_state");
        wallet_is(seller, "12.00 0.00");
        wallet_is(buyer, "87.50 0.00");
        ck_assert_int_eq(notified(buyer, "order_refunded"), 0);
    }
    score("refund against complete", "refunded", refunded, "completed");
}
END_TEST

/* --- returns ------------------------------------------------------------- */

/* A return of one of two units that were delivered. */
static long long a_return(void)
{
    people();
    return ask_back(buyer, order_in("DELIVERED", buyer, courier, goods, 2),
                    1);
}

START_TEST(two_admins_decide_one_return)
{
    reply_t *replies[2];
    int round, first = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long sent_back = a_return();
        const char *path = fmt("/api/returns/%lld/update/", sent_back);
        int rejects = round % 4 < 2; /* the other one, or accepts for less */

        inspect(courier, sent_back, 1, "NEW");
        fight(round,
              doing(admin, "PATCH", path, "{\"status\": \"APPROVED\"}"),
              doing(boss, "PATCH", path,
                    rejects ? "{\"status\": \"REJECTED\"}"
                            : "{\"status\": \"APPROVED\","
                              " \"refund_amount\": \"2.50\"}"),
              replies);
        if (winner(replies, 200, 200) == 0) {
            first++;
            refused(replies[1], 409, "wrong_state");
            wallet_is(buyer, "87.50 12.50");
        }
        else {
            refused(replies[0], 409, "wrong_state");
            wallet_is(buyer, rejects ? "75.00 25.00" : "77.50 22.50");
        }
        ck_assert_int_eq(stock(goods),
                         8 + (replies[0]->status == 200 || !rejects));
        ck_assert_int_eq(notified(buyer, "return_approved") +
                             notified(buyer, "return_rejected"),
                         1);
    }
    score("two admins decide one return", "one", first, "the other");
}
END_TEST

START_TEST(taking_back_against_inspection)
{
    reply_t *replies[2];
    int round, cancelled = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long sent_back = a_return();

        fight(round,
              doing(buyer, "DELETE", fmt("/api/returns/%lld/", sent_back),
                    NULL),
              doing(courier, "POST",
                    fmt("/api/returns/%lld/process-statuses/", sent_back),
                    "{\"items\": [{\"condition\": \"USED\","
                    " \"quantity\": 1}]}"),
              replies);
        if (winner(replies, 204, 200) == 0) {
            cancelled++;
            ck_assert_str_eq(return_status(sent_back), "CANCELLED");
            /* The courier does not see it any more, or sees it cancelled. */
            ck_assert(replies[1]->status == 404 || replies[1]->status == 409);
            continue;
        }
        refused(replies[0], 409, "wrong_state");
        ck_assert_str_eq(return_status(sent_back), "UNDER_INSPECTION");
    }
    score("taking back against inspection", "taken back", cancelled,
          "inspected");
}
END_TEST

/* Both may succeed; the refund of the return is of what is left then. */
START_TEST(partial_refund_against_decision)
{
    reply_t *replies[2];
    int round, before = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long sent_back = a_return();
        long long order =
            sql_int("SELECT order_id FROM ecs.returns WHERE id = %lld",
                    sent_back);

        inspect(courier, sent_back, 1, "DAMAGED");
        fight(round,
              doing(admin, "POST", fmt("/api/orders/%lld/refund/", order),
                    "{\"reason\": \"Late\", \"amount\": \"5.00\"}"),
              doing(boss, "PATCH", fmt("/api/returns/%lld/update/", sent_back),
                    "{\"status\": \"APPROVED\"}"),
              replies);
        expect(replies[0], 200);
        expect(replies[1], 200);
        if (strcmp(text_at(replies[1], "refund_amount"), "10.00") == 0) {
            before++;
            wallet_is(buyer, "90.00 10.00");
            continue;
        }
        same(replies[1], "refund_amount", "12.50");
        wallet_is(buyer, "92.50 7.50");
    }
    score("partial refund against decision", "before", before, "after");
}
END_TEST

/* Units are sold again once. */
START_TEST(one_unit_is_decided_once)
{
    reply_t *replies[2];
    int round, resold = 0;

    for (round = 0; round < ROUNDS; round++) {
        long long sent_back = a_return(), products;
        const char *path;

        inspect(courier, sent_back, 1, "USED");
        expect(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 200);
        path = fmt("/api/returns/units/%lld/decide/",
                   sql_int("SELECT id FROM ecs.return_units"
                           " WHERE return_id = %lld",
                           sent_back));
        fight(round,
              doing(seller, "POST", path,
                    "{\"action\": \"resell\", \"discount_percentage\": 10}"),
              doing(another_session(seller), "POST", path,
                    round % 4 < 2 ? "{\"action\": \"discard\"}"
                                  : "{\"action\": \"resell\","
                                    " \"discount_percentage\": 20}"),
              replies);
        resold += winner(replies, 200, 200) == 0;
        products = sql_int("SELECT count(*) FROM ecs.products"
                           " WHERE seller_id = %lld",
                           seller->id);
        ck_assert_int_eq(products,
                         replies[0]->status == 200 || round % 4 >= 2 ? 2 : 1);
    }
    score("one unit is decided once", "one", resold, "the other");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {complete_against_return,
                                  cancel_against_claim,
                                  cancel_against_shipping,
                                  refund_against_complete,
                                  two_admins_decide_one_return,
                                  taking_back_against_inspection,
                                  partial_refund_against_decision,
                                  one_unit_is_decided_once,
                                  NULL};

    return suite_run("duels", tests, SECONDS);
}
