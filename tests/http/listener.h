/* SPDX-License-Identifier: MIT */
/*
 * listener.h - a port of loopback for servers of tests, in threads of the
 * test's own process: one that accepts, and one for each connection.
 */
#ifndef TEST_LISTENER_H
#define TEST_LISTENER_H

/** What is done with a connection, in its thread; closes it in the end. */
typedef void listener_talk_fn(void *server, int fd);

typedef struct listener_t {
    int port; /* 0: any free one, which listener_up() then writes here */
    listener_talk_fn *talk;
    void *server; /* for talk() */
    int fd;
} listener_t;

/** Listens. The struct stays where it is until the process ends. */
void listener_up(listener_t *listener);

/**
 * Nobody listens any more; connections stay. After it listener_up() listens on
 * the same port again.
 */
void listener_down(listener_t *listener);

#endif
