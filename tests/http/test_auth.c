/* SPDX-License-Identifier: MIT */
/*
 * test_auth.c - tokens and sessions: who comes in, for how long, and how it
 * ends (api.md section 2; RFC 6750, RFC 8725, RFC 9700). Also `AuthType ecs`
 * in a Location that is not the shop's (httpd.conf of this directory).
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "support.h"
#include "shop.h"

#define TOKEN "/api/accounts/token/"
#define REFRESH "/api/accounts/token/refresh/"
#define VERIFY "/api/accounts/token/verify/"
#define LOGOUT "/api/accounts/logout/"
#define ME "/api/accounts/me/"
#define PARALLEL_USES 50

static const char *credentials(const char *email, const char *password)
{
    return fmt("{\"email\": \"%s\", \"password\": \"%s\"}", email, password);
}

static const char *refresh_body(const char *token)
{
    return fmt("{\"refresh\": \"%s\"}", token);
}

/* Failures of other tests came from this address too. */
static void forget_failures(void)
{
    sql("DELETE FROM ecs.login_failures");
}

static reply_t *with_token(const char *token)
{
    return http(.method = "GET", .path = ME, .token = token);
}

/* --- signing in ---------------------------------------------------------- */

START_TEST(email_and_password_open_a_session)
{
    actor_t *who = person("seller", NULL);
    reply_t *r =
        expect(post(NULL, TOKEN, credentials(who->email, PASSWORD)), 200);
    json_t *claims = token_claims(text_at(r, "access"));

    same(r, "expires_in", "900");
    same(r, "user.email", who->email);
    ck_assert_str_eq(header(r, "Cache-Control"), "private, no-store");
    ck_assert_str_eq(json_string_value(json_object_get(claims, "role")),
                     "seller");
    ck_assert_int_eq(json_integer_value(json_object_get(claims, "exp")) -
                         json_integer_value(json_object_get(claims, "iat")),
                     900);
    ck_assert_ptr_nonnull(json_object_get(claims, "jti"));
    expect(with_token(text_at(r, "access")), 200);
    /* An e-mail is the same in capitals. */
    expect(post(NULL, TOKEN,
                credentials(sql("SELECT upper('%s')", who->email), PASSWORD)),
           200);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.refresh_tokens WHERE"
                             " token_hash = '%s'",
                             text_at(r, "refresh")),
                     0);
}
END_TEST

/* That the work is the same too is in tests/unit/test_password.c: a clock on
 * a busy machine proves nothing. */
START_TEST(unknown_and_known_emails_cannot_be_told_apart)
{
    actor_t *who = person("user", NULL);
    reply_t *one, *two;

    forget_failures();
    one = post(NULL, TOKEN, credentials(who->email, "not-the-password"));
    two = post(
        NULL, TOKEN,
        credentials(fmt("%s@example.com", unique("nobody")), "whatever-1"));
    ck_assert_int_eq(one->status, two->status);
    ck_assert_str_eq(text_at(one, "detail"), text_at(two, "detail"));
    ck_assert_str_eq(text_at(one, "code"), text_at(two, "code"));
    forget_failures();
}
END_TEST

START_TEST(guessing_is_throttled)
{
    actor_t *who = person("user", NULL), *other = person("user", NULL);
    reply_t *r = NULL;
    int i;

    forget_failures();
    for (i = 0; i < 20; i++) {
        r = post(NULL, TOKEN, credentials(who->email, "not-the-password"));
        if (r->status != 401) {
            break;
        }
    }
    refused(r, 429, "throttled");
    ck_assert_int_gt(atoi(header(r, "Retry-After")), 0);
    /* Also for who knows the password now, but not for others. */
    refused(post(NULL, TOKEN, credentials(who->email, PASSWORD)), 429,
            "throttled");
    expect(post(NULL, TOKEN, credentials(other->email, PASSWORD)), 200);
    pass("16 minutes");
    expect(post(NULL, TOKEN, credentials(who->email, PASSWORD)), 200);
    forget_failures();
}
END_TEST

