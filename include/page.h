/* SPDX-License-Identifier: MIT */
/*
 * page.h - pages of lists: the envelope DRF clients know, and signed cursors.
 *
 * A list works in one of two modes. Page mode (`page`, from 1) answers with
 * `count`; cursor mode (`cursor=`, empty to begin) answers without it and
 * costs the same on every page. The SQL function sees p_page NULL in cursor
 * mode, and p_cursor NULL on a cursor's first page.
 */
#ifndef ECS_PAGE_H
#define ECS_PAGE_H

#include <apr_pools.h>

#define ECS_PAGE_SIZE_DEFAULT 20
#define ECS_PAGE_SIZE_MAX 100

typedef struct ecs_page_t {
    long long page;        /* from 1; 0 in cursor mode */
    long long page_size;
    long long total;       /* rows in all; -1 when not counted */
    const char *next_key;  /* keyset of the next page, NULL on the last */
    const char *url;       /* absolute URL of the list without query */
    const char *query;     /* raw query string, or NULL */
    const char *scope;     /* path + ordering: what a cursor is bound to */
} ecs_page_t;

/**
 * Sign a keyset for the client: base64url(HMAC-SHA256(scope, key) 16 bytes |
 * key).
 * @param secret  32 bytes
 */
const char *ecs_page_cursor_sign(apr_pool_t *p, const char *secret,
                                 const char *scope, const char *key);

/**
 * Open a cursor.
 * @return the keyset, or NULL when it was not signed for this scope
 */
const char *ecs_page_cursor_open(apr_pool_t *p, const char *secret,
                                 const char *scope, const char *cursor);

/**
 * Absolute URLs of the neighbouring pages, other query parameters kept,
 * sorted; NULL where there is none.
 */
void ecs_page_links(apr_pool_t *p, const char *secret, const ecs_page_t *page,
                    const char **next, const char **previous);

/**
 * Everything of the envelope before the results array:
 * {"count":41,"next":"...","previous":null,<members of extra>,"results":
 * The closing "}" is the caller's.
 * @param extra  JSON object text of further members, or NULL
 */
const char *ecs_page_head(apr_pool_t *p, const ecs_page_t *page,
                          const char *next, const char *previous,
                          const char *extra);

#endif
