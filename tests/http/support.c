/* SPDX-License-Identifier: MIT */
/*
 * support.c - see support.h.
 *
 * Time: the test database's ecs.now() adds an offset from a table, so that
 * three days pass by one UPDATE. httpd's own clock, which tokens go by, stays.
 */
#include "support.h"
#include "contract.h"
#include "shop.h"

#include <curl/curl.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN_MAX 1500 /* bytes of a body in a message */
#define UNTIL_S 60
#define UNTIL_PAUSE_US 20000

/* --- expectations -------------------------------------------------------- */

static void __attribute__((noreturn))
unexpected(const char *file, int line, const reply_t *reply, const char *what)
{
    const request_t *request = &reply->request;

    _ck_assert_failed(
        file, line, "reply", "%s\n  %s %s%s%.300s%s%s\n  -> %d %.*s", what,
        request->method, request->path, request->body != NULL ? " " : "",
        request->body != NULL ? request->body : "",
        request->who != NULL ? " by " : " by nobody",
        request->who != NULL ? request->who->username : "", reply->status,
        SHOWN_MAX, reply->body);
    abort();
}

reply_t *expect_status(const char *file, int line, reply_t *reply, int status)
{
    if (reply->status != status) {
        unexpected(file, line, reply, fmt("expected %d", status));
    }
    mark_point();
    return reply;
}

reply_t *expect_code(const char *file, int line, reply_t *reply, int status,
                     const char *code)
{
    const char *found = text_at(reply, "code");

    if (reply->status != status || found == NULL || strcmp(found, code) != 0) {
        unexpected(file, line, reply, fmt("expected %d %s", status, code));
    }
    mark_point();
    return reply;
}

reply_t *expect_field(const char *file, int line, reply_t *reply,
                      const char *field)
{
    json_t *messages = json_object_get(reply->json, field);

    if (reply->status != 400 || !json_is_array(messages) ||
        !json_is_string(json_array_get(messages, 0))) {
        unexpected(file, line, reply, fmt("expected 400 about %s", field));
    }
    mark_point();
    return reply;
}

reply_t *expect_value(const char *file, int line, reply_t *reply,
                      const char *path, const char *value)
{
    const char *found = text_at(reply, path);

    if (found == NULL || strcmp(found, value) != 0) {
        unexpected(file, line, reply,
                   fmt("expected %s = %s, found %s", path, value,
                       found == NULL ? "nothing" : found));
    }
    mark_point();
    return reply;
}

json_t *json_at(json_t *value, const char *path)
{
    char name[100];
    size_t length;

    for (; value != NULL && *path != '\0';
         path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)atol(name))
                                     : json_object_get(value, name);
    }
    return value;
}

json_t *at(const reply_t *reply, const char *path)
{
    return json_at(reply->json, path);
}

