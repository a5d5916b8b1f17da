/* SPDX-License-Identifier: MIT */
/*
 * test_jwt.c - access tokens: what is issued verifies, and nothing else does.
 *
 * Hostile tokens are forged here by OpenSSL alone and with the right key
 * wherever a signature is not the point, so that each test meets the check it
 * is about and not the one before it.
 */
#include "jwt.h"
#include "unit.h"

#include <string.h>

#include <apr_encode.h>
#include <apr_strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "route.h"

#define AUDIENCE "shop.example"
#define NOW_S 1700000000L
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const apr_time_t NOW = NOW_S * APR_USEC_PER_SEC;

static ecs_secrets_t *keys;
static ecs_identity_t who;

static void setup(void)
{
    ecs_identity_t buyer = {.user_id = 7, .session_id = 99, .role = ECS_USER};

    pool_open();
    keys = ecs_secrets_derive(pool, "thirty-two bytes of key material", 32);
    who = buyer;
}

/* ---- forging ---- */

static const char *url(const void *data, size_t length)
{
    return apr_pencode_base64_binary(pool, data, (apr_ssize_t)length,
                                     APR_ENCODE_BASE64URL, NULL);
}

/* A token of the given parts, which are encoded already, signed rightly. */
static const char *sign(const unsigned char *key, const char *header,
                        const char *claims)
{
    const char *text = apr_pstrcat(pool, header, ".", claims, NULL);
    unsigned char mac[32];

    HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, strlen(text), mac,
         NULL);
    return apr_pstrcat(pool, text, ".", url(mac, 32), NULL);
}

static const char *forge(const char *header, const char *claims)
{
    return sign(keys->token, url(header, strlen(header)),
                url(claims, strlen(claims)));
}

/* Good claims, but for one whose JSON value is `value` (NULL: left out). */
static const char *claims_but(const char *name, const char *value)
{
    static const char *const GOOD[][2] = {
        {"sub", "\"7\""},
        {"sid", "99"},
        {"role", "\"user\""},
        {"iat", "1700000000"},
        {"exp", "1700000900"},
        {"iss", "\"" ECS_JWT_ISSUER "\""},
        {"aud", "\"" AUDIENCE "\""},
        {"jti", "\"abc\""},
    };
    const char *text = "";
    int known = 0;
    int i;

    for (i = 0; i < LENGTH(GOOD); i++) {
        const char *shown = GOOD[i][1];

        if (name && strcmp(name, GOOD[i][0]) == 0) {
            shown = value;
            known = 1;
        }
        if (shown) {
            text = apr_pstrcat(pool, text, *text ? "," : "", "\"", GOOD[i][0],
                               "\":", shown, NULL);
        }
    }
    if (name && !known) {
        text = apr_pstrcat(pool, text, ",\"", name, "\":", value, NULL);
    }
    return apr_pstrcat(pool, "{", text, "}", NULL);
}

static const char *verify(const char *token)
{
    return ecs_jwt_verify(pool, keys, AUDIENCE, token, NOW, &who);
}

static const char *verify_claims(const char *claims)
{
    return verify(forge(HEADER, claims));
}

static const char *issue(void)
{
    return ecs_jwt_issue(pool, keys, AUDIENCE, &who, NOW, 900);
}

static char *decoded_part(const char *token, int part)
{
    const char *start = token;
    apr_size_t length = 0;

    while (part--) {
        start = strchr(start, '.') + 1;
    }
    return (char *)apr_pdecode_base64(pool, start,
                                      (apr_ssize_t)strcspn(start, "."),
                                      APR_ENCODE_BASE64URL, &length);
}

/* ---- what is issued ---- */

static const unsigned ROLES[] = {ECS_USER, ECS_SELLER, ECS_DELIVERY, ECS_ADMIN,
                                 ECS_SUPERADMIN};
static const char *const ROLE_NAMES[] = {"user", "seller", "delivery", "admin",
                                         "superadmin"};

