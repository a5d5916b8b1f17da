/* SPDX-License-Identifier: MIT */
/*
 * ecsctl.c - the front door of ecsctl, the shop's command line: global
 * options, then one command, each in a file of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "ctl.h"
#include "ctl_audit.h"
#include "ctl_demo.h"
#include "ctl_media.h"
#include "ctl_migrate.h"
#include "ctl_user.h"

#define PATH_BYTES_MAX 4096

typedef struct command_t {
    const char *name;
    const char *what;
    const char *usage;
    int (*run)(const ecs_ctl_t *ctl);
} command_t;

static const command_t commands[] = {
    {"migrate", "bring the database to what the SQL files say",
     ecs_ctl_migrate_usage, ecs_ctl_migrate},
    {"createsuperuser", "make the first account of a shop",
     ecs_ctl_user_usage, ecs_ctl_user},
    {"demo", "fill an empty shop with the demo", ecs_ctl_demo_usage,
     ecs_ctl_demo},
    {"audit", "prove the books: money, stock, states", ecs_ctl_audit_usage,
     ecs_ctl_audit},
    {"media-clean", "remove pictures that nobody uses", ecs_ctl_media_usage,
     ecs_ctl_media},
    {NULL, NULL, NULL, NULL}};

static void print_usage(FILE *to)
{
    const command_t *command;

    fputs("usage: ecsctl [--dsn DSN] [--sql DIR] COMMAND [OPTIONS]\n\n", to);
    for (command = commands; command->name; command++) {
        fprintf(to, "  %-16s %s\n", command->name, command->what);
    }
    fputs("\n"
          "  --dsn DSN   the database, as its owner, in libpq's way; else\n"
          "              taken from ECS_DSN, else from PGHOST, PGUSER ...\n"
          "  --sql DIR   the folder of the SQL files; found by itself\n"
          "\n"
          "`ecsctl COMMAND --help` tells more of a command.\n",
          to);
}

/* The SQL files stand beside the program: in the source tree (build/ecsctl,
 * build/asan/ecsctl), or as installed (bin/ecsctl). */
static const char *find_sql(apr_pool_t *p)
{
    static const char *const places[] = {"/../sql", "/../../sql",
                                         "/../share/mod_ecs/sql", NULL};
    char self[PATH_BYTES_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;
    int i;

    self[length > 0 ? length : 0] = '\0';
    slash = strrchr(self, '/');
    for (i = 0; slash != NULL && places[i] != NULL; i++) {
        const char *path;

        *slash = '\0';
        path = apr_pstrcat(p, self, places[i], NULL);
        if (access(apr_pstrcat(p, path, "/migrations", NULL), R_OK) == 0) {
            return realpath(path, NULL);
        }
    }
    return "sql";
}

static const command_t *find_command(const char *name)
{
    const command_t *command;

    for (command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

/* Reads the global options.
 * @return index of the command in argv; 0 when there is none, -1 for --help,
 *         -2 for an option that is not understood */
static int read_options(ecs_ctl_t *ctl, int argc, const char *const *argv)
{
    static const apr_getopt_option_t options[] = {{"dsn", 'd', 1, NULL},
                                                  {"sql", 's', 1, NULL},
                                                  {"help", 'h', 0, NULL},
                                                  {NULL, 0, 0, NULL}};
    apr_getopt_t *os;
    const char *value;
    int option;
    apr_status_t rv;

    apr_getopt_init(&os, ctl->pool, argc, argv);
    rv = apr_getopt_long(os, options, &option, &value);
    while (rv == APR_SUCCESS) {
        if (option == 'h') {
            return -1;
        }
        if (option == 'd') {
            ctl->dsn = value;
        }
        else {
            ctl->sql_dir = value;
        }
        rv = apr_getopt_long(os, options, &option, &value);
    }
    if (rv != APR_EOF) {
        return -2;
    }
    return os->ind < argc ? os->ind : 0;
}

static int run(apr_pool_t *p, int argc, const char *const *argv)
{
    ecs_ctl_t ctl = {.pool = p, .dsn = getenv("ECS_DSN")};
    const command_t *command;
    int first = read_options(&ctl, argc, argv);

    if (first == -1
        || (first > 0 && strcmp(argv[first], "help") == 0)) {
        print_usage(stdout);
        return ECS_CTL_OK;
    }
    if (first <= 0) {
        print_usage(stderr);
        return ECS_CTL_USAGE;
    }
    command = find_command(argv[first]);
    if (command == NULL) {
        ecs_ctl_fail("there is no command %s", argv[first]);
        print_usage(stderr);
        return ECS_CTL_USAGE;
    }
    if (ctl.sql_dir == NULL) {
        ctl.sql_dir = find_sql(p);
    }
    ctl.argc = argc - first;
    ctl.argv = argv + first;
    ctl.usage = command->usage;
    return command->run(&ctl);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    apr_pool_t *p;
    int status;

    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS
        || apr_pool_create(&p, NULL) != APR_SUCCESS) {
        fputs("ecsctl: out of memory\n", stderr);
        return ECS_CTL_FAILED;
    }
    status = run(p, argc, argv);
    apr_pool_destroy(p);
    apr_terminate();
    return status;
}
