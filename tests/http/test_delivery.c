/* SPDX-License-Identifier: MIT */
/*
 * test_delivery.c - couriers, and the proof that an order arrived (api.md
 * sections 5 and 8).
 */
#include <stdlib.h>
#include "support.h"
#include "shop.h"

static const char *delivery(long long order, const char *action)
{
    return fmt("/api/delivery/orders/%lld/%s", order, action);
}

static const char *proof(long long order, const char *action)
{
    return fmt("/api/orders/%lld/proof/%s", order, action);
}

static const char *pin(const char *digits)
{
    return fmt("{\"pin\": \"%s\"}", digits);
}

/* An order of a rich buyer for one cheap thing. */
static long long an_order(const actor_t *buyer)
{
    return buy(buyer, product(person("seller", NULL), "5.00", 10), 1);
}

/* --- claiming ------------------------------------------------------------ */

/* An order among those that wait, NULL when it is not there. The oldest come
 * first, so a new one is on the last page. */
static json_t *waiting(const actor_t *courier, long long order)
{
    const char *path = "/api/delivery/orders/available/?page_size=100&cursor=";
    json_t *one;
    size_t i;

    while (path != NULL) {
        reply_t *r = expect(get(courier, path), 200);

        json_array_foreach(at(r, "results"), i, one)
        {
            if (json_integer_value(json_at(one, "id")) == order) {
                return one;
            }
        }
        path = json_is_null(at(r, "next"))
                   ? NULL
                   : text_at(r, "next") + strlen(http_base());
    }
    return NULL;
}

START_TEST(an_order_waits_for_a_courier)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    json_t *found = waiting(courier, order);
    const char *text = json_dumps(found, 0);

    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(json_string_value(json_at(found, "city")), "Damascus");
    ck_assert_ptr_null(strstr(text, "Straight Street"));
    ck_assert_ptr_null(strstr(text, buyer->username));
    same(expect(post(courier, delivery(order, "claim/"), NULL), 200), "status",
         "PROCESSING");
    ck_assert_ptr_null(waiting(person("delivery", NULL), order));
    ck_assert_int_eq(notified(buyer, "order_claimed"), 1);
}
END_TEST

START_TEST(a_courier_knows_where_to_go)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    reply_t *r;

    refused(get(courier, delivery(order, "")), 404, "not_found");
    claim(courier, order);
    r = expect(get(courier, delivery(order, "")), 200);
    same(r, "location_address", "12 Straight Street");
    ck_assert_ptr_null(strstr(r->body, buyer->email));
    ck_assert(lists(get(courier, "/api/delivery/orders/mine/"), order));
    refused(get(person("delivery", NULL), delivery(order, "")), 404,
            "not_found");
}
END_TEST

START_TEST(an_order_is_claimed_once)
{
    actor_t *one = person("delivery", NULL), *two = person("delivery", NULL);
    long long order = an_order(person("user", "50.00"));

    claim(one, order);
    refused(post(two, delivery(order, "claim/"), NULL), 409, "already_claimed");
    refused(post(two, delivery(999999999, "claim/"), NULL), 404, "not_found");
    ck_assert_int_eq(
        sql_int("SELECT courier_id FROM ecs.orders WHERE id = %lld", order),
        one->id);
}
END_TEST

START_TEST(five_at_a_time_are_enough)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long id = product(person("seller", NULL), "1.00", 10), order = 0;
    int i;

    for (i = 0; i < 5; i++) {
        order = buy(buyer, id, 1);
        claim(courier, order);
    }
    refused(post(courier, delivery(buy(buyer, id, 1), "claim/"), NULL), 409,
            "too_many_active");
    expect(post(courier, delivery(order, "release/"),
                "{\"reason\": \"flat tyre\"}"),
           200);
    claim(courier, buy(buyer, id, 1));
}
END_TEST

START_TEST(a_released_order_is_free_again)
{
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(person("user", "50.00"));
    reply_t *r;

    claim(courier, order);
    invalid(post(courier, delivery(order, "release/"), NULL), "reason");
    r = expect(post(courier, delivery(order, "release/"),
                    "{\"reason\": \"flat tyre\"}"),
               200);
    same(r, "status", "CREATED");
    ck_assert_str_eq(order_status(order), "CREATED");
    ship(person("delivery", NULL), order);
    refused(
        post(courier, delivery(order, "release/"), "{\"reason\": \"again\"}"),
        404, "not_found");
}
END_TEST

