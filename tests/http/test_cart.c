/* SPDX-License-Identifier: MIT */
/*
 * test_cart.c - the cart (api.md section 4): what it holds, what it costs, and
 * what stands in the way of a checkout.
 */
#include "support.h"
#include "shop.h"

#define CART "/api/cart/"
#define ITEMS "/api/cart/items/"

static const char *item_path(const actor_t *buyer, long long id)
{
    return fmt(ITEMS "%lld/",
               sql_int("SELECT id FROM ecs.cart_items WHERE user_id = %lld"
                       " AND product_id = %lld",
                       buyer->id, id));
}

static const char *item(long long id, int quantity)
{
    return fmt("{\"product\": %lld, \"quantity\": %d}", id, quantity);
}

START_TEST(an_empty_cart_costs_nothing)
{
    reply_t *r = expect(get(person("user", NULL), CART), 200);

    ck_assert_uint_eq(length_at(r, "items"), 0);
    same(r, "subtotal", "0.00");
    same(r, "discount_total", "0.00");
    same(r, "total", "0.00");
    same(r, "can_checkout", "false");
}
END_TEST

START_TEST(a_line_shows_what_it_costs)
{
    actor_t *buyer = person("user", NULL), *seller = person("seller", NULL);
    long long id = product(seller, "12.35", 10);
    reply_t *r = expect(post(buyer, ITEMS, item(id, 3)), 201);

    ck_assert_ptr_nonnull(header(r, "Location"));
    r = expect(get(buyer, CART), 200);
    ck_assert_uint_eq(length_at(r, "items"), 1);
    ck_assert_int_eq(int_at(r, "items.0.product.id"), id);
    same(r, "items.0.quantity", "3");
    same(r, "items.0.unit_price", "12.35");
    same(r, "items.0.line_total", "37.05");
    same(r, "items.0.available", "10");
    same(r, "items.0.problem", "null");
    same(r, "total", "37.05");
    same(r, "can_checkout", "true");
    ck_assert_int_eq(stock(id), 10); /* a cart takes nothing from the stock */
}
END_TEST

START_TEST(quantity_is_one_when_not_said)
{
    actor_t *buyer = person("user", NULL);
    long long id = product(person("seller", NULL), "1.00", 5);

    expect(post(buyer, ITEMS, fmt("{\"product\": %lld}", id)), 201);
    same(get(buyer, CART), "items.0.quantity", "1");
}
END_TEST

START_TEST(adding_again_adds_to_the_line)
{
    actor_t *buyer = person("user", NULL);
    long long id = product(person("seller", NULL), "2.00", 5);
    reply_t *r;

    add_to_cart(buyer, id, 2);
    add_to_cart(buyer, id, 3);
    r = expect(get(buyer, CART), 200);
    ck_assert_uint_eq(length_at(r, "items"), 1);
    same(r, "items.0.quantity", "5");
    r = refused(post(buyer, ITEMS, item(id, 1)), 409, "out_of_stock");
    same(r, "available", "5");
    same(get(buyer, CART), "items.0.quantity", "5");
}
END_TEST

START_TEST(more_than_the_stock_is_refused)
{
    actor_t *buyer = person("user", NULL);
    long long id = product(person("seller", NULL), "2.00", 2);
    reply_t *r = refused(post(buyer, ITEMS, item(id, 3)), 409, "out_of_stock");

    same(r, "available", "2");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.cart_items"
                             " WHERE user_id = %lld",
                             buyer->id),
                     0);
    add_to_cart(buyer, id, 1);
    r = refused(patch(buyer, item_path(buyer, id), "{\"quantity\": 3}"), 409,
                "out_of_stock");
    same(r, "available", "2");
    same(get(buyer, CART), "items.0.quantity", "1");
}
END_TEST

START_TEST(a_line_can_be_changed_and_removed)
{
    actor_t *buyer = person("user", NULL), *seller = person("seller", NULL);
    long long one = product(seller, "3.00", 9),
              two = product(seller, "5.00", 9);

    add_to_cart(buyer, one, 1);
    add_to_cart(buyer, two, 1);
    expect(patch(buyer, item_path(buyer, one), "{\"quantity\": 4}"), 200);
    same(get(buyer, CART), "total", "17.00");
    expect(delete (buyer, item_path(buyer, one)), 204);
    same(get(buyer, CART), "total", "5.00");
    expect(delete (buyer, CART), 204);
    ck_assert_uint_eq(length_at(get(buyer, CART), "items"), 0);
    expect(delete (buyer, CART), 204); /* empty stays empty */
}
END_TEST

