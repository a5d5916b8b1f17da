/* SPDX-License-Identifier: MIT */
/*
 * mod_ecs.c - front door: the module record, the hooks, and what is done at
 * start-up. Everything else has a room of its own.
 *
 * check_config, also for `apachectl configtest`: whether mails could be sent.
 * post_config, in the parent, once per configuration that will be used:
 *   1. fill in and check each server's configuration;
 *   2. check the route rows and build the router, the statements and the
 *      OpenAPI document from them, once for all servers;
 *   3. register the clock, and check the way of mails.
 * child_init, in each child, after the fork:
 *   4. seed jansson's hash before there are threads;
 *   5. make each shop's door to the database and its gates;
 *   6. let the clock tick and the outbox go out.
 */
#define ECS_MODULE_RECORD
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_mpm.h>
#include <mod_auth.h>
#include <jansson.h>

#include "api.h"
#include "carrier.h"
#include "config.h"
#include "db.h"
#include "gate.h"
#include "jobs.h"
#include "mailer.h"
#include "openapi.h"
#include "outbox.h"
#include "rows.h"
#include "server.h"
#include "statement.h"
#include "version.h"

/* What `apachectl configtest` finds besides mistakes in single directives. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *main_server)
{
    const server_rec *s;

    for (s = main_server; s; s = s->next) {
        const char *error = ecs_outbox_check(ptemp, s, ecs_notification_types);

        if (error) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "ECS0001: %s", error);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *main_server)
{
    const ecs_router_t *router;
    const ecs_statement_t *statements;
    const char *error;
    server_rec *s;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK; /* a first pass whose memory will be thrown away */
    }
    for (s = main_server; s; s = s->next) { /* 1 */
        error = ecs_config_finish(pconf, s, main_server);
        if (error) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "ECS0001: %s", error);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    error = ecs_rows_check(ptemp, ecs_apps); /* 2 */
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server, "ECS0003: the "
                     "route rows contradict themselves: %s; this is a "
                     "programming error", error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    router = ecs_router_make(pconf, ecs_apps);
    statements = ecs_statements_make(pconf, router);
    for (s = main_server; s; s = s->next) {
        ecs_server_config_t *config = ecs_config_of(s);

        config->router = router;
        config->statements = statements;
        if (config->secrets) {
            config->openapi = ecs_openapi_make(pconf, ecs_apps,
                                               config->public_url);
        }
    }
    ecs_jobs_register(pconf, main_server); /* 3 */
    for (s = main_server; s; s = s->next) {
        error = ecs_outbox_prepare(pconf, s, ecs_notification_types);
        if (error) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "ECS0001: %s", error);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    ap_add_version_component(pconf, "mod_ecs/" ECS_VERSION);
    return OK;
}

/* A limit that a virtual server does not set is the main server's. */
static ecs_gate_t *gate_of(apr_pool_t *pchild, int is_own, int places,
                           ecs_gate_t **shared)
{
    if (is_own) {
        return ecs_gate_make(pchild, places);
    }
    if (!*shared) {
        *shared = ecs_gate_make(pchild, places);
    }
    return *shared;
}

/* For slow work, whose waiters must leave threads to the rest of the shop. */
static ecs_gate_t *slow_gate_of(apr_pool_t *pchild, int is_own, int places,
                                ecs_gate_t **shared)
{
    ecs_gate_t *gate = gate_of(pchild, is_own, places, shared);
    int threads = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ecs_gate_bound_queue(gate, threads / 2 > 1 ? threads / 2 : 1);
    return gate;
}

static void child_init(apr_pool_t *pchild, server_rec *main_server)
{
    ecs_gate_t *db = NULL, *hash = NULL, *image = NULL;
    server_rec *s;

    json_object_seed(0); /* 4 */
    for (s = main_server; s; s = s->next) { /* 5 */
        ecs_server_config_t *config = ecs_config_of(s);

        if (config->secrets) {
            config->db = ecs_db_make(pchild, s,
                                     gate_of(pchild, config->is_db_own,
                                             config->db_connections, &db));
            config->carrier = config->carry_limit > 1
                ? ecs_carrier_make(pchild, config->carry_limit) : NULL;
            config->hash_gate = slow_gate_of(pchild, config->is_hash_own,
                                             config->hash_limit, &hash);
            config->image_gate = slow_gate_of(pchild, config->is_image_own,
                                              config->image_limit, &image);
        }
    }
    ecs_jobs_open(pchild); /* 6 */
    ecs_mailer_init();
    ecs_outbox_open(pchild, main_server);
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(ecs_errors_want_no_page, NULL, NULL,
                              APR_HOOK_MIDDLE);
    /* After Redirect, RewriteRule and ProxyPass, before the core. */
    ap_hook_translate_name(ecs_dispatch_translate_name, NULL, NULL,
                           APR_HOOK_LAST);
    ap_hook_map_to_storage(ecs_dispatch_map_to_storage, NULL, NULL,
                           APR_HOOK_FIRST);
    ap_hook_force_authn(ecs_auth_force_authn, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(ecs_auth_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(ecs_auth_note_failure, NULL, NULL,
                              APR_HOOK_MIDDLE);
    ap_hook_handler(ecs_dispatch_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(ecs_errors_insert_filter, NULL, NULL,
                                APR_HOOK_LAST);
    ecs_errors_register_filter();
    ecs_status_register();
    ecs_auth_register_providers(p);
}

#pragma GCC visibility push(default)
AP_DECLARE_MODULE(ecs) = {
    STANDARD20_MODULE_STUFF,
    NULL, /* per-directory: none, roles stand in the rows */
    NULL,
    ecs_config_create,
    ecs_config_merge,
    ecs_config_commands,
    register_hooks,
};
#pragma GCC visibility pop
