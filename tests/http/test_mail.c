/* SPDX-License-Identifier: MIT */
/*
 * test_mail.c - mails: news that come by mail, and mails about accounts, read
 * from the directory that httpd.conf names; then the outbox in front of an SMTP
 * server that is slow, away, refuses, and while httpd is killed.
 */
#include <stdlib.h>
#include <unistd.h>
#include "hosts.h"
#include "mailbox.h"
#include "processes.h"
#include "smtp_server.h"
#include "support.h"
#include "shop.h"
#include "tls_server.h"

#define RESET "/api/accounts/password/reset/"
#define CONFIRM RESET "confirm/"
#define VERIFY "/api/accounts/email/verify/"
#define VERIFIED VERIFY "confirm/"
#define OUTBOX "/api/notifications/admin/outbox/"
#define PREFERENCES "/api/notifications/preferences/"
#define NEW_PASSWORD "juniper-kettle-77"

/* --- what is waited for --------------------------------------------------- */

static void until_empty(void)
{
    until("NOT EXISTS (SELECT FROM ecs.outbox WHERE channel = 'mail' AND"
          " status = 'PENDING')");
}

static void begin_anew(void)
{
    sql("DELETE FROM ecs.login_failures WHERE subject LIKE 'mail-%%'");
}

/* --- news ---------------------------------------------------------------- */

static void prefer(const actor_t *who, const char *type, const char *what)
{
    expect(patch(who, PREFERENCES, fmt("{\"type\": \"%s\", %s}", type, what)),
           200);
}

