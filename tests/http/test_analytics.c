/* SPDX-License-Identifier: MIT */
/*
 * test_analytics.c - what sold and how it goes, for a seller and for the whole
 * shop (api.md section 12), exact also when many buy at the same time and while
 * the job adds up.
 */
#include <unistd.h>
#include "support.h"
#include "shop.h"

#define SELLER "/api/analytics/seller/"
#define ADMIN "/api/analytics/admin/"
#define BUYERS 12
#define FOLD_WAIT_S 30 /* for what runs every 5 seconds */

static const char *const pages[] = {"summary/",  "sales/",   "top-products/",
                                    "low-stock/", "ratings/", "returns/",
                                    "auctions/"};
#define PAGES (sizeof(pages) / sizeof(pages[0]))

/* An order of one product that was paid out. */
static long long sold(long long product, int quantity)
{
    actor_t *buyer = person("user", "1000.00");
    long long order = buy(buyer, product, quantity);

    deliver(buyer, person("delivery", NULL), order);
    expect(post(person("admin", NULL), fmt("/api/orders/%lld/complete/", order),
                "{\"reason\": \"agreed\"}"),
           200);
    return order;
}

/* Facts of a seller that are not in the sums yet. */
static long long fresh_facts(const actor_t *seller)
{
    return sql_int("SELECT count(*) FROM ecs.facts WHERE seller_id = %lld",
                   seller->id);
}

static void wait_until_folded(const actor_t *seller)
{
    int tenths;

    for (tenths = 0; fresh_facts(seller) > 0; tenths++) {
        ck_assert_int_lt(tenths, 10 * FOLD_WAIT_S);
        usleep(100000);
    }
}

START_TEST(sellers_see_theirs_and_admins_everything)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    size_t i;

    for (i = 0; i < PAGES; i++) {
        const char *own = fmt(SELLER "%s", pages[i]);
        const char *all = fmt(ADMIN "%s", pages[i]);

        expect(get(seller, own), 200);
        expect(get(admin, all), 200);
        refused(get(person("user", NULL), own), 403, "permission_denied");
        refused(get(admin, own), 403, "permission_denied");
        refused(get(seller, all), 403, "permission_denied");
        refused(get(NULL, all), 401, "not_authenticated");
    }
}
END_TEST

/* The same before and after the job has added up. */
static void one_sale_is_told(const actor_t *seller, long long goods)
{
    reply_t *r = expect(get(seller, SELLER "summary/"), 200);

    same(r, "ever.placed.orders", "2");
    same(r, "ever.placed.amount", "30.00");
    same(r, "ever.completed.orders", "1");
    same(r, "ever.completed.units", "2");
    same(r, "ever.completed.amount", "20.00");
    same(r, "ever.completed.fees", "0.80");
    same(r, "ever.completed.net", "19.20");
    same(r, "last_7_days.placed.units", "3");
    same(r, "last_30_days.completed.net", "19.20");
    same(r, "under_way.orders", "1");
    same(r, "under_way.amount", "10.00");
    same(r, "products_on_sale", "1");
    r = expect(get(seller, SELLER "sales/?bucket=month"), 200);
    ck_assert_uint_eq(length_at(r, "buckets"), 12);
    same(r, "buckets.0.sales.placed.orders", "0");
    same(r, "total.completed.amount", "20.00");
    same(r, "total.placed.amount", "30.00");
    r = expect(get(seller, SELLER "top-products/?period=all&by=units"), 200);
    ck_assert_uint_eq(length_at(r, "products"), 1);
    ck_assert_int_eq(int_at(r, "products.0.product.id"), goods);
    same(r, "products.0.units", "2");
    same(r, "products.0.amount", "20.00");
}

START_TEST(what_was_sold_is_told_at_once)
{
    actor_t *seller = person("seller", NULL);
    long long goods = product(seller, "10.00", 50);

    sold(goods, 2);
    buy(person("user", "50.00"), goods, 1);
    one_sale_is_told(seller, goods);
    wait_until_folded(seller);
    one_sale_is_told(seller, goods);
    books_balance();
}
END_TEST

