/* SPDX-License-Identifier: MIT */
/*
 * hook_server.h - an endpoint of webhooks for tests, on a port of loopback, in
 * threads of the test's own process: it takes what is sent, is slow, refuses, or
 * is not there. Signatures are verified here, by OpenSSL and nothing of the shop's.
 */
#ifndef TEST_HOOK_SERVER_H
#define TEST_HOOK_SERVER_H

#include <jansson.h>

#define HOOKS_MAX 1024

typedef struct hook_server_t hook_server_t;

/* One request. */
typedef struct hook_t {
    const char *path;
    const char *id;        /* webhook-id */
    const char *timestamp;
    const char *signature; /* all of the header */
    const char *type;      /* of the event */
    const char *body;
    json_t *event;         /* the body */
    int status;            /* that it was answered with */
} hook_t;

/** Listens, on any free port. */
hook_server_t *hook_start(void);

/** Where: "http://127.0.0.1:PORT". */
const char *hook_url(const hook_server_t *server);

/** Nobody listens any more; somebody does again, on the same port. */
void hook_down(hook_server_t *server);
void hook_up(hook_server_t *server);

/**
 * How the next so many requests are answered, -1 for all; then 204 again.
 */
void hook_answer(hook_server_t *server, int status, int times);

/** Answers after so many milliseconds. */
void hook_slow(hook_server_t *server, int ms);

/** Requests so far, and the n-th. */
int hook_count(hook_server_t *server);
const hook_t *hook_nth(hook_server_t *server, int n);

/**
 * Is one of its signatures by this secret ("whsec_…")?
 */
int hook_verifies(const hook_t *hook, const char *secret);

#endif
