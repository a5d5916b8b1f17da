/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - what the commands of ecsctl share: the context, the connection to
 * the database, and messages that say where and what.
 *
 * A command returns its exit status: 0 done, 1 failed (the message is out
 * already), 2 wrong usage.
 */
#ifndef ECS_CTL_H
#define ECS_CTL_H

#include <apr_getopt.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <libpq-fe.h>

#define ECS_CTL_OK 0
#define ECS_CTL_FAILED 1
#define ECS_CTL_USAGE 2

typedef struct ecs_ctl_t {
    apr_pool_t *pool;        /* lives as long as the program */
    const char *dsn;         /* NULL: libpq's own environment */
    const char *sql_dir;     /* holds migrations/, api/ and demo.sql */
    int argc;                /* of the command: its name, then its options */
    const char *const *argv;
    const char *usage;       /* the command's help text */
} ecs_ctl_t;

/**
 * Called once for each option of a command.
 * @param value  of an option that takes one, else NULL
 */
typedef void ecs_ctl_option_fn(void *baton, int option, const char *value);

/**
 * Read the command's options. `--help` (added to every list by its 'h' entry)
 * prints the usage.
 * @return -1 to go on, else the exit status
 */
int ecs_ctl_options(const ecs_ctl_t *ctl, const apr_getopt_option_t *options,
                    ecs_ctl_option_fn *take, void *baton);

/**
 * Print "ecsctl: <message>" to stderr.
 * @return ECS_CTL_FAILED
 */
int ecs_ctl_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/**
 * Connect as the owner.
 * @return the connection, closed with the pool; NULL after a message
 */
PGconn *ecs_ctl_connect(const ecs_ctl_t *ctl);

/**
 * Run one statement with text parameters, each NULL for SQL's NULL.
 * @param n  number of parameters, at most 8; they follow as const char *
 * @return the result, for PQclear; NULL after a message
 */
PGresult *ecs_ctl_query(PGconn *conn, const char *sql, int n, ...);

/**
 * As ecs_ctl_query for who needs no rows.
 * @return ECS_CTL_OK or ECS_CTL_FAILED
 */
int ecs_ctl_run(PGconn *conn, const char *sql, int n, ...);

/**
 * The one value that a statement answers.
 * @return text in `p`, "" for NULL or no row; NULL after a message
 */
const char *ecs_ctl_value(apr_pool_t *p, PGconn *conn, const char *sql);

/**
 * Run the text of a file. An error is reported as file:line.
 * @param sqlstate  out: five characters, or "" when all went well
 */
int ecs_ctl_script(PGconn *conn, const char *file, const char *text,
                   char sqlstate[6]);

/**
 * Read a whole text file.
 * @return the text in `p`; NULL after a message
 */
const char *ecs_ctl_read(apr_pool_t *p, const char *path);

/**
 * The files of a folder whose names end in `suffix`, in name order.
 * @return array of const char * (names without folder); NULL after a message
 */
apr_array_header_t *ecs_ctl_files(apr_pool_t *p, const char *folder,
                                  const char *suffix);

#endif
