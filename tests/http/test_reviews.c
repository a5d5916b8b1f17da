/* SPDX-License-Identifier: MIT */
/*
 * test_reviews.c - reviews, replies, moderation, and the stars that follow from
 * them (api.md section 10), also when many write at the same time.
 */
#include "support.h"
#include "shop.h"

#define REVIEWS "/api/reviews/"
#define DUELS 50
#define REVIEWERS 16

static const char *review_path(long long review, const char *rest)
{
    return fmt(REVIEWS "%lld/%s", review, rest);
}

static const char *reviews_of(long long product, const char *rest)
{
    return fmt(REVIEWS "?product=%lld%s", product, rest);
}

static const char *stars(long long order, int rating)
{
    return fmt("{\"order_item\": %lld, \"rating\": %d}", line_of(order),
               rating);
}

/* Somebody with an order of a product that has arrived. */
static actor_t *customer(long long product, long long *order)
{
    actor_t *buyer = person("user", "1000.00");

    *order = buy(buyer, product, 1);
    deliver(buyer, person("delivery", NULL), *order);
    return buyer;
}

/* The stars of a product: each kind, count and average. */
static const char *stars_of(long long product)
{
    return sql("SELECT format('%%s %%s %%s', ratings, ratings_count,"
               " avg_rating) FROM ecs.products WHERE id = %lld",
               product);
}

/* --- writing -------------------------------------------------------------- */

START_TEST(who_bought_it_may_review_it_once)
{
    actor_t *seller = person("seller", NULL), *buyer;
    long long id = product(seller, "10.00", 5), order, review;
    const char *etag;
    reply_t *r;

    etag = header(get(NULL, fmt("/api/product/products/%lld/", id)), "ETag");
    buyer = customer(id, &order);
    r = expect(post(buyer, REVIEWS,
                    fmt("{\"order_item\": %lld, \"rating\": 4, \"title\":"
                        " \"Fine\", \"comment\": \"It works.\\nWell.\"}",
                        line_of(order))),
               201);
    review = int_at(r, "id");
    ck_assert_str_eq(header(r, "Location"), review_path(review, ""));
    same(r, "rating", "4");
    same(r, "comment", "It works.\nWell.");
    same(r, "author.username", buyer->username);
    same(r, "reply", "null");
    ck_assert_int_eq(int_at(r, "order"), order);
    ck_assert_int_eq(notified(seller, "review_received"), 1);
    r = refused(post(buyer, REVIEWS, stars(order, 1)), 409, "duplicate");
    ck_assert_int_eq(int_at(r, "review"), review);

    r = expect(http(.method = "GET",
                    .path = fmt("/api/product/products/%lld/", id),
                    .headers = {fmt("If-None-Match: %s", etag)}),
               200);
    ck_assert_str_ne(header(r, "ETag"), etag);
    same(r, "ratings_count", "1");
    same(r, "status", "APPROVED");
    ck_assert_str_eq(stars_of(id), "{0,0,0,1,0} 1 4.00");
    same(get(NULL, fmt("/api/accounts/sellers/%lld/", seller->id)),
         "ratings_count", "1");
    r = expect(get(NULL, fmt("/api/product/products/?seller=%lld"
                             "&min_rating=4",
                             seller->id)),
               200);
    ck_assert(lists(r, id));
    books_balance();
}
END_TEST

