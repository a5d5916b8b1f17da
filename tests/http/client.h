/* SPDX-License-Identifier: MIT */
/*
 * client.h - how the tests speak HTTP: one request, many at the same time, or
 * several clients in a loop.
 *
 *     reply_t *r = get(buyer, "/api/cart/");
 *     r = post(buyer, "/api/cart/items/", fmt("{\"product\": %lld}", id));
 *     r = http(.method = "GET", .path = "/api/cart/", .who = buyer,
 *              .headers = {"If-None-Match: W/\"1\""});
 *
 * Every reply is checked against the OpenAPI document (contract.h) unless the
 * request says otherwise. Replies live as long as the test.
 */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <stddef.h>
#include <jansson.h>

#define HTTP_HEADERS_MAX 8

/* A person of the shop, as the tests know one. */
typedef struct actor_t {
    long long id;
    long long session; /* of the access token */
    const char *username;
    const char *email;
    const char *role;
    const char *access;  /* access token */
    const char *refresh; /* NULL unless signed in over HTTP */
} actor_t;

/* Flags of a request. */
#define HTTP_UNCHECKED 0x01u /* do not hold the reply against the document */
#define HTTP_MAY_FAIL 0x02u  /* a broken connection is a reply of status 0 */
#define HTTP_FRESH 0x04u     /* on a connection of its own */

typedef struct request_t {
    const char *method;
    const char *path;                      /* with query, sent as it is */
    const char *body;                      /* NULL for none */
    size_t length;                         /* of body; 0: up to its NUL */
    const char *type;                      /* of body; NULL: JSON */
    const actor_t *who;                    /* NULL: nobody */
    const char *token;                     /* instead of who's */
    const char *headers[HTTP_HEADERS_MAX]; /* further ones, "Name: value" */
    unsigned flags;
} request_t;

typedef struct reply_t {
    request_t request;
    int status;       /* 0: the connection broke */
    const char *head; /* status line and header lines */
    const char *body; /* NUL behind it */
    size_t length;
    json_t *json;   /* NULL when the body is not JSON */
    double seconds; /* from start to end */
} reply_t;

#define http(...) http_send(&(request_t){__VA_ARGS__})
reply_t *http_send(const request_t *request);

/* The common cases; `who` NULL is nobody, `body` NULL is none. */
reply_t *get(const actor_t *who, const char *path);
reply_t *post(const actor_t *who, const char *path, const char *body);
reply_t *patch(const actor_t *who, const char *path, const char *body);
reply_t *put(const actor_t *who, const char *path, const char *body);
reply_t *delete (const actor_t *who, const char *path);

/**
 * Send all requests at the same time, each on a connection of its own.
 * @param replies  out: one per request, in their order
 */
void http_parallel(const request_t *requests, reply_t **replies, int count);

/**
 * Several clients, each sending its next request when its last was answered,
 * until `seconds` have passed. Replies are gone when `done` returns.
 * @param next  fills in the next request of a client; 0 to stop it
 */
typedef struct stream_t {
    int clients;
    double seconds;
    int (*next)(void *context, int client, request_t *request);
    void (*done)(void *context, int client, const reply_t *reply);
    void *context;
} stream_t;
void http_stream(const stream_t *stream);

/**
 * The value of a header of the reply, or NULL. The last one counts.
 */
const char *header(const reply_t *reply, const char *name);

/**
 * Send bytes as they are and read until the server closes or half a second
 * of silence: for what no proper client sends.
 * @return the answer's bytes, "" for none
 */
const char *http_raw(const char *bytes, size_t length);

/** printf into the test's memory. */
const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Zeroed memory of the test. */
void *grab(size_t bytes);

/** The base URL of the shop, without a slash at its end. */
const char *http_base(void);

/** Seconds of a clock that only goes forward. */
double seconds_now(void);

#endif
