/* SPDX-License-Identifier: MIT */
/*
 * ctl_migrate.c - bring the database to what the SQL files say.
 *
 * Two kinds of files. migrations/NNNN_name.sql hold tables: each is applied
 * once, in its number's order and in a transaction of its own, and recorded
 * with its SHA-256, so that an applied file that was edited later is noticed.
 * api/ *.sql hold functions: together they replace schemas ecs_lib and
 * ecs_api in one transaction, whenever one of them changed. The comment of
 * schema ecs_api holds the SHA-256 of them all.
 *
 * The shop may be open meanwhile: a lock that is not granted soon is given up
 * and asked for again, so that requests do not queue behind it, and an
 * advisory lock lets one ecsctl work at a time.
 */
#include "ctl_migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "secrets.h"

#define NUMBER_DIGITS 4
#define LOCK_TRIES_MAX 30
#define LOCK_PAUSE_MS 500
#define LOCK_NOT_AVAILABLE "55P03"
#define NO_TRANSACTION "-- no transaction"

const char ecs_ctl_migrate_usage[] =
    "usage: ecsctl migrate [--check]\n"
    "\n"
    "Applies the migrations that are missing, each in its own transaction,\n"
    "then replaces the functions of the shop in one transaction when a file\n"
    "of them changed. Safe while the shop is open, and safe to repeat.\n"
    "\n"
    "  --check   change nothing; exit status 1 when something is to be done\n";

typedef struct file_t {
    const char *name;   /* "0001_base.sql" */
    const char *path;
    const char *text;
    const char *sha256;
} file_t;

typedef struct migrate_t {
    const ecs_ctl_t *ctl;
    PGconn *conn;
    int check;                      /* only say what is to be done */
    apr_array_header_t *migrations; /* of file_t, by number from 1 */
    apr_array_header_t *functions;  /* of file_t, by name */
    const char *functions_sha256;
    int applied;                    /* migrations the database has */
    int done;                       /* steps taken, or to be taken */
} migrate_t;

/* --- the files ----------------------------------------------------------- */

static apr_array_header_t *read_files(const ecs_ctl_t *ctl, const char *folder)
{
    apr_pool_t *p = ctl->pool;
    const char *path = apr_pstrcat(p, ctl->sql_dir, "/", folder, NULL);
    apr_array_header_t *names = ecs_ctl_files(p, path, ".sql");
    apr_array_header_t *files;
    int i;

    if (names == NULL) {
        return NULL;
    }
    files = apr_array_make(p, names->nelts, sizeof(file_t));
    for (i = 0; i < names->nelts; i++) {
        file_t *file = apr_array_push(files);

        file->name = APR_ARRAY_IDX(names, i, const char *);
        file->path = apr_pstrcat(p, path, "/", file->name, NULL);
        file->text = ecs_ctl_read(p, file->path);
        if (file->text == NULL) {
            return NULL;
        }
        file->sha256 = ecs_secrets_sha256(p, file->text, strlen(file->text));
    }
    return files;
}

static int has_number(const char *name, int number)
{
    int i;

    for (i = 0; i < NUMBER_DIGITS; i++) {
        if (!apr_isdigit(name[i])) {
            return 0;
        }
    }
    return name[NUMBER_DIGITS] == '_' && atoi(name) == number;
}

/* Migrations are numbered without gaps, so that two branches which both add
 * one cannot be merged unnoticed. */
static int read_all(migrate_t *m)
{
    apr_pool_t *p = m->ctl->pool;
    const char *all = "";
    int i;

    m->migrations = read_files(m->ctl, "migrations");
    m->functions = m->migrations ? read_files(m->ctl, "api") : NULL;
    if (m->functions == NULL) {
        return ECS_CTL_FAILED;
    }
    for (i = 0; i < m->migrations->nelts; i++) {
        file_t *file = &APR_ARRAY_IDX(m->migrations, i, file_t);

        if (!has_number(file->name, i + 1)) {
            return ecs_ctl_fail("%s: a name like %04d_what_it_does.sql is due "
                                "here; rename the file", file->path, i + 1);
        }
    }
    for (i = 0; i < m->functions->nelts; i++) {
        file_t *file = &APR_ARRAY_IDX(m->functions, i, file_t);

        all = apr_pstrcat(p, all, file->name, " ", file->sha256, "\n", NULL);
    }
    m->functions_sha256 = ecs_secrets_sha256(p, all, strlen(all));
    return ECS_CTL_OK;
}

/* --- what the database has ----------------------------------------------- */

static int take_lock(migrate_t *m)
{
    const char *got = ecs_ctl_value(m->ctl->pool, m->conn,
        "SELECT pg_try_advisory_lock(hashtext('mod_ecs.migrate'))");

    if (got == NULL || *got == 't') {
        return got ? ECS_CTL_OK : ECS_CTL_FAILED;
    }
    puts("Waiting for another ecsctl migrate to end ...");
    fflush(stdout);
    return ecs_ctl_run(m->conn,
                       "SELECT pg_advisory_lock(hashtext('mod_ecs.migrate'))",
                       0);
}

