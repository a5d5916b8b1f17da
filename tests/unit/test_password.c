/* SPDX-License-Identifier: MIT */
/*
 * test_password.c - hashes that crypt(3) of any system would verify, equal
 * work for unknown accounts, and the rules for new passwords.
 */
#include "password.h"
#include "unit.h"

#include <crypt.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

#define ARABIC_10                                                              \
    "\xd8\xb3\xd8\xb1\xd9\x8a\xd8\xb9\xd8\xac\xd8\xaf\xd8\xa7\xd9\x82\xd9\x88" \
    "\xd9\x8a"

static char *text_of(char c, size_t length)
{
    char *text = apr_pcalloc(pool, length + 1);

    memset(text, c, length);
    return text;
}

/* ---- hashes ---- */

START_TEST(hashes_are_yescrypt_of_the_password)
{
    const char *hash = ecs_password_hash(pool, "correct horse battery");
    const char *again = ecs_password_hash(pool, "correct horse battery");
    struct crypt_data *data = apr_pcalloc(pool, sizeof(*data));

    ck_assert_ptr_nonnull(hash);
    ck_assert_int_eq(strncmp(hash, "$y$j9T$", 7), 0);
    ck_assert_uint_eq(strlen(hash), 7 + 22 + 1 + 43);
    ck_assert_str_ne(hash, again);
    ck_assert_str_eq(crypt_r("correct horse battery", hash, data), hash);
}
END_TEST

START_TEST(only_the_password_verifies)
{
    const char *hash = ecs_password_hash(pool, "correct horse battery");
    char *damaged = apr_pstrdup(pool, hash);

    ck_assert_int_eq(ecs_password_verify(pool, "correct horse battery", hash),
                     1);
    ck_assert_int_eq(ecs_password_verify(pool, "correct horse batterY", hash),
                     0);
    ck_assert_int_eq(ecs_password_verify(pool, "correct horse battery ", hash),
                     0);
    ck_assert_int_eq(ecs_password_verify(pool, "", hash), 0);
    damaged[strlen(damaged) - 2] ^= 1;
    ck_assert_int_eq(
        ecs_password_verify(pool, "correct horse battery", damaged), 0);
    damaged[strlen(damaged) - 1] = '\0';
    ck_assert_int_eq(
        ecs_password_verify(pool, "correct horse battery", damaged), 0);
}
END_TEST

typedef struct foreign_t {
    const char *hash; /* of "pw" */
    int matches;
} foreign_t;

static const foreign_t FOREIGN[] = {
    {"$y$j75$abcdefghijklmnopqrstu."
     "$9nBjsidCv.2JFf.Ku6QDuuJJnigUIet6VLhTKPJxYZB",
     1},
    {"$2b$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW", 1},
    {"$2y$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW", 1},
    {"$6$rounds=1000$abcdefgh$XqwJcW6OI747PCzoKGoK/1tWSlKoh2vkjEp0I.CpQYUGXux"
     "tpSzAi0rXpF1oWR/3/HfvxKLb7xwD0vymBsSv8/",
     1},
    {"$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.", 0}, /* right, but MD5 */
    {"pw", 0},
    {"", 0},
    {"!", 0},
    {"*0", 0},
    {"$y$", 0},
    {"$y$j9T$", 0},
    {"$2b$", 0},
    {"$6$", 0},
};

START_TEST(hashes_from_elsewhere)
{
    ck_assert_int_eq(ecs_password_verify(pool, "pw", FOREIGN[_i].hash),
                     FOREIGN[_i].matches);
    ck_assert_int_eq(ecs_password_verify(pool, "Pw", FOREIGN[_i].hash), 0);
}
END_TEST

