/* SPDX-License-Identifier: MIT */
/*
 * test_mailer.c - the ways a mail can go, and whose fault it is when it does not.
 */
#include "mailer.h"
#include "../http/smtp_server.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_time.h>

#define TEXT "From: a@b.c\r\nMessage-ID: <1.2@b.c>\r\n\r\nOne\r\n.\r\n..Two\r\n"

static ecs_mail_way_t way;
static ecs_mailer_t *mailer;
static smtp_server_t *server;
static const char *error;
static int stop;

static void setup(void)
{
    pool_open();
    stop = 0;
}

static void make_mailer(const char *text)
{
    const char *wrong = ecs_mail_way_parse(pool, text, &way);

    ck_assert_msg(wrong == NULL, "%s: %s", text, wrong);
    mailer = ecs_mailer_make(pool, &way, &stop);
}

static void to_server(void)
{
    server = smtp_start(0);
    make_mailer(apr_psprintf(pool, "smtp://127.0.0.1:%d", smtp_port(server)));
}

static ecs_mailer_e send_to(const char *to)
{
    ecs_letter_t letter = {
        .from = "shop@example.org",
        .to = to,
        .name = "17",
        .text = TEXT,
        .length = strlen(TEXT),
    };

    error = NULL;
    return ecs_mailer_send(mailer, pool, &letter, &error);
}

static ecs_mailer_e send_one(void)
{
    return send_to("ann@example.com");
}

/* ---- EcsMail ---- */

START_TEST(ways_are_understood)
{
    make_mailer("none");
    ck_assert_int_eq(way.way, ECS_MAIL_NONE);
    make_mailer("dir:/tmp/x");
    ck_assert_int_eq(way.way, ECS_MAIL_DIR);
    ck_assert_str_eq(way.place, "/tmp/x");
    make_mailer("sendmail:/usr/sbin/sendmail");
    ck_assert_int_eq(way.way, ECS_MAIL_SENDMAIL);
    make_mailer("smtps://me%40x@mail.example.org:465");
    ck_assert_int_eq(way.way, ECS_MAIL_SMTP);
    ck_assert_str_eq(way.place, "smtps://mail.example.org:465");
    ck_assert_str_eq(way.user, "me@x");
    ck_assert(!way.is_near);
    make_mailer("smtp://localhost");
    ck_assert_str_eq(way.place, "smtp://localhost");
    ck_assert_ptr_null(way.user);
    ck_assert(way.is_near);
}
END_TEST

START_TEST(other_ways_are_not)
{
    static const char *const wrong[] = {
        "", "smtp", "http://x", "dir:x", "sendmail:", "smtp://u:secret@x",
        "smtp://x/path", "smtp://", "smtp://x:y",
    };
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(ecs_mail_way_parse(pool, wrong[i], &way) != NULL, "%s",
                      wrong[i]);
    }
}
END_TEST

/* ---- SMTP ---- */

START_TEST(a_mail_arrives_whole)
{
    to_server();
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    ck_assert_int_eq(smtp_count(server), 1);
    ck_assert_str_eq(smtp_to(server, 0), "ann@example.com");
    ck_assert_str_eq(smtp_text(server, 0), TEXT);
}
END_TEST

START_TEST(many_go_over_one_connection)
{
    int i;

    to_server();
    for (i = 0; i < 5; i++) {
        ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    }
    ck_assert_int_eq(smtp_connections(server), 1);
    ecs_mailer_rest(mailer);
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    ck_assert_int_eq(smtp_connections(server), 2);
    ck_assert_int_eq(smtp_count(server), 6);
}
END_TEST

/* What the server says to what, and what that means. */
START_TEST(whose_fault_it_was)
{
    static const struct {
        const char *command, *answer;
        ecs_mailer_e outcome;
    } cases[] = {
        {"RCPT", "550 5.1.1 no such user", ECS_MAILER_REFUSED},
        {"RCPT", "450 4.2.2 mailbox full", ECS_MAILER_FAILED},
        {"RCPT", "", ECS_MAILER_FAILED},
        {"DATA", "554 no", ECS_MAILER_REFUSED},
        {".", "552 too big", ECS_MAILER_REFUSED},
        {".", "451 later", ECS_MAILER_FAILED},
        {"MAIL", "550 not from you", ECS_MAILER_AWAY},
        {"MAIL", "451 later", ECS_MAILER_AWAY},
        {"greeting", "554 go away", ECS_MAILER_AWAY},
        {"greeting", "421 busy", ECS_MAILER_AWAY},
        {"EHLO", "", ECS_MAILER_AWAY},
    };
    size_t i;

    to_server();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        smtp_answer(server, cases[i].command, cases[i].answer);
        ecs_mailer_rest(mailer);
        ck_assert_msg(send_one() == cases[i].outcome, "%s: %s: %s",
                      cases[i].command, cases[i].answer, error);
        ck_assert_ptr_nonnull(error);
        if (*cases[i].answer) {
            ck_assert_msg(strstr(error, cases[i].answer + 4) != NULL, "%s",
                          error);
        }
    }
    ck_assert_int_eq(smtp_count(server), 0);
    smtp_answer(server, NULL, NULL);
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
}
END_TEST

