/* SPDX-License-Identifier: MIT */
/*
 * story.c - one order from listing to payout, others that are cancelled,
 * refunded and returned in part, and one auction from draft to payout, told step
 * by step: `make story`.
 *
 * Everything is done over HTTP by the people whose business it is; only hours
 * and days are made to pass in the database. Two sellers share the order, so
 * that it shows how a payment is split.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include "mailbox.h"
#include "bookkeeper.h"
#include "support.h"
#include "shop.h"

#define OWN_PASSWORD "juniper-kettle-77"

/* Everybody of the story. */
static actor_t superadmin, admin, courier, buyer, rose, omar;
static const char *platform_before;

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    static int step;
    va_list args;

    printf("\n%2d. ", ++step);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static void show_wallets(void)
{
    const actor_t *people[] = {&buyer, &rose, &omar};
    const char *names[] = {"buyer", "Rose", "Omar"};
    size_t i;

    for (i = 0; i < 3; i++) {
        reply_t *r = expect(get(people[i], "/api/wallet/"), 200);
        printf("      %-6s balance %8s   held %8s\n", names[i],
               text_at(r, "balance"), text_at(r, "held_balance"));
    }
}

/* Signs in over HTTP and remembers the token. */
static void enter(actor_t *who, const char *email, const char *password)
{
    reply_t *r = expect(
        post(NULL, "/api/accounts/token/",
             fmt("{\"email\": \"%s\", \"password\": \"%s\"}", email, password)),
        200);

    who->email = email;
    who->access = text_at(r, "access");
    who->id = int_at(r, "user.id");
    who->username = text_at(r, "user.username");
    who->role = text_at(r, "user.role");
}

static void sign_up(actor_t *who, const char *name, const char *role)
{
    const char *username = unique(name);
    const char *email = fmt("%s@example.com", username);

    expect(post(NULL, "/api/accounts/register/",
                fmt("{\"email\": \"%s\", \"username\": \"%s\", \"password\":"
                    " \"%s\", \"role\": \"%s\"}",
                    email, username, OWN_PASSWORD, role)),
           201);
    enter(who, email, OWN_PASSWORD);
    ck_assert_str_eq(who->role, role);
}

/* Accounts of those who work for the shop are made by others; the password is
 * their own, set with the code of the invitation. */
static void appoint(const actor_t *by, actor_t *who, const char *name,
                    const char *role)
{
    const char *username = unique(name);
    const char *email = fmt("%s@example.com", username);

    expect(post(by, "/api/accounts/users/",
                fmt("{\"email\": \"%s\", \"username\": \"%s\", \"role\":"
                    " \"%s\"}",
                    email, username, role)),
           201);
    expect(post(NULL, "/api/accounts/password/reset/confirm/",
                fmt("{\"token\": \"%s\", \"new_password\": \"%s\"}",
                    token_of(mail(email, "invitation", 0)), OWN_PASSWORD)),
           204);
    enter(who, email, OWN_PASSWORD);
}

static void people_come_together(void)
{
    if (getenv("ECS_SUPERADMIN") != NULL) {
        enter(&superadmin, setting("ECS_SUPERADMIN"), setting("ECS_PASSWORD"));
    }
    else {
        superadmin = *person("superadmin", NULL);
    }
    tell("The superadmin appoints an admin; the admin hires a courier. Both"
         " get a mail with a code, and set their passwords.");
    appoint(&superadmin, &admin, "story_admin", "admin");
    appoint(&admin, &courier, "story_courier", "delivery");
    tell("Rose and Omar register as sellers, and somebody who wants to buy.");
    sign_up(&rose, "rose", "seller");
    sign_up(&omar, "omar", "seller");
    sign_up(&buyer, "buyer", "user");
    expect(patch(&buyer, "/api/accounts/me/",
                 "{\"location_lat\": \"33.513800\", \"location_lng\":"
                 " \"36.276500\", \"location_address\":"
                 " \"12 Straight Street\", \"city\": \"Damascus\"}"),
           200);
}

