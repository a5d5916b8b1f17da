/* SPDX-License-Identifier: MIT */
/*
 * pictures.h - pictures for the tests, good ones and others, and sending them
 * in both ways.
 */
#ifndef TEST_PICTURES_H
#define TEST_PICTURES_H

#include "client.h"

typedef struct file_t {
    const char *type; /* as it is sent */
    const char *bytes;
    size_t length;
} file_t;

#define GPS_MARK "Straight-Street-33.5138N" /* in the photo's EXIF data */

/** A PNG in which no two calls make the same pixels. */
file_t png(int width, int height);

/** One full of noise, so that it is about width * height * 3 bytes long. */
file_t noisy_png(int width, int height);

/** 24 x 16 as stored, to be shown upright as 16 x 24, with EXIF and GPS. */
file_t photo(void);

/** 24 x 16, with EXIF. */
file_t webp(void);

/** Only the head of a PNG that says it has this size, and a proper end. */
file_t png_head(unsigned width, unsigned height);

/** The file with more bytes at its end, or fewer. */
file_t with_tail(file_t file, const char *tail, size_t length);
file_t cut(file_t file, size_t length);

/** Bytes as they are. */
file_t text_file(const char *type, const char *text);

/** The request that sends the file as its body, and as a part of a form. */
request_t as_body(const char *method, const char *path, const actor_t *who,
                  file_t file);
request_t as_form(const char *method, const char *path, const actor_t *who,
                  file_t file);

#endif
