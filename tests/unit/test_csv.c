/* SPDX-License-Identifier: MIT */
/*
 * test_csv.c - tables as people's spreadsheets write them, and what is none.
 */
#include "csv.h"
#include "unit.h"

#include <string.h>

#include <apr_strings.h>

/* The rows as JSON text, or the sentence of the refusal. */
static const char *parse(const char *text)
{
    json_t *value = NULL;
    ecs_problem_t *problem = ecs_csv_parse(pool, text, strlen(text), &value);
    char *dump;

    if (problem) {
        ck_assert_str_eq(problem->code, "malformed_csv");
        return problem->detail;
    }
    dump = json_dumps(json_object_get(value, "rows"),
                      JSON_COMPACT | JSON_SORT_KEYS);
    apr_pool_cleanup_register(pool, dump, (apr_status_t (*)(void *))(void *)free,
                              apr_pool_cleanup_null);
    return dump;
}

#define parses(text, rows) ck_assert_str_eq(parse(text), rows)

START_TEST(lines_and_fields)
{
    parses("a,b\r\n1,2\r\n3,4", "[{\"a\":\"1\",\"b\":\"2\"},"
                               "{\"a\":\"3\",\"b\":\"4\"}]");
    parses("a,b\n1,\n,2\n", "[{\"a\":\"1\"},{\"b\":\"2\"}]");
    parses("a,b\n1\n", "[{\"a\":\"1\"}]");
    parses("a\n\n1\n\r\n2\n\n", "[{\"a\":\"1\"},{\"a\":\"2\"}]");
    parses("a\n", "[]");
    parses("a", "[]");
}
END_TEST

START_TEST(quotes)
{
    parses("a,\"b\"\n\"x,\"\"y\"\"\",\"1\n2\r\n3\"\n",
           "[{\"a\":\"x,\\\"y\\\"\",\"b\":\"1\\n2\\r\\n3\"}]");
    parses("a\n\"\"\n", "[]");
    parses("a\n\"x", "Line 2: a quoted field has no end.");
    parses("a\n1\n\"2\n3\"x\n", "Line 3: there is something behind a quoted "
                               "field.");
    parses("a\n1\"\n", "Line 2: a field with a quote in it has to be quoted.");
    parses("a\n\"1\n2\"\n\"\n", "Line 4: a quoted field has no end.");
}
END_TEST

START_TEST(spreadsheets)
{
    parses("\xEF\xBB\xBF" "a;b\r\n1,5;2\r\n",
           "[{\"a\":\"1,5\",\"b\":\"2\"}]");
    parses("a\n'=1+1\n'-x\n'x\n", "[{\"a\":\"=1+1\"},{\"a\":\"-x\"},"
                                "{\"a\":\"'x\"}]");
}
END_TEST

START_TEST(no_tables)
{
    json_t *value;

    parses("", "Line 1: column 1 has no name.");
    parses("a,,b\n", "Line 1: column 2 has no name.");
    parses("a,b,a\n", "Line 1: column \"a\" comes twice.");
    parses("a\n1,2\n", "Line 2: there are more fields than columns.");
    parses("a\n\xC3\x28\n", "The file is not UTF-8.");
    ck_assert_ptr_nonnull(ecs_csv_parse(pool, "a\n\0b\n", 5, &value));
}
END_TEST

/* So many times the same text, with a NUL. */
static char *repeated(const char *text, int times)
{
    apr_size_t length = strlen(text);
    char *all = apr_palloc(pool, length * (apr_size_t)times + 1);
    int i;

    for (i = 0; i < times; i++) {
        memcpy(all + length * (apr_size_t)i, text, length);
    }
    all[length * (apr_size_t)times] = '\0';
    return all;
}

/* A file of some bytes that would become an object of many. */
START_TEST(small_files_that_are_large)
{
    char *names = apr_pstrdup(pool, "a");
    json_t *value;
    const char *text;
    int i;

    parses(apr_pstrcat(pool, "a,", repeated("x", 64), "\n", NULL), "[]");
    parses(apr_pstrcat(pool, "a,", repeated("x", 65), "\n1,2\n", NULL),
           "Line 1: the name of column 2 is too long.");
    for (i = 1; i < 32; i++) {
        names = apr_psprintf(pool, "%s,a%d", names, i);
    }
    parses(names, "[]");
    parses(apr_pstrcat(pool, names, ",b\n", NULL),
           "Line 1: there are too many fields.");
    parses(apr_pstrcat(pool, "a\n", repeated("1,", 100), NULL),
           "Line 2: there are more fields than columns.");
    text = apr_pstrcat(pool, "a\n", repeated("1\n", 5000), "\n", NULL);
    ck_assert_ptr_null(ecs_csv_parse(pool, text, strlen(text), &value));
    ck_assert_uint_eq(json_array_size(json_object_get(value, "rows")), 5000);
    parses(apr_pstrcat(pool, text, "1\n", NULL),
           "Line 5003: there are too many rows.");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("csv");

    tcase_add_checked_fixture(tests, pool_open, pool_close);
    tcase_add_test(tests, lines_and_fields);
    tcase_add_test(tests, quotes);
    tcase_add_test(tests, spreadsheets);
    tcase_add_test(tests, no_tables);
    tcase_add_test(tests, small_files_that_are_large);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
