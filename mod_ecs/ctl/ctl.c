/* SPDX-License-Identifier: MIT */
/*
 * ctl.c - what the commands of ecsctl share; see ctl.h.
 */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define QUERY_PARAMS_MAX 8

int ecs_ctl_options(const ecs_ctl_t *ctl, const apr_getopt_option_t *options,
                    ecs_ctl_option_fn *take, void *baton)
{
    apr_getopt_t *os;
    const char *value;
    int option;
    apr_status_t rv;

    apr_getopt_init(&os, ctl->pool, ctl->argc, ctl->argv);
    os->errarg = NULL;
    os->errfn = NULL;
    rv = apr_getopt_long(os, options, &option, &value);
    while (rv == APR_SUCCESS) {
        if (option == 'h') {
            fputs(ctl->usage, stdout);
            return ECS_CTL_OK;
        }
        take(baton, option, value);
        rv = apr_getopt_long(os, options, &option, &value);
    }
    if (rv != APR_EOF || os->ind < ctl->argc) {
        ecs_ctl_fail("%s: %s is not understood", ctl->argv[0],
                     ctl->argv[os->ind < ctl->argc ? os->ind : os->argc - 1]);
        fputs(ctl->usage, stderr);
        return ECS_CTL_USAGE;
    }
    return -1;
}

int ecs_ctl_fail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("ecsctl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return ECS_CTL_FAILED;
}

/* libpq ends its messages with a line feed. */
static int fail_with(const char *what, const char *message)
{
    int length = (int)strlen(message);

    while (length > 0 && message[length - 1] == '\n') {
        length--;
    }
    return ecs_ctl_fail("%s%.*s", what, length, message);
}

static apr_status_t close_connection(void *conn)
{
    PQfinish(conn);
    return APR_SUCCESS;
}

PGconn *ecs_ctl_connect(const ecs_ctl_t *ctl)
{
    const char *const keywords[] = {"dbname", "fallback_application_name",
                                    "connect_timeout", NULL};
    const char *const values[] = {ctl->dsn ? ctl->dsn : "", "ecsctl", "10",
                                  NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 1);

    apr_pool_cleanup_register(ctl->pool, conn, close_connection,
                              apr_pool_cleanup_null);
    if (PQstatus(conn) != CONNECTION_OK) {
        fail_with("", PQerrorMessage(conn));
        fputs("Say where the database is by --dsn or ECS_DSN, for example\n"
              "  ECS_DSN='host=/var/run/postgresql dbname=ecs "
              "user=ecs_owner'\n",
              stderr);
        return NULL;
    }
    if (ecs_ctl_run(conn, "SET client_min_messages = warning", 0)
        != ECS_CTL_OK) {
        return NULL;
    }
    return conn;
}

/* A message of PostgreSQL with what explains it. */
static int fail_with_result(const PGresult *res, const char *where)
{
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
    const char *context = PQresultErrorField(res, PG_DIAG_CONTEXT);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (primary == NULL) {
        return fail_with(where, PQresultErrorMessage(res));
    }
    ecs_ctl_fail("%s%s", where, primary);
    if (detail) {
        fprintf(stderr, "  detail: %s\n", detail);
    }
    if (hint) {
        fprintf(stderr, "  hint: %s\n", hint);
    }
    if (context) {
        fprintf(stderr, "  where: %s\n", context);
    }
    return ECS_CTL_FAILED;
}

static PGresult *query(PGconn *conn, const char *sql, int n, va_list args)
{
    const char *values[QUERY_PARAMS_MAX] = {NULL};
    PGresult *res;
    int i;

    for (i = 0; i < n && i < QUERY_PARAMS_MAX; i++) {
        values[i] = va_arg(args, const char *);
    }
    res = PQexecParams(conn, sql, i, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK
        && PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_with_result(res, "");
        PQclear(res);
        return NULL;
    }
    return res;
}