START_TEST(who_did_not_get_it_may_not)
{
    actor_t *seller = person("seller", NULL), *buyer, *admin;
    long long id = product(seller, "10.00", 50), order;

    buyer = person("user", "100.00");
    order = buy(buyer, id, 1);
    refused(post(buyer, REVIEWS, stars(order, 5)), 409, "wrong_state");
    ship(person("delivery", NULL), order);
    refused(post(buyer, REVIEWS, stars(order, 5)), 409, "wrong_state");
    invalid(post(person("user", NULL), REVIEWS, stars(order, 5)),
            "order_item");
    invalid(post(seller, REVIEWS, stars(order, 5)), "order_item");
    invalid(post(buyer, REVIEWS, "{\"order_item\": 999999999, \"rating\": 5}"),
            "order_item");
    refused(post(person("delivery", NULL), REVIEWS, stars(order, 5)), 403,
            "permission_denied");
    refused(post(NULL, REVIEWS, stars(order, 5)), 401, "not_authenticated");

    order = buy(buyer, id, 1);
    expect(post(buyer, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    refused(post(buyer, REVIEWS, stars(order, 1)), 409, "wrong_state");
    buyer = customer(id, &order);
    admin = person("admin", NULL);
    expect(post(admin, fmt("/api/orders/%lld/refund/", order),
                "{\"reason\": \"Broken.\"}"),
           200);
    refused(post(buyer, REVIEWS, stars(order, 1)), 409, "wrong_state");
    ck_assert_str_eq(stars_of(id), "{0,0,0,0,0} 0 0.00");
    ck_assert_int_eq(notified(seller, "review_received"), 0);
}
END_TEST

START_TEST(stars_are_one_to_five)
{
    long long order;
    actor_t *buyer = customer(product(person("seller", NULL), "1.00", 5),
                              &order);

    invalid(post(buyer, REVIEWS, stars(order, 0)), "rating");
    invalid(post(buyer, REVIEWS, stars(order, 6)), "rating");
    invalid(post(buyer, REVIEWS,
                 fmt("{\"order_item\": %lld}", line_of(order))),
            "rating");
    invalid(post(buyer, REVIEWS,
                 fmt("{\"order_item\": %lld, \"rating\": 4.5}",
                     line_of(order))),
            "rating");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.reviews"
                             " WHERE author_id = %lld",
                             buyer->id),
                     0);
}
END_TEST

START_TEST(an_author_changes_and_takes_back)
{
    long long id = product(person("seller", NULL), "10.00", 5), order, review;
    actor_t *buyer = customer(id, &order);
    reply_t *r = expect(post(buyer, REVIEWS, stars(order, 2)), 201);
    const char *path = review_path(int_at(r, "id"), ""), *etag;

    review = int_at(r, "id");
    etag = header(r, "ETag");
    r = expect(patch(buyer, path, "{\"rating\": 5, \"title\": \"After all\"}"),
               200);
    same(r, "rating", "5");
    ck_assert_str_ne(text_at(r, "edited_at"), "null");
    ck_assert_str_eq(stars_of(id), "{0,0,0,0,1} 1 5.00");
    refused(http(.method = "PATCH", .path = path, .who = buyer,
                 .body = "{\"rating\": 1}",
                 .headers = {fmt("If-Match: %s", etag)}),
            412, "stale");
    refused(patch(person("user", NULL), path, "{\"rating\": 1}"), 404,
            "not_found");
    refused(delete (person("user", NULL), path), 404, "not_found");
    ck_assert(lists(get(buyer, REVIEWS "mine/"), review));
    expect(delete (buyer, path), 204);
    ck_assert_str_eq(stars_of(id), "{0,0,0,0,0} 0 0.00");
    refused(get(NULL, path), 404, "not_found");
    expect(post(buyer, REVIEWS, stars(order, 3)), 201);
    books_balance();
}
END_TEST

/* --- reading -------------------------------------------------------------- */

START_TEST(the_summary_counts_each_star)
{
    long long id = product(person("seller", NULL), "1.00", 50);
    const int ratings[] = {5, 4, 4, 1};
    long long reviews[4];
    reply_t *r;
    int i;

    for (i = 0; i < 4; i++) {
        reviews[i] = rate(id, ratings[i]);
    }
    r = expect(get(NULL, reviews_of(id, "")), 200);
    ck_assert_ptr_nonnull(header(r, "ETag"));
    same(r, "count", "4");
    same(r, "summary.count", "4");
    same(r, "summary.average", "3.5");
    same(r, "summary.stars.4", "2");
    same(r, "summary.stars.2", "0");
    ck_assert_int_eq(int_at(r, "results.0.id"), reviews[3]);
    ck_assert_ptr_null(at(r, "results.0.order"));
    r = expect(get(NULL, reviews_of(id, "&rating=4")), 200);
    same(r, "count", "2");
    same(r, "summary.count", "4");
    r = expect(get(NULL, reviews_of(id, "&ordering=rating&page_size=1")), 200);
    same(r, "results.0.rating", "1");
    r = expect(get(NULL, text_at(r, "next") + strlen(http_base())), 200);
    same(r, "results.0.rating", "4");
    r = expect(get(NULL, reviews_of(id, "&ordering=-rating&cursor="
                                        "&page_size=3")), 200);
    same(r, "results.2.rating", "4");
    r = expect(get(NULL, text_at(r, "next") + strlen(http_base())), 200);
    same(r, "results.0.rating", "1");
    same(r, "next", "null");
    invalid(get(NULL, REVIEWS), "product");
    invalid(get(NULL, reviews_of(999999999, "")), "product");
    invalid(get(NULL, reviews_of(id, "&rating=6")), "rating");
}
END_TEST

