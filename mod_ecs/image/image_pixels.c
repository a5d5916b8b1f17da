/* SPDX-License-Identifier: MIT */
/*
 * image_pixels.c - pixels made smaller, turned, and put into common colours.
 */
#include "image.h"

#include <lcms2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_MEMORY 2

struct ecs_shrink_t {
    int width, height; /* of the large picture */
    ecs_image_t *to;
    int y, to_y;       /* rows taken, rows made */
    float *line;       /* the large row, brought to the small width */
    float *sum;        /* the small row so far */
};

void *ecs_image_memory(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL) {
        _exit(EXIT_MEMORY);
    }
    return memory;
}

void ecs_image_fit(int width, int height, int side, ecs_image_t *image)
{
    double scale = 1;

    if (width > side || height > side) {
        scale = (double)side / (width > height ? width : height);
    }
    image->width = (int)(width * scale + 0.5);
    image->height = (int)(height * scale + 0.5);
    image->width += image->width == 0;
    image->height += image->height == 0;
}

/* ---- smaller ---- */

ecs_shrink_t *ecs_shrink_make(int width, int height, ecs_image_t *to)
{
    ecs_shrink_t *shrink = ecs_image_memory(sizeof(*shrink));
    size_t row = (size_t)to->width * (size_t)to->channels;

    shrink->width = width;
    shrink->height = height;
    shrink->to = to;
    shrink->line = ecs_image_memory(row * sizeof(float));
    shrink->sum = ecs_image_memory(row * sizeof(float));
    to->pixels = ecs_image_memory(row * (size_t)to->height);
    return shrink;
}

/* Add a part of a pixel; what cannot be seen does not colour the mean. */
static void add_pixel(float *mean, const unsigned char *pixel, int channels,
                      double part)
{
    float weight = (float)part;
    int c;

    if (channels == 4) {
        mean[3] += weight * pixel[3];
        weight *= (float)pixel[3] / 255;
    }
    for (c = 0; c < 3; c++) {
        mean[c] += weight * pixel[c];
    }
}

static void shrink_line(ecs_shrink_t *shrink, const unsigned char *row)
{
    int channels = shrink->to->channels, to_x;
    double step = (double)shrink->width / shrink->to->width;

    for (to_x = 0; to_x < shrink->to->width; to_x++) {
        float *mean = shrink->line + (size_t)to_x * (size_t)channels;
        double from = to_x * step, end = from + step;
        int x = (int)from;

        memset(mean, 0, sizeof(float) * (size_t)channels);
        for (; x < shrink->width && x < end; x++) {
            double left = x > from ? x : from;
            double right = x + 1 < end ? x + 1 : end;

            if (right > left) {
                add_pixel(mean, row + (size_t)x * (size_t)channels, channels,
                          (right - left) / step);
            }
        }
    }
}

static unsigned char rounded(float value)
{
    return value >= 255 ? 255 : value <= 0 ? 0 : (unsigned char)(value + 0.5f);
}

static void finish_row(ecs_shrink_t *shrink)
{
    ecs_image_t *to = shrink->to;
    size_t row = (size_t)to->width * (size_t)to->channels, i;
    unsigned char *out = to->pixels + row * (size_t)shrink->to_y;
    const float *sum = shrink->sum;

    for (i = 0; i < row; i++) {
        const float *pixel = sum + i - i % (size_t)to->channels;
        int is_colour = to->channels == 4 && i % 4 != 3;

        out[i] = rounded(is_colour && pixel[3] > 0 ? sum[i] * 255 / pixel[3]
                                                   : sum[i]);
    }
    memset(shrink->sum, 0, row * sizeof(float));
    shrink->to_y++;
}

void ecs_shrink_row(ecs_shrink_t *shrink, const unsigned char *row)
{
    size_t count = (size_t)shrink->to->width * (size_t)shrink->to->channels, i;
    double step = (double)shrink->height / shrink->to->height;
    double top = shrink->y, bottom = top + 1;

    if (shrink->y == shrink->height) {
        return;
    }
    shrink->y++;
    shrink_line(shrink, row);
    while (shrink->to_y < shrink->to->height) {
        double end = (shrink->to_y + 1) * step;
        double stop = end < bottom ? end : bottom;
        float part = (float)((stop - top) / step);

        for (i = 0; stop > top && i < count; i++) {
            shrink->sum[i] += part * shrink->line[i];
        }
        top = stop;
        if (end > bottom && shrink->y < shrink->height) {
            return;
        }
        finish_row(shrink);
        if (end >= bottom && shrink->y < shrink->height) {
            return;
        }
    }
}

