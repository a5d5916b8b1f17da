/* SPDX-License-Identifier: MIT */
/*
 * multipart.h - reading multipart/form-data (RFC 7578, RFC 2046 §5.1) piece by
 * piece, as it arrives.
 *
 * The parser keeps a part's header and nothing else; data goes to the caller
 * at once, so memory does not grow with the body.
 */
#ifndef ECS_MULTIPART_H
#define ECS_MULTIPART_H

#include <apr_pools.h>

#define ECS_MULTIPART_BOUNDARY_MAX 70 /* characters, RFC 2046 */
#define ECS_MULTIPART_PARTS_MAX 24
#define ECS_MULTIPART_HEADER_MAX 8192 /* bytes of a part's header lines */
#define ECS_MULTIPART_NAME_MAX 64     /* characters of a part's name */

typedef struct ecs_multipart_part_t {
    const char *name; /* letters, digits, "_", "-", ".", "[" and "]" */
    const char *type; /* media type as sent, or NULL */
    int is_file;      /* came with a file name, which nobody needs */
} ecs_multipart_part_t;

/*
 * Who takes the parts, in the order in which they come. Each returns NULL to
 * go on, or why it will not; the parser passes that on and stops.
 */
typedef struct ecs_multipart_taker_t {
    const char *(*begin)(void *baton, const ecs_multipart_part_t *part);
    const char *(*data)(void *baton, const char *bytes, apr_size_t length);
    const char *(*end)(void *baton);
} ecs_multipart_taker_t;

typedef struct ecs_multipart_t ecs_multipart_t;

/**
 * The boundary that a Content-Type names.
 * @return text in `p`; NULL when the type is not multipart/form-data or has no
 *         boundary that RFC 2046 allows
 */
const char *ecs_multipart_boundary(apr_pool_t *p, const char *content_type);

/**
 * @param boundary  of ecs_multipart_boundary()
 * @param taker     must outlive the parser
 */
ecs_multipart_t *ecs_multipart_make(apr_pool_t *p, const char *boundary,
                                    const ecs_multipart_taker_t *taker,
                                    void *baton);

/**
 * Take the next bytes of the body, in pieces of any size.
 * @return NULL, or what is wrong; the parser must not be used afterwards
 */
const char *ecs_multipart_push(ecs_multipart_t *parser, const char *bytes,
                               apr_size_t length);

/**
 * The body has ended.
 * @return NULL, or what is missing
 */
const char *ecs_multipart_finish(const ecs_multipart_t *parser);

#endif
