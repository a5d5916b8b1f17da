/* SPDX-License-Identifier: MIT */
/*
 * test_picture.c - heads of pictures by hand: what they say, what follows
 * them, and lengths that lead nowhere.
 */
#include "picture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

static ecs_picture_t picture;

/* Look bytes over as a file; NULL or why not. */
static const char *check(const char *bytes, apr_size_t length)
{
    FILE *file = tmpfile();
    const char *wrong;

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fflush(file), 0);
    wrong = ecs_picture_check(pool, fileno(file), (apr_off_t)length, &picture);
    fclose(file);
    return wrong;
}

#define good(bytes, k, w, h)                                                   \
    do {                                                                       \
        ck_assert_ptr_null(check(bytes, sizeof(bytes) - 1));                   \
        ck_assert_int_eq(picture.kind, k);                                     \
        ck_assert_int_eq(picture.width, w);                                    \
        ck_assert_int_eq(picture.height, h);                                   \
    } while (0)
#define bad(bytes)                                                             \
    ck_assert_str_eq(check(bytes, sizeof(bytes) - 1), ECS_PICTURE_INVALID)
#define too_large(bytes)                                                       \
    ck_assert_ptr_nonnull(strstr(check(bytes, sizeof(bytes) - 1), "megapixels"))

#define PNG(width, height)                                                     \
    "\x89PNG\r\n\x1a\n\0\0\0\xd" "IHDR" width height "\x8\2\0\0\0" "sum."
#define PNG_END "\0\0\0\0IENDsum."

START_TEST(png_says_its_size_and_its_end)
{
    good(PNG("\0\0\1\0", "\0\0\0\7") PNG_END, ECS_PICTURE_PNG, 256, 7);
    good(PNG("\0\0\0\1", "\0\0\0\1") "\0\0\0\3tEXta=bsum." PNG_END,
         ECS_PICTURE_PNG, 1, 1);
    bad(PNG("\0\0\0\1", "\0\0\0\1") PNG_END "x");
    bad(PNG("\0\0\0\1", "\0\0\0\1") "\0\0\0\4tEXta=bsum." PNG_END);
    bad(PNG("\0\0\0\1", "\0\0\0\1") "\xff\xff\xff\xfftEXta=bsum." PNG_END);
    bad(PNG("\0\0\0\1", "\0\0\0\1"));
    bad(PNG("\0\0\0\0", "\0\0\0\1") PNG_END);
    bad("\x89PNG\r\n\x1a\n\0\0\0\0IENDsum.");
    bad("\x89PNG\r\n\x1a\n");
    too_large(PNG("\0\0\x9c\x40", "\0\0\x9c\x40") PNG_END);
    too_large(PNG("\xff\xff\xff\xff", "\xff\xff\xff\xff") PNG_END);
    too_large(PNG("\0\0\x4e\x21", "\0\0\0\1") PNG_END);
    good(PNG("\0\0\x4e\x20", "\0\0\7\xd0") PNG_END, ECS_PICTURE_PNG, 20000,
         2000);
}
END_TEST

#define JPEG "\xff\xd8\xff\xe0\0\4ab"
#define FRAME(marker) "\xff" marker "\0\xb\x8\0\x10\0\x20\1\1\x11\0"
#define SCAN "\xff\xda\0\x8\1\1\0\0\x3f\0"
#define END "\xff\xd9"

START_TEST(jpeg_is_walked_to_its_end)
{
    good(JPEG FRAME("\xc0") SCAN "data\xff\0more\xff\xd3" END,
         ECS_PICTURE_JPEG, 32, 16);
    good(JPEG FRAME("\xc2") SCAN "a" SCAN "b" END, ECS_PICTURE_JPEG, 32, 16);
    good(JPEG "\xff\xff" FRAME("\xc1") SCAN "x" END, ECS_PICTURE_JPEG, 32, 16);
}
END_TEST

START_TEST(jpeg_has_an_end_and_one_frame)
{
    bad(JPEG FRAME("\xc0") SCAN "data");
    bad(JPEG FRAME("\xc0") END);
    bad(JPEG SCAN "data" END);
    bad(JPEG FRAME("\xc0") FRAME("\xc0") SCAN "data" END);
    bad(JPEG FRAME("\xc3") SCAN "data" END); /* lossless */
    bad(JPEG FRAME("\xc9") SCAN "data" END); /* arithmetic */
    bad(JPEG "\xff\xe1\0\1" FRAME("\xc0") SCAN "data" END);
    bad(JPEG "\xff\xe1\xff\xff" FRAME("\xc0") SCAN "data" END);
    bad(JPEG "\0" FRAME("\xc0") SCAN "data" END);
}
END_TEST

