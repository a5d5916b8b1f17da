/* SPDX-License-Identifier: MIT */
/*
 * listener.c - a socket, and a thread that waits at it. Nothing is freed but
 * what each connection takes: a test ends soon.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

typedef struct connection_t {
    const listener_t *listener;
    int fd;
} connection_t;

static void start(void *(*run)(void *), void *data)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, data) != 0) {
        perror("listener");
        abort();
    }
    pthread_detach(thread);
}

static void *talk(void *data)
{
    connection_t *c = data;

    c->listener->talk(c->listener->server, c->fd);
    free(c);
    return NULL;
}

static void *accept_all(void *data)
{
    const listener_t *l = data;
    int listens = l->fd, fd = accept(listens, NULL, NULL);

    while (fd >= 0) {
        connection_t *c = calloc(1, sizeof(*c));

        c->listener = l;
        c->fd = fd;
        start(talk, c);
        fd = accept(listens, NULL, NULL);
    }
    return NULL;
}

void listener_up(listener_t *l)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((unsigned short)l->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof(address);
    int yes = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(l->fd, (struct sockaddr *)&address, length) != 0
        || listen(l->fd, BACKLOG) != 0) {
        perror("listener");
        abort();
    }
    getsockname(l->fd, (struct sockaddr *)&address, &length);
    l->port = ntohs(address.sin_port);
    start(accept_all, l);
}

void listener_down(listener_t *l)
{
    shutdown(l->fd, SHUT_RDWR);
    close(l->fd);
}
