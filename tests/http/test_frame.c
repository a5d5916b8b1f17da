/* SPDX-License-Identifier: MIT */
/*
 * test_frame.c - what is the same for all routes: bodies, errors in both
 * shapes, also those of httpd itself, headers, conditional requests, pages and
 * cursors (api.md, Conventions).
 */
#include <stdlib.h>
#include "support.h"
#include "shop.h"

#define ME "/api/accounts/me/"
#define PRODUCTS "/api/product/products/"
#define PROBLEM "Accept: application/problem+json"
#define BODY_MAX 65536 /* bytes of a JSON body */

static reply_t *patch_me(const actor_t *who, const char *body)
{
    return patch(who, ME, body);
}

/* Sends a constant text. */
#define raw(text) http_raw(text, sizeof(text) - 1)

static char *repeated(char letter, size_t count)
{
    char *text = grab(count + 1);

    memset(text, letter, count);
    return text;
}

/* --- bodies -------------------------------------------------------------- */

START_TEST(broken_json_is_refused_with_its_place)
{
    actor_t *who = person("user", NULL);
    const char *const broken[] = {
        "{",
        "{\"bio\": }",
        "{\"bio\": \"x\",}",
        "{\"bio\": 'x'}",
        "{bio: \"x\"}",
        "{\"bio\": \"x\"} {}",
        "{\"bio\": \"x\"}garbage",
        "{\"bio\": \"a\", \"bio\": \"b\"}",
        "{\"bio\": \"\\u0000\"}",
        "{\"bio\": \"\\ud800\"}",
        "{\"bio\": \"\xff\xfe\"}",
        "{\"bio\": \"\xc0\xaf\"}",
        "{\"bio\": \"\xed\xa0\x80\"}",
        "\xef\xbb\xbf{\"bio\": \"x\"}",
        "{\"bio\": 01}",
        "{\"bio\": +1}",
        "{\"bio\": 1.}",
        "{\"bio\": NaN}",
        "{\"bio\": Infinity}",
        "{\"bio\": \"a\nb\"}",
        "// comment\n{}",
    };
    size_t i;

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        reply_t *r = refused(patch_me(who, broken[i]), 400, "malformed_json");

        ck_assert_ptr_nonnull(strstr(text_at(r, "detail"), "line "));
        ck_assert_ptr_nonnull(strstr(text_at(r, "detail"), "column "));
    }
    refused(http(.method = "PATCH", .path = ME, .who = who,
                 .body = "{\"bio\": \"a\0b\"}", .length = 14),
            400, "malformed_json");
}
END_TEST

START_TEST(a_body_is_an_object)
{
    actor_t *who = person("user", NULL);
    const char *const others[] = {"[]", "1", "\"text\"", "true", "[{}]"};
    size_t i;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        invalid(patch_me(who, others[i]), "non_field_errors");
    }
    expect(patch_me(who, "{}"), 200);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    actor_t *who = person("user", NULL);
    char *deep = repeated('[', BODY_MAX);

    refused(patch_me(who, deep), 400, "malformed_json");
    deep[17] = '\0';
    refused(patch_me(who, deep), 400, "malformed_json");
}
END_TEST

START_TEST(many_members_are_refused_with_few_words)
{
    actor_t *who = person("user", NULL);
    char *body = grab(BODY_MAX), *at = body;
    reply_t *r;
    int i;

    for (i = 0; i < 5000; i++) {
        at += sprintf(at, "%c\"m%d\":1", i == 0 ? '{' : ',', i);
    }
    sprintf(at, "}");
    r = expect(patch_me(who, body), 400);
    ck_assert_uint_lt(json_object_size(r->json), 100);
}
END_TEST

