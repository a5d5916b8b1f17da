/* SPDX-License-Identifier: MIT */
/*
 * contract.c - finds the operation of a request in the OpenAPI document and
 * compares status, media type and body with what stands there.
 */
#include "contract.h"
#include "schema_check.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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

json_t *contract_resolve(json_t *node)
{
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    json_t *found = contract_document();
    char part[200];
    size_t length;

    if (ref == NULL) {
        return node;
    }
    ck_assert_msg(strncmp(ref, "#/", 2) == 0, "foreign $ref %s", ref);
    for (ref += 2; *ref != '\0'; ref += length + (ref[length] == '/')) {
        length = strcspn(ref, "/");
        snprintf(part, sizeof(part), "%.*s", (int)length, ref);
        found = json_object_get(found, part);
        ck_assert_msg(found != NULL, "$ref leads nowhere at %s", part);
    }
    return contract_resolve(found);
}

/* Does a path, without its query, fit a template? A final slash is optional. */
static int fits(const char *template, const char *path)
{
    for (;;) {
        size_t want = strcspn(template, "/"), have = strcspn(path, "/?");

        if (template[0] == '{' ? have == 0
                               : want != have ||
                                     strncmp(template, path, want) != 0) {
            return 0;
        }
        template += want;
        path += have;
        if (*template == '/' && template[1] == '\0') {
            return *path == '\0' || *path == '?' ||
                   (*path == '/' && (path[1] == '\0' || path[1] == '?'));
        }
        if (*template != '/' || *path != '/') {
            return *template == '\0' && (*path == '\0' || *path == '?');
        }
        template++;
        path++;
    }
}

/* The template that fits best: the one with the fewest {names}. */
static const char *find_template(const char *path)
{
    json_t *paths = json_object_get(contract_document(), "paths"), *item;
    const char *template, *best = NULL, *at;
    int names, fewest = 1000;

    json_object_foreach(paths, template, item)
    {
        if (!fits(template, path)) {
            continue;
        }
        names = 0;
        for (at = strchr(template, '{'); at != NULL; at = strchr(at + 1, '{')) {
            names++;
        }
        if (names < fewest) {
            fewest = names;
            best = template;
        }
    }
    return best;
}

json_t *contract_operation(const char *method, const char *path,
                           const char **template)
{
    const char *found = find_template(path);
    char name[16];
    size_t i;

    if (template != NULL) {
        *template = found;
    }
    if (found == NULL || strlen(method) >= sizeof(name)) {
        return NULL;
    }
    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    for (i = 0; i <= strlen(method); i++) {
        name[i] = (char)(method[i] | (method[i] == '\0' ? 0 : 0x20));
    }
    return json_object_get(
        json_object_get(json_object_get(contract_document(), "paths"), found),
        name);
}

/* --- what holds for all answers ------------------------------------------- */

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

/* {"detail", "code", …}, {"field": ["message"]}, or RFC 9457. */
static const char *check_error(const reply_t *reply)
{
    const char *type = header(reply, "Content-Type"), *key;
    json_t *value;

    if (!json_is_object(reply->json)) {
        return "an error that is no JSON object";
    }
    if (strncasecmp(type, "application/problem+json", 24) == 0) {
        return json_integer_value(json_object_get(reply->json, "status")) ==
                           reply->status &&
                       json_is_string(json_object_get(reply->json, "code")) &&
                       json_is_string(json_object_get(reply->json, "type")) &&
                       json_is_string(json_object_get(reply->json, "title"))
                   ? NULL
                   : "not the shape of RFC 9457";
    }
    if (json_is_string(json_object_get(reply->json, "detail")) &&
        json_is_string(json_object_get(reply->json, "code"))) {
        return NULL;
    }
    if (reply->status != 400 || json_object_size(reply->json) == 0) {
        return "an error without detail and code";
    }
    json_object_foreach(reply->json, key, value)
    {
        if (strcmp(key, "request_id") == 0) {
            continue;
        }
        if (!json_is_array(value) ||
            !json_is_string(json_array_get(value, 0))) {
            return "a field error that is no list of messages";
        }
    }
    return NULL;
}

/* --- what the document says ----------------------------------------------- */

static const char *check_body(const reply_t *reply, json_t *response)
{
    json_t *content = json_object_get(response, "content"), *media;
    const char *type = header(reply, "Content-Type");
    char name[100];

    if (content == NULL) {
        return reply->length == 0 ? NULL : "a body that is not documented";
    }
    if (type == NULL) {
        return "no Content-Type";
    }
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(type, "; "), type);
    media = json_object_get(content, name);
    if (media == NULL) {
        return "a media type that is not documented";
    }
    if (strcmp(name, "application/json") != 0 &&
        strcmp(name, "application/problem+json") != 0) {
        return NULL;
    }
    if (reply->json == NULL) {
        return "the body is not JSON";
    }
    return schema_check(contract_document(), json_object_get(media, "schema"),
                        reply->json);
}

static json_t *response_of(json_t *operation, int status)
{
    char name[8];

    snprintf(name, sizeof(name), "%d", status);
    return contract_resolve(json_object_get(
        json_object_get(operation, "responses"), name));
}

const char *contract_check(const reply_t *reply)
{
    const request_t *request = &reply->request;
    json_t *operation =
        contract_operation(request->method, request->path, NULL);
    json_t *response;
    int bodiless = strcmp(request->method, "HEAD") == 0 ||
                   reply->status == 304 || reply->status == 204;
    const char *wrong = check_headers(reply);

    if (wrong == NULL && bodiless && reply->length > 0) {
        wrong = "a body where none belongs";
    }
    if (wrong == NULL && reply->status >= 400 && !bodiless) {
        wrong = check_error(reply);
    }
    if (wrong != NULL || operation == NULL || reply->status == 405 ||
        strcmp(request->method, "OPTIONS") == 0) {
        return wrong;
    }
    response = response_of(operation, reply->status);
    if (response == NULL) {
        return "the document does not know this status";
    }
    return bodiless ? NULL : check_body(reply, response);
}
