/* SPDX-License-Identifier: MIT */
/*
 * image_png.c - PNG by libpng, with limits on its chunks: compressed texts and
 * profiles can be bombs of their own.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>

#define SIDE_MAX 20000             /* pixels */
#define CHUNKS_MAX 1000            /* kept ones */
#define CHUNK_BYTES_MAX (8 << 20)  /* when unpacked */
#define COMPRESSION_LEVEL 3        /* of zlib */

/* The file, and how far it was read. */
typedef struct cursor_t {
    const ecs_bytes_t *file;
    size_t at;
} cursor_t;

static void fail(png_structp png, png_const_charp message)
{
    png_longjmp(png, 1);
}

static void keep_quiet(png_structp png, png_const_charp message)
{
}

static void take(png_structp png, png_bytep to, size_t length)
{
    cursor_t *cursor = png_get_io_ptr(png);

    if (length > cursor->file->length - cursor->at) {
        fail(png, "");
    }
    memcpy(to, cursor->file->bytes + cursor->at, length);
    cursor->at += length;
}

static void read_about(png_structp png, png_infop info, ecs_about_t *about)
{
    png_bytep bytes = NULL;
    png_charp name;
    png_uint_32 length = 0;
    int method;

    about->orientation = 1;
    if (png_get_eXIf_1(png, info, &length, &bytes)) {
        about->orientation = ecs_image_orientation(bytes, length);
    }
    if (png_get_iCCP(png, info, &name, &method, &bytes, &length)) {
        about->profile.bytes = bytes;
        about->profile.length = length;
    }
}

static void read_all_at_once(png_structp png, ecs_shrink_t *shrink,
                             png_uint_32 height, size_t row)
{
    png_bytepp rows = ecs_image_memory(height * sizeof(*rows));
    png_bytep pixels = ecs_image_memory(height * row);
    png_uint_32 y;

    for (y = 0; y < height; y++) {
        rows[y] = pixels + y * row;
    }
    png_read_image(png, rows);
    for (y = 0; y < height; y++) {
        ecs_shrink_row(shrink, rows[y]);
    }
    free(pixels);
    free(rows);
}

static void read_rows(png_structp png, png_infop info, ecs_image_t *image)
{
    png_uint_32 width = png_get_image_width(png, info);
    png_uint_32 height = png_get_image_height(png, info), y;
    ecs_shrink_t *shrink = ecs_shrink_make((int)width, (int)height, image);
    size_t row = png_get_rowbytes(png, info);
    png_bytep bytes;

    if (png_get_interlace_type(png, info) != PNG_INTERLACE_NONE) {
        read_all_at_once(png, shrink, height, row);
        return;
    }
    bytes = ecs_image_memory(row);
    for (y = 0; y < height; y++) {
        png_read_row(png, bytes, NULL);
        ecs_shrink_row(shrink, bytes);
    }
}

/* Whatever it is, it becomes 8 bits of RGB or RGBA. */
static void normalise(png_structp png, png_infop info)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

int ecs_image_decode_png(const ecs_bytes_t *file, int side,
                         ecs_image_t *image, ecs_about_t *about)
{
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, fail,
                                             keep_quiet);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    cursor_t cursor = {file, 0};

    if (info == NULL || setjmp(png_jmpbuf(png))) {
        return 1;
    }
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_chunk_cache_max(png, CHUNKS_MAX);
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    png_set_read_fn(png, &cursor, take);
    png_read_info(png, info);
    normalise(png, info);
    ecs_image_fit((int)png_get_image_width(png, info),
                  (int)png_get_image_height(png, info), side, image);
    image->channels = png_get_channels(png, info);
    if (image->channels != 3 && image->channels != 4) {
        return 1;
    }
    read_rows(png, info, image);
    png_read_end(png, info);
    read_about(png, info, about);
    return 0;
}

/* A file that is being made. */
typedef struct growing_t {
    ecs_bytes_t *file;
    size_t room; /* bytes; twice as many when they are full */
} growing_t;

static void give(png_structp png, png_bytep from, size_t length)
{
    growing_t *to = png_get_io_ptr(png);
    ecs_bytes_t *file = to->file;

    if (file->length + length > to->room) {
        size_t room = 2 * (file->length + length);
        unsigned char *grown = realloc(file->bytes, room);

        if (grown == NULL) {
            fail(png, "");
            return;
        }
        file->bytes = grown;
        to->room = room;
    }
    memcpy(file->bytes + file->length, from, length);
    file->length += length;
}

static void flush(png_structp png)
{
}

int ecs_image_encode_png(const ecs_image_t *image, ecs_bytes_t *file)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail,
                                              keep_quiet);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    size_t row = (size_t)image->width * (size_t)image->channels;
    growing_t to = {file, 0};
    int y;

    file->bytes = NULL;
    file->length = 0;
    if (info == NULL || setjmp(png_jmpbuf(png))) {
        return 1;
    }
    png_set_write_fn(png, &to, give, flush);
    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_set_IHDR(png, info, (png_uint_32)image->width,
                 (png_uint_32)image->height, 8,
                 image->channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA
                                      : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (y = 0; y < image->height; y++) {
        png_write_row(png, image->pixels + row * (size_t)y);
    }
    png_write_end(png, NULL);
    return 0;
}