static double seconds_of_verify(const char *password, const char *hash)
{
    clock_t start = clock();
    int i;

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(ecs_password_verify(pool, password, hash), 0);
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

START_TEST(every_no_costs_as_much)
{
    const char *hash = ecs_password_hash(pool, "correct horse battery");
    char *huge = text_of('a', 100000);
    double usual = seconds_of_verify("wrong password", hash);
    double others[] = {
        seconds_of_verify("wrong password", NULL),
        seconds_of_verify("dummy", NULL),
        seconds_of_verify("wrong password", "no hash"),
        seconds_of_verify("wrong password", "$y$broken"),
        seconds_of_verify(huge, NULL),
        seconds_of_verify(huge, hash),
    };
    int i;

    for (i = 0; i < LENGTH(others); i++) {
        ck_assert_msg(others[i] > usual / 3 && others[i] < usual * 3,
                      "%d: %f against %f", i, others[i], usual);
    }
}
END_TEST

START_TEST(long_passwords_are_not_cut)
{
    char *longest = text_of('a', ECS_PASSWORD_BYTES_MAX - 1);
    const char *hash = ecs_password_hash(pool, longest);

    ck_assert_ptr_nonnull(hash);
    ck_assert_int_eq(ecs_password_verify(pool, longest, hash), 1);
    longest[ECS_PASSWORD_BYTES_MAX - 2] = 'b';
    ck_assert_int_eq(ecs_password_verify(pool, longest, hash), 0);
    ck_assert_ptr_null(
        ecs_password_hash(pool, text_of('a', ECS_PASSWORD_BYTES_MAX)));
}
END_TEST

START_TEST(weaker_hashes_are_outdated)
{
    ck_assert_int_eq(
        ecs_password_is_outdated(ecs_password_hash(pool, "any password")), 0);
    ck_assert_int_eq(ecs_password_is_outdated("$y$j9T$salt$hash"), 0);
    ck_assert_int_eq(ecs_password_is_outdated("$y$jAT$salt$hash"), 0);
    ck_assert_int_eq(ecs_password_is_outdated("$y$jFT$salt$hash"), 0);
    ck_assert_int_eq(ecs_password_is_outdated("$y$j8T$salt$hash"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$y$j75$salt$hash"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$2b$14$salthash"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$6$salt$hash"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$y$"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$y$j"), 1);
    ck_assert_int_eq(ecs_password_is_outdated("$y$j9"), 1);
    ck_assert_int_eq(ecs_password_is_outdated(""), 1);
}
END_TEST

/* ---- rules ---- */

static const char SHORT[] =
    "This password is too short. It must contain at least 10 characters.";
static const char COMMON[] = "This password is too common.";
static const char NUMERIC[] = "This password is entirely numeric.";

typedef struct rule_t {
    const char *password;
    const char *sentence; /* NULL: good */
} rule_t;

static const rule_t RULES[] = {
    {"", SHORT},
    {"Tr0ub4dor", SHORT},
    {"\xd8\xb3\xd8\xb1\xd9\x8a\xd8\xb9\xd8\xac", SHORT}, /* 5 letters, 10 B */
    {"8305716294", NUMERIC},
    {"83057162948305716295", NUMERIC},
    {"1234567890", COMMON},
    {"0987654321", COMMON},
    {"1111111111", COMMON},
    {"1212121212", COMMON},
    {"password123", COMMON},
    {"Password123!", COMMON},
    {"P@ssw0rd!!!", COMMON},
    {"pa$$w0rd2024", COMMON},
    {"passwordpassword", COMMON},
    {"Password1Password1", COMMON},
    {"qwertyuiop", COMMON},
    {"QWERTYUIOP", COMMON},
    {"1q2w3e4r5t", COMMON},
    {"zxcvbnm123", COMMON},
    {"123qwerty456", COMMON},
    {"administrator", COMMON},
    {"iloveyou2024", COMMON},
    {"Welcome2024!", COMMON},
    {"letmein12345", COMMON},
    {"abcdefghij", COMMON},
    {"azertyuiop", COMMON},
    {"football2023", COMMON},
    {"michael1985", COMMON},
    {"changeme1234", COMMON},
    {"user123456", COMMON},
    {"zaqwsx1234", COMMON},
    {"aaaaaaaaaaaa", COMMON},
    {"!!!!!!!!!!", COMMON},
    {"yankees2020", COMMON},
    {"correct horse battery", NULL},
    {"blue-Kettle-93", NULL},
    {"8305716294a", NULL},
    {"passwordless door", NULL},
    {"   spaces are fine   ", NULL},
    {ARABIC_10, NULL},
    {"\xf0\x9f\x90\x8e\xf0\x9f\x94\x8b horse ok", NULL},
};

START_TEST(new_passwords_are_judged)
{
    const rule_t *rule = &RULES[_i];
    const char *said = ecs_password_weakness(pool, rule->password, NULL);

    ck_assert_msg(rule->sentence ? said && !strcmp(said, rule->sentence)
                                 : said == NULL,
                  "%s: %s", rule->password, said);
}
END_TEST

/* Own data: sara.haddad@example.org, shopqueen, Sarabella, Bo. */
static const rule_t LIKENESSES[] = {
    {"sara.haddad99", "The password is too similar to the email address."},
    {"99SARA.HADDAD", "The password is too similar to the email address."},
    {"my-ShopQueen-77", "The password is too similar to the username."},
    {"xxsarabella!", "The password is too similar to the first name."},
    {"bobobo-Kettle", NULL},      /* names under four characters do not count */
    {"example.org-Kettle", NULL}, /* nor does the mail's domain */
    {"blue-Kettle-93", NULL},
};

START_TEST(own_data_is_no_password)
{
    static const char *const own[] = {"Sara.Haddad@example.org", "shopqueen",
                                      "Sarabella", "Bo", NULL};
    const rule_t *c = &LIKENESSES[_i];
    const char *said = ecs_password_weakness(pool, c->password, own);

    ck_assert_msg(c->sentence ? said && !strcmp(said, c->sentence)
                              : said == NULL,
                  "%s: %s", c->password, said);
}
END_TEST

START_TEST(part_of_own_data_is_no_password)
{
    static const char *const mail[] = {"the.blue.kettle.93@example.org", NULL};
    static const char *const later[] = {"", "", "", "blue-kettle-93-x", NULL};
    static const char *const fifth[] = {"", "", "", "", "blue-kettle-93", NULL};

    ck_assert_str_eq(ecs_password_weakness(pool, "blue.kettle", mail),
                     "The password is too similar to the email address.");
    ck_assert_str_eq(ecs_password_weakness(pool, "Blue-Kettle-93", later),
                     "The password is too similar to the last name.");
    ck_assert_str_eq(
        ecs_password_weakness(pool, "Blue-Kettle-93", fifth),
        "The password is too similar to the personal information.");
}
END_TEST

START_TEST(too_long_for_crypt_is_refused)
{
    char *text = text_of('x', ECS_PASSWORD_BYTES_MAX);

    memcpy(text, "blue-Kettle", 11);
    ck_assert_str_eq(
        ecs_password_weakness(pool, text, NULL),
        "This password is too long. It must contain at most 511 bytes.");
    text[ECS_PASSWORD_BYTES_MAX - 1] = '\0';
    ck_assert_ptr_null(ecs_password_weakness(pool, text, NULL));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("password");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, hashes_are_yescrypt_of_the_password);
    tcase_add_test(tc, only_the_password_verifies);
    tcase_add_loop_test(tc, hashes_from_elsewhere, 0, LENGTH(FOREIGN));
    tcase_add_test(tc, every_no_costs_as_much);
    tcase_add_test(tc, long_passwords_are_not_cut);
    tcase_add_test(tc, weaker_hashes_are_outdated);
    tcase_add_loop_test(tc, new_passwords_are_judged, 0, LENGTH(RULES));
    tcase_add_loop_test(tc, own_data_is_no_password, 0, LENGTH(LIKENESSES));
    tcase_add_test(tc, part_of_own_data_is_no_password);
    tcase_add_test(tc, too_long_for_crypt_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
