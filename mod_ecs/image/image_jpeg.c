/* SPDX-License-Identifier: MIT */
/*
 * image_jpeg.c - JPEG by libjpeg-turbo. The decoder halves on the way, so that
 * little more than what is wanted is decoded.
 */
#include "image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#define QUALITY 85      /* percent */
#define SCANS_MAX 100   /* each costs a pass over the whole picture */
#define SCALE_UNIT 8    /* libjpeg decodes at n eighths */
#define MARKER_BYTES_MAX 0xffff

typedef struct failure_t {
    struct jpeg_error_mgr base; /* first, as libjpeg wants it */
    jmp_buf back;
} failure_t;

static void fail(j_common_ptr info)
{
    longjmp(((failure_t *)(void *)info->err)->back, 1);
}

/* Cameras get details wrong; bytes that are missing are no detail. */
static void on_message(j_common_ptr info, int level)
{
    int code = info->err->msg_code;

    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER ||
                      code == JWRN_HUFF_BAD_CODE)) {
        fail(info);
    }
}

static void on_progress(j_common_ptr info)
{
    if (((j_decompress_ptr)info)->input_scan_number > SCANS_MAX) {
        fail(info);
    }
}

static struct jpeg_error_mgr *errors(failure_t *failure)
{
    jpeg_std_error(&failure->base);
    failure->base.error_exit = fail;
    failure->base.emit_message = on_message;
    return &failure->base;
}

static void read_about(j_decompress_ptr info, ecs_about_t *about)
{
    jpeg_saved_marker_ptr marker;
    JOCTET *profile = NULL;
    unsigned length = 0;

    about->orientation = 1;
    for (marker = info->marker_list; marker != NULL; marker = marker->next) {
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 &&
            memcmp(marker->data, "Exif\0\0", 6) == 0) {
            about->orientation = ecs_image_orientation(marker->data,
                                                       marker->data_length);
        }
    }
    if (jpeg_read_icc_profile(info, &profile, &length)) {
        about->profile.bytes = profile;
        about->profile.length = length;
    }
}

/* Inks, as Adobe writes them: 255 is none. */
static void inks_to_rgb(unsigned char *row, int width)
{
    unsigned char *out = row;
    int x, c;

    for (x = 0; x < width; x++, row += 4, out += 3) {
        unsigned char light = row[3];

        for (c = 0; c < 3; c++) {
            out[c] = (unsigned char)(row[c] * light / 255);
        }
    }
}

/* As few eighths as still give all the pixels that are wanted. */
static void choose_scale(j_decompress_ptr info, const ecs_image_t *image)
{
    info->scale_denom = SCALE_UNIT;
    for (info->scale_num = 1; info->scale_num < SCALE_UNIT; info->scale_num++) {
        jpeg_calc_output_dimensions(info);
        if ((int)info->output_width >= image->width &&
            (int)info->output_height >= image->height) {
            return;
        }
    }
}

static void read_rows(j_decompress_ptr info, ecs_image_t *image)
{
    ecs_shrink_t *shrink;
    unsigned char *row;

    jpeg_start_decompress(info);
    row = ecs_image_memory((size_t)info->output_width * 4);
    shrink = ecs_shrink_make((int)info->output_width, (int)info->output_height,
                             image);
    while (info->output_scanline < info->output_height) {
        jpeg_read_scanlines(info, &row, 1);
        if (info->out_color_space == JCS_CMYK) {
            inks_to_rgb(row, (int)info->output_width);
        }
        ecs_shrink_row(shrink, row);
    }
    jpeg_finish_decompress(info);
}

int ecs_image_decode_jpeg(const ecs_bytes_t *file, int side,
                          ecs_image_t *image, ecs_about_t *about)
{
    struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
    struct jpeg_decompress_struct info;
    failure_t failure;

    info.err = errors(&failure);
    if (setjmp(failure.back)) {
        return 1;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress;
    jpeg_save_markers(&info, JPEG_APP0 + 1, MARKER_BYTES_MAX);
    jpeg_save_markers(&info, JPEG_APP0 + 2, MARKER_BYTES_MAX);
    jpeg_mem_src(&info, file->bytes, file->length);
    jpeg_read_header(&info, TRUE);
    read_about(&info, about);
    info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    image->channels = 3;
    ecs_image_fit((int)info.image_width, (int)info.image_height, side, image);
    choose_scale(&info, image);
    read_rows(&info, image);
    return 0;
}

int ecs_image_encode_jpeg(const ecs_image_t *image, ecs_bytes_t *file)
{
    struct jpeg_compress_struct info;
    unsigned long length = 0;
    failure_t failure;

    file->bytes = NULL;
    info.err = errors(&failure);
    if (setjmp(failure.back)) {
        return 1;
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &file->bytes, &length);
    info.image_width = (JDIMENSION)image->width;
    info.image_height = (JDIMENSION)image->height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, QUALITY, TRUE);
    info.optimize_coding = TRUE;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = image->pixels + (size_t)info.next_scanline *
                                           (size_t)image->width * 3;

        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    file->length = length;
    return 0;
}