/* A seller proposes, the admin approves. */
static long long put_on_sale(const actor_t *seller, long long category_id,
                             const char *name, const char *price, int quantity)
{
    reply_t *r = expect(
        post(seller, "/api/product/products/",
             fmt("{\"name\": \"%s\", \"description\": \"Made by hand.\","
                 " \"price\": \"%s\", \"quantity\": %d, \"category\": %lld}",
                 name, price, quantity, category_id)),
        201);
    long long id = int_at(r, "id");

    same(r, "status", "PENDING");
    expect(get(NULL, fmt("/api/product/products/%lld/", id)), 404);
    r = expect(post(&admin,
                    fmt("/api/product/products/admin/%lld/approve/", id), NULL),
               200);
    same(r, "status", "APPROVED");
    expect(get(NULL, fmt("/api/product/products/%lld/", id)), 200);
    return id;
}

/* Whoever has no points yet needs the shop's leave; the admin says yes. */
static void rose_gets_her_brand(long long lamp)
{
    reply_t *r;
    long long brand;

    tell("The superadmin lets sellers have brands from 0 points on; Rose asks"
         " for one, the admin approves it, her lamp carries it.");
    expect(patch(&superadmin, "/api/settings/", "{\"brand_min_points\": 0}"),
           200);
    r = expect(post(&rose, "/api/product/brands/create/",
                    fmt("{\"name\": \"%s\"}", unique("Rosewood"))),
               201);
    brand = int_at(r, "id");
    same(r, "status", "PENDING");
    expect(get(NULL, fmt("/api/product/brands/%lld/", brand)), 404);
    expect(post(&admin, fmt("/api/product/brands/admin/%lld/approve/", brand),
                NULL),
           200);
    expect(patch(&rose, fmt("/api/product/products/%lld/assign-brand/", lamp),
                 fmt("{\"brand\": %lld}", brand)),
           200);
    r = expect(get(NULL, fmt("/api/product/products/%lld/", lamp)), 200);
    ck_assert_int_eq(int_at(r, "brand.id"), brand);
}

static void sale_begins(long long lamp)
{
    reply_t *r;

    tell("The admin opens a sale; Rose gives 20 %% off her lamp.");
    r = expect(post(&admin, "/api/product/sales/",
                    fmt("{\"name\": \"%s\", \"starts_at\": \"%s\","
                        " \"ends_at\": \"%s\"}",
                        unique("Spring"), sql("SELECT ecs_lib.ts(ecs.now())"),
                        sql("SELECT ecs_lib.ts(ecs.now() + '1 day')"))),
               201);
    expect(post(&rose,
                fmt("/api/product/sales/%lld/products/", int_at(r, "id")),
                fmt("{\"product\": %lld, \"percentage\": 20}", lamp)),
           201);
    r = expect(get(NULL, fmt("/api/product/products/%lld/", lamp)), 200);
    same(r, "price", "15.63");
    same(r, "current_price", "12.50");
    same(r, "discount_source", "SALE");
    printf("      brass lamp: 15.63, now 12.50\n");
}

static void buyer_searches(long long category, long long lamp)
{
    reply_t *r;

    tell("The buyer, in haste, looks for \"lampp bras\" under 13.00.");
    r = expect(get(NULL, fmt("/api/product/products/?search=lampp+bras"
                             "&category=%lld&max_price=13.00",
                             category)),
               200);
    same(r, "count", "1");
    ck_assert_int_eq(int_at(r, "results.0.id"), lamp);
}

static void buyer_pays_in(void)
{
    tell("The admin pays 200.00 into the buyer's wallet.");
    expect(post(&admin, fmt("/api/wallet/admin/%lld/deposit/", buyer.id),
                fmt("{\"amount\": \"200.00\", \"reference\": \"%s\","
                    " \"reason\": \"bank transfer\"}",
                    unique("bank"))),
           201);
    show_wallets();
}

