/* SPDX-License-Identifier: MIT */
/*
 * test_accounts.c - registering, the own profile, seller cards, and the people
 * an admin looks after (api.md section 2). Tokens are test_auth's.
 */
#include "support.h"
#include "shop.h"

#define REGISTER "/api/accounts/register/"
#define ME "/api/accounts/me/"
#define USERS "/api/accounts/users/"
#define CHANGE "/api/accounts/password/change/"

static const char *registration(const char *name, const char *password,
                                const char *more)
{
    return fmt("{\"email\": \"%s@example.com\", \"username\": \"%s\","
               " \"password\": \"%s\"%s}",
               name, name, password, more);
}

/* --- registering --------------------------------------------------------- */

START_TEST(who_registers_has_profile_and_wallet)
{
    const char *name = unique("new");
    reply_t *r =
        expect(post(NULL, REGISTER,
                    registration(name, PASSWORD, ", \"first_name\": \"Ada\"")),
               201);
    long long id = int_at(r, "id");

    same(r, "role", "user");
    same(r, "first_name", "Ada");
    same(r, "is_active", "true");
    same(r, "points", "0");
    same(r, "rank", "STARTER");
    ck_assert_ptr_null(strstr(r->body, "password"));
    ck_assert(sql_true("SELECT count(*) = 1 FROM ecs.wallets JOIN ecs.profiles"
                       " USING (user_id) WHERE user_id = %lld AND"
                       " available = 0",
                       id));
    ck_assert(sql_true("SELECT password_hash LIKE '$y$%%' FROM ecs.users"
                       " WHERE id = %lld",
                       id));
    books_balance();
}
END_TEST

START_TEST(nobody_makes_themselves_an_admin)
{
    const char *const roles[] = {"admin", "superadmin", "delivery"};
    size_t i;

    for (i = 0; i < 3; i++) {
        invalid(post(NULL, REGISTER,
                     registration(unique("new"), PASSWORD,
                                  fmt(", \"role\": \"%s\"", roles[i]))),
                "role");
    }
    invalid(post(NULL, REGISTER,
                 registration(unique("new"), PASSWORD, ", \"points\": 500")),
            "points");
    same(expect(post(NULL, REGISTER,
                     registration(unique("new"), PASSWORD,
                                  ", \"role\": \"seller\"")),
                201),
         "role", "seller");
}
END_TEST

START_TEST(names_are_taken_once)
{
    actor_t *who = person("user", NULL);
    const char *fresh = unique("new");

    invalid(post(NULL, REGISTER,
                 fmt("{\"email\": \"%s\", \"username\": \"%s\", \"password\":"
                     " \"%s\"}",
                     who->email, fresh, PASSWORD)),
            "email");
    invalid(post(NULL, REGISTER,
                 fmt("{\"email\": \"%s@example.com\", \"username\": \"%s\","
                     " \"password\": \"%s\"}",
                     fresh, who->username, PASSWORD)),
            "username");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.users"
                             " WHERE email = '%s@example.com'",
                             fresh),
                     0);
}
END_TEST

START_TEST(weak_passwords_are_refused)
{
    const char *name = unique("marmalade");
    const char *const weak[] = {"short-one", "1234567890", "password123",
                                "qwertyuiop", NULL};
    size_t i;

    for (i = 0; weak[i] != NULL; i++) {
        invalid(post(NULL, REGISTER, registration(name, weak[i], "")),
                "password");
    }
    invalid(post(NULL, REGISTER, registration(name, name, "")), "password");
}
END_TEST

/* --- the own profile ----------------------------------------------------- */