START_TEST(nobody_buys_from_themselves)
{
    actor_t *seller = person("seller", NULL);

    refused(post(seller, ITEMS, item(product(seller, "3.00", 9), 1)), 409,
            "own_product");
    add_to_cart(seller, product(person("seller", NULL), "3.00", 9), 1);
}
END_TEST

START_TEST(only_what_is_on_sale_can_be_added)
{
    actor_t *buyer = person("user", NULL), *seller = person("seller", NULL);
    const char *const states[] = {"PENDING", "REJECTED", "ARCHIVED"};
    size_t i;

    for (i = 0; i < 3; i++) {
        invalid(post(buyer, ITEMS,
                     item(product_in(seller, "3.00", 9, states[i]), 1)),
                "product");
    }
    invalid(post(buyer, ITEMS, item(999999999, 1)), "product");
}
END_TEST

START_TEST(a_line_that_cannot_be_bought_says_why)
{
    actor_t *buyer = person("user", NULL), *seller = person("seller", NULL);
    long long scarce = product(seller, "3.00", 9);
    long long gone = product(seller, "3.00", 9);
    reply_t *r;

    add_to_cart(buyer, scarce, 5);
    add_to_cart(buyer, gone, 1);
    sql("UPDATE ecs.products SET quantity = 4 WHERE id = %lld", scarce);
    sql("UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = %lld", gone);
    r = expect(get(buyer, CART), 200);
    same(r, "items.0.problem", "out_of_stock");
    same(r, "items.0.available", "4");
    same(r, "items.0.quantity", "5"); /* reading changes nothing */
    same(r, "items.1.problem", "unavailable");
    same(r, "can_checkout", "false");
    ck_assert_int_eq(sql_int("SELECT sum(quantity) FROM ecs.cart_items"
                             " WHERE user_id = %lld",
                             buyer->id),
                     6);
}
END_TEST

START_TEST(the_price_is_that_of_today)
{
    actor_t *buyer = person("user", NULL);
    long long id = product(person("seller", NULL), "3.00", 9);

    add_to_cart(buyer, id, 2);
    sql("UPDATE ecs.products SET price = 4.50 WHERE id = %lld", id);
    same(get(buyer, CART), "total", "9.00");
}
END_TEST

START_TEST(quantities_have_bounds)
{
    actor_t *buyer = person("user", NULL);
    long long id = product(person("seller", NULL), "3.00", 9);

    invalid(post(buyer, ITEMS, item(id, 0)), "quantity");
    invalid(post(buyer, ITEMS, item(id, -1)), "quantity");
    invalid(post(buyer, ITEMS, item(id, 2000000000)), "quantity");
    invalid(
        post(buyer, ITEMS, fmt("{\"product\": %lld, \"quantity\": 1.5}", id)),
        "quantity");
    invalid(post(buyer, ITEMS, "{\"quantity\": 1}"), "product");
    add_to_cart(buyer, id, 1);
    invalid(patch(buyer, item_path(buyer, id), "{\"quantity\": 0}"),
            "quantity");
}
END_TEST

START_TEST(carts_are_private)
{
    actor_t *buyer = person("user", NULL), *other = person("user", NULL);
    long long id = product(person("seller", NULL), "3.00", 9);
    const char *path;

    add_to_cart(buyer, id, 1);
    path = item_path(buyer, id);
    refused(patch(other, path, "{\"quantity\": 2}"), 404, "not_found");
    refused(delete (other, path), 404, "not_found");
    ck_assert_uint_eq(length_at(get(other, CART), "items"), 0);
    same(get(buyer, CART), "items.0.quantity", "1");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_empty_cart_costs_nothing,
                                  a_line_shows_what_it_costs,
                                  quantity_is_one_when_not_said,
                                  adding_again_adds_to_the_line,
                                  more_than_the_stock_is_refused,
                                  a_line_can_be_changed_and_removed,
                                  nobody_buys_from_themselves,
                                  only_what_is_on_sale_can_be_added,
                                  a_line_that_cannot_be_bought_says_why,
                                  the_price_is_that_of_today,
                                  quantities_have_bounds,
                                  carts_are_private,
                                  NULL};

    return suite_run("cart", tests, 20);
}
