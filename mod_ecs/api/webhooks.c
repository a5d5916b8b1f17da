/* SPDX-License-Identifier: MIT */
/*
 * webhooks.c - programs of others that are told what happens in the shop.
 *
 * The steps here do what the database must not: make an endpoint's secret of the
 * shop's key (core/webhook.c), and look at its URL as libcurl does. Everything
 * else is in sql/api/76_webhooks.sql, which lists the same types of events.
 */
#include "api.h"

#include "request.h"
#include "webhook.h"
#include "webhook_target.h"

#define NONCE_BYTES 24
#define URL_CHARS_MAX 500
#define EVENTS_CHARS_MAX 1000

#define TYPES                                                                 \
    "ping order.created order.processing order.shipped order.delivered "      \
    "order.completed order.cancelled order.refunded auction.scheduled "       \
    "auction.active auction.ended auction.cancelled return.requested "        \
    "return.under_inspection return.approved return.rejected "                \
    "return.cancelled product.approved product.rejected review.created "      \
    "withdrawal.requested withdrawal.approved withdrawal.rejected "           \
    "user.registered"

/* ---- steps ---- */

static ecs_problem_t *make_nonce(ecs_request_t *req)
{
    const char *nonce = ecs_secrets_random_url(req->pool, NONCE_BYTES);

    if (!nonce) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    ecs_request_set(req, "nonce", nonce);
    return NULL;
}

static ecs_problem_t *check_url(ecs_request_t *req, const char *url)
{
    const char *error = url ? ecs_webhook_url_check(
        req->pool, url, req->config->webhook_private) : NULL;
    ecs_problem_t *problem = NULL;

    if (error) {
        ecs_problem_add_field(req->pool, &problem, "url", error);
    }
    return problem;
}

static ecs_problem_t *create_before(ecs_request_t *req)
{
    ecs_problem_t *problem = check_url(req, ecs_request_value(req, "url"));

    return problem ? problem : make_nonce(req);
}

static ecs_problem_t *update_before(ecs_request_t *req)
{
    json_t *changes = json_loads(req->changes, 0, NULL);
    ecs_problem_t *problem = check_url(
        req, json_string_value(json_object_get(changes, "url")));

    json_decref(changes);
    return problem;
}

/* The answer to who made the endpoint, or its secret anew, says what it is. */
static ecs_problem_t *show_secret(ecs_request_t *req)
{
    json_t *endpoint = ecs_request_json(req, &req->answer);
    unsigned char secret[ECS_KEY_BYTES];

    ecs_webhook_secret(req->config->secrets, ecs_request_value(req, "nonce"),
                       secret);
    json_object_set_new(endpoint, "secret", json_string(
        ecs_webhook_secret_text(req->pool, secret, sizeof(secret))));
    ecs_request_answer(req, req->answer.status, json_incref(endpoint));
    return NULL;
}

/* ---- fields ---- */

#define EVENTS_HELP                                                           \
    "Which events it wants, words separated by spaces: a type, all types of "  \
    "an object (order.*), or * for everything."

static const ecs_field_t create_fields[] = {
    { .name = "url", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = URL_CHARS_MAX, .help = "Where to POST to; https." },
    { .name = "description", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = 500 },
    { .name = "events", .type = ECS_T_STRING, .max = EVENTS_CHARS_MAX,
      .initial = "*", .help = EVENTS_HELP },
    { .name = "nonce", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t id_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Endpoint." },
    { NULL },
};

static const ecs_field_t update_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Endpoint." },
    { .name = "url", .type = ECS_T_STRING, .max = URL_CHARS_MAX,
      .help = "Where to POST to; https." },
    { .name = "description", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = 500 },
    { .name = "events", .type = ECS_T_STRING, .max = EVENTS_CHARS_MAX,
      .help = EVENTS_HELP },
    { .name = "is_active", .type = ECS_T_BOOL,
      .help = "Off: nothing is written for it, what waits for it dies." },
    { NULL },
};

