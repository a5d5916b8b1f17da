/* SPDX-License-Identifier: MIT */
/*
 * test_offers.c - discounts and sales (api.md section 3): that a product has
 * one price at a time wherever it is shown, and who may do what to a sale.
 *
 * Time passes by the shop's own clock; nothing has to run for a price to
 * change.
 */
#include <stdlib.h>
#include "support.h"
#include "shop.h"

#define PRODUCTS "/api/product/products/"
#define SALES "/api/product/sales/"
#define PARALLEL 6

static actor_t *admin, *seller, *buyer;
static long long lamp; /* 80.00 */

static void make_shop(void)
{
    admin = person("admin", NULL);
    seller = person("seller", NULL);
    buyer = person("user", "5000.00");
    lamp = product(seller, "80.00", 100);
}

/* ---- saying what is wanted ---- */

/* The shop's time, so much from now. */
static const char *in(const char *interval)
{
    return sql("SELECT ecs_lib.ts(ecs.now() + interval '%s')", interval);
}

static const char *discount_path(long long id)
{
    return fmt(PRODUCTS "%lld/discount/", id);
}

/* `from` and `to` from now, "null" for none. */
static reply_t *discount(const actor_t *who, long long id, const char *percent,
                         const char *from, const char *to)
{
    const char *start =
        strcmp(from, "null") == 0 ? from : fmt("\"%s\"", in(from));
    const char *end = strcmp(to, "null") == 0 ? to : fmt("\"%s\"", in(to));

    return put(who, discount_path(id),
               fmt("{\"percentage\": %s, \"starts_at\": %s, \"ends_at\": %s}",
                   percent, start, end));
}

static long long open_sale(const char *from, const char *to)
{
    const char *start = in(from), *end = in(to);
    reply_t *r = expect(post(admin, SALES,
                             fmt("{\"name\": \"%s\", \"starts_at\": \"%s\","
                                 " \"ends_at\": \"%s\"}",
                                 unique("Sale "), start, end)),
                        201);

    ck_assert_str_eq(header(r, "Location") + strlen(header(r, "Location")) -
                         strlen(fmt("%lld/", int_at(r, "id"))),
                     fmt("%lld/", int_at(r, "id")));
    return int_at(r, "id");
}

static const char *sale_path(long long sale)
{
    return fmt(SALES "%lld/", sale);
}

static const char *goods_path(long long sale)
{
    return fmt(SALES "%lld/products/", sale);
}

static const char *part_path(long long sale, long long id)
{
    return fmt(SALES "%lld/products/%lld/", sale, id);
}

static const char *part(long long id, const char *percent)
{
    return fmt("{\"product\": %lld, \"percentage\": %s}", id, percent);
}

static reply_t *join(const actor_t *who, long long sale, long long id,
                     const char *percent)
{
    return post(who, goods_path(sale), part(id, percent));
}

/* ---- what each place says ---- */

/* Price, percentage and source of a product, as one text. */
static const char *offer_of(json_t *value)
{
    json_t *percentage = json_object_get(value, "discount_percentage");
    json_t *source = json_object_get(value, "discount_source");

    ck_assert_msg(json_is_object(value), "no product here");
    return fmt(
        "%s %s %s", json_string_value(json_object_get(value, "current_price")),
        json_is_null(percentage) ? "-"
                                 : fmt("%.2f", json_number_value(percentage)),
        json_is_null(source) ? "-" : json_string_value(source));
}

/* The product in the results of a list, perhaps below a member; else NULL. */
static json_t *in_list(const reply_t *reply, long long id, const char *member)
{
    json_t *row;
    size_t i;

    ck_assert_int_eq(reply->status, 200);
    json_array_foreach(at(reply, "results"), i, row)
    {
        json_t *value = member == NULL ? row : json_object_get(row, member);

        if (json_integer_value(json_object_get(value, "id")) == id) {
            return value;
        }
    }
    return NULL;
}

static json_t *listed(const actor_t *who, const char *path, long long id,
                      const char *member)
{
    return in_list(get(who, path), id, member);
}

