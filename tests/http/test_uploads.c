/* SPDX-License-Identifier: MIT */
/*
 * test_uploads.c - uploads that go wrong: what is no picture, is too large,
 * too slow or too much at once, or dies on the way; and what is left of it.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pictures.h"
#include "processes.h"
#include "shop.h"
#include "support.h"
#include "uploads.h"

#define NO_PICTURE "Upload a valid image."
#define UPLOADS 8                /* at the same time */
#define GROWTH_KB_MAX (8 * 1024) /* of all of httpd's children together */
#define SLOW_SECONDS_MAX 25.0    /* until a body that does not come is given up */

/* --- what is refused ------------------------------------------------------ */

typedef struct bad_t {
    const char *what;
    file_t file;
    const char *message;
} bad_t;

static void refuse_both_ways(const actor_t *seller, long long id,
                             const bad_t *bad)
{
    reply_t *replies[2];
    int i;

    replies[0] = upload_body(seller, id, bad->file);
    replies[1] = upload_form(seller, id, bad->file);
    for (i = 0; i < 2; i++) {
        const char *message = text_at(replies[i], "image.0");

        ck_assert_msg(replies[i]->status == 400 && message != NULL
                          && strstr(message, bad->message) != NULL,
                      "%s: %d %s", bad->what, replies[i]->status,
                      replies[i]->body);
    }
}

START_TEST(what_is_no_picture_is_refused)
{
    static const char page[] = "<html><script>alert(1)</script></html>";
    static const char archive[] = "PK\3\4 and so on, an archive of Java";
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    const bad_t bad[] = {
        {"a bomb of pixels", png_head(40000, 40000), "40000 x 40000"},
        {"a long bomb", png_head(30000, 1), "no side over 20000"},
        {"a wide bomb", png_head(0x7fffffff, 0x7fffffff), "megapixels"},
        {"no pixels", png_head(0, 5), NO_PICTURE},
        {"a head without its pixels", png_head(6000, 6000), NO_PICTURE},
        {"a page behind a PNG", with_tail(png(9, 9), page, sizeof(page)),
         NO_PICTURE},
        {"a page behind a JPEG", with_tail(photo(), page, sizeof(page)),
         NO_PICTURE},
        {"an archive behind a JPEG",
         with_tail(photo(), archive, sizeof(archive)), NO_PICTURE},
        {"an archive behind a WebP",
         with_tail(webp(), archive, sizeof(archive)), NO_PICTURE},
        {"a GIFAR",
         with_tail(text_file("image/gif", "GIF89a\1"), archive,
                   sizeof(archive)), NO_PICTURE},
        {"an SVG", text_file("image/svg+xml", "<svg xmlns=\"http://www.w3.org/"
                             "2000/svg\"><script>alert(1)</script></svg>"),
         NO_PICTURE},
        {"a page", text_file("image/png", page), NO_PICTURE},
        {"half a PNG", cut(noisy_png(50, 50), 4000), NO_PICTURE},
        {"a PNG without its end", cut(png(9, 9), 12), NO_PICTURE},
        {"half a JPEG", cut(photo(), 30), NO_PICTURE},
        {"half a WebP", cut(webp(), 100), NO_PICTURE},
        {"a bomb in TIFF", text_file("image/tiff", "II*\b with some more"),
         NO_PICTURE},
    };
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refuse_both_ways(seller, id, &bad[i]);
    }
    ck_assert(sql_true("SELECT images::text = '[]' FROM ecs.products "
                       "WHERE id = %lld", id));
    spool_is_empty();
}
END_TEST

/* A flipped byte inside: structure and end are right, the pixels are not. */
START_TEST(a_broken_picture_is_refused)
{
    actor_t *seller = person("seller", NULL);
    file_t file = noisy_png(50, 50);
    bad_t bad = {"a PNG with a wrong byte", file, NO_PICTURE};

    ((char *)file.bytes)[2000] ^= 0x55;
    refuse_both_ways(seller, pending_product(seller), &bad);
}
END_TEST

START_TEST(a_form_has_one_picture_and_no_more)
{
    actor_t *seller = person("seller", NULL);
    const char *path = images_of(pending_product(seller));
    const char *type = "multipart/form-data; boundary=b";

    invalid(http(.method = "POST", .path = path, .who = seller, .type = type,
                 .body = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n"
                         "\r\n1\r\n--b--"), "x");
    invalid(http(.method = "POST", .path = path, .who = seller, .type = type,
                 .body = "--b--"), "image");
    invalid(http(.method = "POST", .path = path, .who = seller, .type = type,
                 .body = "--b\r\nContent-Disposition: form-data; "
                         "name=\"image\"\r\n\r\ntext\r\n--b--"), "image");
    refused(http(.method = "POST", .path = path, .who = seller, .type = type,
                 .body = "--b\r\nContent-Disposition: form-data; "
                         "name=\"image\"; filename=\"a\"\r\n\r\ntext"), 400,
            "parse_error");
    invalid(http(.method = "POST", .path = path, .who = seller, .body = "{}"),
            "image");
    invalid(http(.method = "POST", .path = path, .who = seller), "image");
    refused(http(.method = "POST", .path = path, .who = seller,
                 .type = "text/plain", .body = "text"), 415,
            "unsupported_media_type");
}
END_TEST

