/* SPDX-License-Identifier: MIT */
/*
 * test_returns.c - goods that come back over HTTP (api.md section 9): asked
 * for, shown, looked at, decided, and what it does to money, stock, points and
 * the order. Every sum and every edge is in tests/sql/returns.sql.
 */
#include <stdlib.h>
#include "pictures.h"
#include "shop.h"
#include "support.h"

static actor_t *buyer, *seller, *courier, *admin;
static long long goods; /* at 12.50 */

static void people(void)
{
    buyer = person("user", "100.00");
    seller = person("seller", NULL);
    courier = person("delivery", NULL);
    admin = person("admin", NULL);
    goods = product(seller, "12.50", 10);
}

static const char *about(long long sent_back, const char *action)
{
    return fmt("/api/returns/%lld/%s", sent_back, action);
}

static const char *asking(long long order, const char *rest)
{
    return fmt("{\"order_item\": %lld, %s}", line_of(order), rest);
}

/* --- the main job -------------------------------------------------------- */

START_TEST(a_lamp_comes_back)
{
    long long order, sent_back;
    reply_t *r;

    people();
    order = delivered(buyer, courier, goods, 3);
    wallet_is(buyer, "62.50 37.50");
    r = expect(post(buyer, "/api/returns/",
                    asking(order, "\"quantity\": 2, \"reason\": \"Hums.\"")),
               201);
    sent_back = int_at(r, "id");
    ck_assert_str_eq(header(r, "Location"), about(sent_back, ""));
    same(r, "status", "REQUESTED");
    same(r, "product_name", sql("SELECT name FROM ecs.products WHERE id = %lld",
                                goods));
    same(r, "seller.username", seller->username);
    ck_assert_int_eq(notified(seller, "return_requested"), 1);
    ck_assert_int_eq(notified(admin, "return_requested"), 1);

    pass("3 days 1 hour");
    refused(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 409,
            "return_open");
    r = expect(
        post(courier, about(sent_back, "process-statuses/"),
             "{\"items\": [{\"condition\": \"new\", \"quantity\": 1},"
             " {\"condition\": \"DAMAGED\", \"quantity\": 1, \"notes\":"
             " \"Bent\"}]}"),
        200);
    same(r, "status", "UNDER_INSPECTION");
    same(r, "inspected_by.username", courier->username);
    same(r, "items.1.notes", "Bent");
    ck_assert_int_eq(notified(buyer, "return_inspected"), 1);
    ck_assert_int_eq(stock(goods), 7);

    sql("UPDATE ecs.users SET points = 12 WHERE id = %lld", seller->id);
    r = expect(decide(admin, sent_back,
                      "{\"status\": \"APPROVED\", \"seller_fault\": true,"
                      " \"notes\": \"Sorry.\"}"),
               200);
    same(r, "status", "APPROVED");
    same(r, "refund_amount", "25.00");
    same(r, "penalty_points", "5");
    wallet_is(buyer, "87.50 12.50");
    ck_assert_int_eq(stock(goods), 8);
    ck_assert_int_eq(sql_int("SELECT points FROM ecs.users WHERE id = %lld",
                             seller->id),
                     7);
    ck_assert_int_eq(notified(seller, "points_penalty"), 1);
    ck_assert_int_eq(notified(buyer, "return_approved"), 1);
    ck_assert_int_eq(notified(seller, "return_approved"), 1);
    r = expect(get(buyer, fmt("/api/orders/%lld/", order)), 200);
    same(r, "items.0.returned_quantity", "2");
    same(r, "held_amount", "12.50");
    same(r, "refunded_amount", "25.00");

    expect(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    wallet_is(seller, "12.00 0.00");
    wallet_is(buyer, "87.50 0.00");
    books_balance();
}
END_TEST

START_TEST(nothing_left_is_refunded)
{
    long long order, sent_back;

    people();
    order = delivered(buyer, courier, goods, 1);
    sent_back = ask_back(buyer, order, 1);
    inspect(admin, sent_back, 1, "MISSING_PARTS");
    expect(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 200);
    ck_assert_str_eq(order_status(order), "REFUNDED");
    wallet_is(buyer, "100.00 0.00");
    ck_assert_int_eq(stock(goods), 9);
    ck_assert_int_eq(notified(buyer, "order_refunded"), 1);
    ck_assert_int_eq(notified(courier, "order_refunded"), 1);
    books_balance();
}
END_TEST

START_TEST(a_refusal_moves_nothing)
{
    long long order, sent_back;

    people();
    order = delivered(buyer, courier, goods, 1);
    sent_back = ask_back(buyer, order, 1);
    inspect(courier, sent_back, 1, "USED");
    same(expect(decide(admin, sent_back, "{\"status\": \"REJECTED\","
                                         " \"notes\": \"It was dropped.\"}"),
                200),
         "status", "REJECTED");
    wallet_is(buyer, "87.50 12.50");
    ck_assert_int_eq(stock(goods), 9);
    ck_assert_int_eq(notified(buyer, "return_rejected"), 1);
    ck_assert_str_eq(order_status(order), "DELIVERED");
    pass("3 days 1 hour");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    books_balance();
}
END_TEST

/* --- asking -------------------------------------------------------------- */

START_TEST(asking_has_its_time_and_number)
{
    long long order, sent_back;

    people();
    order = buy(buyer, goods, 2);
    refused(post(buyer, "/api/returns/",
                 asking(order, "\"quantity\": 1, \"reason\": \"x\"")),
            409, "wrong_state");
    deliver(buyer, courier, order);
    invalid(post(person("user", NULL), "/api/returns/",
                 asking(order, "\"quantity\": 1, \"reason\": \"x\"")),
            "order_item");
    invalid(post(buyer, "/api/returns/",
                 asking(order, "\"quantity\": 3, \"reason\": \"x\"")),
            "quantity");
    sent_back = ask_back(buyer, order, 2);
    refused(post(buyer, "/api/returns/",
                 asking(order, "\"quantity\": 1, \"reason\": \"x\"")),
            409, "already_returned");
    expect(delete (buyer, about(sent_back, "")), 204);
    ck_assert_str_eq(return_status(sent_back), "CANCELLED");
    refused(delete (buyer, about(sent_back, "")), 409, "wrong_state");
    pass("3 days 1 second");
    refused(post(buyer, "/api/returns/",
                 asking(order, "\"quantity\": 1, \"reason\": \"x\"")),
            409, "too_late");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    refused(post(buyer, "/api/returns/",
                 asking(order, "\"quantity\": 1, \"reason\": \"x\"")),
            409, "wrong_state");
}
END_TEST

START_TEST(a_request_is_repeated_under_its_key)
{
    const char *key = unique("return");
    const char *body;
    reply_t *first, *again;

    people();
    body = asking(delivered(buyer, courier, goods, 2),
                  "\"quantity\": 1, \"reason\": \"x\"");
    first = expect(post_keyed(buyer, "/api/returns/", body, key), 201);
    again = expect(post_keyed(buyer, "/api/returns/", body, key), 201);
    ck_assert_str_eq(first->body, again->body);
    ck_assert_str_eq(header(again, "Idempotent-Replayed"), "true");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.returns"
                             " WHERE buyer_id = %lld",
                             buyer->id),
                     1);
}
END_TEST

