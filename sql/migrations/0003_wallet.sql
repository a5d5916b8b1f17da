-- Money. A wallet has two parts, what its owner can spend (available) and
-- what is set aside (held). Two wallets belong to nobody: `platform` takes the
-- fees, `outside` stands for the world that money comes from and goes to, and
-- is the only one that may be negative. So the sum over all wallets is zero,
-- always.
--
-- Only ecs.transfer() moves money. One row of ecs.transfers is a movement from
-- one account (a part of a wallet) to another, so debit and credit cannot
-- differ: double entry by construction. Rows are never changed or removed.

CREATE TABLE ecs.wallets (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint UNIQUE REFERENCES ecs.users,
    kind       text NOT NULL DEFAULT 'user'
        CHECK (kind IN ('user', 'platform', 'outside')),
    available  numeric(14, 2) NOT NULL DEFAULT 0,
    held       numeric(14, 2) NOT NULL DEFAULT 0 CHECK (held >= 0),
    version    bigint NOT NULL DEFAULT 1,
    CONSTRAINT wallets_owner CHECK ((kind = 'user') = (user_id IS NOT NULL)),
    CONSTRAINT wallets_not_negative CHECK (available >= 0 OR kind = 'outside')
) WITH (fillfactor = 70); -- balances change in place, no index does
CREATE UNIQUE INDEX wallets_kind ON ecs.wallets (kind) WHERE kind <> 'user';
INSERT INTO ecs.wallets (kind) VALUES ('platform'), ('outside');

