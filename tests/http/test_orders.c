/* SPDX-License-Identifier: MIT */
/*
 * test_orders.c - checkout, what becomes of an order, and who sees what of it
 * (api.md section 5). The proof of delivery is test_delivery's.
 */
#include "support.h"
#include "shop.h"

#define CHECKOUT "/api/orders/checkout/"

static const char *order_path(long long order, const char *action)
{
    return fmt("/api/orders/%lld/%s", order, action);
}

static long long orders_of(const actor_t *buyer)
{
    return sql_int("SELECT count(*) FROM ecs.orders WHERE buyer_id = %lld",
                   buyer->id);
}

/* --- checkout ------------------------------------------------------------ */

START_TEST(checkout_holds_the_money_and_takes_the_goods)
{
    actor_t *buyer = person("user", "100.00");
    actor_t *one = person("seller", NULL), *two = person("seller", NULL);
    long long lamp = product(one, "12.50", 10), rug = product(two, "40.00", 1);
    long long order;
    reply_t *r;

    add_to_cart(buyer, lamp, 2);
    add_to_cart(buyer, rug, 1);
    r = expect(post(buyer, CHECKOUT, "{\"expected_total\": \"65.00\"}"), 201);
    order = int_at(r, "id");
    ck_assert_str_eq(header(r, "Location") + strlen(header(r, "Location")) -
                         strlen(order_path(order, "")),
                     order_path(order, ""));
    same(r, "status", "CREATED");
    same(r, "subtotal", "65.00");
    same(r, "discount_total", "0.00");
    same(r, "total", "65.00");
    same(r, "held_amount", "65.00");
    same(r, "refunded_amount", "0.00");
    same(r, "location_address", "12 Straight Street");
    ck_assert_uint_eq(length_at(r, "items"), 2);
    ck_assert_int_eq((int)strlen(text_at(r, "order_number")), 19);
    wallet_is(buyer, "35.00 65.00");
    ck_assert_int_eq(stock(lamp), 8);
    ck_assert_int_eq(stock(rug), 0);
    ck_assert_uint_eq(length_at(get(buyer, "/api/cart/"), "items"), 0);
    ck_assert_int_eq(notified(buyer, "order_created"), 1);
    ck_assert_int_eq(notified(one, "seller_new_order"), 1);
    ck_assert_int_eq(notified(two, "seller_new_order"), 1);
    ck_assert(sql_true("SELECT count(*) = 1 AND sum(amount) = 65 FROM"
                       " ecs.transfers WHERE order_id = %lld"
                       " AND kind = 'ESCROW_HOLD'",
                       order));
    books_balance();
}
END_TEST

START_TEST(what_was_true_at_checkout_stays_in_the_order)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "10.00", 5);
    long long order = buy(buyer, id, 2);
    reply_t *r;

    sql("UPDATE ecs.products SET price = 99, name = 'Renamed' WHERE id = %lld",
        id);
    r = expect(get(buyer, order_path(order, "")), 200);
    same(r, "items.0.unit_price", "10.00");
    same(r, "items.0.line_total", "20.00");
    ck_assert_str_ne(text_at(r, "items.0.product_name"), "Renamed");
    ck_assert(sql_true("SELECT fee_percent = 4 FROM ecs.order_items"
                       " WHERE order_id = %lld",
                       order));
}
END_TEST

START_TEST(an_empty_cart_is_no_order)
{
    actor_t *buyer = person("user", "100.00");

    refused(post(buyer, CHECKOUT, NULL), 409, "empty_cart");
    ck_assert_int_eq(orders_of(buyer), 0);
}
END_TEST

START_TEST(goods_must_have_somewhere_to_go)
{
    actor_t *buyer = person("user", "100.00");

    sql("UPDATE ecs.profiles SET location_lat = NULL, location_lng = NULL"
        " WHERE user_id = %lld",
        buyer->id);
    add_to_cart(buyer, product(person("seller", NULL), "3.00", 1), 1);
    refused(post(buyer, CHECKOUT, NULL), 409, "location_required");
    ck_assert_int_eq(orders_of(buyer), 0);
    wallet_is(buyer, "100.00 0.00");
}
END_TEST

