/* SPDX-License-Identifier: MIT */
/*
 * test_problem.c - every code has one status, PostgreSQL's words stay inside,
 * and both wire forms are JSON with the members that were promised.
 */
#include "problem.h"
#include "json.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

#define GONE_BYTES 4096 /* more than a problem takes */
#define SECRET_WORDS "duplicate key value violates unique constraint"

START_TEST(table_is_sound)
{
    const ecs_problem_kind_t *kind = ecs_problem_kinds(), *other;
    int count = 0;

    for (; kind->code != NULL; kind++, count++) {
        ck_assert_ptr_eq(ecs_problem_kind(kind->code), kind);
        ck_assert_int_ge(kind->status, 400);
        ck_assert_int_lt(kind->status, 600);
        ck_assert_uint_gt(strlen(kind->title), 0);
        ck_assert_uint_eq(strspn(kind->code, "abcdefghijklmnopqrstuvwxyz_"),
                          strlen(kind->code));
        for (other = kind + 1; other->code != NULL; other++) {
            ck_assert_str_ne(other->code, kind->code);
        }
    }
    ck_assert_int_gt(count, 40);
    ck_assert_ptr_null(ecs_problem_kind("no_such_code"));
    ck_assert_ptr_null(ecs_problem_kind(NULL));
}
END_TEST

static const struct {
    const char *code;
    int status;
} statuses[] = {
    {"validation_error", 400},
    {"malformed_json", 400},
    {"wrong_proof", 400},
    {"not_authenticated", 401},
    {"token_reused", 401},
    {"insufficient_funds", 402},
    {"permission_denied", 403},
    {"not_enough_points", 403},
    {"not_found", 404},
    {"invalid_page", 404},
    {"method_not_allowed", 405},
    {"not_acceptable", 406},
    {"out_of_stock", 409},
    {"own_product", 409},
    {"price_changed", 409},
    {"location_required", 409},
    {"empty_cart", 409},
    {"too_early", 409},
    {"return_open", 409},
    {"already_claimed", 409},
    {"too_many_active", 409},
    {"proof_expired", 409},
    {"stale", 412},
    {"too_large", 413},
    {"proof_locked", 423},
    {"unsupported_media_type", 415},
    {"throttled", 429},
    {"idempotency_key_reused", 422},
    {"too_many_renewals", 429},
    {"server_error", 500},
    {"outcome_unknown", 503},
    {"service_unavailable", 503},
};

START_TEST(codes_have_their_status)
{
    ecs_problem_t *problem =
        ecs_problem_make(pool, statuses[_i].code, "Only %d left.", 3);

    ck_assert_int_eq(problem->status, statuses[_i].status);
    ck_assert_str_eq(problem->code, statuses[_i].code);
    ck_assert_str_eq(problem->detail, "Only 3 left.");
    problem = ecs_problem_make(pool, statuses[_i].code, NULL);
    ck_assert_str_eq(problem->detail,
                     ecs_problem_kind(statuses[_i].code)->title);
}
END_TEST

START_TEST(busy_answers_say_when_to_retry)
{
    int i;

    for (i = 0; i < 100; i++) {
        ecs_problem_t *problem =
            ecs_problem_make(pool, "service_unavailable", NULL);

        ck_assert_int_ge(problem->retry_after, 1);
        ck_assert_int_le(problem->retry_after, 3);
    }
    ck_assert_int_gt(ecs_problem_make(pool, "throttled", NULL)->retry_after, 0);
    ck_assert_int_eq(ecs_problem_make(pool, "not_found", NULL)->retry_after, 0);
}
END_TEST

START_TEST(typo_in_a_code_is_our_error)
{
    ecs_problem_t *problem =
        ecs_problem_make(pool, "out_of_stok", "table ecs.products");

    ck_assert_int_eq(problem->status, 500);
    ck_assert_str_eq(problem->code, "server_error");
    ck_assert_ptr_null(strstr(problem->detail, "ecs.products"));
}
END_TEST

