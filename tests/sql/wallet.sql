-- Wallet: every way money moves, every refusal, and the proof that finds what
-- was tampered with (sql/api/60_wallet.sql, 90_audit.sql).
BEGIN;
\ir support.psql
SELECT plan(75);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('bob', 'user', 100) AS bob,
    ecs_test.person('cyd', 'delivery') AS cyd,
    ecs_test.person('gone', 'user') AS gone;
UPDATE ecs.users SET is_active = false WHERE username = 'gone';
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.money(p_name text) RETURNS text LANGUAGE sql
AS $$ SELECT ecs_test.balance(ecs_test.me(p_name)) $$;
-- Type, amount, balance, held, reference of each movement on a page.
CREATE FUNCTION ecs_test.movements(p_answer ecs.answer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', x ->> 'type', x ->> 'amount', x ->> 'balance_after',
                                x ->> 'held_after', x ->> 'reference'), ', ')
    FROM json_array_elements(p_answer.body) x
$$;
CREATE FUNCTION ecs_test.list(p_name text, p_type text DEFAULT NULL,
    p_after timestamptz DEFAULT NULL,
    p_before timestamptz DEFAULT NULL, p_order bigint DEFAULT NULL, p_auction bigint DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT a.total || ': ' || coalesce(ecs_test.movements(a), '')
    FROM ecs_api.wallet_transactions(ecs_test.me(p_name), p_type, p_after, p_before, p_order,
        p_auction, 1, 20, NULL) a
$$;
CREATE FUNCTION ecs_test.broken() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'nothing')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;
-- What the audit finds after a change, which is undone.
CREATE FUNCTION ecs_test.broken_by(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v text;
BEGIN
    BEGIN
        EXECUTE p_sql;
        v := ecs_test.broken();
        RAISE EXCEPTION 'undo' USING ERRCODE = 'EC999';
    EXCEPTION WHEN SQLSTATE 'EC999' THEN
        RETURN v;
    END;
END $$;

-- Reading ------------------------------------------------------------------------------

SELECT is((ecs_api.wallet_get(ecs_test.me('bob'))).body::jsonb,
    '{"balance": "100.00", "held_balance": "0.00", "currency": "USD"}'::jsonb, 'a wallet');
SELECT is((ecs_api.wallet_get(ROW(0, 'admin', NULL, NULL, NULL,
    NULL)::ecs.caller)).body ->> 'balance', '0.00',
    'somebody who never had one');
SELECT is((ecs_api.wallet_admin_get(ecs_test.me('admin'), (ecs_test.me('bob')).id)).body
    ->> 'balance', '100.00', 'an admin sees any');
SELECT is((ecs_api.wallet_admin_get(ecs_test.me('admin'), (ecs_test.me('bob')).id)).body
    #>> '{user,username}', 'bob', 'and whose it is');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_admin_get(ecs_test.me('admin'), 0) $$),
    'not_found', 'that is there');

-- Deposit ---------------------------------------------------------------------------------

SELECT ecs_test.pass('1 minute');
SELECT is((ecs_api.wallet_deposit(ecs_test.me('admin'), (ecs_test.me('bob')).id, 25.5, 'bank 1',
    'paid at the counter')).body::jsonb - 'id',
    '{"type": "DEPOSIT", "amount": "25.50", "balance_after": "125.50", "held_after": "0.00",
      "reference": "bank 1", "order": null, "auction": null,
      "created_at": "2026-11-22T12:01:00.000Z"}'::jsonb, 'money comes in');
SELECT is(ecs_test.money('bob'), '125.50 + 0.00', 'and is there');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'),
    (ecs_test.me('bob')).id, 25.5, 'bank 1', 'again') $$), 'duplicate', 'once per reference');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'),
    (ecs_test.me('sam')).id, 1, 'bank 1', 'again') $$), 'duplicate', 'for whomever');
CREATE FUNCTION ecs_test.detail_of(p_sql text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE v text;
BEGIN
    EXECUTE p_sql;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v = PG_EXCEPTION_DETAIL;
    RETURN v;
END $$;
SELECT is((ecs_test.detail_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'),
    (ecs_test.me('bob')).id, 25.5, 'bank 1', 'again') $$) ->> 'transaction')::bigint,
    (SELECT id FROM ecs.transfers WHERE reference = 'bank 1'), 'which names the first');
