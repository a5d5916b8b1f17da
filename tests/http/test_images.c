/* SPDX-License-Identifier: MIT */
/*
 * test_images.c - pictures of products, brands and people: what comes out,
 * whose they are, in which order, and what goes when nobody uses it.
 */
#include "pictures.h"
#include "shop.h"
#include "support.h"
#include "uploads.h"

#define ME_IMAGE "/api/accounts/me/image/"

/* --- what comes out ------------------------------------------------------ */

static int contains(const reply_t *reply, const char *word)
{
    return memmem(reply->body, reply->length, word, strlen(word)) != NULL;
}

START_TEST(a_photo_does_not_tell_where_it_was_taken)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    file_t file = photo();
    const char *const sizes[] = {"url", "medium_url", "thumbnail_url"};
    reply_t *r;
    size_t i;

    ck_assert_ptr_nonnull(memmem(file.bytes, file.length, GPS_MARK,
                                 strlen(GPS_MARK)));
    r = expect(upload_body(seller, id, file), 201);
    ck_assert_int_eq(length_at(r, "images"), 1);
    /* The camera lay on its side. */
    same(r, "images.0.width", "16");
    same(r, "images.0.height", "24");
    for (i = 0; i < 3; i++) {
        reply_t *out = fetch_file(text_at(r, fmt("images.0.%s", sizes[i])));

        ck_assert_int_eq(memcmp(out->body, "\xff\xd8\xff", 3), 0);
        ck_assert(!contains(out, GPS_MARK) && !contains(out, "Exif"));
        ck_assert_str_eq(header(out, "Content-Type"), "image/jpeg");
    }
    r = expect(upload_body(seller, id, webp()), 201);
    for (i = 0; i < 3; i++) {
        reply_t *out = fetch_file(text_at(r, fmt("images.1.%s", sizes[i])));

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
    long long id = pending_product(seller);
    reply_t *r = expect(upload_form(seller, id, png(5000, 2500)), 201);
    reply_t *out;

    same(r, "images.0.width", "4096");
    same(r, "images.0.height", "2048");
    out = fetch_file(text_at(r, "images.0.url"));
    ck_assert_int_eq(side_of(out, 16), 4096);
    out = fetch_file(text_at(r, "images.0.medium_url"));
    ck_assert_int_eq(side_of(out, 16), 1024);
    ck_assert_int_eq(side_of(out, 20), 512);
    out = fetch_file(text_at(r, "images.0.thumbnail_url"));
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
    long long id = pending_product(seller);
    reply_t *r = expect(upload_body(seller, id, png(3, 3)), 201);
    const char *url = text_at(r, "images.0.url");
    reply_t *out = fetch_file(url);

    ck_assert_str_eq(header(out, "Cache-Control"),
                     "public, max-age=31536000, immutable");
    ck_assert_str_eq(header(out, "X-Content-Type-Options"), "nosniff");
    ck_assert_ptr_nonnull(strstr(header(out, "Content-Security-Policy"),
                                 "sandbox"));
    ck_assert_ptr_nonnull(header(out, "Last-Modified"));
    /* Nothing else of the directory is to be seen. */
    ck_assert(!is_served("/media/"));
    ck_assert(!is_served("/media/spool/"));
    ck_assert(!is_served(fmt("/media/%.2s/", url + strlen("/media/"))));
    ck_assert(!is_served("/media/../key"));
    ck_assert(!is_served("/media/%2e%2e/key"));
    ck_assert(!is_served(fmt("%s/", url)));
    ck_assert(!is_served(fmt("%s.php", url)));
}
END_TEST

START_TEST(the_same_picture_is_stored_once)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = pending_product(seller), others = pending_product(other);
    file_t file = png(30, 30);
    reply_t *first = expect(upload_body(seller, id, file), 201);
    reply_t *second = expect(upload_form(other, others, file), 201);

    ck_assert_str_eq(text_at(first, "images.0.url"),
                     text_at(second, "images.0.url"));
    second = expect(upload_body(seller, id, file), 201);
    ck_assert_int_eq(length_at(second, "images"), 1);
}
END_TEST

START_TEST(the_content_tells_what_it_is)
{
    actor_t *seller = person("seller", NULL);
    file_t file = png(4, 4);
    reply_t *r;

    file.type = "image/jpeg";
    r = expect(upload_body(seller, pending_product(seller), file), 201);
    ck_assert_ptr_nonnull(strstr(text_at(r, "images.0.url"), ".png"));
}
END_TEST

/* --- pictures of a product ------------------------------------------------ */

