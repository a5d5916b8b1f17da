/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - what was written to ecs.outbox leaves the shop: threads of their
 * own in each child, one for each channel, so that neither a request nor a job waits
 * for a mail server or an endpoint of webhooks.
 */
#ifndef ECS_OUTBOX_H
#define ECS_OUTBOX_H

#include <httpd.h>
#include <jansson.h>

struct ecs_server_config_t;

/* What came of a message. */
typedef enum ecs_delivery_e {
    ECS_DELIVERY_SENT,
    ECS_DELIVERY_REFUSED, /* it will always be */
    ECS_DELIVERY_FAILED,  /* perhaps later */
    ECS_DELIVERY_LATER,   /* it was not tried; others may be */
    ECS_DELIVERY_AWAY     /* the way itself is; no other would have gone */
} ecs_delivery_e;

/* One way out of the shop. `deliver` blocks for as long as it says; everything
 * runs in the channel's own thread, but `is_served` and `make`. */
typedef struct ecs_channel_t {
    const char *name;   /* in ecs.outbox */
    const char *many;   /* in the log */
    const char *advice; /* when the way is away */
    const char *report; /* statement with one parameter, the results */
    int seconds_max;    /* that a message may take, from its beginning on */
    int (*is_served)(const struct ecs_server_config_t *config);
    /* The thread's sender. It gives up what it does when *stop is not 0. */
    void *(*make)(apr_pool_t *p, server_rec *s, const int *stop);
    /* `result` takes what is to be reported besides the outcome. */
    ecs_delivery_e (*deliver)(void *sender, apr_pool_t *p,
                              const json_t *message, json_t *result,
                              const char **error);
    /* All that were taken are through. */
    void (*rest)(void *sender);
} ecs_channel_t;

extern const ecs_channel_t ecs_mail_channel;    /* outbox_mail.c */
extern const ecs_channel_t ecs_webhook_channel; /* outbox_webhook.c */

/** Members of what the database gave. */
apr_int64_t ecs_outbox_number(const json_t *object, const char *name);
const char *ecs_outbox_text(const json_t *object, const char *name);

/**
 * Is what EcsMail needs there, and are the texts of mails good? Changes nothing;
 * in check_config, so that `apachectl configtest` tells.
 * @param types  of notifications, separated by spaces
 * @return NULL, or what is wrong and what to do, in p
 */
const char *ecs_outbox_check(apr_pool_t *p, const server_rec *s,
                             const char *types);

/**
 * Get a server that has a shop ready to send mails; in post_config.
 * @return as above
 */
const char *ecs_outbox_prepare(apr_pool_t *pconf, server_rec *s,
                               const char *types);

/**
 * Start a child's threads, for each database one for each channel; in
 * child_init, when there are doors to the databases. They end before pchild.
 */
void ecs_outbox_open(apr_pool_t *pchild, server_rec *main_server);

#endif
