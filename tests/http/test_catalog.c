/* SPDX-License-Identifier: MIT */
/*
 * test_catalog.c - categories and products, from a seller's proposal to the
 * public's search (api.md section 3).
 */
#include "support.h"
#include "shop.h"

#define CATEGORIES "/api/product/categories/"
#define PRODUCTS "/api/product/products/"

static const char *category_path(long long id)
{
    return fmt(CATEGORIES "%lld/", id);
}

static const char *product_path(long long id, const char *rest)
{
    return fmt(PRODUCTS "%lld/%s", id, rest);
}

static const char *decision(long long id, const char *which)
{
    return fmt(PRODUCTS "admin/%lld/%s/", id, which);
}

static long long new_category(const actor_t *admin, const char *name,
                              long long parent)
{
    const char *body =
        parent == 0 ? fmt("{\"name\": \"%s\"}", name)
                    : fmt("{\"name\": \"%s\", \"parent\": %lld}", name, parent);

    return int_at(expect(post(admin, CATEGORIES, body), 201), "id");
}

static const char *proposal(const char *name, const char *price)
{
    return fmt("{\"name\": \"%s\", \"description\": \"Made by hand.\","
               " \"price\": \"%s\", \"quantity\": 7, \"category\": %lld}",
               name, price, category());
}

static const char *product_status(long long id)
{
    return sql("SELECT status FROM ecs.products WHERE id = %lld", id);
}

/* --- categories ---------------------------------------------------------- */

START_TEST(categories_are_a_tree)
{
    actor_t *admin = person("admin", NULL);
    const char *name = unique("Root");
    long long root = new_category(admin, name, 0);
    long long leaf = new_category(admin, "Leaf", root);
    reply_t *r = expect(get(NULL, category_path(root)), 200);

    same(r, "name", name);
    same(r, "parent", "null");
    ck_assert_int_eq(int_at(r, "children.0.id"), leaf);
    same(r, "products_count", "0");
    r = expect(get(NULL, category_path(leaf)), 200);
    same(r, "parent", fmt("%lld", root));
    expect(get(NULL, CATEGORIES), 200);
}
END_TEST

START_TEST(siblings_have_different_names)
{
    actor_t *admin = person("admin", NULL);
    long long root = new_category(admin, unique("Root"), 0);

    new_category(admin, "Lamps", root);
    invalid(post(admin, CATEGORIES,
                 fmt("{\"name\": \"LAMPS\", \"parent\": %lld}", root)),
            "name");
    new_category(admin, "Lamps", new_category(admin, unique("Root"), 0));
    invalid(post(admin, CATEGORIES, "{\"name\": \"x\", \"parent\": 999999999}"),
            "parent");
}
END_TEST

START_TEST(a_category_is_not_its_own_ancestor)
{
    actor_t *admin = person("admin", NULL);
    long long root = new_category(admin, unique("Root"), 0);
    long long leaf = new_category(admin, "Leaf", root);

    invalid(patch(admin, category_path(root), fmt("{\"parent\": %lld}", leaf)),
            "parent");
    invalid(patch(admin, category_path(root), fmt("{\"parent\": %lld}", root)),
            "parent");
    expect(patch(admin, category_path(leaf), "{\"parent\": null}"), 200);
    expect(patch(admin, category_path(root), fmt("{\"parent\": %lld}", leaf)),
           200);
}
END_TEST

START_TEST(a_category_in_use_stays)
{
    actor_t *admin = person("admin", NULL);
    long long root = new_category(admin, unique("Root"), 0);
    long long leaf = new_category(admin, "Leaf", root);

    refused(delete (admin, category_path(root)), 409, "in_use");
    sql("UPDATE ecs.products SET category_id = %lld WHERE id = %lld", leaf,
        product(person("seller", NULL), "1.00", 1));
    refused(delete (admin, category_path(leaf)), 409, "in_use");
    sql("UPDATE ecs.products SET category_id = %lld WHERE category_id = %lld",
        category(), leaf);
    expect(delete (admin, category_path(leaf)), 204);
    refused(get(NULL, category_path(leaf)), 404, "not_found");
    refused(delete (person("seller", NULL), category_path(root)), 403,
            "permission_denied");
}
END_TEST

/* --- a product's way to the public --------------------------------------- */

START_TEST(a_product_is_seen_when_it_is_approved)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    reply_t *r =
        expect(post(seller, PRODUCTS, proposal("Brass lamp", "12.5")), 201);
    long long id = int_at(r, "id");

    same(r, "status", "PENDING");
    same(r, "price", "12.50");
    same(r, "current_price", "12.50");
    same(r, "in_stock", "true");
    same(r, "slug", "brass-lamp");
    refused(get(NULL, product_path(id, "")), 404, "not_found");
    refused(get(person("seller", NULL), product_path(id, "")), 404,
            "not_found");
    expect(get(seller, product_path(id, "")), 200);
    expect(get(admin, product_path(id, "")), 200);
    ck_assert(!lists(get(NULL, fmt(PRODUCTS "?seller=%lld", seller->id)), id));
    ck_assert(lists(get(admin, PRODUCTS "admin/pending/?page_size=100"), id));
    same(expect(post(admin, decision(id, "approve"), NULL), 200), "status",
         "APPROVED");
    ck_assert(lists(get(NULL, fmt(PRODUCTS "?seller=%lld", seller->id)), id));
    r = expect(get(NULL, product_path(id, "")), 200);
    ck_assert_ptr_null(at(r, "rejection_reason"));
    ck_assert_int_eq(notified(seller, "product_approved"), 1);
    ck_assert_int_eq(post(admin, decision(id, "approve"), NULL)->status, 409);
    books_balance();
}
END_TEST

