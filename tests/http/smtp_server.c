/* SPDX-License-Identifier: MIT */
/*
 * smtp_server.c - as much of RFC 5321 as a client needs that sends one mail to
 * one recipient at a time. Each connection has a thread (listener.h). Nothing
 * is freed: a test ends soon.
 */
#include "smtp_server.h"
#include "listener.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 2048
#define CLIENTS_MAX 64

typedef struct taken_t {
    char *to;
    char *text;
} taken_t;

struct smtp_server_t {
    pthread_mutex_t lock;
    listener_t listener;
    int is_up;
    int slow_ms;
    const char *command, *answer;
    int connections;
    int clients[CLIENTS_MAX]; /* sockets, 0 for none */
    taken_t mails[SMTP_MAILS_MAX];
    int count;
};

typedef struct client_t {
    smtp_server_t *server;
    int fd;
    FILE *in;
} client_t;

/* ---- a conversation ---- */

static void say(const client_t *c, const char *text)
{
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof(line), "%s\r\n", text);

    if (write(c->fd, line, (size_t)length) < 0) {
        return; /* the client will not hear it either way */
    }
}

/* What the test wants to be said to this, or NULL. */
static const char *wanted_answer(const client_t *c, const char *line)
{
    smtp_server_t *s = c->server;
    const char *answer = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->command && !strncasecmp(line, s->command, strlen(s->command))) {
        answer = s->answer;
    }
    pthread_mutex_unlock(&s->lock);
    return answer;
}

static void keep(smtp_server_t *s, const char *to, char *text)
{
    pthread_mutex_lock(&s->lock);
    if (s->count < SMTP_MAILS_MAX) {
        s->mails[s->count].to = strdup(to);
        s->mails[s->count].text = text;
        s->count++;
    }
    pthread_mutex_unlock(&s->lock);
}

/* Lines up to the dot. */
static char *read_text(client_t *c)
{
    char line[LINE_BYTES], *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    while (fgets(line, sizeof(line), c->in)) {
        if (!strcmp(line, ".\r\n")) {
            fclose(out);
            return text;
        }
        fputs(line[0] == '.' ? line + 1 : line, out);
    }
    fclose(out);
    free(text);
    return NULL;
}

static void wait_a_little(const client_t *c)
{
    int ms;

    pthread_mutex_lock(&c->server->lock);
    ms = c->server->slow_ms;
    pthread_mutex_unlock(&c->server->lock);
    usleep((useconds_t)ms * 1000);
}

static void take_text(client_t *c, const char *to)
{
    char *text;
    const char *wanted;

    say(c, "354 go on");
    text = read_text(c);
    if (!text) {
        return;
    }
    wanted = wanted_answer(c, ".");
    wait_a_little(c);
    if (!wanted || *wanted == '2') {
        keep(c->server, to, text);
    }
    say(c, wanted ? wanted : "250 taken");
}

/* Returns whether it goes on. */
static int obey(client_t *c, const char *line, char *to)
{
    const char *wanted = wanted_answer(c, line);

    wait_a_little(c);
    if (wanted) {
        say(c, wanted);
        return *wanted != '\0';
    }
    if (!strncasecmp(line, "EHLO", 4)) {
        say(c, "250 test");
    }
    else if (!strncasecmp(line, "RCPT TO:<", 9)) {
        snprintf(to, LINE_BYTES, "%.*s", (int)strcspn(line + 9, ">"),
                 line + 9);
        say(c, "250 ok");
    }
    else if (!strncasecmp(line, "DATA", 4)) {
        take_text(c, to);
    }
    else if (!strncasecmp(line, "QUIT", 4)) {
        say(c, "221 bye");
        return 0;
    }
    else {
        say(c, "250 ok");
    }
    return 1;
}

/* Remembers it, unless it came too late. */
static int welcome(smtp_server_t *s, int fd)
{
    int i = 0, is_welcome;

    pthread_mutex_lock(&s->lock);
    is_welcome = s->is_up;
    if (is_welcome) {
        s->connections++;
        while (i < CLIENTS_MAX - 1 && s->clients[i]) {
            i++;
        }
        s->clients[i] = fd;
    }
    pthread_mutex_unlock(&s->lock);
    return is_welcome;
}

static void forget(smtp_server_t *s, int fd)
{
    int i;

    pthread_mutex_lock(&s->lock);
    for (i = 0; i < CLIENTS_MAX; i++) {
        if (s->clients[i] == fd) {
            s->clients[i] = 0;
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void converse(client_t *c)
{
    char line[LINE_BYTES], to[LINE_BYTES] = "";
    const char *wanted = wanted_answer(c, "greeting");

    wait_a_little(c);
    say(c, wanted ? wanted : "220 test");
    while (fgets(line, sizeof(line), c->in) && obey(c, line, to)) {
    }
}

static void talk(void *server, int fd)
{
    client_t c = {.server = server, .fd = fd, .in = fdopen(fd, "r")};

    if (welcome(c.server, fd)) {
        converse(&c);
        forget(c.server, fd);
    }
    fclose(c.in);
}

/* ---- the server ---- */

void smtp_up(smtp_server_t *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_up = 1;
    pthread_mutex_unlock(&s->lock);
    listener_up(&s->listener);
}

smtp_server_t *smtp_start(int port)
{
    smtp_server_t *s = calloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    s->listener = (listener_t){.port = port, .talk = talk, .server = s};
    smtp_up(s);
    return s;
}

int smtp_port(const smtp_server_t *s)
{
    return s->listener.port;
}

void smtp_down(smtp_server_t *s)
{
    int i;

    listener_down(&s->listener);
    pthread_mutex_lock(&s->lock);
    s->is_up = 0;
    for (i = 0; i < CLIENTS_MAX; i++) {
        if (s->clients[i]) {
            shutdown(s->clients[i], SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

void smtp_slow(smtp_server_t *s, int ms)
{
    pthread_mutex_lock(&s->lock);
    s->slow_ms = ms;
    pthread_mutex_unlock(&s->lock);
}

void smtp_answer(smtp_server_t *s, const char *command, const char *answer)
{
    pthread_mutex_lock(&s->lock);
    s->command = command;
    s->answer = answer;
    pthread_mutex_unlock(&s->lock);
}

/* ---- what came ---- */

int smtp_count(smtp_server_t *s)
{
    int count;

    pthread_mutex_lock(&s->lock);
    count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}

const char *smtp_to(smtp_server_t *s, int n)
{
    return n < smtp_count(s) ? s->mails[n].to : NULL;
}

const char *smtp_text(smtp_server_t *s, int n)
{
    return n < smtp_count(s) ? s->mails[n].text : NULL;
}

int smtp_connections(smtp_server_t *s)
{
    int connections;

    pthread_mutex_lock(&s->lock);
    connections = s->connections;
    pthread_mutex_unlock(&s->lock);
    return connections;
}

char *smtp_header(const char *text, const char *name)
{
    size_t length = strlen(name);

    while (*text && *text != '\r') {
        if (!strncasecmp(text, name, length) && text[length] == ':') {
            text += length + 2;
            return strndup(text, strcspn(text, "\r"));
        }
        text = strchr(text, '\n');
        if (!text) {
            return NULL;
        }
        text++;
    }
    return NULL;
}
