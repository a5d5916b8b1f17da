/* SPDX-License-Identifier: MIT */
/*
 * test_json.c - what the strict reader takes and refuses, where it says the
 * error is, and that no number loses a digit.
 */
#include "json.h"
#include "utf8.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

static json_t *parse(const char *text)
{
    json_t *value;
    ecs_problem_t *problem = ecs_json_parse(pool, text, strlen(text), &value);

    ck_assert_msg(problem == NULL, "%s: %s", text,
                  problem ? problem->detail : "");
    return value;
}

static const char *refused(const char *text, apr_size_t length)
{
    json_t *value = json_null();
    ecs_problem_t *problem = ecs_json_parse(pool, text, length, &value);

    ck_assert_msg(problem != NULL, "accepted: %s", text);
    ck_assert_ptr_null(value);
    ck_assert_str_eq(problem->code, "malformed_json");
    ck_assert_int_eq(problem->status, 400);
    return problem->detail;
}

START_TEST(takes_values_of_all_types)
{
    json_t *value = parse(" {\"a\": [1, -2.50, true, null, \"\\u00e9\"]}\n");

    ck_assert_str_eq(ecs_json_dump(pool, value),
                     "{\"a\":[1,-2.5,true,null,\"\xc3\xa9\"]}");
    ck_assert(json_is_string(parse("\"x\"")));
    ck_assert(json_is_integer(parse("7")));
    ck_assert(json_is_null(parse("null")));
}
END_TEST

static const struct {
    const char *text;
    const char *detail; /* the end of the sentence */
} malformed[] = {
    {"", "line 1, column 1: the text ends too early."},
    {"{\"a\": 1", "line 1, column 7: the text ends too early."},
    {"{\"a\": 1,\n \"b\" 2}", "line 2, column 6: ':' expected."},
    {"{\"a\": 1e5,\n\"\xc3\xa9\" 2}", "line 2, column 5: ':' expected."},
    {"{\"a\": 1, \"a\": 2}", ": a member is there twice."},
    {"{\"a\": 1, \"\\u0061\": 2}", ": a member is there twice."},
    {"\"\\u0000\"", ": NUL is not allowed in a string."},
    {"{\"\\u0000\": 1}", ": NUL is not allowed in a string."},
    {"\"\xff\"", ": the text is not valid UTF-8."},
    {"\"\xc0\xaf\"", ": the text is not valid UTF-8."},
    {"\"\xed\xa0\x80\"", ": the text is not valid UTF-8."},
    {"\"\\ud800\"", "."},
    {"\xef\xbb\xbf{}", "line 1, column 1: invalid token."},
    {"{} {}", ": end of file expected."},
    {"{'a': 1}", "."},
    {"[1,]", "."},
    {"[NaN]", "."},
    {"[Infinity]", "."},
    {"[01]", "."},
    {"[-01e5]", "."},
    {"[+1]", "."},
    {"[.5]", "."},
    {"[5.]", "."},
    {"[1e]", "."},
    {"[1e5x]", "."},
    {"[1.2.3]", "."},
    {"{1e5: 1}", "."},
    {"{1e5 : 1}", "."},
    {"{99999999999999999999: 1}", "."},
    {"[\"a\tb\"]", "."},
    {"[1 // x\n]", "."},
};

START_TEST(refuses_malformed)
{
    const char *text = malformed[_i].text, *end = malformed[_i].detail;
    const char *detail = refused(text, strlen(text));

    ck_assert_msg(strlen(detail) >= strlen(end) &&
                      strcmp(detail + strlen(detail) - strlen(end), end) == 0,
                  "%s: %s", text, detail);
    ck_assert_ptr_nonnull(strstr(detail, "Malformed JSON at line "));
}
END_TEST

START_TEST(refuses_a_raw_nul)
{
    refused("{\"a\": \"x\0y\"}", 12);
    refused("{}\0", 3);
    ck_assert_str_eq(refused("5\0", 2),
                     "Malformed JSON at line 1, column 2: NUL is not allowed.");
}
END_TEST