START_TEST(a_rejection_says_why)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    long long id =
        int_at(post(seller, PRODUCTS, proposal("Fake lamp", "1.00")), "id");

    invalid(post(admin, decision(id, "reject"), NULL), "reason");
    expect(post(admin, decision(id, "reject"), "{\"reason\": \"no photo\"}"),
           200);
    same(get(seller, product_path(id, "")), "rejection_reason", "no photo");
    same(get(seller, product_path(id, "")), "status", "REJECTED");
    ck_assert_int_eq(notified(seller, "product_rejected"), 1);
    refused(get(NULL, product_path(id, "")), 404, "not_found");
    refused(post(seller, decision(id, "approve"), NULL), 403,
            "permission_denied");
}
END_TEST

START_TEST(a_proposal_is_complete_and_sound)
{
    actor_t *seller = person("seller", NULL);

    invalid(post(seller, PRODUCTS, "{}"), "name");
    invalid(post(seller, PRODUCTS, "{}"), "price");
    invalid(post(seller, PRODUCTS, "{}"), "category");
    invalid(post(seller, PRODUCTS, proposal("Lamp", "0.00")), "price");
    invalid(post(seller, PRODUCTS, proposal("", "1.00")), "name");
    invalid(post(seller, PRODUCTS,
                 "{\"name\": \"Lamp\", \"price\": 1, \"quantity\": -1,"
                 " \"category\": 999999999}"),
            "quantity");
    invalid(post(seller, PRODUCTS,
                 "{\"name\": \"Lamp\", \"price\": 1, \"quantity\": 1,"
                 " \"category\": 999999999, \"status\": \"APPROVED\"}"),
            "status");
    invalid(post(seller, PRODUCTS,
                 "{\"name\": \"Lamp\", \"description\": \"x\", \"price\": 1,"
                 " \"quantity\": 1, \"category\": 999999999}"),
            "category");
}
END_TEST

/* --- changing what is on sale -------------------------------------------- */

START_TEST(price_and_stock_change_at_once)
{
    actor_t *seller = person("seller", NULL);
    long long id = product(seller, "10.00", 5);
    reply_t *r = expect(patch(seller, product_path(id, ""),
                              "{\"price\": \"11.00\", \"quantity\": 9}"),
                        200);

    same(r, "price", "11.00");
    same(get(NULL, product_path(id, "")), "price", "11.00");
    ck_assert_str_eq(product_status(id), "APPROVED");
    ck_assert_int_eq(stock(id), 9);
}
END_TEST

START_TEST(a_new_name_waits_for_approval)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    long long id = product(seller, "10.00", 5);
    const char *before = text_at(get(NULL, product_path(id, "")), "name");
    reply_t *r = expect(
        patch(seller, product_path(id, ""), "{\"name\": \"Better lamp\"}"),
        200);

    same(r, "pending_change.name", "Better lamp");
    r = get(NULL, product_path(id, ""));
    same(r, "name", before); /* what is approved stays on sale */
    ck_assert_ptr_null(at(r, "pending_change"));
    expect(post(admin, fmt(PRODUCTS "admin/changes/%lld/approve/", id), NULL),
           200);
    same(get(NULL, product_path(id, "")), "name", "Better lamp");
    expect(patch(seller, product_path(id, ""), "{\"name\": \"Worse\"}"), 200);
    expect(post(admin, fmt(PRODUCTS "admin/changes/%lld/reject/", id),
                "{\"reason\": \"no\"}"),
           200);
    same(get(NULL, product_path(id, "")), "name", "Better lamp");
}
END_TEST

START_TEST(stock_moves_by_steps_and_not_below_zero)
{
    actor_t *seller = person("seller", NULL);
    long long id = product(seller, "10.00", 5);

    same(
        expect(post(seller, product_path(id, "stock/"), "{\"delta\": 3}"), 200),
        "quantity", "8");
    same(expect(post(seller, product_path(id, "stock/"), "{\"delta\": -8}"),
                200),
         "quantity", "0");
    ck_assert_int_eq(
        post(seller, product_path(id, "stock/"), "{\"delta\": -1}")->status,
        409);
    ck_assert_int_eq(stock(id), 0);
}
END_TEST

