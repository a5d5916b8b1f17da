/* SPDX-License-Identifier: MIT */
/*
 * mailbox.h - the mails that the instance wrote into its directory.
 */
#ifndef TEST_MAILBOX_H
#define TEST_MAILBOX_H

/** Removes all mails, so that nobody has to look through them. */
void empty_mailbox(void);

/**
 * The n-th mail of a kind to somebody, from 0, with its headers.
 * @param kind  as ecs.outbox has it: "notification", "password_reset" ...
 * @return NULL while there is none
 */
const char *find_mail(const char *address, const char *kind, int n);

/** Waits for it; stops the test when it does not come. */
const char *mail(const char *address, const char *kind, int n);

/** The token in a mail: in a line of its own, behind four spaces. */
const char *token_of(const char *text);

/** The value of a mail's header, NULL for none. */
const char *mail_header(const char *text, const char *name);

#endif