START_TEST(numbers_keep_their_digits)
{
    actor_t *who = person("user", "100.00"), *to = person("user", NULL);
    const char *const bad[] = {"1e400",
                               "9223372036854775808",
                               "0.1000000000000000055511151231257827",
                               "1e-2",
                               "-0.01",
                               "0.001"};
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        invalid(post(who, "/api/wallet/transfer/",
                     fmt("{\"recipient\": \"%s\", \"amount\": %s}", to->email,
                         bad[i])),
                "amount");
    }
    invalid(post(who, "/api/cart/items/", "{\"product\": 9223372036854775808}"),
            "product");
    invalid(post(who, "/api/cart/items/", "{\"product\": 1.0}"), "product");
    wallet_is(to, "0.00 0.00");
}
END_TEST

START_TEST(text_comes_back_as_it_was_sent)
{
    actor_t *who = person("user", NULL);
    const char *const texts[] = {
        "\\u00e9t\\u00e9",
        "\\ud83c\\udf3f",
        "'; DROP TABLE ecs.users; --",
        "<script>alert(1)</script>",
        "100%% $1 {0} %%s \\\\ \\\" /",
        "\\u202e right to left",
        "\\u0641\\u0627\\u0646\\u0648\\u0633",
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *sent = json_loads(fmt("{\"bio\": \"%s\"}", texts[i]), 0, NULL);
        const char *bio = json_string_value(json_object_get(sent, "bio"));

        ck_assert_ptr_nonnull(bio);
        same(expect(patch_me(who, json_dumps(sent, 0)), 200), "bio", bio);
        same(get(who, ME), "bio", bio);
    }
    invalid(patch_me(who, "{\"bio\": \"\\u0007\"}"), "bio");
    invalid(patch_me(who, "{\"city\": \"a\\nb\"}"), "city");
}
END_TEST

START_TEST(only_known_types_are_read)
{
    actor_t *who = person("user", NULL);
    const char *const types[] = {"text/plain",
                                 "application/xml",
                                 "text/json",
                                 "application/json; charset=utf-16",
                                 "application/jsonp",
                                 "json",
                                 ""};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        refused(http(.method = "PATCH", .path = ME, .who = who, .body = "{}",
                     .type = types[i]),
                415, "unsupported_media_type");
    }
    expect(http(.method = "PATCH", .path = ME, .who = who, .body = "{}",
                .type = "application/json; charset=UTF-8"),
           200);
    same(expect(http(.method = "PATCH", .path = ME, .who = who,
                     .body = "bio=from+a+form%21&city=Oslo",
                     .type = "application/x-www-form-urlencoded"),
                200),
         "bio", "from a form!");
    invalid(http(.method = "PATCH", .path = ME, .who = who,
                 .body = "bio=a&bio=b",
                 .type = "application/x-www-form-urlencoded"),
            "bio");
}
END_TEST

START_TEST(bodies_have_a_limit)
{
    actor_t *who = person("user", NULL);
    const char *large = fmt("{\"bio\": \"%s\"}", repeated('x', BODY_MAX));
    const char *huge = repeated(' ', 2 * 1024 * 1024);

    refused(patch_me(who, large), 413, "too_large");
    refused(http(.method = "PATCH", .path = ME, .who = who, .body = large,
                 .headers = {"Transfer-Encoding: chunked"}),
            413, "too_large");
    refused(http(.method = "PATCH", .path = ME, .who = who, .body = huge,
                 .flags = HTTP_FRESH),
            413, "too_large");
    expect(http(.method = "PATCH", .path = ME, .who = who,
                .body = "{\"bio\": \"in pieces\"}",
                .headers = {"Transfer-Encoding: chunked"}),
           200);
    expect(get(who, ME), 200); /* the connection still makes sense */
}
END_TEST

/* --- errors -------------------------------------------------------------- */

