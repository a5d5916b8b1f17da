/* SPDX-License-Identifier: MIT */
/*
 * hook_server.c - as much of HTTP/1.1 as a client needs that posts JSON with a
 * Content-Length. Each connection has a thread (listener.h) and ends with its
 * answer. Nothing is freed: a test ends soon.
 */
#include "hook_server.h"
#include "listener.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define LINE_BYTES 4096
#define BODY_BYTES_MAX 65536

struct hook_server_t {
    pthread_mutex_t lock;
    listener_t listener;
    int slow_ms;
    int status, times; /* of the next answers */
    char url[64];
    hook_t hooks[HOOKS_MAX];
    int count;
};

/* ---- a conversation ---- */

/* The value of a header line when it is that header, without its end. */
static char *header_of(const char *line, const char *name)
{
    size_t length = strlen(name);

    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    line += length + 1;
    line += strspn(line, " ");
    return strndup(line, strcspn(line, "\r\n"));
}

static void take_header(const char *line, hook_t *hook, const char **length)
{
    const struct {
        const char *name;
        const char **value;
    } wanted[] = {
        {"webhook-id", &hook->id}, {"webhook-timestamp", &hook->timestamp},
        {"webhook-signature", &hook->signature}, {"Content-Length", length},
    };
    size_t i;

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char *value = header_of(line, wanted[i].name);

        if (value != NULL) {
            *wanted[i].value = value;
        }
    }
}

static int read_request(FILE *in, hook_t *hook)
{
    char line[LINE_BYTES];
    const char *announced = "0";
    size_t length;
    char *body;

    if (fgets(line, sizeof(line), in) == NULL
        || strncmp(line, "POST ", 5) != 0) {
        return 0;
    }
    hook->path = strndup(line + 5, strcspn(line + 5, " "));
    while (fgets(line, sizeof(line), in) != NULL && *line != '\r') {
        take_header(line, hook, &announced);
    }
    length = strtoul(announced, NULL, 10);
    if (length > BODY_BYTES_MAX) {
        return 0;
    }
    body = calloc(1, length + 1);
    if (fread(body, 1, length, in) != length) {
        return 0;
    }
    hook->body = body;
    hook->event = json_loads(body, 0, NULL);
    hook->type = json_string_value(json_object_get(hook->event, "type"));
    return 1;
}

/* Remembers it, and says what it is answered with. */
static int keep(hook_server_t *s, hook_t *hook)
{
    pthread_mutex_lock(&s->lock);
    hook->status = 204;
    if (s->times != 0) {
        hook->status = s->status;
        s->times -= s->times > 0;
    }
    if (s->count < HOOKS_MAX) {
        s->hooks[s->count++] = *hook;
    }
    pthread_mutex_unlock(&s->lock);
    return hook->status;
}

static int patience_of(hook_server_t *s)
{
    int ms;

    pthread_mutex_lock(&s->lock);
    ms = s->slow_ms;
    pthread_mutex_unlock(&s->lock);
    return ms;
}

static void talk(void *server, int fd)
{
    hook_server_t *s = server;
    FILE *in = fdopen(fd, "r");
    hook_t hook = {0};
    char answer[LINE_BYTES];

    if (read_request(in, &hook)) {
        int status = keep(s, &hook), length;

        usleep((useconds_t)patience_of(s) * 1000);
        length = snprintf(answer, sizeof(answer),
                          "HTTP/1.1 %d Whatever\r\nConnection: close\r\n"
                          "Location: /elsewhere\r\n%s", status,
                          status == 204 ? "\r\n"
                                        : "Content-Length: 8\r\n\r\nbecause!");
        if (write(fd, answer, (size_t)length) < 0) {
            perror("hook_server"); /* the client hung up */
        }
    }
    fclose(in);
}

/* ---- the server ---- */

void hook_up(hook_server_t *s)
{
    listener_up(&s->listener);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", s->listener.port);
}

hook_server_t *hook_start(void)
{
    hook_server_t *s = calloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    s->listener = (listener_t){.talk = talk, .server = s};
    hook_up(s);
    return s;
}

const char *hook_url(const hook_server_t *s)
{
    return s->url;
}

void hook_down(hook_server_t *s)
{
    listener_down(&s->listener);
}

void hook_answer(hook_server_t *s, int status, int times)
{
    pthread_mutex_lock(&s->lock);
    s->status = status;
    s->times = times;
    pthread_mutex_unlock(&s->lock);
}

void hook_slow(hook_server_t *s, int ms)
{
    pthread_mutex_lock(&s->lock);
    s->slow_ms = ms;
    pthread_mutex_unlock(&s->lock);
}

/* ---- what came ---- */

int hook_count(hook_server_t *s)
{
    int count;

    pthread_mutex_lock(&s->lock);
    count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}

const hook_t *hook_nth(hook_server_t *s, int n)
{
    return n < hook_count(s) ? &s->hooks[n] : NULL;
}

/* ---- signatures ---- */

/* Bytes of base64, whose padding OpenSSL counts as bytes. */
static int decode(const char *text, unsigned char *bytes)
{
    int length = EVP_DecodeBlock(bytes, (const unsigned char *)text,
                                 (int)strlen(text));
    const char *end = text + strlen(text);

    while (length > 0 && end > text && *--end == '=') {
        length--;
    }
    return length;
}

/* "v1," and the base64 of what the secret makes of it. */
static char *expected_of(const hook_t *hook, const unsigned char *key,
                         int key_length)
{
    size_t size = strlen(hook->id) + strlen(hook->timestamp)
        + strlen(hook->body) + 3;
    char *content = malloc(size), *expected = calloc(1, 3 + LINE_BYTES);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_length = 0;

    snprintf(content, size, "%s.%s.%s", hook->id, hook->timestamp, hook->body);
    HMAC(EVP_sha256(), key, key_length, (unsigned char *)content, size - 1,
         mac, &mac_length);
    memcpy(expected, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)expected + 3, mac, (int)mac_length);
    free(content);
    return expected;
}

int hook_verifies(const hook_t *hook, const char *secret)
{
    unsigned char key[LINE_BYTES];
    const char *one = hook->signature;
    char *expected;
    int length, is_found = 0;

    if (!hook->id || !hook->timestamp || !one
        || strncmp(secret, "whsec_", 6) != 0) {
        return 0;
    }
    length = decode(secret + 6, key);
    if (length < 24) {
        return 0;
    }
    expected = expected_of(hook, key, length);
    while (*one) {
        size_t word = strcspn(one, " ");

        is_found |= word == strlen(expected)
            && strncmp(one, expected, word) == 0;
        one += word + strspn(one + word, " ");
    }
    free(expected);
    return is_found;
}
