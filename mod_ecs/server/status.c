/* SPDX-License-Identifier: MIT */
/*
 * status.c - what mod_status shows of the shop: its jobs, as this httpd knows
 * them since it started. It asks no database; GET /api/jobs/ knows of all hosts.
 */
#include <http_core.h>
#include <http_protocol.h>
#include <apr_optional_hooks.h>
#include <mod_status.h>

#include "jobs.h"
#include "server.h"

static int is_wanted(const ecs_job_report_t *report)
{
    return !report->job->is_wanted
        || report->job->is_wanted(ecs_config_of(report->s));
}

/* Seconds ago, -1 for never. */
static long seconds_since(apr_time_t time)
{
    return time ? (long)apr_time_sec(apr_time_now() - time) : -1;
}

/* One line for machines: server-status?auto */
static void print_line(request_rec *r, const ecs_job_report_t *report)
{
    ap_rprintf(r, "EcsJob: %s %s last_run=%ld last_success=%ld ms=%ld "
               "done=%ld failures=%ld\n", report->s->server_hostname,
               report->job->name, seconds_since(report->last_run),
               seconds_since(report->last_success), report->last_ms,
               report->done, report->failures);
}

static void print_ago(request_rec *r, apr_time_t time)
{
    if (time) {
        ap_rprintf(r, "<td>%ld s ago</td>", seconds_since(time));
    }
    else {
        ap_rputs("<td>never</td>", r);
    }
}

static void print_row(request_rec *r, const ecs_job_report_t *report)
{
    ap_rprintf(r, "<tr><td>%s</td><td>%s</td><td>%.2f s</td>",
               ap_escape_html(r->pool, report->s->server_hostname),
               report->job->name, report->job->interval_ms / 1000.0);
    print_ago(r, report->last_run);
    print_ago(r, report->last_success);
    ap_rprintf(r, "<td>%ld ms</td><td>%ld</td><td>%ld</td></tr>\n",
               report->last_ms, report->done, report->failures);
}

static int show_jobs(request_rec *r, int flags)
{
    int is_short = (flags & AP_STATUS_SHORT) != 0;
    ecs_job_report_t report;
    int n;

    if (!ecs_jobs_report(0, &report)) {
        return DECLINED;
    }
    if (!is_short) {
        ap_rputs("<hr>\n<h2>Jobs of the shop</h2>\n<p>Runs of this httpd since "
                 "it started; other hosts may have run them too.</p>\n"
                 "<table border=\"0\"><tr><th>Server</th><th>Job</th>"
                 "<th>Every</th><th>Last run</th><th>Last success</th>"
                 "<th>Took</th><th>Done</th><th>Failures</th></tr>\n", r);
    }
    for (n = 0; ecs_jobs_report(n, &report); n++) {
        if (is_wanted(&report)) {
            (is_short ? print_line : print_row)(r, &report);
        }
    }
    if (!is_short) {
        ap_rputs("</table>\n", r);
    }
    return OK;
}

void ecs_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, show_jobs, NULL, NULL, APR_HOOK_MIDDLE);
}
