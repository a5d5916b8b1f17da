/* SPDX-License-Identifier: MIT */
/*
 * page.c - the envelope of lists.
 *
 * A cursor is the keyset of the last row with a MAC before it, bound to the
 * list and its order: a client can neither make one nor carry one from one
 * list to another, so SQL may trust its form.
 */
#include "page.h"
#include "json.h"
#include "query.h"
#include "secrets.h"

#include <apr_encode.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BYTES 16 /* of the 32: enough against forging */
#define CURSOR_CHARS_MAX 1024

/* RFC 4648 section 5, without padding */
static const char *encode(apr_pool_t *p, const void *data, apr_size_t length)
{
    return apr_pencode_base64_binary(p, data, (apr_ssize_t)length,
                                     APR_ENCODE_BASE64URL, NULL);
}

/* Only the one encoding of each value is read, as encode() writes it. */
static const unsigned char *decode(apr_pool_t *p, const char *text,
                                   apr_size_t *length)
{
    const unsigned char *data = apr_pdecode_base64_binary(
        p, text, APR_ENCODE_STRING, APR_ENCODE_BASE64URL, length);

    if (data == NULL || strcmp(encode(p, data, *length), text) != 0) {
        return NULL;
    }
    return data;
}

const char *ecs_page_cursor_sign(apr_pool_t *p, const char *secret,
                                 const char *scope, const char *key)
{
    apr_size_t length = strlen(key);
    unsigned char *data = apr_palloc(p, ECS_KEY_BYTES + length);

    ecs_secrets_mac((const unsigned char *)secret, data, scope, key, NULL);
    memcpy(data + MAC_BYTES, key, length);
    return encode(p, data, MAC_BYTES + length);
}

const char *ecs_page_cursor_open(apr_pool_t *p, const char *secret,
                                 const char *scope, const char *cursor)
{
    unsigned char mac[ECS_KEY_BYTES];
    const unsigned char *data;
    apr_size_t length = 0;
    const char *key;

    if (strlen(cursor) > CURSOR_CHARS_MAX) {
        return NULL;
    }
    data = decode(p, cursor, &length);
    if (data == NULL || length <= MAC_BYTES) {
        return NULL;
    }
    key = apr_pstrmemdup(p, (const char *)data + MAC_BYTES, length - MAC_BYTES);
    if (strlen(key) != length - MAC_BYTES) {
        return NULL;
    }
    ecs_secrets_mac((const unsigned char *)secret, mac, scope, key, NULL);
    return CRYPTO_memcmp(mac, data, MAC_BYTES) == 0 ? key : NULL;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const ecs_pair_t *)one)->name,
                  ((const ecs_pair_t *)other)->name);
}

/* The list's URL with `name` set to `value`; page and cursor are dropped. */
static const char *link_to(apr_pool_t *p, const ecs_page_t *page,
                           const char *name, const char *value)
{
    const char *query = page->query ? page->query : "";
    ecs_problem_t *ignored = NULL; /* the request was checked before */
    apr_array_header_t *pairs =
        ecs_query_read(p, query, strlen(query), &ignored);
    const char *text = page->url, *joint = "?";
    int i;

    if (value != NULL) {
        ecs_pair_t *pair = apr_array_push(pairs);

        pair->name = name;
        pair->value = value;
    }
    qsort(pairs->elts, (size_t)pairs->nelts, sizeof(ecs_pair_t), by_name);
    for (i = 0; i < pairs->nelts; i++) {
        const ecs_pair_t *pair = &APR_ARRAY_IDX(pairs, i, ecs_pair_t);
        int is_own = pair->value == value;

        if (!is_own && (strcmp(pair->name, "page") == 0 ||
                        strcmp(pair->name, "cursor") == 0)) {
            continue;
        }
        text = apr_pstrcat(p, text, joint, ecs_query_escape(p, pair->name), "=",
                           ecs_query_escape(p, pair->value), NULL);
        joint = "&";
    }
    return text;
}

static const char *page_link(apr_pool_t *p, const ecs_page_t *page,
                             apr_int64_t number)
{
    const char *value =
        number > 1 ? apr_psprintf(p, "%" APR_INT64_T_FMT, number) : NULL;

    return link_to(p, page, "page", value);
}

/* Compared by division: the product of two clients' numbers may overflow. */
static int has_next(const ecs_page_t *page)
{
    if (page->total < 0) {
        return page->next_key != NULL;
    }
    return page->total > 0 && page->page_size > 0 &&
           (page->total - 1) / page->page_size >= page->page;
}

void ecs_page_links(apr_pool_t *p, const char *secret, const ecs_page_t *page,
                    const char **next, const char **previous)
{
    *next = NULL;
    *previous = NULL;
    if (page->page == 0) {
        if (page->next_key != NULL) {
            *next = link_to(
                p, page, "cursor",
                ecs_page_cursor_sign(p, secret, page->scope, page->next_key));
        }
        return;
    }
    if (has_next(page)) {
        *next = page_link(p, page, page->page + 1);
    }
    if (page->page > 1) {
        *previous = page_link(p, page, page->page - 1);
    }
}

static const char *url_or_null(apr_pool_t *p, const char *url)
{
    return url ? ecs_json_quote(p, url) : "null";
}

/* What stands between the braces of an object's text, with a comma behind. */
static const char *members_of(apr_pool_t *p, const char *object)
{
    static const char space[] = " \t\r\n";
    const char *start, *end;

    if (object == NULL) {
        return "";
    }
    start = object + strspn(object, space);
    end = start + strlen(start);
    while (end > start && strchr(space, end[-1]) != NULL) {
        end--;
    }
    if (end - start < 2 || *start != '{' || end[-1] != '}') {
        return "";
    }
    start++;
    start += strspn(start, space);
    end--;
    if (end <= start) {
        return "";
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, start, (apr_size_t)(end - start)),
                       ",", NULL);
}

const char *ecs_page_head(apr_pool_t *p, const ecs_page_t *page,
                          const char *next, const char *previous,
                          const char *extra)
{
    const char *count = "";

    if (page->total >= 0) {
        count = apr_psprintf(p, "\"count\":%" APR_INT64_T_FMT ",",
                             (apr_int64_t)page->total);
    }
    return apr_pstrcat(p, "{", count, "\"next\":", url_or_null(p, next),
                       ",\"previous\":", url_or_null(p, previous), ",",
                       members_of(p, extra), "\"results\":", NULL);
}
