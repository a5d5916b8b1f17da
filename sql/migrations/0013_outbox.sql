-- What leaves the shop: mails, and whatever else has to reach somebody outside.
--
-- A row is written in the transaction of what it tells of, so that both happen
-- or neither. Workers of any number of hosts take due rows for a while, deliver
-- them and say what came of it (sql/api/75_outbox.sql). One that dies in the
-- middle leaves a row whose time is up, and it is delivered again. Its row is
-- what tells a message from others, at every attempt: Message-ID, webhook-id.

CREATE TABLE ecs.outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel         text NOT NULL CHECK (channel IN ('mail', 'webhook')),
    kind            text NOT NULL,       -- mail: which template
    destination     text NOT NULL,       -- mail: the address
    user_id         bigint,              -- whom it is for; users are never deleted
    -- What is about one object goes to one destination in the order of ids.
    object_type     text,
    object_id       bigint,
    payload         jsonb NOT NULL DEFAULT '{}',
    status          text NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'SENT', 'DEAD')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- that began
    next_attempt_at timestamptz NOT NULL DEFAULT ecs.now(), -- taken: when it may be again
    claimed_until   timestamptz,         -- somebody is delivering it
    last_error      text,
    expires_at      timestamptz,         -- too late to be of use from then on
    created_at      timestamptz NOT NULL DEFAULT ecs.now(),
    sent_at         timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    CONSTRAINT outbox_sent CHECK ((status = 'SENT') = (sent_at IS NOT NULL)),
    CONSTRAINT outbox_claimed CHECK (claimed_until IS NULL OR status = 'PENDING'),
    CONSTRAINT outbox_object CHECK ((object_type IS NULL) = (object_id IS NULL))
);
CREATE INDEX outbox_due ON ecs.outbox (channel, next_attempt_at, id)
    WHERE status = 'PENDING';
CREATE INDEX outbox_order ON ecs.outbox (destination, object_id, object_type, id)
    WHERE status = 'PENDING' AND object_id IS NOT NULL;
CREATE INDEX outbox_dead ON ecs.outbox (id) WHERE status = 'DEAD';

-- Does anybody deliver what is sent this way? A worker says so as long as it
-- runs; nothing is written for a channel without one. By the clock on the wall:
-- it is about processes, not about the shop.
CREATE TABLE ecs.outbox_channels (
    channel      text PRIMARY KEY CHECK (channel IN ('mail', 'webhook')),
    served_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO ecs.outbox_channels (channel) VALUES ('mail'), ('webhook');

-- What is sent to a mailbox to prove that somebody reads it. Tokens are derived
-- from the shop's key and a nonce, as proofs of delivery are; here stands only
-- what they are compared with.
CREATE TABLE ecs.mail_tokens (
    token_hash text PRIMARY KEY,         -- SHA-256, hex
    purpose    text NOT NULL CHECK (purpose IN
        ('password_reset', 'email_verification', 'invitation')),
    user_id    bigint NOT NULL REFERENCES ecs.users,
    email      text NOT NULL,            -- it was sent to
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz               -- or made void by another one's use
);
CREATE INDEX mail_tokens_user ON ecs.mail_tokens (user_id) WHERE used_at IS NULL;
CREATE INDEX mail_tokens_expired ON ecs.mail_tokens (expires_at);
