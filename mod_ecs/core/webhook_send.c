/* SPDX-License-Identifier: MIT */
/*
 * webhook_send.c - webhooks by libcurl.
 *
 * Every address is looked at when its socket is made, after the name was looked
 * up: what a name means then is what counts, and it cannot change any more. No
 * proxy and no redirect takes another way. Of the answer only the beginning is
 * kept; who says more than ANSWER_BYTES_MAX is not listened to.
 */
#include "webhook_send.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <curl/curl.h>

#include "utf8.h"
#include "version.h"
#include "webhook_target.h"

#define CONNECT_MS 5000
#define ANSWER_BYTES_MAX 16384
#define ANSWER_BYTES_KEPT 500

struct ecs_webhook_sender_t {
    int allow_private;
    const int *stop;
    CURL *curl; /* NULL while nothing is to be sent */
    int is_private; /* an address was refused */
    char answer[ANSWER_BYTES_KEPT + 1];
    apr_size_t kept, heard; /* bytes of the answer */
    char error[CURL_ERROR_SIZE];
};

/* ---- what libcurl calls ---- */

static curl_socket_t open_socket(void *baton, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    ecs_webhook_sender_t *sender = baton;

    if (!sender->allow_private
        && !ecs_webhook_address_is_public(&address->addr)) {
        sender->is_private = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static size_t take_answer(char *data, size_t size, size_t count, void *baton)
{
    ecs_webhook_sender_t *sender = baton;
    size_t length = size * count;
    size_t room = ANSWER_BYTES_KEPT - sender->kept;

    memcpy(sender->answer + sender->kept, data, length < room ? length : room);
    sender->kept += length < room ? length : room;
    sender->heard += length;
    return sender->heard > ANSWER_BYTES_MAX ? 0 : length;
}

static int on_progress(void *baton, curl_off_t down, curl_off_t now_down,
                       curl_off_t up, curl_off_t now_up)
{
    const ecs_webhook_sender_t *sender = baton;

    return __atomic_load_n(sender->stop, __ATOMIC_RELAXED);
}

/* ---- one attempt ---- */

static CURL *make_curl(ecs_webhook_sender_t *sender)
{
    CURL *curl = curl_easy_init();

    if (!curl) {
        return NULL;
    }
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                     sender->allow_private ? "https,http" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* A name server that does not answer holds up no end of a child. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_ecs/" ECS_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ECS_WEBHOOK_SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, sender);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sender->error);
    return curl;
}

static struct curl_slist *add(struct curl_slist *list, apr_pool_t *p,
                              const char *name, const char *value)
{
    struct curl_slist *longer = curl_slist_append(
        list, apr_pstrcat(p, name, ": ", value, NULL));

    return longer ? longer : list;
}

static struct curl_slist *headers_of(apr_pool_t *p,
                                     const ecs_webhook_t *webhook)
{
    struct curl_slist *list = NULL;

    list = add(list, p, "Content-Type", "application/json");
    list = add(list, p, "webhook-id", webhook->id);
    list = add(list, p, "webhook-timestamp", webhook->timestamp);
    list = add(list, p, "webhook-signature", webhook->signature);
    return add(list, p, "Expect", ""); /* none: it is not worth the wait */
}

/* Text that the database takes, whatever the endpoint said. */
static const char *answer_of(ecs_webhook_sender_t *sender, apr_pool_t *p)
{
    char *text, *c;

    if (sender->kept == 0) {
        return NULL;
    }
    text = apr_pstrmemdup(p, sender->answer, sender->kept);
    for (c = text; c < text + sender->kept; c++) {
        if (*c == '\0') {
            *c = '?';
        }
    }
    return ecs_utf8_readable(p, text); /* it may be cut within a letter, too */
}

static const char *error_of(const ecs_webhook_sender_t *sender, apr_pool_t *p,
                            CURLcode code, long status)
{
    if (status >= 200 && status <= 299
        && (code == CURLE_OK || sender->heard > ANSWER_BYTES_MAX)) {
        return NULL;
    }
    if (status >= 300 && status <= 399) {
        return apr_psprintf(p, "it answered %ld, and redirects are not "
                            "followed", status);
    }
    if (status > 0 && (code == CURLE_OK || status > 299)) {
        return apr_psprintf(p, "it answered %ld", status);
    }
    if (sender->is_private) {
        return "its address is not one of the Internet";
    }
    return apr_pstrdup(p, *sender->error ? sender->error
                                         : curl_easy_strerror(code));
}

static CURLcode perform(ecs_webhook_sender_t *sender, apr_pool_t *p,
                        const ecs_webhook_t *webhook)
{
    struct curl_slist *headers = headers_of(p, webhook);
    CURLcode code;

    sender->is_private = 0;
    sender->kept = sender->heard = 0;
    sender->error[0] = '\0';
    curl_easy_setopt(sender->curl, CURLOPT_URL, webhook->url);
    curl_easy_setopt(sender->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, webhook->body);
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)strlen(webhook->body));
    code = curl_easy_perform(sender->curl);
    curl_easy_setopt(sender->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
    return code;
}

void ecs_webhook_send(ecs_webhook_sender_t *sender, apr_pool_t *p,
                      const ecs_webhook_t *webhook,
                      ecs_webhook_result_t *result)
{
    apr_time_t began = apr_time_now();
    CURLcode code;

    memset(result, 0, sizeof(*result));
    if (!sender->curl) {
        sender->curl = make_curl(sender);
    }
    if (!sender->curl) {
        result->error = "no memory";
        return;
    }
    code = perform(sender, p, webhook);
    curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &result->status);
    result->duration_ms = (int)apr_time_as_msec(apr_time_now() - began);
    result->error = error_of(sender, p, code, result->status);
    result->answer = answer_of(sender, p);
    result->is_stopped = code == CURLE_ABORTED_BY_CALLBACK;
}

void ecs_webhook_rest(ecs_webhook_sender_t *sender)
{
    if (sender->curl) {
        curl_easy_cleanup(sender->curl);
        sender->curl = NULL;
    }
}

static apr_status_t end_sender(void *sender)
{
    ecs_webhook_rest(sender);
    return APR_SUCCESS;
}

ecs_webhook_sender_t *ecs_webhook_sender_make(apr_pool_t *p, int allow_private,
                                              const int *stop)
{
    ecs_webhook_sender_t *sender = apr_pcalloc(p, sizeof(*sender));

    sender->allow_private = allow_private;
    sender->stop = stop;
    apr_pool_cleanup_register(p, sender, end_sender, apr_pool_cleanup_null);
    return sender;
}
