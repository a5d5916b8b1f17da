/* SPDX-License-Identifier: MIT */
/*
 * fuzz_picture.c - any bytes as a file: what passes has a size within the
 * limits, and nothing is read outside the file.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -iquote
 *     include $(apr-1-config --includes --cppflags) tests/fuzz/fuzz_picture.c
 *     mod_ecs/core/picture.c -lapr-1
 */
#include "picture.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
    if (!truth) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("picture", MFD_CLOEXEC);
    ecs_picture_t picture;
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (ecs_picture_check(p, fd, (apr_off_t)size, &picture) == NULL) {
        must(picture.kind < ECS_PICTURE_KINDS);
        must(picture.width > 0 && picture.width <= ECS_PICTURE_SIDE_MAX);
        must(picture.height > 0 && picture.height <= ECS_PICTURE_SIDE_MAX);
        must(picture.width * picture.height <= ECS_PICTURE_PIXELS_MAX);
    }
    close(fd);
    apr_pool_destroy(p);
    return 0;
}