START_TEST(issued_tokens_verify)
{
    ecs_identity_t in = {.user_id = 9223372036854775807LL,
                         .session_id = 9223372036854775807LL,
                         .role = ROLES[_i],
                         .jti = "my-jti"};
    ecs_identity_t out = {0};
    const char *token = ecs_jwt_issue(pool, keys, AUDIENCE, &in, NOW, 900);

    ck_assert_ptr_nonnull(token);
    ck_assert_ptr_null(ecs_jwt_verify(pool, keys, AUDIENCE, token, NOW, &out));
    ck_assert(out.user_id == in.user_id);
    ck_assert(out.session_id == in.session_id);
    ck_assert_uint_eq(out.role, ROLES[_i]);
    ck_assert_str_eq(out.jti, "my-jti");
    ck_assert(out.issued_at == NOW);
    ck_assert(out.expires_at == NOW + apr_time_from_sec(900));
}
END_TEST

START_TEST(issued_claims_are_the_documented_ones)
{
    const char *token;

    who.jti = "abc";
    token = issue();
    ck_assert_str_eq(decoded_part(token, 0), HEADER);
    ck_assert_str_eq(decoded_part(token, 1),
                     "{\"aud\":\"" AUDIENCE "\",\"exp\":1700000900,"
                     "\"iat\":1700000000,\"iss\":\"mod_ecs\",\"jti\":\"abc\","
                     "\"role\":\"user\",\"sid\":99,\"sub\":\"7\"}");
}
END_TEST

START_TEST(each_token_has_its_own_jti)
{
    const char *a = issue();
    const char *b = issue();
    const char *jti;

    ck_assert_ptr_null(verify(a));
    jti = who.jti;
    ck_assert_uint_eq(strlen(jti), 22);
    who.jti = NULL;
    ck_assert_ptr_null(verify(b));
    ck_assert_str_ne(who.jti, jti);
}
END_TEST

START_TEST(nothing_useless_is_issued)
{
    ecs_identity_t good = who;
    char *audience = apr_pcalloc(pool, ECS_JWT_LENGTH_MAX + 1);

    ck_assert_ptr_nonnull(issue());
    ck_assert_ptr_null(ecs_jwt_issue(pool, keys, "", &who, NOW, 900));
    ck_assert_ptr_null(ecs_jwt_issue(pool, keys, AUDIENCE, &who, NOW, 0));
    memset(audience, 'a', ECS_JWT_LENGTH_MAX);
    ck_assert_ptr_null(ecs_jwt_issue(pool, keys, audience, &who, NOW, 900));
    who.role = ECS_USER | ECS_ADMIN;
    ck_assert_ptr_null(issue());
    who.role = ECS_PUBLIC;
    ck_assert_ptr_null(issue());
    who = good;
    who.user_id = 0;
    ck_assert_ptr_null(issue());
    who = good;
    who.session_id = -1;
    ck_assert_ptr_null(issue());
    who = good;
    who.jti = "";
    ck_assert_ptr_null(issue());
}
END_TEST

/* ---- keys and signatures ---- */

START_TEST(previous_key_is_accepted_and_never_used)
{
    const char *old = issue();
    ecs_secrets_t *next =
        ecs_secrets_derive(pool, "another 32 bytes of key material", 32);

    ck_assert_str_eq(ecs_jwt_verify(pool, next, AUDIENCE, old, NOW, &who),
                     "signature");
    memcpy(next->previous_token, keys->token, ECS_KEY_BYTES);
    next->has_previous = 1;
    ck_assert_ptr_null(ecs_jwt_verify(pool, next, AUDIENCE, old, NOW, &who));
    ck_assert_str_eq(
        verify(ecs_jwt_issue(pool, next, AUDIENCE, &who, NOW, 900)),
        "signature");
}
END_TEST

