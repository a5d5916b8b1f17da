/* SPDX-License-Identifier: MIT */
/*
 * test_webhooks.c - webhooks received by a listener of this program, which
 * verifies their signatures: what is sent and to whom, secrets, endpoints that
 * are away, slow, or want nothing any more, and httpd killed meanwhile.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "hook_server.h"
#include "processes.h"
#include "support.h"
#include "shop.h"
#include "tls_server.h"

#define HOOKS "/api/webhooks/"

static actor_t *admin;
static hook_server_t *server;

/* An endpoint of the test, which is at the server. */
typedef struct endpoint_t {
    long long id;
    const char *secret;
} endpoint_t;

/* Each test has a process of its own; who asks for the server first begins. */
static hook_server_t *listener(void)
{
    if (server == NULL) {
        sql("DELETE FROM ecs.outbox");
        sql("DELETE FROM ecs.webhook_endpoints");
        admin = person("admin", NULL);
        server = hook_start();
    }
    return server;
}

static void end(void)
{
    sql("DELETE FROM ecs.outbox WHERE channel = 'webhook'");
    sql("DELETE FROM ecs.webhook_endpoints");
}

static endpoint_t endpoint_at(const char *url, const char *events)
{
    reply_t *r = expect(post(admin, HOOKS,
                             fmt("{\"url\": \"%s\", \"events\": \"%s\"}", url,
                                 events)), 201);
    endpoint_t made = {int_at(r, "id"), text_at(r, "secret")};

    return made;
}

static endpoint_t endpoint(const char *events)
{
    return endpoint_at(fmt("%s/hook", hook_url(listener())), events);
}

static void until_empty(void)
{
    until("NOT EXISTS (SELECT FROM ecs.outbox WHERE channel = 'webhook' AND"
          " status = 'PENDING')");
}

/* The types that came for a path and begin like this, one after the other; what
 * came again at once counts once. In order is only what is about one object. */
static const char *types_at(const char *path, const char *beginning)
{
    const char *list = "", *last = "";
    int i;

    for (i = 0; i < hook_count(server); i++) {
        const hook_t *hook = hook_nth(server, i);

        if (strcmp(hook->path, path) == 0 && strcmp(hook->id, last) != 0
            && strncmp(hook->type, beginning, strlen(beginning)) == 0) {
            list = fmt("%s%s%s", list, *list ? " " : "", hook->type);
            last = hook->id;
        }
    }
    return list;
}

static reply_t *endpoint_now(endpoint_t e)
{
    return expect(get(admin, fmt(HOOKS "%lld/", e.id)), 200);
}

static reply_t *newest_attempt(endpoint_t e)
{
    return expect(get(admin, fmt(HOOKS "%lld/attempts/?page_size=1", e.id)),
                  200);
}

/* --- what is sent -------------------------------------------------------- */

START_TEST(an_order_is_told_step_by_step)
{
    actor_t *buyer = person("user", "20.00"), *courier = person("delivery", NULL);
    endpoint_t e = endpoint("order.*");
    const hook_t *hook;
    long long order;
    int i;

    order = buy(buyer, product(person("seller", NULL), "5.00", 20), 2);
    deliver(buyer, courier, order);
    pass("4 days");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    until_empty();
    ck_assert_str_eq(types_at("/hook", ""), "order.created order.processing"
                     " order.shipped order.delivered order.completed");
    for (i = 0; i < hook_count(server); i++) {
        hook = hook_nth(server, i);
        ck_assert(hook_verifies(hook, e.secret));
        ck_assert_ptr_null(strchr(hook->id, '.'));
        ck_assert_int_le(llabs(atoll(hook->timestamp) - (long long)time(NULL)),
                         60);
        ck_assert_uint_eq(json_object_size(hook->event), 3);
        ck_assert_ptr_nonnull(json_object_get(hook->event, "timestamp"));
        ck_assert_int_eq(json_integer_value(json_at(hook->event, "data.id")),
                         order);
        ck_assert_str_eq(json_string_value(json_at(hook->event, "data.total")),
                         "10.00");
        ck_assert_ptr_null(strstr(hook->body, "Straight"));
        ck_assert_ptr_null(strstr(hook->body, "@"));
    }
    hook = hook_nth(server, 0);
    ck_assert(!hook_verifies(hook, "whsec_"
                             "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    ck_assert_str_eq(sql("SELECT order_number FROM ecs.orders WHERE id = %lld",
                         order),
                     json_string_value(json_at(hook->event,
                                               "data.order_number")));
    end();
}
END_TEST

