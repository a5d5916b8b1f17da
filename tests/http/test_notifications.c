/* SPDX-License-Identifier: MIT */
/*
 * test_notifications.c - what the shop tells its people (api.md section 11).
 */
#include "support.h"
#include "shop.h"

#define LIST "/api/notifications/"
#define PREFERENCES "/api/notifications/preferences/"

/* Somebody with one order and so with news. */
static actor_t *someone_with_news(long long *order)
{
    actor_t *buyer = person("user", "50.00");

    *order = buy(buyer, product(person("seller", NULL), "1.00", 20), 1);
    return buyer;
}

START_TEST(news_come_newest_first)
{
    long long order;
    actor_t *buyer = someone_with_news(&order);
    reply_t *r;

    expect(post(buyer, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    r = expect(get(buyer, LIST), 200);
    same(r, "count", "2");
    same(r, "unread_count", "2");
    same(r, "results.0.type", "order_cancelled");
    same(r, "results.1.type", "order_created");
    same(r, "results.1.is_read", "false");
    same(r, "results.1.content_object.type", "order");
    ck_assert_int_eq(int_at(r, "results.1.content_object.id"), order);
    ck_assert(json_is_object(at(r, "results.1.extra_data")));
}
END_TEST

START_TEST(reading_counts_down)
{
    long long order;
    actor_t *buyer = someone_with_news(&order);
    long long id = int_at(get(buyer, LIST), "results.0.id");
    const char *path = fmt(LIST "%lld/", id);

    same(get(buyer, LIST "unread-count/"), "unread_count", "1");
    same(expect(get(buyer, path), 200), "is_read", "false");
    expect(post(buyer, fmt(LIST "%lld/read/", id), NULL), 200);
    same(get(buyer, path), "is_read", "true");
    same(get(buyer, LIST "unread-count/"), "unread_count", "0");
    expect(post(buyer, fmt(LIST "%lld/read/", id), NULL), 200);
}
END_TEST

START_TEST(all_can_be_read_at_once)
{
    long long order;
    actor_t *buyer = someone_with_news(&order),
            *other = someone_with_news(&order);

    expect(post(buyer, LIST "read-all/", NULL), 200);
    same(get(buyer, LIST), "unread_count", "0");
    same(get(buyer, LIST "?is_read=true"), "count", "1");
    same(get(buyer, LIST "?is_read=false"), "count", "0");
    same(get(other, LIST), "unread_count", "1");
}
END_TEST

/* Read by many at the same time, each counts once. */
START_TEST(parallel_readers_count_once)
{
    long long order;
    actor_t *buyer = someone_with_news(&order);
    request_t requests[12];
    reply_t *replies[12];
    long long first;
    int i;

    expect(post(buyer, fmt("/api/orders/%lld/cancel/", order), NULL), 200);
    first = int_at(get(buyer, LIST), "results.1.id");
    for (i = 0; i < 12; i++) {
        requests[i] = (request_t){
            .method = i % 3 == 2 ? "GET" : "POST", .who = buyer,
            .path = i % 3 == 2 ? LIST "unread-count/"
                               : fmt(LIST "%lld/read/", first)};
    }
    all_at_once(requests, replies, 12);
    for (i = 0; i < 12; i++) {
        expect(replies[i], 200);
        if (i % 3 == 2) {
            ck_assert_int_ge(int_at(replies[i], "unread_count"), 1);
            ck_assert_int_le(int_at(replies[i], "unread_count"), 2);
        }
    }
    same(get(buyer, LIST "unread-count/"), "unread_count", "1");
    ck_assert(sql_true("SELECT version = 2 FROM ecs.notifications WHERE id ="
                       " %lld", first));
}
END_TEST

START_TEST(news_can_be_filtered)
{
    long long order;
    actor_t *buyer = someone_with_news(&order);

    same(get(buyer, LIST "?type=order_created"), "count", "1");
    same(get(buyer, LIST "?type=order_shipped"), "count", "0");
    invalid(get(buyer, LIST "?type=gossip"), "type");
    invalid(get(buyer, LIST "?is_read=perhaps"), "is_read");
}
END_TEST

START_TEST(news_are_private)
{
    long long order, id;
    actor_t *buyer = someone_with_news(&order), *other = person("user", NULL);

    id = int_at(get(buyer, LIST), "results.0.id");
    refused(get(other, fmt(LIST "%lld/", id)), 404, "not_found");
    refused(post(other, fmt(LIST "%lld/read/", id), NULL), 404, "not_found");
    same(get(buyer, LIST), "unread_count", "1");
    same(get(other, LIST), "count", "0");
}
END_TEST

START_TEST(who_does_not_want_to_know_is_not_told)
{
    actor_t *buyer = person("user", "50.00");
    long long id = product(person("seller", NULL), "1.00", 20);
    reply_t *r;

    expect(get(buyer, PREFERENCES), 200);
    r = patch(buyer, PREFERENCES,
              "{\"type\": \"order_created\", \"in_app\": false}");
    expect(r, 200);
    buy(buyer, id, 1);
    same(get(buyer, LIST), "count", "0");
    expect(patch(buyer, PREFERENCES,
                 "{\"type\": \"order_created\", \"in_app\": true}"),
           200);
    buy(buyer, id, 1);
    same(get(buyer, LIST), "count", "1");
    invalid(patch(buyer, PREFERENCES, "{\"type\": \"gossip\"}"), "type");
}
END_TEST

START_TEST(news_keep_secrets)
{
    long long order;
    actor_t *buyer = someone_with_news(&order);
    actor_t *courier = person("delivery", NULL);
    reply_t *r;

    deliver(buyer, courier, order);
    r = expect(get(buyer, LIST), 200);
    ck_assert_ptr_null(strstr(r->body, courier->email));
    ck_assert_ptr_null(strstr(r->body, "token"));
    ck_assert_ptr_null(strstr(r->body, "\"pin\""));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        news_come_newest_first,  reading_counts_down,
        all_can_be_read_at_once, parallel_readers_count_once,
        news_can_be_filtered,
        news_are_private,        who_does_not_want_to_know_is_not_told,
        news_keep_secrets,       NULL};

    return suite_run("notifications", tests, 20);
}
