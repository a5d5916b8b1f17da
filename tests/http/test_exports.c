/* SPDX-License-Identifier: MIT */
/*
 * test_exports.c - lists as CSV files: whose, what is in them, what a
 * spreadsheet must not run, how long they may be, and what a client sees of one
 * that breaks off. And the import of products by such a file.
 */
#include <stdlib.h>
#include <string.h>
#include "processes.h"
#include "support.h"
#include "shop.h"

#define ORDERS "/api/orders/export/"
#define ALL_ORDERS "/api/orders/admin/export/"
#define MOVEMENTS "/api/wallet/transactions/export/"
#define PRODUCTS "/api/product/products/export/"
#define IMPORT "/api/product/products/import/"
#define MANY 10000               /* products, of 1 KB each */
#define GROWTH_KB_MAX (4 * 1024) /* of all of httpd's children together */

static int lines(const reply_t *reply)
{
    const char *at;
    int count = 0;

    for (at = strstr(reply->body, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
        count++;
    }
    return count;
}

static void has(const reply_t *reply, const char *text)
{
    ck_assert_msg(strstr(reply->body, text) != NULL, "no '%s' in\n%s", text,
                  reply->body);
}

START_TEST(orders_are_a_file)
{
    actor_t *seller = person("seller", NULL), *buyer = person("user", "50.00");
    long long id = product(seller, "12.50", 9);
    long long first = buy(buyer, id, 2), second = buy(buyer, id, 1);
    reply_t *reply = expect(get(buyer, ORDERS), 200);

    ck_assert_str_eq(header(reply, "Content-Type"), "text/csv; charset=utf-8");
    ck_assert_str_eq(header(reply, "Content-Disposition"),
                     "attachment; filename=\"orders.csv\"");
    ck_assert_int_eq(strncmp(reply->body, "order_number,status,", 20), 0);
    ck_assert_int_eq(lines(reply), 3);
    has(reply, fmt(",2,12.50,25.00,0,25.00,0.00\r\n"));
    /* a seller sees the own lines and not what the order costs */
    reply = expect(get(seller, ORDERS "?as=seller&status=created"), 200);
    ck_assert_int_eq(lines(reply), 3);
    has(reply, ",2,12.50,25.00,0,,\r\n");
    ck_assert_int_eq(lines(expect(get(seller, ORDERS), 200)), 1);
    ck_assert_int_eq(lines(expect(get(buyer, ORDERS "?status=SHIPPED"), 200)),
                     1);
    expect(post(buyer, fmt("/api/orders/%lld/cancel/", first), "{}"), 200);
    reply = expect(get(person("admin", NULL), ALL_ORDERS
                       "?status=CANCELLED"), 200);
    has(reply, sql("SELECT order_number FROM ecs.orders WHERE id = %lld",
                   first));
    ck_assert_ptr_null(strstr(reply->body, sql("SELECT order_number FROM"
                              " ecs.orders WHERE id = %lld", second)));
    expect(get(buyer, ALL_ORDERS), 403);
    expect(get(NULL, ORDERS), 401);
    expect(get(buyer, ORDERS "?status=NONE"), 400);
    expect(get(buyer, ORDERS "?cursor=1"), 400);
}
END_TEST

START_TEST(movements_are_a_file)
{
    actor_t *anna = person("user", "50.00"), *ben = person("user", NULL);
    reply_t *reply;

    expect(post(anna, "/api/wallet/transfer/",
                fmt("{\"recipient\": \"%s\", \"amount\": \"7.25\", \"note\":"
                    " \"=1+1, \\\"x\\\"\"}", ben->username)), 201);
    reply = expect(get(anna, MOVEMENTS), 200);
    ck_assert_int_eq(lines(reply), 3);
    has(reply, ",TRANSFER,-7.25,42.75,0.00,\"'=1+1, \"\"x\"\"\",,,");
    reply = expect(get(ben, MOVEMENTS "?type=transfer"), 200);
    ck_assert_int_eq(lines(reply), 2);
    has(reply, ",TRANSFER,7.25,7.25,0.00,");
    ck_assert_int_eq(lines(expect(get(ben, MOVEMENTS "?type=FEE"), 200)), 1);
}
END_TEST

START_TEST(products_are_a_file)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = product(seller, "9.99", 3);

    sql("UPDATE ecs.products SET name = 'A \"big\" vase', description ="
        " E'blue,\\r\\nround' WHERE id = %lld", id);
    product(other, "1.00", 1);
    has(expect(get(seller, PRODUCTS), 200),
        fmt("\r\n%lld,\"A \"\"big\"\" vase\",\"blue,\r\nround\",9.99,3,", id));
    sql("UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = %lld", id);
    ck_assert_int_eq(lines(expect(get(seller, PRODUCTS), 200)), 1);
    expect(get(person("user", NULL), PRODUCTS), 403);
}
END_TEST