const char *text_at(const reply_t *reply, const char *path)
{
    json_t *value = at(reply, path);

    if (value == NULL || json_is_string(value)) {
        return json_string_value(value);
    }
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

long long int_at(const reply_t *reply, const char *path)
{
    json_t *value = at(reply, path);

    if (!json_is_integer(value)) {
        unexpected(__FILE__, __LINE__, reply, fmt("no number at %s", path));
    }
    return json_integer_value(value);
}

size_t length_at(const reply_t *reply, const char *path)
{
    json_t *value = at(reply, path);

    if (!json_is_array(value)) {
        unexpected(__FILE__, __LINE__, reply, fmt("no array at %s", path));
    }
    return json_array_size(value);
}

int lists(const reply_t *reply, long long id)
{
    json_t *one;
    size_t i;

    length_at(reply, "results");
    json_array_foreach(at(reply, "results"), i, one)
    {
        if (json_integer_value(json_object_get(one, "id")) == id) {
            return 1;
        }
    }
    return 0;
}

/* --- the database -------------------------------------------------------- */

typedef struct link_t {
    PGconn *connection;
    pid_t owner; /* a connection is not shared with a forked test */
} link_t;

static link_t as_owner, as_super;

static PGconn *link_open(link_t *link, const char *dsn)
{
    if (link->owner != getpid()) {
        link->connection = PQconnectdb(setting(dsn));
        link->owner = getpid();
        ck_assert_msg(PQstatus(link->connection) == CONNECTION_OK, "%s",
                      PQerrorMessage(link->connection));
        PQclear(PQexec(link->connection, "SET client_min_messages = warning"));
    }
    return link->connection;
}

static const char *run(PGconn *connection, const char *statement)
{
    PGresult *result = PQexec(connection, statement);
    ExecStatusType status = PQresultStatus(result);
    const char *value = NULL;

    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
                  "%s\n  %s", PQerrorMessage(connection), statement);
    if (PQntuples(result) > 0 && PQnfields(result) > 0 &&
        !PQgetisnull(result, 0, 0)) {
        value = fmt("%s", PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return value;
}

static const char *__attribute__((format(printf, 2, 0)))
run_format(PGconn *connection, const char *format, va_list args)
{
    char *statement;
    const char *value;

    ck_assert_int_ge(vasprintf(&statement, format, args), 0);
    value = run(connection, statement);
    free(statement);
    return value;
}

const char *sql(const char *format, ...)
{
    va_list args;
    const char *value;

    va_start(args, format);
    value = run_format(link_open(&as_owner, "ECS_DSN"), format, args);
    va_end(args);
    return value;
}

long long sql_int(const char *format, ...)
{
    va_list args;
    const char *value;

    va_start(args, format);
    value = run_format(link_open(&as_owner, "ECS_DSN"), format, args);
    va_end(args);
    ck_assert_msg(value != NULL, "no number from %s", format);
    return atoll(value);
}

int sql_true(const char *format, ...)
{
    va_list args;
    const char *value;

    va_start(args, format);
    value = run_format(link_open(&as_owner, "ECS_DSN"), format, args);
    va_end(args);
    return value != NULL && strcmp(value, "t") == 0;
}

const char *sql_super(const char *format, ...)
{
    va_list args;
    const char *value;

    va_start(args, format);
    value = run_format(link_open(&as_super, "ECS_SUPER_DSN"), format, args);
    va_end(args);
    return value;
}

void sql_reconnect(void)
{
    PQfinish(as_owner.connection);
    as_owner.owner = 0;
    if (as_super.owner == getpid()) {
        PQfinish(as_super.connection);
    }
    as_super.owner = 0;
}

/* Programs may run side by side, hence the lock. */
static void make_clock(void)
{
    sql("BEGIN; SELECT pg_advisory_xact_lock(4711);"
        "CREATE SCHEMA IF NOT EXISTS ecs_test;"
        "CREATE TABLE IF NOT EXISTS ecs_test.clock"
        " (id boolean PRIMARY KEY DEFAULT true CHECK (id),"
        "  ahead interval NOT NULL DEFAULT '0');"
        "INSERT INTO ecs_test.clock DEFAULT VALUES ON CONFLICT DO NOTHING;"
        "CREATE OR REPLACE FUNCTION ecs.now() RETURNS timestamptz"
        " LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp()"
        " + (SELECT ahead FROM ecs_test.clock) $$;"
        "COMMIT");
}

void pass(const char *interval)
{
    sql("UPDATE ecs_test.clock SET ahead = ahead + interval '%s'", interval);
}

double until(const char *condition)
{
    double begin = seconds_now();

    while (!sql_true("SELECT %s", condition)) {
        ck_assert_msg(seconds_now() < begin + UNTIL_S, "in vain: %s",
                      condition);
        usleep(UNTIL_PAUSE_US);
    }
    return seconds_now() - begin;
}

void books_balance(void)
{
    const char *broken = sql("SELECT string_agg(name || ': ' || figure, E'\n')"
                             " FROM ecs_lib.audit_invariants()"
                             " WHERE holds IS NOT TRUE");

    ck_assert_msg(broken == NULL, "the audit finds:\n%s", broken);
    ck_assert(sql_true("SELECT count(*) > 0 FROM ecs_lib.audit_invariants()"));
}

long long deadlocks(void)
{
    const char *log = file_text(setting("ECS_DB_LOG"));
    long long count = 0;

    for (log = strstr(log, "deadlock detected"); log != NULL;
         log = strstr(log + 1, "deadlock detected")) {
        count++;
    }
    /* The log does not tell of those that a function caught. */
    return count + sql_int("SELECT deadlocks FROM pg_stat_database"
                           " WHERE datname = current_database()");
}

/* --- the instance -------------------------------------------------------- */

const char *setting(const char *name)
{
    const char *value = getenv(name);

    ck_assert_msg(value != NULL, "%s is not set; use `make check-http`", name);
    return value;
}

void instance(const char *command, const char *args)
{
    instance_in(setting("ECS_DIR"), command, args);
}

void instance_in(const char *dir, const char *command, const char *args)
{
    const char *line = fmt("'%s' %s '%s' %s", setting("ECS_INSTANCE"), command,
                           dir, args);
    int status = system(line);

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "%s: status %d", line, status);
}

const char *state_dir(const char *dir)
{
    const char *link = fmt("%s/state", dir);

    return access(link, F_OK) == 0 ? link : dir;
}

const char *state_file(const char *path)
{
    return fmt("%s/%s", state_dir(setting("ECS_DIR")), path);
}

const char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t length = 0, space = 0, got;

    if (file == NULL) {
        return "";
    }
    do {
        space += 65536;
        text = realloc(text, space + 1);
        ck_assert_ptr_nonnull(text);
        got = fread(text + length, 1, space - length, file);
        length += got;
    } while (got > 0);
    fclose(file);
    text[length] = '\0';
    return text;
}

int is_slow(void)
{
    return getenv("ECS_ASAN") != NULL;
}

/* --- running ------------------------------------------------------------- */

/* Once, before the tests: what it learns, their processes inherit. */
static void prepare(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    make_clock();
    /* Whatever a program that was ended left behind. */
    sql("BEGIN; DELETE FROM ecs.settings;"
        "INSERT INTO ecs.settings DEFAULT VALUES; COMMIT");
    contract_document();
    shop_open();
}

int suite_run_between(const char *name, const TTest *const *tests,
                      double seconds, void (*begin)(void), void (*end)(void))
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    setvbuf(stdout, NULL, _IOLBF, 0);
    tcase_add_unchecked_fixture(cases, prepare, NULL);
    tcase_add_unchecked_fixture(cases, begin, end);
    tcase_set_timeout(cases, is_slow() ? 5 * seconds : seconds);
    for (; *tests != NULL; tests++) {
        tcase_add_test(cases, *tests);
    }
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

int suite_run(const char *name, const TTest *const *tests, double seconds)
{
    return suite_run_between(name, tests, seconds, NULL, NULL);
}
