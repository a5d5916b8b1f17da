/* SPDX-License-Identifier: MIT */
/*
 * test_brands.c - brands, the points they take, wish lists and low stock
 * (api.md sections 3 and 13).
 */
#include <unistd.h>
#include "support.h"
#include "shop.h"

#define BRANDS "/api/product/brands/"
#define PRODUCTS "/api/product/products/"
#define ORDERS_AT_ONCE 20
#define SELLERS_AT_ONCE 8
#define PRODUCTS_AT_ONCE 12
#define JOB_WAIT_S 40 /* for what runs every 15 seconds */

static const char *brand_path(long long id, const char *rest)
{
    return fmt(BRANDS "%lld/%s", id, rest);
}

static const char *product_path(long long id, const char *rest)
{
    return fmt(PRODUCTS "%lld/%s", id, rest);
}

static const char *decision(long long id, const char *which)
{
    return fmt(BRANDS "admin/%lld/%s/", id, which);
}

static const char *named(const char *name)
{
    return fmt("{\"name\": \"%s\"}", name);
}

static const char *branded(long long brand)
{
    return fmt("{\"brand\": %lld}", brand);
}

/* A seller with this many points. */
static actor_t *seller_with(int points)
{
    actor_t *seller = person("seller", NULL);

    sql("UPDATE ecs.users SET points = %d,"
        " rank = ecs_lib.rank_of(%d, ecs_lib.settings()) WHERE id = %lld",
        points, points, seller->id);
    return seller;
}

static long long brand_in(const actor_t *seller, const char *status)
{
    return sql_int("INSERT INTO ecs.brands (seller_id, name, slug, status)"
                   " VALUES (%lld, '%s', 'x', '%s') RETURNING id",
                   seller->id, unique("Brand"), status);
}

/* --- a brand's way to the public ----------------------------------------- */

START_TEST(a_brand_takes_points_or_verification)
{
    actor_t *seller = seller_with(299);
    reply_t *r;

    r = refused(post(seller, BRANDS "create/", named(unique("Acme"))), 403,
                "not_enough_points");
    same(r, "points", "299");
    same(r, "required", "300");
    sql("UPDATE ecs.users SET is_verified_seller = true WHERE id = %lld",
        seller->id);
    expect(post(seller, BRANDS "create/", named(unique("Acme"))), 201);
    expect(post(seller_with(300), BRANDS "create/", named(unique("Acme"))),
           201);
}
END_TEST

START_TEST(a_brand_is_seen_when_it_is_approved)
{
    actor_t *seller = seller_with(300), *admin = person("admin", NULL);
    const char *name = unique("Acme");
    reply_t *r = expect(post(seller, BRANDS "create/", named(name)), 201);
    long long id = int_at(r, "id");

    same(r, "status", "PENDING");
    same(r, "products_count", "0");
    ck_assert_str_eq(header(r, "Location"), brand_path(id, ""));
    ck_assert_int_eq(notified(admin, "brand_request_submitted"), 1);
    refused(get(NULL, brand_path(id, "")), 404, "not_found");
    refused(get(person("seller", NULL), brand_path(id, "")), 404, "not_found");
    ck_assert(!lists(get(NULL, fmt(BRANDS "?seller=%lld", seller->id)), id));
    ck_assert(lists(get(seller, BRANDS "mine/"), id));
    ck_assert(lists(get(admin, BRANDS "admin/pending/?page_size=100"), id));

    invalid(post(admin, decision(id, "reject"), "{}"), "reason");
    r = expect(post(admin, decision(id, "reject"), "{\"reason\": \"Taken.\"}"),
               200);
    same(r, "rejection_reason", "Taken.");
    ck_assert_int_eq(notified(seller, "brand_rejected"), 1);
    refused(post(admin, decision(id, "approve"), NULL), 409, "wrong_state");

    r = expect(patch(seller, brand_path(id, ""), "{\"description\": \"Mine\"}"),
               200);
    same(r, "status", "PENDING");
    expect(post(admin, decision(id, "approve"), NULL), 200);
    ck_assert_int_eq(notified(seller, "brand_approved"), 1);
    same(expect(get(NULL, brand_path(id, "")), 200), "name", name);
    ck_assert(lists(get(NULL, fmt(BRANDS "?search=%s", name)), id));
    same(expect(get(NULL, fmt("/api/accounts/sellers/%lld/", seller->id)), 200),
         "brands.0.name", name);
}
END_TEST