START_TEST(people_see_and_change_themselves)
{
    actor_t *who = person("user", NULL);
    reply_t *r = expect(get(who, ME), 200);

    same(r, "email", who->email);
    same(r, "city", "Damascus");
    r = expect(patch(who, ME,
                     "{\"bio\": \"Likes lamps.\\nAnd rugs.\", \"location_lat\":"
                     " \"-33.868800\", \"location_lng\": 151.2093,"
                     " \"city\": \"Sydney\"}"),
               200);
    same(r, "bio", "Likes lamps.\nAnd rugs.");
    same(r, "city", "Sydney");
    ck_assert(sql_true("SELECT location_lat = -33.8688 AND location_lng ="
                       " 151.2093 FROM ecs.profiles WHERE user_id = %lld",
                       who->id));
    same(get(who, ME), "username", who->username);
}
END_TEST

START_TEST(a_place_is_on_earth_and_whole)
{
    actor_t *who = person("user", NULL);

    invalid(patch(who, ME, "{\"location_lat\": 90.1, \"location_lng\": 0}"),
            "location_lat");
    invalid(patch(who, ME, "{\"location_lat\": 0, \"location_lng\": -180.1}"),
            "location_lng");
    invalid(patch(who, ME, "{\"location_lat\": 1}"), "location_lng");
    ck_assert(sql_true("SELECT location_lat = 33.5138 FROM ecs.profiles"
                       " WHERE user_id = %lld",
                       who->id));
}
END_TEST

START_TEST(what_people_are_they_cannot_change)
{
    actor_t *who = person("user", NULL);
    const char *const members[] = {"role",
                                   "points",
                                   "rank",
                                   "is_active",
                                   "is_verified_seller",
                                   "email",
                                   "id",
                                   "created_at",
                                   "is_email_verified",
                                   "password_hash"};
    const char *before =
        sql("SELECT u::text FROM ecs.users u WHERE id = %lld", who->id);
    size_t i;

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        invalid(patch(who, ME, fmt("{\"%s\": \"superadmin\"}", members[i])),
                members[i]);
    }
    ck_assert_str_eq(
        sql("SELECT u::text FROM ecs.users u WHERE id = %lld", who->id),
        before);
}
END_TEST

START_TEST(a_username_stays_unique)
{
    actor_t *who = person("user", NULL), *other = person("user", NULL);

    invalid(patch(who, ME, fmt("{\"username\": \"%s\"}", other->username)),
            "username");
    invalid(patch(who, ME, "{\"username\": \"\"}"), "username");
    expect(patch(who, ME, fmt("{\"username\": \"%s\"}", unique("renamed"))),
           200);
}
END_TEST

START_TEST(a_new_password_ends_the_other_sessions)
{
    actor_t *who = person("user", NULL), *elsewhere = another_session(who);
    const char *next = "tangerine-bicycle-9";

    invalid(post(who, CHANGE,
                 fmt("{\"old_password\": \"%s\", \"new_password\": \"%s\"}",
                     "wrong-password-1", next)),
            "old_password");
    invalid(post(who, CHANGE,
                 fmt("{\"old_password\": \"%s\", \"new_password\": \"%s\"}",
                     PASSWORD, "short")),
            "new_password");
    expect(get(elsewhere, ME), 200);
    expect(post(who, CHANGE,
                fmt("{\"old_password\": \"%s\", \"new_password\": \"%s\"}",
                    PASSWORD, next)),
           204);
    refused(get(elsewhere, ME), 401, "session_revoked");
    expect(get(who, ME), 200);
    refused(post(NULL, "/api/accounts/token/",
                 fmt("{\"email\": \"%s\", \"password\": \"%s\"}", who->email,
                     PASSWORD)),
            401, "invalid_credentials");
    expect(post(NULL, "/api/accounts/token/",
                fmt("{\"email\": \"%s\", \"password\": \"%s\"}", who->email,
                    next)),
           200);
}
END_TEST

/* --- others -------------------------------------------------------------- */

START_TEST(a_seller_card_shows_no_address)
{
    actor_t *seller = person("seller", NULL);
    reply_t *r;

    product(seller, "1.00", 1);
    r = expect(get(NULL, fmt("/api/accounts/sellers/%lld/", seller->id)), 200);
    same(r, "username", seller->username);
    same(r, "products_count", "1");
    ck_assert_ptr_null(strstr(r->body, "@example.com"));
    ck_assert_ptr_null(strstr(r->body, "Straight Street"));
    refused(
        get(NULL, fmt("/api/accounts/sellers/%lld/", person("user", NULL)->id)),
        404, "not_found");
}
END_TEST

