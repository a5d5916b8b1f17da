/* SPDX-License-Identifier: MIT */
/*
 * test_secrets.c - key file, derivation (RFC 5869), digests (FIPS 180-4,
 * RFC 4231's construction) and random values.
 */
#include "secrets.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

static char directory[64];
static const char MATERIAL[] = "0123456789abcdef0123456789abcdef";

static void setup(void)
{
    pool_open();
    strcpy(directory, "/tmp/ecs-secrets-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    char *paths[] = {apr_pstrcat(pool, directory, "/key", NULL),
                     apr_pstrcat(pool, directory, "/old", NULL)};

    unlink(paths[0]);
    unlink(paths[1]);
    rmdir(directory);
    pool_close();
}

static const char *key_file(const char *name, const void *data, size_t length,
                            mode_t mode)
{
    const char *path = apr_pstrcat(pool, directory, "/", name, NULL);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, length, file), length);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

/* HKDF written out from RFC 5869 for one block, with no salt. */
static const char *hkdf(const char *info)
{
    unsigned char salt[32] = {0};
    unsigned char prk[32], okm[32];
    char *message = apr_pstrcat(pool, info, "\x01", NULL);

    HMAC(EVP_sha256(), salt, 32, (const unsigned char *)MATERIAL,
         strlen(MATERIAL), prk, NULL);
    HMAC(EVP_sha256(), prk, 32, (unsigned char *)message, strlen(message), okm,
         NULL);
    return hex(okm, 32);
}

START_TEST(keys_are_hkdf_of_the_material)
{
    ecs_secrets_t *keys = ecs_secrets_derive(pool, MATERIAL, strlen(MATERIAL));

    ck_assert_ptr_nonnull(keys);
    ck_assert_str_eq(hex(keys->token, 32), hkdf("mod_ecs access token 1"));
    ck_assert_str_eq(hex(keys->cursor, 32), hkdf("mod_ecs list cursor 1"));
    ck_assert_str_eq(hex(keys->proof, 32), hkdf("mod_ecs proof of delivery 1"));
    ck_assert_int_eq(keys->has_previous, 0);
}
END_TEST

START_TEST(short_material_is_refused)
{
    ck_assert_ptr_null(ecs_secrets_derive(pool, MATERIAL, 31));
    ck_assert_ptr_null(ecs_secrets_derive(pool, "", 0));
    ck_assert_ptr_nonnull(ecs_secrets_derive(pool, MATERIAL, 32));
}
END_TEST

START_TEST(a_key_file_is_loaded)
{
    const char *error = "unset";
    const char *path = key_file("key", MATERIAL, 32, 0640);
    ecs_secrets_t *loaded = ecs_secrets_load(pool, path, NULL, &error);
    ecs_secrets_t *derived = ecs_secrets_derive(pool, MATERIAL, 32);

    ck_assert_msg(loaded != NULL, "%s", error);
    ck_assert_ptr_null(error);
    ck_assert_mem_eq(loaded, derived, sizeof(*loaded));
}
END_TEST

START_TEST(a_previous_key_is_only_accepted)
{
    const char *error;
    const char *now =
        key_file("key", "another key of at least 32 bytes", 32, 0600);
    const char *before = key_file("old", MATERIAL, 32, 0400);
    ecs_secrets_t *keys = ecs_secrets_load(pool, now, before, &error);
    ecs_secrets_t *old = ecs_secrets_derive(pool, MATERIAL, 32);

    ck_assert_msg(keys != NULL, "%s", error);
    ck_assert_int_eq(keys->has_previous, 1);
    ck_assert_mem_eq(keys->previous_token, old->token, 32);
    ck_assert_mem_ne(keys->token, old->token, 32);
    ck_assert_mem_ne(keys->proof, old->proof, 32);
}
END_TEST

static const mode_t OPEN_MODES[] = {0644, 0604, 0602, 0601, 0666, 0660, 0620};

START_TEST(an_open_key_file_is_refused)
{
    const char *error = NULL;
    const char *path = key_file("key", MATERIAL, 32, OPEN_MODES[_i]);

    ck_assert_ptr_null(ecs_secrets_load(pool, path, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "open to others"));
    ck_assert_ptr_nonnull(strstr(error, path));
    ck_assert_ptr_null(strstr(error, MATERIAL));
}
END_TEST

START_TEST(an_open_previous_file_is_refused_too)
{
    const char *error = NULL;
    const char *now = key_file("key", MATERIAL, 32, 0600);
    const char *before = key_file("old", MATERIAL, 32, 0644);

    ck_assert_ptr_null(ecs_secrets_load(pool, now, before, &error));
    ck_assert_ptr_nonnull(strstr(error, "/old"));
}
END_TEST

