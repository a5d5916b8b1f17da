/* SPDX-License-Identifier: MIT */
/*
 * test_idempotency.c - Idempotency-Key: a request that is repeated because its
 * answer was lost has one effect (api.md, Conventions).
 */
#include "support.h"
#include "shop.h"

#define CHECKOUT "/api/orders/checkout/"
#define TRANSFER "/api/wallet/transfer/"
#define PARALLEL 20

static long long orders_of(const actor_t *buyer)
{
    return sql_int("SELECT count(*) FROM ecs.orders WHERE buyer_id = %lld",
                   buyer->id);
}

/* A buyer with money and something in the cart. */
static actor_t *ready_to_buy(void)
{
    actor_t *buyer = person("user", "100.00");

    add_to_cart(buyer, product(person("seller", NULL), "10.00", 50), 1);
    return buyer;
}

START_TEST(a_repeated_request_gets_the_same_answer)
{
    actor_t *buyer = ready_to_buy();
    const char *key = unique("key");
    reply_t *first = expect(post_keyed(buyer, CHECKOUT, NULL, key), 201);
    reply_t *second = expect(post_keyed(buyer, CHECKOUT, NULL, key), 201);

    ck_assert_ptr_null(header(first, "Idempotent-Replayed"));
    ck_assert_str_eq(header(second, "Idempotent-Replayed"), "true");
    ck_assert_str_eq(first->body, second->body);
    ck_assert_str_eq(header(first, "Location"), header(second, "Location"));
    ck_assert_int_eq(orders_of(buyer), 1);
    wallet_is(buyer, "90.00 10.00");
    books_balance();
}
END_TEST

START_TEST(a_new_key_is_a_new_request)
{
    actor_t *from = person("user", "100.00"), *to = person("user", NULL);
    const char *body =
        fmt("{\"recipient\": \"%s\", \"amount\": \"10.00\"}", to->email);

    expect(post_keyed(from, TRANSFER, body, unique("key")), 201);
    expect(post_keyed(from, TRANSFER, body, unique("key")), 201);
    wallet_is(to, "20.00 0.00");
}
END_TEST

START_TEST(a_key_is_for_one_request)
{
    actor_t *from = person("user", "100.00"), *to = person("user", NULL);
    const char *key = unique("key");
    const char *body =
        fmt("{\"recipient\": \"%s\", \"amount\": \"10.00\"}", to->email);

    expect(post_keyed(from, TRANSFER, body, key), 201);
    refused(post_keyed(from, TRANSFER,
                       fmt("{\"recipient\": \"%s\", \"amount\": \"11.00\"}",
                           to->email),
                       key),
            422, "idempotency_key_reused");
    refused(post_keyed(from, CHECKOUT, NULL, key), 422,
            "idempotency_key_reused");
    wallet_is(to, "10.00 0.00");
}
END_TEST

START_TEST(a_refused_request_leaves_nothing_and_may_be_repeated)
{
    actor_t *from = person("user", NULL), *to = person("user", NULL);
    const char *key = unique("key");
    const char *body =
        fmt("{\"recipient\": \"%s\", \"amount\": \"10.00\"}", to->email);
    reply_t *r;

    refused(post_keyed(from, TRANSFER, body, key), 402, "insufficient_funds");
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.idempotency_keys WHERE key = '%s'",
                key),
        0);
    sql("SELECT ecs.transfer(ecs.system_account('outside'),"
        " ecs.available(%lld), 50, 'DEPOSIT', p_reference => '%s')",
        from->id, key);
    r = expect(post_keyed(from, TRANSFER, body, key), 201);
    ck_assert_ptr_null(header(r, "Idempotent-Replayed"));
    r = expect(post_keyed(from, TRANSFER, body, key), 201);
    ck_assert_str_eq(header(r, "Idempotent-Replayed"), "true");
    wallet_is(to, "10.00 0.00");
}
END_TEST

START_TEST(a_key_belongs_to_its_caller)
{
    actor_t *one = ready_to_buy(), *two = ready_to_buy();
    const char *key = unique("key");

    expect(post_keyed(one, CHECKOUT, NULL, key), 201);
    ck_assert_ptr_null(header(expect(post_keyed(two, CHECKOUT, NULL, key), 201),
                              "Idempotent-Replayed"));
    ck_assert_int_eq(orders_of(one), 1);
    ck_assert_int_eq(orders_of(two), 1);
}
END_TEST

START_TEST(a_key_lasts_a_day)
{
    actor_t *buyer = ready_to_buy();
    const char *key = unique("key");

    expect(post_keyed(buyer, CHECKOUT, NULL, key), 201);
    pass("23 hours");
    expect(post_keyed(buyer, CHECKOUT, NULL, key), 201);
    ck_assert_int_eq(orders_of(buyer), 1);
    pass("2 hours");
    refused(post_keyed(buyer, CHECKOUT, NULL, key), 409, "empty_cart");
}
END_TEST

START_TEST(twenty_at_once_have_one_effect)
{
    actor_t *buyer = ready_to_buy();
    const char *line = fmt("Idempotency-Key: %s", unique("key"));
    request_t requests[PARALLEL];
    reply_t *replies[PARALLEL];
    int i, made = 0, replayed = 0, running = 0;

    for (i = 0; i < PARALLEL; i++) {
        requests[i] = (request_t){.method = "POST",
                                  .path = CHECKOUT,
                                  .who = buyer,
                                  .headers = {line}};
    }
    http_parallel(requests, replies, PARALLEL);
    for (i = 0; i < PARALLEL; i++) {
        if (replies[i]->status == 409) {
            refused(replies[i], 409, "request_in_progress");
            running++;
        }
        else {
            expect(replies[i], 201);
            made += header(replies[i], "Idempotent-Replayed") == NULL;
            replayed += header(replies[i], "Idempotent-Replayed") != NULL;
        }
    }
    ck_assert_int_eq(made, 1);
    ck_assert_int_eq(made + replayed + running, PARALLEL);
    ck_assert_int_eq(orders_of(buyer), 1);
    wallet_is(buyer, "90.00 10.00");
}
END_TEST

