/* SPDX-License-Identifier: MIT */
/*
 * test_images.c - pictures of products and people: what goes in, what comes
 * out, what is refused, and what is left when something dies on the way.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pictures.h"
#include "processes.h"
#include "support.h"
#include "shop.h"

#define ME_IMAGE "/api/accounts/me/image/"
#define NO_PICTURE "Upload a valid image."
#define UPLOADS 8                /* at the same time */
#define GROWTH_KB_MAX (8 * 1024) /* of all of httpd's children together */
#define SLOW_SECONDS_MAX 25.0    /* until a body that does not come is given up */
#define MEDIA_FILE_SIZES 3

static const char *images_of(long long product)
{
    return fmt("/api/product/products/%lld/images/", product);
}

static reply_t *send_body(const actor_t *who, long long product, file_t file)
{
    request_t request = as_body("POST", images_of(product), who, file);

    return http_send(&request);
}

static reply_t *send_form(const actor_t *who, long long product, file_t file)
{
    request_t request = as_form("POST", images_of(product), who, file);

    return http_send(&request);
}

static long long new_product(const actor_t *seller)
{
    return product_in(seller, "5.00", 5, "PENDING");
}

/* A file of the shop, as a browser gets it. */
static reply_t *fetch(const char *url)
{
    reply_t *reply = http(.method = "GET", .path = url,
                          .flags = HTTP_UNCHECKED);

    ck_assert_msg(reply->status == 200, "%s: %d", url, reply->status);
    return reply;
}

/* A page of the site about what is not there is no picture. */
static int is_there(const char *url)
{
    reply_t *reply = http(.method = "GET", .path = url,
                          .flags = HTTP_UNCHECKED);
    const char *type = header(reply, "Content-Type");

    return reply->status == 200 && type != NULL &&
           strncmp(type, "image/", 6) == 0;
}

static int contains(const reply_t *reply, const char *word)
{
    return memmem(reply->body, reply->length, word, strlen(word)) != NULL;
}

/* --- the directory, as the server sees it -------------------------------- */

static int files_in(const char *folder)
{
    DIR *open = opendir(fmt("%s/%s", setting("ECS_MEDIA_DIR"), folder));
    struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(open);
    for (entry = readdir(open); entry != NULL; entry = readdir(open)) {
        count += entry->d_name[0] != '.';
    }
    closedir(open);
    return count;
}

/* Leave the machine a moment until the spool is empty. */
static void spool_is_empty(void)
{
    int tries;

    for (tries = 0; tries < 100 && files_in("spool") > 0; tries++) {
        usleep(50000);
    }
    ck_assert_int_eq(files_in("spool"), 0);
}

/* `ecsctl media-clean`, from beside this program. */
static void clean(int grace)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *line;

    ck_assert_int_gt(length, 0);
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    line = fmt("'%s/../../ecsctl' media-clean --dir '%s' --grace %d "
               ">/dev/null", self, setting("ECS_MEDIA_DIR"), grace);
    ck_assert_int_eq(system(line), 0);
}

/* --- httpd's processes ---------------------------------------------------- */

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

/* --- what comes out ------------------------------------------------------ */

START_TEST(a_photo_does_not_tell_where_it_was_taken)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller);
    file_t file = photo();
    const char *const sizes[] = {"url", "medium_url", "thumbnail_url"};
    reply_t *r;
    size_t i;

    ck_assert_ptr_nonnull(memmem(file.bytes, file.length, GPS_MARK,
                                 strlen(GPS_MARK)));
    r = expect(send_body(seller, id, file), 201);
    ck_assert_int_eq(length_at(r, "images"), 1);
    /* The camera lay on its side. */
    same(r, "images.0.width", "16");
    same(r, "images.0.height", "24");
    for (i = 0; i < 3; i++) {
        reply_t *out = fetch(text_at(r, fmt("images.0.%s", sizes[i])));

        ck_assert_int_eq(memcmp(out->body, "\xff\xd8\xff", 3), 0);
        ck_assert(!contains(out, GPS_MARK) && !contains(out, "Exif"));
        ck_assert_str_eq(header(out, "Content-Type"), "image/jpeg");
    }
    r = expect(send_body(seller, id, webp()), 201);
    for (i = 0; i < 3; i++) {
        reply_t *out = fetch(text_at(r, fmt("images.1.%s", sizes[i])));

        ck_assert_str_eq(header(out, "Content-Type"), "image/webp");
        ck_assert(!contains(out, "EXIF") && !contains(out, "Exif"));
    }
}
END_TEST