/* Compares one applied migration with its file. */
static int compare(migrate_t *m, const PGresult *res, int row)
{
    const char *name = PQgetvalue(res, row, 1);
    const char *sha256 = PQgetvalue(res, row, 2);
    file_t *file;

    if (row >= m->migrations->nelts) {
        return ecs_ctl_fail("the database has migration %s, which is not in "
                            "%s/migrations: it is newer than these files; use "
                            "the ecsctl and the files of its version",
                            name, m->ctl->sql_dir);
    }
    file = &APR_ARRAY_IDX(m->migrations, row, file_t);
    if (atoi(PQgetvalue(res, row, 0)) != row + 1
        || strcmp(file->name, name) != 0) {
        return ecs_ctl_fail("the database has migration %s where the files "
                            "have %s; give your new file the next number",
                            name, file->name);
    }
    if (strcmp(file->sha256, sha256) != 0) {
        return ecs_ctl_fail("%s was changed after it had been applied. Undo "
                            "the change and write it as a new migration, "
                            "%04d_what_it_does.sql", file->path,
                            m->migrations->nelts + 1);
    }
    return ECS_CTL_OK;
}

static int find_applied(migrate_t *m)
{
    const char *table = ecs_ctl_value(m->ctl->pool, m->conn,
                                      "SELECT to_regclass('ecs.migrations')");
    PGresult *res;
    int status = ECS_CTL_OK;

    if (table == NULL || *table == '\0') {
        return table ? ECS_CTL_OK : ECS_CTL_FAILED;
    }
    res = ecs_ctl_query(m->conn, "SELECT number, name, sha256 "
                                 "FROM ecs.migrations ORDER BY number", 0);
    if (res == NULL) {
        return ECS_CTL_FAILED;
    }
    m->applied = PQntuples(res);
    for (int i = 0; i < m->applied && status == ECS_CTL_OK; i++) {
        status = compare(m, res, i);
    }
    PQclear(res);
    return status;
}

/* --- applying ------------------------------------------------------------ */

typedef int step_fn(migrate_t *m, const file_t *file, char sqlstate[6]);

/* One step as one transaction, again when a lock could not be had soon. */
static int in_transaction(migrate_t *m, const file_t *file, step_fn *step)
{
    char sqlstate[6] = "";
    int status = ECS_CTL_FAILED;
    int tries;

    for (tries = 0; tries < LOCK_TRIES_MAX; tries++) {
        if (ecs_ctl_run(m->conn, "BEGIN", 0) != ECS_CTL_OK
            || ecs_ctl_run(m->conn, "SET LOCAL lock_timeout = '2s'", 0)
                   != ECS_CTL_OK) {
            return ECS_CTL_FAILED;
        }
        status = step(m, file, sqlstate);
        if (status == ECS_CTL_OK
            && PQtransactionStatus(m->conn) != PQTRANS_INTRANS) {
            return ecs_ctl_fail("%s ends the transaction it runs in; take "
                                "BEGIN and COMMIT out, or make its first "
                                "line `" NO_TRANSACTION "`", file->path);
        }
        if (status == ECS_CTL_OK) {
            return ecs_ctl_run(m->conn, "COMMIT", 0);
        }
        if (PQstatus(m->conn) == CONNECTION_OK) {
            ecs_ctl_run(m->conn, "ROLLBACK", 0);
        }
        if (strcmp(sqlstate, LOCK_NOT_AVAILABLE) != 0) {
            return ECS_CTL_FAILED;
        }
        fputs("  the shop is using it; trying again\n", stderr);
        apr_sleep(apr_time_from_msec(LOCK_PAUSE_MS));
    }
    return status;
}

static int record(migrate_t *m, const file_t *file)
{
    return ecs_ctl_run(m->conn,
                       "INSERT INTO ecs.migrations (number, name, sha256) "
                       "VALUES ($1, $2, $3)",
                       3, apr_psprintf(m->ctl->pool, "%d", atoi(file->name)),
                       file->name, file->sha256);
}

static int migration_step(migrate_t *m, const file_t *file, char sqlstate[6])
{
    int status = ecs_ctl_script(m->conn, file->path, file->text, sqlstate);

    if (status == ECS_CTL_OK
        && PQtransactionStatus(m->conn) == PQTRANS_INTRANS) {
        status = record(m, file);
    }
    return status;
}

/* A file that cannot run in a transaction (CREATE INDEX CONCURRENTLY) holds
 * one statement; it has to be repeatable, because it may be done and yet not
 * recorded. */
static int apply_bare(migrate_t *m, const file_t *file)
{
    char sqlstate[6];
    int status = ecs_ctl_script(m->conn, file->path, file->text, sqlstate);

    return status == ECS_CTL_OK ? record(m, file) : status;
}

static int is_bare(const file_t *file)
{
    apr_size_t length = strlen(NO_TRANSACTION);

    return strncmp(file->text, NO_TRANSACTION, length) == 0
           && (file->text[length] == '\n' || file->text[length] == '\r');
}