START_TEST(errors_have_two_shapes)
{
    actor_t *who = person("user", NULL);
    reply_t *r = refused(get(who, "/api/orders/999999999/"), 404, "not_found");

    same(r, "detail", "Not found.");
    ck_assert_str_eq(text_at(r, "request_id"), header(r, "X-Request-Id"));
    r = refused(http(.method = "GET", .path = "/api/orders/999999999/",
                     .who = who, .headers = {PROBLEM}),
                404, "not_found");
    ck_assert_str_eq(header(r, "Content-Type"), "application/problem+json");
    same(r, "status", "404");
    same(r, "type", "/problems/not_found");
    ck_assert_str_eq(text_at(r, "request_id"), header(r, "X-Request-Id"));
    r = expect(http(.method = "PATCH", .path = ME, .who = who,
                    .body = "{\"city\": 5, \"role\": \"admin\"}",
                    .headers = {PROBLEM}),
               400);
    same(r, "code", "validation_error");
    ck_assert_uint_eq(length_at(r, "errors"), 2);
    same(r, "errors.0.pointer", "#/city");
    /* JSON preferred: the plain shape. */
    r = expect(http(.method = "GET", .path = "/api/orders/999999999/",
                    .who = who,
                    .headers = {"Accept: application/json,"
                                " application/problem+json;q=0.5"}),
               404);
    ck_assert_str_eq(header(r, "Content-Type"), "application/json");
}
END_TEST

START_TEST(messages_are_those_of_django_rest_framework)
{
    actor_t *who = person("user", NULL);
    reply_t *r = invalid(post(who, "/api/wallet/transfer/",
                              "{\"amount\": \"1.234\", \"extra\": 1}"),
                         "amount");

    same(r, "recipient.0", "This field is required.");
    same(r, "amount.0", "Ensure that there are no more than 2 decimal places.");
    same(r, "extra.0", "Unknown field.");
    same(invalid(patch_me(who, "{\"city\": null}"), "city"), "city.0",
         "This field may not be null.");
    same(refused(get(NULL, ME), 401, "not_authenticated"), "detail",
         "Authentication credentials were not provided.");
    same(refused(get(who, "/api/audit/"), 403, "permission_denied"), "detail",
         "You do not have permission to perform this action.");
    same(refused(put(who, ME, "{}"), 405, "method_not_allowed"), "detail",
         "Method \"PUT\" not allowed.");
}
END_TEST

/* Also what httpd refuses before the module is asked. */
START_TEST(no_error_is_html)
{
    const char *const paths[] = {"/api/nothing/",  "/api/",
                                 "/api",           "/api/orders%2F1/",
                                 "/api/%00/",      "/api/accounts/me/extra/",
                                 "/api//nothing/", "/api/nothing/../nowhere/"};
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        reply_t *r =
            http(.method = "GET", .path = paths[i], .headers = {PROBLEM});

        ck_assert_msg(r->status == 404 || r->status == 400, "%s: %d", paths[i],
                      r->status);
        ck_assert_str_eq(header(r, "Content-Type"), "application/problem+json");
        refused(get(NULL, paths[i]), r->status, text_at(r, "code"));
    }
}
END_TEST

START_TEST(httpds_own_refusals_are_json_too)
{
    reply_t *r = http(.method = "GET", .path = "/api/health/",
                      .headers = {fmt("X-Long: %s", repeated('x', 8000))},
                      .flags = HTTP_UNCHECKED | HTTP_FRESH);
    const char *answer;

    ck_assert_msg(r->status == 400 || r->status == 431, "%d", r->status);
    r = http(.method = "TRACE", .path = "/api/health/",
             .flags = HTTP_UNCHECKED);
    ck_assert_int_eq(r->status, 405);
    answer = raw("GET /api/health/ HTTP/1.1\r\n\r\n"); /* no Host */
    ck_assert_ptr_nonnull(strstr(answer, " 400 "));
    answer = raw("BREW /api/health/ HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 "));
    ck_assert_ptr_null(strstr(answer, " 200 "));
    answer = raw("GET /api/health/ HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                 "\r\n0\r\n\r\n");
    ck_assert_ptr_null(strstr(answer, " 500 "));
}
END_TEST

/* --- headers ------------------------------------------------------------- */