START_TEST(news_come_by_mail)
{
    actor_t *buyer = person("user", "20.00"), *seller = person("seller", NULL);
    const char *text;
    long long order;

    sql("UPDATE ecs.users SET first_name = 'Änne', last_name = E'B\\nBcc: x'"
        " WHERE id = %lld", buyer->id);
    order = buy(buyer, product(seller, "5.00", 20), 1);
    text = mail(buyer->email, "notification", 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\nSubject: Test Shop: Order created\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "From: \"Test Shop\" <shop@example.com>\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "To: =?UTF-8?B?"));
    ck_assert_ptr_null(smtp_header(text, "Bcc"));
    ck_assert_ptr_nonnull(strstr(text, "Auto-Submitted: auto-generated\r\n"));
    ck_assert_ptr_nonnull(strstr(text, sql("SELECT order_number FROM ecs.orders"
                                           " WHERE id = %lld", order)));
    text = mail(seller->email, "notification", 0);
    ck_assert_ptr_nonnull(strstr(text, "Subject: Test Shop: New order\r\n"));
}
END_TEST

START_TEST(who_wants_no_mail_gets_none)
{
    actor_t *buyer = person("user", "20.00");
    long long id = product(person("seller", NULL), "5.00", 20);

    prefer(buyer, "order_created", "\"email\": false");
    prefer(buyer, "order_cancelled", "\"in_app\": false");
    expect(post(buyer, fmt("/api/orders/%lld/cancel/", buy(buyer, id, 1)),
                NULL), 200);
    ck_assert_ptr_nonnull(strstr(mail(buyer->email, "notification", 0),
                                 "Order cancelled"));
    until_empty();
    ck_assert_ptr_null(find_mail(buyer->email, "notification", 1));
    ck_assert_int_eq(notified(buyer, "order_created"), 1);
    ck_assert_int_eq(notified(buyer, "order_cancelled"), 0);
}
END_TEST

/* --- a forgotten password ------------------------------------------------ */

static reply_t *ask(const char *email)
{
    return expect(post(NULL, RESET, fmt("{\"email\": \"%s\"}", email)), 202);
}

static reply_t *confirm(const char *token, const char *password)
{
    return post(NULL, CONFIRM,
                fmt("{\"token\": \"%s\", \"new_password\": \"%s\"}", token,
                    password));
}

static reply_t *log_in(const char *email, const char *password)
{
    return post(NULL, "/api/accounts/token/",
                fmt("{\"email\": \"%s\", \"password\": \"%s\"}", email,
                    password));
}

START_TEST(a_forgotten_password_is_set_anew)
{
    actor_t *who = person("user", NULL), *other = another_session(who);
    const char *token, *second;

    begin_anew();
    ask(who->email);
    token = token_of(mail(who->email, "password_reset", 0));
    ask(who->email);
    second = token_of(mail(who->email, "password_reset", 1));
    ck_assert_str_ne(token, second);
    ck_assert(sql_true("SELECT count(*) = 0 FROM ecs.outbox WHERE"
                       " payload::text LIKE '%%%s%%'", token));
    expect(get(who, "/api/accounts/me/"), 200);

    invalid(confirm(token, "short"), "new_password");
    invalid(confirm(token, who->username), "new_password");
    expect(confirm(token, NEW_PASSWORD), 204);
    refused(get(who, "/api/accounts/me/"), 401, "session_revoked");
    refused(get(other, "/api/accounts/me/"), 401, "session_revoked");
    expect(log_in(who->email, PASSWORD), 401);
    same(expect(log_in(who->email, NEW_PASSWORD), 200),
         "user.is_email_verified", "true");
    invalid(confirm(token, NEW_PASSWORD "x"), "token");
    invalid(confirm(second, NEW_PASSWORD "x"), "token");
    ck_assert_ptr_nonnull(mail(who->email, "password_changed", 0));
}
END_TEST

START_TEST(nobody_learns_who_has_an_account)
{
    actor_t *who = person("user", NULL);
    const char *nobody = fmt("%s@example.com", unique("nobody"));
    reply_t *known, *unknown;

    begin_anew();
    known = ask(who->email);
    unknown = ask(nobody);
    ck_assert_str_eq(known->body, unknown->body);
    mail(who->email, "password_reset", 0);
    until_empty();
    ck_assert_ptr_null(find_mail(nobody, "password_reset", 0));
    ck_assert(sql_true("SELECT count(*) = 0 FROM ecs.outbox WHERE destination"
                       " = '%s'", nobody));
}
END_TEST

START_TEST(a_token_is_its_owners_and_for_one_thing)
{
    actor_t *eve = person("user", NULL), *bob = person("user", NULL);
    const char *reset, *verify;

    begin_anew();
    ask(bob->email);
    expect(post(eve, VERIFY, NULL), 202);
    reset = token_of(mail(bob->email, "password_reset", 0));
    verify = token_of(mail(eve->email, "email_verification", 0));
    invalid(confirm(verify, NEW_PASSWORD), "token");
    invalid(post(eve, VERIFIED, fmt("{\"token\": \"%s\"}", reset)), "token");
    /* who confirms it does not matter, whose it is does */
    expect(http(.method = "POST", .path = CONFIRM, .who = eve,
                .body = fmt("{\"token\": \"%s\", \"new_password\": \"%s\"}",
                            reset, NEW_PASSWORD)), 204);
    expect(log_in(eve->email, NEW_PASSWORD), 401);
    expect(log_in(bob->email, NEW_PASSWORD), 200);
    expect(get(eve, "/api/accounts/me/"), 200);
}
END_TEST

START_TEST(a_token_does_not_live_long)
{
    actor_t *who = person("user", NULL);
    const char *token;

    begin_anew();
    ask(who->email);
    token = token_of(mail(who->email, "password_reset", 0));
    pass("61 minutes");
    invalid(confirm(token, NEW_PASSWORD), "token");
    expect(log_in(who->email, PASSWORD), 200);
}
END_TEST

START_TEST(a_closed_account_is_not_opened_by_mail)
{
    actor_t *who = person("user", NULL);
    const char *token;

    begin_anew();
    ask(who->email);
    token = token_of(mail(who->email, "password_reset", 0));
    sql("UPDATE ecs.users SET is_active = false WHERE id = %lld", who->id);
    invalid(confirm(token, NEW_PASSWORD), "token");
    ask(who->email);
    until_empty();
    ck_assert_ptr_null(find_mail(who->email, "password_reset", 1));
}
END_TEST

START_TEST(links_do_not_come_from_the_client)
{
    actor_t *who = person("user", NULL);
    const char *text;

    begin_anew();
    expect(http(.method = "POST", .path = RESET,
                .body = fmt("{\"email\": \"%s\"}", who->email),
                .headers = {"Host: evil.example", "X-Forwarded-Host: evil.example"}),
           202);
    text = mail(who->email, "password_reset", 0);
    ck_assert_ptr_null(strstr(text, "evil"));
    ck_assert_ptr_nonnull(strstr(text, http_base()));
}
END_TEST

START_TEST(nobody_is_flooded)
{
    actor_t *who = person("user", NULL);
    int i;

    begin_anew();
    for (i = 0; i < 8; i++) {
        ask(who->email);
    }
    mail(who->email, "password_reset", 4);
    until_empty();
    ck_assert_ptr_null(find_mail(who->email, "password_reset", 5));
    for (i = 8; i < 30; i++) {
        ask(fmt("%s@example.com", unique("nobody")));
    }
    refused(post(NULL, RESET, fmt("{\"email\": \"%s\"}", who->email)), 429,
            "throttled");
    begin_anew();
}
END_TEST

/* --- whose address it is ------------------------------------------------- */

START_TEST(an_address_is_verified)
{
    actor_t *who = person("user", NULL);
    const char *token;

    same(get(who, "/api/accounts/me/"), "is_email_verified", "false");
    expect(post(who, VERIFY, NULL), 202);
    token = token_of(mail(who->email, "email_verification", 0));
    expect(post(NULL, VERIFIED, fmt("{\"token\": \"%s\"}", token)), 204);
    same(get(who, "/api/accounts/me/"), "is_email_verified", "true");
    invalid(post(NULL, VERIFIED, fmt("{\"token\": \"%s\"}", token)), "token");
    refused(post(who, VERIFY, NULL), 409, "wrong_state");
    expect(post(NULL, VERIFY, NULL), 401);
}
END_TEST

START_TEST(who_registers_is_asked)
{
    const char *name = unique("new");
    const char *email = fmt("%s@example.com", name);
    const char *token;

    expect(post(NULL, "/api/accounts/register/",
                fmt("{\"email\": \"%s\", \"username\": \"%s\", \"password\":"
                    " \"%s\"}", email, name, PASSWORD)), 201);
    token = token_of(mail(email, "email_verification", 0));
    expect(post(NULL, VERIFIED, fmt("{\"token\": \"%s\"}", token)), 204);
    ck_assert(sql_true("SELECT is_email_verified FROM ecs.users WHERE email ="
                       " '%s'", email));
}
END_TEST

START_TEST(who_is_invited_sets_a_password)
{
    const char *name = unique("courier");
    const char *email = fmt("%s@example.com", name);
    const char *body = fmt("{\"email\": \"%s\", \"username\": \"%s\", \"role\":"
                           " \"delivery\"}", email, name);

    expect(post(person("admin", NULL), "/api/accounts/users/", body), 201);
    expect(confirm(token_of(mail(email, "invitation", 0)), NEW_PASSWORD), 204);
    same(expect(log_in(email, NEW_PASSWORD), 200), "user.role", "delivery");
}
END_TEST

/* --- an SMTP server ------------------------------------------------------ */

static int port; /* of the server, the same for all tests */
static smtp_server_t *server;

/* Mails go to the server from now on. */
static void mails_to_server(void)
{
    smtp_server_t *any = smtp_start(0);

    port = smtp_port(any);
    smtp_down(any);
    configure(fmt("EcsMail smtp://127.0.0.1:%d", port));
}

static void mails_to_directory(void)
{
    configure(NULL);
}

/* A server, and nothing in the outbox, also of what other tests told. */
static void open_server(void)
{
    sql("DELETE FROM ecs.webhook_endpoints");
    sql("DELETE FROM ecs.outbox");
    server = smtp_start(port);
}

static const char *value_of(int n, const char *header)
{
    return smtp_header(smtp_text(server, n), header);
}

static int mails_for(const char *address)
{
    int count = 0, i;

    for (i = 0; i < smtp_count(server); i++) {
        count += strcmp(smtp_to(server, i), address) == 0;
    }
    return count;
}

/* What somebody got, one subject after the other; a mail that came again at
 * once counts once. */
static const char *subjects_for(const char *address)
{
    const char *list = "", *last = "";
    int i;

    for (i = 0; i < smtp_count(server); i++) {
        if (strcmp(smtp_to(server, i), address) == 0
            && strcmp(last, value_of(i, "Message-ID")) != 0) {
            last = value_of(i, "Message-ID");
            list = fmt("%s%s", list, strchr(value_of(i, "Subject"), ':') + 1);
        }
    }
    return list;
}

/* Every row of the outbox that is SENT came, and what came twice did so under
 * one id: as many ids as rows. */
static void everything_came(void)
{
    int ids = 0, i, k;

    for (i = 0; i < smtp_count(server); i++) {
        int is_new = 1;

        for (k = 0; k < i; k++) {
            is_new &= strcmp(value_of(i, "Message-ID"),
                             value_of(k, "Message-ID")) != 0;
        }
        ids += is_new;
    }
    ck_assert_int_eq(ids, sql_int("SELECT count(*) FROM ecs.outbox WHERE"
                                  " status = 'SENT'"));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.outbox WHERE"
                             " status <> 'SENT'"), 0);
}

