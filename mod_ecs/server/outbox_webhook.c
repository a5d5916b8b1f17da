/* SPDX-License-Identifier: MIT */
/*
 * outbox_webhook.c - the outbox's way to endpoints of webhooks.
 *
 * What does not work is an endpoint's fault and never the way's: others go on.
 * So that they need not wait long for one that is slow or away, it gets no more
 * of the messages that were taken together once it has failed or had ENDPOINT_MS
 * of this thread's time; the rest of them is given back, uncounted.
 */
#include "outbox.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "config.h"
#include "webhook.h"
#include "webhook_send.h"

#define ENDPOINT_MS 3000
#define GONE 410 /* RFC 9110: it wants nothing any more */

typedef struct webhook_sender_t {
    const ecs_server_config_t *config;
    ecs_webhook_sender_t *sender;
    apr_pool_t *pool;  /* of what is known of the messages taken together */
    apr_hash_t *spent; /* by an endpoint's path: an int, milliseconds */
} webhook_sender_t;

static void forget(webhook_sender_t *w)
{
    apr_pool_clear(w->pool);
    w->spent = apr_hash_make(w->pool);
}

static int is_served(const ecs_server_config_t *config)
{
    return config->webhooks && config->secrets;
}

static void *make(apr_pool_t *p, server_rec *s, const int *stop)
{
    webhook_sender_t *w = apr_pcalloc(p, sizeof(*w));

    w->config = ecs_config_of(s);
    w->sender = ecs_webhook_sender_make(p, w->config->webhook_private, stop);
    apr_pool_create(&w->pool, p);
    forget(w);
    return w;
}

/* How long an endpoint had us wait so far. */
static int *spent_of(webhook_sender_t *w, apr_int64_t endpoint)
{
    const char *key = apr_psprintf(w->pool, "%" APR_INT64_T_FMT, endpoint);
    int *spent = apr_hash_get(w->spent, key, APR_HASH_KEY_STRING);

    if (!spent) {
        spent = apr_pcalloc(w->pool, sizeof(*spent));
        apr_hash_set(w->spent, key, APR_HASH_KEY_STRING, spent);
    }
    return spent;
}

/* By the secret, and by the one of before while both are good. */
static const char *signatures_of(const webhook_sender_t *w, apr_pool_t *p,
                                 const json_t *message,
                                 const ecs_webhook_t *webhook)
{
    const char *names[] = { "nonce", "previous_nonce" };
    const char *list = "";
    int i;

    for (i = 0; i < 2; i++) {
        const char *nonce = ecs_outbox_text(message, names[i]);
        unsigned char secret[ECS_KEY_BYTES];

        if (nonce) {
            ecs_webhook_secret(w->config->secrets, nonce, secret);
            list = apr_pstrcat(p, list, *list ? " " : "", ecs_webhook_sign(
                p, secret, sizeof(secret), webhook->id, webhook->timestamp,
                webhook->body), NULL);
        }
    }
    return list;
}

static ecs_delivery_e outcome_of(const ecs_webhook_result_t *result)
{
    if (result->is_stopped) {
        return ECS_DELIVERY_LATER;
    }
    if (!result->error) {
        return ECS_DELIVERY_SENT;
    }
    return result->status == GONE ? ECS_DELIVERY_REFUSED : ECS_DELIVERY_FAILED;
}

/* For the log of attempts. */
static void tell(json_t *report, const json_t *message,
                 const ecs_webhook_result_t *result)
{
    json_object_set(report, "endpoint", json_object_get(message, "endpoint"));
    json_object_set_new(report, "duration_ms",
                        json_integer(result->duration_ms));
    if (result->status > 0) {
        json_object_set_new(report, "status_code",
                            json_integer(result->status));
    }
    if (result->answer) {
        json_object_set_new(report, "answer", json_string(result->answer));
    }
}

static ecs_delivery_e deliver(void *sender, apr_pool_t *p,
                              const json_t *message, json_t *report,
                              const char **error)
{
    webhook_sender_t *w = sender;
    int *spent = spent_of(w, ecs_outbox_number(message, "endpoint"));
    ecs_webhook_t webhook = {
        .url = ecs_outbox_text(message, "url"),
        .id = ecs_outbox_text(message, "message_id"),
        .timestamp = apr_psprintf(p, "%" APR_TIME_T_FMT,
                                  apr_time_sec(apr_time_now())),
        .body = ecs_webhook_body(p, ecs_outbox_text(message, "kind"),
                                 ecs_outbox_text(message, "timestamp"),
                                 json_object_get(message, "data")),
    };
    ecs_webhook_result_t result;
    ecs_delivery_e outcome;

    if (*spent >= ENDPOINT_MS) {
        return ECS_DELIVERY_LATER;
    }
    webhook.signature = signatures_of(w, p, message, &webhook);
    ecs_webhook_send(w->sender, p, &webhook, &result);
    outcome = outcome_of(&result);
    *spent += outcome == ECS_DELIVERY_SENT ? result.duration_ms : ENDPOINT_MS;
    if (outcome != ECS_DELIVERY_LATER) {
        tell(report, message, &result);
        *error = result.error;
    }
    return outcome;
}

static void rest(void *sender)
{
    webhook_sender_t *w = sender;

    ecs_webhook_rest(w->sender);
    forget(w);
}

const ecs_channel_t ecs_webhook_channel = {
    .name = "webhook",
    .many = "webhooks",
    .advice = "check the network",
    .report = "SELECT * FROM ecs_api.webhook_report(p_results => $1)",
    .seconds_max = ECS_WEBHOOK_SECONDS_MAX + 20,
    .is_served = is_served,
    .make = make,
    .deliver = deliver,
    .rest = rest,
};