static long long goods_are_bought(long long lamp, long long rug)
{
    long long order;
    reply_t *r;

    buyer_pays_in();
    tell("The buyer puts two lamps (12.50) and a rug (40.00) into the cart.");
    add_to_cart(&buyer, lamp, 2);
    add_to_cart(&buyer, rug, 1);
    r = expect(get(&buyer, "/api/cart/"), 200);
    same(r, "subtotal", "71.26");
    same(r, "discount_total", "6.26");
    same(r, "total", "65.00");
    same(r, "can_checkout", "true");
    tell("Checkout: stock is taken, 65.00 is held, nobody is paid yet.");
    r = expect(post(&buyer, "/api/orders/checkout/",
                    "{\"expected_total\": \"65.00\"}"),
               201);
    order = int_at(r, "id");
    same(r, "status", "CREATED");
    same(r, "held_amount", "65.00");
    printf("      order %s\n", text_at(r, "order_number"));
    show_wallets();
    wallet_is(&buyer, "135.00 65.00");
    ck_assert_int_eq(stock(lamp), 8);
    ck_assert_int_eq(stock(rug), 4);
    return order;
}

static void order_is_delivered(long long order)
{
    const char *pin;
    reply_t *r;

    tell("The courier claims the order, fetches the goods and sets out.");
    claim(&courier, order);
    ck_assert_str_eq(order_status(order), "PROCESSING");
    r = expect(
        post(&courier, fmt("/api/delivery/orders/%lld/advance/", order), NULL),
        200);
    same(r, "status", "SHIPPED");
    pin = pin_of(&buyer, order);
    tell(
        "At the door the buyer reads out a PIN; the courier mistypes it once.");
    r = refused(post(&courier, fmt("/api/orders/%lld/proof/confirm/", order),
                     fmt("{\"pin\": \"%s\"}", wrong_pin(pin))),
                400, "wrong_proof");
    same(r, "attempts_left", "4");
    r = expect(post(&courier, fmt("/api/orders/%lld/proof/confirm/", order),
                    fmt("{\"pin\": \"%s\"}", pin)),
               200);
    same(r, "status", "DELIVERED");
    show_wallets();
    wallet_is(&buyer, "135.00 65.00");
}

static void sellers_are_paid(long long order)
{
    const char *path = fmt("/api/orders/%lld/complete/", order);

    tell("The buyer wants to complete at once, but goods may come back for"
         " three days.");
    refused(post(&buyer, path, NULL), 409, "too_early");
    tell("Three days pass; now the order completes and the sellers are paid.");
    pass("3 days 1 minute");
    same(expect(post(&buyer, path, NULL), 200), "status", "COMPLETED");
    show_wallets();
    wallet_is(&buyer, "135.00 0.00");
    wallet_is(&rose, "24.00 0.00");
    wallet_is(&omar, "38.40 0.00");
    ck_assert_str_eq(
        sql("SELECT available - %s FROM ecs.wallets WHERE kind = 'platform'",
            platform_before),
        "2.60");
    printf("      platform + 2.60 (4 %%)\n");
}

static void buyer_has_a_say(long long order, long long lamp)
{
    reply_t *r;
    const char *path;

    tell("The buyer gives the lamp four stars; Rose replies.");
    r = expect(post(&buyer, "/api/reviews/",
                    fmt("{\"order_item\": %lld, \"rating\": 4, \"comment\":"
                        " \"Warm light.\"}",
                        sql_int("SELECT id FROM ecs.order_items WHERE order_id"
                                " = %lld AND product_id = %lld",
                                order, lamp))),
               201);
    path = fmt("/api/reviews/%lld/reply/", int_at(r, "id"));
    ck_assert_int_eq(notified(&rose, "review_received"), 1);
    expect(post(&rose, path, "{\"reply\": \"Thank you!\"}"), 200);
    r = expect(get(NULL, fmt("/api/reviews/?product=%lld", lamp)), 200);
    same(r, "summary.stars.4", "1");
    same(r, "results.0.reply.text", "Thank you!");
    printf("      brass lamp: %s stars of %s review\n",
           text_at(r, "summary.average"), text_at(r, "summary.count"));
}