START_TEST(keys_of_other_purposes_do_not_sign)
{
    const char *header = url(HEADER, strlen(HEADER));
    const char *good = claims_but(NULL, NULL);
    const char *claims = url(good, strlen(good));
    unsigned char zero[ECS_KEY_BYTES] = {0};

    ck_assert_ptr_null(verify(sign(keys->token, header, claims)));
    ck_assert_str_eq(verify(sign(keys->cursor, header, claims)), "signature");
    ck_assert_str_eq(verify(sign(keys->proof, header, claims)), "signature");
    /* The previous key is all zeros when there is none. */
    ck_assert_str_eq(verify(sign(zero, header, claims)), "signature");
}
END_TEST

START_TEST(no_flipped_bit_is_accepted)
{
    const char *token = issue();
    char *copy = apr_pstrdup(pool, token);
    size_t i;
    int bit;

    for (i = 0; i < strlen(token); i++) {
        for (bit = 0; bit < 8; bit++) {
            copy[i] = (char)(token[i] ^ (1 << bit));
            ck_assert_msg(verify(copy) != NULL, "byte %d bit %d", (int)i, bit);
        }
        copy[i] = token[i];
    }
    ck_assert_ptr_null(verify(copy));
}
END_TEST

START_TEST(no_shortened_token_is_accepted)
{
    const char *token = issue();
    size_t i;

    for (i = 0; i < strlen(token); i++) {
        ck_assert_ptr_nonnull(verify(apr_pstrmemdup(pool, token, i)));
    }
}
END_TEST

START_TEST(none_is_refused_with_any_signature)
{
    static const char *const NONE[] = {"none", "None", "NONE", "nOnE"};
    const char *good = claims_but(NULL, NULL);
    int i;

    for (i = 0; i < LENGTH(NONE); i++) {
        const char *header = apr_pstrcat(pool, "{\"alg\":\"", NONE[i],
                                         "\",\"typ\":\"JWT\"}", NULL);

        ck_assert_str_eq(verify(forge(header, good)), "malformed");
        ck_assert_str_eq(
            verify(apr_pstrcat(pool, url(header, strlen(header)), ".",
                               url(good, strlen(good)), ".", NULL)),
            "malformed");
    }
}
END_TEST

/* ---- the header ---- */

static const char *const BAD_HEADERS[] = {
    "{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
    "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"PS256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256 \",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256\\u0000\",\"typ\":\"JWT\"}",
    "{\"alg\":[\"HS256\"],\"typ\":\"JWT\"}",
    "{\"alg\":256,\"typ\":\"JWT\"}",
    "{\"alg\":null,\"typ\":\"JWT\"}",
    "{\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256\"}",
    "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
    "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
    "{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../etc/passwd\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jku\":\"http://127.0.0.1/\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x5u\":\"http://127.0.0.1/\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x5c\":[]}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{}}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[]}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"cty\":\"JWT\"}",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}x",
    "{\"alg\":\"HS256\",\"typ\":\"JWT\"",
    "[{\"alg\":\"HS256\",\"typ\":\"JWT\"}]",
    "[\"HS256\",\"JWT\"]",
    "\"HS256\"",
    "{}",
    "null",
    "\xff\xfe",
    " ",
};

START_TEST(other_headers_are_malformed)
{
    ck_assert_str_eq(verify(forge(BAD_HEADERS[_i], claims_but(NULL, NULL))),
                     "malformed");
}
END_TEST

START_TEST(order_and_spaces_of_the_header_are_free)
{
    ck_assert_ptr_null(verify(
        forge("{\"typ\":\"JWT\",\"alg\":\"HS256\"}", claims_but(NULL, NULL))));
    ck_assert_ptr_null(
        verify(forge(" { \"alg\" : \"HS256\" , \"typ\" : \"JWT\" }\n",
                     claims_but(NULL, NULL))));
}
END_TEST

/* ---- the form ---- */

