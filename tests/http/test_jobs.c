/* SPDX-License-Identifier: MIT */
/*
 * test_jobs.c - what the shop does by itself. Two further hosts of the shop, a
 * and b, run beside the one that answers the requests. Only they complete
 * orders (see httpd.conf), so they are who can be killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "hosts.h"
#include "support.h"
#include "shop.h"

#define ORDERS 24      /* of one buyer, due at the same moment */
#define AUCTIONS 12
#define SOON 60        /* seconds within which things must happen; far more than
                          they take, the machine may be busy */
#define TAKEN_OVER 3.0 /* seconds, when it is not */
#define RELOADS 4

/* --- hosts --------------------------------------------------------------- */

static void start_hosts(void)
{
    host_start("a", "");
    host_start("b", "");
}

static void end_hosts(void)
{
    host_end("a");
    host_end("b");
}

static pid_t parent_of(const char *host)
{
    const char *file = fmt("%s/httpd/run/httpd.pid", state_dir(host_dir(host)));
    pid_t pid = atoi(file_text(file));

    ck_assert_int_gt(pid, 1);
    return pid;
}

static const char *children_of(const char *host)
{
    return file_text(fmt("/proc/%d/task/%d/children", parent_of(host),
                         parent_of(host)));
}

/* All processes of a host, the parent first, so that it makes no new ones. */
static void kill_host(const char *host)
{
    const char *children = children_of(host);
    pid_t parent = parent_of(host), child;
    char *end;

    ck_assert_int_eq(kill(parent, SIGKILL), 0);
    for (child = (pid_t)strtol(children, &end, 10); child > 0;
         child = (pid_t)strtol(children, &end, 10)) {
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        children = end;
    }
}

/* Does a job's row name this host? */
static int ran_on(const char *job, const char *host)
{
    return sql_true("SELECT host LIKE '%%/%d' FROM ecs.jobs WHERE name = '%s'",
                    parent_of(host), job);
}

typedef struct sale_t {
    actor_t *seller, *buyer, *courier;
    long long product;
} sale_t;

static sale_t a_sale(int orders)
{
    sale_t sale = {
        .seller = person("seller", NULL),
        .buyer = person("user", "10000.00"),
        .courier = person("delivery", NULL),
    };

    sale.product = product(sale.seller, "10.00", 10 * orders);
    return sale;
}

static long long a_delivered_order(const sale_t *sale)
{
    long long order = buy(sale->buyer, sale->product, 1);

    deliver(sale->buyer, sale->courier, order);
    return order;
}

/* All orders of the seller are completed, and each was once. */
static const char *all_completed(const sale_t *sale)
{
    return fmt("bool_and(o.status = 'COMPLETED') FROM ecs.orders o"
               " WHERE o.buyer_id = %lld", sale->buyer->id);
}

static void each_had_one_effect(const sale_t *sale, int orders)
{
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.orders o JOIN ecs.order_history h"
                " ON h.order_id = o.id AND h.status = 'COMPLETED'"
                " WHERE o.buyer_id = %lld", sale->buyer->id), orders);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.orders o JOIN ecs.transfers t"
                " ON t.order_id = o.id AND t.kind = 'PAYMENT'"
                " WHERE o.buyer_id = %lld", sale->buyer->id), orders);
    ck_assert_int_eq(notified(sale->buyer, "order_completed"), orders);
    wallet_is(sale->seller, fmt("%d.%02d 0.00", orders * 960 / 100,
                                orders * 960 % 100));
    books_balance();
}

/* A job as an administrator sees it. */
static json_t *job_seen(const actor_t *admin, const char *name)
{
    reply_t *r = expect(get(admin, "/api/jobs/?page_size=100"), 200);
    size_t i;

    for (i = 0; i < length_at(r, "results"); i++) {
        if (!strcmp(text_at(r, fmt("results.%d.name", (int)i)), name)) {
            return at(r, fmt("results.%d", (int)i));
        }
    }
    ck_abort_msg("no job %s", name);
}

