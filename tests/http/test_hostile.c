/* SPDX-License-Identifier: MIT */
/*
 * test_hostile.c - clients and databases that do not behave: broken and
 * smuggled bodies, request lines that cannot be read, conditions, what a
 * site's own conf does to the shop, a database whose functions are replaced,
 * and one that is silent.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "support.h"
#include "shop.h"

#define ME "/api/accounts/me/"
#define PRODUCTS "/api/product/products/"
#define HOST "Host: x\r\n"
#define JSON "Content-Type: application/json\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define HEALTH "GET /api/health/ HTTP/1.1\r\n" HOST "\r\n"
#define SMUGGLED "GET /api/ready/ HTTP/1.1\r\n" HOST "\r\n"
#define DEPLOY_EVERY 25 /* requests */
#define CLIENTS 8
#define GIVEN_UP_SECONDS 10.0 /* EcsDbTimeout, or four connects in a row */
#define FUSE_SECONDS 1.5 /* a pause of the fuse (fuse.h) and a little */
#define RECOVERY_SECONDS 3.0

static const char *raw(const char *text)
{
    return http_raw(text, strlen(text));
}

static int occurrences(const char *text, const char *word)
{
    int count = 0;

    for (text = strstr(text, word); text; text = strstr(text + 1, word)) {
        count++;
    }
    return count;
}

/* One response with this status, in JSON, and nothing behind it. */
static void one_answer(const char *answer, const char *status)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: ");

    ck_assert_msg(!strncmp(answer, "HTTP/1.1 ", 9), "no response: %s", answer);
    ck_assert_msg(!strncmp(answer + 9, status, 3), "not %s: %s", status,
                  answer);
    ck_assert_ptr_nonnull(strstr(answer, "application/json"));
    ck_assert_ptr_nonnull(body);
    if (length) {
        ck_assert_uint_eq(strlen(body + 4), strtoul(length + 16, NULL, 10));
    }
    ck_assert_int_eq(occurrences(answer, "\"code\""), 1);
}

/* --- bodies ---------------------------------------------------------------- */

START_TEST(a_broken_chunk_has_one_answer)
{
    const char *const chunks[] = {
        "xyz\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}XX0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n{}",
        "-1\r\n{}\r\n0\r\n\r\n",
    };
    size_t i;

    for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        const char *answer =
            raw(fmt("POST /api/accounts/token/ HTTP/1.1\r\n" HOST JSON CHUNKED
                    "\r\n%s" SMUGGLED, chunks[i]));

        one_answer(answer, strstr(answer, " 413 ") ? "413" : "400");
    }
}
END_TEST

/* Refused before the body is read: it must not be taken for a request. */
START_TEST(an_unread_body_is_no_request)
{
    const char *const heads[] = {
        "POST /api/orders/checkout/ HTTP/1.1\r\n" HOST,
        "POST /api/orders/checkout/ HTTP/1.1\r\n" HOST
        "Authorization: Bearer x.y.z\r\n",
        "POST /api/nothing/ HTTP/1.1\r\n" HOST,
        "PUT /api/health/ HTTP/1.1\r\n" HOST,
        "OPTIONS /api/health/ HTTP/1.1\r\n" HOST,
    };
    size_t i;

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const char *plain = raw(fmt("%sContent-Length: %zu\r\n\r\n" SMUGGLED
                                    HEALTH, heads[i], strlen(SMUGGLED)));
        const char *chunked = raw(fmt("%s" CHUNKED "\r\n%zx\r\n" SMUGGLED
                                      "\r\n0\r\n\r\n" HEALTH, heads[i],
                                      strlen(SMUGGLED)));

        ck_assert_int_eq(occurrences(plain, "HTTP/1.1 "), 2);
        ck_assert_int_eq(occurrences(plain, "{\"status\":\"ok\"}"), 1);
        ck_assert_int_eq(occurrences(plain, "schema_version"), 0);
        ck_assert_int_eq(occurrences(chunked, "HTTP/1.1 "), 2);
        ck_assert_int_eq(occurrences(chunked, "schema_version"), 0);
    }
}
END_TEST

