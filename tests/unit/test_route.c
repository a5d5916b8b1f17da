/* SPDX-License-Identifier: MIT */
/*
 * test_route.c - paths find their rows, literals before names, 404 before 405.
 */
#include "route.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

static const ecs_route_t catalog[] = {
    {"GET", "/api/product/products/", .call = "list"},
    {"POST", "/api/product/products/", .call = "create"},
    {"GET", "/api/product/products/mine/", .call = "mine"},
    {"GET", "/api/product/products/{id}/", .call = "get"},
    {"PATCH", "/api/product/products/{id}/", .call = "change"},
    {"DELETE", "/api/product/products/{id}/", .call = "remove"},
    {"PATCH", "/api/product/products/{product_id}/assign-brand/",
     .call = "brand"},
    {"GET", "/api/product/products/admin/pending/", .call = "pending"},
    {"POST", "/api/product/products/admin/{id}/approve/", .call = "approve"},
    {"DELETE", "/api/product/products/{id}/images/{image_id}/",
     .call = "image"},
    {NULL},
};

static const ecs_route_t platform[] = {
    {"GET", "/api/openapi.json", .call = "openapi"},
    {"GET", "/api/settings/", .call = "settings"},
    {"PATCH", "/api/settings/", .call = "settings_change"},
    {"GET", "/", .call = "root"},
    {"PUT", "/a/{b}/{c}/{d}/{e}/", .call = "four"},
    {NULL},
};

static const ecs_app_t apps[] = {
    {"catalog", NULL, catalog, NULL},
    {"empty", NULL, NULL, NULL},
    {"platform", NULL, platform, NULL},
    {NULL},
};

static ecs_router_t *router;

static void setup(void)
{
    pool_open();
    router = ecs_router_make(pool, apps);
    ck_assert_ptr_nonnull(router);
}

static const struct {
    const char *method, *path;
    const char *call;           /* NULL: no row */
    const char *first, *second; /* path values */
    const char *allow;
} requests[] = {
    {"GET", "/api/product/products/", "list", NULL, NULL,
     "GET, HEAD, POST, OPTIONS"},
    {"GET", "/api/product/products", "list", NULL, NULL,
     "GET, HEAD, POST, OPTIONS"},
    {"HEAD", "/api/product/products/", "list", NULL, NULL,
     "GET, HEAD, POST, OPTIONS"},
    {"POST", "/api/product/products/", "create", NULL, NULL,
     "GET, HEAD, POST, OPTIONS"},
    {"OPTIONS", "/api/product/products/", NULL, NULL, NULL,
     "GET, HEAD, POST, OPTIONS"},
    {"GET", "/api/product/products/mine/", "mine", NULL, NULL,
     "GET, HEAD, OPTIONS"},
    {"PATCH", "/api/product/products/mine/", NULL, NULL, NULL,
     "GET, HEAD, OPTIONS"},
    {"GET", "/api/product/products/17/", "get", "17", NULL,
     "GET, HEAD, PATCH, DELETE, OPTIONS"},
    {"DELETE", "/api/product/products/minex", "remove", "minex", NULL,
     "GET, HEAD, PATCH, DELETE, OPTIONS"},
    {"PUT", "/api/product/products/17/", NULL, "17", NULL,
     "GET, HEAD, PATCH, DELETE, OPTIONS"},
    {"get", "/api/product/products/17/", NULL, "17", NULL,
     "GET, HEAD, PATCH, DELETE, OPTIONS"},
    {"GET", "/api/product/products/admin/", "get", "admin", NULL,
     "GET, HEAD, PATCH, DELETE, OPTIONS"},
    {"PATCH", "/api/product/products/admin/assign-brand/", "brand", "admin",
     NULL, "PATCH, OPTIONS"},
    {"HEAD", "/api/product/products/5/assign-brand/", NULL, "5", NULL,
     "PATCH, OPTIONS"},
    {"GET", "/api/product/products/admin/pending/", "pending", NULL, NULL,
     "GET, HEAD, OPTIONS"},
    {"POST", "/api/product/products/admin/9/approve", "approve", "9", NULL,
     "POST, OPTIONS"},
    {"DELETE", "/api/product/products/9/images/3/", "image", "9", "3",
     "DELETE, OPTIONS"},
    {"DELETE", "/api/product/products/admin/images/3/", "image", "admin", "3",
     "DELETE, OPTIONS"},
    {"GET", "/api/openapi.json", "openapi", NULL, NULL, "GET, HEAD, OPTIONS"},
    {"GET", "/api/openapi.json/", "openapi", NULL, NULL, "GET, HEAD, OPTIONS"},
    {"GET", "/", "root", NULL, NULL, "GET, HEAD, OPTIONS"},
    {"PUT", "/a/1/2/3/4/", "four", "1", "2", "PUT, OPTIONS"},
    {"GET", "/api/product/products//", NULL, NULL, NULL, NULL},
    {"GET", "/api/product//products/", NULL, NULL, NULL, NULL},
    {"GET", "//api/product/products/", NULL, NULL, NULL, NULL},
    {"GET", "/api/product/", NULL, NULL, NULL, NULL},
    {"GET", "/api/product/products/9/images/", NULL, NULL, NULL, NULL},
    {"GET", "/api/product/products/9/images/3/4/", NULL, NULL, NULL, NULL},
    {"GET", "/api/product/productsx/", NULL, NULL, NULL, NULL},
    {"GET", "/API/product/products/", NULL, NULL, NULL, NULL},
    {"GET", "api/product/products/", NULL, NULL, NULL, NULL},
    {"OPTIONS", "*", NULL, NULL, NULL, NULL},
    {"GET", "", NULL, NULL, NULL, NULL},
    {"PUT", "/a/1/2/3/4/5/", NULL, NULL, NULL, NULL},
};