static int is_overdue(const actor_t *admin, const char *name)
{
    return json_is_true(json_object_get(job_seen(admin, name), "is_overdue"));
}

static long long failures(const actor_t *admin, const char *name)
{
    return json_integer_value(
        json_object_get(job_seen(admin, name), "failures"));
}

/* --- two hosts ----------------------------------------------------------- */

START_TEST(two_hosts_do_everything_once)
{
    sale_t sale = a_sale(ORDERS);
    long long before;
    int i;

    until("EXISTS (SELECT FROM ecs.jobs WHERE name = 'orders_complete'"
          " AND last_success_at IS NOT NULL)");
    for (i = 0; i < ORDERS; i++) {
        a_delivered_order(&sale);
    }
    before = sql_int("SELECT count(*) FROM ecs.orders WHERE buyer_id = %lld"
                     " AND status = 'DELIVERED'", sale.buyer->id);
    ck_assert_int_eq(before, ORDERS);
    pass("3 days 1 second");
    until(all_completed(&sale));
    each_had_one_effect(&sale, ORDERS);
}
END_TEST

/* Three hosts' clocks and as many administrators end the same auctions. */
START_TEST(an_auction_ends_once_whoever_ends_it)
{
    actor_t *seller = person("seller", NULL);
    actor_t *admin = person("admin", NULL);
    actor_t *bidder = person("user", "1000.00");
    request_t requests[AUCTIONS];
    reply_t *replies[AUCTIONS];
    int i;

    for (i = 0; i < AUCTIONS; i++) {
        long long lot = product(seller, "20.00", 5);
        long long id = int_at(
            expect(post(seller, "/api/auctions/create/",
                        fmt("{\"product\": %lld, \"title\": \"A vase\","
                            " \"start_price\": \"10.00\", \"start_at\": \"%s\","
                            " \"end_at\": \"%s\"}", lot,
                            sql("SELECT ecs_lib.ts(ecs.now() + '1 s')"),
                            sql("SELECT ecs_lib.ts(ecs.now() + '1 day')"))),
                   201), "id");

        expect(post(admin, fmt("/api/auctions/admin/%lld/review/", id),
                    "{\"action\": \"approve\"}"), 200);
        pass("1 second");
        until(fmt("status = 'ACTIVE' FROM ecs.auctions WHERE id = %lld",
                  id)); /* the clock's doing, within moments */
        expect(post(bidder, fmt("/api/auctions/%lld/bid/", id),
                    "{\"amount\": \"10.00\"}"), 201);
        requests[i] = (request_t){
            .method = "POST", .who = admin, .body = "{\"force\": true}",
            .path = fmt("/api/auctions/admin/auctions/%lld/close/", id),
        };
    }
    wallet_is(bidder, fmt("%d.00 %d.00", 1000 - 10 * AUCTIONS, 10 * AUCTIONS));
    pass("1 day");
    all_at_once(requests, replies, AUCTIONS);
    for (i = 0; i < AUCTIONS; i++) {
        same(expect(replies[i], 200), "status", "ENDED");
        same(replies[i], "result", "SOLD");
    }
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.orders WHERE buyer_id = %lld",
                bidder->id), AUCTIONS);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM ecs.auctions a JOIN ecs.products p"
                " ON p.id = a.product_id AND p.quantity = 4"
                " WHERE a.seller_id = %lld AND a.order_id IS NOT NULL",
                seller->id), AUCTIONS);
    books_balance();
}
END_TEST

START_TEST(when_a_host_is_killed_another_takes_over)
{
    sale_t sale = a_sale(3);
    const char *first, *second;
    long long order;
    double took;

    a_delivered_order(&sale);
    pass("3 days 1 second");
    until(all_completed(&sale));
    first = ran_on("orders_complete", "a") ? "a" : "b";
    ck_assert(ran_on("orders_complete", first));
    second = *first == 'a' ? "b" : "a";
    order = a_delivered_order(&sale);
    pass("3 days 1 second");
    kill_host(first);
    took = until(all_completed(&sale));
    printf("jobs: %s took over after %.2f s\n", second, took);
    ck_assert_str_eq(order_status(order), "COMPLETED");
    order = a_delivered_order(&sale);
    pass("3 days 1 second");
    took = until(all_completed(&sale));
    ck_assert(ran_on("orders_complete", second));
    ck_assert_msg(took < TAKEN_OVER || is_slow(),
                  "an order was completed only after %.2f s", took);
    each_had_one_effect(&sale, 3);
    host_start(first, "");
}
END_TEST