static void fill(const actor_t *seller, int count)
{
    sql("INSERT INTO ecs.products (seller_id, category_id, name, slug,"
        " description, status, price, quantity) SELECT %lld, %lld,"
        " 'Vase ' || n, 'vase', repeat('x', 1000), 'PENDING', 1, 1"
        " FROM generate_series(1, %d) n", seller->id, category(), count);
}

static void empty(const actor_t *seller)
{
    sql("DELETE FROM ecs.products WHERE seller_id = %lld", seller->id);
}

START_TEST(a_long_one_takes_no_memory)
{
    actor_t *seller = person("seller", NULL);
    reply_t *reply;
    long before, peak;
    int round;

    fill(seller, MANY);
    /* The first round warms up buffers that stay. */
    for (round = 0; round < 2; round++) {
        forget_peaks();
        before = memory_kb("VmRSS:");
        reply = expect(get(seller, PRODUCTS), 200);
        peak = memory_kb("VmHWM:");
        ck_assert_int_eq(lines(reply), MANY + 1);
    }
    empty(seller);
    printf("export of %zu KB: httpd %ld KB before, %ld KB at most\n",
           reply->length / 1024, before, peak);
    if (!is_slow()) { /* sanitizers keep what is freed */
        ck_assert_int_le(peak - before, GROWTH_KB_MAX);
    }
}
END_TEST

/* The shop breaks down in the middle. */
START_TEST(a_torn_one_is_seen_to_be_torn)
{
    actor_t *seller = person("seller", NULL);
    reply_t *reply;

    fill(seller, MANY);
    sql("CREATE SEQUENCE ecs.test_parts");
    sql("ALTER FUNCTION ecs_lib.export_rows() RENAME TO export_rows_of_before");
    sql("CREATE FUNCTION ecs_lib.export_rows() RETURNS integer LANGUAGE plpgsql"
        " AS $$ BEGIN IF nextval('ecs.test_parts') > 20 THEN"
        " PERFORM ecs_lib.not_found(); END IF; RETURN 200; END $$");
    reply = http(.method = "GET", .path = PRODUCTS, .who = seller,
                 .flags = HTTP_MAY_FAIL | HTTP_UNCHECKED);
    sql("DROP FUNCTION ecs_lib.export_rows()");
    sql("ALTER FUNCTION ecs_lib.export_rows_of_before() RENAME TO export_rows");
    sql("DROP SEQUENCE ecs.test_parts");
    empty(seller);
    ck_assert_int_eq(reply->status, 0);
}
END_TEST

/* --- and in again ----------------------------------------------------------- */

static reply_t *import(const actor_t *who, const char *query, const char *text)
{
    return http(.method = "POST", .path = fmt(IMPORT "%s", query), .who = who,
                .type = "text/csv", .body = text);
}

static long long products_of(const actor_t *seller)
{
    return sql_int("SELECT count(*) FROM ecs.products WHERE seller_id = %lld",
                   seller->id);
}

START_TEST(a_file_makes_and_changes_products)
{
    actor_t *seller = person("seller", NULL);
    long long id = product(seller, "9.99", 3);
    const char *text = fmt("id,name,description,price,quantity,category\r\n"
                           ",\"A \"\"big\"\" vase\",\"blue,\nround\",12.50,4,"
                           "%lld\r\n%lld,,,8.00,,\n\n,Cup,'-10 degrees,3,1,"
                           "%lld", category(), id, category());
    reply_t *reply = expect(import(seller, "?dry_run=true", text), 200);
    const char *exported;

    same(reply, "created", "2");
    same(reply, "updated", "1");
    ck_assert_int_eq(products_of(seller), 1);
    ck_assert_str_eq(sql("SELECT price FROM ecs.products WHERE id = %lld", id),
                     "9.99");
    same(expect(import(seller, "", text), 200), "dry_run", "false");
    ck_assert_int_eq(products_of(seller), 3);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.products WHERE seller_id"
                             " = %lld AND status = 'PENDING' AND (name,"
                             " description, price, quantity) IN (('A \"big\""
                             " vase', E'blue,\\nround', 12.50, 4), ('Cup',"
                             " '-10 degrees', 3, 1))", seller->id), 2);
    ck_assert(sql_true("SELECT price = 8 AND quantity = 3 AND status ="
                       " 'APPROVED' FROM ecs.products WHERE id = %lld", id));
    /* what comes out goes in and changes nothing */
    exported = expect(get(seller, PRODUCTS), 200)->body;
    same(expect(import(seller, "", exported), 200), "updated", "3");
    ck_assert_str_eq(expect(get(seller, PRODUCTS), 200)->body, exported);
    /* the same rows as JSON */
    expect(post(seller, IMPORT, fmt("{\"rows\": [{\"id\": %lld, \"price\":"
                                    " \"7.00\"}]}", id)), 200);
    ck_assert_str_eq(sql("SELECT price FROM ecs.products WHERE id = %lld", id),
                     "7.00");
}
END_TEST