START_TEST(what_runs_short_is_listed)
{
    actor_t *seller = person("seller", NULL);
    long long few = product(seller, "1.00", 2);
    long long none = product(seller, "1.00", 0);
    reply_t *r;

    product(seller, "1.00", 6);
    r = expect(get(seller, SELLER "low-stock/"), 200);
    same(r, "count", "2");
    same(r, "at_most", "5");
    ck_assert_int_eq(int_at(r, "results.0.id"), none);
    ck_assert_int_eq(int_at(r, "results.1.id"), few);
    same(expect(get(seller, SELLER "low-stock/?at_most=6"), 200), "count", "3");
    same(expect(get(seller, SELLER "summary/"), 200), "low_stock", "2");
    r = expect(get(seller, SELLER "low-stock/?cursor=&page_size=1"), 200);
    r = expect(get(seller, text_at(r, "next") + strlen(http_base())), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), few);
    r = expect(get(person("admin", NULL), ADMIN "low-stock/?page_size=100"),
               200);
    ck_assert(lists(r, none));
}
END_TEST

START_TEST(days_and_periods_have_a_form)
{
    actor_t *seller = person("seller", NULL);

    invalid(get(seller, SELLER "sales/?from=yesterday"), "from");
    invalid(get(seller, SELLER "sales/?to=2026-02-30"), "to");
    invalid(get(seller, SELLER "sales/?from=2026-02-02&to=2026-02-01"),
            "from");
    invalid(get(seller, SELLER "sales/?from=2020-01-01&to=2026-02-01"),
            "from");
    invalid(get(seller, SELLER "sales/?bucket=hour"), "bucket");
    invalid(get(seller, SELLER "top-products/?period=2026-13"), "period");
    invalid(get(seller, SELLER "top-products/?limit=101"), "limit");
    ck_assert_uint_eq(
        length_at(expect(get(seller, SELLER "sales/?from=2026-02-01"
                                            "&to=2026-02-28"),
                         200),
                  "buckets"),
        28);
}
END_TEST

START_TEST(stars_are_told)
{
    actor_t *seller = person("seller", NULL);
    long long good = product(seller, "1.00", 5), bad = product(seller, "1.00", 5);
    reply_t *r;

    rate(good, 5);
    rate(bad, 2);
    r = expect(get(seller, SELLER "ratings/"), 200);
    same(r, "ratings.average", "3.5");
    same(r, "ratings.stars.5", "1");
    ck_assert_int_eq(int_at(r, "lowest_products.0.id"), bad);
    ck_assert_int_eq(int_at(r, "lowest_products.1.id"), good);
    r = expect(get(person("admin", NULL), ADMIN "ratings/"), 200);
    ck_assert_uint_ge(length_at(r, "lowest_sellers"), 1);
}
END_TEST

/* Checkouts of one seller and the job at the same time lose nothing. */
START_TEST(sums_are_exact_when_many_buy)
{
    actor_t *seller = person("seller", NULL);
    long long goods = product(seller, "2.00", BUYERS);
    request_t requests[BUYERS];
    reply_t *replies[BUYERS];
    int i;

    for (i = 0; i < BUYERS; i++) {
        actor_t *buyer = person("user", "10.00");

        add_to_cart(buyer, goods, 1);
        requests[i] = (request_t){.method = "POST",
                                  .path = "/api/orders/checkout/",
                                  .who = buyer, .body = "{}"};
    }
    all_at_once(requests, replies, BUYERS);
    sql("SELECT ecs_lib.job_facts_fold(3)");
    for (i = 0; i < BUYERS; i++) {
        requests[i].path = fmt("/api/orders/%lld/cancel/",
                               int_at(expect(replies[i], 201), "id"));
    }
    all_at_once(requests, replies, BUYERS / 2);
    sql("SELECT ecs_lib.job_facts_fold(3)");
    same(expect(get(seller, SELLER "summary/"), 200), "under_way.orders",
         fmt("%d", BUYERS / 2));
    books_balance();
    wait_until_folded(seller);
    same(expect(get(seller, SELLER "summary/"), 200), "ever.cancelled.orders",
         fmt("%d", BUYERS / 2));
    books_balance();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sellers_see_theirs_and_admins_everything,
                                  what_was_sold_is_told_at_once,
                                  what_runs_short_is_listed,
                                  days_and_periods_have_a_form,
                                  stars_are_told,
                                  sums_are_exact_when_many_buy,
                                  NULL};

    return suite_run("analytics", tests, 60);
}
