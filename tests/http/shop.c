/* SPDX-License-Identifier: MIT */
/*
 * shop.c - see shop.h.
 */
#include "shop.h"
#include "support.h"

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_time.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>
#include "jwt.h"
#include "password.h"
#include "secrets.h"

#define SESSION_LIFETIME_S 900 /* of tokens the tests make */
#define ROUNDS_MAX 20          /* in which a request may be turned away */

static apr_pool_t *pool;
static ecs_secrets_t *keys;
static const char *audience;
static const char *password_hash;

/* --- words --------------------------------------------------------------- */

const char *unique(const char *beginning)
{
    static int count;

    return fmt("%s_%llx_%x_%d", beginning,
               (unsigned long long)apr_time_now() / 1000, (unsigned)getpid(),
               ++count);
}

/* --- people -------------------------------------------------------------- */

/* Functions that make people and goods, one statement each. */
static void make_helpers(void)
{
    sql("BEGIN; SELECT pg_advisory_xact_lock(4711);"
        "CREATE OR REPLACE FUNCTION ecs_test.person(p_name text, p_role text,"
        " p_hash text, p_money numeric) RETURNS text LANGUAGE plpgsql AS $$ "
        "DECLARE v_id bigint; v_session bigint; BEGIN "
        "INSERT INTO ecs.users (email, username, role, password_hash)"
        " VALUES (p_name || '@example.com', p_name, p_role, p_hash)"
        " RETURNING id INTO v_id;"
        "INSERT INTO ecs.profiles (user_id, location_lat, location_lng,"
        " location_address, city) VALUES (v_id, 33.5138, 36.2765,"
        " '12 Straight Street', 'Damascus');"
        "INSERT INTO ecs.wallets (user_id) VALUES (v_id);"
        "INSERT INTO ecs.sessions (user_id, expires_at)"
        " VALUES (v_id, ecs.now() + interval '30 days')"
        " RETURNING id INTO v_session;"
        "IF p_money > 0 THEN PERFORM ecs.transfer("
        " ecs.system_account('outside'), ecs.available(v_id), p_money,"
        " 'DEPOSIT', p_reference => 'test ' || p_name); END IF;"
        "RETURN v_id || ' ' || v_session; END $$;"
        "INSERT INTO ecs.categories (name, slug)"
        " SELECT 'Things of the tests', 'things-of-the-tests'"
        " WHERE NOT EXISTS (SELECT FROM ecs.categories"
        "  WHERE name = 'Things of the tests');"
        "COMMIT");
}

/* An order up to a state; the proof on the way is nobody's. */
static void make_road(void)
{
    sql("BEGIN; SELECT pg_advisory_xact_lock(4711);"
        "CREATE OR REPLACE FUNCTION ecs_test.order_in(p_status text,"
        " p_buyer bigint, p_courier bigint, p_product bigint,"
        " p_quantity integer) RETURNS bigint LANGUAGE plpgsql AS $$ "
        "DECLARE b CONSTANT ecs.caller := (p_buyer, 'user', NULL, NULL, NULL,"
        " NULL); c CONSTANT ecs.caller := (p_courier, 'delivery', NULL, NULL,"
        " NULL, NULL); v_id bigint; BEGIN "
        "INSERT INTO ecs.cart_items (user_id, product_id, quantity)"
        " VALUES (p_buyer, p_product, p_quantity);"
        "v_id := (ecs_api.orders_checkout(b, NULL)).body ->> 'id';"
        "IF p_status <> 'CREATED' THEN"
        " PERFORM ecs_api.delivery_claim(c, v_id); END IF;"
        "IF p_status = 'DELIVERED' THEN"
        " PERFORM ecs_api.delivery_advance(c, v_id, NULL, NULL, NULL, NULL,"
        "  NULL, 'nonce', 'pin', 'token');"
        " PERFORM ecs_api.orders_proof_confirm(c, v_id, NULL, NULL, NULL,"
        "  'pin', NULL); END IF;"
        "RETURN v_id; END $$;"
        "COMMIT");
}

/* The key file of the instance, and the audience its tokens name. */
static void read_keys(void)
{
    const char *error = NULL;
    actor_t *who;

    keys = ecs_secrets_load(pool, state_file("key"), NULL, &error);
    ck_assert_msg(keys != NULL, "%s", error);
    audience = "not known yet";
    who = person("user", NULL);
    sign_in(who);
    audience =
        json_string_value(json_object_get(token_claims(who->access), "aud"));
    ck_assert_msg(audience != NULL, "a token without aud");
}