START_TEST(limits_the_nesting)
{
    parse("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
    ck_assert_str_eq(refused("[[[[[[[[[[[[[[[\n[[1]]]]]]]]]]]]]]]]]", 36),
                     "Malformed JSON at line 2, column 2: nested too deeply.");
    parse("{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"}");
    parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
}
END_TEST

START_TEST(limits_the_number_of_values)
{
    size_t length = 2 * (size_t)ECS_JSON_VALUES_MAX + 1, i;
    char *text = apr_palloc(pool, length + 3);

    text[0] = '[';
    for (i = 1; i < length; i += 2) {
        text[i] = '1';
        text[i + 1] = ',';
    }
    text[length - 1] = ']';
    text[length] = '\0';
    parse(text);
    strcpy(text + length - 1, ",1]");
    ck_assert_str_eq(refused(text, length + 2),
                     "Malformed JSON at line 1, column 131073: there are too "
                     "many values.");
}
END_TEST

static const struct {
    const char *text;
    const char *kept; /* NULL: stays a number and dumps as it was */
} numbers[] = {
    {"9223372036854775807", NULL},
    {"-9223372036854775808", NULL},
    {"9223372036854775808", "9223372036854775808"},
    {"-9223372036854775809", "-9223372036854775809"},
    {"9999999999.99", NULL},
    {"12.345", NULL},
    {"0.1", NULL},
    {"12345678901234.5", NULL},
    {"1234567890.123456", "1234567890.123456"},
    {"12.4999999999999999999", "12.4999999999999999999"},
    {"1e2", "1e2"},
    {"-1E+2", "-1E+2"},
    {"1e999", "1e999"},
    {"0.5e-3", "0.5e-3"},
};

START_TEST(keeps_all_digits)
{
    const char *text = numbers[_i].text, *kept = numbers[_i].kept;
    json_t *value =
        json_array_get(parse(apr_psprintf(pool, "[%s , \"x\"]", text)), 0);

    ck_assert_int_eq(kept != NULL, json_is_string(value));
    if (kept != NULL) {
        ck_assert_str_eq(json_string_value(value), kept);
    }
    else {
        ck_assert_str_eq(ecs_json_dump(pool, value), text);
    }
    ck_assert_int_eq(
        json_object_size(parse(apr_psprintf(
            pool, "{\"a\":%s,\"b\":%s,\"c\":[%s]}", text, text, text))),
        3);
}
END_TEST

START_TEST(quotes_for_json_and_html)
{
    ck_assert_str_eq(ecs_json_quote(pool, ""), "\"\"");
    ck_assert_str_eq(ecs_json_quote(pool, "a\"\\\n\t\x01\x7f"),
                     "\"a\\\"\\\\\\n\\t\\u0001\\u007f\"");
    ck_assert_str_eq(ecs_json_quote(pool, "</script>&\xe2\x80\xa8\xc3\xa9"),
                     "\"\\u003c/script\\u003e&\\u2028\xc3\xa9\"");
    ck_assert_str_eq(ecs_json_quote(pool, "a\xff\xed\xa0\x80z"),
                     "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}
END_TEST

START_TEST(releases_with_the_pool)
{
    apr_pool_t *child;
    json_t *value = json_string("x");

    apr_pool_create(&child, pool);
    ck_assert_ptr_eq(ecs_json_own(child, json_incref(value)), value);
    ck_assert_uint_eq(value->refcount, 2);
    apr_pool_destroy(child);
    ck_assert_uint_eq(value->refcount, 1);
    json_decref(value);
    ck_assert_ptr_null(ecs_json_own(pool, NULL));
}
END_TEST

START_TEST(knows_unicode)
{
    ck_assert(ecs_utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\x92"));
    ck_assert(!ecs_utf8_valid("\xf4\x90\x80\x80"));
    ck_assert(!ecs_utf8_valid("\xe2\x82"));
    ck_assert(!ecs_utf8_valid("\x80"));
    ck_assert(!ecs_utf8_valid("\xe0\x80\xaf"));
    ck_assert_uint_eq(ecs_utf8_length("a\xc3\xa9\xf0\x9f\x9b\x92"), 3);
    ck_assert_str_eq(ecs_utf8_trim(pool, "\xc2\xa0 a b\xe3\x80\x80\n"), "a b");
    ck_assert_str_eq(ecs_utf8_trim(pool, " \t\n"), "");
    ck_assert_str_eq(ecs_utf8_trim(pool, "a"), "a");
    ck_assert_str_eq(ecs_utf8_head(pool, "\xc3\xa9\xc3\xa9", 2),
                     "\xc3\xa9\xc3\xa9");
    ck_assert_str_eq(ecs_utf8_head(pool, "\xc3\xa9xy", 2),
                     "\xc3\xa9x\xe2\x80\xa6");
}
END_TEST

START_TEST(what_another_says_is_readable)
{
    const char *good = "550 caf\xc3\xa9";

    ck_assert_ptr_eq(ecs_utf8_readable(pool, good), good);
    ck_assert_str_eq(ecs_utf8_readable(pool, "550 caf\xe9 zu"), "550 caf? zu");
    ck_assert_str_eq(ecs_utf8_readable(pool, "\xc3\xa9\xc3"), "???");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, pool_open, pool_close);
    tcase_add_test(tests, takes_values_of_all_types);
    tcase_add_loop_test(tests, refuses_malformed, 0,
                        sizeof(malformed) / sizeof(malformed[0]));
    tcase_add_test(tests, refuses_a_raw_nul);
    tcase_add_test(tests, limits_the_nesting);
    tcase_add_test(tests, limits_the_number_of_values);
    tcase_add_loop_test(tests, keeps_all_digits, 0,
                        sizeof(numbers) / sizeof(numbers[0]));
    tcase_add_test(tests, quotes_for_json_and_html);
    tcase_add_test(tests, releases_with_the_pool);
    tcase_add_test(tests, knows_unicode);
    tcase_add_test(tests, what_another_says_is_readable);
    return unit_run(suite);
}
