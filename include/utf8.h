/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - the little that is needed of Unicode: validity, length in code
 * points, white space at both ends.
 */
#ifndef ECS_UTF8_H
#define ECS_UTF8_H

#include <apr_pools.h>

#define ECS_UTF8_INVALID (-1)

/**
 * Decode one code point and move behind it. Overlong forms, surrogates and
 * values over U+10FFFF are invalid (RFC 3629); they move by one byte.
 * @param text  in, out: position in a C string
 * @return the code point, 0 at the end (no move), or ECS_UTF8_INVALID
 */
int ecs_utf8_next(const char **text);

/**
 * Is the whole text valid?
 */
int ecs_utf8_valid(const char *text);

/**
 * Length in code points; each invalid byte counts as one.
 */
apr_size_t ecs_utf8_length(const char *text);

/**
 * The text without white space (as Python's str.strip() sees it) at both
 * ends; the same pointer when there is none behind.
 */
const char *ecs_utf8_trim(apr_pool_t *p, const char *text);

/**
 * The first `chars` code points, with an ellipsis when something was cut.
 */
const char *ecs_utf8_head(apr_pool_t *p, const char *text, apr_size_t chars);

/**
 * What another program said, in whatever letters: the same pointer when it is
 * valid, else a copy with a question mark for each byte that is not ASCII.
 */
const char *ecs_utf8_readable(apr_pool_t *p, const char *text);

#endif
