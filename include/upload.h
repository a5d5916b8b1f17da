/* SPDX-License-Identifier: MIT */
/*
 * upload.h - the picture that comes with a request: as the body itself
 * (image/…) or as a part of a form, which may have several.
 *
 * It goes from the network to a file piece by piece, is looked over, decoded
 * by ecs-image, and stored under its hash; only then the endpoint's statement
 * runs. So no connection is held meanwhile, and the database never names a
 * file that is not there.
 */
#ifndef ECS_UPLOAD_H
#define ECS_UPLOAD_H

#include "body.h"
#include "request.h"

#define ECS_UPLOAD_BYTES_MAX (8 * 1024 * 1024) /* of a picture */

typedef struct ecs_upload_t ecs_upload_t;

/**
 * Read the body of a row that takes an image.
 * @param body    out: the fields of the form, or what ecs_body_read() makes of
 *                another body; its text stands for the picture's bytes, too
 * @param upload  out: the pictures in the spool
 */
ecs_problem_t *ecs_upload_read(ecs_request_t *req, ecs_body_t *body,
                               ecs_upload_t **upload);

/**
 * Decode and store the pictures, one after the other, and set the row's
 * ECS_IMAGE_FIELDS or ECS_IMAGES_FIELD; its other fields have been read.
 * @param invalid  what is wrong with those, or NULL; nothing is decoded then
 * @return NULL, validation_error, or service_unavailable
 */
ecs_problem_t *ecs_upload_finish(ecs_request_t *req,
                                 const ecs_upload_t *upload,
                                 ecs_problem_t *invalid);

#endif
