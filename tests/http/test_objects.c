/* SPDX-License-Identifier: MIT */
/*
 * test_objects.c - another user's object is 404: for every route of the OpenAPI
 * document that names an object, every role that may call it, and with no trace
 * left behind.
 *
 * Which object of the victims a path means is looked up in one table; a route
 * that the table does not know fails the test, so none is forgotten.
 */
#include "routes.h"
#include "support.h"
#include "shop.h"

/* What belongs to others. */
static actor_t *buyer, *seller, *courier;
static long long order, hidden, line, news, joined, brand, wished,
    auction, review, sent_back, unit;

typedef struct object_t {
    const char *prefix; /* of the path template */
    long long *id;
} object_t;

/* Objects that are somebody's own. */
static const object_t owned[] = {
    {"/api/cart/items/{", &line},         {"/api/orders/{", &order},
    {"/api/delivery/orders/{", &order},   {"/api/notifications/{", &news},
    {"/api/product/products/{", &hidden}, {"/api/product/sales/{", &joined},
    {"/api/product/brands/{", &brand},    {"/api/wishlist/{", &wished},
    {"/api/auctions/{", &auction},        {"/api/reviews/{", &review},
    {"/api/returns/{", &sent_back},       {"/api/returns/units/{", &unit},
};

/* Objects that are everybody's to see, or to take. */
static const char *const open_to_all[] = {
    "GET /api/product/categories/{id}/",
    "GET /api/product/sales/{id}/",
    "GET /api/product/sales/{id}/products/",
    "POST /api/product/sales/{id}/products/",
    "GET /api/accounts/sellers/{id}/",
    "POST /api/delivery/orders/{id}/claim/",
};

/* The seller's product in a sale; a path has one number for both. */
static long long join_sale(long long model)
{
    return sql_int(
        "WITH p AS (INSERT INTO ecs.products (id, seller_id, category_id, name,"
        " slug, status, price, quantity) OVERRIDING SYSTEM VALUE"
        " SELECT 900000000 + id, seller_id, category_id, name, slug, status,"
        " price, quantity FROM ecs.products WHERE id = %lld RETURNING id,"
        " seller_id), s AS (INSERT INTO ecs.sales (id, name, starts_at, ends_at,"
        " created_by) OVERRIDING SYSTEM VALUE SELECT id, 'Sale', ecs.now(),"
        " ecs.now() + interval '1 day', seller_id FROM p RETURNING id, starts_at, ends_at)"
        " INSERT INTO ecs.sale_products (sale_id, product_id, percentage,"
        " starts_at, ends_at)"
        " SELECT id, id, 10, starts_at, ends_at FROM s RETURNING sale_id",
        model);
}

/* The buyer's review of a product; hidden, because everybody sees others. */
static long long hidden_review(long long bought)
{
    long long received = buy(buyer, bought, 1), id;

    deliver(buyer, courier, received);
    id = int_at(expect(post(buyer, "/api/reviews/",
                            fmt("{\"order_item\": %lld, \"rating\": 5}",
                                line_of(received))),
                       201),
                "id");
    expect(post(person("admin", NULL), fmt("/api/reviews/%lld/hide/", id),
                "{\"reason\": \"Rude.\"}"),
           200);
    return id;
}

/* A return that was accepted, and a used unit of it: what is still open every
 * courier may see. */
static void bring_back(long long id)
{
    sent_back = ask_back(buyer, delivered(buyer, courier, id, 2), 1);
    inspect(courier, sent_back, 1, "USED");
    expect(decide(person("admin", NULL), sent_back,
                  "{\"status\": \"APPROVED\"}"),
           200);
    unit = sql_int("SELECT id FROM ecs.return_units WHERE return_id = %lld",
                   sent_back);
}

static void make_victims(void)
{
    long long id;

    buyer = person("user", "100.00");
    seller = person("seller", NULL);
    courier = person("delivery", NULL);
    id = product(seller, "5.00", 50);
    review = hidden_review(id);
    bring_back(id);
    order = buy(buyer, id, 2);
    ship(courier, order);
    add_to_cart(buyer, id, 1);
    joined = join_sale(id);
    hidden = product_in(seller, "5.00", 5, "PENDING");
    line = sql_int("SELECT id FROM ecs.cart_items WHERE user_id = %lld",
                   buyer->id);
    brand = sql_int("INSERT INTO ecs.brands (seller_id, name, slug)"
                    " VALUES (%lld, '%s', 'x') RETURNING id",
                    seller->id, unique("Brand"));
    auction = sql_int("INSERT INTO ecs.auctions (seller_id, product_id, title,"
                      " start_price, buy_now_price, start_at, end_at,"
                      " planned_end_at, status) SELECT %lld, %lld, 'Mine', 1, 5,"
                      " t, t + '1 day', t + '1 day', 'SUBMITTED'"
                      " FROM ecs.now() t RETURNING id",
                      seller->id, id);
    wished = id;
    expect(post(buyer, "/api/wishlist/", fmt("{\"product\": %lld}", id)), 201);
    news = sql_int("SELECT min(id) FROM ecs.notifications WHERE user_id = %lld",
                   buyer->id);
}