SELECT is(ecs_test.money('bob'), '125.50 + 0.00', 'and pays nothing');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'), 0, 1, 'b',
    'r') $$),
    'not_found', 'not to nobody');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'),
    (ecs_test.me('admin')).id, 1, 'b', 'r') $$),
    '{"user_id" : ["Only users and sellers can be given money."]}', 'not to admins');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_deposit(ecs_test.me('admin'),
    (ecs_test.me('cyd')).id, 1, 'b', 'r') $$),
    '{"user_id" : ["Only users and sellers can be given money."]}', 'nor to couriers');
SELECT is((SELECT string_agg(type || ': ' || message, ', ') FROM ecs.notifications
    WHERE user_id = (ecs_test.me('bob')).id), 'wallet_deposit: 25.50 was paid into your wallet.',
    'its owner is told');
SELECT is((SELECT details ->> 'reason' FROM ecs.audit_log WHERE action = 'wallet.deposit'),
    'paid at the counter', 'and it is audited');

-- Transfer ------------------------------------------------------------------------------------

SELECT ecs_test.pass('1 minute');
SELECT is(ecs_test.movements(ROW(200, json_build_array((ecs_api.wallet_transfer(ecs_test.me('bob'),
    'SAM@example.com', 20, 'thanks')).body), NULL, NULL, NULL, NULL, NULL, false)::ecs.answer),
    'TRANSFER -20.00 105.50 0.00 thanks', 'money goes by e-mail');
SELECT is((ecs_api.wallet_transfer(ecs_test.me('sam'), 'Bob', 0.5, '')).body ->> 'reference', NULL,
    'or by name, without a note');
SELECT is(ecs_test.money('bob') || ', ' || ecs_test.money('sam'), '106.00 + 0.00, 19.50 + 0.00',
    'both wallets have moved');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'), 'bob', 1,
    NULL) $$),
    '{"recipient" : ["You cannot send money to yourself."]}', 'not to oneself');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'), 'nobody', 1,
    NULL) $$),
    '{"recipient" : ["There is no such recipient."]}', 'not to nobody');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'), 'gone', 1,
    NULL) $$),
    '{"recipient" : ["There is no such recipient."]}', 'not to who is gone');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'), 'ada', 1,
    NULL) $$),
    '{"recipient" : ["There is no such recipient."]}', 'not to admins');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'),
    'cyd@example.com', 1, NULL) $$),
    '{"recipient" : ["There is no such recipient."]}', 'not to couriers');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_transfer(ecs_test.me('bob'), 'sam', 106.01,
    NULL) $$),
    'insufficient_funds', 'not what is not there');
SELECT is(ecs_test.money('bob') || ', ' || ecs_test.money('sam'), '106.00 + 0.00, 19.50 + 0.00',
    'refusals move nothing');

-- Withdrawal ------------------------------------------------------------------------------------

SELECT ecs_test.pass('1 minute');
SELECT is((ecs_api.wallet_withdraw(ecs_test.me('bob'), 30)).body::jsonb - 'id' - 'user',
    '{"amount": "30.00", "status": "REQUESTED", "reason": null, "decided_at": null,
      "created_at": "2026-11-22T12:03:00.000Z"}'::jsonb, 'money is asked for');
SELECT max(id) AS first FROM ecs.withdrawals \gset
SELECT is(ecs_test.money('bob'), '76.00 + 30.00', 'and held');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_withdraw(ecs_test.me('bob'), 76.01) $$),
    'insufficient_funds', 'not what is not there');
SELECT is((SELECT count(*) FROM ecs.withdrawals), 1::bigint, 'a refusal asks for nothing');
SELECT is(ecs_test.broken(), 'nothing', 'held money is accounted for');
SELECT lives_ok($$ SELECT ecs_api.wallet_withdraw(ecs_test.me('bob'), 6) $$, 'and more');
SELECT max(id) AS second FROM ecs.withdrawals \gset
SELECT is((ecs_api.wallet_withdrawal_approve(ecs_test.me('admin'), :first)).body ->> 'status',
    'APPROVED', 'an admin pays it out');
