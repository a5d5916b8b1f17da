/* SPDX-License-Identifier: MIT */
/*
 * test_fields_types.c - right and wrong values of each type of field; the
 * messages are compared to the letter with DRF's. Decimal numbers, on which
 * money rests, are tried by the thousand.
 */
#include "fields.h"
#include "json.h"
#include "money.h"
#include "unit.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static const ecs_field_t fields[] = {
    {"name", ECS_T_STRING, ECS_IN_BODY, 0, 3, 10},
    {"brand", ECS_T_ID, ECS_IN_BODY, ECS_NULLABLE},
    {"quantity", ECS_T_INT, ECS_IN_BODY, 0, 1, 100, NULL, "1"},
    {"any", ECS_T_INT, ECS_IN_BODY, 0, -5},
    {"price", ECS_T_MONEY, ECS_IN_BODY, 0, 1},
    {"lat", ECS_T_DECIMAL, ECS_IN_BODY, ECS_NULLABLE, -90, 90},
    {"open", ECS_T_BOOL, ECS_IN_BODY},
    {"note", ECS_T_TEXT, ECS_IN_BODY, ECS_BLANK, 0, 20},
    {"email", ECS_T_EMAIL, ECS_IN_BODY},
    {"status", ECS_T_CHOICE, ECS_IN_BODY, .choices = "OPEN CLOSED HALF_OPEN"},
    {"at", ECS_T_TIME, ECS_IN_BODY},
    {"password", ECS_T_STRING, ECS_IN_BODY, ECS_SECRET, 0, 12},
    {"ids", ECS_T_IDS, ECS_IN_BODY, ECS_NULLABLE, 2, 4},
    {"some", ECS_T_IDS, ECS_IN_BODY},
    {NULL},
};
static const ecs_route_t route = {"POST", "/api/things/", .fields = fields};

/* Send one member; returns its message when it is refused. */
static const char *read_value(const char *name, const char *json,
                              const char **out)
{
    const char *found[LENGTH(fields)];
    const char *changes;
    const char *text = apr_psprintf(pool, "{\"%s\": %s}", name, json);
    ecs_input_t in = {NULL};
    ecs_problem_t *problem;
    json_t *body;
    int i;

    ck_assert_ptr_null(ecs_json_parse(pool, text, strlen(text), &body));
    in.body = body;
    problem = ecs_fields_read(&route, &in, pool, found, &changes);
    if (problem != NULL) {
        ck_assert_int_eq(problem->fields->nelts, 1);
        ck_assert_str_eq(
            APR_ARRAY_IDX(problem->fields, 0, ecs_field_error_t).field, name);
        return APR_ARRAY_IDX(problem->fields, 0, ecs_field_error_t).message;
    }
    for (i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            *out = found[i];
        }
    }
    return NULL;
}