/* Forms in multipart are good for every flat set of fields. */
START_TEST(other_routes_take_forms_too)
{
    actor_t *who = person("user", NULL);
    reply_t *r = http(.method = "PATCH", .path = "/api/accounts/me/",
                      .who = who, .type = "multipart/form-data; boundary=b",
                      .body = "--b\r\nContent-Disposition: form-data; "
                              "name=\"city\"\r\n\r\nAleppo\r\n--b--");

    same(expect(r, 200), "city", "Aleppo");
    invalid(http(.method = "PATCH", .path = "/api/accounts/me/", .who = who,
                 .type = "multipart/form-data; boundary=b",
                 .body = "--b\r\nContent-Disposition: form-data; "
                         "name=\"city\"; filename=\"x\"\r\n\r\nAleppo\r\n"
                         "--b--"), "city");
}
END_TEST

/* --- too large, too slow, too many ---------------------------------------- */

static int connect_to_shop(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((unsigned short)atoi(strrchr(http_base(), ':')
                                                  + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
                             sizeof(address)), 0);
    return fd;
}

static const char *upload_head(const actor_t *who, long long id, long length)
{
    return fmt("POST %s HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer %s\r\n"
               "Content-Type: image/png\r\nContent-Length: %ld\r\n\r\n",
               images_of(id), who->access, length);
}

/* Send that, and wait for the beginning of an answer. */
static const char *answer_to(const char *bytes, double seconds)
{
    char *answer = grab(1000);
    int fd = connect_to_shop();
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    ck_assert_int_gt(write(fd, bytes, strlen(bytes)), 0);
    if (poll(&ready, 1, (int)(seconds * 1000)) == 1) {
        ck_assert_int_ge(read(fd, answer, 999), 0);
    }
    close(fd);
    return answer;
}

START_TEST(a_body_of_100_mb_is_not_read)
{
    actor_t *seller = person("seller", NULL);
    const char *head = upload_head(seller, pending_product(seller),
                                   100L * 1024 * 1024);
    double start = seconds_now();
    const char *answer = answer_to(head, 5);

    ck_assert_msg(strncmp(answer, "HTTP/1.1 413", 12) == 0, "%s", answer);
    ck_assert_ptr_nonnull(strcasestr(answer, "Connection: close"));
    ck_assert_msg(seconds_now() - start < 2, "%.1f s", seconds_now() - start);
}
END_TEST

START_TEST(a_body_that_grows_too_large_is_cut_off)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    size_t length = 9 * 1024 * 1024;
    file_t file = {"image/png", grab(length), length};
    request_t request = as_body("POST", images_of(id), seller, file);

    request.headers[0] = "Transfer-Encoding: chunked";
    request.flags = HTTP_MAY_FAIL | HTTP_UNCHECKED;
    ck_assert_int_ne(http_send(&request)->status, 201);
    request = as_form("POST", images_of(id), seller, file);
    request.flags = HTTP_MAY_FAIL | HTTP_UNCHECKED;
    ck_assert_int_ne(http_send(&request)->status, 201);
    spool_is_empty();
}
END_TEST

START_TEST(a_body_that_does_not_come_is_given_up)
{
    actor_t *seller = person("seller", NULL);
    const char *head = upload_head(seller, pending_product(seller), 100000);
    double start = seconds_now();
    const char *answer = answer_to(head, SLOW_SECONDS_MAX);

    ck_assert_msg(strncmp(answer, "HTTP/1.1 408", 12) == 0, "%.0f s: %s",
                  seconds_now() - start, answer);
    spool_is_empty();
}
END_TEST