START_TEST(a_request_id_is_kept_or_made)
{
    reply_t *r = http(.method = "GET", .path = "/api/health/",
                      .headers = {"X-Request-Id: abc-123.DEF_4"});

    ck_assert_str_eq(header(r, "X-Request-Id"), "abc-123.DEF_4");
    r = http(.method = "GET", .path = "/api/health/",
             .headers = {"X-Request-Id: <script>"});
    ck_assert_ptr_null(strstr(header(r, "X-Request-Id"), "script"));
    r = http(.method = "GET", .path = "/api/health/",
             .headers = {fmt("X-Request-Id: %s", repeated('a', 300))});
    ck_assert_uint_lt(strlen(header(r, "X-Request-Id")), 100);
    ck_assert_str_ne(header(get(NULL, "/api/health/"), "X-Request-Id"),
                     header(get(NULL, "/api/health/"), "X-Request-Id"));
}
END_TEST

START_TEST(private_answers_are_not_stored)
{
    actor_t *who = person("user", NULL);
    long long id = product(person("seller", NULL), "1.00", 1);

    ck_assert_str_eq(header(get(who, ME), "Cache-Control"),
                     "private, no-store");
    ck_assert_str_eq(header(get(who, "/api/wallet/"), "Cache-Control"),
                     "private, no-store");
    ck_assert_str_eq(header(get(NULL, ME), "Cache-Control"),
                     "private, no-store");
    ck_assert_ptr_nonnull(header(get(NULL, fmt(PRODUCTS "%lld/", id)), "ETag"));
    ck_assert_ptr_null(
        strstr(header(get(NULL, fmt(PRODUCTS "%lld/", id)), "Cache-Control"),
               "no-store"));
    /* The own, unapproved product is nobody else's to cache. */
    ck_assert_ptr_nonnull(
        strstr(header(get(who, fmt(PRODUCTS "%lld/", id)), "Cache-Control"),
               "private"));
}
END_TEST

#define FRONT "Origin: https://front.example.org"

START_TEST(pages_of_known_origins_may_call)
{
    const char *allow = "Access-Control-Allow-Origin";
    reply_t *r =
        http(.method = "GET", .path = "/api/health/", .headers = {FRONT});

    ck_assert_str_eq(header(r, allow), "https://front.example.org");
    ck_assert_ptr_nonnull(
        strstr(header(r, "Access-Control-Expose-Headers"), "X-Request-Id"));
    /* A refusal must be readable too. */
    r = expect(http(.method = "GET", .path = ME, .headers = {FRONT}), 401);
    ck_assert_str_eq(header(r, allow), "https://front.example.org");
    r = http(.method = "GET", .path = "/api/health/",
             .headers = {"Origin: https://evil.example.org"});
    ck_assert_ptr_null(header(r, allow));
    ck_assert_ptr_nonnull(strstr(header(r, "Vary"), "Origin"));
}
END_TEST

START_TEST(a_preflight_carries_no_token)
{
    reply_t *r =
        expect(http(.method = "OPTIONS", .path = ME,
                    .headers = {FRONT, "Access-Control-Request-Method: PATCH",
                                "Access-Control-Request-Headers: authorization,"
                                " idempotency-key"}),
               204);

    ck_assert_str_eq(header(r, "Access-Control-Allow-Origin"),
                     "https://front.example.org");
    ck_assert_ptr_nonnull(
        strstr(header(r, "Access-Control-Allow-Methods"), "PATCH"));
    ck_assert_ptr_nonnull(
        strstr(header(r, "Access-Control-Allow-Headers"), "Authorization"));
    ck_assert_ptr_nonnull(
        strstr(header(r, "Access-Control-Allow-Headers"), "Idempotency-Key"));
}
END_TEST

/* --- conditional requests ------------------------------------------------ */

static reply_t *get_if(const actor_t *who, const char *path, const char *etag)
{
    return http(.method = "GET", .path = path, .who = who,
                .headers = {fmt("If-None-Match: %s", etag)});
}

