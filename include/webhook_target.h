/* SPDX-License-Identifier: MIT */
/*
 * webhook_target.h - where webhooks may be sent to.
 *
 * An administrator types in an address, and the shop's server calls it: that must
 * be no way into the network that the server stands in. Names are looked up when
 * a connection is made, so that is where addresses are checked.
 */
#ifndef ECS_WEBHOOK_TARGET_H
#define ECS_WEBHOOK_TARGET_H

#include <apr_pools.h>
#include <sys/socket.h>

/**
 * Is it an address that anybody on the Internet may reach? Not loopback, private
 * networks, link-local, multicast, documentation, or reserved (IANA's registries
 * of special-purpose addresses); an IPv4 address inside of an IPv6 one counts as
 * itself.
 */
int ecs_webhook_address_is_public(const struct sockaddr *address);

/**
 * Can that be an endpoint: https, with a host, without user, password or
 * fragment?
 * @param allow_private  http and addresses that are not public are good, too
 * @return NULL, or what is wrong, for who typed it in
 */
const char *ecs_webhook_url_check(apr_pool_t *p, const char *url,
                                  int allow_private);

#endif
