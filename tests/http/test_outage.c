/* SPDX-License-Identifier: MIT */
/*
 * test_outage.c - PostgreSQL goes away and comes back, also in the middle of
 * the work: no child of httpd dies, answers are 2xx or 503 with Retry-After,
 * and what was acknowledged is there.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "processes.h"
#include "support.h"
#include "shop.h"

#define CHECKOUT "/api/orders/checkout/"
#define PRODUCTS "/api/product/products/"
#define CLIENTS 8
#define LOAD_SECONDS 45   /* at the most; a busy machine is slow */
#define AFTER_SECONDS 3.0 /* of load, once the database is back */
#define BACK_SECONDS 2.0  /* after the database, the shop is back */
#define ORDERS_MAX 100000

/* --- httpd's children ---------------------------------------------------- */

/* Pids of the parent's children, as one text. */
static const char *httpd_children(void)
{
    long pid = parent_pid();

    return file_text(fmt("/proc/%ld/task/%ld/children", pid, pid));
}

static int log_lines(const char *word)
{
    const char *log = file_text(setting("ECS_ERROR_LOG"));
    int count = 0;

    for (log = strstr(log, word); log != NULL; log = strstr(log + 1, word)) {
        count++;
    }
    return count;
}

/* --- the load ------------------------------------------------------------ */

typedef struct load_t {
    actor_t *buyers[CLIENTS];
    long long product;
    int reads[CLIENTS];        /* requests so far, of those who read */
    int is_filled[CLIENTS];    /* something is in the cart */
    const char *keys[CLIENTS]; /* of the request that has no answer yet */
    long long *orders;         /* acknowledged */
    int orders_count;
    int good, unavailable;
    double started[CLIENTS];
    double back_at;    /* when the database was back, or 0 */
    double first_good; /* the first success after that */
    int late;          /* refusals long after that */
} load_t;

static int load_next(void *context, int client, request_t *request)
{
    load_t *load = context;

    load->started[client] = seconds_now();
    if (client >= CLIENTS / 2) { /* half of them only look */
        request->method = "GET";
        request->path = load->reads[client]++ % 2 == 0
                            ? fmt(PRODUCTS "%lld/", load->product)
                            : PRODUCTS "?page_size=5";
        return 1;
    }
    if (load->keys[client] == NULL) {
        load->keys[client] = fmt("Idempotency-Key: %s", unique("key"));
    }
    request->method = "POST";
    request->who = load->buyers[client];
    request->headers[0] = load->keys[client];
    request->path = load->is_filled[client] ? CHECKOUT : "/api/cart/items/";
    request->body = load->is_filled[client]
                        ? NULL
                        : fmt("{\"product\": %lld}", load->product);
    return 1;
}

static void load_done(void *context, int client, const reply_t *reply)
{
    load_t *load = context;
    int is_order = load->is_filled[client];

    if (reply->status == 503) {
        load->unavailable++;
        load->late += load->back_at > 0 &&
                      load->started[client] > load->back_at + BACK_SECONDS;
        usleep(2000);
        return; /* the same again, under the same key */
    }
    ck_assert_msg(reply->status == 200 || reply->status == 201,
                  "%s %s -> %d %s", reply->request.method, reply->request.path,
                  reply->status, reply->body);
    load->good++;
    if (load->back_at > 0 && load->first_good == 0 &&
        load->started[client] > load->back_at) {
        load->first_good = seconds_now();
    }
    if (client >= CLIENTS / 2) {
        return;
    }
    if (is_order && load->orders_count < ORDERS_MAX) {
        load->orders[load->orders_count++] = int_at(reply, "id");
    }
    load->is_filled[client] = !is_order;
    load->keys[client] = NULL;
}

/* Another process restarts the database while this one makes load. */
typedef struct restart_t {
    load_t load;
    pid_t pid;
    double at; /* when to begin */
    const char *mode;
} restart_t;