START_TEST(all_rows_or_none)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = product(seller, "9.99", 3), foreign = product(other, "1", 1);
    reply_t *reply = import(seller, "",
                            fmt("id,name,description,price,quantity,category\n"
                                "%lld,,,5.00,,\n,Cup,white,3,1,999999\n"
                                "%lld,,,5.00,,\n,Cup,,3,1,", id, foreign));

    expect(reply, 400);
    same(reply, "rows.0", "{}");
    same(reply, "rows.1.category.0",
         "Invalid pk \"999999\" - object does not exist.");
    ck_assert_ptr_nonnull(at(reply, "rows.2.id"));
    same(reply, "rows.3.description.0", "This field is required.");
    same(reply, "rows.3.category.0", "This field is required.");
    ck_assert_str_eq(sql("SELECT price FROM ecs.products WHERE id = %lld", id),
                     "9.99");
    reply = expect(import(seller, "", "name,price,size\nCup,3.999,big\n"), 400);
    same(reply, "rows.0.size.0", "Unknown field.");
    ck_assert_ptr_nonnull(at(reply, "rows.0.price.0"));
    ck_assert_int_eq(products_of(seller), 1);
}
END_TEST

/* Carts take products by id; a file names them in any order. */
START_TEST(a_file_and_carts_do_not_block_each_other)
{
    enum { PRODUCTS_COUNT = 8, BUYERS = 5, ROUNDS = 12 };
    actor_t *seller = person("seller", NULL), *buyers[BUYERS];
    const char *rows = "";
    long long ids[PRODUCTS_COUNT];
    request_t requests[BUYERS + 1];
    reply_t *replies[BUYERS + 1];
    int round, i, k;

    for (k = 0; k < PRODUCTS_COUNT; k++) {
        ids[k] = product(seller, "1.00", 1000);
        rows = fmt("{\"id\": %lld, \"price\": \"1.00\"}%s%s", ids[k],
                   *rows ? ", " : "", rows);
    }
    for (i = 0; i < BUYERS; i++) {
        buyers[i] = person("user", "500.00");
    }
    for (round = 0; round < ROUNDS; round++) {
        long long before = deadlocks();

        for (i = 0; i < BUYERS; i++) {
            for (k = 0; k < PRODUCTS_COUNT; k++) {
                add_to_cart(buyers[i], ids[k], 1);
            }
            requests[i] = (request_t){.method = "POST",
                                      .path = "/api/orders/checkout/",
                                      .who = buyers[i]};
        }
        requests[BUYERS] = requests[round % BUYERS];
        requests[round % BUYERS] =
            (request_t){.method = "POST", .path = IMPORT, .who = seller,
                        .body = fmt("{\"rows\": [%s]}", rows)};
        all_at_once(requests, replies, BUYERS + 1);
        for (i = 0; i <= BUYERS; i++) {
            ck_assert_int_eq(replies[i]->status / 100, 2);
        }
        ck_assert_int_eq(deadlocks(), before);
    }
    books_balance();
}
END_TEST

START_TEST(files_that_are_no_tables)
{
    actor_t *seller = person("seller", NULL);
    char *large = grab(3 * 1024 * 1024);

    refused(import(seller, "", "name,name\na,b\n"), 400, "malformed_csv");
    refused(import(seller, "", "name,\na,b\n"), 400, "malformed_csv");
    refused(import(seller, "", "name\n\"a\n"), 400, "malformed_csv");
    refused(import(seller, "", "name\n\"a\"b\n"), 400, "malformed_csv");
    refused(import(seller, "", "name\na\"b\n"), 400, "malformed_csv");
    refused(import(seller, "", "name\na,b\n"), 400, "malformed_csv");
    refused(import(seller, "", "name\n\xff\n"), 400, "malformed_csv");
    refused(import(seller, "", fmt("name,%0500d\na,b\n", 1)), 400,
            "malformed_csv");
    invalid(import(seller, "", "name\n"), "rows");
    invalid(import(seller, "", ""), "rows");
    memset(large, 'x', 3 * 1024 * 1024 - 1);
    expect(import(seller, "", large), 413);
    expect(import(person("user", NULL), "", "name\na\n"), 403);
    expect(http(.method = "POST", .path = "/api/wallet/transfer/",
                .who = seller, .type = "text/csv", .body = "amount\n1\n"), 415);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        orders_are_a_file,
        movements_are_a_file,
        products_are_a_file,
        a_long_one_takes_no_memory,
        a_torn_one_is_seen_to_be_torn,
        a_file_makes_and_changes_products,
        all_rows_or_none,
        a_file_and_carts_do_not_block_each_other,
        files_that_are_no_tables,
        NULL,
    };

    return suite_run("exports", tests, 60);
}
