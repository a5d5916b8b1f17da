/* SPDX-License-Identifier: MIT */
/*
 * test_transitions.c - every state, every action, every person: what each
 * action does to an object in each of its states, as tables. transitions.c goes
 * through them.
 *
 * Another kind of object is another table and a function that makes one.
 */
#include "transitions.h"
#include "shop.h"
#include "support.h"

#define SECONDS 240 /* for one kind */

/* --- the tables ---------------------------------------------------------- */

#define REASON "{\"reason\": \"x\"}"
#define ADMINS "admin superadmin"

static const action_t order_actions[] = {
    {"cancel", "POST", "/api/orders/{id}/cancel/", NULL,
     {{"buyer", "CANCELLED CANCELLED 409 409 409 409 409"}}},
    {"complete", "POST", "/api/orders/{id}/complete/", REASON,
     {{"buyer " ADMINS, "409 409 409 COMPLETED 409 409 409"}}},
    {"refund", "POST", "/api/orders/{id}/refund/", REASON,
     {{ADMINS, "REFUNDED REFUNDED REFUNDED REFUNDED 409 409 409"}}},
    {"read proof", "GET", "/api/orders/{id}/proof/", NULL,
     {{"buyer", "409 409 SHIPPED 409 409 409 409"}}},
    {"renew proof", "POST", "/api/orders/{id}/proof/renew/", NULL,
     {{"buyer", "409 409 SHIPPED 409 409 409 409"}}},
    {"confirm proof", "POST", "/api/orders/{id}/proof/confirm/",
     "{\"pin\": \"%s\"}",
     {{"courier", "404 409 DELIVERED 409 409 409 409"}}},
    {"claim", "POST", "/api/delivery/orders/{id}/claim/", NULL,
     {{"courier rider", "PROCESSING 409 409 409 409 409 409"}}},
    {"release", "POST", "/api/delivery/orders/{id}/release/", REASON,
     {{"courier", "404 CREATED 409 409 409 409 409"}}},
    {"advance", "POST", "/api/delivery/orders/{id}/advance/", NULL,
     {{"courier", "404 SHIPPED 400 409 409 409 409"}}},
    {"advance with PIN", "POST", "/api/delivery/orders/{id}/advance/",
     "{\"pin\": \"%s\"}",
     {{"courier", "404 409 DELIVERED 409 409 409 409"}}},
    {"attempt", "POST", "/api/delivery/orders/{id}/attempt/", REASON,
     {{"courier", "404 409 SHIPPED 409 409 409 409"}}},
    {NULL},
};

static const action_t return_actions[] = {
    {"take back", "DELETE", "/api/returns/{id}/", NULL,
     {{"buyer", "CANCELLED 409 409 409 409"}}},
    {"inspect", "POST", "/api/returns/{id}/process-statuses/",
     "{\"items\": [{\"condition\": \"NEW\", \"quantity\": 1}]}",
     {{ADMINS, "UNDER_INSPECTION 409 409 409 409"},
      {"courier", "UNDER_INSPECTION 409 409 409 404"},
      {"rider", "UNDER_INSPECTION 409 404 404 404"}}},
    {"accept", "PATCH", "/api/returns/{id}/update/",
     "{\"status\": \"APPROVED\"}", {{ADMINS, "409 APPROVED 409 409 409"}}},
    {"refuse", "PATCH", "/api/returns/{id}/update/",
     "{\"status\": \"REJECTED\"}", {{ADMINS, "409 REJECTED 409 409 409"}}},
    {NULL},
};

static const action_t unit_actions[] = {
    {"resell", "POST", "/api/returns/units/{id}/decide/",
     "{\"action\": \"resell\", \"discount_percentage\": 10}",
     {{"seller", "RESOLD 409 409"}}},
    {"discard", "POST", "/api/returns/units/{id}/decide/",
     "{\"action\": \"discard\"}", {{"seller", "DISCARDED 409 409"}}},
    {NULL},
};

static const action_t withdrawal_actions[] = {
    {"approve", "POST", "/api/wallet/admin/withdrawals/{id}/approve/", NULL,
     {{ADMINS, "APPROVED 409 409"}}},
    {"reject", "POST", "/api/wallet/admin/withdrawals/{id}/reject/", REASON,
     {{ADMINS, "REJECTED 409 409"}}},
    {NULL},
};

