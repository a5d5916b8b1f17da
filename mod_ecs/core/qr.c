/* SPDX-License-Identifier: MIT */
/*
 * qr.c - QR pictures: libqrencode makes the modules, libpng packs them.
 *
 * Version (size) is chosen by libqrencode, the smallest that holds the text.
 * The picture is a pure function of the text, so it needs no cache of its own.
 */
#include "qr.h"

#include <string.h>

#include <apr_encode.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <png.h>
#include <qrencode.h>

#define QUIET_MODULES 4
#define MODULE_IS_DARK 1 /* lowest bit of a byte of libqrencode */
#define PNG_BYTES_START 1024
#define SVG_PATH_START 512

/* Growing bytes in a pool. */
typedef struct sink_t {
    apr_pool_t *pool;
    unsigned char *data;
    apr_size_t length, room;
} sink_t;

/* ---- modules ---- */

static QRcode *encode(const char *text)
{
    return QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
}

static int is_dark(const QRcode *code, int x, int y)
{
    return code->data[y * code->width + x] & MODULE_IS_DARK;
}

/* ---- PNG ---- */

static void sink_write(png_structp png, png_bytep data, png_size_t length)
{
    sink_t *sink = png_get_io_ptr(png);

    if (sink->room - sink->length < length) {
        apr_size_t room = 2 * sink->room + length;
        unsigned char *grown = apr_palloc(sink->pool, room);

        memcpy(grown, sink->data, sink->length);
        sink->data = grown;
        sink->room = room;
    }
    memcpy(sink->data + sink->length, data, length);
    sink->length += length;
}

static void sink_flush(png_structp png)
{
}

/* libpng's own handlers write to stderr. */
static void fail(png_structp png, png_const_charp message)
{
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
}

static int bytes_per_row(const QRcode *code)
{
    return ((code->width + 2 * QUIET_MODULES) * ECS_QR_MODULE_PIXELS + 7) / 8;
}

/* One line of pixels through module line y; 1 is white, 0 is black. */
static void draw_row(const QRcode *code, int y, unsigned char *row)
{
    int x, i;

    memset(row, 0xff, (size_t)bytes_per_row(code));
    if (y < 0 || y >= code->width) {
        return;
    }
    for (x = 0; x < code->width; x++) {
        int left = (x + QUIET_MODULES) * ECS_QR_MODULE_PIXELS;

        for (i = left; is_dark(code, x, y) && i < left + ECS_QR_MODULE_PIXELS;
             i++) {
            row[i / 8] &= (unsigned char)~(0x80u >> (i % 8));
        }
    }
}

/*
 * Errors of libpng come back by longjmp, so nothing here changes a local
 * variable after setjmp; what is written survives in `sink`.
 */
static int write_png(png_structp png, png_infop info, const QRcode *code,
                     unsigned char *row)
{
    png_uint_32 pixels =
        (png_uint_32)((code->width + 2 * QUIET_MODULES) * ECS_QR_MODULE_PIXELS);
    int line, i;

    if (setjmp(png_jmpbuf(png))) {
        return 0;
    }
    png_set_IHDR(png, info, pixels, pixels, 1, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (line = -QUIET_MODULES; line < code->width + QUIET_MODULES; line++) {
        draw_row(code, line, row);
        for (i = 0; i < ECS_QR_MODULE_PIXELS; i++) {
            png_write_row(png, row);
        }
    }
    png_write_end(png, info);
    return 1;
}

static int png_into(sink_t *sink, const QRcode *code)
{
    unsigned char *row =
        apr_palloc(sink->pool, (apr_size_t)bytes_per_row(code));
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int ok = 0;

    if (info) {
        png_set_write_fn(png, sink, sink_write, sink_flush);
        ok = write_png(png, info, code, row);
    }
    png_destroy_write_struct(&png, &info);
    return ok;
}

/* ---- SVG ---- */

/* Modules of a line that are dark from x on. */
static int run_length(const QRcode *code, int x, int y)
{
    int end = x;

    while (end < code->width && is_dark(code, end, y)) {
        end++;
    }
    return end - x;
}

/* All dark runs as one path in units of a module. */
static const char *svg_path(apr_pool_t *p, const QRcode *code)
{
    apr_array_header_t *runs =
        apr_array_make(p, SVG_PATH_START, sizeof(const char *));
    int x, y;

    for (y = 0; y < code->width; y++) {
        x = 0;
        while (x < code->width) {
            int length = run_length(code, x, y);

            if (length > 0) {
                APR_ARRAY_PUSH(runs, const char *) =
                    apr_psprintf(p, "M%d %dh%dv1h-%dz", x + QUIET_MODULES,
                                 y + QUIET_MODULES, length, length);
            }
            x += length > 0 ? length : 1;
        }
    }
    return apr_array_pstrcat(p, runs, 0);
}

/* ---- public ---- */

const unsigned char *ecs_qr_png(apr_pool_t *p, const char *text,
                                apr_size_t *length)
{
    QRcode *code = encode(text);
    sink_t sink = {p, apr_palloc(p, PNG_BYTES_START), 0, PNG_BYTES_START};
    int ok;

    *length = 0;
    if (!code) {
        return NULL;
    }
    ok = png_into(&sink, code);
    QRcode_free(code);
    if (!ok) {
        return NULL;
    }
    *length = sink.length;
    return sink.data;
}

const char *ecs_qr_svg(apr_pool_t *p, const char *text)
{
    QRcode *code = encode(text);
    const char *path;
    int modules;

    if (!code) {
        return NULL;
    }
    modules = code->width + 2 * QUIET_MODULES;
    path = svg_path(p, code);
    QRcode_free(code);
    return apr_psprintf(
        p,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
        "width=\"%d\" height=\"%d\" shape-rendering=\"crispEdges\">"
        "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
        "<path fill=\"#000\" d=\"%s\"/></svg>\n",
        modules, modules, modules * ECS_QR_MODULE_PIXELS,
        modules * ECS_QR_MODULE_PIXELS, modules, modules, path);
}

const char *ecs_qr_data_uri(apr_pool_t *p, const char *text)
{
    apr_size_t length;
    const unsigned char *png = ecs_qr_png(p, text, &length);

    if (!png) {
        return NULL;
    }
    return apr_pstrcat(p, "data:image/png;base64,",
                       apr_pencode_base64_binary(p, png, (apr_ssize_t)length,
                                                 APR_ENCODE_NONE, NULL),
                       NULL);
}
