/* SPDX-License-Identifier: MIT */
/*
 * test_fields.c - what a request brings meets the fields of a row: places,
 * absent and unknown members, changes of a PATCH, forms, queries, pages and
 * cursors. Single values are in test_fields_types.c.
 */
#include "fields.h"
#include "json.h"
#include "page.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

#define FIELDS_MAX 32

static const char KEY[] = "0123456789abcdef0123456789abcdef";

static const ecs_field_t thing_fields[] = {
    {"shop", ECS_T_ID, ECS_IN_PATH, ECS_REQUIRED},
    {"name", ECS_T_STRING, ECS_IN_BODY, ECS_REQUIRED, 3, 10},
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
    {"tags", ECS_T_IDS, ECS_IN_BODY, 0, 0, 3},
    {"hash", ECS_T_STRING, ECS_IN_SERVER},
    {NULL},
};
static const ecs_route_t create = {"POST", "/api/shops/{shop}/things/",
                                   .fields = thing_fields};
static const ecs_route_t change = {"PATCH", "/api/shops/{shop}/things/",
                                   .fields = thing_fields};
static const ecs_route_t bare = {"POST", "/api/bare/"};

static const ecs_field_t list_fields[] = {
    {"part", ECS_T_STRING, ECS_IN_PATH, 0, 0, 8},
    {"id", ECS_T_ID, ECS_IN_PATH},
    {"search", ECS_T_STRING, ECS_IN_QUERY, 0, 0, 20},
    {"brand", ECS_T_ID, ECS_IN_QUERY},
    {"min_price", ECS_T_MONEY, ECS_IN_QUERY},
    {"in_stock", ECS_T_BOOL, ECS_IN_QUERY},
    {"after", ECS_T_TIME, ECS_IN_QUERY},
    {"ordering", ECS_T_CHOICE, ECS_IN_QUERY, .choices = "price -price"},
    {"page", ECS_T_PAGE, ECS_IN_QUERY},
    {"page_size", ECS_T_INT, ECS_IN_QUERY, 0, 1, 100, NULL, "20"},
    {"cursor", ECS_T_CURSOR, ECS_IN_QUERY},
    {NULL},
};
static const ecs_route_t list = {"GET", "/api/things/{id}/parts/{part}/",
                                 .fields = list_fields};

static const ecs_field_t strict_fields[] = {
    {"pin", ECS_T_STRING, ECS_IN_BODY, ECS_REQUIRED},
    {"x", ECS_T_INT, ECS_IN_BODY, 0, 0, 0, NULL, "7"},
    {NULL},
};
static const ecs_route_t strict_change = {"PATCH", "/api/x/",
                                          .fields = strict_fields};

static const char *values[FIELDS_MAX];
static const char *changes;

static ecs_problem_t *read_all(const ecs_route_t *route, const json_t *body,
                               int is_form, const char *query,
                               const char *first, const char *second)
{
    const char *path[] = {first, second, NULL, NULL};
    ecs_input_t in = {.body = body, .is_form = is_form, .query = query,
                      .path = path, .cursor_key = KEY};
    int i;

    for (i = 0; i < FIELDS_MAX; i++) {
        values[i] = "left over";
    }
    changes = "left over";
    return ecs_fields_read(route, &in, pool, values, &changes);
}

static const char *wire(const ecs_problem_t *problem)
{
    return problem ? ecs_problem_drf(pool, problem, NULL) : NULL;
}

/* Read a JSON body; the answer's body when it is refused. */
static const char *read_body(const ecs_route_t *route, const char *text)
{
    json_t *body;
    ecs_problem_t *problem = ecs_json_parse(pool, text, strlen(text), &body);

    ck_assert_msg(problem == NULL, "%s", text);
    return wire(read_all(route, body, 0, NULL, "5", NULL));
}

static const char *read_form(const ecs_route_t *route, const char *text)
{
    json_t *form;
    ecs_problem_t *problem =
        ecs_fields_of_form(pool, text, strlen(text), &form);

    return wire(problem ? problem : read_all(route, form, 1, NULL, "5", NULL));
}

static const char *read_list(const char *query)
{
    return wire(read_all(&list, NULL, 0, query, "5", "wheel"));
}

static const char *value_of(const ecs_field_t *fields, const char *name)
{
    int i;

    for (i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return values[i];
        }
    }
    ck_abort_msg("no field %s", name);
}

START_TEST(long_choices_are_not_echoed_whole)
{
    char *text = apr_palloc(pool, 50001);
    const char *answer;

    memset(text, 'x', 50000);
    text[50000] = '\0';
    answer = read_body(&create, apr_psprintf(pool,
                                             "{\"name\":\"abc\","
                                             "\"status\":\"%s\"}",
                                             text));
    ck_assert_uint_lt(strlen(answer), 200);
}
END_TEST

