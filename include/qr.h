/* SPDX-License-Identifier: MIT */
/*
 * qr.h - a text as QR code picture, by libqrencode: PNG (1 bit, libpng) and
 * SVG, error correction M, quiet zone of 4 modules (ISO/IEC 18004).
 */
#ifndef ECS_QR_H
#define ECS_QR_H

#include <apr_pools.h>

#define ECS_QR_MODULE_PIXELS 8

/**
 * @param length  out: bytes of the PNG
 * @return the PNG in `p`, NULL when the text is too long or memory ran out
 */
const unsigned char *ecs_qr_png(apr_pool_t *p, const char *text,
                                apr_size_t *length);

/**
 * @return a complete SVG document in `p`, NULL as above
 */
const char *ecs_qr_svg(apr_pool_t *p, const char *text);

/**
 * @return "data:image/png;base64,..." in `p`, NULL as above
 */
const char *ecs_qr_data_uri(apr_pool_t *p, const char *text);

#endif
