/* SPDX-License-Identifier: MIT */
/*
 * lots.c - auctions for the tests.
 */
#include "lots.h"

#include <unistd.h>

actor_t *lots_admin;

void lots_open(void)
{
    lots_admin = person("admin", NULL);
}

static const char *in(const char *interval)
{
    return sql("SELECT ecs_lib.ts(ecs.now() + interval '%s')", interval);
}

const char *proposal(long long product, const char *more)
{
    return fmt("{\"product\": %lld, \"title\": \"A vase\", \"start_price\":"
               " \"10.00\", \"start_at\": \"%s\", \"end_at\": \"%s\"%s}",
               product, in("1 s"), in("1 day"), more);
}

long long propose(const actor_t *seller, long long product, const char *more)
{
    return int_at(
        expect(post(seller, "/api/auctions/create/", proposal(product, more)),
               201),
        "id");
}

const char *lot_path(long long id, const char *rest)
{
    return fmt("/api/auctions/%lld/%s", id, rest);
}

const char *lot_admin_path(long long id, const char *rest)
{
    return fmt("/api/auctions/admin/%lld/%s", id, rest);
}

const char *lot_close_path(long long id)
{
    return fmt("/api/auctions/admin/auctions/%lld/close/", id);
}

reply_t *review(long long id, const char *action)
{
    return post(lots_admin, lot_admin_path(id, "review/"),
                fmt("{\"action\": \"%s\", \"reason\": \"Because.\"}", action));
}

long long running(const actor_t *seller, int quantity, const char *more)
{
    long long id = propose(seller, product(seller, "20.00", 10),
                           fmt(", \"quantity\": %d%s", quantity, more));

    expect(review(id, "approve"), 200);
    same(expect(post(lots_admin, lot_admin_path(id, "activate/"), NULL), 200),
         "status", "ACTIVE");
    return id;
}

reply_t *bid(const actor_t *who, long long id, const char *amount)
{
    return post(who, lot_path(id, "bid/"), fmt("{\"amount\": \"%s\"}", amount));
}

reply_t *close_now(long long id)
{
    return post(lots_admin, lot_close_path(id), "{\"force\": true}");
}

const char *lot_state(long long id)
{
    return sql("SELECT concat_ws(' ', status, result) FROM ecs.auctions"
               " WHERE id = %lld",
               id);
}

void lot_becomes(long long id, const char *expected)
{
    int tries;

    for (tries = 0; tries < JOB_WAIT_S * 10; tries++) {
        if (strcmp(lot_state(id), expected) == 0) {
            return;
        }
        usleep(100000);
    }
    ck_abort_msg("auction %lld is %s, not %s", id, lot_state(id), expected);
}

long long lot_stock(long long id)
{
    return stock(
        sql_int("SELECT product_id FROM ecs.auctions WHERE id = %lld", id));
}

long long lot_orders(long long id)
{
    return sql_int("SELECT count(*) FROM ecs.orders o JOIN ecs.order_items i"
                   " ON i.order_id = o.id JOIN ecs.auctions a ON a.product_id"
                   " = i.product_id WHERE a.id = %lld",
                   id);
}