static const struct {
    int status;
    const char *code;
} httpd_statuses[] = {
    {400, "parse_error"},
    {401, "not_authenticated"},
    {403, "permission_denied"},
    {404, "not_found"},
    {405, "method_not_allowed"},
    {406, "not_acceptable"},
    {408, "request_timeout"},
    {411, "length_required"},
    {412, "stale"},
    {413, "too_large"},
    {414, "uri_too_long"},
    {415, "unsupported_media_type"},
    {418, "parse_error"},
    {429, "throttled"},
    {500, "server_error"},
    {502, "bad_gateway"},
    {503, "service_unavailable"},
    {507, "server_error"},
};

START_TEST(httpd_statuses_are_kept)
{
    ecs_problem_t *problem =
        ecs_problem_of_status(pool, httpd_statuses[_i].status);

    ck_assert_int_eq(problem->status, httpd_statuses[_i].status);
    ck_assert_str_eq(problem->code, httpd_statuses[_i].code);
}
END_TEST

static const struct {
    const char *state;
    int status;
    const char *code;
} sql_errors[] = {
    {"23505", 409, "conflict"},
    {"23503", 409, "conflict"},
    {"23514", 400, "invalid_value"},
    {"23502", 400, "invalid_value"},
    {"22003", 400, "invalid_value"},
    {"22P02", 400, "invalid_value"},
    {"40001", 503, "service_unavailable"},
    {"40P01", 503, "service_unavailable"},
    {"55P03", 503, "service_unavailable"},
    {"57014", 503, "timeout"},
    {"25006", 503, "service_unavailable"},
    {"42883", 500, "server_error"},
    {"3F000", 503, "service_unavailable"},
    {"57P01", 503, "service_unavailable"},
    {"57P03", 503, "service_unavailable"},
    {"08006", 503, "service_unavailable"},
    {"53300", 503, "service_unavailable"},
    {NULL, 503, "service_unavailable"},
    {"42501", 500, "server_error"},
    {"P0001", 500, "server_error"},
    {"XX000", 500, "server_error"},
    {"", 500, "server_error"},
    {"EC001", 500, "server_error"},
};

START_TEST(sql_states_are_mapped_and_silent)
{
    ecs_problem_t *problem = ecs_problem_of_sql(
        pool, sql_errors[_i].state, SECRET_WORDS, "{\"code\":\"not_found\"}");

    ck_assert_int_eq(problem->status, sql_errors[_i].status);
    ck_assert_str_eq(problem->code, sql_errors[_i].code);
    ck_assert_ptr_null(strstr(problem->detail, SECRET_WORDS));
    ck_assert_ptr_null(problem->extra);
    if (problem->status == 503) {
        ck_assert_int_ge(problem->retry_after, 1);
    }
}
END_TEST

START_TEST(refusals_of_the_shop)
{
    ecs_problem_t *problem = ecs_problem_of_sql(
        pool, "EC000", "Only 3 are left, 100% of it.",
        "{\"code\": \"out_of_stock\", \"available\": 3, \"lines\": [1.5]}");

    ck_assert_int_eq(problem->status, 409);
    ck_assert_str_eq(problem->code, "out_of_stock");
    ck_assert_str_eq(problem->detail, "Only 3 are left, 100% of it.");
    ck_assert_str_eq(problem->extra, "{\"available\":3,\"lines\":[1.5]}");
    ck_assert_int_eq(problem->retry_after, 0);

    problem =
        ecs_problem_of_sql(pool, "EC000", "Later.",
                           "{\"code\": \"throttled\", \"retry_after\": 17}");
    ck_assert_int_eq(problem->status, 429);
    ck_assert_int_eq(problem->retry_after, 17);

    problem =
        ecs_problem_of_sql(pool, "EC000", NULL, "{\"code\": \"empty_cart\"}");
    ck_assert_str_eq(problem->detail, "The cart is empty.");
    ck_assert_ptr_null(problem->extra);
}
END_TEST

START_TEST(broken_refusals_are_our_error)
{
    static const char *const details[] = {
        NULL,
        "",
        "no json",
        "[]",
        "{}",
        "{\"code\": 5}",
        "{\"code\": \"never_heard_of\", \"x\": 1}"};
    int i;

    for (i = 0; i < LENGTH(details); i++) {
        ecs_problem_t *problem =
            ecs_problem_of_sql(pool, "EC000", "words", details[i]);

        ck_assert_int_eq(problem->status, 500);
        ck_assert_str_ne(problem->detail, "words");
        ck_assert_ptr_null(problem->extra);
        problem = ecs_problem_of_sql(pool, "EC400", "words", details[i]);
        ck_assert_int_eq(problem->status, 500);
    }
}
END_TEST

