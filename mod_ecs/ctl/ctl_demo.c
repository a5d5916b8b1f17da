/* SPDX-License-Identifier: MIT */
/*
 * ctl_demo.c - fill an empty shop. What is in it says sql/demo.sql; it finds
 * the hash of the one password of all its accounts in the setting
 * `ecs.demo_password_hash`, for the length of its transaction.
 */
#include "ctl_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "password.h"
#include "secrets.h"

const char ecs_ctl_demo_usage[] =
    "usage: ecsctl demo\n"
    "\n"
    "Loads the demo shop into a database that has no users yet. All its\n"
    "accounts have one password: the one in the environment variable\n"
    "ECS_PASSWORD, or else a new one that is printed. Where the demo shop is\n"
    "already, nothing is changed; a shop with other users is refused.\n";

/* The account by which the demo shop is known. */
#define DEMO_ACCOUNT "superadmin@demo.shop"
#define PASSWORD_RANDOM_BYTES 8

/* 1: empty, 0: the demo shop is there, -1: refused or failed (said so). */
static int may_load(const ecs_ctl_t *ctl, PGconn *conn)
{
    const char *what = ecs_ctl_value(
        ctl->pool, conn,
        "SELECT CASE WHEN count(*) = 0 THEN 'empty' WHEN bool_or(email = '"
        DEMO_ACCOUNT "') THEN 'demo' ELSE 'used' END FROM ecs.users");

    if (what == NULL) {
        return -1;
    }
    if (strcmp(what, "used") == 0) {
        ecs_ctl_fail("this shop has users, and they are not those of the demo "
                     "shop; give the demo a database of its own");
        return -1;
    }
    return strcmp(what, "empty") == 0;
}

static int load(const ecs_ctl_t *ctl, PGconn *conn, const char *password)
{
    apr_pool_t *p = ctl->pool;
    const char *path = apr_pstrcat(p, ctl->sql_dir, "/demo.sql", NULL);
    const char *text = ecs_ctl_read(p, path);
    const char *hash = ecs_password_hash(p, password);
    char sqlstate[6];

    if (text == NULL) {
        return ECS_CTL_FAILED;
    }
    if (hash == NULL) {
        return ecs_ctl_fail("the password cannot be hashed (crypt failed)");
    }
    if (ecs_ctl_run(conn, "BEGIN", 0) != ECS_CTL_OK
        || ecs_ctl_run(conn,
                       "SELECT set_config('ecs.demo_password_hash', $1, true)",
                       1, hash) != ECS_CTL_OK
        || ecs_ctl_script(conn, path, text, sqlstate) != ECS_CTL_OK) {
        return ECS_CTL_FAILED; /* closing the connection rolls back */
    }
    if (ecs_ctl_run(conn, "COMMIT", 0) != ECS_CTL_OK) {
        return ECS_CTL_FAILED;
    }
    /* Plans made without statistics would be slow until autovacuum comes. */
    return ecs_ctl_run(
        conn,
        "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class "
        "WHERE relnamespace = 'ecs'::regnamespace AND relkind = 'r' LOOP "
        "EXECUTE format('ANALYZE %s', t); END LOOP; END $$",
        0);
}

static const char *new_password(apr_pool_t *p)
{
    const char *hex = ecs_secrets_random_hex(p, PASSWORD_RANDOM_BYTES);

    return hex == NULL ? NULL
                       : apr_psprintf(p, "%.4s-%.4s-%.4s-%.4s", hex, hex + 4,
                                      hex + 8, hex + 12);
}

static void take_option(void *baton, int option, const char *value)
{
}

int ecs_ctl_demo(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t options[] = {{"help", 'h', 0, NULL},
                                                  {NULL, 0, 0, NULL}};
    const char *given = getenv("ECS_PASSWORD");
    const char *password = given;
    int status = ecs_ctl_options(ctl, options, take_option, NULL);
    int empty;
    PGconn *conn;

    if (status >= 0) {
        return status;
    }
    conn = ecs_ctl_connect(ctl);
    empty = conn ? may_load(ctl, conn) : -1;
    if (empty < 0) {
        return ECS_CTL_FAILED;
    }
    if (!empty) {
        puts("The demo shop is there already; nothing changed.");
        return ECS_CTL_OK;
    }
    if (given == NULL || *given == '\0') {
        password = new_password(ctl->pool);
    }
    if (password == NULL) {
        return ecs_ctl_fail("no random numbers to be had");
    }
    if (load(ctl, conn, password) != ECS_CTL_OK) {
        return ECS_CTL_FAILED;
    }
    puts("The demo shop is loaded.");
    if (password != given) {
        printf("Password of all its accounts: %s\n", password);
    }
    return ECS_CTL_OK;
}