/* Other things that happen, and an endpoint that asked for others. */
START_TEST(everybody_gets_what_they_asked_for)
{
    actor_t *buyer = person("user", "100.00"), *seller = person("seller", NULL);
    actor_t *courier = person("delivery", NULL);
    long long proposed, order, back;

    endpoint_at(fmt("%s/all", hook_url(listener())), "*");
    endpoint_at(fmt("%s/some", hook_url(server)),
                "review.created return.approved");
    endpoint_at(fmt("%s/users", hook_url(server)), "user.*");
    proposed = product_in(seller, "5.00", 20, "PENDING");
    expect(post(admin, fmt("/api/product/products/admin/%lld/approve/",
                           proposed), NULL), 200);
    order = buy(buyer, proposed, 1);
    expect(post(buyer, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    rate(proposed, 5);
    back = ask_back(buyer, delivered(buyer, courier, proposed, 2), 1);
    inspect(courier, back, 1, "NEW");
    expect(decide(admin, back, "{\"status\": \"APPROVED\"}"), 200);
    until_empty();
    ck_assert_str_eq(types_at("/some", "re"), types_at("/some", ""));
    ck_assert_str_eq(types_at("/some", "review"), "review.created");
    ck_assert_str_eq(types_at("/some", "return"), "return.approved");
    ck_assert_str_eq(types_at("/all", "product"), "product.approved");
    ck_assert_ptr_nonnull(strstr(types_at("/all", "order"), "order.cancelled"));
    ck_assert_str_eq(types_at("/all", "return"), "return.requested"
                     " return.under_inspection return.approved");
    ck_assert_ptr_nonnull(strstr(types_at("/users", ""), "user.registered"));
    ck_assert_ptr_null(strstr(types_at("/users", ""), "order"));
    end();
}
END_TEST

/* Who has no endpoint that wants it writes nothing. */
START_TEST(nothing_is_written_for_nobody)
{
    actor_t *buyer = person("user", "20.00");
    endpoint_t e = endpoint("auction.*");
    long long id = product(person("seller", NULL), "5.00", 20);

    buy(buyer, id, 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.outbox WHERE channel ="
                             " 'webhook'"), 0);
    expect(patch(admin, fmt(HOOKS "%lld/", e.id),
                 "{\"events\": \"*\", \"is_active\": false}"), 200);
    buy(buyer, id, 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.outbox WHERE channel ="
                             " 'webhook'"), 0);
    refused(post(admin, fmt(HOOKS "%lld/test/", e.id), NULL), 409,
            "wrong_state");
    end();
}
END_TEST

/* --- secrets ------------------------------------------------------------- */

START_TEST(a_secret_is_shown_once)
{
    endpoint_t e = endpoint("*");

    ck_assert_uint_eq(strlen(e.secret), 6 + 44);
    ck_assert_ptr_null(strstr(endpoint_now(e)->body, "secret\": \"whsec"));
    ck_assert_ptr_null(at(endpoint_now(e), "secret"));
    ck_assert_ptr_null(strstr(get(admin, HOOKS)->body, "whsec_"));
    ck_assert(sql_true("SELECT to_jsonb(w)::text NOT LIKE '%%' || substr('%s',"
                       " 7, 20) || '%%' FROM ecs.webhook_endpoints w",
                       e.secret));
    end();
}
END_TEST

START_TEST(a_new_secret_and_the_old_one_for_a_day)
{
    endpoint_t e = endpoint("*");
    const char *path = fmt(HOOKS "%lld/", e.id), *fresh;
    const hook_t *hook;

    fresh = text_at(expect(post(admin, fmt("%srotate/", path), NULL), 200),
                    "secret");
    ck_assert_str_ne(fresh, e.secret);
    expect(post(admin, fmt("%stest/", path), NULL), 202);
    until_empty();
    hook = hook_nth(server, 0);
    ck_assert_str_eq(hook->type, "ping");
    ck_assert(hook_verifies(hook, fresh));
    ck_assert(hook_verifies(hook, e.secret));

    pass("25 hours");
    expect(post(admin, fmt("%stest/", path), NULL), 202);
    until_empty();
    hook = hook_nth(server, 1);
    ck_assert(hook_verifies(hook, fresh));
    ck_assert(!hook_verifies(hook, e.secret));
    ck_assert_ptr_null(strchr(hook->signature, ' '));
    end();
}
END_TEST

/* --- endpoints ----------------------------------------------------------- */

