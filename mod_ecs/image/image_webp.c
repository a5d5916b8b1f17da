/* SPDX-License-Identifier: MIT */
/*
 * image_webp.c - WebP by libwebp, which makes smaller while it decodes.
 */
#include "image.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/encode.h>

#define QUALITY 82          /* percent */
#define FILE_HEAD_BYTES 12  /* "RIFF" length "WEBP" */
#define CHUNK_HEAD_BYTES 8  /* name, length */
#define CHUNK_BYTES_MAX (8 << 20)

static size_t little32(const unsigned char *b)
{
    return (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 |
           (size_t)b[3] << 24;
}

/* The first chunk with that name, or none. */
static ecs_bytes_t chunk(const ecs_bytes_t *file, const char *name)
{
    ecs_bytes_t found = {NULL, 0};
    size_t at = FILE_HEAD_BYTES;

    while (at + CHUNK_HEAD_BYTES <= file->length) {
        unsigned char *head = file->bytes + at;
        size_t length = little32(head + 4);

        at += CHUNK_HEAD_BYTES;
        if (length > CHUNK_BYTES_MAX || length > file->length - at) {
            break;
        }
        if (memcmp(head, name, 4) == 0) {
            found.bytes = head + CHUNK_HEAD_BYTES;
            found.length = length;
            break;
        }
        at += length + length % 2;
    }
    return found;
}

int ecs_image_decode_webp(const ecs_bytes_t *file, int side,
                          ecs_image_t *image, ecs_about_t *about)
{
    WebPDecoderConfig config;
    ecs_bytes_t exif = chunk(file, "EXIF");

    if (!WebPInitDecoderConfig(&config) ||
        WebPGetFeatures(file->bytes, file->length, &config.input) !=
            VP8_STATUS_OK ||
        config.input.has_animation) {
        return 1;
    }
    about->orientation = ecs_image_orientation(exif.bytes, exif.length);
    about->profile = chunk(file, "ICCP");
    image->channels = config.input.has_alpha ? 4 : 3;
    ecs_image_fit(config.input.width, config.input.height, side, image);
    config.options.use_scaling = image->width != config.input.width;
    config.options.scaled_width = image->width;
    config.options.scaled_height = image->height;
    config.output.colorspace = image->channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.stride = image->width * image->channels;
    config.output.u.RGBA.size =
        (size_t)config.output.u.RGBA.stride * (size_t)image->height;
    image->pixels = ecs_image_memory(config.output.u.RGBA.size);
    config.output.u.RGBA.rgba = image->pixels;
    return WebPDecode(file->bytes, file->length, &config) != VP8_STATUS_OK;
}

int ecs_image_encode_webp(const ecs_image_t *image, ecs_bytes_t *file)
{
    int stride = image->width * image->channels;

    file->bytes = NULL;
    file->length = image->channels == 4
                       ? WebPEncodeRGBA(image->pixels, image->width,
                                        image->height, stride, QUALITY,
                                        &file->bytes)
                       : WebPEncodeRGB(image->pixels, image->width,
                                       image->height, stride, QUALITY,
                                       &file->bytes);
    return file->length == 0;
}