static long side_of(const reply_t *png_file, size_t at_byte)
{
    const unsigned char *b = (const unsigned char *)png_file->body + at_byte;

    return (long)b[0] << 24 | (long)b[1] << 16 | (long)b[2] << 8 | (long)b[3];
}

START_TEST(a_picture_comes_in_three_sizes)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller);
    reply_t *r = expect(send_form(seller, id, png(5000, 2500)), 201);
    reply_t *out;

    same(r, "images.0.width", "4096");
    same(r, "images.0.height", "2048");
    out = fetch(text_at(r, "images.0.url"));
    ck_assert_int_eq(side_of(out, 16), 4096);
    out = fetch(text_at(r, "images.0.medium_url"));
    ck_assert_int_eq(side_of(out, 16), 1024);
    ck_assert_int_eq(side_of(out, 20), 512);
    out = fetch(text_at(r, "images.0.thumbnail_url"));
    ck_assert_int_eq(side_of(out, 16), 320);
    ck_assert_int_eq(side_of(out, 20), 160);
    expect(get(NULL, fmt("/api/product/products/%lld/", id)), 404);
    same(get(seller, fmt("/api/product/products/%lld/", id)), "images.0.width",
         "4096");
    spool_is_empty();
}
END_TEST

START_TEST(files_are_static_and_for_ever)
{
    actor_t *seller = person("seller", NULL);
    reply_t *r = expect(send_body(seller, new_product(seller), png(3, 3)), 201);
    const char *url = text_at(r, "images.0.url");
    reply_t *out = fetch(url);

    ck_assert_str_eq(header(out, "Cache-Control"),
                     "public, max-age=31536000, immutable");
    ck_assert_str_eq(header(out, "X-Content-Type-Options"), "nosniff");
    ck_assert_ptr_nonnull(strstr(header(out, "Content-Security-Policy"),
                                 "sandbox"));
    ck_assert_ptr_nonnull(header(out, "Last-Modified"));
    /* Nothing else of the directory is to be seen. */
    ck_assert(!is_there("/media/"));
    ck_assert(!is_there("/media/spool/"));
    ck_assert(!is_there(fmt("/media/%.2s/", url + strlen("/media/"))));
    ck_assert(!is_there("/media/../key"));
    ck_assert(!is_there("/media/%2e%2e/key"));
    ck_assert(!is_there(fmt("%s/", url)));
    ck_assert(!is_there(fmt("%s.php", url)));
}
END_TEST

START_TEST(the_same_picture_is_stored_once)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = new_product(seller);
    file_t file = png(30, 30);
    reply_t *first = expect(send_body(seller, id, file), 201);
    reply_t *second = expect(send_form(other, new_product(other), file), 201);

    ck_assert_str_eq(text_at(first, "images.0.url"),
                     text_at(second, "images.0.url"));
    second = expect(send_body(seller, id, file), 201);
    ck_assert_int_eq(length_at(second, "images"), 1);
}
END_TEST

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

    replies[0] = send_body(seller, id, bad->file);
    replies[1] = send_form(seller, id, bad->file);
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
    long long id = new_product(seller);
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
    refuse_both_ways(seller, new_product(seller), &bad);
}
END_TEST

