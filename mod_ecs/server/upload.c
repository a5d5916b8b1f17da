/* SPDX-License-Identifier: MIT */
/*
 * upload.c - from the network to EcsMediaDir, in the order of the functions
 * below. Nothing of a picture is ever in httpd's memory but the piece that is
 * on its way and, for a moment, one buffer of the file.
 */
#include "upload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_encode.h>
#include <apr_strings.h>
#include <http_log.h>
#include <openssl/evp.h>

#include "form.h"
#include "gate.h"
#include "json.h"
#include "media.h"
#include "multipart.h"
#include "picture.h"
#include "server.h"

#define FORM_BYTES_MAX (256 * 1024)             /* around the picture */
#define TURN_WAIT_US (40 * APR_USEC_PER_SEC)    /* for a helper to be free */
#define HELPER_TIME_US (20 * APR_USEC_PER_SEC)  /* for it to decode */
#define TIME_US (TURN_WAIT_US + HELPER_TIME_US) /* for all of a request */
#define HASH_BYTES 32
#define RAW_PREFIX "image/"

typedef struct file_t {
    int fd;              /* in the spool */
    apr_off_t bytes;
    EVP_MD_CTX *hash;    /* of the bytes as they were sent */
} file_t;

struct ecs_upload_t {
    ecs_request_t *req;
    apr_array_header_t *files; /* of file_t, as they came */
};

/* What became of one of them. */
typedef struct stored_t {
    const char *name;
    ecs_picture_t picture;
    apr_off_t bytes; /* of all its sizes */
} stored_t;

static file_t *file_at(const ecs_upload_t *upload, int i)
{
    return &APR_ARRAY_IDX(upload->files, i, file_t);
}

/* ---- to the spool ---- */

static apr_status_t free_hash(void *hash)
{
    EVP_MD_CTX_free(hash);
    return APR_SUCCESS;
}

static ecs_problem_t *no_place(const ecs_request_t *req)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(errno), req->r,
                  "ECS0040: a picture cannot be written to %s; check that "
                  "there is room and that httpd's user may write",
                  req->config->media_dir);
    return ecs_problem_make(req->pool, "service_unavailable",
                            "Pictures cannot be stored at the moment.");
}

static ecs_problem_t *begin(ecs_upload_t *upload)
{
    ecs_request_t *req = upload->req;
    file_t file = { .fd = -1 };

    if (!req->config->media_dir) {
        return ecs_problem_make(req->pool, "not_implemented",
                                "This shop takes no pictures.");
    }
    if (!ecs_media_spool(req->pool, req->config->media_dir, &file.fd)) {
        return no_place(req);
    }
    file.hash = EVP_MD_CTX_new();
    apr_pool_cleanup_register(req->pool, file.hash, free_hash,
                              apr_pool_cleanup_null);
    if (!file.hash || !EVP_DigestInit_ex(file.hash, EVP_sha256(), NULL)) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    APR_ARRAY_PUSH(upload->files, file_t) = file;
    return NULL;
}

/* More of the last file. */
static ecs_problem_t *spool(void *baton, const char *bytes, apr_size_t length)
{
    ecs_upload_t *upload = baton;
    file_t *file = file_at(upload, upload->files->nelts - 1);

    file->bytes += (apr_off_t)length;
    if (file->bytes > ECS_UPLOAD_BYTES_MAX) {
        return ecs_problem_make(upload->req->pool, "too_large",
                                "The image is larger than %d bytes.",
                                ECS_UPLOAD_BYTES_MAX);
    }
    EVP_DigestUpdate(file->hash, bytes, length);
    while (length > 0) {
        ssize_t done = write(file->fd, bytes, length);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return no_place(upload->req);
        }
        bytes += done;
        length -= (apr_size_t)done;
    }
    return NULL;
}

static ecs_problem_t *spool_part(void *upload, const char *bytes,
                                 apr_size_t length)
{
    return length == 0 ? begin(upload) : spool(upload, bytes, length);
}

/* What an Idempotency-Key is bound to: the pictures' bytes, and the fields. */
static void set_text(ecs_request_t *req, ecs_body_t *body,
                     const ecs_upload_t *upload)
{
    unsigned char hash[HASH_BYTES];
    int i;

    body->text = "";
    for (i = 0; i < upload->files->nelts; i++) {
        EVP_DigestFinal_ex(file_at(upload, i)->hash, hash, NULL);
        body->text = apr_pstrcat(
            req->pool, body->text,
            apr_pencode_base16_binary(req->pool, hash, sizeof(hash),
                                      APR_ENCODE_LOWER, NULL), NULL);
    }
    if (body->value) {
        body->text = apr_pstrcat(req->pool, body->text,
                                 ecs_json_dump(req->pool, body->value), NULL);
    }
    body->length = strlen(body->text);
}