START_TEST(field_errors_of_sql)
{
    ecs_problem_t *problem = ecs_problem_of_sql(
        pool, "EC400", "invalid",
        "{\"fields\": {\"email\": [\"Taken.\", \"Bad.\"], \"b\": \"No.\"}}");

    ck_assert_int_eq(problem->status, 400);
    ck_assert_str_eq(ecs_problem_drf(pool, problem, "r-1"),
                     "{\"email\":[\"Taken.\",\"Bad.\"],\"b\":[\"No.\"]}");
}
END_TEST

/* Of memory that is filled with rubbish, and gone, when it is read. */
static ecs_problem_t *survivor_of(ecs_problem_t *(*make)(apr_pool_t *p))
{
    apr_pool_t *gone;
    ecs_problem_t *copy;
    char *rubbish;

    apr_pool_create(&gone, NULL);
    copy = ecs_problem_copy(pool, make(gone));
    apr_pool_clear(gone);
    rubbish = apr_palloc(gone, GONE_BYTES);
    memset(rubbish, 'x', GONE_BYTES);
    apr_pool_destroy(gone);
    return copy;
}

static ecs_problem_t *make_full(apr_pool_t *p)
{
    json_t *items = ecs_json_own(p, json_loads("[{}, {\"quantity\": [\"No.\"]}]",
                                               0, NULL));
    ecs_problem_t *problem = NULL;

    ecs_problem_add_field(p, &problem, "price", "One.");
    ecs_problem_add_items(p, &problem, "rows", items);
    problem->status = 418;
    problem->code = apr_pstrdup(p, "teapot");
    problem->detail = apr_pstrdup(p, "Short and stout.");
    problem->extra = apr_pstrdup(p, "{\"handle\":1}");
    problem->allow = apr_pstrdup(p, "GET, BREW");
    problem->retry_after = 4711;
    return problem;
}

static ecs_problem_t *make_bare(apr_pool_t *p)
{
    return ecs_problem_make(p, "not_found", "No number %d.", 5);
}

START_TEST(copy_outlives_the_original)
{
    ecs_problem_t *copy = survivor_of(make_full);
    const ecs_field_error_t *errors =
        (const ecs_field_error_t *)copy->fields->elts;

    ck_assert_int_eq(copy->status, 418);
    ck_assert_str_eq(copy->code, "teapot");
    ck_assert_str_eq(copy->detail, "Short and stout.");
    ck_assert_str_eq(copy->extra, "{\"handle\":1}");
    ck_assert_str_eq(copy->allow, "GET, BREW");
    ck_assert_int_eq(copy->retry_after, 4711);
    ck_assert_int_eq(copy->fields->nelts, 2);
    ck_assert_str_eq(errors[0].field, "price");
    ck_assert_str_eq(errors[0].message, "One.");
    ck_assert_ptr_null(errors[0].items);
    ck_assert_str_eq(errors[1].field, "rows");
    ck_assert_ptr_null(errors[1].message);
    ck_assert_str_eq(errors[1].items, "[{},{\"quantity\":[\"No.\"]}]");

    copy = survivor_of(make_bare);
    ck_assert_int_eq(copy->status, 404);
    ck_assert_str_eq(copy->code, "not_found");
    ck_assert_str_eq(copy->detail, "No number 5.");
    ck_assert_ptr_null(copy->extra);
    ck_assert_ptr_null(copy->allow);
    ck_assert_int_eq(copy->retry_after, 0);
    ck_assert_ptr_null(copy->fields);
}
END_TEST

START_TEST(drf_form)
{
    ecs_problem_t *problem =
        ecs_problem_make(pool, "out_of_stock", "A \"%s\".", "<b>");

    ck_assert_str_eq(ecs_problem_drf(pool, problem, "r-1"),
                     "{\"detail\":\"A \\\"\\u003cb\\u003e\\\".\","
                     "\"code\":\"out_of_stock\",\"request_id\":\"r-1\"}");
    problem->extra = "{\"available\": 3, \"code\": \"x\", \"detail\": 1}";
    ck_assert_str_eq(ecs_problem_drf(pool, problem, NULL),
                     "{\"detail\":\"A \\\"\\u003cb\\u003e\\\".\","
                     "\"code\":\"out_of_stock\",\"available\":3}");
}
END_TEST

