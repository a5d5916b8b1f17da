/* SPDX-License-Identifier: MIT */
/*
 * webhook.h - what a webhook says and how it is signed: Standard Webhooks 1.0
 * (symmetric, v1).
 */
#ifndef ECS_WEBHOOK_H
#define ECS_WEBHOOK_H

#include <apr_pools.h>
#include <jansson.h>
#include "secrets.h"

/**
 * An endpoint's secret, derived from the shop's key and the endpoint's nonce, so
 * that the database cannot sign.
 * @param secret  out: 32 bytes
 */
void ecs_webhook_secret(const ecs_secrets_t *secrets, const char *nonce,
                        unsigned char secret[ECS_KEY_BYTES]);

/**
 * A secret as its endpoint gets it: "whsec_" and base64.
 */
const char *ecs_webhook_secret_text(apr_pool_t *p, const unsigned char *secret,
                                    apr_size_t length);

/**
 * The signature of a message: "v1," and the base64 of HMAC-SHA256 over
 * "id.timestamp.body".
 * @param id         of the message, without dots
 * @param timestamp  of this attempt, in seconds, as it stands in its header
 */
const char *ecs_webhook_sign(apr_pool_t *p, const unsigned char *secret,
                             apr_size_t length, const char *id,
                             const char *timestamp, const char *body);

/**
 * The body: {"type", "timestamp", "data"}, the same bytes at each attempt.
 * @param timestamp  of the event, RFC 3339
 * @param data       NULL for an empty object
 */
const char *ecs_webhook_body(apr_pool_t *p, const char *type,
                             const char *timestamp, json_t *data);

#endif
