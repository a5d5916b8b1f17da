/* SPDX-License-Identifier: MIT */
/*
 * platform.c - health, readiness, business numbers, jobs and the audit log.
 *
 * Health asks nothing but this process, so that a balancer does not take all
 * hosts out when the database is away; ready asks the database.
 */
#include "api.h"
#include "request.h"

#include <apr_strings.h>
#include <string.h>

/* The newest migration of sql/migrations that this module needs. */
#define SCHEMA_VERSION 17

#define COUNT_MAX 1000000 /* of points and pieces, as in ecs.settings */
#define INCREMENTS_MAX 50 /* steps of the table of bids */

static ecs_problem_t *health_before(ecs_request_t *req)
{
    ecs_request_answer(req, 200, json_pack("{s:s}", "status", "ok"));
    return NULL;
}

static ecs_problem_t *ready_before(ecs_request_t *req)
{
    ecs_request_set(req, "schema", apr_itoa(req->pool, SCHEMA_VERSION));
    return NULL;
}

/* Made once at start-up; conditional requests are answered 304. */
static ecs_problem_t *document_before(ecs_request_t *req)
{
    req->answer.body = req->config->openapi;
    req->answer.length = strlen(req->config->openapi);
    return NULL;
}

/* ---- fields ---- */

static const ecs_field_t ready_fields[] = {
    { .name = "schema", .type = ECS_T_INT, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t increment_fields[] = {
    { .name = "from", .type = ECS_T_MONEY, .flags = ECS_REQUIRED,
      .help = "The price of one piece from which on it holds." },
    { .name = "increment", .type = ECS_T_MONEY, .flags = ECS_REQUIRED,
      .min = 1, .help = "How much higher the next bid has to be." },
    { NULL },
};

/* The bounds are those of the CHECKs of table ecs.settings. */
static const ecs_field_t settings_fields[] = {
    { .name = "platform_fee_percent", .type = ECS_T_DECIMAL, .max = 50,
      .help = "Of each line, taken from the seller's payout. Two decimals." },
    { .name = "complete_after_days", .type = ECS_T_INT, .max = 60,
      .help = "From delivery until an order can be completed." },
    { .name = "return_window_days", .type = ECS_T_INT, .max = 60,
      .help = "From delivery; never longer than complete_after_days." },
    { .name = "max_active_deliveries", .type = ECS_T_INT, .min = 1,
      .max = 100, .help = "Of one courier at a time." },
    { .name = "points_per_10", .type = ECS_T_INT, .max = 1000,
      .help = "Seller's points for each 10.00 paid out, half up." },
    { .name = "brand_min_points", .type = ECS_T_INT, .max = COUNT_MAX,
      .help = "From which a seller may have brands." },
    { .name = "verified_at_points", .type = ECS_T_INT, .max = COUNT_MAX,
      .help = "From which a seller counts as verified." },
    { .name = "rank_silver_points", .type = ECS_T_INT, .max = COUNT_MAX,
      .help = "At which rank SILVER begins." },
    { .name = "rank_gold_points", .type = ECS_T_INT, .max = COUNT_MAX,
      .help = "At which rank GOLD begins." },
    { .name = "bid_soft_close_seconds", .type = ECS_T_INT, .max = 3600,
      .help = "A bid this late moves the end of its auction." },
    { .name = "bid_soft_close_cap_minutes", .type = ECS_T_INT, .max = 10080,
      .help = "How far beyond the planned end late bids can move it; 0: any "
              "far." },
    { .name = "bid_increments", .type = ECS_T_ITEMS, .max = INCREMENTS_MAX,
      .members = increment_fields,
      .help = "For auctions whose seller named no increment; one step begins "
              "at 0.00. Empty: those take 1.00." },
    { .name = "low_stock_at", .type = ECS_T_INT, .max = COUNT_MAX,
      .help = "Pieces left at which a seller is told." },
    { .name = "cancel_fee_percent", .type = ECS_T_DECIMAL, .max = 50,
      .help = "Of an order's total when its buyer cancels. Two decimals." },
    { .name = "proof_ttl_hours", .type = ECS_T_INT, .min = 1, .max = 720,
      .help = "How long a proof of delivery is good." },
    { .name = "proof_max_attempts", .type = ECS_T_INT, .min = 1, .max = 20,
      .help = "Wrong tries before a proof is locked." },
    { .name = "currency", .type = ECS_T_STRING, .min = 3, .max = 3,
      .help = "Of all money, by ISO 4217. A change converts nothing." },
    { NULL },
};

static const ecs_field_t audit_fields[] = {
    { .name = "actor", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .help = "Id of the user who did it." },
    { .name = "action", .type = ECS_T_STRING, .in = ECS_IN_QUERY, .max = 100,
      .help = "As the log writes it, for example `login_failed`." },
    { .name = "object_type", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = 100, .help = "As the log writes it, for example `user`." },
    { .name = "object_id", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    ECS_BETWEEN("after", "before"),
    ECS_PAGING,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_platform_routes[] = {
    {
        .method = "GET",
        .path = "/api/health/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_DB,
        .status = 200,
        .answer = "Health",
        .summary = "Is the process up?",
        .description = "Asks neither the database nor anything else.",
        .before = health_before,
    },
    {
        .method = "GET",
        .path = "/api/ready/",
        .roles = ECS_PUBLIC,
        .fields = ready_fields,
        .call = "platform_ready",
        .status = 200,
        .answer = "Ready",
        .summary = "Can requests be sent here?",
        .description = "The database answers and has the tables this version "
                       "needs; otherwise 503.",
        .before = ready_before,
    },
    {
        .method = "GET",
        .path = "/api/openapi.json",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_DB | ECS_R_CACHEABLE,
        .status = 200,
        .answer = "Document",
        .summary = "Read this document",
        .description = "OpenAPI 3.1, made of the same rows that requests are "
                       "checked and answered by.",
        .before = document_before,
    },
    {
        .method = "GET",
        .path = "/api/settings/",
        .roles = ECS_ADMINS,
        .call = "platform_settings",
        .status = 200,
        .answer = "Settings",
        .summary = "Read the business numbers",
        .description = "They hold from the moment of their change; orders "
                       "keep what they were made with.",
    },
    {
        .method = "PATCH",
        .path = "/api/settings/",
        .roles = ECS_SUPERADMIN,
        .fields = settings_fields,
        .call = "platform_settings_update",
        .status = 200,
        .answer = "Settings",
        .summary = "Change business numbers",
        .description = "Old and new values go to the audit log.",
    },
    {
        .method = "GET",
        .path = "/api/jobs/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "jobs_list",
        .status = 200,
        .answer = "Job +Checked",
        .summary = "See what the shop does by itself",
        .description = "Jobs run by the clock on one host at a time, whichever "
                       "comes first; by name. A job is listed from its first "
                       "run until a week after its last.",
    },
    {
        .method = "GET",
        .path = "/api/audit/",
        .roles = ECS_SUPERADMIN,
        .flags = ECS_R_LIST,
        .fields = audit_fields,
        .call = "platform_audit_list",
        .status = 200,
        .answer = "AuditEntry",
        .summary = "Read the audit log",
        .description = "Who did what to which object, when and from where; "
                       "newest first. Nothing in it can be changed.",
    },
    { NULL },
};

const ecs_schema_t ecs_platform_schemas[] = {
    { "Health", "The process is up.", "status:str" },
    { "Document", "An OpenAPI document.",
      "openapi:str info:json servers:json tags:json paths:json "
      "components:json" },
    { "Ready", "The shop is open.", "status:str schema_version:int" },
    { "Settings",
      "The business numbers. Percentages are decimal strings with two digits; "
      "`ranks` shows from how many points each rank is had.",
      "platform_fee_percent:str complete_after_days:int "
      "return_window_days:int max_active_deliveries:int points_per_10:int "
      "brand_min_points:int verified_at_points:int rank_silver_points:int "
      "rank_gold_points:int ranks:Ranks bid_soft_close_seconds:int "
      "bid_soft_close_cap_minutes:int bid_increments:[BidIncrement] "
      "low_stock_at:int cancel_fee_percent:str proof_ttl_hours:int "
      "proof_max_attempts:int currency:str updated_at:time" },
    { "BidIncrement",
      "From this price of one piece on the next bid has to be that much "
      "higher.",
      "from:money increment:money" },
    { "Ranks", "The points each rank begins with.",
      "STARTER:int SILVER:int GOLD:int" },
    { "Job",
      "What is done by the clock. Counts are of things done, an order or a "
      "session for example. `last_done` is of the last run that did something, "
      "`set_aside` counts what failed and is tried again later, `lag_ms` is how "
      "late the oldest thing is that is due (null: not known). `is_overdue`: it "
      "has not gone well for longer than it should; nobody runs it, or it "
      "fails.",
      "name:str interval_ms:int host:str? last_run_at:time? "
      "last_success_at:time? last_failed_at:time? last_duration_ms:int? "
      "last_done:int total_done:int failures:int last_error:str? "
      "set_aside:int lag_ms:int? is_overdue:bool" },
    { "Checked", "When this was true.", "checked_at:time" },
    { "AuditActor", "A user, by name.", "id:id username:str" },
    { "AuditEntry",
      "One deed. `actor` is null when nobody had signed in; `details` depends "
      "on `action`.",
      "id:id at:time actor:AuditActor? actor_role:str? address:str? "
      "request_id:str? action:str object_type:str? object_id:id? "
      "details:json?" },
    { NULL },
};
