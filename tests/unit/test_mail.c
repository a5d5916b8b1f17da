/* SPDX-License-Identifier: MIT */
/*
 * test_mail.c - a mail as bytes: nothing a user is called becomes a header, and
 * what is not ASCII arrives whole. The texts of mails: what is in them, and what
 * is wrong with a file.
 */
#include "mail.h"
#include "mail_template.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#define DAY apr_time_from_sec(1795435532) /* 2026-11-23 12:05:32 */

static char dir[] = "/tmp/ecs-mail-XXXXXX";

/* ---- addresses ---- */

START_TEST(addresses_are_harmless)
{
    static const char *const bad[] = {
        "", "a", "@b.c", "a@", "a@b@c", "a b@c.d", "a@b.c\n", "a@b.c\r\nTo: x",
        "<a@b.c>", "a,b@c.d", "\"a\"@b.c", "-oQ/tmp@b.c", "ä@b.c", "a@ü.c",
        "a;b@c.d", "a\\b@c.d", "a(b)@c.d",
    };
    size_t i;

    ck_assert(ecs_mail_is_address("a@b.c"));
    ck_assert(ecs_mail_is_address("o'neil+tag@mail.example.org"));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!ecs_mail_is_address(bad[i]), "%s", bad[i]);
    }
}
END_TEST

START_TEST(a_sender_has_a_name_or_none)
{
    const char *name, *address;

    ck_assert(ecs_mail_split(pool, "The Shop <s@example.org>", &name,
                             &address));
    ck_assert_str_eq(name, "The Shop");
    ck_assert_str_eq(address, "s@example.org");
    ck_assert(ecs_mail_split(pool, "s@example.org", &name, &address));
    ck_assert_str_eq(name, "");
    ck_assert(!ecs_mail_split(pool, "Shop s@example.org", &name, &address));
    ck_assert(!ecs_mail_split(pool, "Shop <s@example.org", &name, &address));
    ck_assert(!ecs_mail_split(pool, "Shop <>", &name, &address));
}
END_TEST

/* ---- the message ---- */

static const char *compose(const char *name, const char *subject,
                           const char *body)
{
    ecs_mail_t mail = {
        .from_name = "The Shop",
        .from_address = "shop@example.org",
        .to_name = name,
        .to_address = "ann@example.com",
        .subject = subject,
        .body = body,
        .id = "17.42",
        .date = DAY,
    };
    apr_size_t length = 0;
    const char *text = ecs_mail_compose(pool, &mail, &length);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(length, strlen(text));
    return text;
}

static const char *headers_of(const char *mail)
{
    const char *end = strstr(mail, "\r\n\r\n");

    ck_assert_ptr_nonnull(end);
    return apr_pstrmemdup(pool, mail, (apr_size_t)(end - mail));
}

/* Lines that do not continue another one. */
static int count_headers(const char *headers)
{
    int count = 1;

    for (headers = strstr(headers, "\r\n"); headers;
         headers = strstr(headers + 2, "\r\n")) {
        count += headers[2] != ' ';
    }
    return count;
}

START_TEST(a_mail_as_it_is)
{
    ck_assert_str_eq(
        compose("Ann \"A\" Lee", "Order created", "Hello,\nall well.\n"),
        "From: \"The Shop\" <shop@example.org>\r\n"
        "To: \"Ann \\\"A\\\" Lee\" <ann@example.com>\r\n"
        "Subject: Order created\r\n"
        "Date: Mon, 23 Nov 2026 12:05:32 +0000\r\n"
        "Message-ID: <17.42@example.org>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Hello,\r\nall well.\r\n");
}
END_TEST

START_TEST(no_name_or_subject_becomes_a_header)
{
    static const char *const evil[] = {
        "x\r\nBcc: all@example.com", "x\nBcc: all@example.com",
        "x\r\n\r\nBcc: all@example.com", "\rBcc: y", "\x01\x7f\x1b",
        "x>\r\n <y@example.com>", "=?UTF-8?B?DQpCY2M6?=",
        "x\xc2\x85y", "\xff\xfe",
    };
    int headers = count_headers(headers_of(compose("a", "b", "c")));
    size_t i;

    for (i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
        const char *mail = headers_of(compose(evil[i], evil[i], evil[i]));

        ck_assert_int_eq(count_headers(mail), headers);
        ck_assert_ptr_null(strstr(mail, "\r\nBcc"));
        ck_assert_ptr_null(strchr(mail, 127));
    }
}
END_TEST

