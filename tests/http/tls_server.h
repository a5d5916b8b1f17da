/* SPDX-License-Identifier: MIT */
/*
 * tls_server.h - a server for tests whose certificate nobody vouches for, on a
 * port of loopback, in threads of the test's own process.
 */
#ifndef TEST_TLS_SERVER_H
#define TEST_TLS_SERVER_H

/** Listens; there is one in a process. Returns its port. */
int tls_start(void);

/** Connections that were made so far. */
int tls_connections(void);

/** Those whose client took the certificate and said something. */
int tls_talks(void);

#endif
