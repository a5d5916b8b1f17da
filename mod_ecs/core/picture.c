/* SPDX-License-Identifier: MIT */
/*
 * picture.c - a walk over the chunks of PNG, the segments of JPEG and the
 * frame of WebP. It keeps no more than one buffer and believes no length that
 * leads outside the file.
 *
 * A file that is two things (a PNG with a page behind it, a JPEG that is an
 * archive) has its second part behind the picture's end. PNG and WebP know
 * their end; JPEG is followed by all kinds of things in honest photos (further
 * pictures, a camera's notes), so there only archives and markup are refused.
 * What is stored is made anew from the pixels in any case.
 */
#include "picture.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BUFFER_BYTES 16384
#define HEAD_BYTES 32 /* enough for what WebP says at its beginning */

static const char *const endings[] = {"jpg", "png", "webp"};
static const char *const types[] = {"image/jpeg", "image/png", "image/webp"};

typedef struct reader_t {
    int fd;
    apr_off_t size; /* of the file */
    apr_off_t from; /* of the buffer in the file */
    apr_size_t length;
    unsigned char buffer[BUFFER_BYTES];
} reader_t;

const char *ecs_picture_ending(ecs_picture_kind_e kind)
{
    return endings[kind];
}

const char *ecs_picture_type(ecs_picture_kind_e kind)
{
    return types[kind];
}

ecs_picture_kind_e ecs_picture_of_type(const char *type)
{
    int kind = 0;

    while (kind < ECS_PICTURE_KINDS && strcasecmp(types[kind], type) != 0) {
        kind++;
    }
    return (ecs_picture_kind_e)kind;
}

/* ---- reading ---- */

/* `length` bytes (at most BUFFER_BYTES) at `at`; NULL when they are not all
 * there. Good until the next call. */
static const unsigned char *bytes_at(reader_t *reader, apr_off_t at,
                                     apr_size_t length)
{
    ssize_t got;

    if (at < 0 || at + (apr_off_t)length > reader->size) {
        return NULL;
    }
    if (at < reader->from ||
        at + (apr_off_t)length > reader->from + (apr_off_t)reader->length) {
        got = pread(reader->fd, reader->buffer, BUFFER_BYTES, at);
        reader->from = at;
        reader->length = got > 0 ? (apr_size_t)got : 0;
        if (reader->length < length) {
            return NULL;
        }
    }
    return reader->buffer + (at - reader->from);
}

/* What is in the buffer from `at` on, at least one byte; NULL at the end. */
static const unsigned char *rest_at(reader_t *reader, apr_off_t at,
                                    apr_size_t *length)
{
    const unsigned char *bytes = bytes_at(reader, at, 1);

    *length = bytes ? (apr_size_t)(reader->buffer + reader->length - bytes) : 0;
    return bytes;
}

static long big16(const unsigned char *b)
{
    return b[0] << 8 | b[1];
}

static apr_off_t big32(const unsigned char *b)
{
    return (apr_off_t)big16(b) << 16 | big16(b + 2);
}

static long little(const unsigned char *b, int bytes)
{
    long value = 0;

    while (bytes-- > 0) {
        value = value << 8 | b[bytes];
    }
    return value;
}

/* ---- PNG (ISO/IEC 15948) ---- */

#define PNG_CHUNK_FRAME 12 /* bytes: length, type, checksum */

static int read_png(reader_t *reader, ecs_picture_t *picture)
{
    const unsigned char *b = bytes_at(reader, 8, 16);
    apr_off_t at = 8;

    if (b == NULL || big32(b) != 13 || memcmp(b + 4, "IHDR", 4) != 0) {
        return 0;
    }
    picture->width = (long)big32(b + 8);
    picture->height = (long)big32(b + 12);
    for (;;) {
        b = bytes_at(reader, at, 8);
        if (b == NULL) {
            return 0;
        }
        at += PNG_CHUNK_FRAME + big32(b);
        if (memcmp(b + 4, "IEND", 4) == 0) {
            return at == reader->size;
        }
    }
}

/* ---- WebP (RFC 9649) ---- */

static int read_webp(reader_t *reader, ecs_picture_t *picture)
{
    const unsigned char *b = bytes_at(reader, 0, HEAD_BYTES);
    apr_off_t end;

    if (b == NULL) {
        return 0;
    }
    end = 8 + (apr_off_t)little(b + 4, 4);
    if (end != reader->size && end + 1 != reader->size) {
        return 0;
    }
    if (memcmp(b + 12, "VP8X", 4) == 0) {
        picture->width = little(b + 24, 3) + 1;
        picture->height = little(b + 27, 3) + 1;
        return (b[20] & 0x02) == 0; /* no animation */
    }
    if (memcmp(b + 12, "VP8L", 4) == 0) {
        long sides = little(b + 21, 4);

        picture->width = (sides & 0x3fff) + 1;
        picture->height = (sides >> 14 & 0x3fff) + 1;
        return b[20] == 0x2f;
    }
    picture->width = little(b + 26, 2) & 0x3fff;
    picture->height = little(b + 28, 2) & 0x3fff;
    return memcmp(b + 12, "VP8 ", 4) == 0 &&
           memcmp(b + 23, "\x9d\x01\x2a", 3) == 0;
}

/* ---- JPEG (ITU-T T.81) ---- */