/* `json` for the field; then its value, or "!" and its message. */
static const struct {
    const char *field, *json, *expected;
} values[] = {
    {"brand", "5", "5"},
    {"brand", "9223372036854775807", "9223372036854775807"},
    {"brand", "null", NULL},
    {"brand", "0", "!Invalid pk \"0\" - object does not exist."},
    {"brand", "-5", "!Invalid pk \"-5\" - object does not exist."},
    {"brand", "9223372036854775808",
     "!Invalid pk \"9223372036854775808\" - object does not exist."},
    {"brand", "\"5\"", "!Incorrect type. Expected pk value, received str."},
    {"brand", "5.0", "!Incorrect type. Expected pk value, received float."},
    {"brand", "true", "!Incorrect type. Expected pk value, received bool."},
    {"brand", "[5]", "!Incorrect type. Expected pk value, received list."},
    {"brand", "{}", "!Incorrect type. Expected pk value, received dict."},

    {"ids", "[5, 3]", "{5,3}"},
    {"ids", "[9223372036854775807, 1, 2, 3]", "{9223372036854775807,1,2,3}"},
    {"ids", "null", NULL},
    {"ids", "[]", "!This list may not be empty."},
    {"ids", "[1]", "!Ensure this field has at least 2 elements."},
    {"ids", "[1, 2, 3, 4, 5]",
     "!Ensure this field has no more than 4 elements."},
    {"ids", "[1, 2, 1]", "!1 is there more than once."},
    {"ids", "[1, 0]", "!Invalid pk \"0\" - object does not exist."},
    {"ids", "[1, 9223372036854775808]",
     "!Invalid pk \"9223372036854775808\" - object does not exist."},
    {"ids", "[1, \"2\"]", "!Incorrect type. Expected pk value, received str."},
    {"ids", "[1, 2.0]", "!Incorrect type. Expected pk value, received float."},
    {"ids", "[1, null]",
     "!Incorrect type. Expected pk value, received NoneType."},
    {"ids", "[1, [2]]", "!Incorrect type. Expected pk value, received list."},
    {"ids", "5", "!Expected a list of items but got type \"int\"."},
    {"ids", "\"5,3\"", "!Expected a list of items but got type \"str\"."},
    {"ids", "{}", "!Expected a list of items but got type \"dict\"."},
    {"some", "[]", "{}"},
    {"some", "[7]", "{7}"},
    {"some", "null", "!This field may not be null."},

    {"quantity", "1", "1"},
    {"quantity", "100", "100"},
    {"quantity", "0", "!Ensure this value is greater than or equal to 1."},
    {"quantity", "101", "!Ensure this value is less than or equal to 100."},
    {"quantity", "9223372036854775808",
     "!Ensure this value is less than or equal to 100."},
    {"quantity", "-9223372036854775809",
     "!Ensure this value is greater than or equal to 1."},
    {"quantity", "\"1\"", "!A valid integer is required."},
    {"quantity", "true", "!A valid integer is required."},
    {"quantity", "1.0", "!A valid integer is required."},
    {"quantity", "1.5", "!A valid integer is required."},
    {"quantity", "1e1", "!A valid integer is required."},
    {"quantity", "[]", "!A valid integer is required."},
    {"quantity", "null", "!This field may not be null."},
    {"any", "-5", "-5"},
    {"any", "-6", "!Ensure this value is greater than or equal to -5."},
    {"any", "2147483647", "2147483647"},
    {"any", "2147483648",
     "!Ensure this value is less than or equal to 2147483647."},

    {"price", "\"12.50\"", "12.50"},
    {"price", "12.5", "12.50"},
    {"price", "12", "12.00"},
    {"price", "\" 12.5 \"", "12.50"},
    {"price", "\"0012.50\"", "12.50"},
    {"price", "0.01", "0.01"},
    {"price", "0.1", "0.10"},
    {"price", "1.10", "1.10"},
    {"price", "4.35", "4.35"},
    {"price", "9999999999.99", "9999999999.99"},
    {"price", "\"9999999999.99\"", "9999999999.99"},
    {"price", "0", "!Ensure this value is greater than or equal to 0.01."},
    {"price", "-0.00", "!Ensure this value is greater than or equal to 0.01."},
    {"price", "-1", "!Ensure this value is greater than or equal to 0.01."},
    {"price", "\"-1\"", "!Ensure this value is greater than or equal to 0.01."},
    {"price", "12.345",
     "!Ensure that there are no more than 2 decimal places."},
    {"price", "\"12.500\"",
     "!Ensure that there are no more than 2 decimal places."},
    {"price", "12.000000001",
     "!Ensure that there are no more than 2 decimal places."},
    {"price", "0.30000000000000004",
     "!Ensure that there are no more than 12 digits in total."},
    {"price", "12.4999999999999999999",
     "!Ensure that there are no more than 12 digits in total."},
    {"price", "10000000000",
     "!Ensure that there are no more than 10 digits before the decimal point."},
    {"price", "10000000000.00",
     "!Ensure that there are no more than 10 digits before the decimal point."},
    {"price", "\"10000000000.00\"",
     "!Ensure that there are no more than 12 digits in total."},
    {"price", "99999999999999999999",
     "!Ensure that there are no more than 12 digits in total."},
    {"price", "1e2", "!A valid number is required."},
    {"price", "\"1e2\"", "!A valid number is required."},
    {"price", "1E999", "!A valid number is required."},
    {"price", "\"NaN\"", "!A valid number is required."},
    {"price", "\"Infinity\"", "!A valid number is required."},
    {"price", "\"+1\"", "!A valid number is required."},
    {"price", "\"1,50\"", "!A valid number is required."},
    {"price", "\"1 50\"", "!A valid number is required."},
    {"price", "\".5\"", "!A valid number is required."},
    {"price", "\"5.\"", "!A valid number is required."},
    {"price", "\"\"", "!A valid number is required."},
    {"price", "\"\\u0661\"", "!A valid number is required."},
    {"price", "true", "!A valid number is required."},
    {"price", "[1]", "!A valid number is required."},

    {"lat", "33.513807", "33.513807"},
    {"lat", "\"-33.5\"", "-33.5"},
    {"lat", "-90", "-90"},
    {"lat", "0.000001", "0.000001"},
    {"lat", "null", NULL},
    {"lat", "90.000001", "!Ensure this value is less than or equal to 90."},
    {"lat", "-90.000001",
     "!Ensure this value is greater than or equal to -90."},
    {"lat", "99999999999999999999",
     "!Ensure this value is less than or equal to 90."},
    {"lat", "33.5138071",
     "!Ensure that there are no more than 6 decimal places."},
    {"lat", "1e1", "!A valid number is required."},
    {"lat", "\"north\"", "!A valid number is required."},
    {"lat", "false", "!A valid number is required."},

    {"open", "true", "true"},
    {"open", "false", "false"},
    {"open", "1", "!Must be a valid boolean."},
    {"open", "\"true\"", "!Must be a valid boolean."},

    {"name", "\"abc\"", "abc"},
    {"name", "\"  abc \\n\"", "abc"},
    {"name", "\"\\u0627\\u0644\\u0634\\u0627\\u0645 1234\"", "الشام 1234"},
    {"name", "\"ab\"", "!Ensure this field has at least 3 characters."},
    {"name", "\"12345678901\"",
     "!Ensure this field has no more than 10 characters."},
    {"name", "\"\"", "!This field may not be blank."},
    {"name", "\" \\t \"", "!This field may not be blank."},
    {"name", "5", "!Not a valid string."},
    {"name", "true", "!Not a valid string."},
    {"name", "[\"abc\"]", "!Not a valid string."},
    {"name", "null", "!This field may not be null."},
    {"name", "\"ab\\ncd\"", "!Control characters are not allowed."},
    {"name", "\"ab\\u007f\"", "!Control characters are not allowed."},
    {"name", "\"ab\\u0085cd\"", "!Control characters are not allowed."},

    {"note", "\"a\\n\\tb\\r\\n\"", "a\n\tb"},
    {"note", "\"\"", ""},
    {"note", "\"  \"", ""},
    {"note", "\"a\\u0001b\"", "!Control characters are not allowed."},
    {"note", "\"a\\u001bb\"", "!Control characters are not allowed."},

    {"password", "\"  a b  \"", "  a b  "},
    {"password", "\"\"", "!This field may not be blank."},

    {"email", "\" Anna.B+c@shop-1.example.COM \"",
     "Anna.B+c@shop-1.example.COM"},
    {"email", "\"a@b.co\"", "a@b.co"},
    {"email", "\"\"", "!This field may not be blank."},
    {"email", "\"a\"", "!Enter a valid email address."},
    {"email", "\"a@b\"", "!Enter a valid email address."},
    {"email", "\"@b.co\"", "!Enter a valid email address."},
    {"email", "\"a@@b.co\"", "!Enter a valid email address."},
    {"email", "\"a@b@c.co\"", "!Enter a valid email address."},
    {"email", "\"a b@c.co\"", "!Enter a valid email address."},
    {"email", "\"a@b..co\"", "!Enter a valid email address."},
    {"email", "\"a@.b.co\"", "!Enter a valid email address."},
    {"email", "\"a@b.co.\"", "!Enter a valid email address."},
    {"email", "\"a@-b.co\"", "!Enter a valid email address."},
    {"email", "\"a@b.co, c@d.co\"", "!Enter a valid email address."},
    {"email", "\".a@b.co\"", "!Enter a valid email address."},
    {"email", "\"a..b@b.co\"", "!Enter a valid email address."},
    {"email", "\"a@127.0.0.1\"", "!Enter a valid email address."},
    {"email", "\"a@b.co\\nBcc: x\"", "!Control characters are not allowed."},
    {"email", "5", "!Not a valid string."},

    {"status", "\"OPEN\"", "OPEN"},
    {"status", "\"half_Open\"", "HALF_OPEN"},
    {"status", "\"q\"", "!\"q\" is not a valid choice."},
    {"status", "\"OPE\"", "!\"OPE\" is not a valid choice."},
    {"status", "\"OPEN CLOSED\"", "!\"OPEN CLOSED\" is not a valid choice."},
    {"status", "\"\"", "!\"\" is not a valid choice."},
    {"status", "5", "!\"5\" is not a valid choice."},
    {"status", "true", "!\"True\" is not a valid choice."},
    {"status", "[\"OPEN\"]", "!\"[\"OPEN\"]\" is not a valid choice."},

    {"at", "\"2026-11-22T14:46:00Z\"", "2026-11-22T14:46:00Z"},
    {"at", "\"2026-11-22T14:46:00.123456+02:00\"",
     "2026-11-22T14:46:00.123456+02:00"},
    {"at", "\"2028-02-29t00:00:00z\"", "2028-02-29t00:00:00z"},
    {"at", "\"2026-11-22T14:46:00\"", "!T"},
    {"at", "\"2026-11-22T14:46Z\"", "!T"},
    {"at", "\"2026-11-22\"", "!T"},
    {"at", "\"2026-02-29T00:00:00Z\"", "!T"},
    {"at", "\"1900-02-29T00:00:00Z\"", "!T"},
    {"at", "\"2026-13-01T00:00:00Z\"", "!T"},
    {"at", "\"2026-00-01T00:00:00Z\"", "!T"},
    {"at", "\"2026-01-00T00:00:00Z\"", "!T"},
    {"at", "\"2026-04-31T00:00:00Z\"", "!T"},
    {"at", "\"0000-01-01T00:00:00Z\"", "!T"},
    {"at", "\"2026-01-01T24:00:00Z\"", "!T"},
    {"at", "\"2026-01-01T23:60:00Z\"", "!T"},
    {"at", "\"2026-01-01T23:59:60Z\"", "!T"},
    {"at", "\"2026-01-01T23:59:59.Z\"", "!T"},
    {"at", "\"2026-01-01T23:59:59.1234567890Z\"", "!T"},
    {"at", "\"2026-01-01T23:59:59+0200\"", "!T"},
    {"at", "\"2026-01-01T23:59:59+16:00\"", "!T"},
    {"at", "\"2026-01-01T23:59:59+02:60\"", "!T"},
    {"at", "\"2026-01-01T23:59:59ZZ\"", "!T"},
    {"at", "\"12026-01-01T23:59:59Z\"", "!T"},
    {"at", "\"infinity\"", "!T"},
    {"at", "\"now\"", "!T"},
    {"at", "1700000000", "!T"},
};

