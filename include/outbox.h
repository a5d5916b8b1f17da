/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - what was written to ecs.outbox leaves the shop: a thread of its own
 * in each child, so that neither a request nor a job waits for a mail server.
 */
#ifndef ECS_OUTBOX_H
#define ECS_OUTBOX_H

#include <httpd.h>

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
 * Start a child's threads, one for each database that mails are sent for; in
 * child_init, when there are doors to the databases. They end before pchild.
 */
void ecs_outbox_open(apr_pool_t *pchild, server_rec *main_server);

#endif