void shop_open(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    password_hash = ecs_password_hash(pool, PASSWORD);
    ck_assert_ptr_nonnull(password_hash);
    make_helpers();
    make_road();
    read_keys();
}

const char *token_for(const actor_t *who, const char *role, long long session,
                      int age_s, int lifetime_s)
{
    ecs_identity_t identity = {.user_id = who->id,
                               .session_id = session,
                               .role = ecs_role_of_name(role)};
    const char *token =
        ecs_jwt_issue(pool, keys, audience, &identity,
                      apr_time_now() - apr_time_from_sec(age_s), lifetime_s);

    ck_assert_ptr_nonnull(token);
    return token;
}

actor_t *person(const char *role, const char *money)
{
    actor_t *who = grab(sizeof(*who));
    const char *ids;
    char *end;

    who->role = role;
    who->username = unique(role);
    who->email = fmt("%s@example.com", who->username);
    ids = sql("SELECT ecs_test.person('%s', '%s', '%s', %s)", who->username,
              role, password_hash, money != NULL ? money : "0");
    who->id = strtoll(ids, &end, 10);
    who->session = strtoll(end, NULL, 10);
    who->access = token_for(who, role, who->session, 0, SESSION_LIFETIME_S);
    return who;
}

actor_t *another_session(const actor_t *who)
{
    actor_t *other = grab(sizeof(*other));

    *other = *who;
    other->refresh = NULL;
    other->session =
        sql_int("INSERT INTO ecs.sessions (user_id, expires_at) VALUES (%lld,"
                " ecs.now() + interval '30 days') RETURNING id",
                who->id);
    other->access =
        token_for(who, who->role, other->session, 0, SESSION_LIFETIME_S);
    return other;
}

json_t *token_claims(const char *token)
{
    const char *begin = strchr(token, '.');
    char text[4096] = "";
    unsigned char bytes[3073] = "";
    size_t length, i;

    ck_assert_ptr_nonnull(begin);
    length = strcspn(++begin, ".");
    ck_assert_uint_lt(length, sizeof(text) - 4);
    for (i = 0; i < length; i++) {
        text[i] = begin[i] == '-' ? '+' : begin[i] == '_' ? '/' : begin[i];
    }
    memset(text + length, '=', (4 - length % 4) % 4);
    EVP_DecodeBlock(bytes, (unsigned char *)text, (int)strlen(text));
    return json_loads((char *)bytes, JSON_DISABLE_EOF_CHECK, NULL);
}

void sign_in(actor_t *who)
{
    reply_t *r = expect(post(NULL, "/api/accounts/token/",
                             fmt("{\"email\": \"%s\", \"password\": \"%s\"}",
                                 who->email, PASSWORD)),
                        200);

    who->access = text_at(r, "access");
    who->refresh = text_at(r, "refresh");
    who->session =
        json_integer_value(json_object_get(token_claims(who->access), "sid"));
}

/* --- goods --------------------------------------------------------------- */

long long category(void)
{
    return sql_int("SELECT id FROM ecs.categories"
                   " WHERE name = 'Things of the tests'");
}

long long product_in(const actor_t *seller, const char *price, int quantity,
                     const char *status)
{
    const char *name = unique("Thing");

    return sql_int("INSERT INTO ecs.products (seller_id, category_id, name,"
                   " slug, status, price, quantity) VALUES (%lld, %lld, '%s',"
                   " '%s', '%s', %s, %d) RETURNING id",
                   seller->id, category(), name, name, status, price, quantity);
}

long long product(const actor_t *seller, const char *price, int quantity)
{
    return product_in(seller, price, quantity, "APPROVED");
}

long long stock(long long id)
{
    return sql_int("SELECT quantity FROM ecs.products WHERE id = %lld", id);
}

/* --- orders -------------------------------------------------------------- */

void add_to_cart(const actor_t *buyer, long long id, int quantity)
{
    expect(post(buyer, "/api/cart/items/",
                fmt("{\"product\": %lld, \"quantity\": %d}", id, quantity)),
           201);
}

long long checkout(const actor_t *buyer)
{
    return int_at(expect(post(buyer, "/api/orders/checkout/", NULL), 201),
                  "id");
}

long long buy(const actor_t *buyer, long long id, int quantity)
{
    add_to_cart(buyer, id, quantity);
    return checkout(buyer);
}

void claim(const actor_t *courier, long long order)
{
    expect(post(courier, fmt("/api/delivery/orders/%lld/claim/", order), NULL),
           200);
}