START_TEST(a_failed_attempt_is_written_down)
{
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(person("user", "50.00"));

    ship(courier, order);
    invalid(post(courier, delivery(order, "attempt/"), "{}"), "reason");
    ck_assert_int_lt(post(courier, delivery(order, "attempt/"),
                          "{\"reason\": \"nobody at home\"}")
                         ->status,
                     300);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.delivery_attempts"
                             " WHERE order_id = %lld"
                             " AND reason = 'nobody at home'",
                             order),
                     1);
    ck_assert_str_eq(order_status(order), "SHIPPED");
}
END_TEST

/* --- the proof ----------------------------------------------------------- */

START_TEST(there_is_a_proof_while_it_is_on_its_way)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    reply_t *r;

    refused(get(buyer, proof(order, "")), 409, "wrong_state");
    ship(courier, order);
    r = expect(get(buyer, proof(order, "")), 200);
    ck_assert_uint_eq(strspn(text_at(r, "pin"), "0123456789"), 6);
    ck_assert_uint_eq(strlen(text_at(r, "token")), 32);
    same(r, "attempts_left", "5");
    ck_assert_ptr_nonnull(text_at(r, "expires_at"));
    ck_assert_int_eq(strncmp(text_at(r, "qr"), "data:image/png;base64,", 22),
                     0);
    ck_assert_str_eq(header(r, "Cache-Control"), "private, no-store");
    ck_assert_str_eq(pin_of(buyer, order), text_at(r, "pin"));
    refused(get(courier, proof(order, "")), 403, "permission_denied");
    refused(get(person("user", NULL), proof(order, "")), 404, "not_found");
    ck_assert_int_eq(notified(buyer, "order_shipped"), 1);
}
END_TEST

START_TEST(the_proof_is_a_picture_too)
{
    actor_t *buyer = person("user", "50.00");
    long long order = an_order(buyer);
    reply_t *r;

    ship(person("delivery", NULL), order);
    r = expect(http(.method = "GET", .path = proof(order, ""), .who = buyer,
                    .headers = {"Accept: image/png"}),
               200);
    ck_assert_str_eq(header(r, "Content-Type"), "image/png");
    ck_assert_int_eq(memcmp(r->body, "\x89PNG\r\n\x1a\n", 8), 0);
    r = expect(http(.method = "GET", .path = proof(order, ""), .who = buyer,
                    .headers = {"Accept: image/svg+xml"}),
               200);
    ck_assert_int_eq(strncmp(header(r, "Content-Type"), "image/svg+xml", 13),
                     0);
    ck_assert_ptr_nonnull(strstr(r->body, "<svg"));
}
END_TEST

START_TEST(the_database_does_not_know_pin_and_token)
{
    actor_t *buyer = person("user", "50.00");
    long long order = an_order(buyer);
    const char *row;
    reply_t *r;

    ship(person("delivery", NULL), order);
    r = expect(get(buyer, proof(order, "")), 200);
    row = sql("SELECT p::text FROM ecs.delivery_proofs p WHERE order_id = %lld",
              order);
    ck_assert_ptr_null(strstr(row, text_at(r, "token")));
    ck_assert_ptr_null(strstr(row, fmt(",%s,", text_at(r, "pin"))));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.notifications n WHERE"
                             " n::text LIKE '%%%s%%'",
                             text_at(r, "token")),
                     0);
}
END_TEST

START_TEST(the_token_delivers_as_the_pin_does)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    const char *token;
    reply_t *r;

    ship(courier, order);
    token = text_at(expect(get(buyer, proof(order, "")), 200), "token");
    r = expect(post(courier, proof(order, "confirm/"),
                    fmt("{\"token\": \"%s\", \"lat\": 33.5, \"lng\": 36.2,"
                        " \"note\": \"with the neighbour\"}",
                        token)),
               200);
    same(r, "status", "DELIVERED");
    same(r, "proof_method", "TOKEN");
    ck_assert(sql_true("SELECT confirmed_lat = 33.5 AND note IS NOT NULL"
                       " FROM ecs.delivery_proofs WHERE order_id = %lld",
                       order));
    ck_assert_int_eq(notified(buyer, "order_delivered"), 1);
    ck_assert(lists(get(courier, "/api/delivery/orders/history/"), order));
    ck_assert(!lists(get(courier, "/api/delivery/orders/mine/"), order));
}
END_TEST

