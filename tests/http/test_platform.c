/* SPDX-License-Identifier: MIT */
/*
 * test_platform.c - health, readiness, business numbers, the audit log and the
 * document of the interface (api.md sections 12 and 13).
 */
#include "support.h"
#include "contract.h"
#include "shop.h"

#define SETTINGS "/api/settings/"

START_TEST(the_shop_says_how_it_is)
{
    same(expect(get(NULL, "/api/health/"), 200), "status", "ok");
    expect(get(NULL, "/api/ready/"), 200);
}
END_TEST

START_TEST(an_older_schema_is_not_ready)
{
    const char *newest = sql("SELECT max(number) FROM ecs.migrations");

    sql("UPDATE ecs.migrations SET number = -number");
    refused(get(NULL, "/api/ready/"), 503, "service_unavailable");
    sql("UPDATE ecs.migrations SET number = -number");
    expect(get(NULL, "/api/ready/"), 200);
    ck_assert_str_eq(sql("SELECT max(number) FROM ecs.migrations"), newest);
}
END_TEST

START_TEST(business_numbers_have_bounds_and_witnesses)
{
    actor_t *top = person("superadmin", NULL), *admin = person("admin", NULL);
    reply_t *r = expect(get(admin, SETTINGS), 200);
    const char *const before = text_at(r, "low_stock_at");

    same(r, "platform_fee_percent", "4.00");
    same(r, "complete_after_days", "3");
    refused(patch(admin, SETTINGS, "{\"low_stock_at\": 7}"), 403,
            "permission_denied");
    invalid(patch(top, SETTINGS, "{\"platform_fee_percent\": 51}"),
            "platform_fee_percent");
    invalid(patch(top, SETTINGS, "{\"platform_fee_percent\": -1}"),
            "platform_fee_percent");
    invalid(patch(top, SETTINGS, "{\"return_window_days\": 4}"),
            "return_window_days");
    same(expect(patch(top, SETTINGS, "{\"low_stock_at\": 7}"), 200),
         "low_stock_at", "7");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log"
                             " WHERE actor_id = %lld AND action ="
                             " 'settings_changed'",
                             top->id),
                     1);
    expect(patch(top, SETTINGS, fmt("{\"low_stock_at\": %s}", before)), 200);
}
END_TEST

START_TEST(a_new_fee_is_for_new_orders)
{
    actor_t *top = person("superadmin", NULL), *buyer = person("user", "50.00");
    actor_t *seller = person("seller", NULL);
    long long id = product(seller, "10.00", 5), old = buy(buyer, id, 1), new;

    expect(patch(top, SETTINGS, "{\"platform_fee_percent\": \"10.00\"}"), 200);
    new = buy(buyer, id, 1);
    expect(patch(top, SETTINGS, "{\"platform_fee_percent\": \"4.00\"}"), 200);
    deliver(buyer, person("delivery", NULL), old);
    deliver(buyer, person("delivery", NULL), new);
    pass("4 days");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", old), NULL), 200);
    wallet_is(seller, "9.60 0.00");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", new), NULL), 200);
    wallet_is(seller, "18.60 0.00");
    books_balance();
}
END_TEST

START_TEST(the_audit_log_can_be_read_and_not_changed)
{
    actor_t *top = person("superadmin", NULL), *who = person("user", NULL);
    reply_t *r;

    expect(patch(top, fmt("/api/accounts/users/%lld/", who->id),
                 "{\"is_active\": false}"),
           200);
    r = expect(
        get(top, fmt("/api/audit/?object_type=user&object_id=%lld", who->id)),
        200);
    same(r, "count", "1");
    same(r, "results.0.action", "user_deactivated");
    same(r, "results.0.actor.username", top->username);
    same(r, "results.0.address", "127.0.0.1");
    ck_assert_ptr_nonnull(text_at(r, "results.0.request_id"));
    refused(get(person("admin", NULL), "/api/audit/"), 403,
            "permission_denied");
    ck_assert_str_eq(
        sql("DO $$ BEGIN DELETE FROM ecs.audit_log;"
            " RAISE EXCEPTION 'deleted'; EXCEPTION WHEN"
            " insufficient_privilege THEN NULL; END $$; SELECT 'kept'"),
        "kept");
}
END_TEST

START_TEST(httpd_may_call_functions_and_nothing_else)
{
    ck_assert_str_eq(
        sql_super("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON"
                  " n.oid = relnamespace WHERE nspname LIKE 'ecs%%'"
                  " AND relkind IN ('r', 'v', 'm', 'p', 'S')"
                  " AND (CASE relkind WHEN 'S' THEN"
                  " has_sequence_privilege('ecs_app', c.oid, 'USAGE, UPDATE,"
                  " SELECT') ELSE has_table_privilege('ecs_app', c.oid,"
                  " 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') END)"),
        "0");
    ck_assert_str_eq(
        sql_super("SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON"
                  " n.oid = pronamespace WHERE nspname IN ('ecs', 'ecs_lib')"
                  " AND has_schema_privilege('ecs_app', n.oid, 'USAGE')"),
        "0");
    ck_assert_str_eq(sql_super("SELECT rolsuper OR rolcreatedb OR"
                               " rolcreaterole FROM pg_roles"
                               " WHERE rolname = 'ecs_app'"),
                     "f");
}
END_TEST

START_TEST(the_document_describes_every_operation)
{
    json_t *paths = json_object_get(contract_document(), "paths");
    const char *path, *method;
    json_t *item, *operation;
    int count = 0;

    ck_assert_str_eq(
        json_string_value(json_object_get(contract_document(), "openapi")),
        "3.1.0");
    json_object_foreach(paths, path, item)
    {
        json_object_foreach(item, method, operation)
        {
            const char *summary =
                json_string_value(json_object_get(operation, "summary"));

            ck_assert_msg(summary != NULL && summary[0] != '\0', "%s %s",
                          method, path);
            ck_assert(json_is_array(json_object_get(operation, "x-roles")));
            ck_assert(json_is_object(json_object_get(operation, "responses")));
            count++;
        }
    }
    ck_assert_int_gt(count, 60);
}
END_TEST

START_TEST(the_document_can_be_cached)
{
    reply_t *r = http(.method = "GET", .path = "/api/openapi.json",
                      .flags = HTTP_UNCHECKED);
    const char *etag = header(r, "ETag");

    ck_assert_ptr_nonnull(etag);
    expect(http(.method = "GET", .path = "/api/openapi.json",
                .headers = {fmt("If-None-Match: %s", etag)},
                .flags = HTTP_UNCHECKED),
           304);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_shop_says_how_it_is,
                                  an_older_schema_is_not_ready,
                                  business_numbers_have_bounds_and_witnesses,
                                  a_new_fee_is_for_new_orders,
                                  the_audit_log_can_be_read_and_not_changed,
                                  httpd_may_call_functions_and_nothing_else,
                                  the_document_describes_every_operation,
                                  the_document_can_be_cached,
                                  NULL};

    return suite_run("platform", tests, 20);
}