START_TEST(while_the_first_is_running_the_second_is_told)
{
    actor_t *buyer = ready_to_buy();
    const char *key = unique("key");

    /* The claim of a first request that takes its time. */
    sql("SELECT pg_advisory_lock(hashtextextended('user:%lld' || E'\\n'"
        " || '%s', 17))",
        buyer->id, key);
    refused(post_keyed(buyer, CHECKOUT, NULL, key), 409, "request_in_progress");
    sql("SELECT pg_advisory_unlock_all()");
    expect(post_keyed(buyer, CHECKOUT, NULL, key), 201);
}
END_TEST

START_TEST(keys_have_a_form)
{
    actor_t *buyer = ready_to_buy();
    char *longest = grab(256), *too_long = grab(257);

    memset(longest, 'k', 255);
    memset(too_long, 'k', 256);
    expect(post_keyed(buyer, CHECKOUT, NULL, too_long), 400);
    expect(post_keyed(buyer, CHECKOUT, NULL, "two words"), 400);
    expect(post_keyed(buyer, CHECKOUT, NULL, "k\xc3\xa4se"), 400);
    ck_assert_int_eq(orders_of(buyer), 0);
    expect(post_keyed(buyer, CHECKOUT, NULL, longest), 201);
}
END_TEST

START_TEST(every_writing_method_honours_keys)
{
    actor_t *buyer = ready_to_buy();
    const char *line = fmt("Idempotency-Key: %s", unique("key"));
    const char *path =
        fmt("/api/cart/items/%lld/",
            sql_int("SELECT id FROM ecs.cart_items WHERE user_id = %lld",
                    buyer->id));
    reply_t *r;
    int i;

    for (i = 0; i < 2; i++) {
        r = expect(http(.method = "PATCH", .path = path, .who = buyer,
                        .body = "{\"quantity\": 3}", .headers = {line}),
                   200);
        ck_assert_int_eq(header(r, "Idempotent-Replayed") != NULL, i);
    }
    line = fmt("Idempotency-Key: %s", unique("key"));
    for (i = 0; i < 2; i++) {
        r = expect(http(.method = "DELETE", .path = path, .who = buyer,
                        .headers = {line}),
                   204);
        ck_assert_int_eq(header(r, "Idempotent-Replayed") != NULL, i);
    }
}
END_TEST

START_TEST(anybody_may_use_keys)
{
    const char *key = unique("key"), *name = unique("new");
    const char *body = fmt("{\"email\": \"%s@example.com\", \"username\":"
                           " \"%s\", \"password\": \"%s\"}",
                           name, name, PASSWORD);
    reply_t *first =
        expect(post_keyed(NULL, "/api/accounts/register/", body, key), 201);
    reply_t *second =
        expect(post_keyed(NULL, "/api/accounts/register/", body, key), 201);

    ck_assert_str_eq(first->body, second->body);
    ck_assert_str_eq(header(second, "Idempotent-Replayed"), "true");
}
END_TEST

START_TEST(answers_with_tokens_are_not_kept)
{
    actor_t *who = person("user", NULL);
    const char *key = unique("key");
    const char *body =
        fmt("{\"email\": \"%s\", \"password\": \"%s\"}", who->email, PASSWORD);
    reply_t *one =
        expect(post_keyed(NULL, "/api/accounts/token/", body, key), 200);
    reply_t *two =
        expect(post_keyed(NULL, "/api/accounts/token/", body, key), 200);

    ck_assert_str_ne(text_at(one, "refresh"), text_at(two, "refresh"));
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.idempotency_keys WHERE key = '%s'",
                key),
        0);
}
END_TEST

START_TEST(a_counted_try_counts_under_a_key_too)
{
    actor_t *buyer = ready_to_buy(), *courier = person("delivery", NULL);
    long long order = checkout(buyer);
    const char *path = fmt("/api/orders/%lld/proof/confirm/", order);
    const char *key = unique("key"), *body;

    ship(courier, order);
    body = fmt("{\"pin\": \"%s\"}", wrong_pin(pin_of(buyer, order)));
    same(refused(post_keyed(courier, path, body, key), 400, "wrong_proof"),
         "attempts_left", "4");
    same(refused(post_keyed(courier, path, body, key), 400, "wrong_proof"),
         "attempts_left", "3");
    same(get(buyer, fmt("/api/orders/%lld/proof/", order)), "attempts_left",
         "3");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_repeated_request_gets_the_same_answer,
        a_new_key_is_a_new_request,
        a_key_is_for_one_request,
        a_refused_request_leaves_nothing_and_may_be_repeated,
        a_key_belongs_to_its_caller,
        a_key_lasts_a_day,
        twenty_at_once_have_one_effect,
        while_the_first_is_running_the_second_is_told,
        keys_have_a_form,
        every_writing_method_honours_keys,
        anybody_may_use_keys,
        answers_with_tokens_are_not_kept,
        a_counted_try_counts_under_a_key_too,
        NULL};

    return suite_run("idempotency", tests, 20);
}