START_TEST(two_lengths_are_not_believed)
{
    const char *answer =
        raw("POST /api/accounts/token/ HTTP/1.1\r\n" HOST JSON
            "Content-Length: 4\r\n" CHUNKED "\r\n2\r\n{}\r\n0\r\n\r\n"
            SMUGGLED);

    ck_assert_int_eq(occurrences(answer, "HTTP/1.1 "), 1);
    ck_assert_int_eq(occurrences(answer, "schema_version"), 0);
    one_answer(raw("POST /api/accounts/token/ HTTP/1.1\r\n" HOST JSON
                   "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
               "400");
}
END_TEST

/* The conf of the tests inflates bodies: 9,000 bytes come out of fewer than
 * a hundred. */
START_TEST(a_body_may_be_longer_than_it_says)
{
    static const char packed[] =
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\xc1\x09\x80"
        "\x30\x10\x00\xb0\x55\x8e\x1b\xc3\x6d\x2a\xb5\x70\x20\xfa\xe9"
        "\x4f\xba\xbb\x83\x34\xc9\x97\x67\xbd\x79\x44\xd6\x33\xee\x36"
        "\xaf\x9e\x01\x00\x00\x00\x00\x00\x00\x00\x00\x1b\x58\x3f\x3b"
        "\x8a\xe4\xca\x3b\x23\x00\x00";
    actor_t *who = person("user", NULL);
    reply_t *r = http(.method = "PATCH", .path = ME, .who = who,
                      .body = packed, .length = sizeof(packed) - 1,
                      .headers = {"Content-Encoding: gzip"});

    same(expect(r, 200), "bio", "inflated");
    same(get(who, ME), "bio", "inflated");
}
END_TEST

START_TEST(only_utf_8_is_utf_8)
{
    actor_t *who = person("user", NULL);
    const char *const others[] = {"utf-80", "utf-8x", "\"utf-16\"", "\"\"", ""};
    const char *const good[] = {"utf-8", "UTF-8", "\"utf-8\"", "utf-8; x=y"};
    size_t i;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        refused(http(.method = "PATCH", .path = ME, .who = who, .body = "{}",
                     .type = fmt("application/json; charset=%s", others[i])),
                415, "unsupported_media_type");
    }
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        expect(http(.method = "PATCH", .path = ME, .who = who, .body = "{}",
                    .type = fmt("application/json; charset=%s", good[i])),
               200);
    }
}
END_TEST

/* --- what httpd refuses ----------------------------------------------------- */

START_TEST(an_unreadable_request_line_is_refused_in_json)
{
    char *path = grab(9001);

    one_answer(raw("GET /api/health/ HTTP/1.1\nHost: x\n\n"), "400");
    memset(path, 'a', 9000);
    one_answer(raw(fmt("GET /api/%s HTTP/1.1\r\n" HOST "\r\n", path)), "414");
    /* Not for the shop: httpd's own page. */
    ck_assert_ptr_nonnull(
        strstr(raw(fmt("GET /%s HTTP/1.1\r\n" HOST "\r\n", path)), "<html"));
}
END_TEST

/* The conf of the tests has an ErrorDocument for 404, and a redirect. */
START_TEST(the_sites_conf_and_the_shop_get_along)
{
    reply_t *r = http(.method = "GET", .path = "/api/a%2Fb/",
                      .flags = HTTP_UNCHECKED);

    refused(r, 404, "not_found");
    refused(get(NULL, "/api/nothing/"), 404, "not_found");
    r = http(.method = "GET", .path = "/api/moved/", .flags = HTTP_UNCHECKED);
    expect(r, 301);
    ck_assert_ptr_nonnull(strstr(header(r, "Location"), "/elsewhere/"));
    ck_assert_ptr_null(strstr(r->body, "\"code\""));
}
END_TEST

START_TEST(every_answer_carries_the_same_guards)
{
    actor_t *who = person("user", NULL);
    reply_t *replies[] = {
        get(NULL, "/api/health/"),   get(who, ME),
        get(NULL, ME),               get(NULL, "/api/nothing/"),
        get(who, "/api/audit/"),     patch(who, ME, "{"),
        put(who, ME, "{}"),          get(NULL, PRODUCTS "?x=y"),
        http(.method = "GET", .path = "/api/a%2Fb/", .flags = HTTP_UNCHECKED),
        http(.method = "OPTIONS", .path = ME, .flags = HTTP_UNCHECKED),
    };
    size_t i;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        ck_assert_str_eq(header(replies[i], "X-Content-Type-Options"),
                         "nosniff");
        ck_assert_str_eq(header(replies[i], "Content-Security-Policy"),
                         "default-src 'none'; frame-ancestors 'none'");
        ck_assert_str_eq(header(replies[i], "Referrer-Policy"), "no-referrer");
        ck_assert_ptr_nonnull(header(replies[i], "X-Request-Id"));
    }
}
END_TEST

