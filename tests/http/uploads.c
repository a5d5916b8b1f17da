/* SPDX-License-Identifier: MIT */
/*
 * uploads.c - see uploads.h.
 */
#include "uploads.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "shop.h"
#include "support.h"

const char *images_of(long long product)
{
    return fmt("/api/product/products/%lld/images/", product);
}

reply_t *upload_body(const actor_t *who, long long product, file_t file)
{
    request_t request = as_body("POST", images_of(product), who, file);

    return http_send(&request);
}

reply_t *upload_form(const actor_t *who, long long product, file_t file)
{
    request_t request = as_form("POST", images_of(product), who, file);

    return http_send(&request);
}

long long pending_product(const actor_t *seller)
{
    return product_in(seller, "5.00", 5, "PENDING");
}

reply_t *fetch_file(const char *url)
{
    reply_t *reply = http(.method = "GET", .path = url,
                          .flags = HTTP_UNCHECKED);

    ck_assert_msg(reply->status == 200, "%s: %d", url, reply->status);
    return reply;
}

int is_served(const char *url)
{
    reply_t *reply = http(.method = "GET", .path = url,
                          .flags = HTTP_UNCHECKED);
    const char *type = header(reply, "Content-Type");

    return reply->status == 200 && type != NULL &&
           strncmp(type, "image/", 6) == 0;
}

/* --- the directory, as the server sees it -------------------------------- */

int files_in(const char *folder)
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

void spool_is_empty(void)
{
    int tries;

    for (tries = 0; tries < 100 && files_in("spool") > 0; tries++) {
        usleep(50000);
    }
    ck_assert_int_eq(files_in("spool"), 0);
}

void media_clean(int grace)
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

/* --- products that begin with pictures ------------------------------------ */

#define FORM_TYPE "multipart/form-data; boundary=b"
#define FORM_FIELD "--b\r\nContent-Disposition: form-data; name="

request_t product_form(const actor_t *seller, const file_t *files,
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
