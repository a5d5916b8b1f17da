-- Wallet: balances, movements, transfers between buyers, money in and out, and
-- the ledger's own proof. Money moves by ecs.transfer() alone.
--
-- Locks, in this order in every function: the withdrawal, wallets by id.

-- A movement as the owner of a wallet sees it: the amount is what it changed
-- for the owner. Within the wallet that is the change of what can be spent.
CREATE FUNCTION ecs_lib.transaction_json(t ecs.transfers, p_wallet bigint, o ecs.orders)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', t.id, 'type', t.kind,
        'amount', (CASE WHEN t.from_wallet <> p_wallet THEN t.amount
                        WHEN t.to_wallet = p_wallet AND t.to_part = 'available' THEN t.amount
                        ELSE -t.amount END)::text,
        'balance_after', (CASE t.from_wallet WHEN p_wallet THEN t.from_available_after
                          ELSE t.to_available_after END)::text,
        'held_after', (CASE t.from_wallet WHEN p_wallet THEN t.from_held_after
                       ELSE t.to_held_after END)::text,
        'reference', coalesce(t.reference, o.order_number, t.note),
        'order', t.order_id, 'auction', t.auction_id,
        'created_at', ecs_lib.ts(t.created_at))
$$;

-- Is a movement among those a client filters for?
CREATE FUNCTION ecs_lib.transfer_fits(t ecs.transfers, p_type text, p_after timestamptz,
    p_before timestamptz, p_order bigint, p_auction bigint)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (p_type IS NULL OR t.kind = p_type)
       AND (p_after IS NULL OR t.created_at >= p_after)
       AND (p_before IS NULL OR t.created_at < p_before)
       AND (p_order IS NULL OR t.order_id = p_order)
       AND (p_auction IS NULL OR t.auction_id = p_auction)
$$;

-- One movement, as the owner of that wallet sees it.
CREATE FUNCTION ecs_lib.transaction(p_transfer bigint, p_user bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT ecs_lib.transaction_json(t, w.id, o)
            FROM ecs.transfers t JOIN ecs.wallets w ON w.user_id = p_user
            LEFT JOIN ecs.orders o ON o.id = t.order_id
            WHERE t.id = p_transfer);
END $$;

-- A withdrawal as its owner and administrators see it.
CREATE FUNCTION ecs_lib.withdrawal_json(w ecs.withdrawals, u ecs.users) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', w.id, 'user', json_build_object('id', u.id, 'username', u.username),
        'amount', w.amount::text, 'status', w.status, 'reason', w.reason,
        'created_at', ecs_lib.ts(w.created_at), 'decided_at', ecs_lib.ts(w.decided_at))
$$;

-- The caller's own money ----------------------------------------------------------

-- Callers: anyone signed in.
CREATE FUNCTION ecs_api.wallet_get(p_me ecs.caller) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
DECLARE
    w ecs.wallets;
BEGIN
    SELECT * INTO w FROM ecs.wallets WHERE user_id = p_me.id;
    RETURN ecs_lib.ok(json_build_object(
        'balance', coalesce(w.available, 0.00)::text,
        'held_balance', coalesce(w.held, 0.00)::text,
        'currency', (SELECT currency FROM ecs.settings)), w.version);
END $$;