START_TEST(pictures_show_what_is_wrong)
{
    long long sent_back;
    request_t request;
    file_t file = png(40, 30);
    reply_t *r;

    people();
    sent_back = ask_back(buyer, delivered(buyer, courier, goods, 1), 1);
    request = as_form("POST", about(sent_back, "images/"), buyer, file);
    r = expect(http_send(&request), 201);
    same(r, "images.0.width", "40");
    expect(http(.method = "GET", .path = text_at(r, "images.0.url"),
                .flags = HTTP_UNCHECKED),
           200);
    request = as_body("POST", about(sent_back, "images/"), seller, file);
    refused(http_send(&request), 404, "not_found");
    inspect(courier, sent_back, 1, "USED");
    request = as_body("POST", about(sent_back, "images/"), buyer, file);
    refused(http_send(&request), 409, "wrong_state");
}
END_TEST

/* --- looking ------------------------------------------------------------- */

START_TEST(an_inspection_tells_each_mistake)
{
    long long sent_back;
    const char *path;
    reply_t *r;

    people();
    sent_back = ask_back(buyer, delivered(buyer, courier, goods, 2), 2);
    path = about(sent_back, "process-statuses/");
    r = expect(post(courier, path,
                    "{\"items\": [{\"condition\": \"NEW\", \"quantity\": 1},"
                    " {\"condition\": \"SHINY\", \"quantity\": 0,"
                    " \"colour\": 1}]}"),
               400);
    ck_assert_uint_eq(length_at(r, "items"), 2);
    ck_assert_uint_eq(json_object_size(at(r, "items.0")), 0);
    same(r, "items.1.condition.0", "\"SHINY\" is not a valid choice.");
    same(r, "items.1.quantity.0",
         "Ensure this value is greater than or equal to 1.");
    same(r, "items.1.colour.0", "Unknown field.");
    r = http(.method = "POST", .path = path, .who = courier,
             .body = "{\"items\": [{\"condition\": \"NEW\"}]}",
             .headers = {"Accept: application/problem+json"});
    expect(r, 400);
    same(r, "errors.0.pointer", "#/items/0/quantity");
    invalid(post(courier, path, "{\"items\": [{\"condition\": \"NEW\","
                                " \"quantity\": 1}]}"),
            "items");
    invalid(post(courier, path, "{\"items\": []}"), "items");
    invalid(http(.method = "POST", .path = path, .who = courier,
                 .body = "items=NEW",
                 .type = "application/x-www-form-urlencoded"),
            "items");
    ck_assert_str_eq(return_status(sent_back), "REQUESTED");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.return_items"
                             " WHERE return_id = %lld",
                             sent_back),
                     0);
}
END_TEST