SELECT is(ecs_test.money('bob'), '70.00 + 6.00', 'it is gone');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.wallet_withdrawal_approve(ecs_test.me(''admin''), %s)',
    :first)), 'wrong_state', 'once');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.wallet_withdrawal_reject(ecs_test.me(''admin''), %s, ''x'')',
    :first)), 'wrong_state', 'and not rejected afterwards');
SELECT is((ecs_api.wallet_withdrawal_reject(ecs_test.me('admin'), :second, 'no account')).body
    ->> 'reason', 'no account', 'the other is rejected');
SELECT is(ecs_test.money('bob'), '76.00 + 0.00', 'and back');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wallet_withdrawal_approve(ecs_test.me('admin'), 0) $$),
    'not_found', 'one that is not there');
SELECT is((SELECT string_agg(message, ' ' ORDER BY id) FROM ecs.notifications
    WHERE type = 'withdrawal_decided'), 'Your withdrawal of 30.00 is paid out. '
    'Your withdrawal of 6.00 was rejected: no account', 'its owner is told');
SELECT is((SELECT string_agg(action, ' ' ORDER BY id) FROM ecs.audit_log
    WHERE object_type = 'withdrawal'), 'withdrawal.approve withdrawal.reject', 'both are audited');
SELECT is((ecs_api.wallet_withdrawals(ecs_test.me('bob'), NULL, 1, 20, NULL)).total, 2::bigint,
    'bob sees both');