/* ---- whole bodies ---- */

START_TEST(absent_members)
{
    ck_assert_pstr_eq(read_body(&create, "{\"name\": \"abc\"}"), NULL);
    ck_assert_str_eq(value_of(thing_fields, "shop"), "5");
    ck_assert_str_eq(value_of(thing_fields, "quantity"), "1");
    ck_assert_pstr_eq(value_of(thing_fields, "price"), NULL);
    ck_assert_pstr_eq(value_of(thing_fields, "hash"), NULL);
    ck_assert_pstr_eq(wire(read_all(&create, NULL, 0, NULL, "5", NULL)),
                      "{\"name\":[\"This field is required.\"]}");
}
END_TEST

START_TEST(unknown_members)
{
    ck_assert_pstr_eq(
        read_body(&create, "{\"is_admin\": true, \"name\": \"a\","
                           " \"shop\": 6, \"hash\": \"x\", \"Name\": 1}"),
        "{\"name\":[\"Ensure this field has at least 3 characters.\"],"
        "\"is_admin\":[\"Unknown field.\"],\"shop\":[\"Unknown field.\"],"
        "\"hash\":[\"Unknown field.\"],\"Name\":[\"Unknown field.\"]}");
    ck_assert_pstr_eq(read_body(&bare, "{\"a\": null}"),
                      "{\"a\":[\"Unknown field.\"]}");
    ck_assert_pstr_eq(read_body(&bare, "{}"), NULL);
    ck_assert_pstr_eq(wire(read_all(&bare, NULL, 0, "a", NULL, NULL)),
                      "{\"a\":[\"Unknown field.\"]}");
}
END_TEST

START_TEST(unknown_members_are_capped)
{
    json_t *body = ecs_json_own(pool, json_object());
    ecs_problem_t *problem;
    int i;

    for (i = 0; i < 5000; i++) {
        json_object_set_new(body, apr_psprintf(pool, "m%d", i), json_null());
    }
    problem = read_all(&bare, body, 0, NULL, NULL, NULL);
    ck_assert_int_eq(problem->fields->nelts, 20);
}
END_TEST

START_TEST(bodies_that_are_no_object)
{
    static const char *const bodies[][2] = {
        {"[]", "list"},   {"\"x\"", "str"}, {"1", "int"},
        {"1.5", "float"}, {"true", "bool"}, {"null", "NoneType"}};
    int i;

    for (i = 0; i < LENGTH(bodies); i++) {
        ck_assert_pstr_eq(
            read_body(&create, bodies[i][0]),
            apr_psprintf(pool,
                         "{\"non_field_errors\":[\"Invalid data. Expected a "
                         "dictionary, but got %s.\"]}",
                         bodies[i][1]));
    }
}
END_TEST

START_TEST(errors_come_together_in_order)
{
    ck_assert_pstr_eq(
        read_body(&create, "{\"at\": 1, \"price\": -1, \"brand\": null}"),
        "{\"name\":[\"This field is required.\"],"
        "\"price\":[\"Ensure this value is greater than or equal to 0.01.\"],"
        "\"at\":[\"Datetime has wrong format. Use one of these formats "
        "instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].\"]}");
}
END_TEST

START_TEST(ids_of_paths)
{
    static const char *const bad[] = {"0",
                                      "-1",
                                      "+1",
                                      "01",
                                      "abc",
                                      "1x",
                                      " 1",
                                      "1.0",
                                      "1e3",
                                      "",
                                      "9223372036854775808",
                                      "99999999999999999999999",
                                      "\xd9\xa1"};
    int i;

    for (i = 0; i < LENGTH(bad); i++) {
        ck_assert_pstr_eq(wire(read_all(&create, NULL, 0, NULL, bad[i], NULL)),
                          "{\"detail\":\"Not found.\",\"code\":\"not_found\"}");
    }
    ck_assert_pstr_eq(
        wire(read_all(&list, NULL, 0, NULL, "9223372036854775807", "wheel")),
        NULL);
    ck_assert_str_eq(value_of(list_fields, "id"), "9223372036854775807");
    ck_assert_str_eq(value_of(list_fields, "part"), "wheel");
    ck_assert_int_eq(
        read_all(&list, NULL, 0, NULL, "5", "much too long")->status, 404);
    ck_assert_int_eq(read_all(&list, NULL, 0, NULL, "5", "a\nb")->status, 404);
}
END_TEST

