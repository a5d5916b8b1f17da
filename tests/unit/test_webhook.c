/* SPDX-License-Identifier: MIT */
/*
 * test_webhook.c - what is signed and how (the vector of Standard Webhooks' own
 * libraries), the body, and where webhooks may go.
 */
#include "webhook.h"
#include "webhook_target.h"
#include "unit.h"

#include <string.h>

#include <apr_encode.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#define VECTOR_SECRET "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define VECTOR_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"

START_TEST(the_known_message_has_the_known_signature)
{
    apr_size_t length;
    const unsigned char *secret = apr_pdecode_base64_binary(
        pool, VECTOR_SECRET, APR_ENCODE_STRING, APR_ENCODE_NONE, &length);

    ck_assert_uint_eq(length, 24);
    ck_assert_str_eq(ecs_webhook_secret_text(pool, secret, length),
                     "whsec_" VECTOR_SECRET);
    ck_assert_str_eq(
        ecs_webhook_sign(pool, secret, length, VECTOR_ID, "1614265330",
                         "{\"test\": 2432232314}"),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    ck_assert_str_ne(
        ecs_webhook_sign(pool, secret, length, VECTOR_ID, "1614265331",
                         "{\"test\": 2432232314}"),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}
END_TEST

START_TEST(each_endpoint_of_each_shop_has_its_own_secret)
{
    ecs_secrets_t *shop = ecs_secrets_derive(
        pool, "0123456789abcdef0123456789abcdef", 32);
    ecs_secrets_t *other = ecs_secrets_derive(
        pool, "0123456789abcdef0123456789abcdeF", 32);
    unsigned char a[ECS_KEY_BYTES], b[ECS_KEY_BYTES], c[ECS_KEY_BYTES];

    ecs_webhook_secret(shop, "nonce", a);
    ecs_webhook_secret(shop, "nonce", b);
    ck_assert_mem_eq(a, b, sizeof(a));
    ecs_webhook_secret(shop, "another", b);
    ecs_webhook_secret(other, "nonce", c);
    ck_assert_mem_ne(a, b, sizeof(a));
    ck_assert_mem_ne(a, c, sizeof(a));
    /* a token in a mail of the same nonce is nothing like it */
    ecs_secrets_mac(shop->mail, b, "nonce", NULL);
    ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

START_TEST(the_body_is_the_same_each_time)
{
    json_t *data = json_pack("{s:i, s:s}", "id", 7, "total", "12.50");

    ck_assert_str_eq(
        ecs_webhook_body(pool, "order.created", "2026-11-22T12:00:00.000Z",
                         data),
        "{\"type\":\"order.created\",\"timestamp\":\"2026-11-22T12:00:00.000Z\","
        "\"data\":{\"id\":7,\"total\":\"12.50\"}}");
    ck_assert_str_eq(ecs_webhook_body(pool, "ping", "t", NULL),
                     "{\"type\":\"ping\",\"timestamp\":\"t\",\"data\":{}}");
    json_decref(data);
}
END_TEST

static int is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        return ecs_webhook_address_is_public((struct sockaddr *)&in);
    }
    ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return ecs_webhook_address_is_public((struct sockaddr *)&in6);
}

START_TEST(only_the_internet_is_public)
{
    const char *const yes[] = {
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
        "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2606:4700::1111", "2001:4860::8888", "2001:200::1", "2003::1",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"};
    const char *const no[] = {
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "fe80::1", "fc00::1",
        "fd12::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::1",
        "::7f00:1", "3fff::1", "4000::1"};
    struct sockaddr local = {.sa_family = AF_UNIX};
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(is_public(yes[i]), "%s", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!is_public(no[i]), "%s", no[i]);
    }
    ck_assert(!ecs_webhook_address_is_public(&local));
}
END_TEST

START_TEST(a_url_is_checked_before_it_is_kept)
{
    const char *const good[] = {
        "https://example.org/hook", "https://example.org:8443/hook?a=b",
        "https://1.1.1.1/"};
    const char *const private[] = {
        "http://example.org/", "http://127.0.0.1:8000/hook",
        "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/",
        "https://[::1]/", "https://[fe80::1%25eth0]/", "https://2130706433/",
        "https://0x7f.1/"};
    const char *const bad[] = {
        "", "example.org", "ftp://example.org/", "file:///etc/passwd",
        "gopher://example.org/", "https://", "https://a b/",
        "https://user@example.org/", "https://user:secret@example.org/",
        "https://example.org/#part", "https://example.org:99999/"};
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(!ecs_webhook_url_check(pool, good[i], 0), "%s", good[i]);
        ck_assert_msg(!ecs_webhook_url_check(pool, good[i], 1), "%s", good[i]);
    }
    for (i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        ck_assert_msg(ecs_webhook_url_check(pool, private[i], 0) != NULL, "%s",
                      private[i]);
        ck_assert_msg(!ecs_webhook_url_check(pool, private[i], 1), "%s",
                      private[i]);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(ecs_webhook_url_check(pool, bad[i], 1) != NULL, "%s",
                      bad[i]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_known_message_has_the_known_signature,
        each_endpoint_of_each_shop_has_its_own_secret,
        the_body_is_the_same_each_time, only_the_internet_is_public,
        a_url_is_checked_before_it_is_kept};
    Suite *suite = suite_create("webhook");
    TCase *tcase = tcase_create("webhook");
    size_t i;

    tcase_add_checked_fixture(tcase, pool_open, pool_close);
    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