START_TEST(admins_find_people)
{
    actor_t *admin = person("admin", NULL), *who = person("seller", NULL);
    reply_t *r =
        expect(get(admin, fmt(USERS "?search=%s", who->username)), 200);

    same(r, "count", "1");
    same(r, "results.0.email", who->email);
    same(get(admin, fmt(USERS "?search=%s&role=delivery", who->username)),
         "count", "0");
    same(get(admin, fmt(USERS "?search=%s&is_active=true", who->username)),
         "count", "1");
    same(expect(get(admin, fmt(USERS "%lld/", who->id)), 200), "username",
         who->username);
    refused(get(who, USERS), 403, "permission_denied");
    refused(get(who, fmt(USERS "%lld/", who->id)), 403, "permission_denied");
    invalid(get(admin, USERS "?role=pirate"), "role");
    invalid(get(admin, USERS "?ordering=password_hash"), "ordering");
}
END_TEST

START_TEST(staff_is_hired_from_above)
{
    actor_t *admin = person("admin", NULL), *top = person("superadmin", NULL);
    const char *name = unique("staff");

    same(expect(post(admin, USERS,
                     registration(name, PASSWORD, ", \"role\": \"delivery\"")),
                201),
         "role", "delivery");
    refused(
        post(admin, USERS,
             registration(unique("staff"), PASSWORD, ", \"role\": \"admin\"")),
        403, "permission_denied");
    same(expect(post(top, USERS,
                     registration(unique("staff"), PASSWORD,
                                  ", \"role\": \"admin\"")),
                201),
         "role", "admin");
    invalid(post(top, USERS,
                 registration(unique("staff"), PASSWORD,
                              ", \"role\": \"superadmin\"")),
            "role");
}
END_TEST

START_TEST(an_admin_deactivates_customers_not_admins)
{
    actor_t *admin = person("admin", NULL), *who = person("user", NULL);
    actor_t *colleague = person("admin", NULL);
    const char *off = "{\"is_active\": false}";

    expect(get(who, ME), 200);
    same(expect(patch(admin, fmt(USERS "%lld/", who->id), off), 200),
         "is_active", "false");
    refused(get(who, ME), 401, "session_revoked");
    refused(patch(admin, fmt(USERS "%lld/", colleague->id), off), 403,
            "permission_denied");
    refused(patch(admin, fmt(USERS "%lld/", admin->id), off), 403,
            "permission_denied");
    refused(patch(admin, fmt(USERS "%lld/", who->id), "{\"role\": \"admin\"}"),
            403, "permission_denied");
    expect(get(colleague, ME), 200);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.audit_log WHERE action ="
                             " 'user_deactivated' AND object_id = %lld",
                             who->id),
                     1);
}
END_TEST

START_TEST(a_new_role_needs_a_new_token)
{
    actor_t *top = person("superadmin", NULL), *who = person("user", NULL);

    same(expect(
             patch(top, fmt(USERS "%lld/", who->id), "{\"role\": \"seller\"}"),
             200),
         "role", "seller");
    refused(get(who, ME), 401, "session_revoked");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {who_registers_has_profile_and_wallet,
                                  nobody_makes_themselves_an_admin,
                                  names_are_taken_once,
                                  weak_passwords_are_refused,
                                  people_see_and_change_themselves,
                                  a_place_is_on_earth_and_whole,
                                  what_people_are_they_cannot_change,
                                  a_username_stays_unique,
                                  a_new_password_ends_the_other_sessions,
                                  a_seller_card_shows_no_address,
                                  admins_find_people,
                                  staff_is_hired_from_above,
                                  an_admin_deactivates_customers_not_admins,
                                  a_new_role_needs_a_new_token,
                                  NULL};

    return suite_run("accounts", tests, 20);
}