START_TEST(behind_a_jpeg_may_be_pictures_but_no_archive)
{
    good(JPEG FRAME("\xc0") SCAN "data" END JPEG "<!! PK <x:xmpmeta> \1\2\3",
         ECS_PICTURE_JPEG, 32, 16);
    bad(JPEG FRAME("\xc0") SCAN "data" END "PK\3\4 and so on");
    bad(JPEG FRAME("\xc0") SCAN "data" END "....<SCRIPT>....");
    bad(JPEG FRAME("\xc0") SCAN "data" END "....<?php x();..");
}
END_TEST

START_TEST(jpeg_has_a_hundred_scans_at_most)
{
    apr_size_t head = sizeof(JPEG FRAME("\xc2")) - 1, scan = sizeof(SCAN) - 1;
    char *bytes = apr_palloc(pool, head + 101 * scan + 2);
    int i;

    memcpy(bytes, JPEG FRAME("\xc2"), head);
    for (i = 0; i < 101; i++) {
        memcpy(bytes + head + (apr_size_t)i * scan, SCAN, scan);
    }
    memcpy(bytes + head + 101 * scan, END, 2);
    ck_assert_ptr_nonnull(check(bytes, head + 101 * scan + 2));
    memcpy(bytes + head + 100 * scan, END, 2);
    ck_assert_ptr_null(check(bytes, head + 100 * scan + 2));
}
END_TEST

START_TEST(webp_says_its_size_and_its_end)
{
    static const char lossy[] = "RIFF\x18\0\0\0WEBPVP8 \xc\0\0\0...\x9d\1\x2a"
                                "\x20\0\x10\0..";
    static const char lossless[] = "RIFF\x18\0\0\0WEBPVP8L\xc\0\0\0\x2f"
                                   "\x1f\xc0\3\0.......";
    static const char extended[] = "RIFF\x18\0\0\0WEBPVP8X\xa\0\0\0\0...\x1f\0"
                                   "\0\xf\0\0..";
    char other[sizeof(lossy)];

    good(lossy, ECS_PICTURE_WEBP, 32, 16);
    good(lossless, ECS_PICTURE_WEBP, 32, 16);
    good(extended, ECS_PICTURE_WEBP, 32, 16);
    memcpy(other, lossy, sizeof(lossy));
    other[4] = 0x17;
    ck_assert_ptr_null(check(other, sizeof(other) - 1)); /* padded */
    other[4] = 0x16;
    ck_assert_str_eq(check(other, sizeof(other) - 1), ECS_PICTURE_INVALID);
    other[4] = 0x19;
    ck_assert_str_eq(check(other, sizeof(other) - 1), ECS_PICTURE_INVALID);
    memcpy(other, extended, sizeof(extended));
    other[20] = 2; /* moves */
    ck_assert_str_eq(check(other, sizeof(other) - 1), ECS_PICTURE_INVALID);
}
END_TEST

START_TEST(everything_else_is_no_picture)
{
    bad("");
    bad("GIF89a\1\0\1\0 and more");
    bad("<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    bad("II*\0\x8\0\0\0 and more");
    bad("RIFF\x8\0\0\0WAVEfmt ");
    ck_assert_int_eq(ecs_picture_of_type("Image/PNG"), ECS_PICTURE_PNG);
    ck_assert_int_eq(ecs_picture_of_type("image/gif"), ECS_PICTURE_KINDS);
    ck_assert_str_eq(ecs_picture_ending(ECS_PICTURE_JPEG), "jpg");
    ck_assert_str_eq(ecs_picture_type(ECS_PICTURE_WEBP), "image/webp");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {png_says_its_size_and_its_end,
                                  jpeg_is_walked_to_its_end,
                                  jpeg_has_an_end_and_one_frame,
                                  behind_a_jpeg_may_be_pictures_but_no_archive,
                                  jpeg_has_a_hundred_scans_at_most,
                                  webp_says_its_size_and_its_end,
                                  everything_else_is_no_picture,
                                  NULL};
    TCase *tcase = tcase_create("picture");
    Suite *suite = suite_create("picture");
    int i;

    tcase_add_checked_fixture(tcase, pool_open, pool_close);
    for (i = 0; tests[i] != NULL; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
