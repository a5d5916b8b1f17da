/* SPDX-License-Identifier: MIT */
/*
 * image.h - inside of ecs-image, the short-lived program in which pictures of
 * strangers are decoded: pixels, and the formats they come and go in.
 *
 * Functions that can fail return 1 when they did and 0 when not. Nothing is
 * freed, because the program ends after one picture.
 */
#ifndef ECS_IMAGE_H
#define ECS_IMAGE_H

#include <stddef.h>

/* 8 bits a channel, rows without padding. */
typedef struct ecs_image_t {
    int width, height;
    int channels; /* 3: RGB, 4: RGBA */
    unsigned char *pixels;
} ecs_image_t;

typedef struct ecs_bytes_t {
    unsigned char *bytes;
    size_t length;
} ecs_bytes_t;

/* What a decoder finds beside the pixels. */
typedef struct ecs_about_t {
    int orientation;     /* EXIF: 1 to 8, 1 when it says nothing */
    ecs_bytes_t profile; /* ICC, or none */
} ecs_about_t;

/*
 * Decode, at once made smaller to fit `side` by `side` pixels.
 */
typedef int ecs_decode_fn(const ecs_bytes_t *file, int side,
                          ecs_image_t *image, ecs_about_t *about);
typedef int ecs_encode_fn(const ecs_image_t *image, ecs_bytes_t *file);

ecs_decode_fn ecs_image_decode_jpeg, ecs_image_decode_png,
    ecs_image_decode_webp;
ecs_encode_fn ecs_image_encode_jpeg, ecs_image_encode_png,
    ecs_image_encode_webp;

/**
 * Memory, or the end of the program.
 */
void *ecs_image_memory(size_t bytes);

/**
 * The size that fits into `side` by `side`, never larger than it was.
 */
void ecs_image_fit(int width, int height, int side, ecs_image_t *image);

/*
 * Making smaller, row by row: each pixel becomes the mean of the area it
 * stands for, so the large picture is never in memory.
 */
typedef struct ecs_shrink_t ecs_shrink_t;

/**
 * @param to  its width, height and channels are set; gets its pixels
 */
ecs_shrink_t *ecs_shrink_make(int width, int height, ecs_image_t *to);

/** The next row of the large picture, with as many channels. */
void ecs_shrink_row(ecs_shrink_t *shrink, const unsigned char *row);

/** A whole picture at once. */
void ecs_image_shrink(const ecs_image_t *from, int side, ecs_image_t *to);

/**
 * Turn and mirror as EXIF's orientation says.
 */
void ecs_image_turn(ecs_image_t *image, int orientation);

/**
 * The orientation that EXIF data has; with or without "Exif\0\0" before it.
 */
int ecs_image_orientation(const unsigned char *exif, size_t length);

/**
 * From the colours of a profile to sRGB; left alone when the profile is none
 * for RGB.
 */
void ecs_image_to_srgb(ecs_image_t *image, const ecs_bytes_t *profile);

/**
 * From here on the process may compute, read and write what is open, and end.
 */
int ecs_sandbox_enter(void);

#endif
