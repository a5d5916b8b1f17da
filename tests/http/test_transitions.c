/* SPDX-License-Identifier: MIT */
/*
 * test_transitions.c - every state, every action, every person.
 *
 * The tables below say once what each action does to an object in each of its
 * states, for those who have a say in it. Everything else follows: a role that
 * may not call the route gets 403, anybody else is told 404. What is refused is
 * tried on one object by everybody, and no row of anybody's may have changed;
 * what is done is done on an object of its own.
 *
 * Another kind of object is another table and a function that makes one.
 */
#include "routes.h"
#include "shop.h"
#include "support.h"

#define SECONDS 240 /* for one kind */
#define RULES_MAX 4

/* --- people -------------------------------------------------------------- */

/* The buyer's order of the seller's goods, which the courier brings; a stranger
 * who buys, a rival who sells and a rider who brings other things. */
typedef struct cast_t {
    const char *name;
    const char *role;
    actor_t *who;
} cast_t;

static cast_t cast[] = {
    {"buyer", "user"},      {"stranger", "user"}, {"seller", "seller"},
    {"rival", "seller"},    {"courier", "delivery"}, {"rider", "delivery"},
    {"admin", "admin"},     {"superadmin", "superadmin"},
};
#define CAST ((int)(sizeof(cast) / sizeof(cast[0])))

static const actor_t *the(const char *name)
{
    int i = 0;

    while (strcmp(cast[i].name, name) != 0) {
        ck_assert_int_lt(++i, CAST);
    }
    return cast[i].who;
}

static void new_cast(void)
{
    int i;

    for (i = 0; i < CAST; i++) {
        cast[i].who = person(cast[i].role, "100.00");
    }
}

/* Everything that belongs to the cast or tells of it, as one text. */
static const char *belongings(void)
{
    const char *ids = fmt("%lld", cast[0].who->id);
    int i;

    for (i = 1; i < CAST; i++) {
        ids = fmt("%s,%lld", ids, cast[i].who->id);
    }
    return sql(
        "WITH who AS (SELECT unnest('{%s}'::bigint[]) AS id),"
        " o AS (SELECT o.* FROM ecs.orders o JOIN who ON who.id = o.buyer_id),"
        " r AS (SELECT r.* FROM ecs.returns r JOIN who ON who.id = r.buyer_id)"
        " SELECT md5(string_agg(t, E'\\n' ORDER BY t)) FROM ("
        " SELECT o::text FROM o UNION ALL SELECT r::text FROM r UNION ALL"
        " SELECT x::text FROM ecs.order_items x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.order_history x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.delivery_proofs x JOIN o ON o.id ="
        " x.order_id UNION ALL"
        " SELECT x::text FROM ecs.delivery_attempts x JOIN o ON o.id ="
        " x.order_id UNION ALL"
        " SELECT x::text FROM ecs.return_items x JOIN r ON r.id = x.return_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.return_units x JOIN r ON r.id = x.return_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.transfers x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.users x JOIN who USING (id) UNION ALL"
        " SELECT x::text FROM ecs.wallets x JOIN who ON who.id = x.user_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.withdrawals x JOIN who ON who.id ="
        " x.user_id UNION ALL"
        " SELECT x::text FROM ecs.notifications x JOIN who ON who.id ="
        " x.user_id UNION ALL"
        " SELECT x::text FROM ecs.brands x JOIN who ON who.id = x.seller_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.products x JOIN who ON who.id = x.seller_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.audit_log x JOIN who ON who.id ="
        " x.actor_id) x (t)",
        ids);
}

/* --- the tables ---------------------------------------------------------- */

/* Who, and for each state of the kind what becomes of it: the state it is in
 * afterwards, or the status of the refusal. */
typedef struct rule_t {
    const char *by;
    const char *cells;
} rule_t;

typedef struct action_t {
    const char *name; /* NULL closes the table */
    const char *method;
    const char *path;
    const char *body; /* %s is the PIN of an order */
    rule_t rules[RULES_MAX];
} action_t;

typedef struct kind_t {
    const char *name;
    const char *states;
    /* An object of the cast's in this state. */
    long long (*make)(const char *state);
    const char *state; /* of object %lld, as SQL; no row: "gone" */
    const action_t *actions;
} kind_t;

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

/* --- objects ------------------------------------------------------------- */

static int is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
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

/* --- the cross product --------------------------------------------------- */

/* Word number `n` of a list, NULL when there are not so many. */
static const char *word(const char *list, int n)
{
    size_t length;

    while (n-- > 0) {
        list += strcspn(list, " ");
        list += strspn(list, " ");
    }
    length = strcspn(list, " ");
    return length == 0 ? NULL : fmt("%.*s", (int)length, list);
}

static int has(const char *list, const char *name)
{
    const char *found;
    int i;

    for (i = 0; (found = word(list, i)) != NULL; i++) {
        if (is(found, name)) {
            return 1;
        }
    }
    return 0;
}