START_TEST(changes_of_a_patch)
{
    ck_assert_pstr_eq(
        read_body(&change,
                  "{\"name\": \" a\\\"bc \", \"brand\": null, \"price\": 3,"
                  " \"lat\": 1.5, \"open\": true, \"note\": \"\","
                  " \"status\": \"open\", \"any\": -2,"
                  " \"at\": \"2026-11-22T14:46:00Z\","
                  " \"tags\": [7, 5]}"),
        NULL);
    ck_assert_str_eq(changes,
                     "{\"name\":\"a\\\"bc\",\"brand\":null,\"any\":-2,"
                     "\"price\":\"3.00\",\"lat\":\"1.5\",\"open\":true,"
                     "\"note\":\"\",\"status\":\"OPEN\","
                     "\"at\":\"2026-11-22T14:46:00Z\",\"tags\":[7,5]}");
    ck_assert_str_eq(value_of(thing_fields, "shop"), "5");
    ck_assert_pstr_eq(value_of(thing_fields, "name"), NULL);
    ck_assert_pstr_eq(value_of(thing_fields, "quantity"), NULL);
}
END_TEST

START_TEST(forms_have_no_lists)
{
    ck_assert_pstr_eq(read_form(&change, "name=abc&tags=7"),
                      "{\"tags\":[\"Expected a list of items but got type "
                      "\\\"str\\\".\"]}");
    ck_assert_pstr_eq(read_form(&change, "name=abc&tags="), NULL);
    ck_assert_str_eq(changes, "{\"name\":\"abc\"}");
    ck_assert_pstr_eq(
        read_body(&change, "{\"name\": \"abc\", \"tags\": []}"), NULL);
    ck_assert_str_eq(changes, "{\"name\":\"abc\",\"tags\":[]}");
}
END_TEST

START_TEST(patches_without_members)
{
    static const ecs_field_t fields[] = {
        {"x", ECS_T_INT, ECS_IN_BODY, 0, 0, 0, NULL, "7"}, {NULL}};
    ecs_route_t route = {"PATCH", "/api/x/", .fields = fields};

    ck_assert_pstr_eq(read_body(&route, "{}"), NULL);
    ck_assert_str_eq(changes, "{}");
    ck_assert_pstr_eq(values[0], NULL);
    ck_assert_ptr_null(read_all(&route, NULL, 0, NULL, NULL, NULL));
    ck_assert_str_eq(changes, "{}");
    ck_assert_pstr_eq(read_body(&strict_change, "{\"x\": 1}"),
                      "{\"pin\":[\"This field is required.\"]}");
    ck_assert_pstr_eq(read_body(&strict_change, "{\"pin\": \"1\"}"), NULL);
    ck_assert_str_eq(changes, "{\"pin\":\"1\"}");
}
END_TEST

/* ---- forms ---- */

START_TEST(forms_are_coerced)
{
    ck_assert_pstr_eq(
        read_form(&create, "name=+a%C3%A9c+&brand=&quantity=07&any=-3"
                           "&price=12.5&lat=33.5&open=on&note=&status=closed"
                           "&email=a%2Bb@c.de&at=2026-11-22T14:46:00%2B02:00"),
        NULL);
    ck_assert_str_eq(value_of(thing_fields, "name"), "a\xc3\xa9"
                                                     "c");
    ck_assert_pstr_eq(value_of(thing_fields, "brand"), NULL);
    ck_assert_str_eq(value_of(thing_fields, "quantity"), "7");
    ck_assert_str_eq(value_of(thing_fields, "any"), "-3");
    ck_assert_str_eq(value_of(thing_fields, "price"), "12.50");
    ck_assert_str_eq(value_of(thing_fields, "lat"), "33.5");
    ck_assert_str_eq(value_of(thing_fields, "open"), "true");
    ck_assert_str_eq(value_of(thing_fields, "note"), "");
    ck_assert_str_eq(value_of(thing_fields, "status"), "CLOSED");
    ck_assert_str_eq(value_of(thing_fields, "email"), "a+b@c.de");
    ck_assert_str_eq(value_of(thing_fields, "at"), "2026-11-22T14:46:00+02:00");
}
END_TEST

START_TEST(empty_inputs_of_forms)
{
    ck_assert_pstr_eq(read_form(&create, "name=abc&quantity=&open=&status="),
                      NULL);
    ck_assert_str_eq(value_of(thing_fields, "quantity"), "1");
    ck_assert_pstr_eq(value_of(thing_fields, "open"), NULL);
    ck_assert_pstr_eq(read_form(&create, "name="),
                      "{\"name\":[\"This field may not be blank.\"]}");
    ck_assert_pstr_eq(read_form(&change, "brand=&lat=&quantity="),
                      "{\"name\":[\"This field is required.\"]}");
    ck_assert_pstr_eq(read_form(&change, "name=abc&brand=&quantity="), NULL);
    ck_assert_str_eq(changes, "{\"name\":\"abc\",\"brand\":null}");
}
END_TEST