/* --- reply and moderation ------------------------------------------------- */

START_TEST(the_seller_replies_once_and_may_change_it)
{
    actor_t *seller = person("seller", NULL), *buyer;
    long long id = product(seller, "1.00", 5), order, review;
    const char *path;
    reply_t *r;

    buyer = customer(id, &order);
    review = int_at(expect(post(buyer, REVIEWS, stars(order, 1)), 201), "id");
    path = review_path(review, "reply/");
    ck_assert(lists(get(seller, REVIEWS "received/?replied=false"), review));
    refused(post(person("seller", NULL), path, "{\"reply\": \"Ha\"}"), 404,
            "not_found");
    refused(post(buyer, path, "{\"reply\": \"Me\"}"), 403,
            "permission_denied");
    refused(patch(seller, path, "{\"reply\": \"x\"}"), 404, "not_found");
    invalid(post(seller, path, "{\"reply\": \"\"}"), "reply");
    r = expect(post(seller, path, "{\"reply\": \"We are sorry.\"}"), 200);
    same(r, "reply.text", "We are sorry.");
    ck_assert_ptr_null(at(r, "order"));
    ck_assert_int_eq(notified(buyer, "review_reply"), 1);
    refused(post(seller, path, "{\"reply\": \"Again.\"}"), 409, "duplicate");
    expect(patch(seller, path, "{\"reply\": \"We are very sorry.\"}"), 200);
    same(get(NULL, review_path(review, "")), "reply.text",
         "We are very sorry.");
    ck_assert_int_eq(notified(buyer, "review_reply"), 1);
    ck_assert(!lists(get(seller, REVIEWS "received/?replied=false"), review));
}
END_TEST

START_TEST(what_is_hidden_neither_shows_nor_counts)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    long long id = product(seller, "1.00", 5), order, review;
    actor_t *buyer = customer(id, &order);
    const char *path;
    reply_t *r;

    rate(id, 5);
    review = int_at(expect(post(buyer, REVIEWS, stars(order, 1)), 201), "id");
    path = review_path(review, "hide/");
    ck_assert_str_eq(stars_of(id), "{1,0,0,0,1} 2 3.00");
    invalid(post(admin, path, "{}"), "reason");
    refused(post(seller, path, "{\"reason\": \"I do not like it.\"}"), 403,
            "permission_denied");
    expect(post(admin, path, "{\"reason\": \"Insults.\"}"), 200);
    refused(post(admin, path, "{\"reason\": \"Insults.\"}"), 409,
            "wrong_state");
    ck_assert_str_eq(stars_of(id), "{0,0,0,0,1} 1 5.00");
    ck_assert(!lists(get(NULL, reviews_of(id, "")), review));
    refused(get(NULL, review_path(review, "")), 404, "not_found");
    refused(get(seller, review_path(review, "")), 404, "not_found");
    refused(post(seller, review_path(review, "reply/"), "{\"reply\": \"x\"}"),
            404, "not_found");
    r = expect(get(buyer, review_path(review, "")), 200);
    same(r, "hidden_reason", "Insults.");
    expect(get(admin, review_path(review, "")), 200);
    r = expect(get(admin, REVIEWS "admin/?is_hidden=true&page_size=100"), 200);
    ck_assert(lists(r, review));
    same(r, "count_is_exact", "true");
    refused(delete (buyer, review_path(review, "")), 409, "wrong_state");
    expect(patch(buyer, review_path(review, ""),
                 "{\"rating\": 2, \"comment\": \"Not for me.\"}"),
           200);
    ck_assert_str_eq(stars_of(id), "{0,0,0,0,1} 1 5.00");
    books_balance();
    expect(post(admin, review_path(review, "show/"), NULL), 200);
    refused(post(admin, review_path(review, "show/"), NULL), 409,
            "wrong_state");
    ck_assert_str_eq(stars_of(id), "{0,1,0,0,1} 2 3.50");
    ck_assert(lists(get(NULL, reviews_of(id, "")), review));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log WHERE"
                             " object_type = 'review' AND object_id = %lld",
                             review),
                     2);
    books_balance();
}
END_TEST

/* --- at the same time ------------------------------------------------------ */