/* The mailbox of the instance: the demo's is at /demo/mail/. */
static void buyer_reads_mails(void)
{
    static const char *const subjects[] = {"Order created", "Order claimed",
                                           "Order shipped", "Order delivered"};
    int i, n = 0;

    tell("Meanwhile the buyer's mailbox has filled.");
    for (i = 0; i < 4; n++) {
        const char *subject = mail_header(mail(buyer.email, "notification", n),
                                          "Subject");

        printf("      %s\n", subject);
        i += strstr(subject, subjects[i]) != NULL;
    }
}

static void auditor_is_content(void)
{
    reply_t *r = expect(get(&admin, "/api/wallet/admin/audit/"), 200);
    json_t *line;
    size_t i;

    tell("The admin asks for the audit: does every figure hold?");
    ck_assert_uint_gt(length_at(r, "invariants"), 0);
    json_array_foreach(at(r, "invariants"), i, line)
    {
        printf("      %-52s %s\n",
               json_string_value(json_object_get(line, "name")),
               json_is_true(json_object_get(line, "holds")) ? "yes" : "NO");
        ck_assert(json_is_true(json_object_get(line, "holds")));
    }
    books_balance();
}

START_TEST(one_order_from_listing_to_payout)
{
    long long category, lamp, rug, order;

    people_come_together();
    platform_before = platform_balance();
    tell("The admin opens a category.");
    category = int_at(expect(post(&admin, "/api/product/categories/",
                                  fmt("{\"name\": \"%s\"}", unique("Home"))),
                             201),
                      "id");
    tell("Rose lists a lamp, Omar a rug; the admin approves both.");
    lamp = put_on_sale(&rose, category, "Brass lamp", "15.63", 10);
    rug = put_on_sale(&omar, category, "Wool rug", "40.00", 5);
    rose_gets_her_brand(lamp);
    sale_begins(lamp);
    buyer_searches(category, lamp);
    tell("The admin names a program that keeps books to the shop.");
    bookkeeper_comes(&admin);
    order = goods_are_bought(lamp, rug);
    order_is_delivered(order);
    buyer_reads_mails();
    sellers_are_paid(order);
    tell("The bookkeeper was told, and has verified each signature.");
    bookkeeper_knows("order.created", order);
    bookkeeper_knows("order.delivered", order);
    bookkeeper_knows("order.completed", order);
    bookkeeper_goes(&admin);
    buyer_has_a_say(order, lamp);
    auditor_is_content();
    printf("\n");
}
END_TEST

/* --- what goes wrong ------------------------------------------------------ */

static void an_order_is_cancelled(long long rug)
{
    long long order = buy(&buyer, rug, 1);

    tell("The buyer orders a rug by mistake. Not shipped yet, it is cancelled:"
         " money and rug are back.");
    wallet_is(&buyer, "160.00 40.00");
    same(expect(post(&buyer, fmt("/api/orders/%lld/cancel/", order),
                     "{\"reason\": \"By mistake.\"}"),
                200),
         "status", "CANCELLED");
    wallet_is(&buyer, "200.00 0.00");
    ck_assert_int_eq(stock(rug), 5);
}

