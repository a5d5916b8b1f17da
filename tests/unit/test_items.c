/* SPDX-License-Identifier: MIT */
/*
 * test_items.c - lists of objects in a body: normal forms, and what is wrong
 * with each object, in both forms of a refusal.
 */
#include "fields.h"
#include "json.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

static const ecs_field_t members[] = {
    {"condition", ECS_T_CHOICE, ECS_IN_BODY, ECS_REQUIRED,
     .choices = "NEW USED"},
    {"quantity", ECS_T_INT, ECS_IN_BODY, ECS_REQUIRED, 1, 9},
    {"price", ECS_T_MONEY, ECS_IN_BODY},
    {"notes", ECS_T_TEXT, ECS_IN_BODY, ECS_NULLABLE, 0, 20},
    {"whole", ECS_T_BOOL, ECS_IN_BODY, .initial = "true"},
    {NULL},
};
static const ecs_field_t fields[] = {
    {"items", ECS_T_ITEMS, ECS_IN_BODY, ECS_REQUIRED, 1, 3,
     .members = members},
    {NULL},
};
static const ecs_route_t create = {"POST", "/api/things/", .fields = fields};
static const ecs_route_t change = {"PATCH", "/api/things/", .fields = fields};

/* Reads {"items": list}. */
static ecs_problem_t *read_list(const ecs_route_t *route, const char *list,
                                const char **value, const char **changes)
{
    const char *text = apr_psprintf(pool, "{\"items\": %s}", list);
    ecs_input_t in = {NULL};
    json_t *body;

    ck_assert_ptr_null(ecs_json_parse(pool, text, strlen(text), &body));
    in.body = body;
    return ecs_fields_read(route, &in, pool, value, changes);
}

static const struct {
    const char *list;
    const char *value;
} good[] = {
    {"[{\"condition\": \"new\", \"quantity\": 2}]",
     "[{\"condition\":\"NEW\",\"quantity\":2,\"whole\":true}]"},
    {"[{\"condition\": \"USED\", \"quantity\": 1, \"price\": 2.5, "
     "\"notes\": \" a \\\"b\\\" \", \"whole\": false}, "
     "{\"quantity\": 9, \"notes\": null, \"condition\": \"NEW\"}]",
     "[{\"condition\":\"USED\",\"quantity\":1,\"price\":\"2.50\","
     "\"notes\":\"a \\\"b\\\"\",\"whole\":false},"
     "{\"condition\":\"NEW\",\"quantity\":9,\"whole\":true}]"},
};

START_TEST(lists_get_their_normal_form)
{
    const char *value, *changes;

    ck_assert_ptr_null(read_list(&create, good[_i].list, &value, &changes));
    ck_assert_str_eq(value, good[_i].value);
    ck_assert_ptr_null(changes);
    ck_assert_ptr_null(read_list(&change, good[_i].list, &value, &changes));
    ck_assert_ptr_null(value);
    ck_assert_str_eq(changes,
                     apr_pstrcat(pool, "{\"items\":", good[_i].value, "}",
                                 NULL));
}
END_TEST

#define GOOD "{\"condition\": \"NEW\", \"quantity\": 1}"

static const struct {
    const char *list;
    const char *answer; /* of "items" */
} bad[] = {
    {"null", "[\"This field may not be null.\"]"},
    {"5", "[\"Expected a list of items but got type \\\"int\\\".\"]"},
    {"{}", "[\"Expected a list of items but got type \\\"dict\\\".\"]"},
    {"[]", "[\"This list may not be empty.\"]"},
    {"[" GOOD "," GOOD "," GOOD "," GOOD "]",
     "[\"Ensure this field has no more than 3 elements.\"]"},
    {"[" GOOD ", 5, " GOOD "]",
     "[{},{\"non_field_errors\":[\"Invalid data. Expected a dictionary, but "
     "got int.\"]},{}]"},
    {"[{}]", "[{\"condition\":[\"This field is required.\"],"
             "\"quantity\":[\"This field is required.\"]}]"},
    {"[" GOOD ", {\"condition\": \"OLD\", \"quantity\": \"1\"}]",
     "[{},{\"condition\":[\"\\\"OLD\\\" is not a valid choice.\"],"
     "\"quantity\":[\"A valid integer is required.\"]}]"},
    {"[{\"condition\": null, \"quantity\": 10, \"colour\": 1}]",
     "[{\"condition\":[\"This field may not be null.\"],"
     "\"quantity\":[\"Ensure this value is less than or equal to 9.\"],"
     "\"colour\":[\"Unknown field.\"]}]"},
};

START_TEST(wrong_objects_are_told_apart)
{
    const char *value, *changes;
    ecs_problem_t *problem =
        read_list(&create, bad[_i].list, &value, &changes);

    ck_assert_ptr_nonnull(problem);
    ck_assert_str_eq(
        ecs_problem_drf(pool, problem, NULL),
        apr_pstrcat(pool, "{\"items\":", bad[_i].answer, "}", NULL));
    ck_assert_ptr_null(value);
}
END_TEST

START_TEST(pointers_lead_to_the_member)
{
    const char *value, *changes;
    ecs_problem_t *problem =
        read_list(&create, "[" GOOD ", 5, {\"condition\": \"NEW\", "
                           "\"quantity\": 0}]",
                  &value, &changes);
    const char *text = ecs_problem_rfc9457(pool, problem, NULL);
    const char *expected =
        "\"errors\":[{\"pointer\":\"#/items/1\",\"detail\":\"Invalid data. "
        "Expected a dictionary, but got int.\"},"
        "{\"pointer\":\"#/items/2/quantity\",\"detail\":\"Ensure this value "
        "is greater than or equal to 1.\"}]";

    ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("items");
    TCase *tc = tcase_create("items");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_add_loop_test(tc, lists_get_their_normal_form, 0, LENGTH(good));
    tcase_add_loop_test(tc, wrong_objects_are_told_apart, 0, LENGTH(bad));
    tcase_add_test(tc, pointers_lead_to_the_member);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
