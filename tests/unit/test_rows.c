/* SPDX-License-Identifier: MIT */
/*
 * test_rows.c - each mistake that a row can have is found and named.
 */
#include "rows.h"
#include "unit.h"

#include <string.h>

#define PATH "/api/a/"
#define ID_PATH "/api/a/{id}/"
#define FIELDS(...) (const ecs_field_t[]){__VA_ARGS__, {NULL}}

/* Rows that are good but for what stands in the arguments. */
#define ANSWERS(status, answer, flags)                                        \
    {"GET", PATH, ECS_PUBLIC, flags, NULL, "f", status, answer, NULL, "S"}
#define TAKES(path, ...)                                                      \
    {"GET", path, ECS_PUBLIC, 0, FIELDS(__VA_ARGS__), "f", 200, "Thing",      \
     NULL, "S"}
#define IS(method, path, roles, flags, call, errors, summary)                 \
    {method, path, roles, flags, NULL, call, 200, "Thing", errors, summary}
#define UPLOADS(most, ...)                                                    \
    {"POST", PATH, ECS_USER, 0, (const ecs_field_t[]){__VA_ARGS__, {NULL}},   \
     "f", 200, "Thing", NULL, "S", .image = "file", .images_max = most}
#define PLAIN(method) IS(method, PATH, ECS_PUBLIC, 0, "f", NULL, "S")

#define GETS(...)                                                             \
    {"POST", PATH, ECS_PUBLIC, 0, FIELDS(__VA_ARGS__), "f", 200, "Thing",     \
     NULL, "S"}

static const ecs_field_t parts[] = {{"n", ECS_T_INT, ECS_IN_BODY}, {NULL}};
static const ecs_field_t nested[] = {{"ids", ECS_T_IDS, ECS_IN_BODY}, {NULL}};
static const ecs_field_t wordless[] = {{"word", ECS_T_CHOICE, ECS_IN_BODY},
                                       {NULL}};

static const ecs_schema_t good_schemas[] = {
    {"Thing", NULL, "id:id parts:[Part]"},
    {"Part", NULL, "of:Thing?"},
    {NULL},
};

static const struct {
    ecs_route_t routes[3];
    const char *error; /* NULL: nothing is wrong */
} rows[] = {
    {{PLAIN("GET")}, NULL},
    {{PLAIN("GET"), PLAIN("POST")}, NULL},
    {{PLAIN("GET"), PLAIN("GET")},
     "GET /api/a/: another row has this method and path"},
    {{PLAIN("get")}, "get /api/a/: the method is none of"},
    {{IS("GET", PATH, ECS_PUBLIC, 0, "f", NULL, NULL)}, "it has no summary"},
    {{IS("GET", PATH, 0, 0, "f", NULL, "S")}, "nobody may call it"},
    {{IS("GET", PATH, ECS_USER, 0, NULL, NULL, "S")},
     "either a call or ECS_R_NO_DB"},
    {{IS("GET", PATH, ECS_USER, ECS_R_NO_DB, "f", NULL, "S")},
     "either a call or ECS_R_NO_DB"},
    {{IS("GET", PATH, ECS_USER, ECS_R_NO_DB, NULL, NULL, "S")}, NULL},
    /* answers */
    {{ANSWERS(0, "Thing", 0)}, "the status is none of 200 to 204"},
    {{ANSWERS(205, "Thing", 0)}, "the status is none of 200 to 204"},
    {{ANSWERS(204, "Thing", 0)}, "204 and only 204 has no answer"},
    {{ANSWERS(200, NULL, 0)}, "204 and only 204 has no answer"},
    {{ANSWERS(202, NULL, 0)}, NULL},
    {{ANSWERS(200, "Thin", 0)}, "there is no schema \"Thin\""},
    {{ANSWERS(200, "[Thin]", 0)}, "there is no schema \"Thin\""},
    {{ANSWERS(200, "thing", 0)}, "\"thing\" is no type"},
    {{ANSWERS(200, "[Thing] text/plain", 0)}, NULL},
    {{ANSWERS(200, "Thing", ECS_R_LIST)}, NULL},
    {{ANSWERS(200, "Thing +Part", ECS_R_LIST)}, NULL},
    {{ANSWERS(200, "Thing +Part", 0)}, "only lists have a \"+\""},
    {{ANSWERS(200, "Thing +Par", ECS_R_LIST)}, "there is no schema \"Par\""},
    {{ANSWERS(200, "[Thing]", ECS_R_LIST)},
     "the answer of a list is no schema's name"},
    /* errors */
    {{IS("GET", PATH, ECS_USER, 0, "f", "out_of_stock conflict", "S")}, NULL},
    {{IS("GET", PATH, ECS_USER, 0, "f", "conflict outofstock", "S")},
     "there is no code \"outofstock\""},
    /* paths and fields */
    {{IS("GET", ID_PATH, ECS_USER, 0, "f", NULL, "S")},
     "a {name} of the path has no field"},
    {{TAKES(ID_PATH, {"id", ECS_T_ID, ECS_IN_PATH})}, NULL},
    {{TAKES(PATH, {"id", ECS_T_ID, ECS_IN_PATH})},
     "field id: it is either in the path"},
    {{TAKES(ID_PATH, {"id", ECS_T_ID, ECS_IN_QUERY})},
     "field id: it is either in the path"},
    {{TAKES(ID_PATH, {"id", ECS_T_ID, ECS_IN_PATH}),
      TAKES("/api/a/{a_id}/", {"a_id", ECS_T_ID, ECS_IN_PATH})},
     "the same path is /api/a/{id}/ elsewhere"},
    {{TAKES(PATH, {"a", ECS_T_ID, ECS_IN_BODY})},
     "field a: a GET has no body"},
    {{TAKES(PATH, {"a", ECS_T_ID, ECS_IN_QUERY},
            {"a", ECS_T_INT, ECS_IN_QUERY})},
     "field a: it is there twice"},
    {{TAKES(PATH, {"a", ECS_T_INT, ECS_IN_QUERY, 0, 5, 4})},
     "field a: max is less than min"},
    {{TAKES(PATH, {"a", ECS_T_CHOICE, ECS_IN_QUERY})},
     "choices belong to ECS_T_CHOICE"},
    {{TAKES(PATH, {"a", ECS_T_TEXT, ECS_IN_QUERY, .choices = "A B"})},
     "choices belong to ECS_T_CHOICE"},
    {{TAKES(PATH, {"a", ECS_T_IDS, ECS_IN_QUERY})},
     "a list belongs into a body"},
    {{UPLOADS(0, ECS_IMAGE_FIELDS)}, NULL},
    {{UPLOADS(2, ECS_IMAGES_FIELD)}, NULL},
    {{UPLOADS(2, ECS_IMAGE_FIELDS)}, "needs ECS_IMAGE_FIELDS"},
    {{UPLOADS(1, ECS_IMAGES_FIELD)}, "needs ECS_IMAGE_FIELDS"},
    {{UPLOADS(2, {"images", ECS_T_TEXT, ECS_IN_BODY})},
     "needs ECS_IMAGE_FIELDS"},
    {{TAKES(PATH, {"a", ECS_T_ITEMS, ECS_IN_QUERY, .members = parts})},
     "a list belongs into a body"},
    {{GETS({"a", ECS_T_ITEMS, ECS_IN_BODY, .members = parts})}, NULL},
    {{GETS({"a", ECS_T_ITEMS, ECS_IN_BODY})}, "members belong to ECS_T_ITEMS"},
    {{GETS({"a", ECS_T_INT, ECS_IN_BODY, .members = parts})},
     "members belong to ECS_T_ITEMS"},
    {{GETS({"a", ECS_T_ITEMS, ECS_IN_BODY, .members = nested})},
     "field a: member ids: it is no member of an object"},
    {{GETS({"a", ECS_T_ITEMS, ECS_IN_BODY, .members = wordless})},
     "field a: member word: choices belong to ECS_T_CHOICE"},
    {{TAKES(PATH, {"a", ECS_T_INT, ECS_IN_QUERY, 0, 1, 5, NULL, "5"})}, NULL},
    {{TAKES(PATH, {"a", ECS_T_INT, ECS_IN_QUERY, 0, 1, 5, NULL, "6"})},
     "field a: Ensure this value is less than or equal to 5."},
    {{TAKES(PATH, {"a", ECS_T_INT, ECS_IN_QUERY, ECS_REQUIRED, .initial = "3"})},
     "a required field has no default"},
};