/* Let the next order's time come, and a host begin with it and wait for its
 * product, until sql("COMMIT"). */
static void hold_up(const sale_t *sale)
{
    double begin = seconds_now();

    sql("BEGIN");
    sql("SELECT id FROM ecs.products WHERE id = %lld FOR UPDATE",
        sale->product);
    sql_super("UPDATE ecs_test.clock SET ahead = ahead + interval '4 days'");
    while (strcmp(sql_super("SELECT count(*) > 0 FROM pg_stat_activity"
                            " WHERE usename = 'ecs_app'"
                            " AND query LIKE '%%ecs_api.job_run(%%'"
                            " AND wait_event_type = 'Lock'"), "t") != 0) {
        ck_assert_msg(seconds_now() < begin + SOON, "nobody waits");
        usleep(20000);
    }
}

/* Both are killed while one of them completes the order: what its statement
 * began ends as if it lived, or never was. */
START_TEST(who_is_killed_in_the_middle_leaves_no_half)
{
    sale_t sale = a_sale(1);

    a_delivered_order(&sale);
    hold_up(&sale);
    kill_host("a");
    kill_host("b");
    host_start("b", "");
    sql("COMMIT");
    until(all_completed(&sale));
    each_had_one_effect(&sale, 1);
    host_start("a", "");
}
END_TEST

/* One child dies, another one of the same host goes on. */
START_TEST(a_child_that_dies_is_not_missed)
{
    sale_t sale = a_sale(2);
    const char *children;

    kill_host("a");
    children = children_of("b");
    ck_assert_int_eq(kill((pid_t)atol(children), SIGKILL), 0);
    a_delivered_order(&sale);
    pass("3 days 1 second");
    until(all_completed(&sale));
    each_had_one_effect(&sale, 1);
    host_start("a", "");
}
END_TEST

/* Children that end wait for their jobs and do not crash; the next ones go
 * on. */
START_TEST(a_reload_stops_no_job)
{
    sale_t sale = a_sale(RELOADS);
    const char *log = fmt("%s/httpd/error.log", state_dir(host_dir("b")));
    int i;

    kill_host("a");
    for (i = 1; i <= RELOADS; i++) {
        const char *children = children_of("b");
        double begin = seconds_now();

        a_delivered_order(&sale);
        hold_up(&sale);
        instance_in(host_dir("b"), "reload", "");
        usleep(500000);
        sql("COMMIT");
        until(all_completed(&sale));
        while (kill((pid_t)atol(children), 0) == 0) {
            ck_assert_msg(seconds_now() < begin + SOON,
                          "child %s does not end", children);
            usleep(20000);
        }
    }
    each_had_one_effect(&sale, RELOADS);
    ck_assert_ptr_null(strstr(file_text(log), "ECS0011")); /* left halfway */
    ck_assert_ptr_null(strstr(file_text(log), "Segmentation fault"));
    ck_assert_ptr_null(strstr(file_text(log), "Abort"));
    host_start("a", "");
}
END_TEST

/* --- how it goes --------------------------------------------------------- */