static const action_t brand_actions[] = {
    {"approve", "POST", "/api/product/brands/admin/{id}/approve/", NULL,
     {{ADMINS, "APPROVED 409 409"}}},
    {"reject", "POST", "/api/product/brands/admin/{id}/reject/", REASON,
     {{ADMINS, "REJECTED 409 409"}}},
    {"change", "PATCH", "/api/product/brands/{id}/",
     "{\"description\": \"Another one.\"}",
     {{"seller", "PENDING PENDING PENDING"}}},
    {"hide", "PATCH", "/api/product/brands/{id}/", "{\"is_active\": false}",
     {{"seller", "PENDING APPROVED REJECTED"}}},
    {"remove", "DELETE", "/api/product/brands/{id}/", NULL,
     {{"seller", "gone gone gone"}}},
    {NULL},
};

static const action_t product_actions[] = {
    {"approve", "POST", "/api/product/products/admin/{id}/approve/", NULL,
     {{ADMINS, "APPROVED 409 APPROVED 409 409"}}},
    {"reject", "POST", "/api/product/products/admin/{id}/reject/", REASON,
     {{ADMINS, "REJECTED 409 APPROVED 409 409"}}},
    {"approve change", "POST",
     "/api/product/products/admin/changes/{id}/approve/", NULL,
     {{ADMINS, "404 404 APPROVED 404 404"}}},
    {"reject change", "POST",
     "/api/product/products/admin/changes/{id}/reject/", REASON,
     {{ADMINS, "404 404 APPROVED 404 404"}}},
    {"change", "PATCH", "/api/product/products/{id}/",
     "{\"description\": \"Another one.\"}",
     {{"seller", "PENDING CHANGED CHANGED PENDING 409"}}},
    {"price", "PATCH", "/api/product/products/{id}/", "{\"price\": \"7.00\"}",
     {{"seller", "PENDING APPROVED CHANGED PENDING 409"}}},
    {"stock", "POST", "/api/product/products/{id}/stock/", "{\"delta\": 1}",
     {{"seller", "PENDING APPROVED CHANGED REJECTED 409"}}},
    {"discount", "PUT", "/api/product/products/{id}/discount/",
     "{\"percentage\": 10}",
     {{"seller", "PENDING APPROVED CHANGED REJECTED 409"}}},
    {"brand", "PATCH", "/api/product/products/{product_id}/assign-brand/",
     "{\"brand\": null}",
     {{"seller", "PENDING APPROVED CHANGED REJECTED 409"}}},
    {"archive", "DELETE", "/api/product/products/{id}/", NULL,
     {{"seller", "ARCHIVED ARCHIVED ARCHIVED ARCHIVED 409"}}},
    {NULL},
};

#define BIDDERS "buyer stranger rival"

static const action_t auction_actions[] = {
    {"change", "PATCH", "/api/auctions/{id}/", "{\"title\": \"Else\"}",
     {{"seller", "DRAFT 409 409 409 409 REJECTED 409"}}},
    {"remove", "DELETE", "/api/auctions/{id}/", NULL,
     {{"seller", "gone 409 409 409 409 gone 409"}}},
    {"submit", "POST", "/api/auctions/{id}/submit/", NULL,
     {{"seller", "SUBMITTED 409 409 409 409 SUBMITTED 409"}}},
    {"cancel", "POST", "/api/auctions/{id}/cancel/", NULL,
     {{"seller", "409 CANCELLED CANCELLED CANCELLED 409 409 409"}}},
    {"approve", "POST", "/api/auctions/admin/{id}/review/",
     "{\"action\": \"approve\"}",
     {{ADMINS, "409 SCHEDULED 409 409 409 409 409"}}},
    {"reject", "POST", "/api/auctions/admin/{id}/review/",
     "{\"action\": \"reject\", \"reason\": \"x\"}",
     {{ADMINS, "409 REJECTED 409 409 409 409 409"}}},
    {"activate", "POST", "/api/auctions/admin/{id}/activate/", NULL,
     {{ADMINS, "409 409 ACTIVE ACTIVE 409 409 409"}}},
    {"call off", "POST", "/api/auctions/admin/{id}/cancel/", REASON,
     {{ADMINS, "409 CANCELLED CANCELLED CANCELLED 409 409 409"}}},
    {"close", "POST", "/api/auctions/admin/auctions/{id}/close/",
     "{\"force\": true}", {{ADMINS, "409 409 ENDED ENDED ENDED 409 409"}}},
    {"bid", "POST", "/api/auctions/{id}/bid/", "{\"amount\": \"10.00\"}",
     {{BIDDERS, "404 404 409 ACTIVE 409 404 409"},
      {"seller", "404 404 409 409 409 404 409"}}},
    {"buy now", "POST", "/api/auctions/{id}/buy-now/", NULL,
     {{BIDDERS, "404 404 409 ENDED 409 404 409"},
      {"seller", "404 404 409 409 409 404 409"}}},
    {"second chance", "POST", "/api/auctions/{id}/second-chance/", NULL,
     {{"seller", "409 409 409 409 409 409 409"}}},
    {"accept", "POST", "/api/auctions/{id}/second-chance/accept/", NULL, {{0}}},
    {"decline", "POST", "/api/auctions/{id}/second-chance/decline/", NULL,
     {{0}}},
    {NULL},
};