#define TIME_MESSAGE                                                           \
    "Datetime has wrong format. Use one of these formats instead: "            \
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."

START_TEST(values_of_each_type)
{
    const char *expected = values[_i].expected, *out = NULL;
    const char *wrong = read_value(values[_i].field, values[_i].json, &out);

    if (expected != NULL && *expected == '!') {
        ck_assert_pstr_eq(wrong,
                          strcmp(expected, "!T") ? expected + 1 : TIME_MESSAGE);
        return;
    }
    ck_assert_pstr_eq(wrong, NULL);
    ck_assert_pstr_eq(out, expected);
}
END_TEST

/* ---- decimal numbers ---- */

START_TEST(every_cent_survives_a_double)
{
    const char *out;
    apr_int64_t cents;

    for (cents = 1; cents < 2000000; cents += cents < 20000 ? 1 : 977) {
        const char *text = ecs_money_text(pool, cents);
        const char *real = ecs_decimal_of_real(pool, strtod(text, NULL));

        ck_assert_ptr_null(ecs_money_read(pool, real, 0, 0, &out));
        ck_assert_str_eq(out, text);
        if (cents % 1000 == 0) {
            apr_pool_clear(pool);
        }
    }
}
END_TEST

START_TEST(reals_are_plain_texts)
{
    ck_assert_str_eq(ecs_decimal_of_real(pool, 0.1 + 0.2),
                     "0.30000000000000004");
    ck_assert_str_eq(ecs_decimal_of_real(pool, 1e21), "1000000000000000000000");
    ck_assert_str_eq(ecs_decimal_of_real(pool, -0.000012), "-0.000012");
    ck_assert_uint_gt(strlen(ecs_decimal_of_real(pool, 1e-300)), 20);
    ck_assert_uint_gt(strlen(ecs_decimal_of_real(pool, 1e308)), 300);
}
END_TEST

START_TEST(money_in_bounds)
{
    const char *out;

    ck_assert_str_eq(ecs_money_read(pool, "100.01", 0, 10000, &out),
                     "Ensure this value is less than or equal to 100.00.");
    ck_assert_str_eq(ecs_money_read(pool, "-0.01", 0, 0, &out),
                     "Ensure this value is greater than or equal to 0.");
    ck_assert_ptr_null(ecs_money_read(pool, "-0", 0, 0, &out));
    ck_assert_str_eq(out, "0.00");
    ck_assert_str_eq(ecs_money_text(pool, -5), "-0.05");
    ck_assert_str_eq(ecs_money_text(pool, APR_INT64_MIN),
                     "-92233720368547758.08");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fields_types");
    TCase *tc = tcase_create("fields_types");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, values_of_each_type, 0, LENGTH(values));
    tcase_add_test(tc, every_cent_survives_a_double);
    tcase_add_test(tc, reals_are_plain_texts);
    tcase_add_test(tc, money_in_bounds);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
