-- The audit log is chained: each entry, once sealed, has a hash over itself and
-- the hash of the one before it, so that one that was changed or removed shows
-- from there on (B. Schneier, J. Kelsey, Secure Audit Logs to Support Computer
-- Forensics, 1999).
--
-- Sealing is a job a moment later and not part of what is audited, or all that
-- is would wait for each other.

CREATE TABLE ecs.audit_chain (
    position bigint PRIMARY KEY CHECK (position > 0),
    audit_id bigint NOT NULL UNIQUE,   -- no foreign key: it may be found missing
    hash     bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER audit_chain_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- Entries that wait for their link. They get it in the order in which they are
-- seen, because they do not become visible in the order of their ids.
CREATE TABLE ecs.audit_unsealed (audit_id bigint PRIMARY KEY);
INSERT INTO ecs.audit_unsealed SELECT id FROM ecs.audit_log;

CREATE FUNCTION ecs.audit_to_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.audit_unsealed VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_log_to_seal AFTER INSERT ON ecs.audit_log
    FOR EACH ROW EXECUTE FUNCTION ecs.audit_to_seal();
