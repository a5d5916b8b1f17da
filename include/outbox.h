/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - what was written to ecs.outbox leaves the shop: a thread of its own
 * in each child, so that neither a request nor a job waits for a mail server.
 */
#ifndef ECS_OUTBOX_H
#define ECS_OUTBOX_H

#include <httpd.h>

/**
 * Check what EcsMail needs, for each server that has a shop; in post_config.
 * @param types  of notifications, separated by spaces
 * @return NULL, or what is wrong and what to do
 */
const char *ecs_outbox_prepare(apr_pool_t *pconf, server_rec *s,
                               const char *types);

/**
 * Start a child's threads, one for each database that mails are sent for; in
 * child_init, when there are doors to the databases. They end before pchild.
 */
void ecs_outbox_open(apr_pool_t *pchild, server_rec *main_server);

#endif