START_TEST(closed_accounts_stay_out)
{
    actor_t *who = person("user", NULL);

    forget_failures();
    sql("UPDATE ecs.users SET is_active = false WHERE id = %lld", who->id);
    refused(post(NULL, TOKEN, credentials(who->email, PASSWORD)), 401,
            "invalid_credentials");
    refused(with_token(who->access), 401, "session_revoked");
    forget_failures();
}
END_TEST

/* --- refreshing ---------------------------------------------------------- */

START_TEST(a_refresh_token_is_good_once)
{
    actor_t *who = person("user", NULL);
    const char *first, *second;
    reply_t *r;

    sign_in(who);
    first = who->refresh;
    r = expect(post(NULL, REFRESH, refresh_body(first)), 200);
    second = text_at(r, "refresh");
    ck_assert_str_ne(first, second);
    expect(with_token(text_at(r, "access")), 200);
    /* The old one again: somebody stole it, so both ends are closed. */
    refused(post(NULL, REFRESH, refresh_body(first)), 401, "token_reused");
    ck_assert_int_eq(post(NULL, REFRESH, refresh_body(second))->status, 401);
    refused(with_token(text_at(r, "access")), 401, "session_revoked");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log WHERE action ="
                             " 'token_reused' AND object_id = %lld",
                             who->session),
                     1);
}
END_TEST

START_TEST(fifty_uses_at_once_have_one_success)
{
    actor_t *who = person("user", NULL);
    request_t requests[PARALLEL_USES];
    reply_t *replies[PARALLEL_USES];
    int i, good = 0;

    sign_in(who);
    for (i = 0; i < PARALLEL_USES; i++) {
        requests[i] = (request_t){.method = "POST",
                                  .path = REFRESH,
                                  .body = refresh_body(who->refresh)};
    }
    http_parallel(requests, replies, PARALLEL_USES);
    for (i = 0; i < PARALLEL_USES; i++) {
        good += replies[i]->status == 200;
        ck_assert_msg(replies[i]->status == 200 || replies[i]->status == 401 ||
                          replies[i]->status == 503,
                      "%d", replies[i]->status);
    }
    ck_assert_int_eq(good, 1);
    refused(with_token(who->access), 401, "session_revoked");
}
END_TEST

START_TEST(nonsense_does_not_refresh)
{
    actor_t *who = person("user", NULL);

    sign_in(who);
    refused(post(NULL, REFRESH, refresh_body("nonsense")), 401,
            "token_not_valid");
    refused(post(NULL, REFRESH, refresh_body(who->access)), 401,
            "token_not_valid");
    refused(with_token(who->refresh), 401, "token_not_valid");
    invalid(post(NULL, REFRESH, "{}"), "refresh");
    pass("31 days");
    refused(post(NULL, REFRESH, refresh_body(who->refresh)), 401,
            "token_not_valid");
}
END_TEST

START_TEST(a_token_can_be_verified)
{
    actor_t *who = person("user", NULL);

    expect(post(NULL, VERIFY, fmt("{\"token\": \"%s\"}", who->access)), 200);
    refused(post(NULL, VERIFY, "{\"token\": \"nonsense\"}"), 401,
            "token_not_valid");
    sql("UPDATE ecs.sessions SET revoked_at = now() WHERE id = %lld",
        who->session);
    refused(post(NULL, VERIFY, fmt("{\"token\": \"%s\"}", who->access)), 401,
            "token_not_valid");
}
END_TEST

/* --- the end of a session ------------------------------------------------ */

START_TEST(logout_ends_this_session_at_once)
{
    actor_t *who = person("user", NULL), *elsewhere;

    sign_in(who);
    elsewhere = another_session(who);
    expect(post(who, LOGOUT, refresh_body(who->refresh)), 204);
    refused(get(who, ME), 401, "session_revoked");
    refused(post(NULL, REFRESH, refresh_body(who->refresh)), 401,
            "token_not_valid");
    expect(get(elsewhere, ME), 200);
}
END_TEST