START_TEST(administrators_alone_have_endpoints)
{
    const char *const roles[] = {"user", "seller", "delivery"};
    endpoint_t e = endpoint("order.*");
    size_t i;

    for (i = 0; i < 3; i++) {
        actor_t *who = person(roles[i], NULL);

        refused(get(who, HOOKS), 403, "permission_denied");
        refused(post(who, HOOKS, "{\"url\": \"https://example.org/\"}"), 403,
                "permission_denied");
        refused(post(who, fmt(HOOKS "%lld/rotate/", e.id), NULL), 403,
                "permission_denied");
    }
    invalid(post(admin, HOOKS, "{\"url\": \"https://x.org/\", \"events\":"
                 " \"order.eaten\"}"), "events");
    invalid(post(admin, HOOKS, "{\"url\": \"ftp://x.org/\"}"), "url");
    invalid(patch(admin, fmt(HOOKS "%lld/", e.id),
                  "{\"url\": \"https://a:b@x.org/\"}"), "url");
    same(patch(admin, fmt(HOOKS "%lld/", e.id),
               "{\"events\": \" auction.*, order.*  auction.* \"}"), "events",
         "auction.* order.*");
    expect(http(.method = "DELETE", .path = fmt(HOOKS "%lld/", e.id),
                .who = admin), 204);
    expect(get(admin, fmt(HOOKS "%lld/", e.id)), 404);
    ck_assert_str_eq(sql("SELECT string_agg(action, ' ' ORDER BY id) FROM"
                         " ecs.audit_log WHERE actor_id = %lld", admin->id),
                     "webhook_create webhook_update webhook_delete");
    end();
}
END_TEST

START_TEST(one_that_fails_is_tried_again)
{
    endpoint_t e = endpoint("*");
    reply_t *r;

    hook_answer(server, 500, 1);
    expect(post(admin, fmt(HOOKS "%lld/test/", e.id), NULL), 202);
    until("EXISTS (SELECT FROM ecs.webhook_attempts)");
    r = newest_attempt(e);
    same(r, "results.0.status_code", "500");
    same(r, "results.0.answer", "because!");
    same(r, "results.0.type", "ping");
    same(endpoint_now(e), "failures_in_row", "1");
    same(get(admin, HOOKS "events/?status=pending"), "results.0.attempts", "1");
    pass("1 minute");
    until_empty();
    ck_assert_int_eq(hook_count(server), 2);
    ck_assert_str_eq(hook_nth(server, 0)->id, hook_nth(server, 1)->id);
    ck_assert_str_eq(hook_nth(server, 0)->body, hook_nth(server, 1)->body);
    ck_assert(hook_verifies(hook_nth(server, 1), e.secret));
    r = newest_attempt(e);
    same(r, "count", "2");
    same(r, "results.0.status_code", "204");
    same(r, "results.0.error", "null");
    same(endpoint_now(e), "failures_in_row", "0");
    end();
}
END_TEST

START_TEST(who_answers_410_is_left_alone)
{
    endpoint_t e = endpoint("user.*");
    long long event;

    hook_answer(server, 410, 1);
    person("user", NULL);
    until_empty();
    same(endpoint_now(e), "is_active", "false");
    ck_assert_ptr_nonnull(strstr(text_at(endpoint_now(e), "disabled_reason"),
                                 "410"));
    person("user", NULL);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.outbox WHERE channel ="
                             " 'webhook'"), 1);
    event = int_at(get(admin, HOOKS "events/?status=dead"), "results.0.id");
    refused(post(admin, fmt(HOOKS "events/%lld/replay/", event), NULL), 409,
            "wrong_state");
    same(expect(patch(admin, fmt(HOOKS "%lld/", e.id),
                      "{\"is_active\": true}"), 200),
         "disabled_reason", "null");
    expect(post(admin, fmt(HOOKS "events/%lld/replay/", event), NULL), 202);
    until_empty();
    ck_assert_int_eq(hook_count(server), 2);
    ck_assert_str_eq(hook_nth(server, 0)->id, hook_nth(server, 1)->id);
    expect(post(admin, fmt(HOOKS "events/%lld/replay/", event), NULL), 202);
    until_empty();
    ck_assert_int_eq(hook_count(server), 3);
    end();
}
END_TEST