START_TEST(an_evil_address_makes_no_mail)
{
    ecs_mail_t mail = {"", "shop@example.org", "", "a@b.c\r\nBcc: d@e.f",
                       "s", "b", "1", DAY};
    apr_size_t length;

    ck_assert_ptr_null(ecs_mail_compose(pool, &mail, &length));
}
END_TEST

START_TEST(what_is_not_ascii_is_encoded)
{
    const char *mail = compose("Ünal", "Ihre Bestellung für 5 €",
                               "Grüße\n");

    ck_assert_ptr_nonnull(
        strstr(mail, "To: =?UTF-8?B?w5xuYWw=?=\r\n <ann@example.com>\r\n"));
    ck_assert_ptr_nonnull(strstr(
        mail, "Subject: =?UTF-8?B?SWhyZSBCZXN0ZWxsdW5nIGbDvHIgNSDigqw=?="));
    ck_assert_ptr_nonnull(strstr(mail, "Encoding: quoted-printable\r\n\r\n"
                                       "Gr=C3=BC=C3=9Fe\r\n"));
}
END_TEST

START_TEST(a_file_is_read_as_it_is)
{
    ecs_mail_t mail = {"", "shop@example.org", "", "ann@example.com", "s",
                       "Gr\xc3\xbc\xc3\x9f" "e, 2 \xc3\x97 = 4 \n-- \n", "1", DAY, 1};
    apr_size_t length;
    const char *text = ecs_mail_compose(pool, &mail, &length);

    ck_assert_ptr_nonnull(strstr(text, "Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
                                       "e, 2 \xc3\x97 = 4 \r\n-- \r\n"));
    mail.body = apr_pstrcat(pool, apr_psprintf(pool, "%0999d", 1), mail.body,
                            NULL);
    text = ecs_mail_compose(pool, &mail, &length);
    ck_assert_ptr_nonnull(strstr(text, "Encoding: quoted-printable\r\n"));
}
END_TEST

