/* SPDX-License-Identifier: MIT */
/*
 * fuzz_multipart.c - any bytes, cut anywhere: the parts that come out are the
 * same as in one piece, and no part holds a delimiter.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -iquote include
 *     $(apr-1-config --includes --cppflags) tests/fuzz/fuzz_multipart.c
 *     mod_ecs/core/multipart.c -lapr-1
 */
#include "multipart.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DELIMITER "\r\n--b"
#define SEEN_MAX (1 << 20) /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reader was told, each part closed by a mark. */
typedef struct seen_t {
    char *bytes;
    size_t length;
    size_t part; /* where the part begins */
} seen_t;

static void must(int truth)
{
    if (!truth) {
        abort();
    }
}

static void note(seen_t *seen, const char *bytes, size_t length)
{
    must(seen->length + length <= SEEN_MAX);
    memcpy(seen->bytes + seen->length, bytes, length);
    seen->length += length;
}

static const char *begin(void *baton, const ecs_multipart_part_t *part)
{
    seen_t *seen = baton;

    must(part->name != NULL && strlen(part->name) <= ECS_MULTIPART_NAME_MAX);
    note(seen, part->name, strlen(part->name) + 1);
    seen->part = seen->length;
    return NULL;
}

static const char *take(void *baton, const char *bytes, apr_size_t length)
{
    must(length > 0);
    note(baton, bytes, length);
    return NULL;
}

static const char *end(void *baton)
{
    seen_t *seen = baton;

    must(memmem(seen->bytes + seen->part, seen->length - seen->part, DELIMITER,
                strlen(DELIMITER)) == NULL);
    note(seen, ";", 1);
    return NULL;
}

static const ecs_multipart_taker_t taker = {begin, take, end};

static const char *read_in(apr_pool_t *p, const char *bytes, size_t size,
                           size_t piece, seen_t *seen)
{
    ecs_multipart_t *parser = ecs_multipart_make(p, "b", &taker, seen);
    const char *wrong = NULL;
    size_t done;

    seen->bytes = apr_palloc(p, SEEN_MAX);
    for (done = 0; done < size && wrong == NULL; done += piece) {
        wrong = ecs_multipart_push(parser, bytes + done,
                                   size - done < piece ? size - done : piece);
    }
    return wrong ? wrong : ecs_multipart_finish(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen_t whole = {NULL, 0, 0}, pieces = {NULL, 0, 0};
    const char *bytes = (const char *)data, *wrong, *wrong_too;
    apr_pool_t *p;

    if (size < 1 || size > SEEN_MAX / 2) {
        return 0;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    ecs_multipart_boundary(p, apr_pstrmemdup(p, bytes, size));
    wrong = read_in(p, bytes + 1, size - 1, size, &whole);
    wrong_too = read_in(p, bytes + 1, size - 1, 1 + data[0] % 16, &pieces);
    must((wrong == NULL) == (wrong_too == NULL));
    must(wrong == NULL || strcmp(wrong, wrong_too) == 0);
    must(whole.length == pieces.length &&
         memcmp(whole.bytes, pieces.bytes, whole.length) == 0);
    apr_pool_destroy(p);
    return 0;
}