static ecs_problem_t *push_form(void *form, const char *bytes,
                                apr_size_t length)
{
    return ecs_form_push(form, bytes, length);
}

static int files_max(const ecs_route_t *route)
{
    return route->images_max > 1 ? route->images_max : 1;
}

static ecs_problem_t *read_form(ecs_request_t *req, const char *boundary,
                                ecs_body_t *body, ecs_upload_t *upload)
{
    int most = files_max(req->route);
    ecs_form_t *form = ecs_form_make(req->pool, boundary, req->route->image,
                                     most, spool_part, upload);
    ecs_problem_t *problem = ecs_body_stream(
        req->r, (apr_off_t)most * ECS_UPLOAD_BYTES_MAX + FORM_BYTES_MAX,
        push_form, form);

    body->is_form = 1;
    return problem ? problem : ecs_form_finish(form, &body->value);
}

ecs_problem_t *ecs_upload_read(ecs_request_t *req, ecs_body_t *body,
                               ecs_upload_t **out)
{
    const char *type = apr_table_get(req->r->headers_in, "Content-Type");
    const char *boundary = ecs_multipart_boundary(req->pool, type);
    ecs_upload_t *upload = apr_pcalloc(req->pool, sizeof(*upload));
    ecs_problem_t *problem;

    memset(body, 0, sizeof(*body));
    upload->req = req;
    upload->files = apr_array_make(req->pool, 1, sizeof(file_t));
    *out = upload;
    if (boundary) {
        problem = read_form(req, boundary, body, upload);
    }
    else if (type && !strncasecmp(type, RAW_PREFIX, sizeof(RAW_PREFIX) - 1)) {
        problem = begin(upload);
        if (!problem) {
            problem = ecs_body_stream(req->r, ECS_UPLOAD_BYTES_MAX, spool,
                                      upload);
        }
    }
    else {
        return ecs_body_read(req->r, 0, body);
    }
    if (!problem) {
        set_text(req, body, upload);
    }
    return problem;
}

/* ---- to the media directory ---- */

/* Say which one it is where there may be several. */
static ecs_problem_t *refuse(const ecs_upload_t *upload, const file_t *file,
                             const char *sentence)
{
    const ecs_request_t *req = upload->req;
    ecs_problem_t *problem = NULL;

    if (files_max(req->route) > 1) {
        sentence = apr_psprintf(req->pool, "Image %d: %s",
                                (int)(file - file_at(upload, 0)) + 1, sentence);
    }
    ecs_problem_add_field(req->pool, &problem, req->route->image, sentence);
    return problem;
}

static ecs_problem_t *busy(const ecs_request_t *req)
{
    return ecs_problem_make(req->pool, "service_unavailable",
                            "Too many pictures are being read; try again.");
}

static apr_interval_time_t at_most(apr_interval_time_t time,
                                   apr_time_t deadline)
{
    apr_interval_time_t left = deadline - apr_time_now();

    return left < time ? (left > 0 ? left : 0) : time;
}

static ecs_problem_t *run_helper(const ecs_upload_t *upload,
                                 const file_t *file, apr_time_t deadline,
                                 const int *fds, ecs_picture_t *picture)
{
    const ecs_request_t *req = upload->req;
    ecs_helper_e outcome;

    if (ecs_gate_enter(req->config->image_gate,
                       at_most(TURN_WAIT_US, deadline), req->pool)
        != APR_SUCCESS) {
        return busy(req);
    }
    lseek(file->fd, 0, SEEK_SET);
    outcome = ecs_helper_run(req->config->image_helper, file->fd, fds,
                             apr_time_now() + at_most(HELPER_TIME_US, deadline),
                             picture);
    ecs_gate_leave(req->config->image_gate);
    switch (outcome) {
    case ECS_HELPER_DONE:
        return NULL;
    case ECS_HELPER_NO_PICTURE:
        return refuse(upload, file, ECS_PICTURE_INVALID);
    case ECS_HELPER_KILLED:
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, req->r,
                      "ECS0041: ecs-image was killed while it read a picture "
                      "of %" APR_OFF_T_FMT " bytes", file->bytes);
        return busy(req);
    case ECS_HELPER_ABSENT:
        break;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(errno), req->r,
                  "ECS0042: %s does not run; check EcsImageHelper and that "
                  "httpd's user may execute it", req->config->image_helper);
    return ecs_problem_make(req->pool, "service_unavailable",
                            "Pictures cannot be read at the moment.");
}