START_TEST(foreign_forms_are_malformed)
{
    const char *token = forge(HEADER, claims_but(NULL, NULL));
    const char *claims = strchr(token, '.');
    const char *head =
        apr_pstrmemdup(pool, token, (apr_size_t)(claims - token));
    const char *bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        head,
        apr_pstrcat(pool, token, ".", NULL),
        apr_pstrcat(pool, token, ".AA", NULL),
        apr_pstrcat(pool, token, ".AA.AA", NULL), /* five parts: JWE */
        apr_pstrcat(pool, token, "=", NULL),
        apr_pstrcat(pool, token, "!!", NULL),
        apr_pstrcat(pool, token, "AA", NULL),
        apr_pstrcat(pool, token, " ", NULL),
        apr_pstrcat(pool, token, "\n", NULL),
        apr_pstrcat(pool, " ", token, NULL),
        apr_pstrcat(pool, ".", token, NULL),
        apr_pstrcat(pool, head, "=", claims, NULL),
        apr_pstrcat(pool, head, " ", claims, NULL),
        apr_pstrcat(pool, head, "\xc3\xa9", claims, NULL),
    };
    int i;

    ck_assert_ptr_null(verify(token));
    ck_assert_str_eq(verify(NULL), "malformed");
    for (i = 0; i < LENGTH(bad); i++) {
        ck_assert_msg(verify(bad[i]) && !strcmp(verify(bad[i]), "malformed"),
                      "%d: %s", i, bad[i]);
    }
}
END_TEST

/* The last of 43 characters carries four bits; the other two must be zero. */
START_TEST(each_signature_has_one_spelling)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                   "qrstuvwxyz0123456789-_";
    char *token = apr_pstrdup(pool, issue());
    char *last = token + strlen(token) - 1;
    long value = strchr(ALPHABET, *last) - ALPHABET;
    int i;

    ck_assert_int_eq(value % 4, 0);
    for (i = 1; i < 4; i++) {
        *last = ALPHABET[value + i];
        ck_assert_str_eq(verify(token), "malformed");
    }
}
END_TEST

/* The right MAC over a part that is not canonical does not help it. */
START_TEST(each_part_has_one_spelling)
{
    const char *header = url(HEADER, strlen(HEADER));
    const char *claims = claims_but("jti", "\"abcd\"");
    char *part;

    while (strlen(claims) % 3 != 1) {
        claims = apr_pstrcat(pool, claims, " ", NULL);
    }
    part = apr_pstrdup(pool, url(claims, strlen(claims)));
    ck_assert_ptr_null(verify(sign(keys->token, header, part)));
    part[strlen(part) - 1]++;
    ck_assert_str_eq(verify(sign(keys->token, header, part)), "malformed");
    part[strlen(part) - 1]--;
    ck_assert_str_eq(
        verify(sign(keys->token, header, apr_pstrcat(pool, part, "==", NULL))),
        "malformed");
    ck_assert_str_eq(
        verify(sign(keys->token, header, apr_pstrcat(pool, part, "!", NULL))),
        "malformed");
}
END_TEST

static const char *token_of_length(size_t length)
{
    const char *claims = claims_but("more", "\"\"");
    size_t quote = strlen(claims) - 2;
    const char *token = forge(HEADER, claims);

    while (strlen(token) < length) {
        claims = apr_pstrcat(pool, apr_pstrmemdup(pool, claims, quote), "x\"}",
                             NULL);
        quote++;
        token = forge(HEADER, claims);
    }
    return token;
}

START_TEST(length_is_limited)
{
    const char *longest = token_of_length(ECS_JWT_LENGTH_MAX - 2);
    char *huge = apr_pcalloc(pool, 65537);

    ck_assert_uint_le(strlen(longest), ECS_JWT_LENGTH_MAX);
    ck_assert_ptr_null(verify(longest));
    ck_assert_str_eq(verify(token_of_length(ECS_JWT_LENGTH_MAX + 1)),
                     "malformed");
    memset(huge, 'A', 65536);
    ck_assert_str_eq(verify(huge), "malformed");
}
END_TEST

START_TEST(refusals_leave_the_result_alone)
{
    ecs_identity_t before;

    memset(&who, 0x5a, sizeof(who));
    before = who;
    ck_assert_ptr_nonnull(verify_claims(claims_but("aud", "\"other\"")));
    ck_assert_mem_eq(&who, &before, sizeof(who));
    ck_assert_ptr_nonnull(verify_claims(claims_but("exp", "1700000000")));
    ck_assert_mem_eq(&who, &before, sizeof(who));
}
END_TEST