START_TEST(without_money_nothing_happens)
{
    actor_t *buyer = person("user", "9.99");
    long long id = product(person("seller", NULL), "5.00", 7);

    add_to_cart(buyer, id, 2);
    refused(post(buyer, CHECKOUT, NULL), 402, "insufficient_funds");
    wallet_is(buyer, "9.99 0.00");
    ck_assert_int_eq(stock(id), 7);
    ck_assert_int_eq(orders_of(buyer), 0);
    ck_assert_uint_eq(length_at(get(buyer, "/api/cart/"), "items"), 1);
}
END_TEST

START_TEST(all_short_lines_are_named_at_once)
{
    actor_t *buyer = person("user", "100.00"), *seller = person("seller", NULL);
    long long one = product(seller, "1.00", 5),
              two = product(seller, "1.00", 5);
    long long good = product(seller, "1.00", 5);
    reply_t *r;

    add_to_cart(buyer, one, 5);
    add_to_cart(buyer, two, 4);
    add_to_cart(buyer, good, 1);
    sql("UPDATE ecs.products SET quantity = 3 WHERE id IN (%lld, %lld)", one,
        two);
    r = refused(post(buyer, CHECKOUT, NULL), 409, "out_of_stock");
    ck_assert_uint_eq(length_at(r, "items"), 2);
    ck_assert_int_eq(stock(good), 5);
    wallet_is(buyer, "100.00 0.00");
}
END_TEST

START_TEST(goods_taken_off_sale_cannot_be_checked_out)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 5);

    add_to_cart(buyer, id, 1);
    sql("UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = %lld", id);
    ck_assert_int_eq(post(buyer, CHECKOUT, NULL)->status, 409);
    ck_assert_int_eq(orders_of(buyer), 0);
    ck_assert_int_eq(stock(id), 5);
}
END_TEST

START_TEST(a_price_that_moved_is_told_before_it_is_paid)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "10.00", 5);

    add_to_cart(buyer, id, 1);
    sql("UPDATE ecs.products SET price = 12 WHERE id = %lld", id);
    refused(post(buyer, CHECKOUT, "{\"expected_total\": \"10.00\"}"), 409,
            "price_changed");
    wallet_is(buyer, "100.00 0.00");
    expect(post(buyer, CHECKOUT, "{\"expected_total\": \"12.00\"}"), 201);
    wallet_is(buyer, "88.00 12.00");
}
END_TEST

START_TEST(the_last_units_warn_their_seller)
{
    actor_t *buyer = person("user", "100.00"), *seller = person("seller", NULL);

    buy(buyer, product(seller, "1.00", 20), 1);
    ck_assert_int_eq(notified(seller, "low_stock"), 0);
    buy(buyer, product(seller, "1.00", 6), 2);
    ck_assert_int_eq(notified(seller, "low_stock"), 1);
}
END_TEST

/* --- cancel, complete, refund -------------------------------------------- */

START_TEST(cancelling_gives_everything_back)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "10.00", 5);
    long long order = buy(buyer, id, 3);
    reply_t *r = expect(post(buyer, order_path(order, "cancel/"), NULL), 200);

    same(r, "status", "CANCELLED");
    same(r, "held_amount", "0.00");
    wallet_is(buyer, "100.00 0.00");
    ck_assert_int_eq(stock(id), 5);
    ck_assert_int_eq(notified(buyer, "order_cancelled"), 1);
    refused(post(buyer, order_path(order, "cancel/"), NULL), 409,
            "wrong_state");
    ck_assert_int_eq(stock(id), 5);
    books_balance();
}
END_TEST

START_TEST(a_shipped_order_cannot_be_cancelled)
{
    actor_t *buyer = person("user", "100.00");
    actor_t *courier = person("delivery", NULL);
    long long id = product(person("seller", NULL), "10.00", 5);
    long long order = buy(buyer, id, 1);

    claim(courier, order);
    expect(post(buyer, order_path(order, "cancel/"), NULL), 200);
    order = buy(buyer, id, 1);
    ship(courier, order);
    refused(post(buyer, order_path(order, "cancel/"), NULL), 409,
            "wrong_state");
    wallet_is(buyer, "90.00 10.00");
}
END_TEST