PGresult *ecs_ctl_query(PGconn *conn, const char *sql, int n, ...)
{
    PGresult *res;
    va_list args;

    va_start(args, n);
    res = query(conn, sql, n, args);
    va_end(args);
    return res;
}

int ecs_ctl_run(PGconn *conn, const char *sql, int n, ...)
{
    PGresult *res;
    va_list args;

    va_start(args, n);
    res = query(conn, sql, n, args);
    va_end(args);
    if (res == NULL) {
        return ECS_CTL_FAILED;
    }
    PQclear(res);
    return ECS_CTL_OK;
}

const char *ecs_ctl_value(apr_pool_t *p, PGconn *conn, const char *sql)
{
    PGresult *res = ecs_ctl_query(conn, sql, 0);
    const char *value = "";

    if (res == NULL) {
        return NULL;
    }
    if (PQntuples(res) > 0 && PQnfields(res) > 0) {
        value = apr_pstrdup(p, PQgetvalue(res, 0, 0));
    }
    PQclear(res);
    return value;
}

/* The line of a position that PostgreSQL counts in characters from 1. */
static int line_of(const char *text, const char *position)
{
    int line = 1;
    long left;

    if (position == NULL) {
        return 1;
    }
    for (left = atol(position) - 1; left > 0 && *text; text++) {
        if (*text == '\n') {
            line++;
        }
        if ((text[1] & 0xC0) != 0x80) { /* not inside a UTF-8 sequence */
            left--;
        }
    }
    return line;
}

int ecs_ctl_script(PGconn *conn, const char *file, const char *text,
                   char sqlstate[6])
{
    PGresult *res = PQexec(conn, text);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    char where[512];
    int status = ECS_CTL_OK;

    apr_cpystrn(sqlstate, state ? state : "", 6);
    if (PQresultStatus(res) != PGRES_COMMAND_OK
        && PQresultStatus(res) != PGRES_TUPLES_OK
        && PQresultStatus(res) != PGRES_EMPTY_QUERY) {
        apr_snprintf(where, sizeof(where), "%s:%d: ", file,
                     line_of(text, PQresultErrorField(
                                       res, PG_DIAG_STATEMENT_POSITION)));
        status = fail_with_result(res, where);
    }
    PQclear(res);
    return status;
}

const char *ecs_ctl_read(apr_pool_t *p, const char *path)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *text;
    char why[128];
    apr_size_t length;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ,
                                    APR_FPROT_OS_DEFAULT, p);

    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    }
    if (rv != APR_SUCCESS) {
        ecs_ctl_fail("%s: %s", path, apr_strerror(rv, why, sizeof(why)));
        return NULL;
    }
    if (info.size > FILE_BYTES_MAX) {
        ecs_ctl_fail("%s: larger than %d bytes", path, FILE_BYTES_MAX);
        return NULL;
    }
    length = (apr_size_t)info.size;
    text = apr_pcalloc(p, length + 1);
    rv = apr_file_read_full(file, text, length, NULL);
    apr_file_close(file);
    if ((rv != APR_SUCCESS && length > 0) || strlen(text) != length) {
        ecs_ctl_fail("%s: cannot be read, or is no text", path);
        return NULL;
    }
    return text;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

apr_array_header_t *ecs_ctl_files(apr_pool_t *p, const char *folder,
                                  const char *suffix)
{
    apr_array_header_t *names = apr_array_make(p, 32, sizeof(const char *));
    apr_size_t suffix_length = strlen(suffix);
    apr_dir_t *dir;
    apr_finfo_t info;
    char why[128];
    apr_status_t rv = apr_dir_open(&dir, folder, p);

    if (rv != APR_SUCCESS) {
        ecs_ctl_fail("%s: %s; name the folder of the SQL files by --sql",
                     folder, apr_strerror(rv, why, sizeof(why)));
        return NULL;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        apr_size_t length = strlen(info.name);

        if (info.name[0] != '.' && length > suffix_length
            && strcmp(info.name + length - suffix_length, suffix) == 0) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(p, info.name);
        }
    }
    apr_dir_close(dir);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_name);
    return names;
}