START_TEST(a_name_has_one_brand_also_in_a_race)
{
    const char *name = unique("Race");
    request_t requests[SELLERS_AT_ONCE];
    reply_t *replies[SELLERS_AT_ONCE];
    int i, made = 0;

    for (i = 0; i < SELLERS_AT_ONCE; i++) {
        requests[i] = (request_t){.method = "POST",
                                  .path = BRANDS "create/",
                                  .who = seller_with(300),
                                  .body = named(name)};
    }
    all_at_once(requests, replies, SELLERS_AT_ONCE);
    for (i = 0; i < SELLERS_AT_ONCE; i++) {
        if (replies[i]->status == 201) {
            made++;
            continue;
        }
        invalid(replies[i], "name");
    }
    ck_assert_int_eq(made, 1);
}
END_TEST

START_TEST(a_changed_brand_has_to_be_approved_again)
{
    actor_t *seller = seller_with(300);
    long long id = brand_in(seller, "APPROVED");
    reply_t *r = expect(get(seller, brand_path(id, "")), 200);
    const char *etag = header(r, "ETag");

    r = expect(patch(seller, brand_path(id, ""), "{\"is_active\": false}"),
               200);
    same(r, "status", "APPROVED");
    refused(get(NULL, brand_path(id, "")), 404, "not_found");
    refused(http(.method = "PATCH", .path = brand_path(id, ""), .who = seller,
                 .body = "{\"is_active\": true}",
                 .headers = {fmt("If-Match: %s", etag)}),
            412, "stale");
    expect(patch(seller, brand_path(id, ""), "{\"is_active\": true}"), 200);
    expect(get(NULL, brand_path(id, "")), 200);
    r = expect(patch(seller, brand_path(id, ""), named(unique("New"))), 200);
    same(r, "status", "PENDING");
    refused(get(NULL, brand_path(id, "")), 404, "not_found");
}
END_TEST

/* --- on products --------------------------------------------------------- */

START_TEST(a_product_carries_a_brand)
{
    actor_t *seller = seller_with(300);
    long long brand = brand_in(seller, "APPROVED"), id;
    const char *filter = fmt(PRODUCTS "?brand=%lld", brand);

    id = product(seller, "5.00", 5);
    same(
        expect(patch(seller, product_path(id, "assign-brand/"), branded(brand)),
               200),
        "brand.id", fmt("%lld", brand));
    same(expect(get(NULL, product_path(id, "")), 200), "brand.id",
         fmt("%lld", brand));
    ck_assert(lists(get(NULL, filter), id));
    ck_assert_int_eq(length_at(get(NULL, filter), "results"), 1);
    ck_assert(lists(get(NULL, brand_path(brand, "products/")), id));
    same(get(NULL, brand_path(brand, "")), "products_count", "1");
    books_balance();

    expect(patch(seller, brand_path(brand, ""), "{\"is_active\": false}"), 200);
    same(get(NULL, product_path(id, "")), "brand", "null");
    ck_assert_int_eq(length_at(get(NULL, filter), "results"), 0);
    refused(get(NULL, brand_path(brand, "products/")), 404, "not_found");
    same(expect(patch(seller, product_path(id, "assign-brand/"),
                      "{\"brand\": null}"),
                200),
         "brand", "null");
    books_balance();
}
END_TEST

START_TEST(not_every_brand_may_be_used)
{
    actor_t *seller = seller_with(300), *other = seller_with(300);
    long long id = product(seller, "5.00", 5);
    const char *path = product_path(id, "assign-brand/");

    invalid(patch(seller, path, "{}"), "brand");
    invalid(patch(seller, path, branded(brand_in(other, "APPROVED"))), "brand");
    invalid(patch(seller, path, branded(brand_in(seller, "PENDING"))), "brand");
    invalid(patch(seller, path, branded(brand_in(seller, "REJECTED"))),
            "brand");
    refused(patch(other, path, branded(brand_in(other, "APPROVED"))), 404,
            "not_found");
    sql("UPDATE ecs.users SET points = 10 WHERE id = %lld", seller->id);
    refused(patch(seller, path, branded(brand_in(seller, "APPROVED"))), 403,
            "not_enough_points");
    same(get(NULL, product_path(id, "")), "brand", "null");
}
END_TEST

START_TEST(a_brand_by_patch_waits_among_the_changes)
{
    actor_t *seller = seller_with(300), *admin = person("admin", NULL);
    long long brand = brand_in(seller, "APPROVED");
    long long id = product(seller, "5.00", 5);
    const char *changes = PRODUCTS "admin/changes/";

    ck_assert(!lists(get(admin, fmt("%s?page_size=100", changes)), id));
    same(expect(patch(seller, product_path(id, ""), branded(brand)), 200),
         "pending_change.brand", fmt("%lld", brand));
    same(get(NULL, product_path(id, "")), "brand", "null");
    ck_assert(lists(get(admin, fmt("%s?page_size=100", changes)), id));
    refused(delete (seller, brand_path(brand, "")), 409, "in_use");
    expect(post(admin, fmt("%s%lld/approve/", changes, id), NULL), 200);
    same(get(NULL, product_path(id, "")), "brand.id", fmt("%lld", brand));
    refused(delete (seller, brand_path(brand, "")), 409, "in_use");
    expect(
        patch(seller, product_path(id, "assign-brand/"), "{\"brand\": null}"),
        200);
    expect(delete (seller, brand_path(brand, "")), 204);
    refused(get(seller, brand_path(brand, "")), 404, "not_found");
}
END_TEST

