/* SPDX-License-Identifier: MIT */
/*
 * test_multipart.c - the same forms whole and byte by byte, and forms that are
 * none.
 */
#include "multipart.h"
#include "unit.h"

#include <string.h>

#include <apr_strings.h>

static char *seen; /* "name[:type][*]=data;" of each part */

static const char *begin(void *baton, const ecs_multipart_part_t *part)
{
    seen = apr_pstrcat(pool, seen, part->name, part->type ? ":" : "",
                       part->type ? part->type : "", part->is_file ? "*" : "",
                       "=", NULL);
    return strcmp(part->name, "unwanted") == 0 ? "Not this one." : NULL;
}

static const char *data(void *baton, const char *bytes, apr_size_t length)
{
    seen = apr_pstrcat(pool, seen, apr_pstrmemdup(pool, bytes, length), NULL);
    return NULL;
}

static const char *end(void *baton)
{
    seen = apr_pstrcat(pool, seen, ";", NULL);
    return NULL;
}

static const ecs_multipart_taker_t taker = {begin, data, end};

/* Read a form in pieces of that size; NULL or what is wrong. */
static const char *read_in(const char *form, apr_size_t length,
                           apr_size_t piece)
{
    ecs_multipart_t *parser = ecs_multipart_make(pool, "XX", &taker, NULL);
    const char *wrong = NULL;
    apr_size_t done;

    seen = apr_pstrdup(pool, "");
    for (done = 0; done < length && wrong == NULL; done += piece) {
        apr_size_t now = length - done < piece ? length - done : piece;

        wrong = ecs_multipart_push(parser, form + done, now);
    }
    return wrong ? wrong : ecs_multipart_finish(parser);
}

static void reads(const char *form, const char *parts)
{
    apr_size_t length = strlen(form), piece;

    for (piece = 1; piece <= length; piece++) {
        const char *wrong = read_in(form, length, piece);

        ck_assert_msg(wrong == NULL, "%s in pieces of %d: %s", form,
                      (int)piece, wrong);
        ck_assert_str_eq(seen, parts);
    }
}

static void refuses(const char *form, const char *why)
{
    apr_size_t length = strlen(form), piece;

    for (piece = 1; piece <= length; piece++) {
        const char *wrong = read_in(form, length, piece);

        ck_assert_msg(wrong != NULL && strstr(wrong, why) != NULL,
                      "%s in pieces of %d: %s", form, (int)piece, wrong);
    }
}

#define PART(name, text)                                                       \
    "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n" text "\r\n"

START_TEST(a_form_is_read_in_pieces_of_any_size)
{
    reads("--XX\r\n" PART("a", "1") "--XX\r\n" PART("b", "two") "--XX--\r\n",
          "a=1;b=two;");
    reads("--XX\r\nContent-Disposition: form-data; filename=\"x;name=y.png\"; "
          "name=image\r\ncontent-type: image/png\r\n\r\nPNG\r\n--XX--",
          "image:image/png*=PNG;");
    reads("preamble\r\n--XX \t\r\n" PART("a", "1") "--XX--epilogue\r\n--XX",
          "a=1;");
}
END_TEST

START_TEST(data_may_look_like_a_boundary)
{
    reads("--XX\r\n" PART("a", "\r\n--X\r\n--\r\r\n--XY--XX") "--XX--",
          "a=\r\n--X\r\n--\r\r\n--XY--XX;");
    reads("--XX\r\n" PART("a", "--X") "--XX--", "a=--X;");
    reads("--XX\r\n" PART("a", "\r\n") "--XX--", "a=\r\n;");
    reads("--XX\r\n" PART("a", "x\r") "--XX--", "a=x\r;");
}
END_TEST

START_TEST(parts_may_be_empty)
{
    reads("--XX\r\n" PART("a", "") "--XX\r\n" PART("b", "") "--XX--",
          "a=;b=;");
    /* The line break of the empty line is the delimiter's, too. */
    reads("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--",
          "a=;");
    reads("--XX--", "");
}
END_TEST

START_TEST(broken_forms_are_refused)
{
    refuses("", "ends before");
    refuses("--XX", "ends before");
    refuses("--XX\r\n" PART("a", "1"), "ends before");
    refuses("--XX\r\n" PART("a", "1") "--XX\r\n", "ends before");
    refuses("--XXX\r\n" PART("a", "1") "--XX--", "behind a boundary");
    refuses("--XX\r\n\r\nno header\r\n--XX--", "no name");
    refuses("--XX\r\n" PART("", "1") "--XX--", "no name");
    refuses("--XX\r\n" PART("a b", "1") "--XX--", "no name");
    refuses("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--XX--",
            "no form-data");
    refuses("--XX\r\nContent-Disposition: form-data; name=a\r\n"
            "Content-Disposition: form-data; name=b\r\n\r\n\r\n--XX--",
            "two names");
    refuses("--XX\r\n" PART("unwanted", "1") "--XX--", "Not this one");
}
END_TEST

