/* SPDX-License-Identifier: MIT */
/*
 * test_proof.c - PIN and token are a function of key, order and nonce; the
 * verifiers tell right from wrong and one order from another.
 */
#include "proof.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define NONCE "00112233445566778899aabbccddeeff"
#define HEX "0123456789abcdef"

static ecs_secrets_t *keys;

static void setup(void)
{
    pool_open();
    keys = ecs_secrets_derive(pool, "thirty-two bytes of key material", 32);
}

/* HMAC over `message` of `length` bytes, computed apart from the code. */
static void mac_of(const char *message, size_t length, unsigned char mac[32])
{
    HMAC(EVP_sha256(), keys->proof, 32, (const unsigned char *)message, length,
         mac, NULL);
}

START_TEST(form_of_a_fresh_proof)
{
    ecs_proof_t *a = ecs_proof_make(pool, keys, "42", NULL);
    ecs_proof_t *b = ecs_proof_make(pool, keys, "42", NULL);

    ck_assert_uint_eq(strlen(a->nonce), 32);
    ck_assert_uint_eq(strspn(a->nonce, HEX), 32);
    ck_assert_uint_eq(strlen(a->pin), 6);
    ck_assert_uint_eq(strspn(a->pin, "0123456789"), 6);
    ck_assert_uint_eq(strlen(a->token), 32);
    ck_assert_uint_eq(strspn(a->token, HEX), 32);
    ck_assert_uint_eq(strlen(a->pin_verifier), 64);
    ck_assert_uint_eq(strlen(a->token_verifier), 64);
    ck_assert_str_ne(a->nonce, b->nonce);
    ck_assert_str_ne(a->token, b->token);
}
END_TEST

START_TEST(values_are_the_documented_macs)
{
    ecs_proof_t *proof = ecs_proof_make(pool, keys, "42", NONCE);
    static const char PIN[] = "pin\00042\000" NONCE;
    static const char TOKEN[] = "token\00042\000" NONCE;
    unsigned char mac[32];
    unsigned long long number = 0;
    char *message;
    int i;

    mac_of(TOKEN, sizeof(TOKEN), mac);
    ck_assert_str_eq(proof->token, hex(mac, 16));
    mac_of(PIN, sizeof(PIN), mac);
    for (i = 0; i < 8; i++) {
        number = number * 256 + mac[i];
    }
    ck_assert_str_eq(proof->pin,
                     apr_psprintf(pool, "%06u", (unsigned)(number % 1000000)));
    message = apr_psprintf(pool, "pin-verifier%c42%c%s", 1, 1, proof->pin);
    message[12] = message[15] = '\0';
    mac_of(message, 16 + 6 + 1, mac);
    ck_assert_str_eq(proof->pin_verifier, hex(mac, 32));
}
END_TEST

START_TEST(same_nonce_same_proof)
{
    ecs_proof_t *a = ecs_proof_make(pool, keys, "42", NULL);
    ecs_proof_t *b = ecs_proof_make(pool, keys, "42", a->nonce);

    ck_assert_str_eq(a->pin, b->pin);
    ck_assert_str_eq(a->token, b->token);
    ck_assert_str_eq(a->pin_verifier, b->pin_verifier);
    ck_assert_str_eq(a->token_verifier, b->token_verifier);
}
END_TEST

START_TEST(orders_and_keys_are_separate)
{
    ecs_secrets_t *other =
        ecs_secrets_derive(pool, "another 32 bytes of key material", 32);
    ecs_proof_t *a = ecs_proof_make(pool, keys, "42", NONCE);
    ecs_proof_t *b = ecs_proof_make(pool, keys, "43", NONCE);
    ecs_proof_t *c = ecs_proof_make(pool, other, "42", NONCE);

    ck_assert_str_ne(a->token, b->token);
    ck_assert_str_ne(a->token, c->token);
    ck_assert_str_ne(ecs_proof_pin_verifier(pool, keys, "42", "123456"),
                     ecs_proof_pin_verifier(pool, keys, "43", "123456"));
    ck_assert_str_ne(ecs_proof_pin_verifier(pool, keys, "42", "123456"),
                     ecs_proof_pin_verifier(pool, other, "42", "123456"));
    ck_assert_str_ne(ecs_proof_token_verifier(pool, keys, "42", a->token),
                     ecs_proof_token_verifier(pool, keys, "43", a->token));
}
END_TEST

START_TEST(only_the_right_candidate_verifies)
{
    ecs_proof_t *proof = ecs_proof_make(pool, keys, "42", NONCE);
    char *wrong = apr_pstrdup(pool, proof->pin);

    ck_assert_str_eq(ecs_proof_pin_verifier(pool, keys, "42", proof->pin),
                     proof->pin_verifier);
    ck_assert_str_eq(ecs_proof_token_verifier(pool, keys, "42", proof->token),
                     proof->token_verifier);
    wrong[5] = wrong[5] == '9' ? '0' : (char)(wrong[5] + 1);
    ck_assert_str_ne(ecs_proof_pin_verifier(pool, keys, "42", wrong),
                     proof->pin_verifier);
    ck_assert_str_ne(ecs_proof_pin_verifier(pool, keys, "42", ""),
                     proof->pin_verifier);
    ck_assert_str_eq(ecs_proof_pin_verifier(pool, keys, "42", NULL),
                     ecs_proof_pin_verifier(pool, keys, "42", ""));
    ck_assert_str_ne(ecs_proof_token_verifier(pool, keys, "42", proof->pin),
                     proof->pin_verifier);
}
END_TEST

/*
 * 20,000 PINs: each of the ten first digits near 2,000 (six sigma are 255),
 * and leading zeros are kept.
 */
START_TEST(pins_are_spread_evenly)
{
    int counts[10] = {0};
    int i;

    for (i = 0; i < 20000; i++) {
        apr_pool_t *scratch;
        ecs_proof_t *proof;

        apr_pool_create(&scratch, pool);
        proof = ecs_proof_make(scratch, keys,
                               apr_psprintf(scratch, "%d", i + 1), NONCE);
        ck_assert_uint_eq(strlen(proof->pin), 6);
        counts[proof->pin[0] - '0']++;
        apr_pool_destroy(scratch);
    }
    for (i = 0; i < 10; i++) {
        ck_assert_int_gt(counts[i], 2000 - 255);
        ck_assert_int_lt(counts[i], 2000 + 255);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("proof");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, pool_close);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, form_of_a_fresh_proof);
    tcase_add_test(tc, values_are_the_documented_macs);
    tcase_add_test(tc, same_nonce_same_proof);
    tcase_add_test(tc, orders_and_keys_are_separate);
    tcase_add_test(tc, only_the_right_candidate_verifies);
    tcase_add_test(tc, pins_are_spread_evenly);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