/* One of the two lamps that come back is damaged, and Rose's packing to blame. */
static void lamps_come_back(long long order, long long lamp)
{
    const char *complete = fmt("/api/orders/%lld/complete/", order);
    long long sent_back;
    reply_t *r;

    tell("Two of the lamps hum: the buyer wants to return them. Three days"
         " later the order does not complete before that is decided.");
    sent_back = ask_back(&buyer, order, 2);
    pass("3 days 1 minute");
    refused(post(&buyer, complete, NULL), 409, "return_open");
    tell("The courier fetches them and writes down: one as new, one damaged.");
    expect(post(&courier, fmt("/api/returns/%lld/process-statuses/", sent_back),
                "{\"items\": [{\"condition\": \"NEW\", \"quantity\": 1},"
                " {\"condition\": \"DAMAGED\", \"quantity\": 1, \"notes\":"
                " \"Thin box\"}]}"),
           200);
    tell("The admin accepts: 22.50 go back, what was paid for the two. One lamp"
         " is on sale again, and Rose, who packed them badly, loses points.");
    r = expect(decide(&admin, sent_back,
                      "{\"status\": \"APPROVED\", \"seller_fault\": true}"),
               200);
    same(r, "refund_amount", "22.50");
    same(r, "penalty_points", "5");
    ck_assert_int_eq(stock(lamp), 8);
    ck_assert_int_eq(notified(&rose, "points_penalty"), 1);
    show_wallets();
    wallet_is(&buyer, "152.75 47.25");
    tell("Nothing is open any more. Rose gets what is left of her line, Omar"
         " his.");
    same(expect(post(&buyer, complete, NULL), 200), "status", "COMPLETED");
    show_wallets();
}

START_TEST(what_goes_wrong_is_put_right)
{
    long long category, lamp, rug, order;

    people_come_together();
    category = int_at(expect(post(&admin, "/api/product/categories/",
                                  fmt("{\"name\": \"%s\"}", unique("Hall"))),
                             201),
                      "id");
    lamp = put_on_sale(&rose, category, "Brass lamp", "12.50", 10);
    rug = put_on_sale(&omar, category, "Wool rug", "40.00", 5);
    buyer_pays_in();
    an_order_is_cancelled(rug);
    tell("Three lamps and a rug are ordered and arrive, but late. The admin"
         " gives a tenth of the 77.50 back; both payouts shrink alike.");
    add_to_cart(&buyer, lamp, 3);
    order = buy(&buyer, rug, 1);
    deliver(&buyer, &courier, order);
    same(expect(post(&admin, fmt("/api/orders/%lld/refund/", order),
                     "{\"reason\": \"Late\", \"amount\": \"7.75\"}"),
                200),
         "held_amount", "69.75");
    show_wallets();
    lamps_come_back(order, lamp);
    wallet_is(&buyer, "152.75 0.00");
    wallet_is(&rose, "10.80 0.00");  /* 33.75 - 22.50 less 4 % */
    wallet_is(&omar, "34.56 0.00");  /* 36.00 less 4 % */
    books_balance();
    printf("\n");
}
END_TEST

/* --- an auction ----------------------------------------------------------- */

#define CLOCK_WAIT_S 20 /* until the clock's work counts as not done */

static actor_t anna, ben, cleo;

/* "balance held" of the three bidders, also told. */
static void purses_are(const char *annas, const char *bens, const char *cleos)
{
    const actor_t *people[] = {&anna, &ben, &cleo};
    const char *names[] = {"Anna", "Ben", "Cleo"};
    const char *expected[] = {annas, bens, cleos};
    size_t i;

    for (i = 0; i < 3; i++) {
        reply_t *r = expect(get(people[i], "/api/wallet/"), 200);
        const char *purse = fmt("%s %s", text_at(r, "balance"),
                                text_at(r, "held_balance"));

        ck_assert_str_eq(purse, expected[i]);
        printf("      %-6s balance %8s   held %8s\n", names[i],
               text_at(r, "balance"), text_at(r, "held_balance"));
    }
}

static void bidder_comes(actor_t *who, const char *name)
{
    sign_up(who, name, "user");
    expect(patch(who, "/api/accounts/me/",
                 "{\"location_lat\": \"33.5\", \"location_lng\": \"36.3\","
                 " \"city\": \"Damascus\"}"),
           200);
    expect(post(&admin, fmt("/api/wallet/admin/%lld/deposit/", who->id),
                fmt("{\"amount\": \"100.00\", \"reference\": \"%s\","
                    " \"reason\": \"bank transfer\"}",
                    unique("bank"))),
           201);
}