START_TEST(what_has_not_changed_is_not_sent_again)
{
    actor_t *who = person("user", NULL);
    long long id = product(person("seller", NULL), "1.00", 1);
    const char *path = fmt(PRODUCTS "%lld/", id);
    const char *etag = header(expect(get(NULL, path), 200), "ETag");

    expect(get_if(NULL, path, etag), 304);
    expect(get_if(NULL, path, "\"other\""), 200);
    expect(get_if(NULL, path, fmt("\"other\", %s", etag)), 304);
    sql("UPDATE ecs.products SET price = 2 WHERE id = %lld", id);
    ck_assert_str_ne(header(expect(get_if(NULL, path, etag), 200), "ETag"),
                     etag);
    etag = header(expect(get(NULL, PRODUCTS "?page_size=1"), 200), "ETag");
    expect(get_if(NULL, PRODUCTS "?page_size=1", etag), 304);
    etag = header(expect(get(who, ME), 200), "ETag");
    expect(get_if(who, ME, etag), 304);
    ck_assert_int_eq(get_if(NULL, ME, etag)->status, 401);
}
END_TEST

static reply_t *patch_if(const actor_t *who, const char *etag, const char *body)
{
    return http(.method = "PATCH", .path = ME, .who = who, .body = body,
                .headers = {fmt("If-Match: %s", etag)});
}

START_TEST(nobody_overwrites_what_they_have_not_seen)
{
    actor_t *who = person("user", NULL);
    const char *old = header(get(who, ME), "ETag");

    expect(patch_if(who, old, "{\"city\": \"Oslo\"}"), 200);
    refused(patch_if(who, old, "{\"city\": \"Rome\"}"), 412, "stale");
    same(get(who, ME), "city", "Oslo");
    refused(patch_if(who, "\"nonsense\"", "{\"city\": \"Rome\"}"), 412,
            "stale");
    expect(patch_if(who, "*", "{\"city\": \"Rome\"}"), 200);
    expect(patch_if(who, header(get(who, ME), "ETag"), "{\"city\": \"Cairo\"}"),
           200);
    same(get(who, ME), "city", "Cairo");
}
END_TEST

/* --- pages --------------------------------------------------------------- */

/* Five products of one seller, newest last. */
static const char *five_products(long long *ids)
{
    actor_t *seller = person("seller", NULL);
    int i;

    for (i = 0; i < 5; i++) {
        ids[i] = product(seller, fmt("%d.00", i + 1), 1);
    }
    return fmt(PRODUCTS "?seller=%lld&ordering=price", seller->id);
}

/* The path and query of an absolute URL of the shop. */
static const char *local(const char *url)
{
    ck_assert_ptr_nonnull(url);
    ck_assert_int_eq(strncmp(url, http_base(), strlen(http_base())), 0);
    return url + strlen(http_base());
}

START_TEST(pages_lead_to_each_other)
{
    long long ids[5];
    const char *list = five_products(ids);
    reply_t *r = expect(get(NULL, fmt("%s&page_size=2", list)), 200);

    same(r, "count", "5");
    same(r, "previous", "null");
    ck_assert_uint_eq(length_at(r, "results"), 2);
    ck_assert_int_eq(int_at(r, "results.0.id"), ids[0]);
    ck_assert_ptr_nonnull(strstr(header(r, "Link"), "rel=\"next\""));
    ck_assert_ptr_nonnull(strstr(header(r, "Link"), text_at(r, "next")));
    r = expect(get(NULL, local(text_at(r, "next"))), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), ids[2]);
    ck_assert_ptr_nonnull(strstr(header(r, "Link"), "rel=\"prev"));
    r = expect(get(NULL, local(text_at(r, "next"))), 200);
    ck_assert_uint_eq(length_at(r, "results"), 1);
    same(r, "next", "null");
    r = expect(get(NULL, local(text_at(r, "previous"))), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), ids[2]);
}
END_TEST

