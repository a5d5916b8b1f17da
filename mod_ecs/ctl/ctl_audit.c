/* SPDX-License-Identifier: MIT */
/*
 * ctl_audit.c - the shop proves its own books. The invariants are SQL
 * (ecs_lib.audit_invariants), the same that /api/wallet/admin/audit/ answers;
 * here they are printed for people and for cron.
 */
#include "ctl_audit.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

const char ecs_ctl_audit_usage[] =
    "usage: ecsctl audit\n"
    "       ecsctl audit --verify [--seen POSITION:HASH]\n"
    "\n"
    "Prints each invariant of money, stock and states with its figure, and\n"
    "`ok` or `BROKEN`. Exit status 1 when one is broken. Changes nothing.\n"
    "\n"
    "  --verify  checks the chain over the audit log instead: what was changed\n"
    "            or removed, if anything, and then `POSITION:HASH` of its end.\n"
    "            Keep that line elsewhere\n"
    "  --seen    also that the chain still has this line of another day, so\n"
    "            that nobody has cut its end off or made it anew\n";

typedef struct options_t {
    int verify;
    const char *seen;
} options_t;

static int width_of(const PGresult *res, int column)
{
    int width = 0;
    int i;

    for (i = 0; i < PQntuples(res); i++) {
        int length = PQgetlength(res, i, column);

        width = length > width ? length : width;
    }
    return width;
}

static void take_option(void *baton, int option, const char *value)
{
    options_t *options = baton;

    if (option == 'v') {
        options->verify = 1;
    }
    else if (option == 's') {
        options->seen = value;
    }
}

static int print_invariants(const ecs_ctl_t *ctl)
{
    PGconn *conn = ecs_ctl_connect(ctl);
    PGresult *res = conn
        ? ecs_ctl_query(conn, "SELECT name, figure, holds FROM "
                              "ecs_lib.audit_invariants()", 0)
        : NULL;
    int broken = 0;
    int i;

    if (res == NULL) {
        return ECS_CTL_FAILED;
    }
    for (i = 0; i < PQntuples(res); i++) {
        int holds = strcmp(PQgetvalue(res, i, 2), "t") == 0;

        broken += !holds;
        printf("%-*s  %*s  %s\n", width_of(res, 0), PQgetvalue(res, i, 0),
               width_of(res, 1), PQgetvalue(res, i, 1),
               holds ? "ok" : "BROKEN");
    }
    printf("%d invariants, %d broken\n", PQntuples(res), broken);
    i = PQntuples(res);
    PQclear(res);
    return broken > 0 || i == 0 ? ECS_CTL_FAILED : ECS_CTL_OK;
}

static int print_end(PGconn *conn)
{
    PGresult *res = ecs_ctl_query(conn, "SELECT position, encode(hash, 'hex') "
                                        "FROM ecs.audit_chain "
                                        "ORDER BY position DESC LIMIT 1", 0);

    if (res == NULL) {
        return ECS_CTL_FAILED;
    }
    if (PQntuples(res) == 1) {
        printf("%s:%s\n", PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1));
    }
    PQclear(res);
    return ECS_CTL_OK;
}

static int print_problems(const PGresult *res)
{
    int i;

    for (i = 0; i < PQntuples(res); i++) {
        printf("position %s, entry %s: %s\n",
               PQgetisnull(res, i, 0) ? "-" : PQgetvalue(res, i, 0),
               PQgetisnull(res, i, 1) ? "-" : PQgetvalue(res, i, 1),
               PQgetvalue(res, i, 2));
    }
    return i;
}

static int verify_chain(const ecs_ctl_t *ctl, const char *seen)
{
    const char *colon = seen ? strchr(seen, ':') : NULL;
    const char *position = NULL;
    PGconn *conn = ecs_ctl_connect(ctl);
    PGresult *res;
    int problems;

    if (conn == NULL) {
        return ECS_CTL_FAILED;
    }
    if (colon != NULL) {
        position = apr_pstrmemdup(ctl->pool, seen, (apr_size_t)(colon - seen));
    }
    res = ecs_ctl_query(conn, "SELECT * FROM ecs_lib.audit_verify("
                              "$1::bigint, $2)", 2, position,
                        colon ? colon + 1 : NULL);
    if (res == NULL) {
        return ECS_CTL_FAILED;
    }
    problems = print_problems(res);
    PQclear(res);
    return print_end(conn) != ECS_CTL_OK || problems > 0 ? ECS_CTL_FAILED
                                                         : ECS_CTL_OK;
}

int ecs_ctl_audit(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t known[] = {{"verify", 'v', 0, NULL},
                                                {"seen", 's', 1, NULL},
                                                {"help", 'h', 0, NULL},
                                                {NULL, 0, 0, NULL}};
    options_t options = {0, NULL};
    int status = ecs_ctl_options(ctl, known, take_option, &options);

    if (status >= 0) {
        return status;
    }
    if (options.seen != NULL
        && (!options.verify || strchr(options.seen, ':') == NULL)) {
        fputs(ecs_ctl_audit_usage, stderr);
        return ECS_CTL_USAGE;
    }
    return options.verify ? verify_chain(ctl, options.seen)
                          : print_invariants(ctl);
}