START_TEST(jobs_are_seen)
{
    static const char *const names[] = {
        "auction_offers_expire", "auctions_activate", "auctions_close",
        "claims_free", "jobs_clean", "keys_clean", "logins_clean",
        "media_clean", "orders_complete", "prices_tell", "sessions_clean", NULL
    };
    actor_t *admin = person("admin", NULL);
    const char *page;
    reply_t *r;
    int i;

    until("count(last_success_at) >= 11 FROM ecs.jobs");
    r = expect(get(admin, "/api/jobs/"), 200);
    ck_assert_ptr_nonnull(text_at(r, "checked_at"));
    for (i = 0; names[i]; i++) {
        json_t *job = job_seen(admin, names[i]);

        ck_assert_msg(json_is_string(json_object_get(job, "last_success_at")),
                      "%s has not run", names[i]);
        ck_assert_msg(!is_overdue(admin, names[i]), "%s is overdue", names[i]);
    }
    r = expect(get(admin, "/api/jobs/?cursor=&page_size=2"), 200);
    ck_assert_int_eq(length_at(r, "results"), 2);
    page = text_at(r, "results.1.name");
    r = expect(get(admin, strstr(text_at(r, "next"), "/api/")), 200);
    ck_assert_str_gt(text_at(r, "results.0.name"), page);
    expect(get(person("seller", NULL), "/api/jobs/"), 403);
}
END_TEST

START_TEST(mod_status_shows_them)
{
    reply_t *r = http(.method = "GET", .path = "/server-status?auto",
                      .flags = HTTP_UNCHECKED);
    const char *line = strstr(r->body, "EcsJob: ");

    ck_assert_int_eq(r->status, 200);
    ck_assert_ptr_nonnull(line);
    line = strstr(r->body, " auctions_close last_run=");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_ge(atoi(strchr(line, '=') + 1), 0);
    ck_assert_ptr_null(strstr(r->body, "orders_complete")); /* off here */
    r = http(.method = "GET", .path = "/server-status",
             .flags = HTTP_UNCHECKED);
    ck_assert_ptr_nonnull(strstr(r->body, "<td>auctions_close</td>"));
}
END_TEST

/* --- failures ------------------------------------------------------------ */

START_TEST(a_job_that_fails_is_seen_and_the_others_go_on)
{
    actor_t *admin = person("admin", NULL);
    const char *function =
        sql("SELECT pg_get_functiondef('ecs_lib.job_auction_offers_expire"
            "(integer)'::regprocedure)");
    long long before = failures(admin, "auction_offers_expire"), done;
    json_t *job;

    sql("CREATE OR REPLACE FUNCTION ecs_lib.job_auction_offers_expire"
        "(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$"
        "BEGIN UPDATE ecs.settings SET low_stock_at = 99;"
        " RAISE EXCEPTION 'the hammer is broken'; END $$");
    until(fmt("failures > %lld FROM ecs.jobs"
              " WHERE name = 'auction_offers_expire'", before));
    job = job_seen(admin, "auction_offers_expire");
    ck_assert_str_eq(json_string_value(json_object_get(job, "last_error")),
                     "the hammer is broken");
    ck_assert(sql_true("SELECT low_stock_at <> 99 FROM ecs.settings"));
    pass("1 minute"); /* in which it was not done once */
    until("last_success_at > ecs.now() - interval '10 seconds'"
          " FROM ecs.jobs WHERE name = 'auctions_close'");
    ck_assert(is_overdue(admin, "auction_offers_expire"));
    ck_assert(!is_overdue(admin, "auctions_close"));
    /* It rests the longer the more often it has failed. */
    done = failures(admin, "auction_offers_expire");
    sleep(3);
    ck_assert_int_le(failures(admin, "auction_offers_expire"), done + 3);

    sql("%s", function);
    until("failures_in_row = 0 FROM ecs.jobs"
          " WHERE name = 'auction_offers_expire'");
    ck_assert(!is_overdue(admin, "auction_offers_expire"));
}
END_TEST

