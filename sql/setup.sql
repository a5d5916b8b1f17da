-- SPDX-License-Identifier: MIT
--
-- setup.sql - the two roles and the database, once per PostgreSQL server, by
-- its superuser:   psql -d postgres -f setup.sql
-- Repeating it changes nothing. Then: ecsctl migrate, as ecs_owner.
--
-- ecs_owner owns everything and is used by ecsctl only. ecs_app is what httpd
-- connects as: it may connect, and call what ecsctl migrate grants to it.

\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['ecs_owner', 'ecs_app']) AS name
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec

SELECT 'CREATE DATABASE ecs OWNER ecs_owner ENCODING ''UTF8'' TEMPLATE template0'
 WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'ecs') \gexec

-- Nothing for everybody: not even a temporary table for ecs_app.
REVOKE ALL ON DATABASE ecs FROM PUBLIC;
GRANT CONNECT ON DATABASE ecs TO ecs_app;

\connect ecs
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