static int apply_migrations(migrate_t *m)
{
    int status = ECS_CTL_OK;
    int i;

    if (!m->check) {
        status = ecs_ctl_run(m->conn, "CREATE SCHEMA IF NOT EXISTS ecs", 0);
    }
    if (status == ECS_CTL_OK && !m->check) {
        status = ecs_ctl_run(
            m->conn,
            "CREATE TABLE IF NOT EXISTS ecs.migrations ("
            "number integer PRIMARY KEY, name text NOT NULL, "
            "sha256 text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())", 0);
    }
    for (i = m->applied; i < m->migrations->nelts; i++) {
        const file_t *file = &APR_ARRAY_IDX(m->migrations, i, file_t);

        if (status == ECS_CTL_OK && !m->check) {
            status = is_bare(file) ? apply_bare(m, file)
                                   : in_transaction(m, file, migration_step);
        }
        if (status != ECS_CTL_OK) {
            return status;
        }
        m->done++;
        printf("%s %s\n", m->check ? "to apply:" : "applied", file->name);
        fflush(stdout);
    }
    return status;
}

/* --- the functions ------------------------------------------------------- */

/* What would go with the old functions although no file brings it back. */
static const char outsiders_sql[] =
    "SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0), "
    "', ') FROM pg_depend d JOIN pg_proc f ON d.refobjid = f.oid "
    "AND d.refclassid = 'pg_proc'::regclass "
    "JOIN pg_namespace n ON n.oid = f.pronamespace "
    "WHERE n.nspname IN ('ecs_lib', 'ecs_api') AND d.classid IN "
    "('pg_trigger'::regclass, 'pg_attrdef'::regclass, "
    "'pg_constraint'::regclass)";

static int functions_step(migrate_t *m, const file_t *unused, char sqlstate[6])
{
    apr_pool_t *p = m->ctl->pool;
    const char *outsiders = ecs_ctl_value(p, m->conn, outsiders_sql);
    int status;
    int i;

    if (outsiders == NULL || *outsiders != '\0') {
        return outsiders == NULL ? ECS_CTL_FAILED
                                 : ecs_ctl_fail(
            "tables must not depend on functions that a deploy replaces; move "
            "these functions to schema ecs, by a migration: %s", outsiders);
    }
    status = ecs_ctl_script(m->conn, "ecsctl",
                            "DROP SCHEMA IF EXISTS ecs_api, ecs_lib CASCADE; "
                            "CREATE SCHEMA ecs_lib; CREATE SCHEMA ecs_api",
                            sqlstate);
    for (i = 0; i < m->functions->nelts && status == ECS_CTL_OK; i++) {
        const file_t *file = &APR_ARRAY_IDX(m->functions, i, file_t);

        status = ecs_ctl_script(m->conn, file->path, file->text, sqlstate);
    }
    if (status == ECS_CTL_OK) {
        status = ecs_ctl_run(
            m->conn, apr_psprintf(p, "COMMENT ON SCHEMA ecs_api IS 'sha256 %s'",
                                  m->functions_sha256), 0);
    }
    return status;
}

static int apply_functions(migrate_t *m)
{
    apr_pool_t *p = m->ctl->pool;
    file_t all = {"api/*.sql", "api/*.sql", "", ""};
    const char *present = ecs_ctl_value(p, m->conn,
        "SELECT obj_description(to_regnamespace('ecs_api'), 'pg_namespace')");
    const char *wanted = apr_pstrcat(p, "sha256 ", m->functions_sha256, NULL);

    if (present == NULL || strcmp(present, wanted) == 0) {
        return present ? ECS_CTL_OK : ECS_CTL_FAILED;
    }
    if (!m->check && in_transaction(m, &all, functions_step) != ECS_CTL_OK) {
        return ECS_CTL_FAILED;
    }
    m->done++;
    printf("%s %d files of functions\n", m->check ? "to replace:" : "replaced",
           m->functions->nelts);
    return ECS_CTL_OK;
}

static void take_option(void *baton, int option, const char *value)
{
    migrate_t *m = baton;

    m->check = (option == 'c');
}

int ecs_ctl_migrate(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t options[] = {
        {"check", 'c', 0, NULL}, {"help", 'h', 0, NULL}, {NULL, 0, 0, NULL}};
    migrate_t m = {.ctl = ctl};
    int status = ecs_ctl_options(ctl, options, take_option, &m);

    if (status >= 0) {
        return status;
    }
    if (read_all(&m) != ECS_CTL_OK) {
        return ECS_CTL_FAILED;
    }
    m.conn = ecs_ctl_connect(ctl);
    if (m.conn == NULL || take_lock(&m) != ECS_CTL_OK
        || find_applied(&m) != ECS_CTL_OK || apply_migrations(&m) != ECS_CTL_OK
        || apply_functions(&m) != ECS_CTL_OK) {
        return ECS_CTL_FAILED;
    }
    if (m.done == 0) {
        printf("The database is up to date (%d migrations).\n", m.applied);
    }
    return m.check && m.done > 0 ? ECS_CTL_FAILED : ECS_CTL_OK;
}