/* --- objects ------------------------------------------------------------- */

static int is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Of an order that is shipped; any other PIN otherwise. */
static const char *pin(const char *state, long long order)
{
    return is(state, "SHIPPED") ? pin_of(the("buyer"), order) : "000000";
}

static long long some_goods(void)
{
    return product(the("seller"), "12.50", 10);
}

static long long make_order(const char *state)
{
    int is_early = is(state, "CREATED");
    int is_late = is(state, "DELIVERED") || is(state, "COMPLETED");
    long long order =
        order_in(is_early ? "CREATED" : is_late ? "DELIVERED" : "PROCESSING",
                 the("buyer"), the("courier"), some_goods(), 1);

    if (is(state, "SHIPPED")) {
        expect(post(the("courier"),
                    fmt("/api/delivery/orders/%lld/advance/", order), NULL),
               200);
    }
    else if (is(state, "CANCELLED")) {
        expect(post(the("buyer"), fmt("/api/orders/%lld/cancel/", order),
                    NULL),
               200);
    }
    else if (is(state, "REFUNDED")) {
        expect(post(the("admin"), fmt("/api/orders/%lld/refund/", order),
                    REASON),
               200);
    }
    else if (is(state, "COMPLETED")) {
        expect(post(the("admin"), fmt("/api/orders/%lld/complete/", order),
                    REASON),
               200);
    }
    else if (is(state, "DELIVERED")) { /* long enough ago for its buyer */
        sql("UPDATE ecs.orders SET complete_after = ecs.now() WHERE id = %lld",
            order);
    }
    return order;
}

static long long make_return(const char *state)
{
    long long id =
        ask_back(the("buyer"),
                 order_in("DELIVERED", the("buyer"), the("courier"),
                          some_goods(), 1),
                 1);

    if (is(state, "CANCELLED")) {
        expect(delete (the("buyer"), fmt("/api/returns/%lld/", id)), 204);
    }
    else if (!is(state, "REQUESTED")) {
        inspect(the("courier"), id, 1, "USED");
    }
    if (is(state, "APPROVED") || is(state, "REJECTED")) {
        expect(decide(the("admin"), id, fmt("{\"status\": \"%s\"}", state)),
               200);
    }
    return id;
}

static long long make_unit(const char *state)
{
    long long id = sql_int("SELECT id FROM ecs.return_units"
                           " WHERE return_id = %lld",
                           make_return("APPROVED"));

    if (!is(state, "WAITING")) {
        expect(post(the("seller"),
                    fmt("/api/returns/units/%lld/decide/", id),
                    is(state, "DISCARDED") ? unit_actions[1].body
                                           : unit_actions[0].body),
               200);
    }
    return id;
}

static long long make_withdrawal(const char *state)
{
    long long id;

    expect(post(the("buyer"), "/api/wallet/withdraw/",
                "{\"amount\": \"5.00\"}"),
           201);
    id = sql_int("SELECT max(id) FROM ecs.withdrawals WHERE user_id = %lld",
                 the("buyer")->id);
    if (!is(state, "REQUESTED")) {
        expect(post(the("admin"),
                    fmt("/api/wallet/admin/withdrawals/%lld/%s/", id,
                        is(state, "APPROVED") ? "approve" : "reject"),
                    is(state, "APPROVED") ? NULL : REASON),
               200);
    }
    return id;
}

static long long make_brand(const char *state)
{
    return sql_int("INSERT INTO ecs.brands (seller_id, name, slug, status,"
                   " rejection_reason) VALUES (%lld, '%s', 'x', '%s',"
                   " CASE '%s' WHEN 'REJECTED' THEN 'x' END) RETURNING id",
                   the("seller")->id, unique("Brand"), state, state);
}

static long long make_product(const char *state)
{
    int is_changed = is(state, "CHANGED");
    long long id = product_in(the("seller"), "12.50", 10,
                              is_changed ? "APPROVED" : state);

    if (is_changed) {
        expect(patch(the("seller"), fmt("/api/product/products/%lld/", id),
                     "{\"description\": \"More words.\"}"),
               200);
    }
    return id;
}

