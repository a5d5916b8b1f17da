/* SPDX-License-Identifier: MIT */
/*
 * bookkeeper.h - a program of somebody else's in the story: it listens for
 * webhooks and believes only what is signed with its secret.
 */
#ifndef TEST_BOOKKEEPER_H
#define TEST_BOOKKEEPER_H

#include "client.h"

/** It listens, and the admin names it to the shop, for all that orders do. */
void bookkeeper_comes(const actor_t *admin);

/**
 * Waits until it was told this of an order, and prints it; the signature has to
 * be the shop's, and nobody else's.
 */
void bookkeeper_knows(const char *type, long long order);

/** It wants nothing any more. */
void bookkeeper_goes(const actor_t *admin);

#endif