/* Products change from one brand to the other, in both directions at once. */
START_TEST(brands_count_their_products_also_in_a_race)
{
    actor_t *seller = seller_with(300);
    long long brands[2] = {brand_in(seller, "APPROVED"),
                           brand_in(seller, "APPROVED")};
    request_t requests[PRODUCTS_AT_ONCE];
    reply_t *replies[PRODUCTS_AT_ONCE];
    int i, round;

    for (i = 0; i < PRODUCTS_AT_ONCE; i++) {
        requests[i] = (request_t){
            .method = "PATCH",
            .who = seller,
            .path = product_path(product(seller, "5.00", 5), "assign-brand/")};
    }
    for (round = 0; round < 4; round++) {
        for (i = 0; i < PRODUCTS_AT_ONCE; i++) {
            requests[i].body = branded(brands[(round + i) % 2]);
        }
        all_at_once(requests, replies, PRODUCTS_AT_ONCE);
        for (i = 0; i < PRODUCTS_AT_ONCE; i++) {
            expect(replies[i], 200);
        }
    }
    for (i = 0; i < 2; i++) {
        same(get(NULL, brand_path(brands[i], "")), "products_count",
             fmt("%d", PRODUCTS_AT_ONCE / 2));
    }
    books_balance();
}
END_TEST

/* --- points -------------------------------------------------------------- */

/* Orders of 300.00: 288.00 for the seller after 4 percent, 29 points each. Each
 * is for another product, whose row would put them in line. */
START_TEST(twenty_orders_at_once_give_their_points)
{
    actor_t *seller = person("seller", NULL), *courier;
    long long order;
    request_t requests[ORDERS_AT_ONCE];
    reply_t *replies[ORDERS_AT_ONCE], *r;
    int i;

    courier = person("delivery", NULL);
    for (i = 0; i < ORDERS_AT_ONCE; i++) {
        actor_t *buyer = person("user", "300.00");

        order = buy(buyer, product(seller, "300.00", 1), 1);
        deliver(buyer, courier, order);
        requests[i] =
            (request_t){.method = "POST",
                        .path = fmt("/api/orders/%lld/complete/", order),
                        .who = buyer};
    }
    pass("4 days");
    all_at_once(requests, replies, ORDERS_AT_ONCE);
    for (i = 0; i < ORDERS_AT_ONCE; i++) {
        expect(replies[i], 200);
    }
    r = expect(get(NULL, fmt("/api/accounts/sellers/%lld/", seller->id)), 200);
    same(r, "points", fmt("%d", 29 * ORDERS_AT_ONCE));
    same(r, "rank", "SILVER");
    same(r, "is_verified_seller", "true");
    ck_assert_int_eq(notified(seller, "seller_verified"), 1);
    books_balance();
}
END_TEST

/* --- low stock ----------------------------------------------------------- */

START_TEST(low_stock_is_told_once_for_each_fall)
{
    actor_t *seller = person("seller", NULL), *buyer = person("user", "50.00");
    long long id = product(seller, "1.00", 8);

    buy(buyer, id, 2); /* 6 */
    ck_assert_int_eq(notified(seller, "low_stock"), 0);
    expect(post(seller, product_path(id, "stock/"), "{\"delta\": -1}"), 200);
    ck_assert_int_eq(notified(seller, "low_stock"), 1);
    buy(buyer, id, 1);
    expect(patch(seller, product_path(id, ""), "{\"quantity\": 3}"), 200);
    ck_assert_int_eq(notified(seller, "low_stock"), 1);
    expect(post(seller, product_path(id, "stock/"), "{\"delta\": 10}"), 200);
    ck_assert_int_eq(notified(seller, "low_stock"), 1);
    expect(patch(seller, product_path(id, ""), "{\"quantity\": 5}"), 200);
    ck_assert_int_eq(notified(seller, "low_stock"), 2);
}
END_TEST

/* --- wish lists ---------------------------------------------------------- */