START_TEST(the_content_tells_what_it_is)
{
    actor_t *seller = person("seller", NULL);
    file_t file = png(4, 4);
    reply_t *r;

    file.type = "image/jpeg";
    r = expect(send_body(seller, new_product(seller), file), 201);
    ck_assert_ptr_nonnull(strstr(text_at(r, "images.0.url"), ".png"));
}
END_TEST

START_TEST(a_form_has_one_picture_and_no_more)
{
    actor_t *seller = person("seller", NULL);
    const char *path = images_of(new_product(seller));
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
    const char *head = upload_head(seller, new_product(seller),
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
    long long id = new_product(seller);
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
    const char *head = upload_head(seller, new_product(seller), 100000);
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
        requests[i] = as_body("POST", images_of(new_product(seller)), seller,
                              file);
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

START_TEST(a_product_has_ten_pictures)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller), first;
    reply_t *r;
    int i;

    for (i = 1; i <= 10; i++) {
        r = expect(send_body(seller, id, png(2, 2)), 201);
        ck_assert_int_eq(length_at(r, "images"), i);
    }
    first = int_at(r, "images.0.id");
    refused(send_body(seller, id, png(2, 2)), 409, "too_many_images");
    expect(delete (seller, fmt("%s%lld/", images_of(id), first)), 204);
    r = expect(send_form(seller, id, png(2, 2)), 201);
    ck_assert_int_eq(length_at(r, "images"), 10);
}
END_TEST

/* --- whose picture, and which --------------------------------------------- */

START_TEST(other_sellers_products_are_not_there)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = new_product(seller), image;
    reply_t *r = expect(send_body(seller, id, png(2, 2)), 201);

    image = int_at(r, "images.0.id");
    refused(send_body(other, id, png(2, 2)), 404, "not_found");
    refused(send_form(other, id, png(2, 2)), 404, "not_found");
    refused(delete (other, fmt("%s%lld/", images_of(id), image)), 404,
            "not_found");
    refused(patch(other, images_of(id), fmt("{\"images\": [%lld]}", image)), 404,
            "not_found");
    refused(delete (seller, fmt("%s%lld/", images_of(new_product(seller)),
                                image)), 404, "not_found");
    refused(send_body(person("user", NULL), id, png(2, 2)), 403,
            "permission_denied");
    r = send_body(NULL, id, png(2, 2));
    refused(r, 401, "not_authenticated");
}
END_TEST

static reply_t *put_order(const actor_t *who, long long product,
                          long long first, long long second, long long third)
{
    return patch(who, images_of(product),
                 fmt("{\"images\": [%lld, %lld, %lld]}", first, second,
                     third));
}

START_TEST(pictures_have_an_order)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller), ids[3];
    reply_t *r = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        r = expect(send_body(seller, id, png(2, 2)), 201);
        ids[i] = int_at(r, fmt("images.%d.id", i));
    }
    r = expect(put_order(seller, id, ids[2], ids[0], ids[1]), 200);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(int_at(r, fmt("images.%d.id", i)), ids[(i + 2) % 3]);
    }
    same(get(seller, fmt("/api/product/products/%lld/", id)), "images.0.id",
         fmt("%lld", ids[2]));
    invalid(patch(seller, images_of(id), fmt("{\"images\": [%lld]}", ids[2])),
            "images");
    invalid(put_order(seller, id, ids[0], ids[0], ids[1]), "images");
    invalid(put_order(seller, id, ids[0], ids[1], 1), "images");
    invalid(http(.method = "PATCH", .path = images_of(id), .who = seller,
                 .type = "application/x-www-form-urlencoded",
                 .body = fmt("images=%lld", ids[0])), "images");
    invalid(patch(seller, images_of(id), "{}"), "images");
}
END_TEST