#define SOF_BASELINE 0xc0
#define SOF_PROGRESSIVE 0xc2 /* 0xc1 between them: extended */
#define MARKER_EOI 0xd9
#define MARKER_SOS 0xda

static int is_frame(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
           marker != 0xc8 && marker != 0xcc;
}

/* Does the marker stand alone, without a length behind it? */
static int is_alone(int marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/* From within a scan to the next marker that ends it; -1 when none comes. */
static apr_off_t skip_scan(reader_t *reader, apr_off_t at)
{
    const unsigned char *b;
    apr_size_t length;

    for (b = rest_at(reader, at, &length); b != NULL;
         b = rest_at(reader, at, &length)) {
        const unsigned char *ff = memchr(b, 0xff, length);

        at += ff ? ff - b : (apr_off_t)length;
        if (ff == NULL) {
            continue;
        }
        b = bytes_at(reader, at, 2);
        if (b == NULL) {
            return -1;
        }
        if (b[1] != 0x00 && b[1] != 0xff && !is_alone(b[1])) {
            return at;
        }
        at += b[1] == 0xff ? 1 : 2;
    }
    return -1;
}

static int begins_like(const unsigned char *b, const char *word)
{
    return strncasecmp((const char *)b, word, strlen(word)) == 0;
}

#define LONGEST_WORD 9 /* bytes, of those below */

/* Is there an archive or markup from here on? */
static int is_something_else(reader_t *reader, apr_off_t at)
{
    static const char *const words[] = {
        "PK\3\4", "PK\5\6",  "<?php",   "<!doctype", "<html",
        "<body",  "<script", "<iframe", "<svg",      NULL};
    const unsigned char *b;
    int i;

    for (; at + LONGEST_WORD <= reader->size; at++) {
        b = bytes_at(reader, at, LONGEST_WORD);
        if (b == NULL) {
            return 1;
        }
        if (*b != 'P' && *b != '<') {
            continue;
        }
        for (i = 0; words[i] != NULL; i++) {
            if (begins_like(b, words[i])) {
                return 1;
            }
        }
    }
    return 0;
}

/* One segment; *at moves behind it. 0 when it is broken, -1 at the end. */
static int read_segment(reader_t *reader, apr_off_t *at, int *scans,
                        ecs_picture_t *picture)
{
    const unsigned char *b = bytes_at(reader, *at, 2);
    int marker = b && b[0] == 0xff ? b[1] : 0;

    if (marker == 0xff || is_alone(marker)) {
        *at += marker == 0xff ? 1 : 2;
        return 1;
    }
    if (marker == MARKER_EOI) {
        *at += 2;
        return -1;
    }
    b = bytes_at(reader, *at, 10);
    if (marker < 0xc0 || b == NULL || big16(b + 2) < 2) {
        return 0;
    }
    *at += 2 + big16(b + 2);
    if (is_frame(marker)) {
        if (marker > SOF_PROGRESSIVE || picture->width > 0 || b[4] != 8) {
            return 0;
        }
        picture->height = big16(b + 5);
        picture->width = big16(b + 7);
    }
    if (marker == MARKER_SOS) {
        *at = skip_scan(reader, *at);
        return *at > 0 && picture->width > 0 &&
               ++*scans <= ECS_PICTURE_SCANS_MAX;
    }
    return 1;
}

static int read_jpeg(reader_t *reader, ecs_picture_t *picture)
{
    apr_off_t at = 2;
    int scans = 0, more = 1;

    while (more > 0) {
        more = read_segment(reader, &at, &scans, picture);
    }
    return more < 0 && scans > 0 && !is_something_else(reader, at);
}

/* ---- all ---- */

static int read_any(reader_t *reader, ecs_picture_t *picture)
{
    const unsigned char *b = bytes_at(reader, 0, 12);

    if (b == NULL) {
        return 0;
    }
    if (memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) {
        picture->kind = ECS_PICTURE_PNG;
        return read_png(reader, picture);
    }
    if (memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0) {
        picture->kind = ECS_PICTURE_WEBP;
        return read_webp(reader, picture);
    }
    if (memcmp(b, "\xff\xd8\xff", 3) == 0) {
        picture->kind = ECS_PICTURE_JPEG;
        return read_jpeg(reader, picture);
    }
    return 0;
}

const char *ecs_picture_check(apr_pool_t *p, int fd, apr_off_t size,
                              ecs_picture_t *picture)
{
    reader_t *reader = apr_palloc(p, sizeof(*reader));
    int is_whole;

    reader->fd = fd;
    reader->size = size;
    reader->from = 0;
    reader->length = 0;
    memset(picture, 0, sizeof(*picture));
    is_whole = read_any(reader, picture);
    /* Of a file with a head alone the size is what is wrong with it, too. */
    if (picture->width > ECS_PICTURE_SIDE_MAX ||
        picture->height > ECS_PICTURE_SIDE_MAX ||
        picture->width * picture->height > ECS_PICTURE_PIXELS_MAX) {
        return apr_psprintf(p,
                            "Ensure the image has at most %d megapixels and "
                            "no side over %d pixels (it is %ld x %ld).",
                            ECS_PICTURE_PIXELS_MAX / 1000000,
                            ECS_PICTURE_SIDE_MAX, picture->width,
                            picture->height);
    }
    return is_whole && picture->width > 0 && picture->height > 0
               ? NULL
               : ECS_PICTURE_INVALID;
}