START_TEST(redirects_are_not_followed)
{
    endpoint_t e = endpoint("*");

    hook_answer(server, 302, 1);
    expect(post(admin, fmt(HOOKS "%lld/test/", e.id), NULL), 202);
    until("EXISTS (SELECT FROM ecs.webhook_attempts)");
    ck_assert_int_eq(hook_count(server), 1);
    same(newest_attempt(e), "results.0.status_code", "302");
    same(get(admin, HOOKS "events/"), "results.0.status", "PENDING");
    end();
}
END_TEST

/* --- when things go wrong ------------------------------------------------ */

/* Everything came that is SENT, nothing else is left, and what came twice came
 * under one id. */
static void everything_came(void)
{
    int ids = 0, i, k;

    for (i = 0; i < hook_count(server); i++) {
        int is_new = 1;

        for (k = 0; k < i; k++) {
            is_new &= strcmp(hook_nth(server, i)->id,
                             hook_nth(server, k)->id) != 0;
        }
        ids += is_new;
    }
    ck_assert_int_eq(ids, sql_int("SELECT count(*) FROM ecs.outbox WHERE"
                                  " channel = 'webhook' AND status = 'SENT'"));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.outbox WHERE channel ="
                             " 'webhook' AND status <> 'SENT'"), 0);
}

/* A server that anybody could be learns nothing. */
START_TEST(a_certificate_has_to_be_good)
{
    endpoint_t e;

    listener();
    e = endpoint_at(fmt("https://127.0.0.1:%d/hook", tls_start()), "*");
    expect(post(admin, fmt(HOOKS "%lld/test/", e.id), NULL), 202);
    until("EXISTS (SELECT FROM ecs.webhook_attempts)");
    ck_assert_ptr_nonnull(strstr(text_at(newest_attempt(e), "results.0.error"),
                                 "certificate"));
    ck_assert_int_gt(tls_connections(), 0);
    ck_assert_int_eq(tls_talks(), 0);
    end();
}
END_TEST

START_TEST(one_that_is_away_is_waited_for)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50), order = 0;
    endpoint_t e = endpoint("order.*");
    int i;

    hook_down(server);
    for (i = 0; i < 5; i++) {
        order = buy(buyer, id, 1);
        expect(post(buyer, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    }
    until("EXISTS (SELECT FROM ecs.webhook_attempts WHERE status_code IS"
          " NULL)");
    ck_assert(sql_true("SELECT rest_until IS NOT NULL FROM"
                       " ecs.webhook_endpoints"));
    hook_up(server);
    for (i = 0; i < 3; i++) {
        usleep(500000);
        pass("1 minute");
    }
    until_empty();
    everything_came();
    /* each order was created before it was cancelled */
    ck_assert(sql_true("SELECT count(*) = 5 FROM ecs.outbox c JOIN ecs.outbox x"
                       " USING (object_id) WHERE c.kind = 'order.created' AND"
                       " x.kind = 'order.cancelled' AND c.channel = 'webhook'"
                       " AND x.channel = 'webhook' AND c.sent_at <= x.sent_at"));
    for (i = 0; i < hook_count(server); i++) {
        ck_assert(hook_verifies(hook_nth(server, i), e.secret));
    }
    end();
}
END_TEST

/* The next about one order waits for the one before; other orders do not. */
START_TEST(what_failed_holds_up_its_own_order)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50), first, second;

    endpoint("order.*");
    hook_answer(server, 400, 1);
    first = buy(buyer, id, 1);
    until("EXISTS (SELECT FROM ecs.webhook_attempts WHERE status_code = 400)");
    expect(post(buyer, fmt("/api/orders/%lld/cancel/", first), NULL), 200);
    second = buy(buyer, id, 1);
    until(fmt("EXISTS (SELECT FROM ecs.outbox WHERE channel = 'webhook' AND"
              " object_id = %lld AND status = 'SENT')", second));
    ck_assert_str_eq(sql("SELECT string_agg(kind || ' ' || attempts, ', ' ORDER"
                         " BY id) FROM ecs.outbox WHERE status = 'PENDING' AND"
                         " channel = 'webhook' AND object_id = %lld", first),
                     "order.created 1, order.cancelled 0");
    pass("1 minute");
    until_empty();
    everything_came();
    ck_assert_str_eq(types_at("/hook", ""), "order.created order.created"
                     " order.created order.cancelled");
    end();
}
END_TEST

