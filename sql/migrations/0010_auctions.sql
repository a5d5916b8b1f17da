-- Auctions: what is sold, the bids, and the offers to a runner-up.
--
-- Prices are for one piece. The leader's maximum for all pieces is held in the
-- leader's wallet, and nobody else's money is; a new leader's hold and the old
-- one's release are one transaction. What is sold is off the shelf from
-- submission to the end.

ALTER TABLE ecs.settings
    -- How far beyond its planned end late bids can move the end; 0: any far.
    ADD bid_soft_close_cap_minutes integer NOT NULL DEFAULT 0
        CHECK (bid_soft_close_cap_minutes BETWEEN 0 AND 10080),
    -- For auctions without an increment of their own: [["0.00", "0.50"],
    -- ["50.00", "1.00"]] says that from a price of 50.00 on a bid has to be
    -- 1.00 higher. Empty: such auctions take 1.00.
    ADD bid_increments jsonb NOT NULL DEFAULT '[]'
        CHECK (jsonb_typeof(bid_increments) = 'array');

CREATE TABLE ecs.auctions (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id      bigint NOT NULL REFERENCES ecs.users,
    product_id     bigint NOT NULL REFERENCES ecs.products,
    title          text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description    text NOT NULL DEFAULT '' CHECK (length(description) <= 5000),
    quantity       integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    start_price    numeric(14, 2) NOT NULL CHECK (start_price > 0),
    reserve_price  numeric(14, 2),
    buy_now_price  numeric(14, 2),
    min_increment  numeric(14, 2) CHECK (min_increment > 0), -- NULL: the settings' table
    start_at       timestamptz NOT NULL,
    end_at         timestamptz NOT NULL,     -- moves when a bid comes late
    planned_end_at timestamptz NOT NULL,     -- does not
    extensions     integer NOT NULL DEFAULT 0,
    status         text NOT NULL CHECK (status IN ('DRAFT', 'SUBMITTED', 'SCHEDULED',
        'ACTIVE', 'ENDED', 'REJECTED', 'CANCELLED')),
    reason         text,                     -- of a rejection or cancellation
    result         text CHECK (result IN ('SOLD', 'UNSOLD', 'RESERVE_NOT_MET')),
    order_id       bigint UNIQUE REFERENCES ecs.orders,
    current_price  numeric(14, 2),           -- NULL: no bid yet
    leader_id      bigint REFERENCES ecs.users,
    leader_max     numeric(14, 2),           -- only its owner may know
    bids_count     integer NOT NULL DEFAULT 0 CHECK (bids_count >= 0),
    submitted_at   timestamptz,
    ended_at       timestamptz,
    created_at     timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at     timestamptz NOT NULL DEFAULT ecs.now(),
    version        bigint NOT NULL DEFAULT 1,
    CONSTRAINT auctions_reserve CHECK (reserve_price >= start_price),
    CONSTRAINT auctions_buy_now CHECK (buy_now_price >= greatest(start_price, reserve_price)),
    CONSTRAINT auctions_length CHECK (planned_end_at BETWEEN
        start_at + interval '2 hours' AND start_at + interval '14 days'),
    CONSTRAINT auctions_end CHECK (end_at >= planned_end_at OR status = 'ENDED'),
    CONSTRAINT auctions_not_own CHECK (leader_id <> seller_id),
    CONSTRAINT auctions_leader CHECK (num_nulls(leader_id, leader_max, current_price) IN (0, 3)
        AND leader_max >= current_price AND current_price >= start_price),
    CONSTRAINT auctions_result CHECK ((status = 'ENDED') = (result IS NOT NULL)
        AND (order_id IS NULL OR result = 'SOLD'))
) WITH (fillfactor = 50); -- a hot row: bids change it in place
CREATE INDEX auctions_seller ON ecs.auctions (seller_id, id);
CREATE INDEX auctions_product ON ecs.auctions (product_id);
CREATE INDEX auctions_status ON ecs.auctions (status, id);
CREATE INDEX auctions_title ON ecs.auctions USING gin (title public.gin_trgm_ops);
CREATE INDEX auctions_to_start ON ecs.auctions (start_at) WHERE status = 'SCHEDULED';
-- What a bid changes (price, leader, end_at) must not be in an index, or each bid
-- would write all of them.
CREATE INDEX auctions_to_end ON ecs.auctions (planned_end_at, id)
    WHERE status IN ('ACTIVE', 'SCHEDULED');

