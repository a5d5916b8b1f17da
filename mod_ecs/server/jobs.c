/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - one watchdog for all jobs. It is a singleton, so one child of one
 * httpd runs them; several hosts may run the same job at the same time, which
 * each job has to bear.
 *
 * A job speaks to the database as a request does: it waits for its turn at the
 * same gate, on the same connections.
 */
#include "jobs.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <http_log.h>
#include <mod_watchdog.h>

#include "db.h"
#include "media.h"
#include "server.h"

#define WATCHDOG "_ecs_jobs_"
#define MEDIA_INTERVAL (apr_time_from_sec(600))
#define PRICES_INTERVAL (apr_time_from_sec(15))

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
    };
    ecs_answer_t answer;
    ecs_problem_t *problem = ecs_db_run(p, ecs_config_of(s)->db, &call,
                                        &answer);

    if (problem) {
        return problem->detail;
    }
    *unused = answer.body;
    return NULL;
}

static apr_status_t sweep_media(int state, void *data, apr_pool_t *p)
{
    server_rec *s = data;
    const ecs_server_config_t *config = ecs_config_of(s);
    ecs_media_sweep_t found;
    const char *error;

    if (state != AP_WATCHDOG_STATE_RUNNING || !config->db) {
        return APR_SUCCESS;
    }
    error = ecs_media_sweep(p, config->media_dir, ECS_MEDIA_GRACE_S,
                            ask_unused, s, &found);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ECS0050: unused pictures were not removed: %s", error);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     "ECS0051: of %ld pictures %ld were in no use and are "
                     "gone, and %ld files of the spool", found.pictures,
                     found.removed, found.spooled);
    }
    return APR_SUCCESS;
}

/* ---- offers that have begun ---- */

static apr_status_t tell_prices(int state, void *data, apr_pool_t *p)
{
    server_rec *s = data;
    const ecs_server_config_t *config = ecs_config_of(s);
    ecs_db_call_t call = { .sql = "SELECT * FROM ecs_api.prices_tell()" };
    ecs_answer_t answer;
    ecs_problem_t *problem;

    if (state != AP_WATCHDOG_STATE_RUNNING || !config->db) {
        return APR_SUCCESS;
    }
    problem = ecs_db_run(p, config->db, &call, &answer);
    if (problem) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ECS0053: nobody was told of lower prices: %s",
                     problem->detail);
    }
    return APR_SUCCESS;
}

/* ---- all jobs ---- */

static int add_jobs(ap_watchdog_t *watchdog, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    const ecs_server_config_t *config = ecs_config_of(s);

    if (!config->secrets) {
        return 1;
    }
    if (config->media_dir
        && add(watchdog, MEDIA_INTERVAL, s, sweep_media) != APR_SUCCESS) {
        return 0;
    }
    return add(watchdog, PRICES_INTERVAL, s, tell_prices) == APR_SUCCESS;
}

void ecs_jobs_register(apr_pool_t *pconf, server_rec *main_server)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    ap_watchdog_t *watchdog = NULL;
    int is_started = get
        && get(&watchdog, WATCHDOG, 0, 1, pconf) == APR_SUCCESS;
    server_rec *s;

    for (s = main_server; s && is_started; s = s->next) {
        is_started = add_jobs(watchdog, s);
    }
    if (!is_started) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "ECS0052: the shop's jobs do not run; load "
                     "watchdog_module, and run `ecsctl media-clean` meanwhile");
    }
}
