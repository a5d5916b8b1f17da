/* SPDX-License-Identifier: MIT */
/*
 * ctl_media.c - the job that removes pictures nobody uses, by hand: for hosts
 * without mod_watchdog, and for who wants the room back now.
 */
#include "ctl_media.h"

#include <stdio.h>
#include <stdlib.h>

#include <apr_strings.h>

#include "media.h"

const char ecs_ctl_media_usage[] =
    "usage: ecsctl media-clean --dir DIR [--grace SECONDS]\n"
    "\n"
    "Removes from DIR (EcsMediaDir) the pictures that no product and nobody\n"
    "shows, and what is left in its spool. httpd does the same by itself every\n"
    "ten minutes. Files younger than SECONDS (3600) stay, because the request\n"
    "that brought them may still be running.\n";

#define GRACE_S_MAX 1000000000

typedef struct options_t {
    const char *dir;
    const char *grace;
} options_t;

static void take_option(void *baton, int option, const char *value)
{
    options_t *options = baton;

    if (option == 'd') {
        options->dir = value;
    }
    else if (option == 'g') {
        options->grace = value;
    }
}

typedef struct asker_t {
    PGconn *conn;
    const char *grace;
} asker_t;

static const char *ask_unused(void *baton, apr_pool_t *p, const char *names,
                              const char **unused)
{
    asker_t *asker = baton;
    PGresult *res = ecs_ctl_query(asker->conn,
                                  "SELECT body FROM ecs_api.media_unused("
                                  "$1::json, $2::integer)",
                                  2, names, asker->grace);

    if (res == NULL) {
        return "the database refused";
    }
    *unused = apr_pstrdup(p, PQgetvalue(res, 0, 0));
    PQclear(res);
    return NULL;
}

int ecs_ctl_media(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t known[] = {{"dir", 'd', 1, NULL},
                                                {"grace", 'g', 1, NULL},
                                                {"help", 'h', 0, NULL},
                                                {NULL, 0, 0, NULL}};
    options_t options = {NULL, apr_itoa(ctl->pool, ECS_MEDIA_GRACE_S)};
    int status = ecs_ctl_options(ctl, known, take_option, &options);
    ecs_media_sweep_t found;
    const char *error;
    asker_t asker;
    long grace;
    char *end;

    if (status >= 0) {
        return status;
    }
    grace = strtol(options.grace, &end, 10);
    if (options.dir == NULL || *end != '\0' || grace < 0 ||
        grace > GRACE_S_MAX) {
        fputs(ecs_ctl_media_usage, stderr);
        return ECS_CTL_USAGE;
    }
    asker.grace = options.grace;
    asker.conn = ecs_ctl_connect(ctl);
    if (asker.conn == NULL) {
        return ECS_CTL_FAILED;
    }
    error = ecs_media_sweep(ctl->pool, options.dir, (int)grace, ask_unused,
                            &asker, &found);
    if (error != NULL) {
        return ecs_ctl_fail("%s: %s", options.dir, error);
    }
    printf("%ld pictures, %ld in no use and removed; %ld files of the spool "
           "removed\n", found.pictures, found.removed, found.spooled);
    return ECS_CTL_OK;
}
