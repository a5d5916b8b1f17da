/* SPDX-License-Identifier: MIT */
/*
 * picture.h - what a file that claims to be a picture is, by its own bytes:
 * its format, its size and where it ends. Nothing is decoded.
 */
#ifndef ECS_PICTURE_H
#define ECS_PICTURE_H

#include <apr_pools.h>

#define ECS_PICTURE_PIXELS_MAX 40000000 /* in all */
#define ECS_PICTURE_SIDE_MAX 20000      /* pixels */
#define ECS_PICTURE_SCANS_MAX 100       /* of a progressive JPEG */

/* Said of everything that is no picture of ours; DRF's own words. */
#define ECS_PICTURE_INVALID                                                    \
    "Upload a valid image. The file you uploaded was either not an image or "  \
    "a corrupted image."

typedef enum ecs_picture_kind_e {
    ECS_PICTURE_JPEG, ECS_PICTURE_PNG, ECS_PICTURE_WEBP, ECS_PICTURE_KINDS
} ecs_picture_kind_e;

typedef struct ecs_picture_t {
    ecs_picture_kind_e kind;
    long width, height; /* pixels, as stored */
} ecs_picture_t;

/** "jpg", "png", "webp": the ending of a file's name, and back. */
const char *ecs_picture_ending(ecs_picture_kind_e kind);

/** The media type, and the kind of one; ECS_PICTURE_KINDS for another. */
const char *ecs_picture_type(ecs_picture_kind_e kind);
ecs_picture_kind_e ecs_picture_of_type(const char *type);

/**
 * Look a file over, from its first byte to its last: JPEG, PNG or WebP that is
 * complete, not too large to decode, and followed by nothing that would make
 * it something else as well.
 * @param fd    read by position; where it stands does not matter
 * @param size  of the file in bytes
 * @return NULL, or a sentence for who sent it, in `p`
 */
const char *ecs_picture_check(apr_pool_t *p, int fd, apr_off_t size,
                              ecs_picture_t *picture);

#endif