/* --- conditions --------------------------------------------------------------- */

/* The document speaks of If-Match where something is changed. */
static reply_t *get_with(const actor_t *who, const char *line)
{
    return http(.method = "GET", .path = ME, .who = who, .headers = {line},
                .flags = HTTP_UNCHECKED);
}

static reply_t *patch_with(const actor_t *who, const char *line)
{
    return http(.method = "PATCH", .path = ME, .who = who,
                .body = "{\"city\": \"Oslo\"}", .headers = {line});
}

START_TEST(conditions_are_kept)
{
    actor_t *who = person("user", NULL);
    const char *tag = header(get(who, ME), "ETag");

    expect(get_with(who, fmt("If-Match: %s", tag)), 200);
    expect(get_with(who, fmt("If-Match: \"0-0\", %s", tag)), 200);
    expect(get_with(who, "If-Match: *"), 200);
    refused(get_with(who, "If-Match: \"0-0\""), 412, "stale");
    refused(get_with(who, fmt("If-Match: W/%s", tag)), 412, "stale");
    expect(get_with(who, fmt("If-None-Match: W/%s", tag)), 304);
    expect(get_with(who, "If-None-Match: *"), 304);
    /* Nobody knows when it was changed last. */
    expect(get_with(who, "If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT"),
           200);
    expect(get_with(who, "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
           200);
}
END_TEST

/* mod_deflate changes the ETag. */
START_TEST(a_packed_answer_is_known_again)
{
    actor_t *who = person("user", NULL);
    reply_t *r = http(.method = "GET", .path = ME, .who = who,
                      .headers = {"Accept-Encoding: gzip"},
                      .flags = HTTP_UNCHECKED);
    const char *tag = header(expect(r, 200), "ETag");

    ck_assert_str_eq(header(r, "Content-Encoding"), "gzip");
    ck_assert_ptr_nonnull(strstr(tag, "-gzip\""));
    expect(http(.method = "GET", .path = ME, .who = who,
                .headers = {"Accept-Encoding: gzip",
                            fmt("If-None-Match: \"other\", %s", tag)},
                .flags = HTTP_UNCHECKED),
           304);
    expect(patch_with(who, fmt("If-Match: %s", tag)), 200);
    expect(http(.method = "GET", .path = ME, .who = who,
                .headers = {"Accept-Encoding: gzip",
                            fmt("If-None-Match: %s", tag)},
                .flags = HTTP_UNCHECKED),
           200);
}
END_TEST

START_TEST(one_of_a_list_is_enough_to_match)
{
    actor_t *who = person("user", NULL);
    const char *tag = header(get(who, ME), "ETag");

    refused(patch_with(who, fmt("If-Match: W/%s", tag)), 412, "stale");
    refused(patch_with(who, "If-Match: \"other\", \"0-0\""), 412, "stale");
    expect(patch_with(who, fmt("If-Match: \"other\",%s , \"0-0\"", tag)), 200);
    /* Only what was seen before: stale by now. */
    refused(patch_with(who, fmt("If-Match: \"0-0\", %s", tag)), 412, "stale");
}
END_TEST

/* --- a database that changes ------------------------------------------------- */

/* As a deploy does: functions go and come again in one transaction. */
static void replace_functions(void)
{
    sql("DO $do$ DECLARE v_name text; v_text text; BEGIN"
        " FOREACH v_name IN ARRAY ARRAY['ecs_api.caller',"
        "  'ecs_api.accounts_me', 'ecs_api.request_begin',"
        "  'ecs_api.accounts_me_update'] LOOP"
        "  v_text := pg_get_functiondef(v_name::regproc);"
        "  EXECUTE 'DROP FUNCTION ' || v_name::regproc::regprocedure;"
        "  EXECUTE v_text;"
        "  EXECUTE 'GRANT EXECUTE ON FUNCTION '"
        "   || v_name::regproc::regprocedure || ' TO ecs_app';"
        "  EXECUTE 'REVOKE ALL ON FUNCTION '"
        "   || v_name::regproc::regprocedure || ' FROM PUBLIC';"
        " END LOOP; END $do$");
}

typedef struct deploy_t {
    actor_t *who;
    int requests, deploys;
} deploy_t;

static int deploy_next(void *context, int client, request_t *request)
{
    deploy_t *deploy = context;

    if (deploy->requests++ % DEPLOY_EVERY == 0) {
        replace_functions();
        deploy->deploys++;
    }
    request->method = client % 2 ? "GET" : "PATCH";
    request->path = ME;
    request->who = deploy->who;
    if (client % 2 == 0) {
        request->body = "{\"city\": \"Oslo\"}";
        request->headers[0] = fmt("Idempotency-Key: %s", unique("deploy"));
    }
    return 1;
}

static void deploy_done(void *context, int client, const reply_t *reply)
{
    ck_assert_msg(reply->status == 200, "%s -> %d %s", reply->request.method,
                  reply->status, reply->body);
}

START_TEST(a_deploy_is_not_noticed)
{
    deploy_t deploy = {.who = person("user", NULL)};
    stream_t stream = {CLIENTS, 4, deploy_next, deploy_done, &deploy};

    http_stream(&stream);
    printf("deploys: %d in %d requests\n", deploy.deploys, deploy.requests);
    ck_assert_int_gt(deploy.deploys, 3);
}
END_TEST

/* --- a database that is silent ----------------------------------------------- */

/* Stop or continue PostgreSQL, all of it. */
static void signal_database(int signal)
{
    long pid = atol(file_text(state_file("db/postmaster.pid")));
    char *rest;

    ck_assert_int_gt(pid, 1);
    kill((pid_t)pid, signal);
    rest = (char *)file_text(fmt("/proc/%ld/task/%ld/children", pid, pid));
    for (pid = strtol(rest, &rest, 10); pid > 0; pid = strtol(rest, &rest, 10)) {
        kill((pid_t)pid, signal);
    }
}

/* Several clients at once, so that each child of httpd gets some. */
static void ask(const actor_t *who, reply_t **replies)
{
    request_t requests[CLIENTS];
    int i;

    for (i = 0; i < CLIENTS; i++) {
        requests[i] = (request_t){.method = "GET", .path = ME, .who = who};
    }
    http_parallel(requests, replies, CLIENTS);
}

static double slowest_refusal(const actor_t *who)
{
    reply_t *replies[CLIENTS];
    double seconds = 0;
    int i;

    ask(who, replies);
    for (i = 0; i < CLIENTS; i++) {
        refused(replies[i], 503, "service_unavailable");
        ck_assert_int_gt(atoi(header(replies[i], "Retry-After")), 0);
        if (replies[i]->seconds > seconds) {
            seconds = replies[i]->seconds;
        }
    }
    return seconds;
}

static int is_back(const actor_t *who)
{
    reply_t *replies[CLIENTS];
    int i, good = 0;

    ask(who, replies);
    for (i = 0; i < CLIENTS; i++) {
        good += replies[i]->status == 200;
    }
    return good == CLIENTS;
}

START_TEST(a_silent_database_is_given_up)
{
    actor_t *who = person("user", NULL);
    double first, then, back, good_since;

    ck_assert(is_back(who));
    signal_database(SIGSTOP);
    first = slowest_refusal(who);
    expect(get(NULL, "/api/health/"), 200);
    then = slowest_refusal(who);
    signal_database(SIGCONT);
    back = good_since = seconds_now();
    do { /* until no child's fuse can be blown any more */
        usleep(20000);
        if (!is_back(who)) {
            good_since = seconds_now();
        }
    } while (seconds_now() < good_since + FUSE_SECONDS
             && seconds_now() < back + RECOVERY_SECONDS + FUSE_SECONDS);
    ck_assert(seconds_now() >= good_since + FUSE_SECONDS);
    printf("silent database: refused after %.2f s, then %.2f s, back after"
           " %.2f s\n", first, then, good_since - back);
    ck_assert(first < GIVEN_UP_SECONDS || is_slow());
    ck_assert(then < GIVEN_UP_SECONDS || is_slow());
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_broken_chunk_has_one_answer,
                                  an_unread_body_is_no_request,
                                  two_lengths_are_not_believed,
                                  a_body_may_be_longer_than_it_says,
                                  only_utf_8_is_utf_8,
                                  an_unreadable_request_line_is_refused_in_json,
                                  the_sites_conf_and_the_shop_get_along,
                                  every_answer_carries_the_same_guards,
                                  conditions_are_kept,
                                  a_packed_answer_is_known_again,
                                  one_of_a_list_is_enough_to_match,
                                  a_deploy_is_not_noticed,
                                  a_silent_database_is_given_up,
                                  NULL};

    return suite_run("hostile", tests, 60);
}
