/* SPDX-License-Identifier: MIT */
/*
 * webhook_send.h - handing a webhook to its endpoint.
 *
 * Blocks for up to ECS_WEBHOOK_SECONDS_MAX; so it is for a thread that has
 * nothing else to do.
 */
#ifndef ECS_WEBHOOK_SEND_H
#define ECS_WEBHOOK_SEND_H

#include <apr_pools.h>

#define ECS_WEBHOOK_SECONDS_MAX 15 /* for one attempt */

typedef struct ecs_webhook_t {
    const char *url;
    const char *id;        /* webhook-id */
    const char *timestamp; /* webhook-timestamp */
    const char *signature; /* webhook-signature, one or more */
    const char *body;
} ecs_webhook_t;

/* What came of an attempt. */
typedef struct ecs_webhook_result_t {
    long status;        /* HTTP status, 0: no answer */
    int duration_ms;
    const char *error;  /* NULL: it was taken (2xx); else one line */
    const char *answer; /* the first bytes of its body, UTF-8; or NULL */
    int is_stopped;     /* it was given up because the server ends */
} ecs_webhook_result_t;

typedef struct ecs_webhook_sender_t ecs_webhook_sender_t;

/**
 * A sender for one thread; ended with its pool. ecs_mailer_init() was called in
 * the process.
 * @param allow_private  http, and addresses that are not of the Internet, too
 * @param stop           while it is not 0 what runs is given up
 */
ecs_webhook_sender_t *ecs_webhook_sender_make(apr_pool_t *p, int allow_private,
                                              const int *stop);

/**
 * Try once. Follows no redirect.
 * @param result  out, in `p`
 */
void ecs_webhook_send(ecs_webhook_sender_t *sender, apr_pool_t *p,
                      const ecs_webhook_t *webhook,
                      ecs_webhook_result_t *result);

/**
 * Nothing to send for now: ends the connections.
 */
void ecs_webhook_rest(ecs_webhook_sender_t *sender);

#endif
