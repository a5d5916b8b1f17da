/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - links as DRF makes them, and cursors that nobody else can
 * make or carry to another list.
 */
#include "page.h"
#include "json.h"
#include "query.h"
#include "unit.h"

#include <apr_strings.h>
#include <string.h>

#define URL "http://shop.test/api/product/products/"
#define KEY "12.50|117"
#define SCOPE "/api/product/products/|price"

static const char SECRET[] = "0123456789abcdef0123456789abcdef";
static const char OTHER_SECRET[] = "0123456789abcdef0123456789abcdeg";

static const char *open_cursor(const char *cursor)
{
    return ecs_page_cursor_open(pool, SECRET, SCOPE, cursor);
}

START_TEST(cursors_come_back)
{
    static const char *const keys[] = {
        KEY, "a", "ab", "abc", "\xc3\xa9\n\"", "2026-11-22 14:46:00.123+00|5"};
    int i;

    for (i = 0; i < LENGTH(keys); i++) {
        const char *cursor = ecs_page_cursor_sign(pool, SECRET, SCOPE, keys[i]);

        ck_assert_str_eq(open_cursor(cursor), keys[i]);
        ck_assert_str_eq(ecs_query_escape(pool, cursor), cursor);
    }
}
END_TEST

START_TEST(cursors_are_bound)
{
    const char *cursor = ecs_page_cursor_sign(pool, SECRET, SCOPE, KEY);

    ck_assert_ptr_null(ecs_page_cursor_open(pool, OTHER_SECRET, SCOPE, cursor));
    ck_assert_ptr_null(ecs_page_cursor_open(
        pool, SECRET, "/api/product/products/|-price", cursor));
    ck_assert_ptr_null(ecs_page_cursor_open(pool, SECRET, "", cursor));
}
END_TEST

START_TEST(no_character_can_change)
{
    const char *cursor = ecs_page_cursor_sign(pool, SECRET, SCOPE, KEY);
    char *changed = apr_pstrdup(pool, cursor);
    int i, c;

    for (i = 0; changed[i] != '\0'; i++) {
        for (c = 1; c < 256; c++) {
            changed[i] = (char)c;
            if (strcmp(changed, cursor) != 0) {
                ck_assert_ptr_null(open_cursor(changed));
            }
        }
        changed[i] = cursor[i];
    }
    for (i = 0; cursor[i] != '\0'; i++) {
        ck_assert_ptr_null(open_cursor(apr_pstrndup(pool, cursor, i)));
    }
    ck_assert_ptr_null(open_cursor(apr_pstrcat(pool, cursor, "=", NULL)));
    ck_assert_ptr_null(open_cursor(apr_pstrcat(pool, cursor, "A", NULL)));
    ck_assert_ptr_null(open_cursor(apr_pstrcat(pool, " ", cursor, NULL)));
    ck_assert_str_eq(open_cursor(cursor), KEY);
}
END_TEST

START_TEST(hostile_cursors)
{
    char *text = apr_palloc(pool, 100001);

    memset(text, 'A', 100000);
    text[100000] = '\0';
    ck_assert_ptr_null(open_cursor(text));
    ck_assert_ptr_null(open_cursor(""));
    ck_assert_ptr_null(open_cursor("A"));
    ck_assert_ptr_null(open_cursor("\xff\xff\xff\xff"));
    text[400] = '\0';
    ck_assert_ptr_null(open_cursor(text));
}
END_TEST

static const struct {
    long long page, total;
    const char *query;
    const char *next, *previous;
} pages[] = {
    {1, 41, NULL, URL "?page=2", NULL},
    {2, 41, "page=2", URL "?page=3", URL},
    {3, 41, "page=3", NULL, URL "?page=2"},
    {2, 40, "page=2", NULL, URL},
    {1, 20, "", NULL, NULL},
    {1, 0, NULL, NULL, NULL},
    {2, 41, "search=a+b%26c&page=2&brand=%C3%A9&empty=",
     URL "?brand=%C3%A9&empty=&page=3&search=a+b%26c",
     URL "?brand=%C3%A9&empty=&search=a+b%26c"},
    {1, 41, "z=1&a=2", URL "?a=2&page=2&z=1", NULL},
    {21474836, 9223372036854775807LL, NULL, URL "?page=21474837",
     URL "?page=21474835"},
};

