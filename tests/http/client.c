/* SPDX-License-Identifier: MIT */
/*
 * client.c - libcurl behind the words of client.h.
 *
 * libcheck runs each test in a process of its own, so handles are made anew
 * when the process has changed: a forked connection must not be used twice.
 * Memory is taken from the heap and never given back but by a stream, which
 * would otherwise collect thousands of replies; a test lives for seconds.
 */
#include "client.h"
#include "clock.h"
#include "contract.h"

#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_TIMEOUT_S 60
#define RAW_SILENCE_MS 500
#define RAW_BYTES_MAX 65536

/* A text that grows while an answer arrives. */
typedef struct buffer_t {
    char *bytes;
    size_t length;
} buffer_t;

typedef struct exchange_t {
    CURL *easy;
    struct curl_slist *lines;
    request_t request;
    buffer_t head;
    buffer_t body;
    double started;
    int slot;
} exchange_t;

/* --- memory and time ----------------------------------------------------- */

void *grab(size_t bytes)
{
    void *memory = calloc(1, bytes == 0 ? 1 : bytes);

    ck_assert_ptr_nonnull(memory);
    return memory;
}

const char *fmt(const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    ck_assert_int_ge(length, 0);
    return text;
}

double seconds_now(void)
{
    return (double)ecs_clock_us() / APR_USEC_PER_SEC;
}

const char *http_base(void)
{
    const char *url = getenv("ECS_URL");

    ck_assert_msg(url != NULL, "ECS_URL is not set; use `make check-http`");
    return url;
}

/* --- one exchange -------------------------------------------------------- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *to)
{
    buffer_t *buffer = to;
    size_t length = size * count;
    char *grown = realloc(buffer->bytes, buffer->length + length + 1);

    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + buffer->length, bytes, length);
    buffer->bytes = grown;
    buffer->length += length;
    grown[buffer->length] = '\0';
    return length;
}

static void add_line(exchange_t *exchange, const char *line)
{
    exchange->lines = curl_slist_append(exchange->lines, line);
}

static void add_lines(exchange_t *exchange)
{
    const request_t *request = &exchange->request;
    const char *token = request->token;
    char line[8300];
    int i;

    if (token == NULL && request->who != NULL) {
        token = request->who->access;
    }
    if (token != NULL) {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        add_line(exchange, line);
    }
    snprintf(line, sizeof(line), "Content-Type: %s",
             request->type != NULL ? request->type : "application/json");
    add_line(exchange, request->body != NULL ? line : "Content-Type:");
    add_line(exchange, "Expect:");
    for (i = 0; i < HTTP_HEADERS_MAX && request->headers[i] != NULL; i++) {
        add_line(exchange, request->headers[i]);
    }
}

static void set_body(CURL *easy, const request_t *request)
{
    const char *body = request->body;
    size_t length = request->length;

    if (body == NULL) {
        int bodiless = strcmp(request->method, "GET") == 0 ||
                       strcmp(request->method, "HEAD") == 0 ||
                       strcmp(request->method, "OPTIONS") == 0;
        if (bodiless) {
            return;
        }
        body = "";
    }
    else if (length == 0) {
        length = strlen(body);
    }
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
}

/* Prepares a handle for a request; the texts of the request are not copied. */
static void exchange_prepare(exchange_t *exchange)
{
    const request_t *request = &exchange->request;
    CURL *easy = exchange->easy;
    char url[16384];

    snprintf(url, sizeof(url), "%s%s", http_base(), request->path);
    add_lines(exchange);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)HTTP_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    set_body(easy, request);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->lines);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange->head);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange->body);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    if (request->flags & HTTP_FRESH) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    exchange->started = seconds_now();
}

static int is_json(const reply_t *reply)
{
    const char *type = header(reply, "Content-Type");

    return type != NULL &&
           (strncasecmp(type, "application/json", 16) == 0 ||
            strncasecmp(type, "application/problem+json", 24) == 0 ||
            strncasecmp(type, "application/vnd.oai.openapi+json", 32) == 0);
}