START_TEST(an_order_is_told_in_its_order)
{
    actor_t *buyer = person("user", "20.00"), *courier = person("delivery", NULL);
    long long order;

    open_server();
    order = buy(buyer, product(person("seller", NULL), "5.00", 20), 1);
    deliver(buyer, courier, order);
    until_empty();
    pass("4 days");
    expect(post(buyer, fmt("/api/orders/%lld/complete/", order), NULL), 200);
    until_empty();
    everything_came();
    ck_assert_str_eq(subjects_for(buyer->email),
                     " Order created Order claimed Order shipped"
                     " Order delivered Order completed");
}
END_TEST

/* While a server does not answer, requests do; its mails are not theirs. */
START_TEST(nobody_waits_for_a_slow_server)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50);
    int i;

    open_server();
    smtp_slow(server, 4000);
    buy(buyer, id, 1);
    until("EXISTS (SELECT FROM ecs.outbox WHERE claimed_until IS NOT NULL)");
    for (i = 0; i < 10; i++) {
        buy(buyer, id, 1);
        expect(get(buyer, "/api/notifications/"), 200);
    }
    ck_assert_int_eq(smtp_count(server), 0);
    smtp_slow(server, 0);
    until_empty();
    everything_came();
    ck_assert_int_eq(mails_for(buyer->email), 11);
}
END_TEST

