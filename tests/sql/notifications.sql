-- Notifications: own ones only, read and unread, wanted and unwanted
-- (sql/api/70_notifications.sql).
BEGIN;
\ir support.psql
SELECT plan(29);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('bob', 'user') AS bob, ecs_test.person('eve', 'user') AS eve;
CREATE FUNCTION ecs_test.bob() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT bob FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.eve() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT eve FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.messages(p_answer ecs.answer) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(x ->> 'message', ' ') FROM json_array_elements(p_answer.body) x $$;
CREATE FUNCTION ecs_test.list(p_is_read boolean DEFAULT NULL, p_type text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT a.total || ': ' || coalesce(ecs_test.messages(a), '') || ' '
        || (a.extra ->> 'unread_count')
    FROM ecs_api.notifications_list(ecs_test.bob(), p_is_read, p_type, 1, 20, NULL) a
$$;
CREATE FUNCTION ecs_test.about(p_message text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.notifications WHERE message = p_message $$;

SELECT is(ecs_test.list(), '0:  0', 'nothing happened');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'order_created', 'one', 'order', 7, '{"total": "1.00"}');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'low_stock', 'two');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'order_created', 'three', 'order', 8);
SELECT ecs_lib.notify((ecs_test.eve()).id, 'order_created', 'hers', 'order', 9);

SELECT is(ecs_test.list(), '3: three two one 3', 'the newest first');
SELECT is(ecs_test.list(p_type => 'order_created'), '2: three one 3', 'of one type');
SELECT is((ecs_api.notifications_get(ecs_test.bob(), ecs_test.about('one'))).body::jsonb - 'id',
    '{"type": "order_created", "message": "one", "is_read": false,
      "created_at": "2026-11-22T12:00:00.000Z", "content_object": {"type": "order", "id": 7},
      "extra_data": {"total": "1.00"}}'::jsonb, 'every member');
SELECT is((ecs_api.notifications_get(ecs_test.bob(), ecs_test.about('two'))).body
    ->> 'content_object', NULL, 'about nothing in particular');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.notifications_get(ecs_test.bob(),
    ecs_test.about('hers')) $$), 'not_found', 'not another''s');
SELECT is(ecs_test.messages(ecs_api.notifications_list(ecs_test.bob(), NULL, NULL, NULL, 2, NULL)),
    'three two', 'by cursor');
SELECT is((ecs_api.notifications_list(ecs_test.bob(), NULL, NULL, NULL, 2, NULL)).next_key,
    ecs_test.about('two')::text, 'which goes on');
SELECT is(ecs_test.messages(ecs_api.notifications_list(ecs_test.bob(), NULL, NULL, NULL, 2,
    ecs_test.about('two'))), 'one', 'to the rest');
SELECT is((ecs_api.notifications_list(ecs_test.bob(), NULL, NULL, NULL, 2,
    ecs_test.about('two'))).next_key, NULL, 'and ends');
SELECT is(ecs_test.messages(ecs_api.notifications_list(ecs_test.bob(), NULL, NULL, 2, 2, NULL)),
    'one', 'the second page');

SELECT is((ecs_api.notifications_read(ecs_test.bob(), ecs_test.about('two'))).body ->> 'is_read',
    'true', 'one is read');
SELECT is((SELECT version FROM ecs.notifications WHERE message = 'two'), 2::bigint,
    'which is another version');
SELECT is((ecs_api.notifications_read(ecs_test.bob(), ecs_test.about('two'))).version, 2::bigint,
    'again changes nothing');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.notifications_read(ecs_test.bob(),
    ecs_test.about('hers')) $$), 'not_found', 'not another''s');
SELECT is((ecs_api.notifications_unread_count(ecs_test.bob())).body ->> 'unread_count', '2',
    'two are unread');
SELECT is(ecs_test.list(true), '1: two 2', 'the read ones');
SELECT is(ecs_test.list(false), '2: three one 2', 'the unread ones');
SELECT is((ecs_api.notifications_read_all(ecs_test.bob())).body::jsonb,
    '{"updated": 2, "unread_count": 0}'::jsonb, 'all at once');
SELECT is(ecs_test.list(false), '0:  0', 'nothing is unread');
SELECT is((ecs_api.notifications_unread_count(ecs_test.eve())).body ->> 'unread_count', '1',
    'but for the other one');

SELECT is(json_array_length((ecs_api.notifications_preferences(ecs_test.bob())).body
    -> 'preferences'), 38, 'every type can be chosen');
SELECT is((SELECT count(*) FROM json_array_elements((ecs_api.notifications_preferences(
    ecs_test.bob())).body -> 'preferences') p
    WHERE p ->> 'in_app' = 'true' AND p ->> 'email' = 'true'), 38::bigint,
    'all are wanted at first');
SELECT is((ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "order_created", "in_app": false}')).body #>> '{preferences,0}',
    '{"type" : "order_created", "in_app" : false, "email" : true}', 'one is not');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'order_created', 'four');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'low_stock', 'five');
SELECT is(ecs_test.list(false), '1: five 1', 'of which nothing is heard');
SELECT is((ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "order_created", "email": false}')).body #>> '{preferences,0}',
    '{"type" : "order_created", "in_app" : false, "email" : false}', 'what is not said stays');
SELECT is((ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "order_created", "in_app": true}')).body #>> '{preferences,0,in_app}',
    'true', 'wanted again');
SELECT ecs_lib.notify((ecs_test.bob()).id, 'order_created', 'six');
SELECT is(ecs_test.list(false), '2: six five 2', 'and heard again');
SELECT is((SELECT string_agg(DISTINCT t, ' ') FROM unnest(ecs_lib.notification_types()) t
    WHERE t !~ '^[a-z_]+$'), NULL, 'types are plain words');

SELECT * FROM finish();
ROLLBACK;