static const char *auction_path(long long id, const char *rest)
{
    return fmt("/api/auctions/%lld/%s", id, rest);
}

/* What the clock does, a moment later is done. */
static reply_t *auction_becomes(long long id, const char *status)
{
    int tries;

    for (tries = 0; tries < CLOCK_WAIT_S * 10; tries++) {
        reply_t *r = expect(get(NULL, auction_path(id, "")), 200);

        if (strcmp(text_at(r, "status"), status) == 0) {
            return r;
        }
        usleep(100000);
    }
    ck_abort_msg("auction %lld does not become %s", id, status);
    return NULL;
}

static reply_t *place_bid(const actor_t *who, long long id, const char *member,
                          const char *amount)
{
    reply_t *r = expect(post(who, auction_path(id, "bid/"),
                             fmt("{\"%s\": \"%s\"}", member, amount)),
                        201);

    printf("      price %s, next bid %s, ends %s\n", text_at(r, "current_price"),
           text_at(r, "minimum_bid"), text_at(r, "end_at"));
    return r;
}

/* Two of five vases, from 10.00 on, not under 15.00 each, for a day. */
static long long vases_are_proposed(long long vase)
{
    reply_t *r;
    long long id;

    tell("Rose drafts an auction of two vases, from 10.00 each, with a"
         " reserve of 15.00.");
    r = expect(post(&rose, "/api/auctions/create/",
                    fmt("{\"product\": %lld, \"title\": \"Two blue vases\","
                        " \"quantity\": 2, \"start_price\": \"10.00\","
                        " \"reserve_price\": \"15.00\", \"start_at\": \"%s\","
                        " \"end_at\": \"%s\", \"draft\": true}",
                        vase, sql("SELECT ecs_lib.ts(ecs.now() + '2 seconds')"),
                        sql("SELECT ecs_lib.ts(ecs.now() + '1 day')"))),
               201);
    id = int_at(r, "id");
    same(r, "status", "DRAFT");
    ck_assert_int_eq(stock(vase), 5);
    tell("She submits it: the vases are off the shelf. The admin approves, and"
         " at its time the clock begins it.");
    same(expect(post(&rose, auction_path(id, "submit/"), NULL), 200), "status",
         "SUBMITTED");
    ck_assert_int_eq(stock(vase), 3);
    expect(get(NULL, auction_path(id, "")), 404);
    same(expect(post(&admin, fmt("/api/auctions/admin/%lld/review/", id),
                     "{\"action\": \"approve\"}"),
                200),
         "status", "SCHEDULED");
    auction_becomes(id, "ACTIVE");
    return id;
}

static void three_bid(long long id)
{
    reply_t *r;

    tell("Anna bids 10.00 for each: 20.00 of hers are held.");
    place_bid(&anna, id, "amount", "10.00");
    purses_are("80.00 20.00", "100.00 0.00", "100.00 0.00");
    same(get(NULL, auction_path(id, "")), "reserve_met", "false");
    tell("Ben would give up to 20.00. That meets the reserve, so the price is"
         " that; Anna has her money back.");
    same(place_bid(&ben, id, "max_amount", "20.00"), "current_price", "15.00");
    purses_are("100.00 0.00", "60.00 40.00", "100.00 0.00");
    r = get(&anna, auction_path(id, ""));
    same(r, "reserve_met", "true");
    same(r, "my_max", "null");
    tell("Cleo bids 18.00, and the shop 19.00 for Ben.");
    r = place_bid(&cleo, id, "amount", "18.00");
    same(r, "is_leading", "false");
    same(r, "current_price", "19.00");
    purses_are("100.00 0.00", "60.00 40.00", "100.00 0.00");
    r = get(NULL, auction_path(id, "bids/"));
    same(r, "results.0.automatic", "true");
    ck_assert_ptr_null(strstr(r->body, ben.username));
}