START_TEST(pictures_of_an_approved_product_wait)
{
    actor_t *seller = person("seller", NULL), *admin = person("admin", NULL);
    long long id = product(seller, "5.00", 5), image;
    const char *path = fmt("/api/product/products/%lld/", id), *url;
    const char *decide = "/api/product/products/admin/%lld/%s/";
    reply_t *r = expect(send_body(seller, id, png(2, 2)), 201);

    ck_assert_int_eq(length_at(r, "images"), 0);
    ck_assert_int_eq(length_at(r, "pending_change.images"), 1);
    ck_assert_int_eq(length_at(get(NULL, path), "images"), 0);
    expect(patch(seller, path, "{\"name\": \"Another name\"}"), 200);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    expect(post(admin, fmt(decide, id, "approve"), NULL), 200);
    r = expect(get(NULL, path), 200);
    ck_assert_int_eq(length_at(r, "images"), 1);
    same(r, "name", "Another name");
    image = int_at(r, "images.0.id");
    url = text_at(r, "images.0.url");

    /* A removal waits, too; refused, it leaves everything as it was. */
    expect(delete (seller, fmt("%s%lld/", images_of(id), image)), 204);
    expect(send_body(seller, id, png(2, 2)), 201);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.product_images WHERE "
                             "product_id = %lld", id), 2);
    expect(post(admin, fmt(decide, id, "reject"), "{\"reason\": \"No.\"}"),
           200);
#pragma GCC diagnostic pop
    r = expect(get(NULL, path), 200);
    ck_assert_str_eq(text_at(r, "images.0.url"), url);
    ck_assert_int_eq(length_at(r, "images"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.product_images WHERE "
                             "product_id = %lld", id), 1);
    ck_assert_str_eq(text_at(get(NULL, fmt("/api/product/products/?seller=%lld",
                                           seller->id)),
                             "results.0.images.0.url"), url);
}
END_TEST

START_TEST(people_have_a_picture)
{
    actor_t *who = person("seller", NULL);
    const char *card = fmt("/api/accounts/sellers/%lld/", who->id);
    request_t request = as_body("PUT", ME_IMAGE, who, photo());
    reply_t *r = expect(http_send(&request), 200);
    const char *tag = header(r, "ETag"), *first;

    ck_assert_ptr_nonnull(tag);
    first = text_at(r, "image.thumbnail_url");
    same(get(who, "/api/accounts/me/"), "image.thumbnail_url", first);
    same(get(NULL, card), "picture.thumbnail_url", first);
    fetch(first);
    request = as_form("PUT", ME_IMAGE, who, png(7, 7));
    r = expect(http_send(&request), 200);
    same(r, "image.width", "7");
    request.headers[0] = fmt("If-Match: %s", tag);
    refused(http_send(&request), 412, "stale");
    expect(delete (who, ME_IMAGE), 204);
    ck_assert(json_is_null(at(get(who, "/api/accounts/me/"), "image")));
    ck_assert(json_is_null(at(get(NULL, card), "picture")));
}
END_TEST

#define FORM_TYPE "multipart/form-data; boundary=b"
#define FORM_FIELD "--b\r\nContent-Disposition: form-data; name="

/* A form for a new product with as many files. */
static request_t product_form(const actor_t *seller, const file_t *files,
                              int count)
{
    const char *head = FORM_FIELD "images; filename=a\r\n\r\n";
    file_t form = text_file(
        FORM_TYPE,
        fmt(FORM_FIELD "name\r\n\r\nLamp\r\n"
            FORM_FIELD "description\r\n\r\nx\r\n"
            FORM_FIELD "price\r\n\r\n5.00\r\n"
            FORM_FIELD "quantity\r\n\r\n3\r\n"
            FORM_FIELD "category\r\n\r\n%lld\r\n", category()));
    int i;

    for (i = 0; i < count; i++) {
        form = with_tail(form, head, strlen(head));
        form = with_tail(form, files[i].bytes, files[i].length);
        form = with_tail(form, "\r\n", 2);
    }
    form = with_tail(form, "--b--", 5);
    return as_body("POST", "/api/product/products/", seller, form);
}

