/* SPDX-License-Identifier: MIT */
/*
 * chores.c - what the shop does by itself, and how often; and those jobs that
 * are more than a function of SQL.
 */
#include "chores.h"

#include <apr_strings.h>
#include <http_log.h>

#include "db.h"
#include "media.h"
#include "server.h"

#define SECONDS 1000 /* in milliseconds */
#define MINUTES (60 * SECONDS)

/* ---- pictures that nobody uses ---- */

static const char *ask_unused(void *baton, apr_pool_t *p, const char *names,
                              const char **unused)
{
    server_rec *s = baton;
    const char *params[] = { names, apr_itoa(p, ECS_MEDIA_GRACE_S) };
    ecs_db_call_t call = {
        .sql = "SELECT * FROM ecs_api.media_unused(p_names => $1, "
               "p_grace => $2)",
        .count = 2,
        .params = params,
        .is_background = 1,
    };
    ecs_answer_t answer;
    ecs_problem_t *problem;

    if (ecs_jobs_are_stopping()) {
        return "httpd stops";
    }
    problem = ecs_db_run(p, ecs_config_of(s)->db, &call, &answer);
    if (problem) {
        return problem->detail;
    }
    *unused = answer.body;
    return NULL;
}

static const char *clean_media(server_rec *s, apr_pool_t *p, long *done)
{
    ecs_media_sweep_t found = { .removed = 0 };
    const char *error = ecs_media_sweep(p, ecs_config_of(s)->media_dir,
                                        ECS_MEDIA_GRACE_S, ask_unused, s,
                                        &found);

    *done = found.removed + found.spooled;
    if (error) {
        return ecs_jobs_are_stopping() ? NULL : error;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 "ECS0051: of %ld pictures %ld were in no use and are gone, "
                 "and %ld files of the spool", found.pictures, found.removed,
                 found.spooled);
    return NULL;
}

static int has_media(const ecs_server_config_t *config)
{
    return config->media_dir != NULL;
}

/* ---- orders that nobody completes ---- */

static int completes_orders(const ecs_server_config_t *config)
{
    return config->auto_complete;
}

/* ---- the table ---- */

const ecs_job_t ecs_jobs[] = {
    { .name = "auctions_activate", .interval_ms = 250, .limit = 50 },
    { .name = "auctions_close", .interval_ms = 250, .limit = 20 },
    { .name = "auction_offers_expire", .interval_ms = 1 * SECONDS, .limit = 20 },
    { .name = "orders_complete", .interval_ms = 1 * SECONDS, .limit = 20,
      .is_wanted = completes_orders },
    { .name = "claims_free", .interval_ms = 30 * SECONDS, .limit = 100 },
    { .name = "facts_fold", .interval_ms = 5 * SECONDS, .limit = 5000 },
    { .name = "prices_tell", .interval_ms = 15 * SECONDS, .limit = 100 },
    { .name = "audit_seal", .interval_ms = 1 * SECONDS, .limit = 500 },
    { .name = "keys_clean", .interval_ms = 1 * MINUTES, .limit = 500 },
    { .name = "sessions_clean", .interval_ms = 5 * MINUTES, .limit = 500 },
    { .name = "logins_clean", .interval_ms = 5 * MINUTES, .limit = 500 },
    { .name = "jobs_clean", .interval_ms = 10 * MINUTES, .limit = 500 },
    { .name = "outbox_clean", .interval_ms = 10 * MINUTES, .limit = 500 },
    { .name = "media_clean", .interval_ms = 10 * MINUTES, .chore = clean_media,
      .lease_s = 300, .is_wanted = has_media },
    { .name = NULL },
};