START_TEST(a_server_that_is_away_is_waited_for)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50);
    int i;

    open_server();
    smtp_down(server);
    for (i = 0; i < 25; i++) {
        buy(buyer, id, 1);
    }
    until("EXISTS (SELECT FROM ecs.outbox WHERE last_error IS NOT NULL)");
    ck_assert(sql_true("SELECT bool_and(status = 'PENDING') FROM ecs.outbox"));
    smtp_up(server);
    until_empty();
    everything_came();
    ck_assert_int_eq(mails_for(buyer->email), 25);
    ck_assert(sql_true("SELECT max(attempts) = 1 FROM ecs.outbox"));
}
END_TEST

START_TEST(one_refusal_stops_nobody_else)
{
    actor_t *buyer = person("user", "100.00"), *admin = person("admin", NULL);
    actor_t *seller = person("seller", NULL);
    const char *id;
    reply_t *r;

    open_server(); /* which does not speak UTF-8 */
    smtp_answer(server, fmt("RCPT TO:<%s>", buyer->email),
                "550 5.1.1 who? Empf\xe4nger");
    buy(buyer, product(seller, "1.00", 50), 1);
    until_empty();
    ck_assert_int_eq(mails_for(buyer->email), 0);
    ck_assert_int_eq(mails_for(seller->email), 1);
    r = expect(get(admin, OUTBOX "?status=dead"), 200);
    same(r, "count", "1");
    same(r, "results.0.attempts", "1");
    same(r, "results.0.destination", buyer->email);
    ck_assert_ptr_nonnull(strstr(text_at(r, "results.0.last_error"), "who?"));
    id = text_at(r, "results.0.message_id");

    smtp_answer(server, NULL, NULL);
    r = post(admin, fmt(OUTBOX "%lld/retry/", int_at(r, "results.0.id")), NULL);
    same(expect(r, 200), "status", "PENDING");
    until_empty();
    everything_came();
    ck_assert_int_eq(mails_for(buyer->email), 1);
    ck_assert_ptr_nonnull(strstr(value_of(1, "Message-ID"), id));
}
END_TEST

START_TEST(what_failed_is_tried_later)
{
    actor_t *buyer = person("user", "100.00");

    open_server();
    smtp_answer(server, ".", "451 4.3.0 later");
    buy(buyer, product(person("seller", NULL), "1.00", 50), 1);
    until("bool_and(attempts = 1 AND last_error LIKE '%later%'"
          " AND claimed_until IS NULL) FROM ecs.outbox");
    ck_assert(sql_true("SELECT bool_and(status = 'PENDING') FROM ecs.outbox"));
    smtp_answer(server, NULL, NULL);
    pass("1 minute");
    until_empty();
    everything_came();
}
END_TEST