/* ---- claims ---- */

typedef struct case_t {
    const char *name, *value; /* value NULL: the claim is absent */
    const char *reason;       /* NULL: accepted */
} case_t;

static const case_t CASES[] = {
    {NULL, NULL, NULL},
    {"unknown", "{\"a\":[1]}", NULL},
    {"sub", NULL, "claims"},
    {"sub", "7", "claims"},
    {"sub", "\"\"", "claims"},
    {"sub", "\"0\"", "claims"},
    {"sub", "\"07\"", "claims"},
    {"sub", "\"-7\"", "claims"},
    {"sub", "\"+7\"", "claims"},
    {"sub", "\" 7\"", "claims"},
    {"sub", "\"7 \"", "claims"},
    {"sub", "\"7.0\"", "claims"},
    {"sub", "\"0x7\"", "claims"},
    {"sub", "\"7a\"", "claims"},
    {"sub", "\"9223372036854775807\"", NULL},
    {"sub", "\"9223372036854775808\"", "claims"},
    {"sub", "\"18446744073709551623\"", "claims"},
    {"sid", NULL, "claims"},
    {"sid", "0", "claims"},
    {"sid", "-1", "claims"},
    {"sid", "99.0", "claims"},
    {"sid", "\"99\"", "claims"},
    {"sid", "true", "claims"},
    {"role", NULL, "claims"},
    {"role", "\"\"", "claims"},
    {"role", "\"User\"", "claims"},
    {"role", "\"root\"", "claims"},
    {"role", "16", "claims"},
    {"role", "[\"user\"]", "claims"},
    {"role", "\"superadmin\"", NULL},
    {"iss", NULL, "claims"},
    {"iss", "\"other\"", "claims"},
    {"iss", "\"\"", "claims"},
    {"aud", NULL, "claims"},
    {"aud", "\"other\"", "claims"},
    {"aud", "\"" AUDIENCE ".evil\"", "claims"},
    {"aud", "[\"" AUDIENCE "\"]", "claims"},
    {"jti", NULL, "claims"},
    {"jti", "\"\"", "claims"},
    {"jti", "1", "claims"},
    {"exp", NULL, "claims"},
    {"exp", "\"1700000900\"", "claims"},
    {"exp", "1700000900.0", "claims"},
    {"exp", "1e400", "claims"},
    {"exp", "-1", "claims"},
    {"exp", "0", "claims"},
    {"exp", "9223372036854775807", "claims"}, /* microseconds overflow */
    {"exp", "9223372036854775808", "claims"},
    {"exp", "1700000000", "claims"}, /* not after iat */
    {"iat", NULL, "claims"},
    {"iat", "\"1700000000\"", "claims"},
    {"iat", "-1", "claims"},
    {"iat", "1700000030", NULL}, /* the leeway */
    {"iat", "1700000031", "claims"},
    {"nbf", "1700000030", NULL},
    {"nbf", "1700000031", "claims"},
    {"nbf", "1699999999", NULL},
    {"nbf", "\"1700000031\"", "claims"},
    {"nbf", "1700000031.5", "claims"},
};

START_TEST(claims_are_checked)
{
    const case_t *c = &CASES[_i];
    const char *reason = verify_claims(claims_but(c->name, c->value));

    if (c->reason) {
        ck_assert_msg(reason && strcmp(reason, c->reason) == 0, "%s=%s: %s",
                      c->name, c->value, reason);
    }
    else {
        ck_assert_msg(reason == NULL, "%s=%s: %s", c->name, c->value, reason);
    }
}
END_TEST