SELECT is((ecs_api.wallet_withdrawals(ecs_test.me('bob'), 'REJECTED', 1, 20, NULL)).body
    #>> '{0,amount}', '6.00', 'or those of a state');
SELECT is((ecs_api.wallet_withdrawals(ecs_test.me('sam'), NULL, 1, 20, NULL)).total, 0::bigint,
    'sam sees none');
SELECT is((ecs_api.wallet_admin_withdrawals(ecs_test.me('admin'), NULL, NULL, 1, NULL)).next_key,
    :'second', 'an admin sees all, page by page');
SELECT is((ecs_api.wallet_admin_withdrawals(ecs_test.me('admin'), NULL, NULL, 1, :second)).body
    #>> '{0,user,username}', 'bob', 'with whose they are');

-- The list of movements ---------------------------------------------------------------------------

SELECT is(ecs_test.list('bob'), '8: ESCROW_RELEASE 6.00 76.00 0.00 withdrawal ' || :second
    || ', WITHDRAWAL -30.00 70.00 6.00 withdrawal ' || :first
    || ', ESCROW_HOLD -6.00 70.00 36.00 withdrawal ' || :second
    || ', ESCROW_HOLD -30.00 76.00 30.00 withdrawal ' || :first
    || ', TRANSFER 0.50 106.00 0.00, TRANSFER -20.00 105.50 0.00 thanks'
    || ', DEPOSIT 25.50 125.50 0.00 bank 1, DEPOSIT 100.00 100.00 0.00 test bob',
    'every movement, the newest first');
SELECT is(ecs_test.list('sam'), '2: TRANSFER -0.50 19.50 0.00, TRANSFER 20.00 20.00 0.00 thanks',
    'as the other sees it');
SELECT is(ecs_test.list('cyd'), '0: ', 'or nothing');
SELECT is(ecs_test.list('bob', p_type => 'WITHDRAWAL'),
    '1: WITHDRAWAL -30.00 70.00 6.00 withdrawal ' || :first, 'of a type');
SELECT is(ecs_test.list('bob', p_after => '2026-11-22 12:01:00Z',
    p_before => '2026-11-22 12:02:00Z'),
    '1: DEPOSIT 25.50 125.50 0.00 bank 1', 'of a time');
SELECT is(ecs_test.list('bob', p_auction => 1), '0: ', 'of an auction');
SELECT is((SELECT string_agg((SELECT string_agg(x ->> 'amount', ' ')
        FROM json_array_elements((ecs_api.wallet_transactions(ecs_test.me('bob'), NULL, NULL, NULL,
            NULL, NULL, page, 3, NULL)).body) x), ' | ')
    FROM generate_series(1, 3) page), '6.00 -30.00 -6.00 | -30.00 0.50 -20.00 | 25.50 100.00',
    'page by page');
CREATE FUNCTION ecs_test.by_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v     ecs.answer;
    v_all text := '';
BEGIN
    LOOP
        v := ecs_api.wallet_transactions(ecs_test.me('bob'), NULL, NULL, NULL, NULL, NULL,
                                         NULL, 3, v.next_key::bigint);
        v_all := v_all || (SELECT string_agg(x ->> 'amount', ' ')
                           FROM json_array_elements(v.body) x) || ' | ';
        EXIT WHEN v.next_key IS NULL;
    END LOOP;
    RETURN v_all;
END $$;
SELECT is(ecs_test.by_cursor(), '6.00 -30.00 -6.00 | -30.00 0.50 -20.00 | 25.50 100.00 | ',
    'and by cursor');

-- The proof ----------------------------------------------------------------------------------------

-- A life of an order: bought, claimed, shipped, delivered, completed; another
-- one cancelled, one open.
SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 10, 50) AS lamp \gset
CREATE FUNCTION ecs_test.bought(p_product bigint, p_quantity integer) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_api.cart_add(ecs_test.me('bob'), p_product, p_quantity);
    RETURN (ecs_api.orders_checkout(ecs_test.me('bob'), NULL)).body ->> 'id';
END $$;
SELECT ecs_test.bought(:lamp, 2) AS done \gset
SELECT ecs_test.bought(:lamp, 1) AS cancelled \gset
SELECT ecs_test.bought(:lamp, 1) AS open \gset
SELECT (ecs_api.orders_cancel(ecs_test.me('bob'), :cancelled, NULL)).status AS ignored \gset
SELECT (ecs_api.delivery_claim(ecs_test.me('cyd'), :done)).status AS ignored \gset
UPDATE ecs.orders SET status = 'SHIPPED' WHERE id = :done;
UPDATE ecs.orders SET status = 'DELIVERED', complete_after = ecs.now() WHERE id = :done;
INSERT INTO ecs.order_history (order_id, status) VALUES (:done, 'SHIPPED'), (:done, 'DELIVERED');
SELECT (ecs_api.orders_complete(ecs_test.me('bob'), :done, NULL)).status AS ignored \gset
SELECT is(ecs_test.money('bob') || ', ' || ecs_test.money('sam'), '46.00 + 10.00, 38.70 + 0.00',
    'orders were paid for');
SELECT alike(ecs_test.list('bob', p_order => :done),
    '2: PAYMENT -20.00 46.00 10.00 ORD-%, ESCROW_HOLD -20.00 56.00 20.00 ORD-%',
    'the movements of an order have its number');
SELECT is(ecs_test.broken(), 'nothing', 'and the books balance');
SELECT is((ecs_api.wallet_audit(ecs_test.me('admin'))).body ->> 'all_hold', 'true',
    'says the audit');
SELECT is((SELECT i ->> 'figure' FROM json_array_elements((ecs_api.wallet_audit(
    ecs_test.me('admin'))).body -> 'invariants') i WHERE i ->> 'name' = 'sum of all wallets is zero'),
    '0.00', 'with its figures');
SELECT is(ecs_test.broken_by($$ UPDATE ecs.wallets SET available = available + 0.01
    WHERE user_id = (ecs_test.me('bob')).id $$), 'sum of all wallets is zero: 0.01; '
    'each wallet is the sum of its entries: 1 of 7; '
    'each wallet is what its last movement left: 1 of 7', 'a cent from nowhere is found');
SELECT is(ecs_test.broken_by($$ UPDATE ecs.wallets SET available = available + CASE user_id
        WHEN (ecs_test.me('bob')).id THEN 1 ELSE -1 END
    WHERE user_id IN ((ecs_test.me('bob')).id, (ecs_test.me('sam')).id) $$),
    'each wallet is the sum of its entries: 2 of 7; '
    'each wallet is what its last movement left: 2 of 7', 'so is one from somebody else');
SELECT is(ecs_test.broken_by($$ UPDATE ecs.wallets SET available = available + 1, held = held - 1
    WHERE user_id = (ecs_test.me('bob')).id $$),
    'each wallet is the sum of its entries: 1 of 7; '
    'each wallet is what its last movement left: 1 of 7; '
    'held money is that of open orders, withdrawals and leading bids: 1 of 5', 'and one let out of escrow');
SELECT is(ecs_test.broken_by($$ UPDATE ecs.wallets SET version = version + 1
    WHERE kind = 'platform' $$), 'each wallet is what its last movement left: 1 of 7',
    'a movement that is missing');
ALTER TABLE ecs.transfers DISABLE TRIGGER transfers_append_only;
SELECT is(ecs_test.broken_by($$ UPDATE ecs.transfers SET from_available_after = 0
    WHERE kind = 'TRANSFER' AND note = 'thanks' $$),
    'each movement follows from the one before it: 2 of 21', 'a balance that was rewritten');
SELECT matches(ecs_test.broken_by($$ DELETE FROM ecs.transfers WHERE kind = 'FEE' $$),
    'the platform has the fees and penalties', 'a fee that was removed');
ALTER TABLE ecs.transfers ENABLE TRIGGER transfers_append_only;
SELECT is(ecs_test.broken_by($$ UPDATE ecs.withdrawals SET amount = 31 WHERE status = 'APPROVED' $$),
    'withdrawals paid out are those approved: 31.00', 'a withdrawal that says more');
SELECT is(ecs_test.broken_by(format('UPDATE ecs.orders SET held_amount = 9 WHERE id = %s', :open)),
    'held money is that of open orders, withdrawals and leading bids: 1 of 5; '
    'each order holds what came in for it and did not go out: 1 of 3; '
    'each order has held and refunded what its state says: 1 of 3', 'an order that holds less');
SELECT is(ecs_test.broken_by(format('UPDATE ecs.orders SET refunded_amount = 1 WHERE id = %s',
    :done)),
    'each order has held and refunded what its state says: 1 of 3; '
    'the refunds of each order are those of its lines: 1 of 3', 'a refund that never was');
SELECT is(ecs_test.broken_by(format('UPDATE ecs.order_items SET quantity = 3, line_total = 30
    WHERE order_id = %s', :open)), 'each order is the sum of its lines: 1 of 3; '
    'each day of a seller has the sales of the day: 2 of 4', 'a line that was changed');
SELECT is(ecs_test.broken_by(format('INSERT INTO ecs.order_history (order_id, status)
    VALUES (%s, ''DELIVERED'')', :open)),
    'each history is legal and ends with its order''s state: 1 of 3', 'a history that lies');
SELECT is(ecs_test.broken_by('UPDATE ecs.products SET sold_count = 5'),
    'each product counts what completed orders sold: 1 of 1', 'sales that were not');
SELECT is(ecs_test.broken_by('UPDATE ecs.users SET products_count = 2 WHERE username = ''sam'''),
    'each seller counts the approved products: 1 of 5', 'products a seller does not have');
SELECT is(ecs_test.broken_by('UPDATE ecs.categories SET products_count = 2'),
    'each category counts the approved products below it: 1 of 1', 'nor a category');
SELECT is(ecs_test.broken_by('ALTER TABLE ecs.settings DROP CONSTRAINT
    settings_max_active_deliveries_check; UPDATE ecs.settings SET max_active_deliveries = 0;
    UPDATE ecs.orders SET status = ''PROCESSING'', courier_id = (ecs_test.me(''cyd'')).id
        WHERE status = ''CREATED''; INSERT INTO ecs.order_history (order_id, status)
        SELECT id, status FROM ecs.orders WHERE status = ''PROCESSING'''),
    'no courier has too many deliveries: 1', 'a courier with too much to carry');
SELECT is(ecs_test.broken(), 'nothing', 'all of which is undone');

SELECT * FROM finish();
ROLLBACK;
