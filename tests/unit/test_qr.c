/* SPDX-License-Identifier: MIT */
/*
 * test_qr.c - the pictures are read back.
 *
 * A small reader of its own (ISO/IEC 18004, versions 1 to 3, byte mode, no
 * error correction: the picture has no errors) gets the text out of the PNG;
 * the SVG must show the same modules.
 */
#include "qr.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_encode.h>
#include <apr_strings.h>

#include <png.h>

#define QUIET 4
#define SIDE_MAX 185 /* version 40 and its quiet zone */

/* Modules with the quiet zone; 1 is dark. */
typedef struct grid_t {
    int side;
    unsigned char dark[SIDE_MAX][SIDE_MAX];
} grid_t;

/* ---- reading pictures ---- */

static grid_t *grid_of_pixels(const unsigned char *pixels, int side)
{
    grid_t *grid = apr_pcalloc(pool, sizeof(*grid));
    int x, y;

    ck_assert_int_eq(side % ECS_QR_MODULE_PIXELS, 0);
    grid->side = side / ECS_QR_MODULE_PIXELS;
    ck_assert_int_le(grid->side, SIDE_MAX);
    for (y = 0; y < side; y++) {
        for (x = 0; x < side; x++) {
            unsigned char pixel = pixels[y * side + x];
            unsigned char *module =
                &grid->dark[y / ECS_QR_MODULE_PIXELS][x / ECS_QR_MODULE_PIXELS];

            ck_assert(pixel == 0 || pixel == 255);
            if (x % ECS_QR_MODULE_PIXELS == 0 &&
                y % ECS_QR_MODULE_PIXELS == 0) {
                *module = pixel == 0;
            }
            ck_assert_int_eq(*module, pixel == 0);
        }
    }
    return grid;
}

static grid_t *grid_of_png(const unsigned char *data, apr_size_t length)
{
    png_image image;
    unsigned char *pixels;

    memset(&image, 0, sizeof(image));
    image.version = PNG_IMAGE_VERSION;
    ck_assert(png_image_begin_read_from_memory(&image, data, length));
    ck_assert_uint_eq(image.width, image.height);
    image.format = PNG_FORMAT_GRAY;
    pixels = apr_palloc(pool, PNG_IMAGE_SIZE(image));
    ck_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    return grid_of_pixels(pixels, (int)image.width);
}

static grid_t *grid_of_svg(const char *svg)
{
    grid_t *grid = apr_pcalloc(pool, sizeof(*grid));
    const char *run = strstr(svg, "fill=\"#000\" d=\"");
    int x, y, length, back, used, i;

    ck_assert_int_eq(
        sscanf(strstr(svg, "viewBox="), "viewBox=\"0 0 %d", &grid->side), 1);
    ck_assert_ptr_nonnull(run);
    run += strlen("fill=\"#000\" d=\"");
    while (*run != '"') {
        ck_assert_int_eq(
            sscanf(run, "M%d %dh%dv1h-%dz%n", &x, &y, &length, &back, &used),
            4);
        ck_assert_int_eq(length, back);
        for (i = 0; i < length; i++) {
            grid->dark[y][x + i] = 1;
        }
        run += used;
    }
    return grid;
}

/* ---- reading QR ---- */

static int module(const grid_t *grid, int row, int column)
{
    return grid->dark[row + QUIET][column + QUIET];
}

/* Finders, separators, format, timing and the one alignment pattern. */
static int is_function(int n, int row, int column)
{
    int middle = n - 7;

    return (row <= 8 && column <= 8) || (row <= 8 && column >= n - 8) ||
           (row >= n - 8 && column <= 8) || row == 6 || column == 6 ||
           (n > 21 && abs(row - middle) <= 2 && abs(column - middle) <= 2);
}

static int is_masked(int mask, int i, int j)
{
    switch (mask) {
    case 0:
        return (i + j) % 2 == 0;
    case 1:
        return i % 2 == 0;
    case 2:
        return j % 3 == 0;
    case 3:
        return (i + j) % 3 == 0;
    case 4:
        return (i / 2 + j / 3) % 2 == 0;
    case 5:
        return i * j % 2 + i * j % 3 == 0;
    case 6:
        return (i * j % 2 + i * j % 3) % 2 == 0;
    default:
        return ((i + j) % 2 + i * j % 3) % 2 == 0;
    }
}

/* The five bits that say error correction and mask. */
static int format_of(const grid_t *grid)
{
    int bits = 0;
    int column;

    for (column = 0; column < 5; column++) {
        bits = bits << 1 | module(grid, 8, column);
    }
    return bits ^ 0x15;
}

/* Walk the columns in pairs from the right, up and down in turn. */
static int read_bits(const grid_t *grid, unsigned char *bytes)
{
    int n = grid->side - 2 * QUIET;
    int mask = format_of(grid) & 7;
    int upward = 1;
    int count = 0;
    int right, step, side;

    for (right = n - 1; right > 0; right -= 2) {
        right -= right == 6;
        for (step = 0; step < n; step++) {
            int row = upward ? n - 1 - step : step;

            for (side = 0; side < 2; side++) {
                int column = right - side;

                if (!is_function(n, row, column)) {
                    int bit = module(grid, row, column) ^
                              is_masked(mask, row, column);

                    bytes[count / 8] |= (unsigned char)(bit << (7 - count % 8));
                    count++;
                }
            }
        }
        upward = !upward;
    }
    return count;
}