/* The filters, with the product's own price as the bound. */
static void filters_agree(long long id, const char *expected)
{
    const char *all = fmt(PRODUCTS "?page_size=100&seller=%lld", seller->id);
    const char *price = fmt("%.*s", (int)strcspn(expected, " "), expected);
    const char *less = sql("SELECT %s - 0.01", price);
    const char *more = sql("SELECT %s + 0.01", price);
    int cut = strstr(expected, " -") == NULL;

    ck_assert_ptr_nonnull(
        listed(NULL, fmt("%s&min_price=%s&max_price=%s", all, price, price), id,
               NULL));
    ck_assert_ptr_null(
        listed(NULL, fmt("%s&min_price=%s", all, more), id, NULL));
    ck_assert_ptr_null(
        listed(NULL, fmt("%s&max_price=%s", all, less), id, NULL));
    ck_assert_int_eq(
        listed(NULL, fmt("%s&has_discount=true", all), id, NULL) != NULL, cut);
    ck_assert_int_eq(
        listed(NULL, fmt("%s&has_discount=false", all), id, NULL) != NULL,
        !cut);
}

/* The lists, each of which has the product. */
static void lists_agree(long long id, const char *expected)
{
    static const char *const orderings[] = {"price", "-price", "-created_at",
                                            "name"};
    const char *sales, *sale;
    size_t i;

    for (i = 0; i < sizeof(orderings) / sizeof(orderings[0]); i++) {
        ck_assert_str_eq(
            offer_of(listed(NULL,
                            fmt(PRODUCTS "?page_size=100&seller=%lld"
                                         "&ordering=%s",
                                seller->id, orderings[i]),
                            id, NULL)),
            expected);
    }
    ck_assert_str_eq(
        offer_of(listed(seller, PRODUCTS "mine/?page_size=100", id, NULL)),
        expected);
    sales = sql("SELECT string_agg(sale_id::text, ' ') FROM ecs.sale_products"
                " WHERE product_id = %lld",
                id);
    for (sale = sales; sale != NULL && *sale != '\0';
         sale += strspn(sale, "0123456789 ")) {
        long long number = strtoll(sale, NULL, 10);

        ck_assert_str_eq(
            offer_of(listed(NULL, goods_path(number), id, "product")),
            expected);
        ck_assert_str_eq(
            offer_of(
                listed(NULL, fmt(PRODUCTS "?sale=%lld", number), id, NULL)),
            expected);
        sale += strcspn(sale, " ");
    }
}

/* Buys two, with the total that the price means. */
static void checkout_agrees(long long id, const char *expected)
{
    const char *price = fmt("%.*s", (int)strcspn(expected, " "), expected);
    const char *total = sql("SELECT 2 * %s", price);
    const char *saved = sql("SELECT 2 * (price - %s) FROM ecs.products"
                            " WHERE id = %lld",
                            price, id);
    reply_t *r;

    add_to_cart(buyer, id, 2);
    r = expect(get(buyer, "/api/cart/"), 200);
    same(r, "items.0.unit_price", price);
    same(r, "items.0.line_total", total);
    same(r, "total", total);
    same(r, "discount_total", saved);
    refused(post(buyer, "/api/orders/checkout/",
                 fmt("{\"expected_total\": \"%s\"}",
                     sql("SELECT %s - 0.01", total))),
            409, "price_changed");
    r = expect(post(buyer, "/api/orders/checkout/",
                    fmt("{\"expected_total\": \"%s\"}", total)),
               201);
    same(r, "items.0.unit_price", price);
    same(r, "total", total);
    same(r, "discount_total", saved);
    ck_assert(sql_true("SELECT list_price = p.price AND unit_price = %s"
                       " AND line_total = %s FROM ecs.order_items i"
                       " JOIN ecs.products p ON p.id = i.product_id"
                       " WHERE order_id = %lld",
                       price, total, int_at(r, "id")));
}

