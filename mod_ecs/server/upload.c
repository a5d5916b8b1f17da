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
#define HASH_BYTES 32
#define RAW_PREFIX "image/"

struct ecs_upload_t {
    ecs_request_t *req;
    int fd;              /* in the spool */
    apr_off_t bytes;
    EVP_MD_CTX *hash;    /* of the bytes as they were sent */
};

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

static ecs_problem_t *begin(ecs_request_t *req, ecs_upload_t **out)
{
    ecs_upload_t *upload = apr_pcalloc(req->pool, sizeof(*upload));

    if (!req->config->media_dir) {
        return ecs_problem_make(req->pool, "not_implemented",
                                "This shop takes no pictures.");
    }
    upload->req = req;
    if (!ecs_media_spool(req->pool, req->config->media_dir, &upload->fd)) {
        return no_place(req);
    }
    upload->hash = EVP_MD_CTX_new();
    apr_pool_cleanup_register(req->pool, upload->hash, free_hash,
                              apr_pool_cleanup_null);
    if (!upload->hash
        || !EVP_DigestInit_ex(upload->hash, EVP_sha256(), NULL)) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    *out = upload;
    return NULL;
}

static ecs_problem_t *spool(void *baton, const char *bytes, apr_size_t length)
{
    ecs_upload_t *upload = baton;

    upload->bytes += (apr_off_t)length;
    if (upload->bytes > ECS_UPLOAD_BYTES_MAX) {
        return ecs_problem_make(upload->req->pool, "too_large",
                                "The image is larger than %d bytes.",
                                ECS_UPLOAD_BYTES_MAX);
    }
    EVP_DigestUpdate(upload->hash, bytes, length);
    while (length > 0) {
        ssize_t done = write(upload->fd, bytes, length);

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

/* The file part of a form: made when the part begins. */
static ecs_problem_t *spool_part(void *baton, const char *bytes,
                                 apr_size_t length)
{
    ecs_upload_t **upload = baton;
    ecs_problem_t *problem = NULL;

    if (!(*upload)->hash) {
        problem = begin((*upload)->req, upload);
    }
    return problem ? problem : spool(*upload, bytes, length);
}

/* What an Idempotency-Key is bound to: the fields, and the picture's bytes. */
static void set_text(ecs_request_t *req, ecs_body_t *body,
                     const ecs_upload_t *upload)
{
    unsigned char hash[HASH_BYTES] = { 0 };

    if (upload) {
        EVP_DigestFinal_ex(upload->hash, hash, NULL);
    }
    body->text = apr_pstrcat(
        req->pool, apr_pencode_base16_binary(req->pool, hash, sizeof(hash),
                                             APR_ENCODE_LOWER, NULL),
        body->value ? ecs_json_dump(req->pool, body->value) : "", NULL);
    body->length = strlen(body->text);
}

static ecs_problem_t *push_form(void *form, const char *bytes,
                                apr_size_t length)
{
    return ecs_form_push(form, bytes, length);
}

static ecs_problem_t *read_form(ecs_request_t *req, const char *boundary,
                                ecs_body_t *body, ecs_upload_t **upload)
{
    ecs_upload_t *part = apr_pcalloc(req->pool, sizeof(*part));
    ecs_form_t *form = ecs_form_make(req->pool, boundary, req->route->image,
                                     spool_part, &part);
    ecs_problem_t *problem;

    part->req = req;
    problem = ecs_body_stream(req->r, ECS_UPLOAD_BYTES_MAX + FORM_BYTES_MAX,
                              push_form, form);
    if (!problem) {
        problem = ecs_form_finish(form, &body->value);
    }
    body->is_form = 1;
    *upload = part->hash ? part : NULL;
    return problem;
}

ecs_problem_t *ecs_upload_read(ecs_request_t *req, ecs_body_t *body,
                               ecs_upload_t **upload)
{
    const char *type = apr_table_get(req->r->headers_in, "Content-Type");
    const char *boundary = ecs_multipart_boundary(req->pool, type);
    ecs_problem_t *problem;

    memset(body, 0, sizeof(*body));
    *upload = NULL;
    if (boundary) {
        problem = read_form(req, boundary, body, upload);
    }
    else if (type && !strncasecmp(type, RAW_PREFIX, sizeof(RAW_PREFIX) - 1)) {
        problem = begin(req, upload);
        if (!problem) {
            problem = ecs_body_stream(req->r, ECS_UPLOAD_BYTES_MAX, spool,
                                      *upload);
        }
    }
    else {
        return ecs_body_read(req->r, body);
    }
    if (!problem) {
        set_text(req, body, *upload);
    }
    return problem;
}

/* ---- to the media directory ---- */

static ecs_problem_t *refuse(const ecs_request_t *req, const char *sentence)
{
    ecs_problem_t *problem = NULL;

    ecs_problem_add_field(req->pool, &problem, req->route->image, sentence);
    return problem;
}

static ecs_problem_t *busy(const ecs_request_t *req)
{
    return ecs_problem_make(req->pool, "service_unavailable",
                            "Too many pictures are being read; try again.");
}

static ecs_problem_t *run_helper(const ecs_upload_t *upload, const int *fds,
                                 ecs_picture_t *picture)
{
    const ecs_request_t *req = upload->req;
    ecs_helper_e outcome;

    if (ecs_gate_enter(req->config->image_gate, TURN_WAIT_US, req->pool)
        != APR_SUCCESS) {
        return busy(req);
    }
    lseek(upload->fd, 0, SEEK_SET);
    outcome = ecs_helper_run(req->config->image_helper, upload->fd, fds,
                             apr_time_now() + HELPER_TIME_US, picture);
    ecs_gate_leave(req->config->image_gate);
    switch (outcome) {
    case ECS_HELPER_DONE:
        return NULL;
    case ECS_HELPER_NO_PICTURE:
        return refuse(req, ECS_PICTURE_INVALID);
    case ECS_HELPER_KILLED:
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, req->r,
                      "ECS0041: ecs-image was killed while it read a picture "
                      "of %" APR_OFF_T_FMT " bytes", upload->bytes);
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

static ecs_problem_t *decode_and_store(const ecs_upload_t *upload)
{
    ecs_request_t *req = upload->req;
    const char *dir = req->config->media_dir;
    const char *paths[ECS_HELPER_OUTPUTS], *name;
    int fds[ECS_HELPER_OUTPUTS], i;
    ecs_picture_t picture;
    ecs_problem_t *problem;
    apr_off_t bytes;

    for (i = 0; i < ECS_HELPER_OUTPUTS; i++) {
        paths[i] = ecs_media_spool(req->pool, dir, &fds[i]);
        if (!paths[i]) {
            return no_place(req);
        }
    }
    problem = run_helper(upload, fds, &picture);
    if (problem) {
        return problem;
    }
    name = ecs_media_store(req->pool, dir, paths, fds, picture.kind, &bytes);
    if (!name) {
        return no_place(req);
    }
    ecs_request_set(req, "image_name", name);
    ecs_request_set(req, "image_width", apr_ltoa(req->pool, picture.width));
    ecs_request_set(req, "image_height", apr_ltoa(req->pool, picture.height));
    ecs_request_set(req, "image_bytes", apr_off_t_toa(req->pool, bytes));
    return NULL;
}

ecs_problem_t *ecs_upload_finish(ecs_request_t *req, ecs_upload_t *upload,
                                 ecs_problem_t *invalid)
{
    ecs_picture_t picture;
    const char *wrong;

    if (!upload) {
        if (!(req->route->flags & ECS_R_MAY_IMAGE)
            && (!invalid || invalid->fields)) {
            ecs_problem_add_field(req->pool, &invalid, req->route->image,
                                  "No file was submitted.");
        }
        return invalid;
    }
    if (invalid) {
        return invalid;
    }
    wrong = upload->bytes == 0
        ? "The submitted file is empty."
        : ecs_picture_check(req->pool, upload->fd, upload->bytes, &picture);
    return wrong ? refuse(req, wrong) : decode_and_store(upload);
}