START_TEST(a_product_has_ten_pictures)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller), first;
    reply_t *r;
    int i;

    for (i = 1; i <= 10; i++) {
        r = expect(upload_body(seller, id, png(2, 2)), 201);
        ck_assert_int_eq(length_at(r, "images"), i);
    }
    first = int_at(r, "images.0.id");
    refused(upload_body(seller, id, png(2, 2)), 409, "too_many_images");
    expect(delete (seller, fmt("%s%lld/", images_of(id), first)), 204);
    r = expect(upload_form(seller, id, png(2, 2)), 201);
    ck_assert_int_eq(length_at(r, "images"), 10);
}
END_TEST

START_TEST(other_sellers_products_are_not_there)
{
    actor_t *seller = person("seller", NULL), *other = person("seller", NULL);
    long long id = pending_product(seller), image;
    reply_t *r = expect(upload_body(seller, id, png(2, 2)), 201);

    image = int_at(r, "images.0.id");
    refused(upload_body(other, id, png(2, 2)), 404, "not_found");
    refused(upload_form(other, id, png(2, 2)), 404, "not_found");
    refused(delete (other, fmt("%s%lld/", images_of(id), image)), 404,
            "not_found");
    refused(patch(other, images_of(id), fmt("{\"images\": [%lld]}", image)), 404,
            "not_found");
    refused(delete (seller, fmt("%s%lld/", images_of(pending_product(seller)),
                                image)), 404, "not_found");
    refused(upload_body(person("user", NULL), id, png(2, 2)), 403,
            "permission_denied");
    r = upload_body(NULL, id, png(2, 2));
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
    long long id = pending_product(seller), ids[3];
    reply_t *r = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        r = expect(upload_body(seller, id, png(2, 2)), 201);
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
    reply_t *r = expect(upload_body(seller, id, png(2, 2)), 201);

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
    expect(upload_body(seller, id, png(2, 2)), 201);
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
    fetch_file(text_at(r, "images.1.url"));
    fetch_file(text_at(r, "images.2.thumbnail_url"));
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

START_TEST(a_repeated_upload_is_one)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
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

/* --- and of others -------------------------------------------------------- */

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
    fetch_file(first);
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
    fetch_file(text_at(r, "logo"));
    path = fmt("/api/product/brands/%lld/logo/", int_at(r, "id"));

    r = expect(post(seller, "/api/product/brands/create/",
                    fmt("{\"name\": \"%s\"}", unique("Brand"))), 201);
    ck_assert(json_is_null(at(r, "logo")));

    request = as_body("PUT", path, other, png(8, 8));
    refused(http_send(&request), 404, "not_found");
    request = as_body("PUT", path, seller, png(8, 8));
    r = expect(http_send(&request), 200);
    fetch_file(text_at(r, "logo"));
    media_clean(0);
    fetch_file(text_at(r, "logo")); /* it is in use */
    expect(delete (seller, path), 204);
}
END_TEST

/* --- what nobody uses ----------------------------------------------------- */

START_TEST(what_nobody_uses_goes)
{
    actor_t *seller = person("seller", NULL);
    long long id = pending_product(seller);
    reply_t *kept = expect(upload_body(seller, id, png(2, 2)), 201);
    reply_t *gone = expect(upload_body(seller, id, png(2, 2)), 201);
    const char *keep = text_at(kept, "images.0.url");
    const char *lose = text_at(gone, "images.1.url");

    expect(delete (seller, fmt("%s%lld/", images_of(id),
                               int_at(gone, "images.1.id"))), 204);
    media_clean(3600);
    ck_assert(is_served(lose)); /* it is young */
    media_clean(0);
    ck_assert(!is_served(lose));
    ck_assert(!is_served(text_at(gone, "images.1.medium_url")));
    ck_assert(!is_served(text_at(gone, "images.1.thumbnail_url")));
    ck_assert(is_served(keep));
    ck_assert(is_served(text_at(kept, "images.0.thumbnail_url")));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM ecs.images WHERE name = "
                             "replace(substr('%s', 8), '/', '')", lose), 0);
    /* It may come back. */
    expect(upload_body(seller, id, png(2, 2)), 201);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_photo_does_not_tell_where_it_was_taken,
                                  a_picture_comes_in_three_sizes,
                                  files_are_static_and_for_ever,
                                  the_same_picture_is_stored_once,
                                  the_content_tells_what_it_is,
                                  a_product_has_ten_pictures,
                                  other_sellers_products_are_not_there,
                                  pictures_have_an_order,
                                  pictures_of_an_approved_product_wait,
                                  a_product_may_begin_with_pictures,
                                  a_bad_picture_is_no_product,
                                  a_repeated_upload_is_one,
                                  people_have_a_picture,
                                  brands_have_a_logo,
                                  what_nobody_uses_goes,
                                  NULL};

    return suite_run("images", tests, 90);
}
