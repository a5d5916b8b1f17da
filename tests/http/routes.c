/* SPDX-License-Identifier: MIT */
/*
 * routes.c - see routes.h.
 */
#include "routes.h"
#include "contract.h"
#include "pictures.h"
#include "schema_check.h"
#include "shop.h"
#include "support.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#define ROUTES_MAX 1000
#define FINDINGS_CHARS_MAX 3000 /* shown; libcheck has a limit */

static const char *findings = "";
static int findings_count;

void complain(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    ck_assert_int_ge(vasprintf(&text, format, args), 0);
    va_end(args);
    findings_count++;
    if (strlen(findings) + strlen(text) < FINDINGS_CHARS_MAX) {
        findings = fmt("%s\n  %s", findings, text);
    }
}

void check_quietly(const reply_t *reply)
{
    const char *wrong = contract_check(reply);

    if (wrong != NULL || reply->status == 0 || reply->status == 500) {
        complain("%s %s %.200s -> %d: %s %.300s", reply->request.method,
                 reply->request.path,
                 reply->request.body != NULL ? reply->request.body : "",
                 reply->status, wrong != NULL ? wrong : "", reply->body);
    }
}

void nothing_wrong(void)
{
    ck_assert_msg(findings_count == 0, "%d findings:%s", findings_count,
                  findings);
}

json_t *document_follow(json_t *node)
{
    const char *ref = json_string_value(json_object_get(node, "$ref"));

    return ref == NULL
               ? node
               : document_follow((json_t *)schema_at(contract_document(), ref));
}

static const char *upper(const char *word)
{
    char *copy = (char *)fmt("%s", word), *at;

    for (at = copy; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    return copy;
}

const route_t *routes_all(void)
{
    static route_t all[ROUTES_MAX + 1];
    json_t *paths = json_object_get(contract_document(), "paths");
    const char *path, *method;
    json_t *item, *operation;
    int count = 0;

    if (all[0].method != NULL) {
        return all;
    }
    json_object_foreach(paths, path, item)
    {
        json_object_foreach(item, method, operation)
        {
            json_t *responses = json_object_get(operation, "responses");
            route_t *route = &all[count++];

            ck_assert_int_le(count, ROUTES_MAX);
            route->path = path;
            route->method = upper(method);
            route->operation = operation;
            route->is_public = route_admits(route, "public");
            route->writes = strcmp(route->method, "GET") != 0;
            route->calls = json_object_get(responses, "503") != NULL;
        }
    }
    ck_assert_int_gt(count, 0);
    return all;
}

int route_admits(const route_t *route, const char *role)
{
    json_t *word;
    size_t i;

    json_array_foreach(json_object_get(route->operation, "x-roles"), i, word)
    {
        if (strcmp(json_string_value(word), role) == 0 ||
            strcmp(json_string_value(word), "public") == 0) {
            return 1;
        }
    }
    return 0;
}

int route_is_for_admins(const route_t *route)
{
    return !route_admits(route, "user") && !route_admits(route, "seller") &&
           !route_admits(route, "delivery");
}

const char *route_role(const route_t *route)
{
    const char *role = json_string_value(
        json_array_get(json_object_get(route->operation, "x-roles"), 0));

    ck_assert_ptr_nonnull(role);
    return route->is_public ? "user" : role;
}

const char *route_path(const route_t *route, const char *id)
{
    const char *path = route->path, *open;
    json_t *parameter;
    size_t i;

    for (open = strchr(path, '{'); open != NULL; open = strchr(path, '{')) {
        path = fmt("%.*s%s%s", (int)(open - path), path, id,
                   strchr(open, '}') + 1);
    }
    json_array_foreach(json_object_get(route->operation, "parameters"), i,
                       parameter)
    {
        json_t *about = document_follow(parameter);

        if (strcmp(json_string_value(json_object_get(about, "in")), "query") ==
                0 &&
            json_is_true(json_object_get(about, "required"))) {
            path = fmt("%s%c%s=%s", path, strchr(path, '?') == NULL ? '?' : '&',
                       json_string_value(json_object_get(about, "name")), id);
        }
    }
    return path;
}

static json_t *body_media(const route_t *route)
{
    return json_object_get(
        json_object_get(json_object_get(route->operation, "requestBody"),
                        "content"),
        "application/json");
}

json_t *route_body_schema(const route_t *route)
{
    return document_follow(json_object_get(body_media(route), "schema"));
}

json_t *route_example(const route_t *route)
{
    json_t *examples = json_object_get(body_media(route), "examples");
    json_t *first =
        document_follow(json_object_iter_value(json_object_iter(examples)));
    json_t *value = json_object_get(first, "value");

    return value != NULL ? json_deep_copy(value) : json_object();
}

const char *body_text(const json_t *body)
{
    return json_dumps(body, JSON_REAL_PRECISION(15));
}

const char *route_example_text(const route_t *route)
{
    return route->writes ? body_text(route_example(route)) : NULL;
}

request_t route_request(const route_t *route, const actor_t *who,
                        const char *path)
{
    json_t *body = json_object_get(
        json_object_get(route->operation, "requestBody"), "content");
    request_t request = {.method = route->method,
                         .path = path,
                         .who = who,
                         .body = route_example_text(route)};

    if (json_object_get(body, "image/png") != NULL &&
        json_object_get(body, "application/json") == NULL) {
        request = as_body(route->method, path, who, png(2, 2));
    }
    request.flags = HTTP_UNCHECKED;
    return request;
}

const char *const role_names[ROLES] = {"user", "seller", "delivery", "admin",
                                       "superadmin"};

const actor_t *one_of(const char *role)
{
    static actor_t *people[ROLES];
    int i;

    for (i = 0; i < ROLES; i++) {
        if (strcmp(role_names[i], role) == 0) {
            people[i] = people[i] != NULL ? people[i] : person(role, NULL);
            return people[i];
        }
    }
    ck_abort_msg("no role %s", role);
    return NULL;
}

const actor_t *caller_of(const route_t *route)
{
    return another_session(one_of(route_role(route)));
}

reply_t *call(const route_t *route, const actor_t *who, const char *path,
              const char *body)
{
    reply_t *reply = http(.method = route->method, .path = path, .who = who,
                          .body = body, .flags = HTTP_UNCHECKED);

    check_quietly(reply);
    return reply;
}