START_TEST(an_archived_product_is_gone_and_orders_keep_it)
{
    actor_t *seller = person("seller", NULL), *buyer = person("user", "50.00");
    long long id = product(seller, "10.00", 5), order = buy(buyer, id, 1);

    expect(delete (seller, product_path(id, "")), 204);
    refused(get(NULL, product_path(id, "")), 404, "not_found");
    ck_assert_str_eq(product_status(id), "ARCHIVED");
    same(get(buyer, fmt("/api/orders/%lld/", order)), "items.0.line_total",
         "10.00");
    books_balance();
}
END_TEST

START_TEST(sellers_touch_their_own_products_only)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = product(seller, "10.00", 5);

    refused(patch(other, product_path(id, ""), "{\"price\": \"1.00\"}"), 404,
            "not_found");
    refused(delete (other, product_path(id, "")), 404, "not_found");
    refused(post(other, product_path(id, "stock/"), "{\"delta\": 1}"), 404,
            "not_found");
    ck_assert(sql_true("SELECT price = 10 AND quantity = 5 AND status ="
                       " 'APPROVED' FROM ecs.products WHERE id = %lld",
                       id));
    ck_assert(!lists(get(other, PRODUCTS "mine/"), id));
    ck_assert(lists(get(seller, PRODUCTS "mine/"), id));
}
END_TEST

START_TEST(own_products_are_counted_by_state)
{
    actor_t *seller = person("seller", NULL);
    reply_t *r;

    product(seller, "1.00", 1);
    product_in(seller, "1.00", 1, "PENDING");
    product_in(seller, "1.00", 1, "PENDING");
    r = expect(get(seller, PRODUCTS "mine/"), 200);
    same(r, "count", "3");
    same(r, "counts.PENDING", "2");
    same(r, "counts.APPROVED", "1");
    same(get(seller, PRODUCTS "mine/?status=pending"), "count", "2");
}
END_TEST

/* --- finding ------------------------------------------------------------- */

START_TEST(products_can_be_filtered)
{
    actor_t *seller = person("seller", NULL);
    long long cheap = product(seller, "5.00", 0);
    long long dear = product(seller, "500.00", 3);
    const char *base = fmt(PRODUCTS "?seller=%lld", seller->id);
    reply_t *r;

    same(get(NULL, base), "count", "2");
    r = get(NULL, fmt("%s&min_price=6", base));
    ck_assert(lists(r, dear) && !lists(r, cheap));
    r = get(NULL, fmt("%s&max_price=5.00", base));
    ck_assert(lists(r, cheap) && !lists(r, dear));
    r = get(NULL, fmt("%s&in_stock=true", base));
    ck_assert(lists(r, dear) && !lists(r, cheap));
    same(get(NULL, fmt("%s&category=%lld", base, category())), "count", "2");
    same(get(NULL, fmt("%s&category=999999999", base)), "count", "0");
    invalid(get(NULL, PRODUCTS "?min_price=cheap"), "min_price");
    invalid(get(NULL, PRODUCTS "?colour=red"), "colour");
}
END_TEST

START_TEST(a_category_includes_what_is_below_it)
{
    actor_t *admin = person("admin", NULL);
    long long root = new_category(admin, unique("Root"), 0);
    long long leaf = new_category(admin, "Leaf", root);
    long long id = product(person("seller", NULL), "5.00", 1);

    sql("UPDATE ecs.products SET category_id = %lld WHERE id = %lld", leaf, id);
    ck_assert(lists(get(NULL, fmt(PRODUCTS "?category=%lld", root)), id));
    ck_assert(lists(get(NULL, fmt(PRODUCTS "?category=%lld", leaf)), id));
}
END_TEST

START_TEST(products_can_be_ordered)
{
    actor_t *seller = person("seller", NULL);
    long long dear = product(seller, "500.00", 3);
    long long cheap = product(seller, "5.00", 3);
    const char *base = fmt(PRODUCTS "?seller=%lld&ordering=", seller->id);

    ck_assert_int_eq(int_at(get(NULL, fmt("%sprice", base)), "results.0.id"),
                     cheap);
    ck_assert_int_eq(int_at(get(NULL, fmt("%s-price", base)), "results.0.id"),
                     dear);
    ck_assert_int_eq(
        int_at(get(NULL, fmt("%s-created_at", base)), "results.0.id"), cheap);
    ck_assert_int_eq(
        int_at(get(NULL, fmt("%screated_at", base)), "results.0.id"), dear);
    invalid(get(NULL, fmt("%ssecret", base)), "ordering");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        categories_are_a_tree,
        siblings_have_different_names,
        a_category_is_not_its_own_ancestor,
        a_category_in_use_stays,
        a_product_is_seen_when_it_is_approved,
        a_rejection_says_why,
        a_proposal_is_complete_and_sound,
        price_and_stock_change_at_once,
        a_new_name_waits_for_approval,
        stock_moves_by_steps_and_not_below_zero,
        an_archived_product_is_gone_and_orders_keep_it,
        sellers_touch_their_own_products_only,
        own_products_are_counted_by_state,
        products_can_be_filtered,
        a_category_includes_what_is_below_it,
        products_can_be_ordered,
        NULL};

    return suite_run("catalog", tests, 20);
}
