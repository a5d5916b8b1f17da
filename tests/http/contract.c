/* SPDX-License-Identifier: MIT */
/*
 * contract.c - the headers are looked at here, status, media type and body in
 * schema_document.c.
 */
#include "contract.h"
#include "schema_document.h"

#include <check.h>
#include <string.h>
#include <strings.h>

#define DOCUMENT_PATH "/api/openapi.json"

json_t *contract_document(void)
{
    static json_t *document;
    reply_t *reply;

    if (document == NULL) {
        reply = http(.method = "GET", .path = DOCUMENT_PATH,
                     .flags = HTTP_UNCHECKED);
        ck_assert_msg(reply->status == 200 && reply->json != NULL,
                      "%s -> %d: %.300s", DOCUMENT_PATH, reply->status,
                      reply->body);
        document = reply->json;
    }
    return document;
}

/* --- what holds for all answers ------------------------------------------ */

static const char *check_headers(const reply_t *reply)
{
    const char *type = header(reply, "Content-Type");
    const char *sniff = header(reply, "X-Content-Type-Options");

    if (header(reply, "X-Request-Id") == NULL) {
        return "no X-Request-Id";
    }
    if (sniff == NULL || strcasecmp(sniff, "nosniff") != 0) {
        return "no X-Content-Type-Options: nosniff";
    }
    if (type != NULL && strncasecmp(type, "text/html", 9) == 0) {
        return "HTML";
    }
    if (reply->status == 401 && header(reply, "WWW-Authenticate") == NULL) {
        return "401 without WWW-Authenticate";
    }
    if (reply->status == 405 && header(reply, "Allow") == NULL) {
        return "405 without Allow";
    }
    if ((reply->status == 429 || reply->status == 503) &&
        header(reply, "Retry-After") == NULL) {
        return "no Retry-After";
    }
    if (reply->status == 201 && header(reply, "Location") == NULL) {
        return "201 without Location";
    }
    return NULL;
}

const char *contract_check(const reply_t *reply)
{
    const request_t *request = &reply->request;
    int bodiless = strcmp(request->method, "HEAD") == 0 ||
                   reply->status == 304 || reply->status == 204;
    const char *wrong = check_headers(reply);

    if (wrong == NULL && bodiless && reply->length > 0) {
        wrong = "a body where none belongs";
    }
    if (wrong != NULL || strcmp(request->method, "OPTIONS") == 0) {
        return wrong;
    }
    return schema_check_answer(contract_document(), request->method,
                               request->path, reply->status,
                               header(reply, "Content-Type"), reply->json);
}
