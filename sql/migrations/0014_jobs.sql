-- Jobs: what the shop does by itself when its time has come. What there are for
-- jobs, and how often they run, is the module's (server/jobs_table.c); here
-- stands what came of them, for people to see and for hosts to agree.

CREATE TABLE ecs.jobs (
    name             text PRIMARY KEY,
    interval_ms      integer NOT NULL CHECK (interval_ms > 0),
    next_run_at      timestamptz NOT NULL,   -- not before; later after a failure
    claimed_until    timestamptz,            -- a host is at it, outside of the database
    host             text,                   -- that ran it last
    last_run_at      timestamptz,
    last_success_at  timestamptz,
    last_failed_at   timestamptz,
    last_duration_ms integer,
    last_done        integer NOT NULL DEFAULT 0,  -- in the last run that did something
    total_done       bigint NOT NULL DEFAULT 0,
    failures         bigint NOT NULL DEFAULT 0,
    failures_in_row  integer NOT NULL DEFAULT 0,  -- of the job as a whole
    last_error       text
) WITH (fillfactor = 50);

-- What a job could not do and tries again later, so that it does not hold up
-- the rest.
CREATE TABLE ecs.job_failures (
    job            text NOT NULL,
    item_id        bigint NOT NULL,
    failures       integer NOT NULL DEFAULT 1,
    last_error     text NOT NULL,
    last_failed_at timestamptz NOT NULL,
    retry_at       timestamptz NOT NULL,
    PRIMARY KEY (job, item_id)
);
CREATE INDEX job_failures_last ON ecs.job_failures (last_failed_at);

-- For the job that removes them.
CREATE INDEX sessions_expires ON ecs.sessions (expires_at);