/* Both say something else, so that who won is who is counted. */
START_TEST(of_two_reviews_of_one_line_one_wins)
{
    long long id = product(person("seller", NULL), "1.00", DUELS), order;
    request_t requests[2];
    reply_t *replies[2];
    int round, i, sum = 0;

    for (round = 0; round < DUELS; round++) {
        actor_t *buyer = person("user", "10.00");
        int won = -1;

        order = buy(buyer, id, 1);
        sql("UPDATE ecs.orders SET courier_id = %lld, status = 'PROCESSING'"
            " WHERE id = %lld", buyer->id, order);
        sql("UPDATE ecs.orders SET status = 'SHIPPED' WHERE id = %lld", order);
        sql("UPDATE ecs.orders SET status = 'DELIVERED', delivered_at ="
            " ecs.now() WHERE id = %lld", order);
        sql("INSERT INTO ecs.order_history (order_id, status)"
            " VALUES (%lld, 'PROCESSING'), (%lld, 'SHIPPED'),"
            " (%lld, 'DELIVERED')", order, order, order);
        for (i = 0; i < 2; i++) {
            requests[i] = (request_t){.method = "POST", .path = REVIEWS,
                                      .who = buyer,
                                      .body = stars(order, i == 0 ? 1 : 4)};
        }
        all_at_once(requests, replies, 2);
        for (i = 0; i < 2; i++) {
            if (replies[i]->status == 201) {
                ck_assert_int_eq(won, -1);
                won = i;
            }
        }
        ck_assert_int_ge(won, 0);
        refused(replies[!won], 409, "duplicate");
        ck_assert_int_eq(int_at(replies[!won], "review"),
                         int_at(replies[won], "id"));
        sum += won == 0 ? 1 : 4;
    }
    ck_assert(sql_true("SELECT ratings_count = %d AND ratings[1] + 4 *"
                       " ratings[4] = %d FROM ecs.products WHERE id = %lld",
                       DUELS, sum, id));
    books_balance();
}
END_TEST

/* Writing, changing, hiding and taking back, of one product and of two of one
 * seller. */
START_TEST(stars_are_exact_when_many_write)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    long long goods[2], orders[REVIEWERS], reviews[REVIEWERS];
    actor_t *buyers[REVIEWERS];
    request_t requests[REVIEWERS];
    reply_t *replies[REVIEWERS];
    int i;

    goods[0] = product(seller, "1.00", REVIEWERS);
    goods[1] = product(seller, "1.00", REVIEWERS);
    for (i = 0; i < REVIEWERS; i++) {
        buyers[i] = customer(goods[i % 4 == 3], &orders[i]);
        requests[i] = (request_t){.method = "POST", .path = REVIEWS,
                                  .who = buyers[i],
                                  .body = stars(orders[i], 1 + i % 5)};
    }
    all_at_once(requests, replies, REVIEWERS);
    for (i = 0; i < REVIEWERS; i++) {
        reviews[i] = int_at(expect(replies[i], 201), "id");
    }
    ck_assert(sql_true("SELECT ratings_count = %d FROM ecs.users"
                       " WHERE id = %lld", REVIEWERS, seller->id));
    books_balance();
    for (i = 0; i < REVIEWERS; i++) {
        requests[i] = (request_t){.method = i % 4 == 0 ? "DELETE" : "PATCH",
                                  .path = review_path(reviews[i], ""),
                                  .who = buyers[i],
                                  .body = i % 4 == 0 ? NULL
                                                     : "{\"rating\": 2}"};
        if (i % 4 == 1) {
            requests[i].method = "POST";
            requests[i].path = review_path(reviews[i], "hide/");
            requests[i].who = admin;
            requests[i].body = "{\"reason\": \"x\"}";
        }
    }
    all_at_once(requests, replies, REVIEWERS);
    for (i = 0; i < REVIEWERS; i++) {
        expect(replies[i], i % 4 == 0 ? 204 : 200);
    }
    ck_assert_str_eq(sql("SELECT ratings FROM ecs.users WHERE id = %lld",
                         seller->id),
                     fmt("{0,%d,0,0,0}", REVIEWERS / 2));
    books_balance();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {who_bought_it_may_review_it_once,
                                  who_did_not_get_it_may_not,
                                  stars_are_one_to_five,
                                  an_author_changes_and_takes_back,
                                  the_summary_counts_each_star,
                                  the_seller_replies_once_and_may_change_it,
                                  what_is_hidden_neither_shows_nor_counts,
                                  of_two_reviews_of_one_line_one_wins,
                                  stars_are_exact_when_many_write,
                                  NULL};

    return suite_run("reviews", tests, 60);
}