/* What came back, checked. Takes the buffers over. */
static void exchange_finish(exchange_t *exchange, CURLcode result,
                            reply_t *reply)
{
    const request_t *request = &exchange->request;
    long status = 0;
    const char *wrong;

    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(exchange->lines);
    memset(reply, 0, sizeof(*reply));
    reply->request = *request;
    reply->head =
        exchange->head.bytes != NULL ? exchange->head.bytes : calloc(1, 1);
    reply->body =
        exchange->body.bytes != NULL ? exchange->body.bytes : calloc(1, 1);
    reply->length = exchange->body.length;
    reply->seconds = seconds_now() - exchange->started;
    if (result != CURLE_OK) {
        ck_assert_msg(request->flags & HTTP_MAY_FAIL, "%s %s: %s",
                      request->method, request->path,
                      curl_easy_strerror(result));
        return;
    }
    reply->status = (int)status;
    if (is_json(reply)) {
        reply->json =
            json_loadb(reply->body, reply->length,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    }
    if (!(request->flags & HTTP_UNCHECKED)) {
        wrong = contract_check(reply);
        ck_assert_msg(wrong == NULL, "%s %s -> %d breaks the contract: %s\n%s",
                      request->method, request->path, reply->status, wrong,
                      reply->body);
    }
}

reply_t *http_send(const request_t *request)
{
    static CURL *easy;
    static pid_t owner;
    exchange_t exchange = {.request = *request};
    reply_t *reply = grab(sizeof(*reply));

    if (owner != getpid()) {
        easy = curl_easy_init(); /* a parent's handle stays the parent's */
        owner = getpid();
    }
    ck_assert_ptr_nonnull(easy);
    curl_easy_reset(easy);
    exchange.easy = easy;
    exchange_prepare(&exchange);
    exchange_finish(&exchange, curl_easy_perform(easy), reply);
    return reply;
}

reply_t *get(const actor_t *who, const char *path)
{
    return http(.method = "GET", .path = path, .who = who);
}

reply_t *post(const actor_t *who, const char *path, const char *body)
{
    return http(.method = "POST", .path = path, .who = who, .body = body);
}

reply_t *patch(const actor_t *who, const char *path, const char *body)
{
    return http(.method = "PATCH", .path = path, .who = who, .body = body);
}

reply_t *put(const actor_t *who, const char *path, const char *body)
{
    return http(.method = "PUT", .path = path, .who = who, .body = body);
}

reply_t *delete (const actor_t *who, const char *path)
{
    return http(.method = "DELETE", .path = path, .who = who);
}

/* --- many at a time ------------------------------------------------------ */

/* Starts a client's next request. Returns 0 when it has none. */
static int slot_start(CURLM *multi, exchange_t *slot, const stream_t *stream)
{
    memset(&slot->request, 0, sizeof(slot->request));
    slot->lines = NULL;
    slot->head = (buffer_t){NULL, 0};
    slot->body = (buffer_t){NULL, 0};
    if (!stream->next(stream->context, slot->slot, &slot->request)) {
        return 0;
    }
    curl_easy_reset(slot->easy);
    exchange_prepare(slot);
    curl_multi_add_handle(multi, slot->easy);
    return 1;
}

static void slot_finish(CURLM *multi, CURLMsg *message, const stream_t *stream)
{
    exchange_t *slot = NULL;
    reply_t reply;

    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    exchange_finish(slot, message->data.result, &reply);
    curl_multi_remove_handle(multi, slot->easy);
    stream->done(stream->context, slot->slot, &reply);
    json_decref(reply.json);
    free((char *)reply.head);
    free((char *)reply.body);
}

void http_stream(const stream_t *stream)
{
    CURLM *multi = curl_multi_init();
    exchange_t *slots = grab(sizeof(*slots) * (size_t)stream->clients);
    double end = seconds_now() + stream->seconds;
    int running = 0, active = 0, left, i;
    CURLMsg *message;

    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)stream->clients);
    for (i = 0; i < stream->clients; i++) {
        slots[i].easy = curl_easy_init();
        slots[i].slot = i;
        active += slot_start(multi, &slots[i], stream);
    }
    while (active > 0) {
        curl_multi_perform(multi, &running);
        for (message = curl_multi_info_read(multi, &left); message != NULL;
             message = curl_multi_info_read(multi, &left)) {
            exchange_t *slot = NULL;

            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
            slot_finish(multi, message, stream);
            if (seconds_now() >= end || !slot_start(multi, slot, stream)) {
                active--;
            }
        }
        if (active > 0) {
            curl_multi_poll(multi, NULL, 0, 100, NULL);
        }
    }
    for (i = 0; i < stream->clients; i++) {
        curl_easy_cleanup(slots[i].easy);
    }
    curl_multi_cleanup(multi);
}

/* A burst is a stream in which each client has one request. */
typedef struct burst_t {
    const request_t *requests;
    reply_t **replies;
    char *sent;
} burst_t;

static int burst_next(void *context, int client, request_t *request)
{
    burst_t *burst = context;

    if (burst->sent[client]) {
        return 0;
    }
    burst->sent[client] = 1;
    *request = burst->requests[client];
    request->flags |= HTTP_FRESH;
    return 1;
}

static void burst_done(void *context, int client, const reply_t *reply)
{
    burst_t *burst = context;
    reply_t *copy = grab(sizeof(*copy));

    *copy = *reply;
    copy->head = fmt("%s", reply->head);
    copy->body = fmt("%s", reply->body);
    json_incref(copy->json);
    burst->replies[client] = copy;
}

void http_parallel(const request_t *requests, reply_t **replies, int count)
{
    burst_t burst = {requests, replies, grab((size_t)count)};
    stream_t stream = {count, HTTP_TIMEOUT_S, burst_next, burst_done, &burst};

    http_stream(&stream);
}

/* --- headers and raw bytes ----------------------------------------------- */

const char *header(const reply_t *reply, const char *name)
{
    size_t length = strlen(name);
    const char *found = NULL, *line = reply->head, *end;

    for (; line != NULL && *line != '\0'; line = end == NULL ? NULL : end + 1) {
        end = strchr(line, '\n');
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            found = line + length + 1;
        }
    }
    if (found == NULL) {
        return NULL;
    }
    found += strspn(found, " \t");
    return fmt("%.*s", (int)strcspn(found, "\r\n"), found);
}

static int raw_connect(void)
{
    const char *url = http_base(), *colon = strrchr(url, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_nonnull(colon);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)atoi(colon + 1));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    return fd;
}

const char *http_raw(const char *bytes, size_t length)
{
    int fd = raw_connect();
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char *answer = grab(RAW_BYTES_MAX + 1);
    size_t got = 0;

    ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
    while (got < RAW_BYTES_MAX && poll(&poller, 1, RAW_SILENCE_MS) > 0) {
        ssize_t count = recv(fd, answer + got, RAW_BYTES_MAX - got, 0);

        if (count <= 0) {
            break;
        }
        got += (size_t)count;
    }
    close(fd);
    return answer;
}
