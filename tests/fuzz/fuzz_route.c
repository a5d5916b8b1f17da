/* SPDX-License-Identifier: MIT */
/*
 * fuzz_route.c - any path and method against a tree with literals and names
 * in each other's way; a naive matcher must come to the same row.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -iquote include
 *     $(apr-1-config --includes --cppflags) tests/fuzz/fuzz_route.c
 *     mod_ecs/core/route.c -lapr-1
 */
#include "route.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ordered so that the first template that fits is the one that wins. */
static const ecs_route_t routes[] = {
    {"GET", "/"},
    {"GET", "/a/b/"},
    {"POST", "/a/b/"},
    {"GET", "/a/b/c/"},
    {"GET", "/a/{x}/c/"},
    {"DELETE", "/a/{x}/{y}/"},
    {"PATCH", "/a/{x}/"},
    {"GET", "/m"},
    {"PUT", "/{x}/b/{y}/d/"},
    {NULL},
};
static const ecs_app_t apps[] = {{"app", NULL, routes, NULL}, {NULL}};
static const char *const methods[] = {"GET", "HEAD", "POST", "PATCH", "X"};

static void must(int truth)
{
    if (!truth) {
        abort();
    }
}

/* Does the path fit, segment by segment? */
static int fits(const char *path, const char *template)
{
    while (*path == '/' && *template == '/') {
        size_t have = strcspn(++path, "/"), want = strcspn(++template, "/");

        if ((have == 0) != (want == 0)) {
            return 0;
        }
        if (want > 0 && *template != '{' &&
            (have != want || strncmp(path, template, have) != 0)) {
            return 0;
        }
        path += have;
        template += want;
        if (have > 0 && *path == '/' && path[1] == '\0') {
            path++;
        }
        if (want > 0 && *template == '/' && template[1] == '\0') {
            template ++;
        }
    }
    return *path == '\0' && *template == '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ecs_route_t *route = routes, *same;
    const char *method, *path;
    ecs_router_t *router;
    ecs_match_t match;
    apr_pool_t *p;
    int i;

    if (size == 0) {
        return 0;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    router = ecs_router_make(p, apps);
    method = methods[data[0] % 5];
    path = apr_pstrmemdup(p, (const char *)data + 1, size - 1);
    ecs_router_find(router, method, path, p, &match);
    while (route->method != NULL && !fits(path, route->path)) {
        route++;
    }
    must((route->method != NULL) == (match.allow != NULL));
    if (match.route != NULL) {
        must(strcmp(match.route->path, route->path) == 0);
    }
    for (same = route; same->method != NULL; same++) {
        if (strcmp(same->path, route->path) == 0 &&
            strcmp(same->method, method) == 0) {
            must(match.route == same);
        }
    }
    for (i = 0; i < ECS_PATH_VALUES_MAX && match.values[i] != NULL; i++) {
        must(*match.values[i] != '\0' && strchr(match.values[i], '/') == NULL);
        must(strstr(path, match.values[i]) != NULL);
    }
    apr_pool_destroy(p);
    return 0;
}
