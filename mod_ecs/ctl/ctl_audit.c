/* SPDX-License-Identifier: MIT */
/*
 * ctl_audit.c - the shop proves its own books. The invariants are SQL
 * (ecs_lib.audit_invariants), the same that /api/wallet/admin/audit/ answers;
 * here they are printed for people and for cron.
 */
#include "ctl_audit.h"

#include <stdio.h>
#include <string.h>

const char ecs_ctl_audit_usage[] =
    "usage: ecsctl audit\n"
    "\n"
    "Prints each invariant of money, stock and states with its figure, and\n"
    "`ok` or `BROKEN`. Exit status 1 when one is broken. Changes nothing.\n";

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
}

int ecs_ctl_audit(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t options[] = {{"help", 'h', 0, NULL},
                                                  {NULL, 0, 0, NULL}};
    int status = ecs_ctl_options(ctl, options, take_option, NULL);
    PGconn *conn;
    PGresult *res;
    int broken = 0;
    int i;

    if (status >= 0) {
        return status;
    }
    conn = ecs_ctl_connect(ctl);
    res = conn ? ecs_ctl_query(conn, "SELECT name, figure, holds FROM "
                                     "ecs_lib.audit_invariants()", 0)
               : NULL;
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