void ship(const actor_t *courier, long long order)
{
    claim(courier, order);
    expect(
        post(courier, fmt("/api/delivery/orders/%lld/advance/", order), NULL),
        200);
}

void deliver(const actor_t *buyer, const actor_t *courier, long long order)
{
    ship(courier, order);
    expect(post(courier, fmt("/api/orders/%lld/proof/confirm/", order),
                fmt("{\"pin\": \"%s\"}", pin_of(buyer, order))),
           200);
}

long long line_of(long long order)
{
    return sql_int("SELECT min(id) FROM ecs.order_items WHERE order_id = %lld",
                   order);
}

long long delivered(const actor_t *buyer, const actor_t *courier, long long id,
                    int quantity)
{
    long long order = buy(buyer, id, quantity);

    deliver(buyer, courier, order);
    return order;
}

long long order_in(const char *status, const actor_t *buyer,
                   const actor_t *courier, long long id, int quantity)
{
    return sql_int("SELECT ecs_test.order_in('%s', %lld, %lld, %lld, %d)",
                   status, buyer->id, courier->id, id, quantity);
}

long long rate(long long product, int stars)
{
    actor_t *buyer = person("user", "1000.00");
    long long order = delivered(buyer, person("delivery", NULL), product, 1);

    return int_at(expect(post(buyer, "/api/reviews/",
                              fmt("{\"order_item\": %lld, \"rating\": %d}",
                                  line_of(order), stars)),
                         201),
                  "id");
}

long long ask_back(const actor_t *buyer, long long order, int quantity)
{
    return int_at(expect(post(buyer, "/api/returns/",
                              fmt("{\"order_item\": %lld, \"quantity\": %d,"
                                  " \"reason\": \"It hums.\"}",
                                  line_of(order), quantity)),
                         201),
                  "id");
}

void inspect(const actor_t *courier, long long sent_back, int quantity,
             const char *condition)
{
    expect(post(courier, fmt("/api/returns/%lld/process-statuses/", sent_back),
                fmt("{\"items\": [{\"condition\": \"%s\", \"quantity\":"
                    " %d}]}",
                    condition, quantity)),
           200);
}

reply_t *decide(const actor_t *admin, long long sent_back, const char *body)
{
    return patch(admin, fmt("/api/returns/%lld/update/", sent_back), body);
}

const char *return_status(long long sent_back)
{
    return sql("SELECT status FROM ecs.returns WHERE id = %lld", sent_back);
}

const char *pin_of(const actor_t *buyer, long long order)
{
    return text_at(
        expect(get(buyer, fmt("/api/orders/%lld/proof/", order)), 200), "pin");
}

const char *wrong_pin(const char *pin)
{
    return fmt("%06ld", (atol(pin) + 1) % 1000000);
}

const char *order_status(long long order)
{
    return sql("SELECT status FROM ecs.orders WHERE id = %lld", order);
}

/* --- money and messages -------------------------------------------------- */

const char *wallet(const actor_t *who)
{
    return sql("SELECT available || ' ' || held FROM ecs.wallets"
               " WHERE user_id = %lld",
               who->id);
}

const char *platform_balance(void)
{
    return sql("SELECT available FROM ecs.wallets WHERE kind = 'platform'");
}

long long notified(const actor_t *who, const char *type)
{
    return sql_int("SELECT count(*) FROM ecs.notifications"
                   " WHERE user_id = %lld AND type = '%s'",
                   who->id, type);
}

void all_at_once(const request_t *requests, reply_t **replies, int count)
{
    request_t *again = grab(sizeof(*again) * (size_t)count);
    reply_t **answers = grab(sizeof(*answers) * (size_t)count);
    int *places = grab(sizeof(*places) * (size_t)count);
    int i, left, rounds = 0;

    http_parallel(requests, replies, count);
    do {
        for (i = 0, left = 0; i < count; i++) {
            if (replies[i]->status == 503) {
                again[left] = requests[i];
                places[left++] = i;
            }
        }
        if (left > 0) {
            http_parallel(again, answers, left);
        }
        for (i = 0; i < left; i++) {
            replies[places[i]] = answers[i];
        }
    } while (left > 0 && ++rounds < ROUNDS_MAX);
}

reply_t *post_keyed(const actor_t *who, const char *path, const char *body,
                    const char *key)
{
    return http(.method = "POST", .path = path, .body = body, .who = who,
                .headers = {fmt("Idempotency-Key: %s", key)});
}