START_TEST(drf_form_of_fields)
{
    ecs_problem_t *problem = NULL;

    ecs_problem_add_field(pool, &problem, "price", "One.");
    ecs_problem_add_field(pool, &problem, "na\"me", "Two.");
    ecs_problem_add_field(pool, &problem, "price", "Three.");
    ck_assert_str_eq(problem->code, "validation_error");
    ck_assert_int_eq(problem->status, 400);
    ck_assert_str_eq(ecs_problem_drf(pool, problem, "r-1"),
                     "{\"price\":[\"One.\",\"Three.\"],"
                     "\"na\\\"me\":[\"Two.\"]}");
}
END_TEST

START_TEST(rfc9457_form)
{
    ecs_problem_t *problem = ecs_problem_make(pool, "wrong_state", "No.");

    problem->extra = "{\"state\": \"SHIPPED\", \"status\": \"x\"}";
    ck_assert_str_eq(
        ecs_problem_rfc9457(pool, problem, "r-1"),
        "{\"type\":\"/problems/wrong_state\","
        "\"title\":\"This is not possible in the present state.\","
        "\"status\":409,\"detail\":\"No.\",\"code\":\"wrong_state\","
        "\"state\":\"SHIPPED\",\"request_id\":\"r-1\"}");
}
END_TEST

START_TEST(rfc9457_form_of_fields)
{
    ecs_problem_t *problem = NULL;

    ecs_problem_add_field(pool, &problem, "a/b~c d\xc3\xa9", "One.");
    ecs_problem_add_field(pool, &problem, "non_field_errors", "Two.");
    ck_assert_str_eq(
        ecs_problem_rfc9457(pool, problem, NULL),
        "{\"type\":\"/problems/validation_error\","
        "\"title\":\"Invalid input.\",\"status\":400,"
        "\"detail\":\"Invalid input.\",\"code\":\"validation_error\","
        "\"errors\":[{\"pointer\":\"#/a~1b~0c%20d%C3%A9\","
        "\"detail\":\"One.\"},{\"pointer\":\"#\",\"detail\":\"Two.\"}]}");
}
END_TEST

START_TEST(both_forms_are_json)
{
    ecs_problem_t *problem =
        ecs_problem_make(pool, "conflict", "%s", "\xff\x01\"\\");

    problem->extra = "{\"a\\\"b\": {\"c\": [null, \"\\u2028\"]}}";
    ck_assert_ptr_nonnull(
        ecs_json_own(pool, json_loads(ecs_problem_drf(pool, problem, "\"\x7f"),
                                      JSON_REJECT_DUPLICATES, NULL)));
    ck_assert_ptr_nonnull(ecs_json_own(
        pool, json_loads(ecs_problem_rfc9457(pool, problem, "\"\x7f"),
                         JSON_REJECT_DUPLICATES, NULL)));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("problem");
    TCase *tc = tcase_create("problem");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_add_test(tc, table_is_sound);
    tcase_add_loop_test(tc, codes_have_their_status, 0, LENGTH(statuses));
    tcase_add_test(tc, busy_answers_say_when_to_retry);
    tcase_add_test(tc, typo_in_a_code_is_our_error);
    tcase_add_loop_test(tc, httpd_statuses_are_kept, 0, LENGTH(httpd_statuses));
    tcase_add_loop_test(tc, sql_states_are_mapped_and_silent, 0,
                        LENGTH(sql_errors));
    tcase_add_test(tc, refusals_of_the_shop);
    tcase_add_test(tc, broken_refusals_are_our_error);
    tcase_add_test(tc, field_errors_of_sql);
    tcase_add_test(tc, copy_outlives_the_original);
    tcase_add_test(tc, drf_form);
    tcase_add_test(tc, drf_form_of_fields);
    tcase_add_test(tc, rfc9457_form);
    tcase_add_test(tc, rfc9457_form_of_fields);
    tcase_add_test(tc, both_forms_are_json);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
