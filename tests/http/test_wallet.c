/* SPDX-License-Identifier: MIT */
/*
 * test_wallet.c - balances, transfers, deposits and the ledger's own proof
 * (api.md section 6).
 */
#include "support.h"
#include "shop.h"

#define TRANSFER "/api/wallet/transfer/"

static const char *transfer(const char *recipient, const char *amount)
{
    return fmt("{\"recipient\": \"%s\", \"amount\": \"%s\"}", recipient,
               amount);
}

static const char *deposit_path(const actor_t *who)
{
    return fmt("/api/wallet/admin/%lld/deposit/", who->id);
}

static const char *deposit(const char *amount, const char *reference)
{
    return fmt("{\"amount\": \"%s\", \"reference\": \"%s\", \"reason\":"
               " \"bank transfer\"}",
               amount, reference);
}

START_TEST(a_wallet_shows_what_can_be_spent_and_what_is_held)
{
    actor_t *buyer = person("user", "50.00");
    reply_t *r;

    buy(buyer, product(person("seller", NULL), "20.00", 1), 1);
    r = expect(get(buyer, "/api/wallet/"), 200);
    same(r, "balance", "30.00");
    same(r, "held_balance", "20.00");
    same(r, "currency", "USD");
    ck_assert_str_eq(header(r, "Cache-Control"), "private, no-store");
}
END_TEST

START_TEST(money_goes_from_one_to_the_other)
{
    actor_t *from = person("user", "50.00"), *to = person("seller", NULL);

    expect(post(from, TRANSFER,
                fmt("{\"recipient\": \"%s\", \"amount\": \"20.00\","
                    " \"note\": \"thanks\"}",
                    to->email)),
           201);
    wallet_is(from, "30.00 0.00");
    wallet_is(to, "20.00 0.00");
    expect(post(from, TRANSFER, transfer(to->username, "0.01")), 201);
    wallet_is(from, "29.99 0.00");
    wallet_is(to, "20.01 0.00");
    books_balance();
}
END_TEST

START_TEST(nobody_transfers_what_is_not_theirs)
{
    actor_t *from = person("user", "50.00"), *to = person("user", NULL);
    reply_t *r = refused(post(from, TRANSFER, transfer(to->email, "50.01")),
                         402, "insufficient_funds");

    same(r, "balance", "50.00");
    buy(from, product(person("seller", NULL), "20.00", 1), 1);
    refused(post(from, TRANSFER, transfer(to->email, "30.01")), 402,
            "insufficient_funds"); /* what is held cannot be spent */
    wallet_is(from, "30.00 20.00");
    wallet_is(to, "0.00 0.00");
}
END_TEST

START_TEST(a_transfer_needs_somebody_else)
{
    actor_t *from = person("user", "50.00");
    actor_t *gone = person("user", NULL);

    invalid(post(from, TRANSFER, transfer("nobody@example.com", "1.00")),
            "recipient");
    invalid(post(from, TRANSFER, transfer(from->email, "1.00")), "recipient");
    sql("UPDATE ecs.users SET is_active = false WHERE id = %lld", gone->id);
    invalid(post(from, TRANSFER, transfer(gone->email, "1.00")), "recipient");
    wallet_is(from, "50.00 0.00");
}
END_TEST

START_TEST(an_amount_is_exact)
{
    actor_t *from = person("user", "50.00"), *to = person("user", NULL);
    const char *const bad[] = {
        "\"0.00\"", "\"-1.00\"", "\"1.001\"", "1e2",
        "\"NaN\"",  "\"\"",      "null",      "\"10000000000.00\"",
        "true",     "[]",        "\"1,00\"",  "0.001"};
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        invalid(post(from, TRANSFER,
                     fmt("{\"recipient\": \"%s\", \"amount\": %s}", to->email,
                         bad[i])),
                "amount");
    }
    expect(post(from, TRANSFER,
                fmt("{\"recipient\": \"%s\", \"amount\": 0.1}", to->email)),
           201);
    wallet_is(to, "0.10 0.00");
}
END_TEST

START_TEST(every_movement_is_in_the_list)
{
    actor_t *buyer = person("user", "50.00"), *friend = person("user", NULL);
    long long order;
    reply_t *r;

    expect(post(buyer, TRANSFER, transfer(friend->email, "5.00")), 201);
    order = buy(buyer, product(person("seller", NULL), "20.00", 1), 1);
    r = expect(get(buyer, "/api/wallet/transactions/"), 200);
    same(r, "count", "3");
    same(r, "results.0.type", "ESCROW_HOLD");
    same(r, "results.0.balance_after", "25.00");
    same(r, "results.0.held_after", "20.00");
    same(r, "results.1.type", "TRANSFER");
    same(r, "results.1.amount", "-5.00");
    same(r, "results.1.balance_after", "45.00");
    same(r, "results.2.type", "DEPOSIT");
    same(r, "results.2.amount", "50.00");
    same(get(friend, "/api/wallet/transactions/"), "results.0.amount", "5.00");
    same(get(buyer, "/api/wallet/transactions/?type=transfer"), "count", "1");
    same(get(buyer, fmt("/api/wallet/transactions/?order=%lld", order)),
         "count", "1");
    same(get(buyer, "/api/wallet/transactions/?after=2100-01-01T00:00:00Z"),
         "count", "0");
    same(get(buyer, "/api/wallet/transactions/?before=2100-01-01T00:00:00Z"),
         "count", "3");
    invalid(get(buyer, "/api/wallet/transactions/?type=GIFT"), "type");
}
END_TEST