static int restart_next(void *context, int client, request_t *request)
{
    restart_t *restart = context;
    int status;

    if (restart->pid == 0 && seconds_now() > restart->at) {
        restart->pid = fork();
        if (restart->pid == 0) {
            execl("/bin/sh", "sh", "-c",
                  fmt("exec '%s' restart-db '%s' %s", setting("ECS_INSTANCE"),
                      setting("ECS_DIR"), restart->mode),
                  (char *)NULL);
            _exit(127);
        }
    }
    if (restart->pid > 0 && restart->load.back_at == 0 &&
        waitpid(restart->pid, &status, WNOHANG) == restart->pid) {
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "restart-db failed");
        restart->load.back_at = seconds_now();
    }
    if (restart->load.back_at > 0 &&
        seconds_now() > restart->load.back_at + AFTER_SECONDS) {
        return 0;
    }
    return load_next(&restart->load, client, request);
}

static void restart_done(void *context, int client, const reply_t *reply)
{
    restart_t *restart = context;

    load_done(&restart->load, client, reply);
}

static void check_orders(const load_t *load)
{
    long long missing = 0, all = 0;
    int i;

    for (i = 0; i < load->orders_count; i++) {
        missing += !sql_true("SELECT EXISTS (SELECT FROM ecs.orders"
                             " WHERE id = %lld)",
                             load->orders[i]);
    }
    ck_assert_int_eq(missing, 0);
    for (i = 0; i < CLIENTS / 2; i++) {
        all += sql_int("SELECT count(*) FROM ecs.orders WHERE buyer_id = %lld",
                       load->buyers[i]->id);
    }
    /* At the most one per buyer was made and not yet acknowledged. */
    ck_assert_int_ge(all, load->orders_count);
    ck_assert_int_le(all, load->orders_count + CLIENTS / 2);
}

static void restart_under_load(const char *mode)
{
    restart_t restart = {.mode = mode};
    stream_t stream = {CLIENTS, LOAD_SECONDS, restart_next, restart_done,
                       &restart};
    load_t *load = &restart.load;
    const char *children = httpd_children();
    int crashes = log_lines("AH0005"), i;

    load->orders = grab(sizeof(*load->orders) * ORDERS_MAX);
    load->product = product(person("seller", NULL), "0.01", 1000000);
    for (i = 0; i < CLIENTS; i++) {
        load->buyers[i] = person("user", "10000.00");
    }
    restart.at = seconds_now() + 1.5;
    http_stream(&stream);
    printf("outage (%s): %d good, %d 503, %d orders, back after %.2f s\n", mode,
           load->good, load->unavailable, load->orders_count,
           load->first_good - load->back_at);
    sql_reconnect();
    ck_assert_msg(load->back_at > 0, "the database did not come back");
    ck_assert_int_gt(load->unavailable, 0);
    ck_assert_int_gt(load->orders_count, 10);
    ck_assert(load->first_good > 0);
    ck_assert(load->first_good - load->back_at < BACK_SECONDS);
    ck_assert_int_eq(load->late, 0);
    ck_assert_str_eq(httpd_children(), children);
    ck_assert_int_eq(log_lines("AH0005"), crashes);
    check_orders(load);
    books_balance();
}

START_TEST(a_restart_under_load_loses_nothing)
{
    restart_under_load("fast");
}
END_TEST

START_TEST(a_crash_under_load_loses_nothing)
{
    restart_under_load("immediate");
}
END_TEST

/* --- without a database -------------------------------------------------- */

START_TEST(without_the_database_the_shop_says_so)
{
    actor_t *who = person("user", NULL);
    const char *children = httpd_children();
    double back;
    reply_t *r;

    instance("stop-db", "fast");
    expect(get(NULL, "/api/health/"), 200);
    refused(get(NULL, "/api/ready/"), 503, "service_unavailable");
    r = refused(get(who, "/api/accounts/me/"), 503, "service_unavailable");
    ck_assert_int_gt(atoi(header(r, "Retry-After")), 0);
    ck_assert(r->seconds < 3 || is_slow());
    ck_assert_int_eq(post(NULL, "/api/accounts/token/",
                          fmt("{\"email\": \"%s\", \"password\": \"%s\"}",
                              who->email, PASSWORD))
                         ->status,
                     503);
    /* What needs no database is still refused or answered without it. */
    expect(get(NULL, "/api/accounts/me/"), 401);
    expect(get(NULL, "/api/nothing/"), 404);
    instance("start-db", "");
    sql_reconnect();
    back = seconds_now();
    do {
        usleep(20000);
        r = get(who, "/api/accounts/me/");
    } while (r->status == 503 && seconds_now() < back + BACK_SECONDS);
    expect(r, 200);
    /* Each child finds out for itself; the next test may ask another one. */
    usleep((useconds_t)(BACK_SECONDS * 1e6));
    ck_assert_str_eq(httpd_children(), children);
}
END_TEST