static const char *text_of(const grid_t *grid)
{
    unsigned char bytes[128] = {0};
    char *text;
    int length, i;

    read_bits(grid, bytes);
    ck_assert_int_eq(bytes[0] >> 4, 4); /* byte mode */
    length = (bytes[0] & 15) << 4 | bytes[1] >> 4;
    ck_assert_int_le(length, 42);
    text = apr_pcalloc(pool, (apr_size_t)length + 1);
    for (i = 0; i < length; i++) {
        text[i] = (char)((bytes[i + 1] & 15) << 4 | bytes[i + 2] >> 4);
    }
    return text;
}

/* ---- tests ---- */

static const char *const TEXTS[] = {
    "12345678901234",                             /* version 1, full */
    "https://shop.example/p/42",                  /* version 2 */
    "ecs:42:00112233445566778899aabbccddeeff",    /* version 3 */
    "00112233445566778899aabbccddeeff00112233+-", /* version 3, full */
    "\xd8\xb7\xd9\x84\xd8\xa8 #7",                /* UTF-8 */
};
static const int VERSIONS[] = {1, 2, 3, 3, 1};

START_TEST(png_reads_back)
{
    apr_size_t length;
    const unsigned char *png = ecs_qr_png(pool, TEXTS[_i], &length);
    grid_t *grid;

    ck_assert_ptr_nonnull(png);
    ck_assert_mem_eq(png, "\x89PNG\r\n\x1a\n", 8);
    ck_assert_int_eq(png[24], 1); /* bits per pixel */
    ck_assert_int_eq(png[25], 0); /* grey */
    grid = grid_of_png(png, length);
    ck_assert_int_eq(grid->side, 17 + 4 * VERSIONS[_i] + 2 * QUIET);
    ck_assert_int_eq(format_of(grid) >> 3, 0); /* error correction M */
    ck_assert_str_eq(text_of(grid), TEXTS[_i]);
}
END_TEST

START_TEST(svg_shows_the_same_modules)
{
    apr_size_t length;
    const unsigned char *png = ecs_qr_png(pool, TEXTS[_i], &length);
    const char *svg = ecs_qr_svg(pool, TEXTS[_i]);
    grid_t *a = grid_of_png(png, length);
    grid_t *b;

    ck_assert_ptr_nonnull(svg);
    ck_assert_int_eq(strncmp(svg, "<?xml ", 6), 0);
    ck_assert_ptr_nonnull(strstr(svg, "xmlns=\"http://www.w3.org/2000/svg\""));
    ck_assert_str_eq(svg + strlen(svg) - 7, "</svg>\n");
    ck_assert_ptr_null(strstr(svg, TEXTS[_i]));
    b = grid_of_svg(svg);
    ck_assert_int_eq(a->side, b->side);
    ck_assert_mem_eq(a->dark, b->dark, sizeof(a->dark));
}
END_TEST

START_TEST(the_quiet_zone_is_white)
{
    apr_size_t length;
    const unsigned char *png = ecs_qr_png(pool, "quiet", &length);
    grid_t *grid = grid_of_png(png, length);
    int i, j;

    for (i = 0; i < grid->side; i++) {
        for (j = 0; j < QUIET; j++) {
            ck_assert_int_eq(grid->dark[i][j], 0);
            ck_assert_int_eq(grid->dark[j][i], 0);
            ck_assert_int_eq(grid->dark[i][grid->side - 1 - j], 0);
            ck_assert_int_eq(grid->dark[grid->side - 1 - j][i], 0);
        }
    }
    ck_assert_int_eq(grid->dark[QUIET][QUIET], 1); /* corner of a finder */
}
END_TEST

START_TEST(data_uri_holds_the_png)
{
    apr_size_t length, decoded;
    const unsigned char *png = ecs_qr_png(pool, "data", &length);
    const char *uri = ecs_qr_data_uri(pool, "data");
    const unsigned char *again;

    ck_assert_int_eq(strncmp(uri, "data:image/png;base64,", 22), 0);
    again = apr_pdecode_base64_binary(pool, uri + 22, APR_ENCODE_STRING,
                                      APR_ENCODE_NONE, &decoded);
    ck_assert_ptr_nonnull(again);
    ck_assert_uint_eq(decoded, length);
    ck_assert_mem_eq(again, png, length);
}
END_TEST

START_TEST(limits)
{
    char *text = apr_pcalloc(pool, 2333);
    const unsigned char *png;
    apr_size_t length = 1;
    grid_t *grid;

    memset(text, 'a', 2332);
    ck_assert_ptr_null(ecs_qr_png(pool, text, &length));
    ck_assert_uint_eq(length, 0);
    text[2331] = '\0'; /* all that version 40 holds at M */
    png = ecs_qr_png(pool, text, &length);
    grid = grid_of_png(png, length);
    ck_assert_int_eq(grid->side, SIDE_MAX);
    ck_assert_mem_eq(grid->dark, grid_of_svg(ecs_qr_svg(pool, text))->dark,
                     sizeof(grid->dark));
    ck_assert_ptr_null(ecs_qr_png(pool, "", &length));
    ck_assert_ptr_null(ecs_qr_svg(pool, ""));
    ck_assert_ptr_null(ecs_qr_data_uri(pool, ""));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("qr");
    TCase *tc = tcase_create("all");
    int count = (int)(sizeof(TEXTS) / sizeof(TEXTS[0]));

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, png_reads_back, 0, count);
    tcase_add_loop_test(tc, svg_shows_the_same_modules, 0, count);
    tcase_add_test(tc, the_quiet_zone_is_white);
    tcase_add_test(tc, data_uri_holds_the_png);
    tcase_add_test(tc, limits);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
