/* SPDX-License-Identifier: MIT */
/*
 * routes.h - walks over all operations of the OpenAPI document, for the tests
 * that must hold for every route and so need no list of their own.
 *
 * Such a test notes what is wrong and goes on, and fails at its end with all
 * findings: complain() and then nothing_wrong().
 */
#ifndef TEST_ROUTES_H
#define TEST_ROUTES_H

#include <jansson.h>
#include "client.h"

#define NOBODY_HAS "999999999" /* an id that no object has */
#define ROLES 5

extern const char *const role_names[ROLES];

typedef struct route_t {
    const char *path;   /* template, "/api/orders/{id}/" */
    const char *method; /* upper case */
    json_t *operation;
    int is_public;
    int writes;
    int calls; /* asks the database */
} route_t;

/**
 * All operations, in the document's order, closed by one without method.
 */
const route_t *routes_all(void);

/** May this role call the route? Everybody may call a public one. */
int route_admits(const route_t *route, const char *role);

/** Only admins and superadmins. */
int route_is_for_admins(const route_t *route);

/** A role that may call the route. */
const char *route_role(const route_t *route);

/** The path with each {name} replaced, e.g. by "999999999", and with the query
 * parameters that it takes at least, which are such numbers, too. */
const char *route_path(const route_t *route, const char *id);

/** The schema of the JSON body, NULL when the route takes none. */
json_t *route_body_schema(const route_t *route);

/** A valid body as the document shows it, "{}" when the route takes none. */
json_t *route_example(const route_t *route);

/** A body as text; numbers keep the digits they were written with. */
const char *body_text(const json_t *body);

/** The example as text, NULL for a route that only reads. */
const char *route_example_text(const route_t *route);

/** A valid request: with the example, or a picture where the route takes one. */
request_t route_request(const route_t *route, const actor_t *who,
                        const char *path);

/** One of each role, always the same person. */
const actor_t *one_of(const char *role);

/** Somebody who may call the route, with a new session each time, since some
 * routes end it. */
const actor_t *caller_of(const route_t *route);

/** The answer to a body, NULL for none; that it keeps the contract is checked. */
reply_t *call(const route_t *route, const actor_t *who, const char *path,
              const char *body);

/** A node or what its "$ref" names. */
json_t *document_follow(json_t *node);

/** Note a finding. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Note when the reply breaks the contract or is a server error. */
void check_quietly(const reply_t *reply);

/** Stop the test if there were findings, and show them. */
void nothing_wrong(void);

#endif