static void snipers_come(long long id)
{
    tell("A minute before the end Cleo bids 25.00. Nobody shall win by being"
         " late: there are two minutes again.");
    pass("23 hours 59 minutes");
    place_bid(&cleo, id, "amount", "25.00");
    purses_are("100.00 0.00", "100.00 0.00", "50.00 50.00");
    same(get(NULL, auction_path(id, "")), "extensions", "1");
    tell("So Ben, whom a notification told, is in time with up to 40.00.");
    ck_assert_int_eq(notified(&ben, "auction_outbid"), 1);
    pass("61 seconds");
    same(place_bid(&ben, id, "max_amount", "40.00"), "current_price", "26.00");
    purses_are("100.00 0.00", "20.00 80.00", "100.00 0.00");
}

static long long the_hammer_falls(long long id, long long vase)
{
    reply_t *r;
    long long order;

    tell("Two minutes pass, and the clock ends it. Ben has two vases for 26.00"
         " each; the rest of his maximum is free.");
    pass("121 seconds");
    r = auction_becomes(id, "ENDED");
    same(r, "result", "SOLD");
    purses_are("100.00 0.00", "48.00 52.00", "100.00 0.00");
    refused(post(&anna, auction_path(id, "bid/"), "{\"amount\": \"50.00\"}"),
            409, "wrong_state");
    ck_assert_int_eq(notified(&ben, "auction_won"), 1);
    ck_assert_int_eq(notified(&anna, "auction_lost"), 1);
    ck_assert_int_eq(notified(&cleo, "auction_lost"), 1);
    ck_assert_int_eq(notified(&rose, "auction_sold"), 1);
    ck_assert_int_eq(stock(vase), 3);
    order = int_at(get(&ben, auction_path(id, "")), "order");
    r = expect(get(&ben, fmt("/api/orders/%lld/", order)), 200);
    same(r, "status", "CREATED");
    same(r, "total", "52.00");
    printf("      order %s\n", text_at(r, "order_number"));
    tell("An admin who closes it once more gets the same answer.");
    r = expect(post(&admin, fmt("/api/auctions/admin/auctions/%lld/close/", id),
                    NULL),
               200);
    ck_assert_int_eq(int_at(r, "order"), order);
    purses_are("100.00 0.00", "48.00 52.00", "100.00 0.00");
    return order;
}

START_TEST(one_auction_from_draft_to_payout)
{
    long long category, vase, id, order;

    people_come_together();
    platform_before = platform_balance();
    tell("Anna, Ben and Cleo register, and pay 100.00 in each.");
    bidder_comes(&anna, "anna");
    bidder_comes(&ben, "ben");
    bidder_comes(&cleo, "cleo");
    category = int_at(expect(post(&admin, "/api/product/categories/",
                                  fmt("{\"name\": \"%s\"}", unique("Glass"))),
                             201),
                      "id");
    vase = put_on_sale(&rose, category, "Blue vase", "30.00", 5);
    id = vases_are_proposed(vase);
    three_bid(id);
    snipers_come(id);
    order = the_hammer_falls(id, vase);
    tell("The courier brings the vases; three days later Ben completes the"
         " order, and Rose is paid.");
    deliver(&ben, &courier, order);
    purses_are("100.00 0.00", "48.00 52.00", "100.00 0.00");
    pass("3 days 1 minute");
    same(expect(post(&ben, fmt("/api/orders/%lld/complete/", order), NULL),
                200),
         "status", "COMPLETED");
    purses_are("100.00 0.00", "48.00 0.00", "100.00 0.00");
    wallet_is(&rose, "49.92 0.00");
    ck_assert_str_eq(
        sql("SELECT available - %s FROM ecs.wallets WHERE kind = 'platform'",
            platform_before),
        "2.08");
    printf("      Rose + 49.92, platform + 2.08 (4 %%)\n");
    auditor_is_content();
    printf("\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_order_from_listing_to_payout,
                                  what_goes_wrong_is_put_right,
                                  one_auction_from_draft_to_payout, NULL};

    return suite_run("story", tests, 60);
}
