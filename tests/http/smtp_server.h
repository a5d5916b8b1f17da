/* SPDX-License-Identifier: MIT */
/*
 * smtp_server.h - an SMTP server for tests, on a port of loopback, in threads of
 * the test's own process: it takes mails, is slow, refuses, or is not there.
 */
#ifndef TEST_SMTP_SERVER_H
#define TEST_SMTP_SERVER_H

#define SMTP_MAILS_MAX 4096

typedef struct smtp_server_t smtp_server_t;

/**
 * Listen.
 * @param port  0: any free one
 */
smtp_server_t *smtp_start(int port);
int smtp_port(const smtp_server_t *server);

/** Nobody listens any more, and who was connected is not. */
void smtp_down(smtp_server_t *server);

/** Listens again, on the same port. */
void smtp_up(smtp_server_t *server);

/** How it answers a command: after so many milliseconds. */
void smtp_slow(smtp_server_t *server, int ms);

/**
 * Answer instead of what is usual to a command, e.g. "RCPT TO:<ann@" with
 * "550 who?"; "." is the end of the text. An answer of "" is none: it hangs up.
 * NULL for both: as usual again.
 */
void smtp_answer(smtp_server_t *server, const char *command,
                 const char *answer);

/** Mails that were taken so far, and the n-th: to whom, and its text. */
int smtp_count(smtp_server_t *server);
const char *smtp_to(smtp_server_t *server, int n);
const char *smtp_text(smtp_server_t *server, int n);

/** Value of a header of a mail's text, in memory of its own; NULL for none. */
char *smtp_header(const char *text, const char *name);

/** Connections that were made so far. */
int smtp_connections(smtp_server_t *server);

#endif
