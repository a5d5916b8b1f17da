/* SPDX-License-Identifier: MIT */
/*
 * transitions.h - goes through all states of a kind of object, all actions and
 * all people, and holds what happens against a table.
 *
 * A table says what an action comes to for those who have a say in it; the rest
 * follows: a role that may not call the route gets 403, anybody else is told
 * 404. What is refused is tried on one object by everybody, and no row of
 * anybody's may have changed; what is done is done on an object of its own.
 */
#ifndef TEST_TRANSITIONS_H
#define TEST_TRANSITIONS_H

#include "client.h"

#define RULES_MAX 4

/* Who, and for each state of the kind what becomes of it: the state it is in
 * afterwards, or the status of the refusal. */
typedef struct rule_t {
    const char *by;
    const char *cells;
} rule_t;

typedef struct action_t {
    const char *name; /* NULL closes the table */
    const char *method;
    const char *path;
    const char *body; /* %s is the secret of the kind */
    rule_t rules[RULES_MAX];
} action_t;

typedef struct kind_t {
    const char *name;
    const char *states; /* separated by one space */
    /* An object of the cast's in this state. */
    long long (*make)(const char *state);
    const char *state; /* SQL that the id completes; no row: "gone" */
    const action_t *actions;
    /* What only an action's body has: a PIN. NULL when there is none. */
    const char *(*secret)(const char *state, long long id);
} kind_t;

/**
 * Somebody of the cast: "buyer", whose things of "seller"'s "courier" brings,
 * "stranger" who buys, "rival" who sells, "rider" who brings other things,
 * "admin", "superadmin". There is a new cast for each object.
 */
const actor_t *the(const char *name);

/** Try all of a kind; stops the test when something is not as the table says. */
void transitions_try(const kind_t *kind);

#endif