/* One recipient's refusal is not the next one's. */
START_TEST(others_go_on)
{
    to_server();
    smtp_answer(server, "RCPT TO:<bob@", "550 who?");
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    ck_assert_int_eq(send_to("bob@example.com"), ECS_MAILER_REFUSED);
    ck_assert_int_eq(send_to("eve@example.com"), ECS_MAILER_SENT);
    ck_assert_int_eq(smtp_count(server), 2);
}
END_TEST

START_TEST(nobody_listens)
{
    to_server();
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    smtp_down(server);
    /* the connection that broke may be found broken with or without a reason */
    ck_assert_int_ne(send_one(), ECS_MAILER_SENT);
    ck_assert_int_eq(send_one(), ECS_MAILER_AWAY);
    smtp_up(server);
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
}
END_TEST

static void *stop_soon(void *unused)
{
    usleep(300000);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return NULL;
}

START_TEST(who_waits_can_be_stopped)
{
    apr_time_t began;
    pthread_t thread;

    to_server();
    smtp_slow(server, 8000);
    began = apr_time_now();
    pthread_create(&thread, NULL, stop_soon, NULL);
    ck_assert_int_eq(send_one(), ECS_MAILER_AWAY);
    pthread_join(thread, NULL);
    ck_assert(apr_time_now() - began < apr_time_from_sec(5));
    ck_assert_int_eq(send_one(), ECS_MAILER_AWAY);
}
END_TEST

/* ---- a program, a directory ---- */

static const char *scratch(void)
{
    char *path = apr_pstrdup(pool, "/tmp/ecs-mailer-XXXXXX");

    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static const char *content(const char *path)
{
    char *text = apr_pcalloc(pool, 4096);
    apr_size_t length = 4095;
    apr_file_t *file;

    ck_assert_int_eq(apr_file_open(&file, path, APR_FOPEN_READ, 0, pool),
                     APR_SUCCESS);
    apr_file_read_full(file, text, length, &length);
    return text;
}

static void make_program(const char *path, const char *script)
{
    apr_file_t *file;

    apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE
                                   | APR_FOPEN_TRUNCATE,
                  APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE,
                  pool);
    apr_file_puts(script, file);
    apr_file_close(file);
}

START_TEST(a_program_gets_the_letter)
{
    const char *place = scratch();
    const char *program = apr_pstrcat(pool, place, "/sendmail", NULL);
    const char *out = apr_pstrcat(pool, place, "/out", NULL);

    make_program(program, apr_psprintf(pool, "#!/bin/sh\necho \"$@\" >%s\n"
                                       "cat >>%s\n", out, out));
    make_mailer(apr_pstrcat(pool, "sendmail:", program, NULL));
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    ck_assert_str_eq(content(out),
                     "-i -f shop@example.org -- ann@example.com\n"
                     "From: a@b.c\nMessage-ID: <1.2@b.c>\n\nOne\n.\n..Two\n");
}
END_TEST

START_TEST(what_a_program_means)
{
    static const struct {
        int status;
        ecs_mailer_e outcome;
    } cases[] = {
        {67, ECS_MAILER_REFUSED}, {68, ECS_MAILER_REFUSED},
        {75, ECS_MAILER_FAILED},  {1, ECS_MAILER_FAILED},
        {78, ECS_MAILER_AWAY},    {64, ECS_MAILER_AWAY},
    };
    const char *program = apr_pstrcat(pool, scratch(), "/sendmail", NULL);
    size_t i;

    make_mailer(apr_pstrcat(pool, "sendmail:", program, NULL));
    ck_assert_int_eq(send_one(), ECS_MAILER_AWAY);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_program(program, apr_psprintf(pool, "#!/bin/sh\nexit %d\n",
                                           cases[i].status));
        ck_assert_msg(send_one() == cases[i].outcome, "%d: %s",
                      cases[i].status, error);
    }
    make_program(program, "#!/bin/sh\nkill -9 $$\n");
    ck_assert_int_eq(send_one(), ECS_MAILER_FAILED);
}
END_TEST

START_TEST(a_file_appears_whole)
{
    const char *place = scratch();
    struct stat info;

    make_mailer(apr_pstrcat(pool, "dir:", place, NULL));
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT);
    ck_assert_int_eq(send_one(), ECS_MAILER_SENT); /* the same file again */
    ck_assert_str_eq(content(apr_pstrcat(pool, place, "/17.eml", NULL)), TEXT);
    ck_assert_int_eq(stat(place, &info), 0);
    ck_assert_int_eq(unlink(apr_pstrcat(pool, place, "/17.eml", NULL)), 0);
    ck_assert_int_eq(rmdir(place), 0); /* nothing was left beside it */
    ck_assert_int_eq(send_one(), ECS_MAILER_AWAY);
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mailer");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, pool_close);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, ways_are_understood);
    tcase_add_test(tc, other_ways_are_not);
    tcase_add_test(tc, a_mail_arrives_whole);
    tcase_add_test(tc, many_go_over_one_connection);
    tcase_add_test(tc, whose_fault_it_was);
    tcase_add_test(tc, others_go_on);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, who_waits_can_be_stopped);
    tcase_add_test(tc, a_program_gets_the_letter);
    tcase_add_test(tc, what_a_program_means);
    tcase_add_test(tc, a_file_appears_whole);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    ecs_mailer_init();
    return unit_run(suite());
}