START_TEST(pages_that_are_not_there_are_404)
{
    long long ids[5];
    const char *list = five_products(ids);
    const char *const pages[] = {
        "4", "0", "-1", "x", "1.5", "999999999999", "99999999"};
    size_t i;

    for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        same(refused(get(NULL, fmt("%s&page_size=2&page=%s", list, pages[i])),
                     404, "invalid_page"),
             "detail", "Invalid page.");
    }
    invalid(get(NULL, fmt("%s&page_size=101", list)), "page_size");
    invalid(get(NULL, fmt("%s&page_size=0", list)), "page_size");
    /* Page 1 of nothing is an empty page. */
    ck_assert_uint_eq(
        length_at(expect(get(NULL, PRODUCTS "?seller=999999999"), 200),
                  "results"),
        0);
}
END_TEST

START_TEST(cursors_walk_through_everything_once)
{
    long long ids[5];
    const char *path = fmt("%s&page_size=2&cursor=", five_products(ids));
    int i = 0, pages = 0;
    size_t j;

    while (path != NULL) {
        reply_t *r = expect(get(NULL, path), 200);

        ck_assert_ptr_null(at(r, "count"));
        for (j = 0; j < length_at(r, "results"); j++) {
            ck_assert_int_lt(i, 5);
            ck_assert_int_eq(int_at(r, fmt("results.%zu.id", j)), ids[i++]);
        }
        path = json_is_null(at(r, "next")) ? NULL : local(text_at(r, "next"));
        pages++;
    }
    ck_assert_int_eq(i, 5);
    ck_assert_int_eq(pages, 3);
}
END_TEST

START_TEST(cursors_cannot_be_made_up)
{
    long long ids[5];
    const char *list = five_products(ids);
    reply_t *r = get(NULL, fmt("%s&page_size=2&cursor=", list));
    const char *next = local(text_at(r, "next"));
    const char *cursor = strstr(next, "cursor=") + 7;
    char *changed = (char *)fmt("%.*s", (int)strcspn(cursor, "&"), cursor);

    expect(get(NULL, fmt("%s&page_size=2&cursor=%s", list, changed)), 200);
    /* Of another list, or of another order. */
    refused(get(NULL, fmt(PRODUCTS "?ordering=-price&cursor=%s", changed)), 404,
            "invalid_cursor");
    changed[strlen(changed) / 2] =
        changed[strlen(changed) / 2] == 'A' ? 'B' : 'A';
    refused(get(NULL, fmt("%s&page_size=2&cursor=%s", list, changed)), 404,
            "invalid_cursor");
    refused(get(NULL, fmt("%s&cursor=MTIz", list)), 404, "invalid_cursor");
    refused(get(NULL, fmt("%s&cursor=%%27", list)), 404, "invalid_cursor");
}
END_TEST

START_TEST(both_spellings_of_a_path_are_one)
{
    actor_t *who = person("user", NULL);

    ck_assert_str_eq(expect(get(who, "/api/accounts/me"), 200)->body,
                     expect(get(who, ME), 200)->body);
    expect(patch(who, "/api/accounts/me", "{\"city\": \"Oslo\"}"), 200);
    same(get(who, ME), "city", "Oslo");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {broken_json_is_refused_with_its_place,
                                  a_body_is_an_object,
                                  deep_nesting_is_refused,
                                  many_members_are_refused_with_few_words,
                                  numbers_keep_their_digits,
                                  text_comes_back_as_it_was_sent,
                                  only_known_types_are_read,
                                  bodies_have_a_limit,
                                  errors_have_two_shapes,
                                  messages_are_those_of_django_rest_framework,
                                  no_error_is_html,
                                  httpds_own_refusals_are_json_too,
                                  a_request_id_is_kept_or_made,
                                  private_answers_are_not_stored,
                                  pages_of_known_origins_may_call,
                                  a_preflight_carries_no_token,
                                  what_has_not_changed_is_not_sent_again,
                                  nobody_overwrites_what_they_have_not_seen,
                                  pages_lead_to_each_other,
                                  pages_that_are_not_there_are_404,
                                  cursors_walk_through_everything_once,
                                  cursors_cannot_be_made_up,
                                  both_spellings_of_a_path_are_one,
                                  NULL};

    return suite_run("frame", tests, 20);
}