START_TEST(a_product_may_begin_with_pictures)
{
    actor_t *seller = person("seller", NULL);
    file_t same_one = png(3, 9);
    const file_t files[] = {photo(), same_one, webp(), same_one};
    request_t request = product_form(seller, files, 1);
    reply_t *r = expect(http_send(&request), 201);

    same(r, "price", "5.00");
    same(r, "images.0.height", "24");
    ck_assert_int_eq(length_at(r, "images"), 1);
    ck_assert_ptr_nonnull(strstr(header(r, "Location"), text_at(r, "id")));

    /* In their order, and the same one once. */
    request = product_form(seller, files, 4);
    request.headers[0] = fmt("Idempotency-Key: %s", unique("product"));
    r = expect(http_send(&request), 201);
    ck_assert_int_eq(length_at(r, "images"), 3);
    same(r, "images.0.height", "24");
    same(r, "images.1.height", "9");
    ck_assert_ptr_nonnull(strstr(text_at(r, "images.2.url"), ".webp"));
    fetch(text_at(r, "images.1.url"));
    fetch(text_at(r, "images.2.thumbnail_url"));
    same(get(seller, fmt("/api/product/products/%lld/", int_at(r, "id"))),
         "images.2.url", text_at(r, "images.2.url"));
    r = expect(http_send(&request), 201);
    ck_assert_str_eq(header(r, "Idempotent-Replayed"), "true");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.products WHERE "
                             "seller_id = %lld", seller->id), 2);
    spool_is_empty();
}
END_TEST

START_TEST(a_bad_picture_is_no_product)
{
    actor_t *seller = person("seller", NULL);
    file_t files[11] = {png(2, 2), cut(photo(), 30)}, other = png(2, 2);
    request_t request = product_form(seller, files, 2);
    reply_t *r = http_send(&request);
    int i;

    invalid(r, "images");
    ck_assert_msg(strstr(text_at(r, "images.0"), "Image 2: Upload") != NULL,
                  "%s", r->body);
    request = product_form(seller, &(file_t){"", "", 0}, 1);
    invalid(http_send(&request), "images");
    for (i = 0; i < 11; i++) {
        files[i] = other;
    }
    request = product_form(seller, files, 11);
    r = http_send(&request);
    invalid(r, "images");
    ck_assert_msg(strstr(text_at(r, "images.0"), "more than 10") != NULL, "%s",
                  r->body);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.products WHERE "
                             "seller_id = %lld", seller->id), 0);
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

START_TEST(brands_have_a_logo)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    file_t form = text_file(
        "multipart/form-data; boundary=b",
        fmt("--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n%s\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"logo\"; "
            "filename=\"a\"\r\n\r\n", unique("Brand")));
    file_t file = png(8, 8);
    request_t request;
    const char *path;
    reply_t *r;

    sql("UPDATE ecs.users SET points = 400 WHERE id = %lld", seller->id);
    form = with_tail(with_tail(form, file.bytes, file.length), "\r\n--b--", 7);
    request = as_body("POST", "/api/product/brands/create/", seller, form);
    r = expect(http_send(&request), 201);
    fetch(text_at(r, "logo"));
    path = fmt("/api/product/brands/%lld/logo/", int_at(r, "id"));

    r = expect(post(seller, "/api/product/brands/create/",
                    fmt("{\"name\": \"%s\"}", unique("Brand"))), 201);
    ck_assert(json_is_null(at(r, "logo")));

    request = as_body("PUT", path, other, png(8, 8));
    refused(http_send(&request), 404, "not_found");
    request = as_body("PUT", path, seller, png(8, 8));
    r = expect(http_send(&request), 200);
    fetch(text_at(r, "logo"));
    clean(0);
    fetch(text_at(r, "logo")); /* it is in use */
    expect(delete (seller, path), 204);
}
END_TEST