START_TEST(logout_of_all_ends_all)
{
    actor_t *who = person("user", NULL), *elsewhere;
    actor_t *other = person("user", NULL);

    sign_in(who);
    elsewhere = another_session(who);
    expect(post(who, LOGOUT,
                fmt("{\"refresh\": \"%s\", \"all\": true}", who->refresh)),
           204);
    refused(get(who, ME), 401, "session_revoked");
    refused(get(elsewhere, ME), 401, "session_revoked");
    expect(get(other, ME), 200);
}
END_TEST

START_TEST(nobody_logs_others_out)
{
    actor_t *who = person("user", NULL), *other = person("user", NULL);

    sign_in(other);
    refused(post(who, LOGOUT, refresh_body(other->refresh)), 401,
            "token_not_valid");
    expect(get(other, ME), 200);
}
END_TEST

START_TEST(a_revoked_session_is_refused_everywhere)
{
    actor_t *who = person("user", NULL);

    sql("UPDATE ecs.sessions SET revoked_at = now() WHERE id = %lld",
        who->session);
    refused(get(who, ME), 401, "session_revoked");
    refused(get(who, "/api/wallet/"), 401, "session_revoked");
    refused(post(who, "/api/orders/checkout/", NULL), 401, "session_revoked");
    refused(get(who, "/api/product/products/"), 401, "session_revoked");
    expect(get(NULL, "/api/product/products/"), 200);
}
END_TEST

START_TEST(a_token_is_for_its_own_role_and_session)
{
    actor_t *who = person("user", NULL), *other = person("admin", NULL);

    refused(with_token(token_for(who, "admin", who->session, 0, 900)), 401,
            "session_revoked");
    refused(with_token(token_for(who, "user", other->session, 0, 900)), 401,
            "session_revoked");
    refused(with_token(token_for(who, "user", who->session, 1000, 900)), 401,
            "token_not_valid");
    refused(with_token(token_for(who, "user", who->session, -1000, 900)), 401,
            "token_not_valid");
}
END_TEST

/* --- forged tokens ------------------------------------------------------- */

static const char *base64url(const void *data, size_t length)
{
    char *text = grab(length * 4 / 3 + 8);
    size_t i;

    EVP_EncodeBlock((unsigned char *)text, data, (int)length);
    text[strcspn(text, "=")] = '\0';
    for (i = 0; text[i] != '\0'; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    return text;
}

/* A token with this header and these claims, signed with a key of our own. */
static const char *forge(const char *head, const char *claims, const char *key)
{
    const char *signed_part = fmt("%s.%s", base64url(head, strlen(head)),
                                  base64url(claims, strlen(claims)));
    unsigned char mac[32];
    unsigned length = sizeof(mac);

    HMAC(EVP_sha256(), key, (int)strlen(key),
         (const unsigned char *)signed_part, strlen(signed_part), mac, &length);
    return fmt("%s.%s", signed_part, base64url(mac, length));
}

START_TEST(forged_tokens_are_refused)
{
    actor_t *who = person("superadmin", NULL);
    const char *claims = json_dumps(token_claims(who->access), JSON_COMPACT);
    const char *const heads[] = {"{\"alg\":\"none\",\"typ\":\"JWT\"}",
                                 "{\"alg\":\"None\",\"typ\":\"JWT\"}",
                                 "{\"alg\":\"nOnE\",\"typ\":\"JWT\"}",
                                 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
                                 "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
                                 "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
                                 "{\"typ\":\"JWT\"}",
                                 "{}"};
    const char *const keys[] = {"", "secret", "mod_ecs"};
    size_t i, j;

    expect(with_token(who->access), 200);
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const char *token = fmt("%s.%s.", base64url(heads[i], strlen(heads[i])),
                                base64url(claims, strlen(claims)));

        refused(with_token(token), 401, "token_not_valid");
        for (j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
            refused(with_token(forge(heads[i], claims, keys[j])), 401,
                    "token_not_valid");
        }
    }
}
END_TEST

START_TEST(a_token_with_one_letter_changed_is_refused)
{
    actor_t *who = person("user", NULL);
    size_t length = strlen(who->access), i;

    for (i = 0; i < length; i += 3) {
        char *token = (char *)fmt("%s", who->access);

        if (token[i] == '.') {
            continue;
        }
        token[i] = token[i] == 'A' ? 'B' : 'A';
        refused(with_token(token), 401, "token_not_valid");
    }
    expect(with_token(who->access), 200);
}
END_TEST