/* Everything the victims have, as one text. */
static const char *belongings(void)
{
    return sql("SELECT md5(string_agg(t, E'\\n')) FROM ("
               " SELECT o::text FROM ecs.orders o WHERE id = %lld UNION ALL"
               " SELECT p::text FROM ecs.delivery_proofs p WHERE order_id ="
               " %lld UNION ALL"
               " SELECT c::text FROM ecs.cart_items c WHERE id = %lld UNION ALL"
               " SELECT n::text FROM ecs.notifications n WHERE user_id = %lld"
               " UNION ALL"
               " SELECT p::text FROM ecs.products p WHERE id IN (%lld, %lld)"
               " UNION ALL"
               " SELECT s::text FROM ecs.sale_products s WHERE sale_id = %lld"
               " UNION ALL"
               " SELECT b::text FROM ecs.brands b WHERE id = %lld UNION ALL"
               " SELECT i::text FROM ecs.wishlist_items i WHERE user_id = %lld"
               " UNION ALL"
               " SELECT a::text FROM ecs.auctions a WHERE id = %lld UNION ALL"
               " SELECT v::text FROM ecs.reviews v WHERE id = %lld UNION ALL"
               " SELECT r::text FROM ecs.returns r WHERE id = %lld UNION ALL"
               " SELECT u::text FROM ecs.return_units u WHERE id = %lld"
               " UNION ALL"
               " SELECT w::text FROM ecs.wallets w WHERE user_id = %lld) x(t)",
               order, order, line, buyer->id, hidden, joined, joined, brand,
               buyer->id, auction, review, sent_back, unit, buyer->id);
}

static int is_open_to_all(const route_t *route)
{
    const char *name = fmt("%s %s", route->method, route->path);
    size_t i;

    for (i = 0; i < sizeof(open_to_all) / sizeof(open_to_all[0]); i++) {
        if (strcmp(open_to_all[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static const object_t *object_of(const route_t *route)
{
    size_t i;

    for (i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        if (strncmp(route->path, owned[i].prefix, strlen(owned[i].prefix)) ==
            0) {
            return &owned[i];
        }
    }
    return NULL;
}

static void try_route(const route_t *route, const actor_t *stranger)
{
    const object_t *object = object_of(route);
    const char *path = route_path(route, fmt("%lld", *object->id));
    request_t request = route_request(route, stranger, path);
    reply_t *reply = http_send(&request);

    check_quietly(reply);
    if (reply->status != 404) {
        complain("%s %s by a strange %s: %d %.200s", route->method, path,
                 stranger == NULL ? "nobody" : stranger->role, reply->status,
                 reply->body);
    }
}

START_TEST(other_peoples_objects_are_not_there)
{
    const char *const roles[] = {"user", "seller", "delivery"};
    const route_t *route;
    const char *before;
    actor_t *strangers[3];
    size_t i;
    int tried = 0;

    make_victims();
    for (i = 0; i < 3; i++) {
        strangers[i] = person(roles[i], "100.00");
    }
    before = belongings();
    for (route = routes_all(); route->method != NULL; route++) {
        if (strchr(route->path, '{') == NULL || route_is_for_admins(route) ||
            is_open_to_all(route)) {
            continue;
        }
        if (object_of(route) == NULL) {
            complain("%s %s: whose object is that?", route->method,
                     route->path);
            continue;
        }
        for (i = 0; i < 3; i++) {
            if (route_admits(route, roles[i])) {
                try_route(route, strangers[i]);
                tried++;
            }
        }
        if (route->is_public) {
            try_route(route, NULL);
        }
    }
    ck_assert_int_gt(tried, 20);
    nothing_wrong();
    ck_assert_str_eq(belongings(), before);
}
END_TEST

START_TEST(the_parties_of_an_order_see_it)
{
    const char *path;

    make_victims();
    path = fmt("/api/orders/%lld/", order);
    expect(get(buyer, path), 200);
    expect(get(seller, path), 200);
    expect(get(courier, path), 200);
    expect(get(person("admin", NULL), path), 200);
}
END_TEST

/* What a party may not do although the order is also theirs. */
START_TEST(a_seller_or_courier_is_not_the_buyer)
{
    make_victims();
    refused(post(seller, fmt("/api/orders/%lld/cancel/", order), NULL), 404,
            "not_found");
    refused(post(seller, fmt("/api/orders/%lld/complete/", order), NULL), 404,
            "not_found");
    refused(get(seller, fmt("/api/orders/%lld/proof/", order)), 404,
            "not_found");
    refused(get(courier, fmt("/api/orders/%lld/proof/", order)), 403,
            "permission_denied");
    ck_assert_str_eq(order_status(order), "SHIPPED");
}
END_TEST

/* Nothing about people in what others get to see (api.md sections 8, 11). */
START_TEST(addresses_stay_with_those_who_need_them)
{
    reply_t *r;

    make_victims();
    r = expect(get(seller, fmt("/api/orders/%lld/", order)), 200);
    ck_assert_ptr_null(strstr(r->body, "Straight Street"));
    ck_assert_ptr_null(strstr(r->body, buyer->email));
    r = expect(get(seller, "/api/orders/?as=seller"), 200);
    ck_assert_ptr_null(strstr(r->body, "Straight Street"));
    r = expect(get(courier, fmt("/api/delivery/orders/%lld/", order)), 200);
    ck_assert_ptr_nonnull(strstr(r->body, "Straight Street"));
    ck_assert_ptr_null(strstr(r->body, buyer->email));
    r = expect(get(NULL, fmt("/api/accounts/sellers/%lld/", seller->id)), 200);
    ck_assert_ptr_null(strstr(r->body, seller->email));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        other_peoples_objects_are_not_there, the_parties_of_an_order_see_it,
        a_seller_or_courier_is_not_the_buyer,
        addresses_stay_with_those_who_need_them, NULL};

    return suite_run("objects", tests, 30);
}