START_TEST(claims_must_be_strict_json)
{
    const char *good = claims_but(NULL, NULL);
    const char *header = url(HEADER, strlen(HEADER));
    const char *inner = apr_pstrmemdup(pool, good, strlen(good) - 1);

    ck_assert_str_eq(verify_claims("[]"), "claims");
    ck_assert_str_eq(verify_claims("{}"), "claims");
    ck_assert_str_eq(verify_claims("7"), "claims");
    ck_assert_str_eq(verify_claims(apr_pstrcat(pool, good, "{}", NULL)),
                     "claims");
    ck_assert_str_eq(verify_claims(inner), "claims");
    ck_assert_str_eq(
        verify_claims(apr_pstrcat(pool, inner, ",\"role\":\"admin\"}", NULL)),
        "claims");
    ck_assert_str_eq(
        verify_claims(apr_pstrcat(pool, inner, ",\"x\":\"\xff\"}", NULL)),
        "claims");
    /* A NUL and more behind the object: libjwt alone would not see it. */
    ck_assert_str_eq(
        verify(sign(keys->token, header, url(good, strlen(good) + 1))),
        "claims");
}
END_TEST

START_TEST(expiry_has_no_leeway)
{
    const char *token = issue();
    apr_time_t end = NOW + apr_time_from_sec(900);

    ck_assert_ptr_null(
        ecs_jwt_verify(pool, keys, AUDIENCE, token, end - 1, &who));
    ck_assert_str_eq(ecs_jwt_verify(pool, keys, AUDIENCE, token, end, &who),
                     "expired");
    ck_assert_str_eq(ecs_jwt_verify(pool, keys, AUDIENCE, token,
                                    end + apr_time_from_sec(1), &who),
                     "expired");
    ck_assert_str_eq(ecs_jwt_verify(pool, keys, AUDIENCE, token,
                                    NOW - apr_time_from_sec(31), &who),
                     "claims");
    ck_assert_str_eq(ecs_jwt_verify(pool, keys, "other", token, end, &who),
                     "claims");
}
END_TEST

START_TEST(roles_have_names)
{
    int i;

    for (i = 0; i < LENGTH(ROLES); i++) {
        ck_assert_str_eq(ecs_role_name(ROLES[i]), ROLE_NAMES[i]);
        ck_assert_uint_eq(ecs_role_of_name(ROLE_NAMES[i]), ROLES[i]);
    }
    ck_assert_ptr_null(ecs_role_name(0));
    ck_assert_ptr_null(ecs_role_name(ECS_PUBLIC));
    ck_assert_ptr_null(ecs_role_name(ECS_USER | ECS_SELLER));
    ck_assert_uint_eq(ecs_role_of_name(NULL), 0);
    ck_assert_uint_eq(ecs_role_of_name("Admin"), 0);
    ck_assert_uint_eq(ecs_role_of_name("admin "), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jwt");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, pool_close);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, issued_tokens_verify, 0, LENGTH(ROLES));
    tcase_add_test(tc, issued_claims_are_the_documented_ones);
    tcase_add_test(tc, each_token_has_its_own_jti);
    tcase_add_test(tc, nothing_useless_is_issued);
    tcase_add_test(tc, previous_key_is_accepted_and_never_used);
    tcase_add_test(tc, keys_of_other_purposes_do_not_sign);
    tcase_add_test(tc, no_flipped_bit_is_accepted);
    tcase_add_test(tc, no_shortened_token_is_accepted);
    tcase_add_test(tc, none_is_refused_with_any_signature);
    tcase_add_loop_test(tc, other_headers_are_malformed, 0,
                        LENGTH(BAD_HEADERS));
    tcase_add_test(tc, order_and_spaces_of_the_header_are_free);
    tcase_add_test(tc, foreign_forms_are_malformed);
    tcase_add_test(tc, each_signature_has_one_spelling);
    tcase_add_test(tc, each_part_has_one_spelling);
    tcase_add_test(tc, length_is_limited);
    tcase_add_test(tc, refusals_leave_the_result_alone);
    tcase_add_loop_test(tc, claims_are_checked, 0, LENGTH(CASES));
    tcase_add_test(tc, claims_must_be_strict_json);
    tcase_add_test(tc, expiry_has_no_leeway);
    tcase_add_test(tc, roles_have_names);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