static const ecs_field_t rotate_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Endpoint." },
    { .name = "nonce", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t attempts_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Endpoint." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t events_fields[] = {
    { .name = "endpoint", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "PENDING SENT DEAD" },
    { .name = "type", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = TYPES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t event_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Of the list of events." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_webhooks_routes[] = {
    {
        .method = "GET",
        .path = "/api/webhooks/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "webhooks_list",
        .status = 200,
        .answer = "WebhookEndpoint",
        .summary = "Who is told what happens, newest first",
    },
    {
        .method = "POST",
        .path = "/api/webhooks/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_NO_REPLAY,
        .fields = create_fields,
        .call = "webhooks_create",
        .status = 201,
        .answer = "WebhookEndpointSecret",
        .before = create_before,
        .after = show_secret,
        .summary = "Tell another program what happens",
        .description = "Events are sent by POST as Standard Webhooks 1.0 has "
                       "it: {\"type\", \"timestamp\", \"data\"}, with "
                       "webhook-id, webhook-timestamp and webhook-signature. "
                       "Only an answer of 2xx within 15 seconds is success; "
                       "else it is tried 16 times over a day and a half. The "
                       "`secret` is shown here and never again.",
    },
    {
        .method = "GET",
        .path = "/api/webhooks/events/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = events_fields,
        .call = "webhooks_events",
        .status = 200,
        .answer = "WebhookEvent",
        .summary = "What was, is or will be sent, newest first",
        .description = "One for each event and endpoint. What was sent is "
                       "kept for 30 days, what is dead for 90.",
    },
    {
        .method = "POST",
        .path = "/api/webhooks/events/{id}/replay/",
        .roles = ECS_ADMINS,
        .fields = event_fields,
        .call = "webhooks_replay",
        .status = 202,
        .answer = "WebhookEvent",
        .errors = "wrong_state",
        .summary = "Send an event again",
        .description = "Sent or dead, under the same webhook-id, to where the "
                       "endpoint is now.",
    },
    {
        .method = "GET",
        .path = "/api/webhooks/{id}/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "webhooks_get",
        .status = 200,
        .answer = "WebhookEndpoint",
        .summary = "One endpoint",
    },
    {
        .method = "PATCH",
        .path = "/api/webhooks/{id}/",
        .roles = ECS_ADMINS,
        .fields = update_fields,
        .call = "webhooks_update",
        .status = 200,
        .answer = "WebhookEndpoint",
        .before = update_before,
        .summary = "Change an endpoint",
        .description = "The shop itself makes one inactive that answers 410, "
                       "or has taken nothing for five days; `is_active` makes "
                       "it begin anew.",
    },
    {
        .method = "DELETE",
        .path = "/api/webhooks/{id}/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "webhooks_delete",
        .status = 204,
        .summary = "Remove an endpoint",
        .description = "With what was or is to be sent to it.",
    },
    {
        .method = "POST",
        .path = "/api/webhooks/{id}/rotate/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_NO_REPLAY,
        .fields = rotate_fields,
        .call = "webhooks_rotate",
        .status = 200,
        .answer = "WebhookEndpointSecret",
        .before = make_nonce,
        .after = show_secret,
        .summary = "A new secret",
        .description = "For 24 hours what is sent bears two signatures, by "
                       "this secret and by the one before it.",
    },
    {
        .method = "POST",
        .path = "/api/webhooks/{id}/test/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "webhooks_test",
        .status = 202,
        .answer = "WebhookEvent",
        .errors = "wrong_state",
        .summary = "Send a ping",
        .description = "An event of type `ping`, whatever it wants to hear "
                       "of; what came of it is among the attempts.",
    },
    {
        .method = "GET",
        .path = "/api/webhooks/{id}/attempts/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = attempts_fields,
        .call = "webhooks_attempts",
        .status = 200,
        .answer = "WebhookAttempt",
        .summary = "What an endpoint answered, newest first",
    },
    { NULL },
};

#define ENDPOINT_MEMBERS                                                      \
    "id:id url:str description:str events:str is_active:bool "                \
    "disabled_reason:text? failures_in_row:int failing_since:time? "          \
    "last_success_at:time? previous_secret_until:time? created_at:time "      \
    "updated_at:time"

const ecs_schema_t ecs_webhooks_schemas[] = {
    { "WebhookEndpoint", "A program that is told what happens.",
      ENDPOINT_MEMBERS },
    { "WebhookEndpointSecret",
      "The same, with the secret that its webhooks are signed with.",
      ENDPOINT_MEMBERS " secret:str" },
    { "WebhookEvent", "An event for an endpoint.",
      "id:id webhook_id:str endpoint:id type:str data:json "
      "status:PENDING|SENT|DEAD attempts:int last_error:text? "
      "next_attempt_at:time? created_at:time sent_at:time?" },
    { "WebhookAttempt", "One attempt to deliver an event.",
      "id:id event:id webhook_id:str type:str at:time status_code:int? "
      "duration_ms:int error:text? answer:text?" },
    { NULL },
};