/* A backend that is ended between two requests is nobody's business. */
START_TEST(a_lost_connection_is_made_anew)
{
    actor_t *who = person("user", NULL);
    int i, refusals = 0;

    for (i = 0; i < 20; i++) {
        expect(get(who, "/api/accounts/me/"), 200);
        sql_super("SELECT count(pg_terminate_backend(pid)) FROM"
                  " pg_stat_activity WHERE usename = 'ecs_app'");
        refusals += get(who, "/api/accounts/me/")->status != 200;
        refusals += get(who, "/api/wallet/")->status != 200;
    }
    ck_assert_int_eq(refusals, 0);
}
END_TEST

/* --- a database that is there and does nothing ---------------------------- */

#define ROWS 950
#define ROW_BYTES 1900
#define STANDS_STILL 15 /* seconds */
#define GIVEN_UP 12     /* seconds: EcsDbTimeout is 6 */

/* Some of them may be gone. */
static void signal_all(const char *pids, int signal)
{
    char *end;
    long pid = strtol(pids, &end, 10);

    while (pid > 0) {
        kill((pid_t)pid, signal);
        pid = strtol(end, &end, 10);
    }
}

/* More than a socket takes that nobody reads. */
static const char *large_import(void)
{
    char *text = grab(ROWS * (ROW_BYTES + 64)), *to = text;
    int i;

    to += sprintf(to, "{\"rows\": [");
    for (i = 0; i < ROWS; i++) {
        to += sprintf(to, "%s{\"id\": 1, \"description\": \"%0*d\"}",
                      i > 0 ? "," : "", ROW_BYTES, i);
    }
    sprintf(to, "]}");
    return text;
}

/* The same import from all clients at once, once. */
static double import_by_all(const actor_t *seller, const char *body,
                            reply_t **replies)
{
    request_t requests[CLIENTS];
    double began = seconds_now();
    int i;

    for (i = 0; i < CLIENTS; i++) {
        requests[i] = (request_t){
            .method = "POST", .who = seller, .body = body,
            .path = PRODUCTS "import/?dry_run=true"};
    }
    http_parallel(requests, replies, CLIENTS);
    return seconds_now() - began;
}

/* What is sent waits no longer than what is received. A connection that is made
 * meanwhile is answered. */
START_TEST(a_server_that_does_not_read_is_given_up)
{
    actor_t *seller = person("seller", NULL);
    const char *pids, *large = large_import();
    reply_t *replies[CLIENTS], *r;
    double seconds;
    pid_t waker;
    int i, given_up = 0;

    for (i = 0; i < 10; i++) { /* each connection has prepared it */
        import_by_all(seller, "{\"rows\": [{\"id\": 1}]}", replies);
    }
    pids = sql_super("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity"
                     " WHERE usename = 'ecs_app'");
    signal_all(pids, SIGSTOP);
    waker = fork();
    if (waker == 0) {
        sleep(STANDS_STILL);
        signal_all(pids, SIGCONT);
        _exit(0);
    }
    seconds = import_by_all(seller, large, replies);
    kill(waker, SIGKILL);
    waitpid(waker, NULL, 0);
    signal_all(pids, SIGCONT);
    for (i = 0; i < CLIENTS; i++) {
        given_up += replies[i]->status == 503;
    }
    ck_assert_msg(seconds < GIVEN_UP, "%.1f seconds", seconds);
    ck_assert_int_gt(given_up, 0);
    do {
        usleep(20000);
        r = get(seller, "/api/accounts/me/");
    } while (r->status == 503);
    expect(r, 200);
    usleep((useconds_t)(BACK_SECONDS * 1e6));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_restart_under_load_loses_nothing,
                                  a_crash_under_load_loses_nothing,
                                  without_the_database_the_shop_says_so,
                                  a_lost_connection_is_made_anew,
                                  a_server_that_does_not_read_is_given_up,
                                  NULL};

    return suite_run("outage", tests, 90);
}
