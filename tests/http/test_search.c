/* SPDX-License-Identifier: MIT */
/*
 * test_search.c - the search of products, its facets and suggestions over HTTP
 * (sql/api/22_search.sql). How good the matches are says tests/sql/search.sql.
 *
 * Every test looks for a word of its own, so that what other tests left on sale
 * is not found.
 */
#include <ctype.h>
#include <stdlib.h>
#include "support.h"
#include "shop.h"

#define PRODUCTS "/api/product/products/"
#define SUGGEST PRODUCTS "suggest/"
#define WALKED 23     /* products of a walk */
#define PAGE_SIZE 4   /* of a walk */
#define PAGES_MAX 12  /* of a walk, else it goes in a circle */
#define IDS_BYTES 512 /* ids of a walk as text */

/* A word of letters that nobody else uses. */
static const char *own_word(void)
{
    const char *name = unique("q");
    static char word[64];
    size_t i;

    for (i = 0; name[i] != '\0' && i < sizeof(word) - 1; i++) {
        word[i] = isdigit((unsigned char)name[i]) ? (char)('g' + name[i] - '0')
                  : name[i] == '_'                ? 'z'
                                                  : name[i];
    }
    word[i] = '\0';
    return fmt("%s", word);
}

static long long named(const actor_t *seller, const char *name,
                       const char *price)
{
    long long id = product(seller, price, 5);

    sql("UPDATE ecs.products SET name = '%s' WHERE id = %lld", name, id);
    return id;
}

static const char *found(const char *word, const char *rest)
{
    return fmt(PRODUCTS "?search=%s%s", word, rest);
}

START_TEST(a_search_forgives)
{
    actor_t *seller = person("seller", NULL);
    const char *word = own_word();
    long long id = named(seller, fmt("Großes Café %s, rot", word), "5.00");
    char *slip = strdup(word);

    ck_assert(lists(get(NULL, found(word, "")), id));
    ck_assert(lists(get(NULL, found(word, "+cafe")), id));
    ck_assert(lists(get(NULL, found("CAF%C3%89+", word)), id));
    ck_assert(lists(get(NULL, found(fmt("grosses+%s", word), "")), id));
    slip[strlen(slip) - 2] = slip[strlen(slip) - 2] == 'x' ? 'y' : 'x';
    ck_assert(lists(get(NULL, found(slip, "")), id));
    slip[strlen(slip) - 3] = '\0';
    ck_assert(lists(get(NULL, found(slip, "+cafe+grosses&page_size=100")), id));
    same(get(NULL, found(word, "+blau")), "count", "0");
    free(slip);
}
END_TEST

START_TEST(the_best_come_first)
{
    actor_t *seller = person("seller", NULL);
    const char *word = own_word();
    long long name = named(seller, fmt("Alpha %s", word), "7.00");
    long long text = product(seller, "3.00", 1);
    reply_t *r;

    sql("UPDATE ecs.products SET description = 'Goes well with %s.'"
        " WHERE id = %lld", word, text);
    r = expect(get(NULL, found(word, "")), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), name);
    ck_assert_int_eq(int_at(r, "results.1.id"), text);
    same(r, "count", "2");
    same(r, "count_is_exact", "true");
    ck_assert_ptr_null(at(r, "facets"));
    r = expect(get(NULL, found(word, "&ordering=price")), 200);
    ck_assert_int_eq(int_at(r, "results.0.id"), text);
    r = expect(get(NULL, found(word, "&max_price=4")), 200);
    same(r, "count", "1");
    ck_assert(lists(r, text));
}
END_TEST

START_TEST(facets_are_what_sql_counts)
{
    actor_t *seller = person("seller", NULL);
    const char *word = own_word();
    reply_t *r;

    named(seller, fmt("One %s", word), "7.00");
    rate(named(seller, fmt("Two %s", word), "12.00"), 5);
    named(seller, fmt("Three %s", word), "24.99");
    named(seller, fmt("Four %s", word), "5000.00");
    r = expect(get(NULL, found(word, "&facets=true&page_size=1")), 200);
    same(r, "facets.counted", "4");
    ck_assert_int_eq(length_at(r, "facets.categories"), 1);
    ck_assert_int_eq(int_at(r, "facets.categories.0.id"), category());
    same(r, "facets.categories.0.count", "4");
    ck_assert_int_eq(length_at(r, "facets.brands"), 0);
    ck_assert_int_eq(length_at(r, "facets.prices"), 3);
    same(r, "facets.prices.1.min", "10.00");
    same(r, "facets.prices.1.below", "25.00");
    ck_assert_int_eq(
        int_at(r, "facets.prices.1.count"),
        sql_int("SELECT count(*) FROM ecs.products WHERE seller_id = %lld"
                " AND price >= 10 AND price < 25", seller->id));
    same(r, "facets.prices.2.below", "null");
    same(r, "facets.ratings.0.min", "4");
    same(r, "facets.ratings.0.count", "1");
    r = expect(get(NULL, fmt(PRODUCTS "?seller=%lld&facets=true&cursor=",
                             seller->id)), 200);
    same(r, "facets.counted", "4");
    ck_assert_ptr_null(at(r, "count"));
    ck_assert_ptr_null(at(r, "count_is_exact"));
}
END_TEST