START_TEST(completion_pays_the_sellers_less_the_fee)
{
    actor_t *buyer = person("user", "100.00"), *seller = person("seller", NULL);
    const char *before = platform_balance();
    long long order = buy(buyer, product(seller, "33.33", 5), 1);
    reply_t *r;

    deliver(buyer, person("delivery", NULL), order);
    r = refused(post(buyer, order_path(order, "complete/"), NULL), 409,
                "too_early");
    ck_assert_ptr_nonnull(text_at(r, "available_at"));
    wallet_is(buyer, "66.67 33.33");
    pass("3 days 1 second");
    r = expect(post(buyer, order_path(order, "complete/"), NULL), 200);
    same(r, "status", "COMPLETED");
    same(r, "held_amount", "0.00");
    wallet_is(buyer, "66.67 0.00");
    wallet_is(seller, "32.00 0.00"); /* 33.33 - 1.33 */
    ck_assert_str_eq(sql("SELECT available - %s FROM ecs.wallets"
                         " WHERE kind = 'platform'",
                         before),
                     "1.33");
    ck_assert_int_eq(
        sql_int("SELECT points FROM ecs.users WHERE id = %lld", seller->id),
        3); /* one per 10 of 32.00 */
    ck_assert_int_eq(notified(seller, "seller_payment"), 1);
    refused(post(buyer, order_path(order, "complete/"), NULL), 409,
            "wrong_state");
    wallet_is(seller, "32.00 0.00");
    books_balance();
}
END_TEST

START_TEST(an_admin_may_complete_early_and_says_why)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    actor_t *seller = person("seller", NULL);
    long long order = buy(buyer, product(seller, "10.00", 5), 1);

    refused(
        post(admin, order_path(order, "complete/"), "{\"reason\": \"agreed\"}"),
        409, "wrong_state");
    deliver(buyer, person("delivery", NULL), order);
    invalid(post(admin, order_path(order, "complete/"), NULL), "reason");
    expect(post(admin, order_path(order, "complete/"),
                "{\"reason\": \"agreed by phone\"}"),
           200);
    wallet_is(seller, "9.60 0.00");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log WHERE"
                             " object_id = %lld AND actor_id = %lld",
                             order, admin->id),
                     1);
}
END_TEST

START_TEST(a_refund_goes_back_to_the_buyer)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    actor_t *seller = person("seller", NULL);
    long long order = buy(buyer, product(seller, "25.00", 5), 2);
    reply_t *r;

    r = expect(post(admin, order_path(order, "refund/"),
                    "{\"reason\": \"scratched\", \"amount\": \"10.00\"}"),
               200);
    same(r, "status", "CREATED");
    same(r, "held_amount", "40.00");
    same(r, "refunded_amount", "10.00");
    wallet_is(buyer, "60.00 40.00");
    expect_status(__FILE__, __LINE__,
                  post(admin, order_path(order, "refund/"),
                       "{\"reason\": \"x\", \"amount\": \"40.01\"}"),
                  400);
    r = expect(
        post(admin, order_path(order, "refund/"), "{\"reason\": \"lost\"}"),
        200);
    same(r, "status", "REFUNDED");
    wallet_is(buyer, "100.00 0.00");
    wallet_is(seller, "0.00 0.00");
    ck_assert_int_ge(notified(buyer, "order_refunded"), 1);
    refused(post(admin, order_path(order, "refund/"), "{\"reason\": \"x\"}"),
            409, "wrong_state");
    books_balance();
}
END_TEST

START_TEST(a_partial_refund_shrinks_what_the_seller_gets)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    actor_t *seller = person("seller", NULL);
    long long order = buy(buyer, product(seller, "50.00", 5), 1);

    expect(post(admin, order_path(order, "refund/"),
                "{\"reason\": \"late\", \"amount\": \"10.00\"}"),
           200);
    deliver(buyer, person("delivery", NULL), order);
    pass("4 days");
    expect(post(buyer, order_path(order, "complete/"), NULL), 200);
    wallet_is(buyer, "60.00 0.00");
    wallet_is(seller, "38.40 0.00"); /* 40.00 less 4 % */
    books_balance();
}
END_TEST

/* --- who sees what ------------------------------------------------------- */

START_TEST(the_history_tells_who_did_what)
{
    actor_t *buyer = person("user", "100.00");
    actor_t *courier = person("delivery", NULL);
    long long order = buy(buyer, product(person("seller", NULL), "1.00", 5), 1);
    reply_t *r;

    deliver(buyer, courier, order);
    r = expect(get(buyer, order_path(order, "")), 200);
    ck_assert_uint_eq(length_at(r, "history"), 4);
    same(r, "history.0.status", "CREATED");
    same(r, "history.1.status", "PROCESSING");
    same(r, "history.2.status", "SHIPPED");
    same(r, "history.3.status", "DELIVERED");
    same(r, "proof_method", "PIN");
    ck_assert_ptr_nonnull(text_at(r, "complete_after"));
}
END_TEST

