/* SPDX-License-Identifier: MIT */
/*
 * pictures.c - see pictures.h.
 */
#include "pictures.h"

#include <check.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOUNDARY "----a-boundary-of-the-tests"

/* A grey JPEG of 24 x 16 pixels, without any metadata. */
static const char jpeg_hex[] =
    "ffd8ffdb004300140e0f120f0d14121012171514181e32211e1c1c1e3d2c2e243249404c4b"
    "47404645505a736250556d5645466488656d777b8182814e608d978c7d96737e817cffdb00"
    "43011517171e1a1e3b21213b7c5346537c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c"
    "7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7cffc0001108001000"
    "1803012200021101031101ffc4001500010100000000000000000000000000000005ffc400"
    "14100100000000000000000000000000000000ffc400140101000000000000000000000000"
    "00000000ffc40014110100000000000000000000000000000000ffda000c03010002110311"
    "003f00ba000003ffd9";

/* A WebP of 24 x 16 pixels with an EXIF chunk. */
static const char webp_hex[] =
    "524946460401000057454250565038580a000000080000001700000f000056503820240000"
    "00b002009d012a180010003f1172b0502c26a4a2b008018022096900007b2000feea992800"
    "45584946ba00000045786966000049492a000800000006001201030001000000010000001a"
    "01050001000000560000001b010500010000005e0000002801030001000000020000001302"
    "030001000000010000006987040001000000660000000000000038630000e8030000386300"
    "00e8030000060000900700040000003032313001910700040000000102030000a007000400"
    "00003031303001a0030001000000ffff000002a00400010000001800000003a00400010000"
    "001000000000000000";

/* EXIF: little-endian, orientation 6 (turn to the right), and a GPS position
 * as text; 1 entry in the first directory, 1 in that of GPS. */
static const char exif_hex[] =
    "4578696600004949" "2a0008000000" "0200" "1201030001000000" "06000000"
    "2588040001000000" "26000000" "00000000" "0100" "1b00020019000000"
    "38000000" "00000000";

static file_t of_hex(const char *type, const char *hex)
{
    size_t length = strlen(hex) / 2, i;
    char *bytes = grab(length + 1);
    file_t file = {type, bytes, length};

    for (i = 0; i < length; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        bytes[i] = (char)strtol(digits, NULL, 16);
    }
    return file;
}

static file_t joined(file_t a, file_t b, file_t c)
{
    char *bytes = grab(a.length + b.length + c.length + 1);
    file_t file = {a.type, bytes, a.length + b.length + c.length};

    memcpy(bytes, a.bytes, a.length);
    memcpy(bytes + a.length, b.bytes, b.length);
    memcpy(bytes + a.length + b.length, c.bytes, c.length);
    return file;
}

static file_t encode(const unsigned char *pixels, int width, int height)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
    char *bytes = grab(length);
    file_t file = {"image/png", bytes, 0};

    ck_assert(png_image_write_to_memory(&image, bytes, &length, 0, pixels, 0,
                                        NULL));
    file.length = length;
    return file;
}

static unsigned char noise(void)
{
    static unsigned state;

    if (state == 0) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        state = (unsigned)now.tv_nsec | 1;
    }
    state = state * 1664525u + 1013904223u;
    return (unsigned char)(state >> 24);
}

file_t png(int width, int height)
{
    unsigned char *pixels = grab((size_t)width * (size_t)height * 3);
    int i;

    for (i = 0; i < 12 && i < width * height * 3; i++) {
        pixels[i] = noise();
    }
    return encode(pixels, width, height);
}

file_t noisy_png(int width, int height)
{
    size_t length = (size_t)width * (size_t)height * 3, i;
    unsigned char *pixels = grab(length);

    for (i = 0; i < length; i++) {
        pixels[i] = noise();
    }
    return encode(pixels, width, height);
}

file_t photo(void)
{
    file_t jpeg = of_hex("image/jpeg", jpeg_hex);
    file_t exif = of_hex(NULL, exif_hex);
    file_t start = {"image/jpeg", jpeg.bytes, 2};
    file_t rest = {NULL, jpeg.bytes + 2, jpeg.length - 2};
    file_t mark = {NULL, GPS_MARK, sizeof(GPS_MARK)};
    size_t length = 2 + exif.length + mark.length;
    char head[4] = {(char)0xff, (char)0xe1, (char)(length >> 8), (char)length};
    file_t segment = {NULL, head, sizeof(head)};

    return joined(start, joined(segment, exif, mark), rest);
}

file_t webp(void)
{
    return of_hex("image/webp", webp_hex);
}

static void put32(char *at, unsigned value)
{
    int i;

    for (i = 0; i < 4; i++) {
        at[i] = (char)(value >> (24 - 8 * i));
    }
}

/* The checksum of a PNG's chunks (ISO/IEC 15948, annex D). */
static unsigned checksum(const char *bytes, size_t length)
{
    unsigned sum = ~0u;
    size_t i;
    int bit;

    for (i = 0; i < length; i++) {
        sum ^= (unsigned char)bytes[i];
        for (bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? 0xedb88320u ^ sum >> 1 : sum >> 1;
        }
    }
    return ~sum;
}

file_t png_head(unsigned width, unsigned height)
{
    file_t file = png(1, 1);
    char *bytes = (char *)file.bytes;

    put32(bytes + 16, width);
    put32(bytes + 20, height);
    put32(bytes + 29, checksum(bytes + 12, 17));
    return file;
}

file_t with_tail(file_t file, const char *tail, size_t length)
{
    file_t more = {NULL, tail, length}, none = {NULL, "", 0};

    return joined(file, more, none);
}

file_t cut(file_t file, size_t length)
{
    file.length -= length;
    return file;
}

file_t text_file(const char *type, const char *text)
{
    file_t file = {type, text, strlen(text)};

    return file;
}

request_t as_body(const char *method, const char *path, const actor_t *who,
                  file_t file)
{
    request_t request = {.method = method, .path = path, .who = who,
                         .type = file.type, .body = file.bytes,
                         .length = file.length};

    return request;
}

request_t as_form(const char *method, const char *path, const actor_t *who,
                  file_t file)
{
    file_t head = text_file(
        "multipart/form-data; boundary=" BOUNDARY,
        fmt("--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"image\"; "
            "filename=\"../../a;name=b.php\"\r\nContent-Type: %s\r\n\r\n",
            file.type));
    file_t end = text_file(NULL, "\r\n--" BOUNDARY "--\r\n");

    return as_body(method, path, who, joined(head, file, end));
}