START_TEST(everybody_lists_what_concerns_them)
{
    actor_t *other = person("delivery", NULL);
    long long open, closed;

    people();
    open = ask_back(buyer, delivered(buyer, courier, goods, 1), 1);
    closed = ask_back(buyer, delivered(buyer, courier, goods, 1), 1);
    inspect(courier, closed, 1, "USED");
    expect(decide(admin, closed, "{\"status\": \"REJECTED\"}"), 200);

    ck_assert(lists(get(buyer, "/api/returns/?as=buyer"), open));
    ck_assert(!lists(get(buyer, "/api/returns/?as=seller"), open));
    ck_assert(lists(get(seller, "/api/returns/?as=seller"), closed));
    ck_assert(!lists(get(seller, "/api/returns/?as=buyer"), closed));
    ck_assert(!lists(get(seller, "/api/returns/?is_open=true"), closed));
    ck_assert(lists(get(admin, "/api/returns/?status=rejected"), closed));
    ck_assert(!lists(get(person("user", NULL), "/api/returns/"), open));
    ck_assert(lists(get(other, "/api/returns/"), open));
    ck_assert(!lists(get(other, "/api/returns/"), closed));
    ck_assert(lists(get(courier, "/api/returns/"), closed));
    expect(get(courier, about(closed, "")), 200);
    refused(get(other, about(closed, "")), 404, "not_found");
    invalid(get(admin, "/api/returns/?status=lost"), "status");
}
END_TEST

/* --- deciding ------------------------------------------------------------ */

START_TEST(a_decision_is_made_once_of_what_was_read)
{
    long long sent_back;
    const char *path;

    people();
    sent_back = ask_back(buyer, delivered(buyer, courier, goods, 2), 2);
    path = about(sent_back, "update/");
    refused(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 409,
            "wrong_state");
    inspect(courier, sent_back, 2, "NEW");
    refused(http(.method = "PATCH", .path = path, .who = admin,
                 .body = "{\"status\": \"REJECTED\"}",
                 .headers = {"If-Match: \"1\""}),
            412, "stale");
    invalid(decide(admin, sent_back,
                   "{\"status\": \"APPROVED\", \"refund_amount\": \"25.01\"}"),
            "refund_amount");
    invalid(decide(admin, sent_back,
                   "{\"status\": \"REJECTED\", \"refund_amount\": 1}"),
            "refund_amount");
    invalid(decide(admin, sent_back, "{}"), "status");
    refused(decide(courier, sent_back, "{\"status\": \"APPROVED\"}"), 403,
            "permission_denied");
    wallet_is(buyer, "75.00 25.00");
    same(expect(decide(admin, sent_back,
                       "{\"status\": \"APPROVED\", \"refund_amount\": 20.5}"),
                200),
         "paid_amount", "25.00");
    wallet_is(buyer, "95.50 4.50");
    refused(decide(admin, sent_back, "{\"status\": \"REJECTED\"}"), 409,
            "wrong_state");
    wallet_is(buyer, "95.50 4.50");
    books_balance();
}
END_TEST