START_TEST(useless_key_files_are_refused)
{
    unsigned char zeros[64] = {0};
    unsigned char large[4097];
    const char *error = NULL;
    size_t i;

    for (i = 0; i < sizeof(large); i++) {
        large[i] = (unsigned char)i;
    }
    ck_assert_ptr_null(ecs_secrets_load(
        pool, key_file("key", MATERIAL, 31, 0600), NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "fewer than 32"));
    ck_assert_ptr_null(
        ecs_secrets_load(pool, key_file("key", "", 0, 0600), NULL, &error));
    ck_assert_ptr_null(ecs_secrets_load(
        pool, key_file("key", zeros, sizeof(zeros), 0600), NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "repeats"));
    ck_assert_ptr_null(ecs_secrets_load(
        pool, key_file("key", large, sizeof(large), 0600), NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "longer"));
    ck_assert_ptr_nonnull(ecs_secrets_load(
        pool, key_file("key", large, sizeof(large) - 1, 0600), NULL, &error));
    ck_assert_ptr_null(ecs_secrets_load(pool, directory, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "regular"));
    ck_assert_ptr_null(ecs_secrets_load(
        pool, apr_pstrcat(pool, directory, "/none", NULL), NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "cannot open"));
}
END_TEST

/*
 * A cleanup registered before the keys runs after theirs (APR's order), while
 * the memory still stands.
 */
typedef struct watch_t {
    const ecs_secrets_t *keys;
    int was_wiped;
} watch_t;

static apr_status_t look(void *data)
{
    static const ecs_secrets_t ZERO;
    watch_t *watch = data;

    watch->was_wiped = memcmp(watch->keys, &ZERO, sizeof(ZERO)) == 0;
    return APR_SUCCESS;
}

START_TEST(keys_are_wiped_with_the_pool)
{
    watch_t watch = {NULL, 0};
    apr_pool_t *child;

    apr_pool_create(&child, pool);
    apr_pool_cleanup_register(child, &watch, look, apr_pool_cleanup_null);
    watch.keys = ecs_secrets_derive(child, MATERIAL, 32);
    ck_assert_ptr_nonnull(watch.keys);
    apr_pool_destroy(child);
    ck_assert_int_eq(watch.was_wiped, 1);
}
END_TEST

START_TEST(random_values_have_form_and_differ)
{
    const char *text = ecs_secrets_random_hex(pool, 16);
    const char *url = ecs_secrets_random_url(pool, 32);

    ck_assert_uint_eq(strlen(text), 32);
    ck_assert_uint_eq(strspn(text, "0123456789abcdef"), 32);
    ck_assert_str_ne(text, ecs_secrets_random_hex(pool, 16));
    ck_assert_uint_eq(strlen(url), 43);
    ck_assert_uint_eq(strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                  "pqrstuvwxyz0123456789-_"),
                      43);
    ck_assert_str_ne(url, ecs_secrets_random_url(pool, 32));
    ck_assert_uint_eq(strlen(ecs_secrets_random_url(pool, 16)), 22);
    ck_assert_ptr_null(ecs_secrets_random_hex(pool, 1025));
    ck_assert_ptr_null(ecs_secrets_random_url(pool, 1025));
}
END_TEST

START_TEST(sha256_of_known_texts)
{
    ck_assert_str_eq(ecs_secrets_sha256(pool, "abc", 3),
                     "ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(ecs_secrets_sha256(pool, "", 0),
                     "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(mac_covers_strings_and_their_borders)
{
    unsigned char key[32], mac[32], other[32], right[32];

    memset(key, 7, sizeof(key));
    HMAC(EVP_sha256(), key, 32, (const unsigned char *)"ab\0c", 5, right, NULL);
    ecs_secrets_mac(key, mac, "ab", "c", NULL);
    ck_assert_mem_eq(mac, right, 32);
    ecs_secrets_mac(key, other, "a", "bc", NULL);
    ck_assert_mem_ne(mac, other, 32);
    ecs_secrets_mac(key, other, "abc", NULL);
    ck_assert_mem_ne(mac, other, 32);
    ecs_secrets_mac(key, other, "ab", "c", "", NULL);
    ck_assert_mem_ne(mac, other, 32);
    key[31] ^= 1;
    ecs_secrets_mac(key, other, "ab", "c", NULL);
    ck_assert_mem_ne(mac, other, 32);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("secrets");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, keys_are_hkdf_of_the_material);
    tcase_add_test(tc, short_material_is_refused);
    tcase_add_test(tc, a_key_file_is_loaded);
    tcase_add_test(tc, a_previous_key_is_only_accepted);
    tcase_add_loop_test(tc, an_open_key_file_is_refused, 0,
                        (int)(sizeof(OPEN_MODES) / sizeof(OPEN_MODES[0])));
    tcase_add_test(tc, an_open_previous_file_is_refused_too);
    tcase_add_test(tc, useless_key_files_are_refused);
    tcase_add_test(tc, keys_are_wiped_with_the_pool);
    tcase_add_test(tc, random_values_have_form_and_differ);
    tcase_add_test(tc, sha256_of_known_texts);
    tcase_add_test(tc, mac_covers_strings_and_their_borders);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