/* The ids of a list from this path on, page after page, as text. */
static const char *walk(const char *path)
{
    static char ids[2][IDS_BYTES];
    static int which;
    size_t used = 0, i;
    int pages = 0;

    which = !which;
    ids[which][0] = '\0';
    while (path != NULL) {
        reply_t *r = expect(get(NULL, path), 200);
        const char *next = text_at(r, "next");

        for (i = 0; i < length_at(r, "results"); i++) {
            used += (size_t)snprintf(
                ids[which] + used, IDS_BYTES - used, "%lld ",
                int_at(r, fmt("results.%zu.id", i)));
            ck_assert_uint_lt(used, IDS_BYTES);
        }
        ck_assert_int_lt(++pages, PAGES_MAX);
        path = next != NULL && strcmp(next, "null") != 0
                   ? strstr(next, "/api/") : NULL;
    }
    return ids[which];
}

START_TEST(cursors_and_pages_come_to_the_same)
{
    static const char *const orders[] = {"", "&ordering=price",
                                         "&ordering=-name", NULL};
    actor_t *seller = person("seller", NULL);
    const char *word = own_word(), *by_page, *by_cursor;
    int i;

    for (i = 0; i < WALKED; i++) {
        named(seller, fmt(i % 2 ? "%s" : "%s and %s", word, word),
              fmt("%d.00", i % 5 + 1));
    }
    for (i = 0; orders[i] != NULL; i++) {
        const char *list = found(word, fmt("%s&page_size=%d", orders[i],
                                           PAGE_SIZE));

        by_page = walk(list);
        by_cursor = walk(fmt("%s&cursor=", list));
        ck_assert_str_eq(by_page, by_cursor);
        ck_assert_int_eq(
            sql_int("SELECT count(DISTINCT id) FROM"
                    " string_to_table(trim('%s'), ' ') AS id", by_page),
            WALKED);
    }
}
END_TEST

START_TEST(what_is_typed_is_completed)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    const char *word = own_word();
    long long id = named(seller, fmt("Teapot %s", word), "5.00");
    reply_t *r;
    int i;

    expect(post(admin, "/api/product/categories/",
                fmt("{\"name\": \"Things of %s\"}", word)), 201);
    r = expect(get(NULL, fmt(SUGGEST "?q=%.*s", (int)strlen(word) - 1, word)),
               200);
    same(r, "suggestions.0.type", "category");
    same(r, "suggestions.1.type", "product");
    same(r, "suggestions.1.text", fmt("Teapot %s", word));
    ck_assert_int_eq(int_at(r, "suggestions.1.id"), id);
    for (i = 0; i < 14; i++) {
        named(seller, fmt("Cup %d of %s", i, word), "5.00");
    }
    r = expect(get(NULL, fmt(SUGGEST "?q=%s", word)), 200);
    ck_assert_int_eq(length_at(r, "suggestions"), 10);
    r = expect(get(NULL, SUGGEST), 200);
    ck_assert_int_eq(length_at(r, "suggestions"), 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_or_finds_nothing)
{
    actor_t *seller = person("seller", NULL);
    const char *word = own_word(), *next;
    long long id = named(seller, word, "5.00");
    char text[256];

    named(seller, word, "6.00");
    invalid(get(NULL, PRODUCTS "?facets=maybe"), "facets");
    invalid(get(NULL, PRODUCTS "?ordering=rank"), "ordering");
    invalid(get(NULL, SUGGEST "?q=lamp&page=2"), "page");
    memset(text, 'x', 201);
    text[201] = '\0';
    invalid(get(NULL, found(text, "")), "search");
    invalid(get(NULL, fmt(SUGGEST "?q=%s", text)), "q");
    invalid(get(NULL, PRODUCTS "?search=a%00b"), "search");
    same(get(NULL, PRODUCTS "?search=%25_%26%7C%21%28%29%3A%2A%27"), "count",
         "0");
    same(get(NULL, PRODUCTS "?search=the+of"), "count", "0");
    same(get(NULL, PRODUCTS "?search=%27%3BDROP+TABLE"), "count", "0");
    next = text_at(expect(get(NULL, found(word, "&page_size=1&cursor=")), 200),
                   "next");
    next = strstr(next, "cursor=");
    ck_assert_ptr_nonnull(next);
    refused(get(NULL, fmt(PRODUCTS "?%.*s", (int)strcspn(next, "&"), next)),
            404, "invalid_cursor");
    sql("UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = %lld", id);
    ck_assert(!lists(get(NULL, found(word, "")), id));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_search_forgives,
        the_best_come_first,
        facets_are_what_sql_counts,
        cursors_and_pages_come_to_the_same,
        what_is_typed_is_completed,
        what_makes_no_sense_is_refused_or_finds_nothing,
        NULL};

    return suite_run("search", tests, 30);
}