/* One order of three cannot be completed, for a reason nobody thought of. */
START_TEST(what_cannot_be_done_holds_up_nothing)
{
    actor_t *admin = person("admin", NULL);
    sale_t sale = a_sale(3);
    long long bad = a_delivered_order(&sale);
    long long good = a_delivered_order(&sale);
    json_t *job;

    sql("CREATE FUNCTION ecs_test.jinx() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'a jinx'; END $$;"
        "CREATE TRIGGER jinx BEFORE UPDATE ON ecs.orders FOR EACH ROW"
        " WHEN (OLD.id = %lld) EXECUTE FUNCTION ecs_test.jinx()", bad);
    pass("3 days 1 second");
    until(fmt("status = 'COMPLETED' FROM ecs.orders WHERE id = %lld", good));
    until("EXISTS (SELECT FROM ecs.job_failures"
          " WHERE job = 'orders_complete' AND failures > 1)");
    ck_assert_str_eq(order_status(bad), "DELIVERED");
    job = job_seen(admin, "orders_complete");
    ck_assert_int_ge(json_integer_value(json_object_get(job, "set_aside")), 1);
    ck_assert_int_gt(json_integer_value(json_object_get(job, "lag_ms")), 0);
    ck_assert_str_eq(json_string_value(json_object_get(job, "last_error")),
                     fmt("%lld: a jinx", bad));

    sql("DROP TRIGGER jinx ON ecs.orders; DROP FUNCTION ecs_test.jinx()");
    until(all_completed(&sale));
    each_had_one_effect(&sale, 2);
}
END_TEST

/* --- cleaning up --------------------------------------------------------- */

START_TEST(what_has_run_out_is_removed)
{
    actor_t *who = person("user", NULL);
    const char *word = unique("old");

    sql("INSERT INTO ecs.sessions (user_id, expires_at)"
        " SELECT %lld, ecs.now() - interval '25 hours'"
        " FROM generate_series(1, 3)", who->id);
    sql("INSERT INTO ecs.refresh_tokens (token_hash, session_id)"
        " SELECT '%s-' || s.id || '-' || n, s.id"
        " FROM ecs.sessions s, generate_series(1, 400) n"
        " WHERE s.user_id = %lld AND s.expires_at < ecs.now()", word, who->id);
    sql("INSERT INTO ecs.idempotency_keys (scope, key, fingerprint, status,"
        " created_at) SELECT '%s', n, '', 200, ecs.now() - CASE WHEN n = 1"
        " THEN interval '23 hours' ELSE interval '25 hours' END"
        " FROM generate_series(1, 1200) n", word);
    sql("INSERT INTO ecs.login_failures (subject, failures, last_at)"
        " VALUES ('account:%s', 3, ecs.now() - interval '2 days'),"
        " ('account:%s-young', 3, ecs.now())", word, word);
    sql("UPDATE ecs.jobs SET next_run_at = ecs.now()"
        " WHERE name IN ('sessions_clean', 'keys_clean', 'logins_clean')");
    kill_host("a"); /* a new one asks at once */
    host_start("a", "");

    until(fmt("count(*) = 1 FROM ecs.idempotency_keys"
              " WHERE scope = '%s'", word));
    until(fmt("count(*) = 0 FROM ecs.refresh_tokens"
              " WHERE token_hash LIKE '%s-%%'", word));
    until(fmt("count(*) = 0 FROM ecs.sessions"
              " WHERE user_id = %lld AND expires_at < ecs.now()", who->id));
    until(fmt("string_agg(subject, ' ') = 'account:%s-young'"
              " FROM ecs.login_failures WHERE subject LIKE 'account:%s%%'",
              word, word));
    expect(get(who, "/api/accounts/me/"), 200);
    ck_assert(sql_true("SELECT last_done > 0 AND total_done >= 1199"
                       " FROM ecs.jobs WHERE name = 'keys_clean'"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_hosts_do_everything_once,
                                  an_auction_ends_once_whoever_ends_it,
                                  when_a_host_is_killed_another_takes_over,
                                  who_is_killed_in_the_middle_leaves_no_half,
                                  a_child_that_dies_is_not_missed,
                                  a_reload_stops_no_job,
                                  jobs_are_seen,
                                  mod_status_shows_them,
                                  a_job_that_fails_is_seen_and_the_others_go_on,
                                  what_cannot_be_done_holds_up_nothing,
                                  what_has_run_out_is_removed,
                                  NULL};

    return suite_run_between("jobs", tests, 200, start_hosts, end_hosts);
}
