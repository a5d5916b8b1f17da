/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - further httpds of the instance's shop, as they would be on machines
 * of their own.
 */
#ifndef TEST_HOSTS_H
#define TEST_HOSTS_H

/** Directory of a host, an instance of its own. */
const char *host_dir(const char *host);

/** Start it, with further options of `instance start`, "" for none. */
void host_start(const char *host, const char *options);

/** Stop it, which may be dead, and remove its directory. */
void host_end(const char *host);

#endif