START_TEST(a_token_has_one_spelling)
{
    const char *good = person("user", NULL)->access;
    const char *const bad[] = {fmt("%s=", good),
                               fmt("%s==", good),
                               fmt("%s.", good),
                               fmt("%s.%s", good, good),
                               fmt("%s x", good),
                               fmt("\"%s\"", good),
                               fmt(".%s", good),
                               "",
                               "..",
                               "a.b.c",
                               fmt("%.*s", (int)strlen(good) - 2, good)};
    char *huge = grab(6001);
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refused(with_token(bad[i]), 401, "token_not_valid");
    }
    memset(huge, 'A', 3900);
    refused(with_token(huge), 401, "token_not_valid");
    refused(http(.method = "GET", .path = ME,
                 .headers = {"Authorization: Basic dXNlcjpwYXNz"}),
            401, "token_not_valid");
    refused(
        http(.method = "GET", .path = ME, .headers = {"Authorization: Bearer"}),
        401, "token_not_valid");
    expect(http(.method = "GET", .path = ME,
                .headers = {fmt("Authorization: bearer %s", good)}),
           200);
}
END_TEST

START_TEST(a_bad_token_is_refused_on_public_routes_too)
{
    reply_t *r = refused(http(.method = "GET", .path = "/api/product/products/",
                              .token = "a.b.c"),
                         401, "token_not_valid");

    ck_assert_ptr_nonnull(
        strstr(header(r, "WWW-Authenticate"), "error=\"invalid_token\""));
    r = refused(get(NULL, ME), 401, "not_authenticated");
    ck_assert_int_eq(strncmp(header(r, "WWW-Authenticate"), "Bearer", 6), 0);
}
END_TEST

/* --- other Locations ----------------------------------------------------- */

/* A static file in a Location of admins; see httpd.conf here. */
static void write_staff_page(void)
{
    const char *dir = state_file("httpd/htdocs/staff");
    FILE *file;

    mkdir(dir, 0755);
    file = fopen(fmt("%s/notes.txt", dir), "w");
    ck_assert_ptr_nonnull(file);
    fputs("for admins only\n", file);
    fclose(file);
}

static reply_t *staff_page(const actor_t *who)
{
    return http(.method = "GET", .path = "/staff/notes.txt", .who = who,
                .flags = HTTP_UNCHECKED);
}

START_TEST(other_locations_can_use_the_shops_roles)
{
    actor_t *admin = person("admin", NULL);
    reply_t *r;

    write_staff_page();
    ck_assert_str_eq(expect(staff_page(admin), 200)->body, "for admins only\n");
    expect(staff_page(person("superadmin", NULL)), 200);
    expect(staff_page(person("user", NULL)), 403);
    r = expect(staff_page(NULL), 401);
    ck_assert_int_eq(strncmp(header(r, "WWW-Authenticate"), "Bearer", 6), 0);
    sql("UPDATE ecs.sessions SET revoked_at = now() WHERE id = %lld",
        admin->session);
    expect(staff_page(admin), 401);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {email_and_password_open_a_session,
                                  unknown_and_known_emails_cannot_be_told_apart,
                                  guessing_is_throttled,
                                  closed_accounts_stay_out,
                                  a_refresh_token_is_good_once,
                                  fifty_uses_at_once_have_one_success,
                                  nonsense_does_not_refresh,
                                  a_token_can_be_verified,
                                  logout_ends_this_session_at_once,
                                  logout_of_all_ends_all,
                                  nobody_logs_others_out,
                                  a_revoked_session_is_refused_everywhere,
                                  a_token_is_for_its_own_role_and_session,
                                  forged_tokens_are_refused,
                                  a_token_with_one_letter_changed_is_refused,
                                  a_token_has_one_spelling,
                                  a_bad_token_is_refused_on_public_routes_too,
                                  other_locations_can_use_the_shops_roles,
                                  NULL};

    return suite_run("auth", tests, 30);
}