START_TEST(only_this_line_pays)
{
    actor_t *other = person("seller", NULL);
    long long order, sent_back;

    people();
    add_to_cart(buyer, goods, 2);
    order = buy(buyer, product(other, "10.00", 5), 1);
    deliver(buyer, courier, order);
    expect(post(admin, fmt("/api/orders/%lld/refund/", order),
                "{\"reason\": \"Late\", \"amount\": \"3.50\"}"),
           200);
    sent_back = ask_back(buyer, order, 1); /* 12.50 less a tenth */
    refused(post(admin, fmt("/api/orders/%lld/refund/", order),
                 "{\"reason\": \"All\"}"),
            409, "return_open");
    inspect(courier, sent_back, 1, "DAMAGED");
    same(expect(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 200),
         "refund_amount", "11.25");
    expect(post(admin, fmt("/api/orders/%lld/complete/", order),
                "{\"reason\": \"Agreed\"}"),
           200);
    wallet_is(seller, "10.80 0.00"); /* 11.25 less 4 % */
    wallet_is(other, "8.64 0.00");   /* 9.00 less 4 % */
    wallet_is(buyer, "79.75 0.00");
    books_balance();
}
END_TEST

/* --- what the seller does ------------------------------------------------ */

START_TEST(a_used_unit_is_sold_again)
{
    long long sent_back, unit, listing;
    const char *path;
    reply_t *r;

    people();
    sent_back = ask_back(buyer, delivered(buyer, courier, goods, 2), 2);
    inspect(courier, sent_back, 2, "OPEN_BOX");
    expect(decide(admin, sent_back, "{\"status\": \"APPROVED\"}"), 200);
    r = expect(get(seller, "/api/returns/units/?status=waiting"), 200);
    same(r, "count", "2");
    same(r, "results.0.condition", "OPEN_BOX");
    unit = int_at(r, "results.0.id");
    path = fmt("/api/returns/units/%lld/decide/", unit);
    invalid(post(seller, path, "{\"action\": \"resell\"}"),
            "discount_percentage");
    refused(post(person("seller", NULL), path,
                 "{\"action\": \"discard\"}"),
            404, "not_found");
    r = expect(post(seller, path, "{\"action\": \"resell\","
                                  " \"discount_percentage\": 20}"),
               200);
    same(r, "status", "RESOLD");
    listing = int_at(r, "listing");
    refused(post(seller, path, "{\"action\": \"discard\"}"), 409,
            "wrong_state");
    refused(get(buyer, fmt("/api/product/products/%lld/", listing)), 404,
            "not_found");
    expect(post(admin, fmt("/api/product/products/admin/%lld/approve/", listing),
                NULL),
           200);
    r = expect(get(buyer, fmt("/api/product/products/%lld/", listing)), 200);
    same(r, "price", "10.00");
    same(r, "quantity", "1");
    same(r, "condition", "OPEN_BOX");
    ck_assert_ptr_nonnull(strstr(text_at(r, "name"), " (open box)"));
    expect(post(seller, fmt("/api/returns/units/%lld/decide/",
                            int_at(get(seller, "/api/returns/units/?status="
                                               "waiting"),
                                   "results.0.id")),
                "{\"action\": \"discard\"}"),
           200);
    same(get(seller, "/api/returns/units/?status=waiting"), "count", "0");
    books_balance();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_lamp_comes_back,
                                  nothing_left_is_refunded,
                                  a_refusal_moves_nothing,
                                  asking_has_its_time_and_number,
                                  a_request_is_repeated_under_its_key,
                                  pictures_show_what_is_wrong,
                                  an_inspection_tells_each_mistake,
                                  everybody_lists_what_concerns_them,
                                  a_decision_is_made_once_of_what_was_read,
                                  only_this_line_pays,
                                  a_used_unit_is_sold_again,
                                  NULL};

    return suite_run("returns", tests, 60);
}