void ecs_image_shrink(const ecs_image_t *from, int side, ecs_image_t *to)
{
    size_t row = (size_t)from->width * (size_t)from->channels;
    ecs_shrink_t *shrink;
    int y;

    ecs_image_fit(from->width, from->height, side, to);
    to->channels = from->channels;
    shrink = ecs_shrink_make(from->width, from->height, to);
    for (y = 0; y < from->height; y++) {
        ecs_shrink_row(shrink, from->pixels + row * (size_t)y);
    }
}

/* ---- turned ---- */

/* Where the pixel at x, y of the turned picture comes from. */
static size_t origin(const ecs_image_t *from, int orientation, int x, int y)
{
    int right = from->width - 1, bottom = from->height - 1;
    int from_x = orientation >= 5 ? y : x, from_y = orientation >= 5 ? x : y;

    if (orientation == 2 || orientation == 3 || orientation == 7 ||
        orientation == 8) {
        from_x = right - from_x;
    }
    if (orientation == 3 || orientation == 4 || orientation == 6 ||
        orientation == 7) {
        from_y = bottom - from_y;
    }
    return (size_t)from_y * (size_t)from->width + (size_t)from_x;
}

void ecs_image_turn(ecs_image_t *image, int orientation)
{
    const ecs_image_t from = *image;
    size_t channels = (size_t)image->channels;
    unsigned char *to;
    int x, y;

    if (orientation < 2 || orientation > 8) {
        return;
    }
    if (orientation >= 5) {
        image->width = from.height;
        image->height = from.width;
    }
    to = ecs_image_memory((size_t)from.width * (size_t)from.height * channels);
    image->pixels = to;
    for (y = 0; y < image->height; y++) {
        for (x = 0; x < image->width; x++) {
            memcpy(to, from.pixels + origin(&from, orientation, x, y) * channels,
                   channels);
            to += channels;
        }
    }
    free(from.pixels);
}

#define TAG_ORIENTATION 0x0112
#define TAG_BYTES 12

static unsigned long number(const unsigned char *at, int bytes, int is_little)
{
    unsigned long value = 0;
    int i;

    for (i = 0; i < bytes; i++) {
        value = value << 8 | at[is_little ? bytes - 1 - i : i];
    }
    return value;
}

int ecs_image_orientation(const unsigned char *exif, size_t length)
{
    unsigned long tags, at, i;
    int is_little;

    if (length > 6 && memcmp(exif, "Exif\0\0", 6) == 0) {
        exif += 6;
        length -= 6;
    }
    if (length < 8) {
        return 1;
    }
    is_little = exif[0] == 'I';
    at = number(exif + 4, 4, is_little);
    if (at > length - 2) {
        return 1;
    }
    tags = number(exif + at, 2, is_little);
    at += 2;
    for (i = 0; i < tags && at + TAG_BYTES <= length; i++, at += TAG_BYTES) {
        if (number(exif + at, 2, is_little) == TAG_ORIENTATION) {
            unsigned long value = number(exif + at + 8, 2, is_little);

            return value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 1;
}

/* ---- colours ---- */

static void keep_quiet(cmsContext context, cmsUInt32Number code,
                       const char *text)
{
}

void ecs_image_to_srgb(ecs_image_t *image, const ecs_bytes_t *profile)
{
    cmsUInt32Number format = image->channels == 4 ? TYPE_RGBA_8 : TYPE_RGB_8;
    cmsHPROFILE from = NULL;
    cmsHTRANSFORM transform = NULL;

    cmsSetLogErrorHandler(keep_quiet);
    if (profile->length > 0) {
        from = cmsOpenProfileFromMem(profile->bytes,
                                     (cmsUInt32Number)profile->length);
    }
    if (from != NULL && cmsGetColorSpace(from) == cmsSigRgbData) {
        transform = cmsCreateTransform(from, format, cmsCreate_sRGBProfile(),
                                       format, INTENT_RELATIVE_COLORIMETRIC,
                                       cmsFLAGS_COPY_ALPHA);
    }
    if (transform != NULL) {
        cmsDoTransform(transform, image->pixels, image->pixels,
                       (cmsUInt32Number)image->width *
                           (cmsUInt32Number)image->height);
    }
}