START_TEST(parallel_uploads_take_little_memory)
{
    request_t requests[UPLOADS];
    reply_t *replies[UPLOADS];
    actor_t *seller = person("seller", NULL);
    long before, peak;
    int i, round;

    for (i = 0; i < UPLOADS; i++) {
        file_t file = noisy_png(1600, 1700);

        ck_assert_int_gt(file.length, 8000000);
        ck_assert_int_lt(file.length, 8 * 1024 * 1024);
        requests[i] = as_body("POST", images_of(pending_product(seller)),
                              seller, file);
    }
    /* The first round warms up threads and buffers that stay. */
    for (round = 0; round < 2; round++) {
        forget_peaks();
        before = memory_kb("VmRSS:");
        http_parallel(requests, replies, UPLOADS);
        peak = memory_kb("VmHWM:");
        for (i = 0; i < UPLOADS; i++) {
            expect(replies[i], 201);
        }
        printf("8 uploads of 8 MB: httpd %ld KB before, %ld KB at most\n",
               before, peak);
        if (!is_slow()) { /* sanitizers keep what is freed */
            ck_assert_msg(peak - before <= GROWTH_KB_MAX, "%ld KB more",
                          peak - before);
        }
    }
    spool_is_empty();
}
END_TEST

/* Ten of 5 MB are more than one request to another route may bring. */
START_TEST(many_large_pictures_come_at_once)
{
    actor_t *seller = person("seller", NULL);
    file_t files[10];
    request_t request;
    reply_t *r;
    int i;

    for (i = 0; i < 10; i++) {
        files[i] = noisy_png(1300, 1300);
    }
    request = product_form(seller, files, 10);
    ck_assert_int_gt(request.length, 50000000);
    r = expect(http_send(&request), 201);
    ck_assert_int_eq(length_at(r, "images"), 10);
    for (i = 0; i < 10; i++) {
        same(r, fmt("images.%d.width", i), "1300");
    }
}
END_TEST

/* --- what dies on the way ------------------------------------------------- */

/* A helper that is at work now, and the child of httpd that started it. */
static long find_helper(long *child)
{
    long children[CHILDREN_MAX], helpers[CHILDREN_MAX];
    int tries, count, i;

    for (tries = 0; tries < 2000; tries++) {
        count = children_of(parent_pid(), children);
        for (i = 0; i < count; i++) {
            if (children_of(children[i], helpers) > 0) {
                *child = children[i];
                return helpers[0];
            }
        }
        usleep(2000);
    }
    return 0;
}

/* An upload in a process of its own; its exit status is the reply's / 100. */
static pid_t upload_aside(const actor_t *seller, long long id)
{
    file_t file = noisy_png(1600, 1700);
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        request_t request = as_body("POST", images_of(id), seller, file);

        request.flags = HTTP_UNCHECKED | HTTP_MAY_FAIL;
        _exit(http_send(&request)->status / 100);
    }
    return pid;
}

static int outcome_of(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

START_TEST(a_killed_helper_leaves_nothing)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    pid_t upload = upload_aside(seller, id);
    long child, helper = find_helper(&child);

    ck_assert_int_gt(helper, 0);
    kill((pid_t)helper, SIGKILL);
    ck_assert_int_eq(outcome_of(upload), 5);
    spool_is_empty();
    ck_assert(sql_true("SELECT images::text = '[]' FROM ecs.products "
                       "WHERE id = %lld", id));
    expect(upload_body(seller, id, png(2, 2)), 201);
}
END_TEST

/* One that nobody has buried yet is not. */
static int is_running(long pid)
{
    const char *status = file_text(fmt("/proc/%ld/status", pid));

    return *status != '\0' && strstr(status, "State:\tZ") == NULL;
}

START_TEST(a_killed_child_of_httpd_leaves_nothing_for_long)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    reply_t *kept = expect(upload_body(seller, id, png(2, 2)), 201);
    pid_t upload = upload_aside(seller, id);
    long child, helper = find_helper(&child);
    int tries;

    ck_assert_int_gt(helper, 0);
    kill((pid_t)child, SIGKILL);
    ck_assert_int_eq(outcome_of(upload), 0);
    for (tries = 0; tries < 100 && is_running(helper); tries++) {
        usleep(20000);
    }
    ck_assert_msg(!is_running(helper), "the helper outlives httpd");
    ck_assert_int_gt(files_in("spool"), 0);
    media_clean(3600);
    ck_assert_int_gt(files_in("spool"), 0);
    media_clean(0);
    ck_assert_int_eq(files_in("spool"), 0);
    fetch_file(text_at(kept, "images.0.url"));
    fetch_file(text_at(kept, "images.0.thumbnail_url"));
    expect(upload_body(seller, id, png(2, 2)), 201);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_no_picture_is_refused,
                                  a_broken_picture_is_refused,
                                  a_form_has_one_picture_and_no_more,
                                  other_routes_take_forms_too,
                                  a_body_of_100_mb_is_not_read,
                                  a_body_that_grows_too_large_is_cut_off,
                                  a_body_that_does_not_come_is_given_up,
                                  parallel_uploads_take_little_memory,
                                  many_large_pictures_come_at_once,
                                  a_killed_helper_leaves_nothing,
                                  a_killed_child_of_httpd_leaves_nothing_for_long,
                                  NULL};

    return suite_run("uploads", tests, 90);
}