static const struct {
    ecs_schema_t schemas[3];
    const char *error;
} schemas[] = {
    {{{"A", NULL, "b:B"}, {"B", NULL, "a:A?"}}, NULL},
    {{{"A", NULL, "b:B"}, {"B", NULL, "a:A"}},
     "schema A: no value can be a \"A\""},
    {{{"A", NULL, "b:C"}}, "schema A: \"b\": there is no schema \"C\""},
    {{{"A", NULL, "b:[C]?"}}, "schema A: \"b\": there is no schema \"C\""},
    {{{"A", NULL, "b:int b:int"}}, "schema A: \"b\" is there twice"},
    {{{"A", NULL, "b:integer"}}, "schema A: \"b\": \"integer\" is no type"},
    {{{"A", NULL, ""}, {"A", NULL, ""}}, "schema A: the name is taken"},
    {{{"Error", NULL, ""}}, "schema Error: the name is taken"},
    {{{"a", NULL, ""}}, "schema a: \"a\" is no type"},
};

static void assert_error(const ecs_app_t *app, const char *expected)
{
    ecs_app_t apps[] = {*app, {NULL}};
    const char *error = ecs_rows_check(pool, apps);

    if (expected == NULL) {
        ck_assert_msg(error == NULL, "%s", error);
    }
    else {
        ck_assert_msg(error != NULL, "nothing is found: %s", expected);
        ck_assert_msg(strstr(error, expected) != NULL, "%s", error);
    }
}

START_TEST(mistakes_in_rows_are_found)
{
    const ecs_app_t app = {"App", NULL, rows[_i].routes, good_schemas};

    assert_error(&app, rows[_i].error);
}
END_TEST

START_TEST(mistakes_in_schemas_are_found)
{
    const ecs_app_t app = {"App", NULL, NULL, schemas[_i].schemas};

    assert_error(&app, schemas[_i].error);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rows");
    TCase *tc = tcase_create("rows");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_add_loop_test(tc, mistakes_in_rows_are_found, 0, LENGTH(rows));
    tcase_add_loop_test(tc, mistakes_in_schemas_are_found, 0,
                        LENGTH(schemas));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