static const struct {
    const char *form, *answer;
} bad_forms[] = {
    {"name=abc&name=abd",
     "{\"name\":[\"This field was given more than once.\"]}"},
    {"name=a%zz", "{\"name\":[\"Broken percent-encoding.\"]}"},
    {"name=a%4", "{\"name\":[\"Broken percent-encoding.\"]}"},
    {"name=a%", "{\"name\":[\"Broken percent-encoding.\"]}"},
    {"name=a%00b", "{\"name\":[\"Null characters are not allowed.\"]}"},
    {"name=%ff", "{\"name\":[\"The text is not valid UTF-8.\"]}"},
    {"%=1", "{\"non_field_errors\":[\"Broken percent-encoding.\"]}"},
    {"name=abc&x=1", "{\"x\":[\"Unknown field.\"]}"},
    {"name=abc&%6eame=1",
     "{\"name\":[\"This field was given more than once.\"]}"},
    {"name=abc&quantity=x",
     "{\"quantity\":[\"A valid integer is required.\"]}"},
    {"name=abc&quantity=99999999999999999999",
     "{\"quantity\":[\"Ensure this value is less than or equal to 100.\"]}"},
    {"name=abc&brand=x",
     "{\"brand\":[\"Incorrect type. Expected pk value, received str.\"]}"},
    {"name=abc&open=maybe", "{\"open\":[\"Must be a valid boolean.\"]}"},
};

START_TEST(bad_forms_are_refused)
{
    ck_assert_pstr_eq(read_form(&create, bad_forms[_i].form),
                      bad_forms[_i].answer);
}
END_TEST

START_TEST(forms_have_a_limit)
{
    const char *form = "";
    json_t *out;
    int i;

    for (i = 0; i < 101; i++) {
        form = apr_psprintf(pool, "%sm%d=1&", form, i);
    }
    ck_assert_pstr_eq(wire(ecs_fields_of_form(pool, form, strlen(form), &out)),
                      "{\"non_field_errors\":[\"Too many fields.\"]}");
    ck_assert_ptr_null(out);
    ck_assert_ptr_null(ecs_fields_of_form(pool, "&&a=1&&b&", 9, &out));
    ck_assert_str_eq(ecs_json_dump(pool, out), "{\"a\":\"1\",\"b\":\"\"}");
}
END_TEST

/* ---- queries ---- */

START_TEST(queries_are_read)
{
    ck_assert_pstr_eq(
        read_list("search=%20red+shoe%26&brand=7&min_price=5&in_stock=TRUE"
                  "&after=2026-01-01T00:00:00Z&ordering=-PRICE&page=3"
                  "&page_size=50"),
        NULL);
    ck_assert_str_eq(value_of(list_fields, "search"), "red shoe&");
    ck_assert_str_eq(value_of(list_fields, "brand"), "7");
    ck_assert_str_eq(value_of(list_fields, "min_price"), "5.00");
    ck_assert_str_eq(value_of(list_fields, "in_stock"), "true");
    ck_assert_str_eq(value_of(list_fields, "ordering"), "-price");
    ck_assert_str_eq(value_of(list_fields, "page"), "3");
    ck_assert_str_eq(value_of(list_fields, "page_size"), "50");
    ck_assert_pstr_eq(value_of(list_fields, "cursor"), NULL);
}
END_TEST

START_TEST(queries_have_defaults)
{
    static const char *const empties[] = {
        NULL, "", "search=&brand=&page=&page_size=&in_stock=&ordering=",
        "search=%20+&brand=+"};
    int i;

    for (i = 0; i < LENGTH(empties); i++) {
        ck_assert_pstr_eq(read_list(empties[i]), NULL);
        ck_assert_str_eq(value_of(list_fields, "page"), "1");
        ck_assert_str_eq(value_of(list_fields, "page_size"), "20");
        ck_assert_pstr_eq(value_of(list_fields, "search"), NULL);
        ck_assert_pstr_eq(value_of(list_fields, "brand"), NULL);
    }
}
END_TEST