/* Every place shows this price: "64.00 20.00 DISCOUNT", "80.00 - -". */
static void costs(long long id, const char *expected)
{
    const char *path = fmt(PRODUCTS "%lld/", id);

    ck_assert_str_eq(offer_of(get(NULL, path)->json), expected);
    ck_assert_str_eq(offer_of(get(seller, path)->json), expected);
    ck_assert_str_eq(offer_of(get(admin, path)->json), expected);
    lists_agree(id, expected);
    filters_agree(id, expected);
    checkout_agrees(id, expected);
}

/* ---- prices ---- */

START_TEST(one_price_everywhere_through_overlapping_offers)
{
    long long autumn, winter;

    make_shop();
    costs(lamp, "80.00 - -");
    autumn = open_sale("1 day", "3 days");
    winter = open_sale("2 days", "5 days");
    expect(join(seller, autumn, lamp, "30"), 201);
    expect(join(seller, winter, lamp, "\"50.00\""), 201);
    expect(discount(seller, lamp, "35", "36 hours", "4 days"), 200);
    costs(lamp, "80.00 - -");
    pass("24 hours 1 minute");
    costs(lamp, "56.00 30.00 SALE");
    pass("12 hours");
    costs(lamp, "52.00 35.00 DISCOUNT");
    pass("12 hours");
    costs(lamp, "40.00 50.00 SALE");
    expect(patch(seller, part_path(winter, lamp), "{\"percentage\": 20}"), 200);
    costs(lamp, "52.00 35.00 DISCOUNT");
    pass("24 hours"); /* day 3: autumn is over */
    costs(lamp, "52.00 35.00 DISCOUNT");
    pass("24 hours"); /* day 4: so is the discount */
    costs(lamp, "64.00 20.00 SALE");
    pass("24 hours"); /* day 5: all is over */
    costs(lamp, "80.00 - -");
    books_balance();
}
END_TEST

START_TEST(a_copy_is_stale_when_the_clock_moves_the_price)
{
    const char *path, *list, *tag, *list_tag;

    make_shop();
    path = fmt(PRODUCTS "%lld/", lamp);
    list = fmt(PRODUCTS "?seller=%lld", seller->id);
    expect(discount(seller, lamp, "10", "1 hour", "null"), 200);
    tag = fmt("If-None-Match: %s", header(get(NULL, path), "ETag"));
    list_tag = fmt("If-None-Match: %s", header(get(NULL, list), "ETag"));
    expect(http(.method = "GET", .path = path, .headers = {tag}), 304);
    expect(http(.method = "GET", .path = list, .headers = {list_tag}), 304);
    pass("61 minutes");
    same(expect(http(.method = "GET", .path = path, .headers = {tag}), 200),
         "current_price", "72.00");
    same(
        expect(http(.method = "GET", .path = list, .headers = {list_tag}), 200),
        "results.0.current_price", "72.00");
}
END_TEST

START_TEST(half_a_cent_goes_up_and_nothing_is_free)
{
    static const struct {
        const char *price, *percent, *now;
    } cases[] = {
        {"10.01", "50", "5.01"},                                /* 5.005 */
        {"0.05", "10", "0.05"},                                 /* 0.045 */
        {"0.01", "50", "0.01"},                                 /* 0.005 */
        {"0.01", "90", "0.01"},                                 /* 0.001 */
        {"100.00", "90", "10.00"}, {"19.99", "33.33", "13.33"}, /* 13.327333 */
    };
    size_t i;

    make_shop();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long long id = product(seller, cases[i].price, 10);

        expect(discount(seller, id, cases[i].percent, "null", "null"), 200);
        costs(id, fmt("%s %.2f DISCOUNT", cases[i].now,
                      strtod(cases[i].percent, NULL)));
    }
    books_balance();
}
END_TEST