START_TEST(a_wish_list_has_what_its_owner_put_there)
{
    actor_t *seller = person("seller", NULL), *who = person("user", NULL);
    long long id = product(seller, "5.00", 1);
    const char *body = fmt("{\"product\": %lld}", id);
    reply_t *r = expect(post(who, "/api/wishlist/", body), 201);

    same(r, "product.id", fmt("%lld", id));
    same(r, "lowest_price", "5.00");
    expect(post(who, "/api/wishlist/", body), 201);
    r = expect(get(who, "/api/wishlist/"), 200);
    same(r, "count", "1");
    same(r, "results.0.problem", "null");
    same(get(seller, "/api/wishlist/"), "count", "0");
    invalid(post(who, "/api/wishlist/",
                 fmt("{\"product\": %lld}",
                     product_in(seller, "5.00", 1, "PENDING"))),
            "product");
    expect(post(seller, product_path(id, "stock/"), "{\"delta\": -1}"), 200);
    same(get(who, "/api/wishlist/"), "results.0.problem", "out_of_stock");
    expect(delete (seller, product_path(id, "")), 204);
    same(get(who, "/api/wishlist/"), "results.0.problem", "unavailable");
    expect(delete (who, fmt("/api/wishlist/%lld/", id)), 204);
    refused(delete (who, fmt("/api/wishlist/%lld/", id)), 404, "not_found");
}
END_TEST

static const char *in_a_day(int days)
{
    return sql("SELECT ecs_lib.ts(ecs.now() + %d * interval '1 day')", days);
}

/* By price, discount and sale; each only when it is lower than known. */
START_TEST(a_lower_price_is_told_to_those_who_wish)
{
    actor_t *seller = person("seller", NULL), *who = person("user", NULL);
    long long id = product(seller, "100.00", 10), sale;

    expect(post(who, "/api/wishlist/", fmt("{\"product\": %lld}", id)), 201);
    expect(post(seller, "/api/wishlist/", fmt("{\"product\": %lld}", id)), 201);
    expect(patch(seller, product_path(id, ""), "{\"price\": 120}"), 200);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 0);
    expect(patch(seller, product_path(id, ""), "{\"price\": 90}"), 200);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 1);
    expect(put(seller, product_path(id, "discount/"), "{\"percentage\": 10}"),
           200);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 2);
    expect(delete (seller, product_path(id, "discount/")), 204);
    expect(put(seller, product_path(id, "discount/"), "{\"percentage\": 10}"),
           200);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 2);
    sale = int_at(expect(post(person("admin", NULL), "/api/product/sales/",
                              fmt("{\"name\": \"%s\", \"starts_at\": \"%s\","
                                  " \"ends_at\": \"%s\"}",
                                  unique("Sale"), in_a_day(0), in_a_day(2))),
                         201),
                  "id");
    expect(post(seller, fmt("/api/product/sales/%lld/products/", sale),
                fmt("{\"product\": %lld, \"percentage\": 50}", id)),
           201);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 3);
    ck_assert_int_eq(notified(seller, "wishlist_discount"), 0);
    same(get(who, "/api/wishlist/"), "results.0.lowest_price", "45.00");
    same(get(who, "/api/wishlist/"), "results.0.product.current_price",
         "45.00");
}
END_TEST

/* What was planned before is told by a job, a few seconds after its start. */
START_TEST(an_offer_that_begins_by_the_clock_is_told)
{
    actor_t *seller = person("seller", NULL), *who = person("user", NULL);
    long long id = product(seller, "100.00", 10);
    int tries;

    expect(post(who, "/api/wishlist/", fmt("{\"product\": %lld}", id)), 201);
    expect(put(seller, product_path(id, "discount/"),
               fmt("{\"percentage\": 20, \"starts_at\": \"%s\"}", in_a_day(1))),
           200);
    ck_assert_int_eq(notified(who, "wishlist_discount"), 0);
    pass("2 days");
    for (tries = 0; tries < JOB_WAIT_S * 4; tries++) {
        if (notified(who, "wishlist_discount") > 0) {
            break;
        }
        usleep(250000);
    }
    ck_assert_int_eq(notified(who, "wishlist_discount"), 1);
    same(get(who, "/api/wishlist/"), "results.0.lowest_price", "80.00");
    sql("SELECT ecs_lib.job_prices_tell(100)");
    ck_assert_int_eq(notified(who, "wishlist_discount"), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_brand_takes_points_or_verification,
                                  a_brand_is_seen_when_it_is_approved,
                                  a_name_has_one_brand_also_in_a_race,
                                  a_changed_brand_has_to_be_approved_again,
                                  a_product_carries_a_brand,
                                  not_every_brand_may_be_used,
                                  a_brand_by_patch_waits_among_the_changes,
                                  brands_count_their_products_also_in_a_race,
                                  twenty_orders_at_once_give_their_points,
                                  low_stock_is_told_once_for_each_fall,
                                  a_wish_list_has_what_its_owner_put_there,
                                  a_lower_price_is_told_to_those_who_wish,
                                  an_offer_that_begins_by_the_clock_is_told,
                                  NULL};

    return suite_run("brands", tests, 60);
}
