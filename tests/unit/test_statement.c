/* SPDX-License-Identifier: MIT */
/*
 * test_statement.c - the statement that a row becomes, to the letter.
 */
#include "statement.h"
#include "unit.h"

static const ecs_field_t add_fields[] = {
    { .name = "product", .type = ECS_T_ID },
    { .name = "password", .type = ECS_T_STRING, .flags = ECS_SECRET },
    { .name = "hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};
static const ecs_field_t patch_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH },
    { .name = "name", .type = ECS_T_STRING },
    { NULL },
};
static const ecs_route_t rows[] = {
    { .method = "GET", .path = "/api/a/", .roles = ECS_PUBLIC,
      .call = "a_list" },
    { .method = "GET", .path = "/api/b/", .roles = ECS_SELLER,
      .call = "b_list" },
    { .method = "POST", .path = "/api/a/", .roles = ECS_PUBLIC,
      .fields = add_fields, .call = "a_add" },
    { .method = "PATCH", .path = "/api/a/{id}/", .roles = ECS_SELLER,
      .fields = patch_fields, .call = "a_change" },
    { .method = "POST", .path = "/api/token/", .roles = ECS_PUBLIC,
      .flags = ECS_R_NO_REPLAY, .call = "token" },
    { .method = "GET", .path = "/api/health/", .roles = ECS_PUBLIC,
      .flags = ECS_R_NO_DB },
    { NULL },
};
static const ecs_app_t apps[] = { { "A", "", rows, NULL }, { NULL } };

static const ecs_statement_t *all;

static void setup(void)
{
    pool_open();
    all = ecs_statements_make(pool, ecs_router_make(pool, apps));
}

START_TEST(public_read_knows_two_callers)
{
    ck_assert_str_eq(all[0].by_caller,
                     "SELECT * FROM ecs_api.a_list(p_me => "
                     "ecs_api.caller($1, $2, $3, $4, $5, $6))");
    ck_assert_str_eq(all[0].anonymous,
                     "SELECT * FROM ecs_api.a_list(p_me => NULL)");
    ck_assert_ptr_null(all[0].keyed);
}
END_TEST

START_TEST(private_read_has_a_caller)
{
    ck_assert_ptr_nonnull(all[1].by_caller);
    ck_assert_ptr_null(all[1].anonymous);
}
END_TEST

START_TEST(write_leaves_secrets_out)
{
    ck_assert_str_eq(all[2].by_caller,
                     "SELECT * FROM ecs_api.a_add(p_me => "
                     "ecs_api.caller($1, $2, $3, $4, $5, $6), "
                     "p_product => $7, p_hash => $8)");
    ck_assert_ptr_null(all[2].anonymous);
}
END_TEST

START_TEST(keyed_write_runs_once)
{
    ck_assert_str_eq(
        all[2].keyed,
        "SELECT e.* FROM ecs_api.request_begin($1, $2, $3, $4, $5, $6, $7, "
        "$8) b, LATERAL ecs_api.request_end(b.scope, b.key, b.fingerprint, "
        "CASE WHEN b.replayed THEN b.replay ELSE ecs_api.a_add(p_me => b.me, "
        "p_product => $9, p_hash => $10) END) e");
}
END_TEST

START_TEST(patch_passes_changes)
{
    ck_assert_str_eq(all[3].by_caller,
                     "SELECT * FROM ecs_api.a_change(p_me => "
                     "ecs_api.caller($1, $2, $3, $4, $5, $6), "
                     "p_id => $7, p_changes => $8)");
}
END_TEST

START_TEST(secrets_are_not_replayed)
{
    ck_assert_ptr_nonnull(all[4].by_caller);
    ck_assert_ptr_null(all[4].keyed);
}
END_TEST

START_TEST(no_call_no_statement)
{
    ck_assert_ptr_null(all[5].by_caller);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statement");
    TCase *tests = tcase_create("rows");

    tcase_add_checked_fixture(tests, setup, pool_close);
    tcase_add_test(tests, public_read_knows_two_callers);
    tcase_add_test(tests, private_read_has_a_caller);
    tcase_add_test(tests, write_leaves_secrets_out);
    tcase_add_test(tests, keyed_write_runs_once);
    tcase_add_test(tests, patch_passes_changes);
    tcase_add_test(tests, secrets_are_not_replayed);
    tcase_add_test(tests, no_call_no_statement);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
