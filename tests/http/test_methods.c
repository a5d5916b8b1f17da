/* SPDX-License-Identifier: MIT */
/*
 * test_methods.c - which methods each route of the OpenAPI document has, what
 * it says to others, and that HEAD and a missing slash change nothing.
 */
#include "routes.h"
#include "support.h"

static int offers(const char *path, const char *method)
{
    const route_t *route;

    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    for (route = routes_all(); route->method != NULL; route++) {
        if (strcmp(route->path, path) == 0 &&
            strcmp(route->method, method) == 0) {
            return 1;
        }
    }
    return strcmp(method, "OPTIONS") == 0;
}

static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                      "PATCH", "DELETE", "OPTIONS"};
#define METHODS 7

static void check_allow(const reply_t *reply, const char *template)
{
    const char *allow = header(reply, "Allow");
    int i;

    for (i = 0; i < METHODS; i++) {
        const char *found = allow == NULL ? NULL
                                          : strstr(fmt(", %s,", allow),
                                                   fmt(" %s,", methods[i]));

        if ((found != NULL) != offers(template, methods[i])) {
            complain("%s %s: Allow is %s", reply->request.method, template,
                     allow == NULL ? "missing" : allow);
            return;
        }
    }
}

START_TEST(other_methods_are_not_allowed)
{
    const route_t *route;
    int i;

    for (route = routes_all(); route->method != NULL; route++) {
        for (i = 0; i < METHODS; i++) {
            reply_t *reply;

            if (offers(route->path, methods[i])) {
                continue;
            }
            reply = http(.method = methods[i],
                         .path = route_path(route, NOBODY_HAS),
                         .flags = HTTP_UNCHECKED);
            check_quietly(reply);
            if (reply->status != 405) {
                complain("%s %s: %d", methods[i], route->path, reply->status);
            }
            check_allow(reply, route->path);
        }
    }
    nothing_wrong();
}
END_TEST

START_TEST(options_tells_the_methods)
{
    const route_t *route;

    for (route = routes_all(); route->method != NULL; route++) {
        reply_t *reply =
            http(.method = "OPTIONS", .path = route_path(route, NOBODY_HAS),
                 .flags = HTTP_UNCHECKED);

        if (reply->status != 204 || reply->length != 0) {
            complain("OPTIONS %s: %d", route->path, reply->status);
        }
        check_allow(reply, route->path);
    }
    nothing_wrong();
}
END_TEST

static void check_same_header(const reply_t *one, const reply_t *two,
                              const char *name)
{
    const char *a = header(one, name), *b = header(two, name);

    if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0)) {
        complain("%s %s: %s is %s, HEAD says %s", one->request.method,
                 one->request.path, name, a == NULL ? "absent" : a,
                 b == NULL ? "absent" : b);
    }
}

/* Does the body change from one moment to the next? */
static int tells_the_time(const reply_t *reply)
{
    return json_object_get(reply->json, "checked_at") != NULL;
}

START_TEST(head_is_get_without_a_body)
{
    const char *const headers[] = {"Content-Type", "Content-Length", "ETag",
                                   "Cache-Control", "Link"};
    const route_t *route;
    size_t i;

    for (route = routes_all(); route->method != NULL; route++) {
        const actor_t *who;
        const char *path;
        reply_t *full, *bare;

        if (route->writes) {
            continue;
        }
        who = route->is_public ? NULL : caller_of(route);
        path = route_path(route, NOBODY_HAS);
        full = call(route, who, path, NULL);
        bare = http(.method = "HEAD", .path = path, .who = who,
                    .flags = HTTP_UNCHECKED);
        check_quietly(bare);
        if (full->status != bare->status || bare->length != 0) {
            complain("HEAD %s: %d, GET: %d", path, bare->status, full->status);
        }
        for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
            if ((strcmp(headers[i], "ETag") == 0
                 || strcmp(headers[i], "Content-Length") == 0)
                && tells_the_time(full)) {
                continue;
            }
            check_same_header(full, bare, headers[i]);
        }
    }
    nothing_wrong();
}
END_TEST

/* A reply without what differs from one request to the next. */
static const char *essence(const reply_t *reply)
{
    json_object_del(reply->json, "request_id");
    json_object_del(reply->json, "next");
    if (json_object_del(reply->json, "checked_at") == 0) {
        json_object_del(reply->json, "results");
    }
    return fmt("%d %s", reply->status,
               reply->json == NULL ? "" : json_dumps(reply->json, 0));
}

START_TEST(the_final_slash_does_not_matter)
{
    const route_t *route;

    for (route = routes_all(); route->method != NULL; route++) {
        const char *path = route_path(route, NOBODY_HAS);
        const char *bare = fmt("%.*s", (int)strlen(path) - 1, path);
        const actor_t *who = route->is_public ? NULL : caller_of(route);
        const char *one, *two;

        if (route->writes || path[strlen(path) - 1] != '/') {
            continue;
        }
        one = essence(call(route, who, path, NULL));
        two = essence(call(route, who, bare, NULL));
        if (strcmp(one, two) != 0) {
            complain("%s: %.100s, without slash %.100s", path, one, two);
        }
    }
    nothing_wrong();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {other_methods_are_not_allowed,
                                  options_tells_the_methods,
                                  head_is_get_without_a_body,
                                  the_final_slash_does_not_matter,
                                  NULL};

    return suite_run("methods", tests, 60);
}