/* The files of the spool last as long as `p`. */
static ecs_problem_t *decode_and_store(const ecs_upload_t *upload,
                                       const file_t *file, apr_time_t deadline,
                                       apr_pool_t *p, stored_t *stored)
{
    ecs_request_t *req = upload->req;
    const char *dir = req->config->media_dir;
    const char *paths[ECS_HELPER_OUTPUTS], *name;
    int fds[ECS_HELPER_OUTPUTS], i;
    ecs_problem_t *problem;

    for (i = 0; i < ECS_HELPER_OUTPUTS; i++) {
        paths[i] = ecs_media_spool(p, dir, &fds[i]);
        if (!paths[i]) {
            return no_place(req);
        }
    }
    problem = run_helper(upload, file, deadline, fds, &stored->picture);
    if (problem) {
        return problem;
    }
    name = ecs_media_store(p, dir, paths, fds, stored->picture.kind,
                           &stored->bytes);
    stored->name = apr_pstrdup(req->pool, name);
    return name ? NULL : no_place(req);
}

static void set_one(ecs_request_t *req, const stored_t *stored)
{
    apr_pool_t *p = req->pool;

    ecs_request_set(req, "image_name", stored->name);
    ecs_request_set(req, "image_width", apr_ltoa(p, stored->picture.width));
    ecs_request_set(req, "image_height", apr_ltoa(p, stored->picture.height));
    ecs_request_set(req, "image_bytes", apr_off_t_toa(p, stored->bytes));
}

/* One more object of the JSON array. */
static const char *add_one(ecs_request_t *req, const char *list,
                           const stored_t *stored)
{
    return apr_psprintf(req->pool, "%s%s{\"name\":\"%s\",\"width\":%ld,"
                        "\"height\":%ld,\"bytes\":%" APR_OFF_T_FMT "}",
                        list, *list ? "," : "", stored->name,
                        stored->picture.width, stored->picture.height,
                        stored->bytes);
}

static ecs_problem_t *store_all(const ecs_upload_t *upload)
{
    apr_time_t deadline = apr_time_now() + TIME_US;
    ecs_request_t *req = upload->req;
    ecs_problem_t *problem = NULL;
    const char *list = "";
    stored_t stored = { NULL };
    int i;

    for (i = 0; !problem && i < upload->files->nelts; i++) {
        apr_pool_t *p;

        apr_pool_create(&p, req->pool);
        problem = decode_and_store(upload, file_at(upload, i), deadline, p,
                                   &stored);
        apr_pool_destroy(p);
        if (!problem) {
            list = add_one(req, list, &stored);
        }
    }
    if (problem) {
        return problem;
    }
    if (files_max(req->route) > 1) {
        ecs_request_set(req, "images",
                        apr_pstrcat(req->pool, "[", list, "]", NULL));
    }
    else {
        set_one(req, &stored);
    }
    return NULL;
}

/* Before anything is decoded. */
static ecs_problem_t *look_over(const ecs_upload_t *upload)
{
    ecs_picture_t picture;
    int i;

    for (i = 0; i < upload->files->nelts; i++) {
        const file_t *file = file_at(upload, i);
        const char *wrong = file->bytes == 0
            ? "The submitted file is empty."
            : ecs_picture_check(upload->req->pool, file->fd, file->bytes,
                                &picture);

        if (wrong) {
            return refuse(upload, file, wrong);
        }
    }
    return NULL;
}

ecs_problem_t *ecs_upload_finish(ecs_request_t *req,
                                 const ecs_upload_t *upload,
                                 ecs_problem_t *invalid)
{
    ecs_problem_t *problem;

    if (upload->files->nelts == 0) {
        if (!(req->route->flags & ECS_R_MAY_IMAGE)
            && (!invalid || invalid->fields)) {
            ecs_problem_add_field(req->pool, &invalid, req->route->image,
                                  "No file was submitted.");
        }
        return invalid;
    }
    problem = invalid ? invalid : look_over(upload);
    return problem ? problem : store_all(upload);
}