START_TEST(links_of_pages)
{
    ecs_page_t page = {.page = pages[_i].page,
                       .page_size = 20,
                       .total = pages[_i].total,
                       .next_key = KEY,
                       .url = URL,
                       .query = pages[_i].query,
                       .scope = SCOPE};
    const char *next, *previous;

    ecs_page_links(pool, SECRET, &page, &next, &previous);
    ck_assert_pstr_eq(next, pages[_i].next);
    ck_assert_pstr_eq(previous, pages[_i].previous);
}
END_TEST

START_TEST(links_of_cursors)
{
    ecs_page_t page = {.page_size = 20,
                       .total = -1,
                       .next_key = KEY,
                       .url = URL,
                       .query = "ordering=price&cursor=old",
                       .scope = SCOPE};
    const char *next, *previous;
    const char *cursor = ecs_page_cursor_sign(pool, SECRET, SCOPE, KEY);

    ecs_page_links(pool, SECRET, &page, &next, &previous);
    ck_assert_str_eq(next, apr_pstrcat(pool, URL "?cursor=", cursor,
                                       "&ordering=price", NULL));
    ck_assert_ptr_null(previous);
    page.next_key = NULL;
    ecs_page_links(pool, SECRET, &page, &next, &previous);
    ck_assert_ptr_null(next);
    ck_assert_ptr_null(previous);
}
END_TEST

static const struct {
    long long total;
    const char *next, *extra;
    const char *head;
} heads[] = {
    {41, URL "?page=2", NULL,
     "{\"count\":41,\"next\":\"" URL "?page=2\",\"previous\":null,"
     "\"results\":"},
    {-1, NULL, NULL, "{\"next\":null,\"previous\":null,\"results\":"},
    {0, NULL, "{\"unread_count\" : 3}",
     "{\"count\":0,\"next\":null,\"previous\":null,\"unread_count\" : 3,"
     "\"results\":"},
    {0, NULL, " { } \n",
     "{\"count\":0,\"next\":null,\"previous\":null,\"results\":"},
    {0, NULL, "{}",
     "{\"count\":0,\"next\":null,\"previous\":null,\"results\":"},
    {0, NULL, "null",
     "{\"count\":0,\"next\":null,\"previous\":null,\"results\":"},
    {0, URL "?a=1&b=2", NULL,
     "{\"count\":0,\"next\":\"" URL "?a=1&b=2\",\"previous\":null,"
     "\"results\":"},
};

START_TEST(heads_are_json)
{
    ecs_page_t page = {.page = 1, .page_size = 20, .total = heads[_i].total};
    const char *head =
        ecs_page_head(pool, &page, heads[_i].next, NULL, heads[_i].extra);

    ck_assert_str_eq(head, heads[_i].head);
    ck_assert_ptr_nonnull(
        ecs_json_own(pool, json_loads(apr_pstrcat(pool, head, "[]}", NULL),
                                      JSON_REJECT_DUPLICATES, NULL)));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("page");
    TCase *tc = tcase_create("page");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, cursors_come_back);
    tcase_add_test(tc, cursors_are_bound);
    tcase_add_test(tc, no_character_can_change);
    tcase_add_test(tc, hostile_cursors);
    tcase_add_loop_test(tc, links_of_pages, 0, LENGTH(pages));
    tcase_add_test(tc, links_of_cursors);
    tcase_add_loop_test(tc, heads_are_json, 0, LENGTH(heads));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