static const struct {
    const char *query;
    int status;
    const char *answer;
} bad_queries[] = {
    {"colour=red", 400, "{\"colour\":[\"Unknown field.\"]}"},
    {"colour=", 400, "{\"colour\":[\"Unknown field.\"]}"},
    {"id=5", 400, "{\"id\":[\"Unknown field.\"]}"},
    {"brand=0x1", 400,
     "{\"brand\":[\"Incorrect type. Expected pk value, received str.\"]}"},
    {"brand=5&brand=5", 400,
     "{\"brand\":[\"This field was given more than once.\"]}"},
    {"search=%ff", 400, "{\"search\":[\"The text is not valid UTF-8.\"]}"},
    {"search=a%0ab", 400,
     "{\"search\":[\"Control characters are not allowed.\"]}"},
    {"ordering=name", 400,
     "{\"ordering\":[\"\\\"name\\\" is not a valid choice.\"]}"},
    {"page_size=0", 400,
     "{\"page_size\":[\"Ensure this value is greater than or equal to 1.\"]}"},
    {"page_size=101", 400,
     "{\"page_size\":[\"Ensure this value is less than or equal to 100.\"]}"},
    {"page_size=all", 400,
     "{\"page_size\":[\"A valid integer is required.\"]}"},
    {"page=1&cursor=", 400,
     "{\"page\":[\"This parameter cannot be combined with a cursor.\"]}"},
    {"page=0", 404, "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=-1", 404,
     "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=x", 404, "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=1.0", 404,
     "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=21474837", 404,
     "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=99999999999999999999999", 404,
     "{\"detail\":\"Invalid page.\",\"code\":\"invalid_page\"}"},
    {"page=x&brand=x", 400,
     "{\"brand\":[\"Incorrect type. Expected pk value, received str.\"]}"},
    {"cursor=abc", 404,
     "{\"detail\":\"Invalid cursor\",\"code\":\"invalid_cursor\"}"},
    {"cursor=+", 404,
     "{\"detail\":\"Invalid cursor\",\"code\":\"invalid_cursor\"}"},
};

START_TEST(bad_queries_are_refused)
{
    ecs_problem_t *problem =
        read_all(&list, NULL, 0, bad_queries[_i].query, "5", "wheel");

    ck_assert_pstr_eq(wire(problem), bad_queries[_i].answer);
    ck_assert_int_eq(problem->status, bad_queries[_i].status);
}
END_TEST

START_TEST(cursors_of_lists)
{
    static const char scope[] = "/api/things/{id}/parts/{part}/|-price";
    const char *cursor = ecs_page_cursor_sign(pool, KEY, scope, "9.99|3");

    ck_assert_pstr_eq(read_list("cursor="), NULL);
    ck_assert_pstr_eq(value_of(list_fields, "page"), NULL);
    ck_assert_pstr_eq(value_of(list_fields, "cursor"), NULL);
    ck_assert_str_eq(value_of(list_fields, "page_size"), "20");

    ck_assert_pstr_eq(read_list(apr_pstrcat(pool, "cursor=", cursor,
                                            "&ordering=-price", NULL)),
                      NULL);
    ck_assert_str_eq(value_of(list_fields, "cursor"), "9.99|3");
    ck_assert_pstr_eq(value_of(list_fields, "page"), NULL);

    ck_assert_pstr_eq(
        read_list(apr_pstrcat(pool, "ordering=price&cursor=", cursor, NULL)),
        "{\"detail\":\"Invalid cursor\",\"code\":\"invalid_cursor\"}");
    ck_assert_pstr_eq(
        read_list(apr_pstrcat(pool, "cursor=", cursor, NULL)),
        "{\"detail\":\"Invalid cursor\",\"code\":\"invalid_cursor\"}");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fields");
    TCase *tc = tcase_create("fields");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, long_choices_are_not_echoed_whole);
    tcase_add_test(tc, absent_members);
    tcase_add_test(tc, unknown_members);
    tcase_add_test(tc, unknown_members_are_capped);
    tcase_add_test(tc, bodies_that_are_no_object);
    tcase_add_test(tc, errors_come_together_in_order);
    tcase_add_test(tc, ids_of_paths);
    tcase_add_test(tc, changes_of_a_patch);
    tcase_add_test(tc, forms_have_no_lists);
    tcase_add_test(tc, patches_without_members);
    tcase_add_test(tc, forms_are_coerced);
    tcase_add_test(tc, empty_inputs_of_forms);
    tcase_add_loop_test(tc, bad_forms_are_refused, 0, LENGTH(bad_forms));
    tcase_add_test(tc, forms_have_a_limit);
    tcase_add_test(tc, queries_are_read);
    tcase_add_test(tc, queries_have_defaults);
    tcase_add_loop_test(tc, bad_queries_are_refused, 0, LENGTH(bad_queries));
    tcase_add_test(tc, cursors_of_lists);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