/* Nobody bids; the clock would begin it in an hour. */
static long long make_auction(const char *state)
{
    static const struct {
        const char *leads_to, *before;
        const char *section, *step; /* of the path, around the id */
        const char *who, *body;
    } ways[] = {
        {"SUBMITTED", "DRAFT", "", "submit/", "seller", NULL},
        {"SCHEDULED", "SUBMITTED", "admin/", "review/", "admin",
         "{\"action\": \"approve\"}"},
        {"REJECTED", "SUBMITTED", "admin/", "review/", "admin",
         "{\"action\": \"reject\", \"reason\": \"x\"}"},
        {"CANCELLED", "SUBMITTED", "", "cancel/", "seller", NULL},
        {"ACTIVE", "SCHEDULED", "admin/", "activate/", "admin", NULL},
        {"ENDED", "SCHEDULED", "admin/auctions/", "close/", "admin",
         "{\"force\": true}"},
    };
    size_t i;
    long long id;

    if (is(state, "DRAFT")) {
        return int_at(
            expect(post(the("seller"), "/api/auctions/create/",
                        fmt("{\"product\": %lld, \"title\": \"A thing\","
                            " \"start_price\": \"10.00\","
                            " \"buy_now_price\": \"20.00\","
                            " \"start_at\": \"%s\", \"end_at\": \"%s\","
                            " \"draft\": true}",
                            some_goods(),
                            sql("SELECT ecs_lib.ts(ecs.now() + '1 hour')"),
                            sql("SELECT ecs_lib.ts(ecs.now() + '1 day')"))),
                   201),
            "id");
    }
    for (i = 0; !is(ways[i].leads_to, state); i++) {
    }
    id = make_auction(ways[i].before);
    expect(post(the(ways[i].who),
                fmt("/api/auctions/%s%lld/%s", ways[i].section, id,
                    ways[i].step),
                ways[i].body),
           200);
    return id;
}

/* --- all kinds ----------------------------------------------------------- */

static const kind_t orders = {
    "orders",
    "CREATED PROCESSING SHIPPED DELIVERED COMPLETED CANCELLED REFUNDED",
    make_order,
    "SELECT status FROM ecs.orders WHERE id = ",
    order_actions,
    pin,
};
static const kind_t returns = {
    "returns",
    "REQUESTED UNDER_INSPECTION APPROVED REJECTED CANCELLED",
    make_return,
    "SELECT status FROM ecs.returns WHERE id = ",
    return_actions,
};
static const kind_t units = {
    "units",
    "WAITING RESOLD DISCARDED",
    make_unit,
    "SELECT status FROM ecs.return_units WHERE id = ",
    unit_actions,
};
static const kind_t withdrawals = {
    "withdrawals",
    "REQUESTED APPROVED REJECTED",
    make_withdrawal,
    "SELECT status FROM ecs.withdrawals WHERE id = ",
    withdrawal_actions,
};
static const kind_t brands = {
    "brands",
    "PENDING APPROVED REJECTED",
    make_brand,
    "SELECT status FROM ecs.brands WHERE id = ",
    brand_actions,
};
static const kind_t products = {
    "products",
    "PENDING APPROVED CHANGED REJECTED ARCHIVED",
    make_product,
    "SELECT CASE WHEN pending_change IS NULL THEN status ELSE 'CHANGED' END"
    " FROM ecs.products WHERE id = ",
    product_actions,
};

static const kind_t auctions = {
    "auctions",
    "DRAFT SUBMITTED SCHEDULED ACTIVE ENDED REJECTED CANCELLED",
    make_auction,
    "SELECT status FROM ecs.auctions WHERE id = ",
    auction_actions,
};

START_TEST(of_orders)
{
    transitions_try(&orders);
}
END_TEST

START_TEST(of_returns)
{
    transitions_try(&returns);
}
END_TEST

START_TEST(of_units)
{
    transitions_try(&units);
}
END_TEST

START_TEST(of_withdrawals)
{
    transitions_try(&withdrawals);
}
END_TEST

START_TEST(of_brands)
{
    transitions_try(&brands);
}
END_TEST

START_TEST(of_products)
{
    transitions_try(&products);
}
END_TEST

START_TEST(of_auctions)
{
    transitions_try(&auctions);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {of_orders, of_returns,  of_units,
                                  of_withdrawals, of_brands, of_products,
                                  of_auctions, NULL};

    return suite_run("transitions", tests, SECONDS);
}