START_TEST(finds_rows)
{
    ecs_match_t match;

    ecs_router_find(router, requests[_i].method, requests[_i].path, pool,
                    &match);
    ck_assert_pstr_eq(match.route ? match.route->call : NULL,
                      requests[_i].call);
    ck_assert_pstr_eq(match.allow, requests[_i].allow);
    ck_assert_pstr_eq(match.values[0], requests[_i].first);
    ck_assert_pstr_eq(match.values[1], requests[_i].second);
    if (match.route != NULL) {
        ck_assert_ptr_eq(ecs_router_route(router, match.index), match.route);
    }
    else {
        ck_assert_int_eq(match.index, -1);
    }
}
END_TEST

START_TEST(lists_rows_in_order)
{
    ck_assert_int_eq(ecs_router_count(router),
                     LENGTH(catalog) + LENGTH(platform) - 2);
    ck_assert_ptr_eq(ecs_router_route(router, 0), &catalog[0]);
    ck_assert_ptr_eq(ecs_router_route(router, LENGTH(catalog) - 1),
                     &platform[0]);
    ck_assert_ptr_null(ecs_router_route(router, -1));
    ck_assert_ptr_null(ecs_router_route(router, ecs_router_count(router)));
}
END_TEST

START_TEST(every_row_finds_itself)
{
    int i;

    for (i = 0; i < ecs_router_count(router); i++) {
        const ecs_route_t *route = ecs_router_route(router, i);
        ecs_match_t match;

        ecs_router_find(router, route->method, route->path, pool, &match);
        ck_assert_ptr_eq(match.route, route);
        ck_assert_int_eq(match.index, i);
    }
}
END_TEST

START_TEST(four_values)
{
    ecs_match_t match;

    ecs_router_find(router, "PUT", "/a/1/22/333/4444", pool, &match);
    ck_assert_str_eq(match.values[2], "333");
    ck_assert_str_eq(match.values[3], "4444");
}
END_TEST

START_TEST(refuses_bad_tables)
{
    static const ecs_route_t twice[] = {
        {"GET", "/x/{id}/"}, {"GET", "/x/{other}"}, {NULL}};
    static const ecs_route_t relative[] = {{"GET", "x/"}, {NULL}};
    static const ecs_route_t hollow[] = {{"GET", "/x//y/"}, {NULL}};
    static const ecs_route_t many[] = {{"GET", "/{a}/{b}/{c}/{d}/{e}/"},
                                       {NULL}};
    static const ecs_route_t *const tables[] = {twice, relative, hollow, many};
    int i;

    for (i = 0; i < LENGTH(tables); i++) {
        ecs_app_t bad[] = {{"bad", NULL, tables[i], NULL}, {NULL}};

        ck_assert_ptr_null(ecs_router_make(pool, bad));
    }
}
END_TEST

START_TEST(kinds_of_rows)
{
    ck_assert(!ecs_route_writes(&catalog[0]));
    ck_assert(ecs_route_writes(&catalog[1]));
    ck_assert(ecs_route_writes(&catalog[5]));
    ck_assert(ecs_route_patches(&catalog[4]));
    ck_assert(!ecs_route_patches(&catalog[1]));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("route");
    TCase *tc = tcase_create("route");

    tcase_add_checked_fixture(tc, setup, pool_close);
    tcase_add_loop_test(tc, finds_rows, 0, LENGTH(requests));
    tcase_add_test(tc, lists_rows_in_order);
    tcase_add_test(tc, every_row_finds_itself);
    tcase_add_test(tc, four_values);
    tcase_add_test(tc, refuses_bad_tables);
    tcase_add_test(tc, kinds_of_rows);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