-- The states an auction may go through; whatever the code says, no other edge.
CREATE TABLE ecs.auction_transitions (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO ecs.auction_transitions VALUES
    ('DRAFT', 'SUBMITTED'), ('REJECTED', 'SUBMITTED'),
    ('SUBMITTED', 'SCHEDULED'), ('SUBMITTED', 'REJECTED'), ('SUBMITTED', 'CANCELLED'),
    ('SCHEDULED', 'ACTIVE'), ('SCHEDULED', 'CANCELLED'), ('SCHEDULED', 'ENDED'),
    ('ACTIVE', 'ENDED'), ('ACTIVE', 'CANCELLED');

CREATE FUNCTION ecs.guard_auction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT FROM ecs.auction_transitions
            WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'auction % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'auctions_transition';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := ecs.now();
    RETURN NEW;
END $$;
CREATE TRIGGER auctions_guard BEFORE UPDATE ON ecs.auctions
    FOR EACH ROW EXECUTE FUNCTION ecs.guard_auction();

-- Every bid that was accepted. A maximum stays its owner's secret; PROXY rows
-- are what the system bid for a leader, so that the prices explain themselves;
-- RAISE rows are a leader's higher maximum, which moves no price.
-- No foreign keys: each would be looked up for each row, a tenth of what a bid
-- costs among many. The one function that writes here holds the auction's lock
-- and has just read the bidder; neither is ever deleted, and the audit looks.
CREATE TABLE ecs.bids (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    auction_id bigint NOT NULL,
    bidder_id  bigint NOT NULL,
    kind       text NOT NULL DEFAULT 'BID' CHECK (kind IN ('BID', 'PROXY', 'RAISE')),
    amount     numeric(14, 2) NOT NULL CHECK (amount > 0), -- everybody sees it
    max_amount numeric(14, 2) NOT NULL,                    -- nobody else does
    request_id text,
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    CONSTRAINT bids_max CHECK (max_amount >= amount)
);
CREATE INDEX bids_auction ON ecs.bids (auction_id, id);
CREATE INDEX bids_bidder ON ecs.bids (bidder_id, id);
CREATE TRIGGER bids_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.bids
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- An offer to a runner-up after the winner's order was cancelled. What is
-- offered is off the shelf until the answer.
CREATE TABLE ecs.auction_offers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    auction_id bigint NOT NULL REFERENCES ecs.auctions,
    bidder_id  bigint NOT NULL REFERENCES ecs.users,
    price      numeric(14, 2) NOT NULL CHECK (price > 0),
    status     text NOT NULL DEFAULT 'OFFERED'
        CHECK (status IN ('OFFERED', 'ACCEPTED', 'DECLINED', 'EXPIRED')),
    order_id   bigint UNIQUE REFERENCES ecs.orders,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at timestamptz NOT NULL DEFAULT ecs.now(),
    version    bigint NOT NULL DEFAULT 1,
    UNIQUE (auction_id, bidder_id),
    CONSTRAINT auction_offers_decided CHECK ((status = 'OFFERED') = (decided_at IS NULL)),
    CONSTRAINT auction_offers_order CHECK ((status = 'ACCEPTED') = (order_id IS NOT NULL))
);
-- One at a time.
CREATE UNIQUE INDEX auction_offers_open ON ecs.auction_offers (auction_id)
    WHERE status = 'OFFERED';
CREATE INDEX auction_offers_bidder ON ecs.auction_offers (bidder_id, id);
CREATE INDEX auction_offers_expiry ON ecs.auction_offers (expires_at) WHERE status = 'OFFERED';
CREATE TRIGGER auction_offers_touch BEFORE UPDATE ON ecs.auction_offers
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

ALTER TABLE ecs.transfers ADD CONSTRAINT transfers_auction_fk
    FOREIGN KEY (auction_id) REFERENCES ecs.auctions;
CREATE INDEX transfers_auction ON ecs.transfers (auction_id) WHERE auction_id IS NOT NULL;

-- While a user has not read of one auction that bids came or that they were
-- outbid, there is one notification of it, which tells the newest.
CREATE UNIQUE INDEX notifications_digest ON ecs.notifications (user_id, type, object_id)
    WHERE NOT is_read AND type IN ('auction_new_bid', 'auction_outbid');