static const route_t *route_of(const action_t *action)
{
    const route_t *route = routes_all();

    while (route->method != NULL && !(is(route->path, action->path) &&
                                      is(route->method, action->method))) {
        route++;
    }
    ck_assert_msg(route->method != NULL, "no %s %s", action->method,
                  action->path);
    return route;
}

/* What an action of somebody's comes to: a state, or a status. */
static const char *outcome(const action_t *action, const cast_t *actor,
                           int state)
{
    int i;

    for (i = 0; i < RULES_MAX && action->rules[i].by != NULL; i++) {
        if (has(action->rules[i].by, actor->name)) {
            const char *cell = word(action->rules[i].cells, state);

            ck_assert_msg(cell != NULL, "%s: too few cells", action->name);
            return cell;
        }
    }
    return route_admits(route_of(action), actor->role) ? "404" : "403";
}

static int is_refusal(const char *cell)
{
    return cell[0] == '4';
}

static const char *state_of(const kind_t *kind, long long id)
{
    const char *state = sql("%s%lld", kind->state, id);

    return state != NULL ? state : "gone";
}

/* The PIN of an order that is shipped, any other one otherwise. */
static const char *pin_for(const kind_t *kind, const char *state, long long id)
{
    return kind->make == make_order && is(state, "SHIPPED")
               ? pin_of(the("buyer"), id)
               : "000000";
}

static reply_t *act(const action_t *action, const actor_t *who, long long id,
                    const char *pin)
{
    const route_t *route = route_of(action);
    const char *body = action->body;
    const char *hole = body != NULL ? strstr(body, "%s") : NULL;

    if (hole != NULL) {
        body = fmt("%.*s%s%s", (int)(hole - body), body, pin, hole + 2);
    }
    return http(.method = action->method,
                .path = route_path(route, fmt("%lld", id)), .who = who,
                .body = body);
}

/* All that is refused in one state, on one object. */
static int try_refusals(const kind_t *kind, int index, const char *state)
{
    const char *before, *pin;
    const action_t *action;
    long long id;
    int i, tried = 0;

    new_cast();
    id = kind->make(state);
    ck_assert_str_eq(state_of(kind, id), state);
    pin = pin_for(kind, state, id);
    before = belongings();
    for (action = kind->actions; action->name != NULL; action++) {
        for (i = 0; i < CAST; i++) {
            const char *cell = outcome(action, &cast[i], index);
            reply_t *reply;

            if (!is_refusal(cell)) {
                continue;
            }
            reply = act(action, cast[i].who, id, pin);
            tried++;
            if (!is(cell, fmt("%d", reply->status))) {
                complain("%s: %s by the %s: %d instead of %s %.200s", state,
                         action->name, cast[i].name, reply->status, cell,
                         reply->body);
            }
        }
        if (act(action, NULL, id, pin)->status != 401) {
            complain("%s: %s by nobody", state, action->name);
        }
        if (!is(belongings(), before)) {
            complain("%s: %s was refused and changed something", state,
                     action->name);
            before = belongings();
        }
    }
    return tried;
}

/* What is not refused, each on an object of its own. */
static int do_actions(const kind_t *kind, int index, const char *state)
{
    const action_t *action;
    int i, done = 0;

    for (action = kind->actions; action->name != NULL; action++) {
        for (i = 0; i < CAST; i++) {
            const char *cell = outcome(action, &cast[i], index), *found;
            reply_t *reply;
            long long id;

            if (is_refusal(cell)) {
                continue;
            }
            new_cast();
            id = kind->make(state);
            reply = act(action, cast[i].who, id, pin_for(kind, state, id));
            found = state_of(kind, id);
            done++;
            if (reply->status >= 300 || !is(found, cell)) {
                complain("%s: %s by the %s: %d, %s instead of %s %.200s",
                         state, action->name, cast[i].name, reply->status,
                         found, cell, reply->body);
            }
        }
    }
    return done;
}

static void cross(const kind_t *kind)
{
    const char *state;
    int i, tried = 0, done = 0;

    for (i = 0; (state = word(kind->states, i)) != NULL; i++) {
        tried += try_refusals(kind, i, state);
        done += do_actions(kind, i, state);
    }
    printf("transitions: %s: %d refused, %d done\n", kind->name, tried, done);
    nothing_wrong();
    books_balance();
}

/* --- all kinds ----------------------------------------------------------- */

static const kind_t orders = {
    "orders",
    "CREATED PROCESSING SHIPPED DELIVERED COMPLETED CANCELLED REFUNDED",
    make_order,
    "SELECT status FROM ecs.orders WHERE id = ",
    order_actions,
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

START_TEST(of_orders)
{
    cross(&orders);
}
END_TEST

START_TEST(of_returns)
{
    cross(&returns);
}
END_TEST

START_TEST(of_units)
{
    cross(&units);
}
END_TEST

START_TEST(of_withdrawals)
{
    cross(&withdrawals);
}
END_TEST

START_TEST(of_brands)
{
    cross(&brands);
}
END_TEST

START_TEST(of_products)
{
    cross(&products);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {of_orders, of_returns,  of_units,
                                  of_withdrawals, of_brands, of_products,
                                  NULL};

    return suite_run("transitions", tests, SECONDS);
}