START_TEST(lists_by_price_have_offers_in_their_place)
{
    long long cheap, middle, sale;
    const char *path;
    reply_t *r;

    make_shop();
    cheap = product(seller, "10.00", 5);
    middle = product(seller, "40.00", 5);
    sale = open_sale("0", "1 day");
    expect(join(seller, sale, lamp, "75"), 201); /* 20.00 */
    path = fmt(PRODUCTS "?seller=%lld&page_size=1&ordering=price&cursor=",
               seller->id);
    r = expect(get(NULL, path), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), cheap);
    r = expect(get(NULL, strstr(text_at(r, "next"), "/api/")), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), lamp);
    r = expect(get(NULL, strstr(text_at(r, "next"), "/api/")), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), middle);
    same(r, "next", "null");
    path = fmt(PRODUCTS "?seller=%lld&page_size=1&ordering=-price&page=2",
               seller->id);
    r = expect(get(NULL, path), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), lamp);
    same(r, "count", "3");
}
END_TEST

START_TEST(the_discount_ends_between_cart_and_checkout)
{
    reply_t *r;

    make_shop();
    expect(discount(seller, lamp, "25", "null", "1 hour"), 200);
    add_to_cart(buyer, lamp, 3);
    r = expect(get(buyer, "/api/cart/"), 200);
    same(r, "subtotal", "240.00");
    same(r, "discount_total", "60.00");
    same(r, "total", "180.00");
    pass("61 minutes");
    r = refused(post(buyer, "/api/orders/checkout/",
                     "{\"expected_total\": \"180.00\"}"),
                409, "price_changed");
    same(r, "total", "240.00");
    same(r, "expected_total", "180.00");
    wallet_is(buyer, "5000.00 0.00");
    same(get(buyer, "/api/cart/"), "total", "240.00"); /* all is still there */
    r = expect(post(buyer, "/api/orders/checkout/",
                    "{\"expected_total\": \"240.00\"}"),
               201);
    same(r, "discount_total", "0.00");
    wallet_is(buyer, "4760.00 240.00");
}
END_TEST

/* ---- discounts ---- */

START_TEST(a_discount_is_its_sellers)
{
    const char *path;
    reply_t *r;

    make_shop();
    path = fmt(PRODUCTS "%lld/", lamp);
    r = expect(discount(seller, lamp, "12.5", "null", "2 days"), 200);
    same(r, "current_price", "70.00");
    same(r, "discount.percentage", "12.5");
    same(r, "discount.starts_at", "null");
    ck_assert_ptr_null(at(get(NULL, path), "discount"));
    ck_assert_ptr_nonnull(at(get(admin, path), "discount"));
    refused(discount(person("seller", NULL), lamp, "5", "null", "null"), 404,
            "not_found");
    refused(delete (person("seller", NULL), discount_path(lamp)), 404,
            "not_found");
    refused(discount(buyer, lamp, "5", "null", "null"), 403,
            "permission_denied");
    refused(discount(NULL, lamp, "5", "null", "null"), 401,
            "not_authenticated");
    expect(delete (seller, discount_path(lamp)), 204);
    same(get(seller, path), "discount", "null");
    refused(delete (seller, discount_path(lamp)), 404, "not_found");
    expect(delete (seller, path), 204);
    refused(discount(seller, lamp, "5", "null", "null"), 409, "wrong_state");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log WHERE"
                             " actor_id = %lld AND action LIKE 'discount.%%'",
                             seller->id),
                     2);
}
END_TEST

START_TEST(percentages_and_times_have_bounds)
{
    static const char *const wrong[] = {"0",  "0.99",   "90.01", "91",
                                        "-5", "10.005", "\"x\"", "null"};
    long long sale;
    size_t i;

    make_shop();
    sale = open_sale("1 day", "2 days");
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        invalid(discount(seller, lamp, wrong[i], "null", "null"), "percentage");
        invalid(join(seller, sale, lamp, wrong[i]), "percentage");
    }
    invalid(put(seller, discount_path(lamp), "{}"), "percentage");
    invalid(discount(seller, lamp, "5", "2 days", "1 day"), "ends_at");
    invalid(discount(seller, lamp, "5", "null", "-1 day"), "ends_at");
    invalid(put(seller, discount_path(lamp),
                "{\"percentage\": 5, \"ends_at\": \"tomorrow\"}"),
            "ends_at");
    expect(discount(seller, lamp, "1", "null", "null"), 200);
    expect(discount(seller, lamp, "90", "null", "null"), 200);
    same(get(NULL, fmt(PRODUCTS "%lld/", lamp)), "current_price", "8.00");
}
END_TEST

