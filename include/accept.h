/* SPDX-License-Identifier: MIT */
/*
 * accept.h - which media types a client takes (RFC 9110 section 12.5.1).
 */
#ifndef ECS_ACCEPT_H
#define ECS_ACCEPT_H

/* How closely a range names a type; the closest one counts. */
typedef enum ecs_accept_match_e {
    ECS_ACCEPT_NONE,   /* not at all */
    ECS_ACCEPT_ALL,    /* as one of all */
    ECS_ACCEPT_FAMILY, /* as image, say */
    ECS_ACCEPT_EXACT
} ecs_accept_match_e;

#define ECS_ACCEPT_BEST 1000 /* "q=1", in thousandths */

typedef struct ecs_accept_t {
    int quality; /* 0 (not wanted) to ECS_ACCEPT_BEST */
    ecs_accept_match_e match;
} ecs_accept_t;

/**
 * What an Accept header says of a media type. Parameters other than q are not
 * looked at, a q that is none counts as 1.
 * @param accept  NULL: the client takes everything
 * @param type    "image/png"
 */
ecs_accept_t ecs_accept_of(const char *accept, const char *type);

/**
 * The type that is wanted most; of equals the one that is named more closely,
 * and then the first.
 * @param types  closed by NULL
 * @return one of them; the first when none is wanted
 */
const char *ecs_accept_choose(const char *accept, const char *const *types);

#endif