START_TEST(a_seller_sees_the_own_lines_only)
{
    actor_t *buyer = person("user", "100.00");
    actor_t *one = person("seller", NULL), *two = person("seller", NULL);
    long long order;
    reply_t *r;

    add_to_cart(buyer, product(one, "10.00", 5), 1);
    add_to_cart(buyer, product(two, "20.00", 5), 2);
    order = checkout(buyer);
    r = expect(get(two, order_path(order, "")), 200);
    ck_assert_uint_eq(length_at(r, "items"), 1);
    same(r, "items.0.line_total", "40.00");
    same(r, "total", "40.00");
    r = expect(get(two, "/api/orders/?as=seller"), 200);
    same(r, "count", "1");
    ck_assert_uint_eq(length_at(r, "results.0.items"), 1);
    same(r, "results.0.total", "40.00");
    same(get(two, "/api/orders/"), "count", "0");
    same(get(buyer, "/api/orders/"), "count", "1");
    same(get(buyer, "/api/orders/?as=seller"), "count", "0");
}
END_TEST

START_TEST(orders_are_private)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    long long order = buy(buyer, product(person("seller", NULL), "1.00", 5), 1);
    const char *path = order_path(order, "");

    refused(get(person("user", NULL), path), 404, "not_found");
    refused(get(person("seller", NULL), path), 404, "not_found");
    refused(get(person("delivery", NULL), path), 404, "not_found");
    expect(get(admin, path), 200);
    refused(post(person("user", NULL), order_path(order, "cancel/"), NULL), 404,
            "not_found");
    ck_assert_str_eq(order_status(order), "CREATED");
}
END_TEST

START_TEST(orders_can_be_filtered)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50);
    long long first = buy(buyer, id, 1);
    reply_t *r;

    buy(buyer, id, 1);
    expect(post(buyer, order_path(first, "cancel/"), NULL), 200);
    r = expect(get(buyer, "/api/orders/?status=cancelled"), 200);
    same(r, "count", "1");
    ck_assert_int_eq(int_at(r, "results.0.id"), first);
    same(get(buyer, "/api/orders/?status=CREATED"), "count", "1");
    same(get(buyer, "/api/orders/?created_after=2100-01-01T00:00:00Z"), "count",
         "0");
    same(get(buyer, "/api/orders/?created_before=2100-01-01T00:00:00Z"),
         "count", "2");
    invalid(get(buyer, "/api/orders/?status=LOST"), "status");
    invalid(get(buyer, "/api/orders/?created_after=yesterday"),
            "created_after");
}
END_TEST

START_TEST(an_admin_finds_all_orders_and_the_overdue_ones)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    long long order = buy(buyer, product(person("seller", NULL), "1.00", 5), 1);
    reply_t *r = expect(get(admin, "/api/orders/admin/?page_size=1"), 200);

    ck_assert_int_eq(int_at(r, "results.0.id"), order);
    deliver(buyer, person("delivery", NULL), order);
    pass("3 days 1 second");
    r = expect(get(admin, "/api/orders/admin/overdue/?page_size=100"), 200);
    ck_assert(lists(r, order));
    refused(get(buyer, "/api/orders/admin/"), 403, "permission_denied");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        checkout_holds_the_money_and_takes_the_goods,
        what_was_true_at_checkout_stays_in_the_order,
        an_empty_cart_is_no_order,
        goods_must_have_somewhere_to_go,
        without_money_nothing_happens,
        all_short_lines_are_named_at_once,
        goods_taken_off_sale_cannot_be_checked_out,
        a_price_that_moved_is_told_before_it_is_paid,
        the_last_units_warn_their_seller,
        cancelling_gives_everything_back,
        a_shipped_order_cannot_be_cancelled,
        completion_pays_the_sellers_less_the_fee,
        an_admin_may_complete_early_and_says_why,
        a_refund_goes_back_to_the_buyer,
        a_partial_refund_shrinks_what_the_seller_gets,
        the_history_tells_who_did_what,
        a_seller_sees_the_own_lines_only,
        orders_are_private,
        orders_can_be_filtered,
        an_admin_finds_all_orders_and_the_overdue_ones,
        NULL};

    return suite_run("orders", tests, 20);
}