-- Each account's new state is written beside the movement, with the version of
-- the wallet, so that the history of every wallet can be replayed and compared.
CREATE TABLE ecs.transfers (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind                 text NOT NULL CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL',
        'TRANSFER', 'ESCROW_HOLD', 'ESCROW_RELEASE', 'PAYMENT', 'REFUND',
        'FEE', 'PENALTY')),
    amount               numeric(14, 2) NOT NULL CHECK (amount > 0),
    from_wallet          bigint NOT NULL REFERENCES ecs.wallets,
    from_part            text NOT NULL CHECK (from_part IN ('available', 'held')),
    to_wallet            bigint NOT NULL REFERENCES ecs.wallets,
    to_part              text NOT NULL CHECK (to_part IN ('available', 'held')),
    from_available_after numeric(14, 2) NOT NULL,
    from_held_after      numeric(14, 2) NOT NULL,
    from_version         bigint NOT NULL,
    to_available_after   numeric(14, 2) NOT NULL,
    to_held_after        numeric(14, 2) NOT NULL,
    to_version           bigint NOT NULL,
    order_id             bigint,
    auction_id           bigint,
    reference            text,
    note                 text,
    actor_id             bigint,
    request_id           text,
    created_at           timestamptz NOT NULL DEFAULT ecs.now(),
    CONSTRAINT transfers_two_accounts
        CHECK ((from_wallet, from_part) <> (to_wallet, to_part))
);
CREATE INDEX transfers_from ON ecs.transfers (from_wallet, id);
CREATE INDEX transfers_to ON ecs.transfers (to_wallet, id);
CREATE INDEX transfers_order ON ecs.transfers (order_id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_deposit_reference ON ecs.transfers (reference)
    WHERE kind = 'DEPOSIT';
CREATE TRIGGER transfers_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.transfers
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- The two sides of each movement: amount < 0 leaves the account.
CREATE VIEW ecs.entries AS
    SELECT id AS transfer_id, from_wallet AS wallet_id, from_part AS part,
           -amount AS amount, from_version AS wallet_version FROM ecs.transfers
    UNION ALL
    SELECT id, to_wallet, to_part, amount, to_version FROM ecs.transfers;

-- One account: a part of a wallet.
CREATE TYPE ecs.account AS (wallet_id bigint, part text);

CREATE FUNCTION ecs.available(p_user bigint) RETURNS ecs.account
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ROW((SELECT id FROM ecs.wallets WHERE user_id = p_user), 'available')::ecs.account;
END $$;

CREATE FUNCTION ecs.held(p_user bigint) RETURNS ecs.account
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ROW((SELECT id FROM ecs.wallets WHERE user_id = p_user), 'held')::ecs.account;
END $$;

-- 'platform' or 'outside'
CREATE FUNCTION ecs.system_account(p_kind text) RETURNS ecs.account
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ROW((SELECT id FROM ecs.wallets WHERE kind = p_kind), 'available')::ecs.account;
END $$;

-- Moves p_amount from one account to another and writes it down.
-- Locks: the wallets, by id. A caller that makes several transfers takes all
-- their wallets first with ecs.lock_wallets().
-- Raises EC000 insufficient_funds when the account has less; an account that
-- does not exist or an amount that is not positive is a programming error.
CREATE FUNCTION ecs.transfer(
    p_from ecs.account, p_to ecs.account, p_amount numeric, p_kind text,
    p_order bigint DEFAULT NULL, p_auction bigint DEFAULT NULL,
    p_reference text DEFAULT NULL, p_note text DEFAULT NULL,
    p_actor bigint DEFAULT NULL, p_request_id text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_from ecs.wallets;
    v_to   ecs.wallets;
    v_out  numeric := CASE p_from.part WHEN 'available' THEN p_amount ELSE 0 END;
    v_id   bigint;
BEGIN
    IF p_from.wallet_id IS NULL OR p_to.wallet_id IS NULL THEN
        RAISE EXCEPTION 'transfer between accounts that do not exist';
    END IF;
    IF p_from.wallet_id = p_to.wallet_id THEN
        UPDATE ecs.wallets SET
            available = available - v_out + (p_amount - v_out),
            held = held + v_out - (p_amount - v_out), version = version + 1
        WHERE id = p_from.wallet_id AND available >= v_out
          AND held >= p_amount - v_out
        RETURNING * INTO v_from;
        v_to := v_from;
    ELSE
        -- the smaller id first, so that no two transfers wait for each other
        IF p_to.wallet_id < p_from.wallet_id THEN
            PERFORM FROM ecs.wallets WHERE id = p_to.wallet_id FOR NO KEY UPDATE;
        END IF;
        UPDATE ecs.wallets SET available = available - v_out,
            held = held - (p_amount - v_out), version = version + 1
        WHERE id = p_from.wallet_id AND held >= p_amount - v_out
          AND (available >= v_out OR kind = 'outside')
        RETURNING * INTO v_from;
    END IF;
    IF v_from.id IS NULL THEN
        SELECT * INTO v_from FROM ecs.wallets WHERE id = p_from.wallet_id;
        RAISE EXCEPTION 'The wallet has %, and % is needed.',
            CASE WHEN v_out > 0 THEN v_from.available ELSE v_from.held END,
            p_amount::numeric(14, 2)
            USING ERRCODE = 'EC000', DETAIL = json_build_object(
                'code', 'insufficient_funds',
                'balance', v_from.available::text,
                'required', p_amount::numeric(14, 2)::text);
    END IF;
    IF v_to.id IS NULL THEN
        UPDATE ecs.wallets SET
            available = available + CASE p_to.part WHEN 'available' THEN p_amount ELSE 0 END,
            held = held + CASE p_to.part WHEN 'held' THEN p_amount ELSE 0 END,
            version = version + 1
        WHERE id = p_to.wallet_id RETURNING * INTO v_to;
    END IF;
    INSERT INTO ecs.transfers (kind, amount, from_wallet, from_part, to_wallet,
        to_part, from_available_after, from_held_after, from_version,
        to_available_after, to_held_after, to_version, order_id, auction_id,
        reference, note, actor_id, request_id)
    VALUES (p_kind, p_amount, p_from.wallet_id, p_from.part, p_to.wallet_id,
        p_to.part, v_from.available, v_from.held, v_from.version,
        v_to.available, v_to.held, v_to.version, p_order, p_auction,
        p_reference, p_note, p_actor, p_request_id)
    RETURNING id INTO v_id;
    RETURN v_id;
END $$;

-- Locks the wallets of these users, and of the platform when asked, by id.
CREATE FUNCTION ecs.lock_wallets(p_users bigint[], p_platform boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ecs.wallets
        WHERE user_id = ANY (p_users) OR (p_platform AND kind = 'platform')
        ORDER BY id FOR NO KEY UPDATE;
END $$;

-- Money on its way out: held from the request until an administrator decides.
CREATE TABLE ecs.withdrawals (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES ecs.users,
    amount     numeric(14, 2) NOT NULL CHECK (amount > 0),
    status     text NOT NULL DEFAULT 'REQUESTED'
        CHECK (status IN ('REQUESTED', 'APPROVED', 'REJECTED')),
    reason     text,     -- why it was rejected
    decided_by bigint REFERENCES ecs.users,
    decided_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at timestamptz NOT NULL DEFAULT ecs.now(),
    version    bigint NOT NULL DEFAULT 1,
    CONSTRAINT withdrawals_decided CHECK ((status = 'REQUESTED') = (decided_at IS NULL))
);
CREATE INDEX withdrawals_user ON ecs.withdrawals (user_id, id);
CREATE INDEX withdrawals_status ON ecs.withdrawals (status, id);
CREATE TRIGGER withdrawals_touch BEFORE UPDATE ON ecs.withdrawals
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();