START_TEST(a_repeated_upload_is_one)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller);
    file_t file = png(5, 5);
    request_t request = as_body("POST", images_of(id), seller, file);
    reply_t *r;

    request.headers[0] = fmt("Idempotency-Key: %s", unique("upload"));
    expect(http_send(&request), 201);
    r = expect(http_send(&request), 201);
    ck_assert_str_eq(header(r, "Idempotent-Replayed"), "true");
    file = png(6, 5);
    request.body = file.bytes;
    request.length = file.length;
    refused(http_send(&request), 422, "idempotency_key_reused");
}
END_TEST

/* --- what is left when something ends ------------------------------------- */

START_TEST(what_nobody_uses_goes)
{
    actor_t *seller = person("seller", NULL);
    long long id = new_product(seller);
    reply_t *kept = expect(send_body(seller, id, png(2, 2)), 201);
    reply_t *gone = expect(send_body(seller, id, png(2, 2)), 201);
    const char *keep = text_at(kept, "images.0.url");
    const char *lose = text_at(gone, "images.1.url");

    expect(delete (seller, fmt("%s%lld/", images_of(id),
                               int_at(gone, "images.1.id"))), 204);
    clean(3600);
    ck_assert(is_there(lose)); /* it is young */
    clean(0);
    ck_assert(!is_there(lose));
    ck_assert(!is_there(text_at(gone, "images.1.medium_url")));
    ck_assert(!is_there(text_at(gone, "images.1.thumbnail_url")));
    ck_assert(is_there(keep));
    ck_assert(is_there(text_at(kept, "images.0.thumbnail_url")));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.images WHERE name = "
                             "replace(substr('%s', 8), '/', '')", lose), 0);
    /* It may come back. */
    expect(send_body(seller, id, png(2, 2)), 201);
}
END_TEST

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
    long long id = new_product(seller);
    pid_t upload = upload_aside(seller, id);
    long child, helper = find_helper(&child);

    ck_assert_int_gt(helper, 0);
    kill((pid_t)helper, SIGKILL);
    ck_assert_int_eq(outcome_of(upload), 5);
    spool_is_empty();
    ck_assert(sql_true("SELECT images::text = '[]' FROM ecs.products "
                       "WHERE id = %lld", id));
    expect(send_body(seller, id, png(2, 2)), 201);
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
    long long id = new_product(seller);
    reply_t *kept = expect(send_body(seller, id, png(2, 2)), 201);
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
    clean(3600);
    ck_assert_int_gt(files_in("spool"), 0);
    clean(0);
    ck_assert_int_eq(files_in("spool"), 0);
    fetch(text_at(kept, "images.0.url"));
    fetch(text_at(kept, "images.0.thumbnail_url"));
    expect(send_body(seller, id, png(2, 2)), 201);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_photo_does_not_tell_where_it_was_taken,
                                  a_picture_comes_in_three_sizes,
                                  files_are_static_and_for_ever,
                                  the_same_picture_is_stored_once,
                                  what_is_no_picture_is_refused,
                                  a_broken_picture_is_refused,
                                  the_content_tells_what_it_is,
                                  a_form_has_one_picture_and_no_more,
                                  other_routes_take_forms_too,
                                  a_body_of_100_mb_is_not_read,
                                  a_body_that_grows_too_large_is_cut_off,
                                  a_body_that_does_not_come_is_given_up,
                                  parallel_uploads_take_little_memory,
                                  a_product_has_ten_pictures,
                                  other_sellers_products_are_not_there,
                                  pictures_have_an_order,
                                  pictures_of_an_approved_product_wait,
                                  people_have_a_picture,
                                  a_product_may_begin_with_pictures,
                                  a_bad_picture_is_no_product,
                                  many_large_pictures_come_at_once,
                                  brands_have_a_logo,
                                  a_repeated_upload_is_one,
                                  what_nobody_uses_goes,
                                  a_killed_helper_leaves_nothing,
                                  a_killed_child_of_httpd_leaves_nothing_for_long,
                                  NULL};

    return suite_run("images", tests, 90);
}