-- The movements of the caller's wallet, newest first. Each half of the ledger
-- brings its newest from its index; what moved within the wallet is in the
-- first half. Planned once: no filter makes another plan worth its making.
-- Callers: anyone signed in.
CREATE FUNCTION ecs_api.wallet_transactions(p_me ecs.caller, p_type text,
    p_after timestamptz, p_before timestamptz, p_order bigint, p_auction bigint,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_bitmapscan = off AS $$
DECLARE
    v_wallet CONSTANT bigint := (SELECT id FROM ecs.wallets WHERE user_id = p_me.id);
    v_skip   CONSTANT bigint := ecs_lib.skip(p_page, p_page_size);
    v_ids    bigint[];
    v_rows   json;
    v_total  bigint;
BEGIN
    v_ids := ARRAY(
        SELECT x.id FROM (
            (SELECT t.id FROM ecs.transfers t
             WHERE (t.from_wallet, t.id) < (v_wallet, coalesce(p_cursor, 9223372036854775807))
               AND t.from_wallet >= v_wallet -- see 65_exports.sql
               AND ecs_lib.transfer_fits(t, p_type, p_after, p_before, p_order, p_auction)
             ORDER BY t.from_wallet DESC, t.id DESC LIMIT v_skip + p_page_size + 1)
            UNION ALL
            (SELECT t.id FROM ecs.transfers t
             WHERE (t.to_wallet, t.id) < (v_wallet, coalesce(p_cursor, 9223372036854775807))
               AND t.to_wallet >= v_wallet AND t.from_wallet <> v_wallet
               AND ecs_lib.transfer_fits(t, p_type, p_after, p_before, p_order, p_auction)
             ORDER BY t.to_wallet DESC, t.id DESC LIMIT v_skip + p_page_size + 1)) x
        ORDER BY x.id DESC LIMIT p_page_size + 1 OFFSET v_skip);
    SELECT json_agg(ecs_lib.transaction_json(t, v_wallet, o) ORDER BY t.id DESC) INTO v_rows
        FROM ecs.transfers t LEFT JOIN ecs.orders o ON o.id = t.order_id
        WHERE t.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.transfers t
            WHERE (t.from_wallet = v_wallet OR t.to_wallet = v_wallet)
              AND ecs_lib.transfer_fits(t, p_type, p_after, p_before, p_order, p_auction);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Moves money from the caller to another buyer, who is named by e-mail (which
-- has an @) or username. Callers: buyers. Locks: both wallets.
-- Raises invalid recipient, insufficient_funds.
CREATE FUNCTION ecs_api.wallet_transfer(p_me ecs.caller, p_recipient text, p_amount numeric,
                                        p_note text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_to       ecs.users;
    v_transfer bigint;
BEGIN
    IF position('@' IN p_recipient) > 0 THEN
        SELECT * INTO v_to FROM ecs.users WHERE lower(email) = lower(p_recipient);
    ELSE
        SELECT * INTO v_to FROM ecs.users WHERE lower(username) = lower(p_recipient);
    END IF;
    IF v_to.id = p_me.id THEN
        PERFORM ecs_lib.invalid('recipient', 'You cannot send money to yourself.');
    END IF;
    IF v_to.id IS NULL OR NOT v_to.is_active OR v_to.role NOT IN ('user', 'seller') THEN
        PERFORM ecs_lib.invalid('recipient', 'There is no such recipient.');
    END IF;
    v_transfer := ecs.transfer(ecs.available(p_me.id), ecs.available(v_to.id), p_amount,
        'TRANSFER', p_note => nullif(p_note, ''), p_actor => p_me.id,
        p_request_id => p_me.request_id);
    RETURN ecs_lib.created('/api/wallet/transactions/',
                           ecs_lib.transaction(v_transfer, p_me.id));
END $$;

-- Asks for money to be paid out; it is held until an administrator decides.
-- Callers: buyers. Locks: the wallet. Raises insufficient_funds.
CREATE FUNCTION ecs_api.wallet_withdraw(p_me ecs.caller, p_amount numeric)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    w ecs.withdrawals;
BEGIN
    INSERT INTO ecs.withdrawals (user_id, amount) VALUES (p_me.id, p_amount)
        RETURNING * INTO w;
    PERFORM ecs.transfer(ecs.available(p_me.id), ecs.held(p_me.id), p_amount, 'ESCROW_HOLD',
        p_reference => format('withdrawal %s', w.id), p_actor => p_me.id,
        p_request_id => p_me.request_id);
    RETURN ecs_lib.created('/api/wallet/withdrawals/', ecs_lib.withdrawal_json(w, u), w.version)
        FROM ecs.users u WHERE u.id = w.user_id;
END $$;

-- A page of withdrawals, newest first; of one user, or of all.
CREATE FUNCTION ecs_lib.withdrawals_page(p_user bigint, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.withdrawals
        WHERE (p_user IS NULL OR user_id = p_user)
          AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(ecs_lib.withdrawal_json(w, u) ORDER BY w.id DESC) INTO v_rows
        FROM ecs.withdrawals w JOIN ecs.users u ON u.id = w.user_id
        WHERE w.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.withdrawals
            WHERE (p_user IS NULL OR user_id = p_user)
              AND (p_status IS NULL OR status = p_status);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- The caller's withdrawals, newest first. Callers: buyers.
CREATE FUNCTION ecs_api.wallet_withdrawals(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.withdrawals_page(p_me.id, p_status, p_page, p_page_size, p_cursor);
END $$;

-- Administrators ------------------------------------------------------------------

-- Everybody's withdrawals, newest first.
CREATE FUNCTION ecs_api.wallet_admin_withdrawals(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.withdrawals_page(NULL, p_status, p_page, p_page_size, p_cursor);
END $$;

-- Decides a withdrawal, once; what was held goes out, or back to its owner.
-- Locks: the withdrawal, the wallets. Raises not_found, wrong_state.
CREATE FUNCTION ecs_lib.withdrawal_decide(p_me ecs.caller, p_id bigint, p_status text,
                                          p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    w ecs.withdrawals;
BEGIN
    SELECT * INTO w FROM ecs.withdrawals WHERE id = p_id FOR NO KEY UPDATE;
    IF w.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF w.status <> 'REQUESTED' THEN
        PERFORM ecs_lib.wrong_state('The withdrawal was decided already.', w.status);
    END IF;
    UPDATE ecs.withdrawals SET status = p_status, reason = p_reason,
        decided_by = p_me.id, decided_at = ecs.now()
        WHERE id = p_id RETURNING * INTO w;
    PERFORM ecs.transfer(ecs.held(w.user_id),
        CASE p_status WHEN 'APPROVED' THEN ecs.system_account('outside')
                      ELSE ecs.available(w.user_id) END,
        w.amount,
        CASE p_status WHEN 'APPROVED' THEN 'WITHDRAWAL' ELSE 'ESCROW_RELEASE' END,
        p_reference => format('withdrawal %s', w.id), p_note => p_reason,
        p_actor => p_me.id, p_request_id => p_me.request_id);
    PERFORM ecs_lib.notify(w.user_id, 'withdrawal_decided',
        CASE p_status WHEN 'APPROVED' THEN format('Your withdrawal of %s is paid out.', w.amount)
            ELSE format('Your withdrawal of %s was rejected: %s', w.amount, p_reason) END,
        'withdrawal', w.id, jsonb_build_object('status', w.status, 'amount', w.amount::text));
    PERFORM ecs_lib.audit(p_me, 'withdrawal.' || CASE p_status WHEN 'APPROVED' THEN 'approve'
            ELSE 'reject' END, 'withdrawal', w.id,
        jsonb_build_object('amount', w.amount::text, 'reason', p_reason));
    RETURN ecs_lib.ok(ecs_lib.withdrawal_json(w, u), w.version)
        FROM ecs.users u WHERE u.id = w.user_id;
END $$;

-- Callers: administrators. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.wallet_withdrawal_approve(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.withdrawal_decide(p_me, p_id, 'APPROVED', NULL);
END $$;

-- Callers: administrators. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.wallet_withdrawal_reject(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.withdrawal_decide(p_me, p_id, 'REJECTED', p_reason);
END $$;

-- Records money that came in from outside. Its reference can be used once.
-- Callers: administrators. Locks: the user's wallet and the one of the
-- outside world, by which deposits wait for each other.
-- Raises not_found, invalid user_id, duplicate.
CREATE FUNCTION ecs_api.wallet_deposit(p_me ecs.caller, p_user_id bigint, p_amount numeric,
                                       p_reference text, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_role     text;
    v_transfer bigint;
BEGIN
    SELECT role INTO v_role FROM ecs.users WHERE id = p_user_id;
    IF v_role IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_role NOT IN ('user', 'seller') THEN
        PERFORM ecs_lib.invalid('user_id', 'Only users and sellers can be given money.');
    END IF;
    PERFORM 1 FROM ecs.wallets WHERE user_id = p_user_id OR kind = 'outside'
        ORDER BY id FOR NO KEY UPDATE;
    SELECT id INTO v_transfer FROM ecs.transfers
        WHERE kind = 'DEPOSIT' AND reference = p_reference;
    IF FOUND THEN
        PERFORM ecs_lib.refuse('duplicate', 'This reference was paid in already.',
                               json_build_object('transaction', v_transfer));
    END IF;
    v_transfer := ecs.transfer(ecs.system_account('outside'), ecs.available(p_user_id),
        p_amount, 'DEPOSIT', p_reference => p_reference, p_note => p_reason,
        p_actor => p_me.id, p_request_id => p_me.request_id);
    PERFORM ecs_lib.notify(p_user_id, 'wallet_deposit',
        format('%s was paid into your wallet.', p_amount::numeric(14, 2)), NULL, NULL,
        jsonb_build_object('transaction', v_transfer, 'reference', p_reference,
                           'amount', p_amount::numeric(14, 2)::text));
    PERFORM ecs_lib.audit(p_me, 'wallet.deposit', 'user', p_user_id, jsonb_build_object(
        'transaction', v_transfer, 'amount', p_amount::numeric(14, 2)::text,
        'reference', p_reference, 'reason', p_reason));
    RETURN ecs_lib.created(format('/api/wallet/admin/%s/', p_user_id),
                           ecs_lib.transaction(v_transfer, p_user_id));
END $$;

-- Anybody's wallet. Callers: administrators. Raises not_found.
CREATE FUNCTION ecs_api.wallet_admin_get(p_me ecs.caller, p_user_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_body    json;
    v_version bigint;
BEGIN
    SELECT json_build_object(
               'user', json_build_object('id', u.id, 'username', u.username),
               'role', u.role,
               'balance', w.available::text, 'held_balance', w.held::text,
               'currency', (SELECT currency FROM ecs.settings)), w.version
        INTO v_body, v_version
        FROM ecs.wallets w JOIN ecs.users u ON u.id = w.user_id
        WHERE w.user_id = p_user_id;
    IF NOT FOUND THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(v_body, v_version);
END $$;

-- The proof of the ledger and of everything counted: each invariant, what was
-- found, and whether it holds. STABLE, so that all of it sees one moment.
-- Callers: administrators.
CREATE FUNCTION ecs_api.wallet_audit(p_me ecs.caller) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(json_build_object(
            'all_hold', bool_and(a.holds),
            'checked_at', ecs_lib.ts(ecs.now()),
            'invariants', json_agg(json_build_object(
                'name', a.name, 'figure', a.figure, 'holds', a.holds))))
        FROM ecs_lib.audit_invariants() a;
END $$;