/* All children are killed, again and again, while they deliver. */
START_TEST(a_kill_loses_no_mail)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 90);
    int i, round;

    open_server();
    smtp_slow(server, 100);
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 12; i++) {
            buy(buyer, id, 1);
        }
        until("EXISTS (SELECT FROM ecs.outbox WHERE claimed_until > ecs.now())");
        usleep(700000);
        kill_children();
        pass("3 minutes"); /* so long the dead had them */
    }
    ck_assert(sql_true("SELECT max(attempts) > 1 FROM ecs.outbox"));
    smtp_slow(server, 0);
    until_empty();
    everything_came();
}
END_TEST

/* Who is told to end gives back what it has. */
START_TEST(a_reload_loses_no_mail)
{
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 50);
    int i;

    open_server();
    smtp_slow(server, 300);
    for (i = 0; i < 12; i++) {
        buy(buyer, id, 1);
    }
    until("EXISTS (SELECT FROM ecs.outbox WHERE claimed_until > ecs.now())");
    instance("reload", "");
    smtp_slow(server, 0);
    until_empty();
    everything_came();
}
END_TEST

/* --- two hosts ----------------------------------------------------------- */

/* Nothing dies, so nothing comes twice, however many take from one outbox. */
START_TEST(two_hosts_share_the_work)
{
    const char *conf = state_file("extra/host");
    actor_t *buyer = person("user", "100.00");
    long long id = product(person("seller", NULL), "1.00", 90);
    FILE *file = fopen(conf, "w");
    int i;

    ck_assert_ptr_nonnull(file);
    fprintf(file, "EcsMail smtp://127.0.0.1:%d\n"
                  "EcsMailFrom \"Other Host <shop@example.com>\"\n", port);
    fclose(file);
    open_server();
    host_start("mail", fmt("--conf '%s'", conf));
    smtp_slow(server, 20);
    for (i = 0; i < 40; i++) {
        buy(buyer, id, 1);
    }
    until_empty();
    host_end("mail");
    unlink(conf);
    everything_came();
    ck_assert_int_eq(smtp_count(server),
                     sql_int("SELECT count(*) FROM ecs.outbox"));
    for (i = 0; i < smtp_count(server)
         && strstr(value_of(i, "From"), "Other Host") == NULL; i++) {
    }
    ck_assert_int_lt(i, smtp_count(server));
}
END_TEST

/* The password is for nobody who has no certificate of that name. */
START_TEST(a_certificate_has_to_be_good)
{
    actor_t *buyer = person("user", "20.00");

    configure(fmt("EcsMail smtps://127.0.0.1:%d", tls_start()));
    buy(buyer, product(person("seller", NULL), "5.00", 20), 1);
    until("EXISTS (SELECT FROM ecs.outbox WHERE last_error LIKE '%certificate%')");
    ck_assert_int_gt(tls_connections(), 0);
    ck_assert_int_eq(tls_talks(), 0);
}
END_TEST

int main(void)
{
    const TTest *const with_files[] = {
        news_come_by_mail, who_wants_no_mail_gets_none,
        a_forgotten_password_is_set_anew, nobody_learns_who_has_an_account,
        a_token_is_its_owners_and_for_one_thing, a_token_does_not_live_long,
        a_closed_account_is_not_opened_by_mail,
        links_do_not_come_from_the_client, nobody_is_flooded,
        an_address_is_verified, who_registers_is_asked,
        who_is_invited_sets_a_password, NULL};
    const TTest *const with_server[] = {
        an_order_is_told_in_its_order, nobody_waits_for_a_slow_server,
        a_server_that_is_away_is_waited_for, one_refusal_stops_nobody_else,
        what_failed_is_tried_later, a_kill_loses_no_mail,
        a_reload_loses_no_mail, two_hosts_share_the_work, NULL};
    const TTest *const with_tls[] = {a_certificate_has_to_be_good, NULL};

    return suite_run_between("mail", with_files, 60, empty_mailbox, NULL)
        | suite_run_between("outbox", with_server, 120, mails_to_server,
                            mails_to_directory)
        | suite_run_between("tls", with_tls, 60, NULL, mails_to_directory);
}
