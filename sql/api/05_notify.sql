-- The one way to tell people of something: what is said here becomes, in the
-- transaction of what happened, a notification in the shop and a mail, as its
-- receiver wishes. Nothing else writes ecs.notifications.

-- A piece of news for one user.
CREATE TYPE ecs_lib.news AS (
    user_id bigint,
    type    text,
    message text,
    extra   jsonb
);

-- Tells of what happened to one object. News that come thick and fast (digest:
-- bids) are one notification per object until it is read, which tells the newest
-- and how many they were; the mail went out with the first of them. In one call
-- there is at most one of them for a user.
-- Writes nothing for the outbox while nobody delivers mails.
-- One statement, because it stands on the way of every checkout and every bid.
CREATE FUNCTION ecs_lib.notify_all(p_object_type text, p_object_id bigint,
                                   p_news ecs_lib.news[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH news AS (
        SELECT n.*, n.type IN ('auction_new_bid', 'auction_outbid') AS is_digest,
               coalesce(w.in_app, true) AS in_app, coalesce(w.email, true) AS email
        FROM unnest(p_news) WITH ORDINALITY AS n (user_id, type, message, extra, place)
        LEFT JOIN ecs.notification_preferences w
            ON w.user_id = n.user_id AND w.type = n.type
    ), told AS (
        INSERT INTO ecs.notifications AS t
            (user_id, type, message, object_type, object_id, extra_data)
        SELECT user_id, type, message, p_object_type, p_object_id,
               CASE WHEN is_digest THEN extra || '{"times": 1}' ELSE extra END
        FROM news WHERE in_app
        ON CONFLICT (user_id, type, object_id)
            WHERE NOT is_read AND type IN ('auction_new_bid', 'auction_outbid')
        DO UPDATE SET message = excluded.message, created_at = ecs.now(),
            extra_data = excluded.extra_data || jsonb_build_object(
                'times', (t.extra_data ->> 'times')::integer + 1),
            version = t.version + 1
        RETURNING t.user_id, t.type, t.version = 1 AS is_new
    )
    INSERT INTO ecs.outbox (channel, kind, destination, user_id, object_type, object_id,
                            payload, expires_at)
    SELECT 'mail', 'notification', u.email, n.user_id, p_object_type, p_object_id,
           jsonb_build_object('type', n.type, 'message', n.message),
           ecs.now() + interval '3 days'
    FROM news n JOIN ecs.users u ON u.id = n.user_id
    WHERE n.email AND u.is_active
      AND (SELECT served_until > clock_timestamp() FROM ecs.outbox_channels
           WHERE channel = 'mail')
      AND (NOT n.is_digest
           OR EXISTS (SELECT FROM told
                      WHERE is_new AND user_id = n.user_id AND type = n.type)
           -- without notifications nothing is read: no second while one waits
           OR NOT n.in_app AND NOT EXISTS (
               SELECT FROM ecs.outbox w
               WHERE w.status = 'PENDING' AND w.destination = u.email
                 AND w.object_id = p_object_id AND w.object_type = p_object_type
                 AND w.payload ->> 'type' = n.type))
    ORDER BY n.place;
END $$;

-- The same for one user.
CREATE FUNCTION ecs_lib.notify(p_user bigint, p_type text, p_message text,
                               p_object_type text DEFAULT NULL,
                               p_object_id bigint DEFAULT NULL,
                               p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_all(p_object_type, p_object_id,
        ARRAY[ROW(p_user, p_type, p_message, p_extra)::ecs_lib.news]);
END $$;

-- The same for several users, each once. NULLs among them are nobody.
CREATE FUNCTION ecs_lib.notify_many(p_users bigint[], p_type text, p_message text,
                                    p_object_type text, p_object_id bigint,
                                    p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_all(p_object_type, p_object_id, ARRAY(
        SELECT ROW(u, p_type, p_message, p_extra)::ecs_lib.news
        FROM (SELECT DISTINCT unnest(p_users)) AS x (u) WHERE u IS NOT NULL ORDER BY u));
END $$;