START_TEST(a_deposit_is_paid_once_per_reference)
{
    actor_t *admin = person("admin", NULL), *who = person("user", NULL);
    const char *reference = unique("bank");
    reply_t *r;

    expect(post(admin, deposit_path(who), deposit("70.00", reference)), 201);
    wallet_is(who, "70.00 0.00");
    r = post(admin, deposit_path(who), deposit("70.00", reference));
    ck_assert_int_ne(r->status, 500);
    wallet_is(who, "70.00 0.00"); /* whatever it answered */
    r = post(admin, deposit_path(person("user", NULL)),
             deposit("70.00", reference));
    ck_assert_int_eq(r->status, 409);
    ck_assert_int_eq(notified(who, "wallet_deposit"), 1);
    ck_assert_int_ge(sql_int("SELECT count(*) FROM ecs.audit_log"
                             " WHERE actor_id = %lld",
                             admin->id),
                     1);
    books_balance();
}
END_TEST

START_TEST(a_deposit_says_why)
{
    actor_t *admin = person("admin", NULL), *who = person("user", NULL);

    invalid(post(admin, deposit_path(who), "{\"amount\": \"1.00\"}"),
            "reference");
    refused(post(admin, "/api/wallet/admin/999999999/deposit/",
                 deposit("1.00", unique("bank"))),
            404, "not_found");
    refused(post(who, deposit_path(who), deposit("1.00", unique("bank"))), 403,
            "permission_denied");
    wallet_is(who, "0.00 0.00");
}
END_TEST

START_TEST(a_withdrawal_is_held_until_it_is_decided)
{
    actor_t *admin = person("admin", NULL), *who = person("seller", "50.00");
    const char *path = "/api/wallet/withdraw/";
    const char *decide = "/api/wallet/admin/withdrawals/";
    long long one, two;

    refused(post(who, path, "{\"amount\": \"50.01\"}"), 402,
            "insufficient_funds");
    one = int_at(expect(post(who, path, "{\"amount\": \"20.00\"}"), 201), "id");
    two = int_at(expect(post(who, path, "{\"amount\": \"5.00\"}"), 201), "id");
    wallet_is(who, "25.00 25.00");
    ck_assert(lists(get(who, "/api/wallet/withdrawals/"), one));
    ck_assert(lists(get(admin, decide), one));
    same(expect(post(admin, fmt("%s%lld/approve/", decide, one), NULL), 200),
         "status", "APPROVED");
    wallet_is(who, "25.00 5.00");
    invalid(post(admin, fmt("%s%lld/reject/", decide, two), NULL), "reason");
    same(expect(post(admin, fmt("%s%lld/reject/", decide, two),
                     "{\"reason\": \"wrong bank\"}"),
                200),
         "status", "REJECTED");
    wallet_is(who, "30.00 0.00");
    refused(post(admin, fmt("%s%lld/approve/", decide, two), NULL), 409,
            "wrong_state");
    refused(post(who, fmt("%s%lld/approve/", decide, one), NULL), 403,
            "permission_denied");
    same(get(who, "/api/wallet/transactions/?type=WITHDRAWAL"), "count", "1");
    ck_assert_int_eq(notified(who, "withdrawal_decided"), 2);
    books_balance();
}
END_TEST

START_TEST(an_admin_sees_any_wallet)
{
    actor_t *who = person("user", "12.34");
    const char *path = fmt("/api/wallet/admin/%lld/", who->id);

    same(expect(get(person("admin", NULL), path), 200), "balance", "12.34");
    refused(get(who, path), 403, "permission_denied");
    refused(get(person("admin", NULL), "/api/wallet/admin/999999999/"), 404,
            "not_found");
}
END_TEST

START_TEST(the_audit_finds_a_planted_error)
{
    actor_t *admin = person("admin", NULL), *who = person("user", "10.00");
    reply_t *r = expect(get(admin, "/api/wallet/admin/audit/"), 200);

    ck_assert_ptr_null(strstr(r->body, "false"));
    sql("UPDATE ecs.wallets SET available = available + 1"
        " WHERE user_id = %lld",
        who->id);
    r = expect(get(admin, "/api/wallet/admin/audit/"), 200);
    ck_assert_ptr_nonnull(strstr(r->body, "false"));
    sql("UPDATE ecs.wallets SET available = available - 1"
        " WHERE user_id = %lld",
        who->id);
    books_balance();
}
END_TEST

START_TEST(the_ledger_cannot_be_rewritten)
{
    person("user", "10.00");
    ck_assert_str_eq(
        sql("DO $$ BEGIN UPDATE ecs.transfers SET amount = 1;"
            " RAISE EXCEPTION 'rewritten'; EXCEPTION WHEN"
            " insufficient_privilege THEN NULL; END $$; SELECT 'kept'"),
        "kept");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_wallet_shows_what_can_be_spent_and_what_is_held,
        money_goes_from_one_to_the_other,
        nobody_transfers_what_is_not_theirs,
        a_transfer_needs_somebody_else,
        an_amount_is_exact,
        every_movement_is_in_the_list,
        a_deposit_is_paid_once_per_reference,
        a_deposit_says_why,
        a_withdrawal_is_held_until_it_is_decided,
        an_admin_sees_any_wallet,
        the_audit_finds_a_planted_error,
        the_ledger_cannot_be_rewritten,
        NULL};

    return suite_run("wallet", tests, 20);
}