static int longest_line(const char *text)
{
    int longest = 0, length = 0;

    for (; *text; text++) {
        length = *text == '\n' ? 0 : length + (*text != '\r');
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Long subjects are several encoded words, none of which cuts a character. */
START_TEST(long_headers_are_folded)
{
    char subject[601] = "", plain[601] = "";
    const char *mail, *word;
    int i;

    for (i = 0; i < 100; i++) {
        strcat(subject, i % 7 ? "€" : "€x");
        strcat(plain, i % 3 ? "word " : "words ");
    }
    mail = headers_of(compose(subject, subject, "x"));
    ck_assert_int_le(longest_line(mail), 76);
    for (word = strstr(mail, "?B?"); word; word = strstr(word + 3, "?B?")) {
        size_t length = strcspn(word + 3, "?");

        ck_assert_uint_eq(length % 4, 0);
        /* 3 bytes of a euro sign begin with 4o, never with its second byte */
        ck_assert_ptr_nonnull(strchr("4e", word[3]));
    }
    mail = headers_of(compose(plain, plain, "x"));
    ck_assert_int_le(longest_line(mail), 76);
}
END_TEST

START_TEST(bodies_keep_their_lines)
{
    char line[1200];
    const char *mail;

    mail = strstr(compose("a", "b", "one\r\ntwo\nthree \n=\n.\xc3\xa4"),
                  "\r\n\r\n");
    ck_assert_str_eq(mail, "\r\n\r\none\r\ntwo\r\nthree=20\r\n=3D\r\n"
                           ".=C3=A4\r\n");
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    mail = strstr(compose("a", "b", line), "\r\n\r\n");
    ck_assert_int_le(longest_line(mail), 76);
    ck_assert_str_eq(strstr(compose("a", "b", "\x1b[2Jx\x08"), "\r\n\r\n"),
                     "\r\n\r\n[2Jx\r\n");
}
END_TEST

/* ---- templates ---- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(apr_pstrcat(pool, dir, "/", name, NULL), "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void write_all(void)
{
    static const char *const names[] = {
        "notification", "password_reset", "email_verification", "invitation",
        "password_changed",
    };
    size_t i;

    strcpy(dir, "/tmp/ecs-mail-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        write_file(apr_pstrcat(pool, names[i], ".txt", NULL),
                   "# A comment.\n# {{not}} looked at\nSubject: {{shop}}: hi\n\n"
                   "Hello {{ name }},\r\n{{url}}{{name}}\n");
    }
}

static void remove_all(void)
{
    const char *command = apr_pstrcat(pool, "rm -r ", dir, NULL);

    ck_assert_int_eq(system(command), 0);
}

static ecs_mail_templates_t *load(const char **error)
{
    return ecs_mail_templates_load(pool, dir, "order_created low_stock",
                                   error);
}

START_TEST(words_are_filled_in)
{
    const char *error, *subject, *body;
    ecs_mail_templates_t *templates;
    json_t *words = json_pack("{s:s, s:s, s:s}", "shop", "S", "name",
                              "{{url}}", "url", "http://x");

    write_all();
    write_file("low_stock.txt", "Subject: {{title}}\n\n{{message}}");
    templates = load(&error);
    ck_assert_msg(templates != NULL, "%s", error);
    ck_assert(ecs_mail_template_fill(templates, pool, "notification",
                                     "order_created", words, &subject, &body));
    ck_assert_str_eq(subject, "S: hi");
    ck_assert_str_eq(body, "Hello {{url}},\nhttp://x{{url}}\n");
    ck_assert(ecs_mail_template_fill(templates, pool, "notification",
                                     "low_stock", words, &subject, &body));
    ck_assert_str_eq(subject, "");
    ck_assert_str_eq(body, "\n");
    ck_assert(ecs_mail_template_fill(templates, pool, "invitation", NULL,
                                     words, &subject, &body));
    ck_assert(!ecs_mail_template_fill(templates, pool, "gossip", NULL, words,
                                      &subject, &body));
    json_decref(words);
    remove_all();
}
END_TEST

START_TEST(mistakes_are_found_when_loading)
{
    static const struct {
        const char *file, *text, *complaint;
    } wrong[] = {
        {"notification.txt", "Subject: x\n\nHi {{token}}\n",
         "notification.txt line 3: there is no {{token}}"},
        {"invitation.txt", "# c\nSubject: {{titel}}\n\nx", "line 2: there is"},
        {"password_reset.txt", "Hello\n", "line 1: the first line"},
        {"password_reset.txt", "# only this\n", "the first line"},
        {"password_reset.txt", "", "the first line"},
        {"password_reset.txt", "Subject: x\nHello\n", "line 2: an empty line"},
        {"password_reset.txt", "Subject: x\n\na\n{{name\n}}", "line 4: {{"},
        {"password_reset.txt", "Subject: x\n\n\xff", "not text in UTF-8"},
        {"low_stock.txt", "Subject: {{token}}\n\n", "there is no {{token}}"},
    };
    const char *error;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_all();
        write_file(wrong[i].file, wrong[i].text);
        ck_assert_ptr_null(load(&error));
        ck_assert_msg(strstr(error, wrong[i].complaint) != NULL, "%s", error);
        remove_all();
    }
    write_all();
    unlink(apr_pstrcat(pool, dir, "/invitation.txt", NULL));
    ck_assert_ptr_null(load(&error));
    ck_assert_msg(strstr(error, "cannot read the template") != NULL
                      && strstr(error, "invitation.txt") != NULL,
                  "%s", error);
    remove_all();
}
END_TEST

/* Those that come with the shop. */
START_TEST(our_own_texts_are_good)
{
    const char *error;

    ck_assert_msg(ecs_mail_templates_load(pool, "conf/mail", "", &error)
                      != NULL, "%s", error);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_add_test(tc, addresses_are_harmless);
    tcase_add_test(tc, a_sender_has_a_name_or_none);
    tcase_add_test(tc, a_mail_as_it_is);
    tcase_add_test(tc, no_name_or_subject_becomes_a_header);
    tcase_add_test(tc, an_evil_address_makes_no_mail);
    tcase_add_test(tc, what_is_not_ascii_is_encoded);
    tcase_add_test(tc, a_file_is_read_as_it_is);
    tcase_add_test(tc, long_headers_are_folded);
    tcase_add_test(tc, bodies_keep_their_lines);
    tcase_add_test(tc, words_are_filled_in);
    tcase_add_test(tc, mistakes_are_found_when_loading);
    tcase_add_test(tc, our_own_texts_are_good);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