START_TEST(limits_hold)
{
    const char *form = "";
    char *longer = apr_palloc(pool, ECS_MULTIPART_HEADER_MAX + 100);
    int i;

    for (i = 0; i < ECS_MULTIPART_PARTS_MAX; i++) {
        form = apr_pstrcat(pool, form, "--XX\r\n" PART("a", ""), NULL);
    }
    ck_assert_ptr_null(read_in(apr_pstrcat(pool, form, "--XX--", NULL),
                               strlen(form) + 6, 1000));
    form = apr_pstrcat(pool, form, "--XX\r\n" PART("a", "") "--XX--", NULL);
    ck_assert_str_eq(read_in(form, strlen(form), 1000),
                     "There are too many parts.");

    memset(longer, 'x', ECS_MULTIPART_HEADER_MAX + 99);
    memcpy(longer, "--XX\r\n", 6);
    ck_assert_str_eq(read_in(longer, ECS_MULTIPART_HEADER_MAX + 99, 1000),
                     "A part's header is too long.");

    memset(longer, 'x', ECS_MULTIPART_NAME_MAX + 1);
    longer[ECS_MULTIPART_NAME_MAX + 1] = '\0';
    form = apr_pstrcat(pool, "--XX\r\nContent-Disposition: form-data; name=",
                       longer, "\r\n\r\n\r\n--XX--", NULL);
    ck_assert_ptr_nonnull(read_in(form, strlen(form), 1000));
    longer[ECS_MULTIPART_NAME_MAX] = '\0';
    form = apr_pstrcat(pool, "--XX\r\nContent-Disposition: form-data; name=",
                       longer, "\r\n\r\n\r\n--XX--", NULL);
    ck_assert_ptr_null(read_in(form, strlen(form), 1000));
}
END_TEST

START_TEST(a_null_character_ends_no_header)
{
    static const char form[] = "--XX\r\nContent-Disposition: form-data; "
                               "name=a\0b\r\n\r\n1\r\n--XX--";

    ck_assert_str_eq(read_in(form, sizeof(form) - 1, 7),
                     "A part's header has a null character.");
}
END_TEST

START_TEST(boundaries_come_from_the_media_type)
{
    const char *type = "multipart/form-data; boundary=";
    const char *seventy = "0123456789012345678901234567890123456789"
                          "012345678901234567890123456789";

    ck_assert_str_eq(
        ecs_multipart_boundary(pool, "Multipart/Form-Data; charset=\"a;b\";"
                                     " BOUNDARY=\"a b\""),
        "a b");
    ck_assert_str_eq(ecs_multipart_boundary(
                         pool, apr_pstrcat(pool, type, seventy, NULL)),
                     seventy);
    ck_assert_ptr_null(ecs_multipart_boundary(
        pool, apr_pstrcat(pool, type, seventy, "0", NULL)));
    ck_assert_ptr_null(ecs_multipart_boundary(pool, type));
    ck_assert_ptr_null(ecs_multipart_boundary(
        pool, "multipart/form-data; boundary=\"a\r\n\""));
    ck_assert_ptr_null(ecs_multipart_boundary(
        pool, "multipart/form-data; boundary=\"open"));
    ck_assert_ptr_null(ecs_multipart_boundary(
        pool, "multipart/form-data; boundary=\"blank \""));
    ck_assert_ptr_null(ecs_multipart_boundary(pool, "multipart/form-data"));
    ck_assert_ptr_null(
        ecs_multipart_boundary(pool, "multipart/form-datax; boundary=a"));
    ck_assert_ptr_null(
        ecs_multipart_boundary(pool, "multipart/mixed; boundary=a"));
    ck_assert_ptr_null(ecs_multipart_boundary(pool, NULL));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_form_is_read_in_pieces_of_any_size,
                                  data_may_look_like_a_boundary,
                                  parts_may_be_empty,
                                  broken_forms_are_refused,
                                  limits_hold,
                                  a_null_character_ends_no_header,
                                  boundaries_come_from_the_media_type,
                                  NULL};
    TCase *tcase = tcase_create("multipart");
    Suite *suite = suite_create("multipart");
    int i;

    tcase_add_checked_fixture(tcase, pool_open, pool_close);
    for (i = 0; tests[i] != NULL; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
