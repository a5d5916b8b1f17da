/* SPDX-License-Identifier: MIT */
/*
 * route.c - from a path and a method to a row.
 *
 * The templates form a tree of segments. A node knows its literal children
 * and at most one child for any {name}; the literal one is tried first and
 * the other when it leads nowhere. A path's cost is its number of segments,
 * however many rows there are. Nothing changes after start-up, so threads
 * share the tree without a lock.
 */
#include "route.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

/* In the order in which Allow lists them. */
static const char *const allow_order[] = {"GET",   "HEAD",   "POST", "PUT",
                                          "PATCH", "DELETE", NULL};

typedef struct endpoint_t {
    const char *method;
    const ecs_route_t *route;
    int index;
    struct endpoint_t *next;
} endpoint_t;

typedef struct node_t {
    apr_hash_t *literals;  /* segment -> node_t */
    struct node_t *any;    /* the child for a {name}, or NULL */
    endpoint_t *endpoints; /* the rows that end here */
    const char *allow;     /* their Allow header, NULL without rows */
} node_t;

struct ecs_router_t {
    node_t *root;
    apr_array_header_t *routes; /* of const ecs_route_t *, in the apps' order */
};

typedef struct walk_t {
    const char *values[ECS_PATH_VALUES_MAX];
    apr_size_t lengths[ECS_PATH_VALUES_MAX];
    int count;
} walk_t;

static node_t *make_node(apr_pool_t *p)
{
    node_t *node = apr_pcalloc(p, sizeof(*node));

    node->literals = apr_hash_make(p);
    return node;
}

static int is_name(const char *segment, apr_size_t length)
{
    return length > 2 && segment[0] == '{' && segment[length - 1] == '}';
}

static node_t *child_for(apr_pool_t *p, node_t *node, const char *segment,
                         apr_size_t length)
{
    node_t *child;

    if (is_name(segment, length)) {
        if (node->any == NULL) {
            node->any = make_node(p);
        }
        return node->any;
    }
    child = apr_hash_get(node->literals, segment, (apr_ssize_t)length);
    if (child == NULL) {
        child = make_node(p);
        apr_hash_set(node->literals, segment, (apr_ssize_t)length, child);
    }
    return child;
}

static endpoint_t *endpoint_of(const node_t *node, const char *method)
{
    endpoint_t *endpoint = node->endpoints;

    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    while (endpoint != NULL && strcmp(endpoint->method, method) != 0) {
        endpoint = endpoint->next;
    }
    return endpoint;
}

static const char *allow_of(apr_pool_t *p, const node_t *node)
{
    const char *allow = "";
    int i;

    for (i = 0; allow_order[i] != NULL; i++) {
        if (endpoint_of(node, allow_order[i]) != NULL) {
            allow = apr_pstrcat(p, allow, allow_order[i], ", ", NULL);
        }
    }
    return apr_pstrcat(p, allow, "OPTIONS", NULL);
}

/*
 * Hang a row into the tree.
 * Returns 0 when its path is none, has too many names or is taken.
 */
static int add_route(apr_pool_t *p, ecs_router_t *router,
                     const ecs_route_t *route)
{
    node_t *node = router->root;
    const char *at = route->path;
    endpoint_t *endpoint;
    int names = 0;

    if (*at != '/') {
        return 0;
    }
    for (at++; *at != '\0';) {
        apr_size_t length = strcspn(at, "/");

        if (length == 0) {
            return 0;
        }
        names += is_name(at, length);
        node = child_for(p, node, at, length);
        at += length;
        at += *at == '/';
    }
    if (names > ECS_PATH_VALUES_MAX || endpoint_of(node, route->method)) {
        return 0;
    }
    endpoint = apr_pcalloc(p, sizeof(*endpoint));
    endpoint->method = route->method;
    endpoint->route = route;
    endpoint->index = router->routes->nelts;
    endpoint->next = node->endpoints;
    node->endpoints = endpoint;
    node->allow = allow_of(p, node);
    APR_ARRAY_PUSH(router->routes, const ecs_route_t *) = route;
    return 1;
}

ecs_router_t *ecs_router_make(apr_pool_t *p, const ecs_app_t *apps)
{
    ecs_router_t *router = apr_pcalloc(p, sizeof(*router));
    const ecs_app_t *app;
    const ecs_route_t *route;

    router->root = make_node(p);
    router->routes = apr_array_make(p, 64, sizeof(const ecs_route_t *));
    for (app = apps; app->name != NULL; app++) {
        for (route = app->routes; route && route->method != NULL; route++) {
            if (!add_route(p, router, route)) {
                return NULL;
            }
        }
    }
    return router;
}

/* The node of a path below `node`; collects the values of {names}. */
static const node_t *find_node(const node_t *node, const char *path,
                               walk_t *walk)
{
    apr_size_t length = strcspn(path, "/");
    const char *rest = path + length + (path[length] == '/');
    const node_t *found = NULL;
    const node_t *child;

    if (*path == '\0') {
        return node->allow != NULL ? node : NULL;
    }
    if (length == 0) {
        return NULL;
    }
    child = apr_hash_get(node->literals, path, (apr_ssize_t)length);
    if (child != NULL) {
        found = find_node(child, rest, walk);
    }
    if (found == NULL && node->any != NULL &&
        walk->count < ECS_PATH_VALUES_MAX) {
        walk->values[walk->count] = path;
        walk->lengths[walk->count] = length;
        walk->count++;
        found = find_node(node->any, rest, walk);
        walk->count -= found == NULL;
    }
    return found;
}

void ecs_router_find(const ecs_router_t *router, const char *method,
                     const char *path, apr_pool_t *p, ecs_match_t *match)
{
    const endpoint_t *endpoint;
    const node_t *node = NULL;
    walk_t walk;
    int i;

    memset(match, 0, sizeof(*match));
    match->index = -1;
    memset(&walk, 0, sizeof(walk));
    if (*path == '/') {
        node = find_node(router->root, path + 1, &walk);
    }
    if (node == NULL) {
        return;
    }
    match->allow = node->allow;
    for (i = 0; i < walk.count; i++) {
        match->values[i] = apr_pstrmemdup(p, walk.values[i], walk.lengths[i]);
    }
    endpoint = endpoint_of(node, method);
    if (endpoint != NULL) {
        match->route = endpoint->route;
        match->index = endpoint->index;
    }
}

int ecs_router_count(const ecs_router_t *router)
{
    return router->routes->nelts;
}

const ecs_route_t *ecs_router_route(const ecs_router_t *router, int index)
{
    if (index < 0 || index >= router->routes->nelts) {
        return NULL;
    }
    return APR_ARRAY_IDX(router->routes, index, const ecs_route_t *);
}

int ecs_route_writes(const ecs_route_t *route)
{
    return strcmp(route->method, "GET") != 0;
}

int ecs_route_patches(const ecs_route_t *route)
{
    return strcmp(route->method, "PATCH") == 0;
}