START_TEST(advance_delivers_with_a_pin)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);

    ship(courier, order);
    ck_assert_int_eq(post(courier, delivery(order, "advance/"), NULL)->status,
                     400);
    refused(post(courier, delivery(order, "advance/"),
                 pin(wrong_pin(pin_of(buyer, order)))),
            400, "wrong_proof");
    same(expect(post(courier, delivery(order, "advance/"),
                     pin(pin_of(buyer, order))),
                200),
         "status", "DELIVERED");
    refused(post(courier, delivery(order, "advance/"), NULL), 409,
            "wrong_state");
}
END_TEST

START_TEST(five_wrong_tries_lock_it_until_it_is_renewed)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    const char *good;
    int left;

    ship(courier, order);
    good = pin_of(buyer, order);
    for (left = 4; left >= 0; left--) {
        same(refused(
                 post(courier, proof(order, "confirm/"), pin(wrong_pin(good))),
                 400, "wrong_proof"),
             "attempts_left", fmt("%d", left));
    }
    refused(post(courier, proof(order, "confirm/"), pin(good)), 423,
            "proof_locked");
    ck_assert_str_eq(order_status(order), "SHIPPED");
    same(expect(post(buyer, proof(order, "renew/"), NULL), 200),
         "attempts_left", "5");
    ck_assert_str_ne(pin_of(buyer, order), good);
    expect(post(courier, proof(order, "confirm/"), pin(pin_of(buyer, order))),
           200);
}
END_TEST

START_TEST(an_expired_proof_is_renewed_five_times_a_day)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer);
    reply_t *r;
    int i;

    ship(courier, order);
    pass("24 hours 1 second");
    refused(post(courier, proof(order, "confirm/"), pin(pin_of(buyer, order))),
            409, "proof_expired");
    for (i = 0; i < 5; i++) {
        expect(post(buyer, proof(order, "renew/"), NULL), 200);
    }
    r = refused(post(buyer, proof(order, "renew/"), NULL), 429,
                "too_many_renewals");
    ck_assert_int_gt(atoi(header(r, "Retry-After")), 0);
    expect(post(courier, proof(order, "confirm/"), pin(pin_of(buyer, order))),
           200);
}
END_TEST

START_TEST(only_its_courier_delivers_an_order)
{
    actor_t *buyer = person("user", "50.00");
    actor_t *courier = person("delivery", NULL);
    long long order = an_order(buyer), other = an_order(buyer);

    ship(courier, order);
    refused(post(person("delivery", NULL), proof(order, "confirm/"),
                 pin(pin_of(buyer, order))),
            404, "not_found");
    /* A PIN is good for its own order only. */
    ship(courier, other);
    if (strcmp(pin_of(buyer, other), pin_of(buyer, order)) != 0) {
        refused(
            post(courier, proof(order, "confirm/"), pin(pin_of(buyer, other))),
            400, "wrong_proof");
    }
    ck_assert_int_eq(post(courier, proof(order, "confirm/"), "{}")->status,
                     400);
    ck_assert_str_eq(order_status(order), "SHIPPED");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_order_waits_for_a_courier,
                                  a_courier_knows_where_to_go,
                                  an_order_is_claimed_once,
                                  five_at_a_time_are_enough,
                                  a_released_order_is_free_again,
                                  a_failed_attempt_is_written_down,
                                  there_is_a_proof_while_it_is_on_its_way,
                                  the_proof_is_a_picture_too,
                                  the_database_does_not_know_pin_and_token,
                                  the_token_delivers_as_the_pin_does,
                                  advance_delivers_with_a_pin,
                                  five_wrong_tries_lock_it_until_it_is_renewed,
                                  an_expired_proof_is_renewed_five_times_a_day,
                                  only_its_courier_delivers_an_order,
                                  NULL};

    return suite_run("delivery", tests, 20);
}