START_TEST(an_old_copy_changes_no_discount)
{
    const char *tag;

    make_shop();
    tag = header(get(seller, fmt(PRODUCTS "%lld/", lamp)), "ETag");
    expect(http(.method = "PUT", .path = discount_path(lamp), .who = seller,
                .body = "{\"percentage\": 5}",
                .headers = {fmt("If-Match: %s", tag)}),
           200);
    refused(http(.method = "PUT", .path = discount_path(lamp), .who = seller,
                 .body = "{\"percentage\": 50}",
                 .headers = {fmt("If-Match: %s", tag)}),
            412, "stale");
    same(get(NULL, fmt(PRODUCTS "%lld/", lamp)), "current_price", "76.00");
}
END_TEST

/* ---- sales ---- */

START_TEST(sellers_join_with_their_own)
{
    actor_t *other = person("seller", NULL);
    long long sale, hidden;
    reply_t *r;

    make_shop();
    sale = open_sale("1 day", "2 days");
    hidden = product_in(seller, "5.00", 5, "PENDING");
    r = expect(join(seller, sale, lamp, "15"), 201);
    ck_assert_int_eq(int_at(r, "product.id"), lamp);
    same(r, "percentage", "15.0");
    same(r, "product.current_price", "80.00");
    ck_assert_ptr_nonnull(header(r, "Location"));
    refused(join(seller, sale, lamp, "16"), 409, "duplicate");
    invalid(join(other, sale, lamp, "16"), "product");
    invalid(join(seller, sale, hidden, "16"), "product");
    refused(join(seller, 999999999, lamp, "16"), 404, "not_found");
    refused(join(admin, sale, lamp, "16"), 403, "permission_denied");
    refused(patch(other, part_path(sale, lamp), "{\"percentage\": 90}"), 404,
            "not_found");
    refused(delete (other, part_path(sale, lamp)), 404, "not_found");
    same(expect(get(NULL, goods_path(sale)), 200), "results.0.percentage",
         "15.0");
    expect(delete (seller, part_path(sale, lamp)), 204);
    refused(delete (seller, part_path(sale, lamp)), 404, "not_found");
    same(get(NULL, goods_path(sale)), "count", "0");
}
END_TEST

START_TEST(admins_open_and_change_sales)
{
    long long sale;
    const char *tag;
    reply_t *r;

    make_shop();
    sale = open_sale("1 day", "2 days");
    r = expect(get(NULL, sale_path(sale)), 200);
    same(r, "status", "UPCOMING");
    tag = fmt("If-Match: %s", header(r, "ETag"));
    expect(join(seller, sale, lamp, "25"), 201);
    r = expect(http(.method = "PATCH", .path = sale_path(sale), .who = admin,
                    .body = fmt("{\"starts_at\": \"%s\"}", in("-1 hour")),
                    .headers = {tag}),
               200);
    same(r, "status", "ACTIVE");
    costs(lamp, "60.00 25.00 SALE");
    refused(http(.method = "PATCH", .path = sale_path(sale), .who = admin,
                 .body = "{\"name\": \"x\"}", .headers = {tag}),
            412, "stale");
    refused(http(.method = "DELETE", .path = sale_path(sale), .who = admin,
                 .headers = {tag}),
            412, "stale");
    invalid(patch(admin, sale_path(sale),
                  fmt("{\"starts_at\": \"%s\"}", in("1 hour"))),
            "starts_at");
    invalid(patch(admin, sale_path(sale),
                  fmt("{\"ends_at\": \"%s\"}", in("-1 minute"))),
            "ends_at");
    expect(patch(admin, sale_path(sale),
                 fmt("{\"ends_at\": \"%s\"}", in("9 days"))),
           200);
    pass("8 days");
    costs(lamp, "60.00 25.00 SALE");
    refused(post(seller, SALES, "{}"), 403, "permission_denied");
    refused(patch(seller, sale_path(sale), "{}"), 403, "permission_denied");
    books_balance();
}
END_TEST