/* Neither requests nor mails nor other endpoints wait for one that is slow. */
START_TEST(nobody_waits_for_a_slow_one)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50);
    hook_server_t *slow = listener(), *fast = hook_start();
    double began;
    int i;

    endpoint_at(fmt("%s/slow", hook_url(slow)), "order.created");
    endpoint_at(fmt("%s/fast", hook_url(fast)), "order.created");
    hook_slow(slow, 8000);
    began = seconds_now();
    for (i = 0; i < 4; i++) {
        buy(buyer, id, 1);
    }
    ck_assert_double_lt(seconds_now() - began, 7.0);
    until("(SELECT count(*) = 0 FROM ecs.outbox WHERE channel = 'mail' AND"
          " status = 'PENDING')");
    /* four in a row would take the slow one 32 seconds */
    while (hook_count(fast) < 4 && seconds_now() - began < 30) {
        usleep(50000);
    }
    ck_assert_int_eq(hook_count(fast), 4);
    ck_assert_int_lt(hook_count(slow), 4);
    hook_slow(slow, 0);
    end();
}
END_TEST

START_TEST(a_kill_loses_no_webhook)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 90);
    int i, round;

    endpoint("order.created");
    hook_slow(server, 200);
    for (round = 0; round < 2; round++) {
        for (i = 0; i < 6; i++) {
            buy(buyer, id, 1);
        }
        until("EXISTS (SELECT FROM ecs.outbox WHERE channel = 'webhook' AND"
              " claimed_until > ecs.now())");
        usleep(300000);
        kill_children();
        pass("3 minutes"); /* so long the dead had them */
    }
    ck_assert(sql_true("SELECT max(attempts) > 0 FROM ecs.outbox WHERE channel ="
                       " 'webhook'"));
    hook_slow(server, 0);
    until_empty();
    everything_came();
    end();
}
END_TEST

/* --- the network that the server stands in ------------------------------- */

static void forbid_private(void)
{
    configure("EcsWebhookAllowPrivate Off");
}

static void allow_private(void)
{
    configure(NULL);
}

START_TEST(nothing_goes_into_the_own_network)
{
    const char *port = strrchr(hook_url(listener()), ':');
    endpoint_t e;
    reply_t *r;

    invalid(post(admin, HOOKS, "{\"url\": \"http://example.org/\"}"), "url");
    invalid(post(admin, HOOKS, "{\"url\": \"https://169.254.169.254/\"}"),
            "url");
    invalid(post(admin, HOOKS, "{\"url\": \"https://[::1]/\"}"), "url");
    /* a name is as good as what it means when it is called */
    e = endpoint_at("https://ip6-localhost/", "*");
    sql("UPDATE ecs.webhook_endpoints SET url = 'https://localhost%s/'", port);
    expect(post(admin, fmt(HOOKS "%lld/test/", e.id), NULL), 202);
    until("EXISTS (SELECT FROM ecs.webhook_attempts)");
    r = newest_attempt(e);
    same(r, "results.0.status_code", "null");
    same(r, "results.0.error", "its address is not one of the Internet");
    ck_assert_int_eq(hook_count(server), 0);

    sql("UPDATE ecs.webhook_endpoints SET url = 'http://127.0.0.1%s/'", port);
    sql("DELETE FROM ecs.webhook_attempts");
    pass("1 minute");
    until("EXISTS (SELECT FROM ecs.webhook_attempts)");
    ck_assert_int_eq(hook_count(server), 0);
    end();
}
END_TEST

/* Auctions of other programs end by the clock, and their orders would be told
 * of. So let them end now. */
static void end_auctions(void)
{
    int left = 100;

    pass("60 days");
    while (left-- > 0 && sql_true("SELECT EXISTS (SELECT FROM ecs.auctions WHERE"
                                  " status IN ('SCHEDULED', 'ACTIVE'))")) {
        usleep(100000);
    }
}

int main(void)
{
    const TTest *const tests[] = {
        an_order_is_told_step_by_step, everybody_gets_what_they_asked_for,
        nothing_is_written_for_nobody, a_secret_is_shown_once,
        a_new_secret_and_the_old_one_for_a_day,
        administrators_alone_have_endpoints, one_that_fails_is_tried_again,
        who_answers_410_is_left_alone, redirects_are_not_followed,
        a_certificate_has_to_be_good, one_that_is_away_is_waited_for,
        what_failed_holds_up_its_own_order, nobody_waits_for_a_slow_one,
        a_kill_loses_no_webhook, NULL};
    const TTest *const abroad[] = {nothing_goes_into_the_own_network, NULL};

    return suite_run_between("webhooks", tests, 90, end_auctions, NULL)
        | suite_run_between("webhooks abroad", abroad, 60, forbid_private,
                            allow_private);
}
