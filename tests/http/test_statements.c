/* SPDX-License-Identifier: MIT */
/*
 * test_statements.c - one request is one statement: what httpd's role sends is
 * counted in PostgreSQL's log around each request (pg_stat_statements leaves
 * out what fails). A route that needs more says so in the OpenAPI document
 * (x-statements).
 */
#include <stdlib.h>
#include <unistd.h>
#include "routes.h"
#include "support.h"
#include "shop.h"

/* Whether PostgreSQL logs every statement; it begins and ends with its role. */
static void log_all(const char *what, const char *prefix)
{
    sql_super("ALTER SYSTEM SET log_statement = '%s'", what);
    sql_super("ALTER SYSTEM SET log_line_prefix = '%s'", prefix);
    sql_super("SELECT pg_reload_conf()");
    usleep(300000); /* until every backend has heard of it */
}

static void start_log(void)
{
    log_all("all", "%m [%p] %u ");
}

static void stop_log(void)
{
    log_all("none", "%m [%p] ");
}

static int is_of_a_job(const char *line)
{
    static const char *const jobs[] = {"ecs_api.job_",
                                       "ecs_api.outbox_claim(",
                                       "ecs_api.outbox_report(",
                                       "ecs_api.webhook_report(",
                                       "ecs_api.media_unused("};
    const char *end = strchr(line, '\n');
    size_t i;

    for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        const char *job = strstr(line, jobs[i]);

        if (job != NULL && (end == NULL || job < end)) {
            return 1;
        }
    }
    return 0;
}

/* Statements of httpd so far, also those that failed, without those of its
 * jobs. */
static long long statements(void)
{
    static const char *const kinds[] = {" ecs_app LOG:  execute ",
                                        " ecs_app LOG:  statement: "};
    const char *log = file_text(setting("ECS_DB_LOG")), *at;
    long long count = 0;
    size_t i;

    for (i = 0; i < 2; i++) {
        for (at = strstr(log, kinds[i]); at != NULL;
             at = strstr(at + 1, kinds[i])) {
            count += !is_of_a_job(at);
        }
    }
    free((char *)log);
    return count;
}

static long long budget_of(const route_t *route)
{
    json_t *declared = json_object_get(route->operation, "x-statements");

    return declared != NULL ? json_integer_value(declared) : route->calls;
}

static int is_export(const reply_t *reply)
{
    const char *type = header(reply, "Content-Type");

    return type != NULL && strncmp(type, "text/csv", 8) == 0;
}

/* --- every route, with a valid request for an object that is not there --- */

START_TEST(every_route_keeps_its_budget)
{
    const route_t *route;

    for (route = routes_all(); route->method != NULL; route++) {
        const actor_t *who = person(route_role(route), "1.00");
        request_t request =
            route_request(route, who, route_path(route, "999999999"));
        long long before, used;
        reply_t *reply;

        /* The shop's own settings stay as they are. */
        if (route->writes && strcmp(route->path, "/api/settings/") == 0) {
            request.body = "{}";
        }
        before = statements();
        reply = http_send(&request);
        used = statements() - before;
        /* The example of a token is none, which needs no database to see. An
         * export has as many as it has parts. */
        if (strcmp(route->path, "/api/accounts/token/verify/") == 0 ? used > 1
            : is_export(reply) ? used < 1
                               : used != budget_of(route)) {
            complain("%s %s: %lld statements, not %lld (%d %.100s)",
                     route->method, route->path, used, budget_of(route),
                     reply->status, reply->body);
        }
    }
    nothing_wrong();
}
END_TEST

/* --- the main job, where everything succeeds ----------------------------- */

static reply_t *counted(const actor_t *who, const char *method,
                        const char *path, const char *body, int status)
{
    long long before = statements(), used;
    reply_t *reply =
        http(.method = method, .path = path, .who = who, .body = body);

    used = statements() - before;
    expect(reply, status);
    if (used != 1) {
        complain("%s %s -> %d: %lld statements", method, path, status, used);
    }
    return reply;
}

START_TEST(the_main_job_is_one_statement_a_step)
{
    actor_t *buyer = person("user", NULL), *seller = person("seller", NULL);
    actor_t *admin = person("admin", NULL), *courier = person("delivery", NULL);
    long long id, order;
    reply_t *r;

    r = counted(seller, "POST", "/api/product/products/",
                fmt("{\"name\": \"Lamp\", \"description\": \"x\", \"price\":"
                    " 5, \"quantity\": 5, \"category\": %lld}",
                    category()),
                201);
    id = int_at(r, "id");
    counted(admin, "POST", fmt("/api/product/products/admin/%lld/approve/", id),
            NULL, 200);
    counted(NULL, "GET", fmt("/api/product/products/%lld/", id), NULL, 200);
    counted(NULL, "GET", "/api/product/products/?page_size=20", NULL, 200);
    counted(admin, "POST", fmt("/api/wallet/admin/%lld/deposit/", buyer->id),
            fmt("{\"amount\": 20, \"reference\": \"%s\", \"reason\": \"x\"}",
                unique("bank")),
            201);
    counted(buyer, "POST", "/api/cart/items/", fmt("{\"product\": %lld}", id),
            201);
    counted(buyer, "GET", "/api/cart/", NULL, 200);
    r = counted(buyer, "POST", "/api/orders/checkout/", NULL, 201);
    order = int_at(r, "id");
    counted(courier, "POST", fmt("/api/delivery/orders/%lld/claim/", order),
            NULL, 200);
    counted(courier, "POST", fmt("/api/delivery/orders/%lld/advance/", order),
            NULL, 200);
    r = counted(buyer, "GET", fmt("/api/orders/%lld/proof/", order), NULL, 200);
    counted(courier, "POST", fmt("/api/orders/%lld/proof/confirm/", order),
            fmt("{\"pin\": \"%s\"}", text_at(r, "pin")), 200);
    pass("4 days");
    counted(buyer, "POST", fmt("/api/orders/%lld/complete/", order), NULL, 200);
    counted(buyer, "GET", "/api/orders/", NULL, 200);
    counted(seller, "GET", "/api/wallet/transactions/", NULL, 200);
    counted(seller, "GET", "/api/notifications/", NULL, 200);
    nothing_wrong();
}
END_TEST

START_TEST(a_key_costs_no_further_statement)
{
    actor_t *from = person("user", "10.00"), *to = person("user", NULL);
    const char *body = fmt("{\"recipient\": \"%s\", \"amount\": 1}", to->email);
    const char *key = unique("key");
    long long before = statements();

    expect(post_keyed(from, "/api/wallet/transfer/", body, key), 201);
    ck_assert_int_eq(statements() - before, 1);
    expect(post_keyed(from, "/api/wallet/transfer/", body, key), 201);
    ck_assert_int_eq(statements() - before, 2);
}
END_TEST

START_TEST(what_is_refused_early_costs_nothing)
{
    actor_t *who = person("user", NULL);
    long long before = statements();

    expect(get(NULL, "/api/accounts/me/"), 401);
    expect(get(who, "/api/audit/"), 403);
    expect(post(who, "/api/wallet/transfer/", "{}"), 400);
    expect(put(who, "/api/accounts/me/", "{}"), 405);
    expect(get(who, "/api/nothing/"), 404);
    expect(get(NULL, "/api/health/"), 200);
    ck_assert_int_eq(statements(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_route_keeps_its_budget,
                                  the_main_job_is_one_statement_a_step,
                                  a_key_costs_no_further_statement,
                                  what_is_refused_early_costs_nothing, NULL};

    return suite_run_between("statements", tests, 40, start_log, stop_log);
}