START_TEST(a_deleted_sale_is_gone_or_over)
{
    long long sale;

    make_shop();
    sale = open_sale("1 day", "2 days");
    expect(join(seller, sale, lamp, "25"), 201);
    expect(delete (admin, sale_path(sale)), 204);
    refused(get(NULL, sale_path(sale)), 404, "not_found");
    sale = open_sale("0", "2 days");
    expect(join(seller, sale, lamp, "25"), 201);
    costs(lamp, "60.00 25.00 SALE");
    expect(delete (admin, sale_path(sale)), 204);
    same(expect(get(NULL, sale_path(sale)), 200), "status", "PAST");
    costs(lamp, "80.00 - -");
    refused(delete (admin, sale_path(sale)), 409, "wrong_state");
    refused(patch(admin, sale_path(sale), "{\"name\": \"x\"}"), 409,
            "wrong_state");
    refused(join(seller, sale, product(seller, "1.00", 1), "5"), 409,
            "wrong_state");
    refused(patch(seller, part_path(sale, lamp), "{\"percentage\": 5}"), 409,
            "wrong_state");
    refused(delete (seller, part_path(sale, lamp)), 409, "wrong_state");
    books_balance();
}
END_TEST

START_TEST(sales_are_listed_by_when_they_are)
{
    static const char *const words[] = {"past", "active", "upcoming"};
    long long sales[3];
    size_t i, j;

    make_shop();
    sales[0] = open_sale("-2 hours", "1 hour");
    pass("2 hours");
    sales[1] = open_sale("-1 hour", "1 day");
    sales[2] = open_sale("1 hour", "1 day");
    for (i = 0; i < 3; i++) {
        for (j = 0; j < 3; j++) {
            ck_assert_int_eq(
                lists(expect(get(NULL,
                                 fmt(SALES "?page_size=100&when=%s", words[i])),
                             200),
                      sales[j]),
                i == j);
        }
        ck_assert(lists(get(NULL, SALES "?page_size=100"), sales[i]));
    }
    invalid(get(NULL, SALES "?when=never"), "when");
}
END_TEST

START_TEST(a_product_joins_once_however_often_it_tries)
{
    request_t requests[PARALLEL];
    reply_t *replies[PARALLEL];
    long long sale, first, second;
    int i, made = 0;

    make_shop();
    first = open_sale("0", "1 day");
    second = open_sale("0", "3 days");
    sale = first;
    for (i = 0; i < PARALLEL; i++) {
        sale = i % 2 == 0 ? first : second;
        requests[i] = (request_t){.method = "POST",
                                  .path = goods_path(sale),
                                  .body = part(lamp, "10"),
                                  .who = seller,
                                  .flags = HTTP_UNCHECKED};
    }
    http_parallel(requests, replies, PARALLEL);
    for (i = 0; i < PARALLEL; i++) {
        made += replies[i]->status == 201;
        ck_assert(replies[i]->status == 201 || replies[i]->status == 409);
    }
    ck_assert_int_eq(made, 2);
    books_balance(); /* the product knows which sale ends last */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_price_everywhere_through_overlapping_offers,
        a_copy_is_stale_when_the_clock_moves_the_price,
        half_a_cent_goes_up_and_nothing_is_free,
        lists_by_price_have_offers_in_their_place,
        the_discount_ends_between_cart_and_checkout,
        a_discount_is_its_sellers,
        percentages_and_times_have_bounds,
        an_old_copy_changes_no_discount,
        sellers_join_with_their_own,
        admins_open_and_change_sales,
        a_deleted_sale_is_gone_or_over,
        sales_are_listed_by_when_they_are,
        a_product_joins_once_however_often_it_tries,
        NULL};

    return suite_run("offers", tests, 60);
}
