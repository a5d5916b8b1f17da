/* SPDX-License-Identifier: MIT */
/*
 * images.c - pictures of products, brands and people.
 *
 * What arrives is decoded and stored before the functions of
 * sql/api/25_images.sql hear of it (server/upload.c).
 */
#include "api.h"

#define PRODUCT_ID                                                            \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Product." }

#define ABOUT_FILES                                                           \
    "JPEG, PNG or WebP, at most 8 MB and 40 megapixels: as the body itself, " \
    "or as the file `image` (`logo` of a brand) of a multipart form. What it is, is told by its " \
    "content. It is decoded and written anew, turned upright, in the colours " \
    "of sRGB and without what a camera wrote beside it, such as the place; " \
    "at most 4096 pixels wide or high, with versions of 1024 "                \
    "(`medium_url`) and 320 pixels (`thumbnail_url`)."

static const ecs_field_t add_fields[] = {
    PRODUCT_ID,
    ECS_IMAGE_FIELDS,
    { NULL },
};

static const ecs_field_t order_fields[] = {
    PRODUCT_ID,
    { .name = "images", .type = ECS_T_IDS, .flags = ECS_REQUIRED, .min = 1,
      .max = ECS_IMAGES_MAX, .help = "Ids of all its pictures, as they shall "
                                 "stand; the first is the cover." },
    { NULL },
};

static const ecs_field_t delete_fields[] = {
    PRODUCT_ID,
    { .name = "image_id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Picture." },
    { NULL },
};

#define BRAND_ID                                                              \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Brand." }

static const ecs_field_t logo_fields[] = {
    BRAND_ID,
    ECS_IMAGE_FIELDS,
    { NULL },
};

static const ecs_field_t brand_fields[] = {
    BRAND_ID,
    { NULL },
};

static const ecs_field_t me_fields[] = {
    ECS_IMAGE_FIELDS,
    { NULL },
};

const ecs_route_t ecs_images_routes[] = {
    {
        .method = "POST",
        .path = "/api/product/products/{id}/images/",
        .roles = ECS_SELLER,
        .fields = add_fields,
        .call = "product_images_add",
        .status = 201,
        .answer = "OwnProduct",
        .errors = "wrong_state too_many_images too_much_stored",
        .summary = "Add a picture to an own product",
        .description =
            ABOUT_FILES " A product has at most 10, and the same picture only "
            "once. Pictures of an approved product are a part of its "
            "`pending_change` and wait for an administrator; before approval "
            "they are there at once, and a rejected product is proposed "
            "again.",
        .image = "image",
    },
    {
        .method = "PATCH",
        .path = "/api/product/products/{id}/images/",
        .roles = ECS_SELLER,
        .fields = order_fields,
        .call = "product_images_order",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Put the pictures of an own product into another order",
        .description = "The first one is the one that lists show. Of an "
                       "approved product the order is a part of its "
                       "`pending_change`.",
    },
    {
        .method = "DELETE",
        .path = "/api/product/products/{id}/images/{image_id}/",
        .roles = ECS_SELLER,
        .fields = delete_fields,
        .call = "product_images_delete",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Take a picture away from an own product",
        .description = "Of an approved product it stays until an administrator "
                       "approves the `pending_change`.",
    },
    {
        .method = "PUT",
        .path = "/api/product/brands/{id}/logo/",
        .roles = ECS_SELLER,
        .fields = logo_fields,
        .call = "brands_logo_put",
        .status = 200,
        .answer = "OwnBrand",
        .errors = "too_much_stored",
        .summary = "Give an own brand a logo",
        .description = ABOUT_FILES " `logo` of the brand is the version of 1024 "
                       "pixels. Another logo makes the brand PENDING again.",
        .image = "logo",
    },
    {
        .method = "DELETE",
        .path = "/api/product/brands/{id}/logo/",
        .roles = ECS_SELLER,
        .fields = brand_fields,
        .call = "brands_logo_delete",
        .status = 204,
        .summary = "Take the logo away from an own brand",
    },
    {
        .method = "PUT",
        .path = "/api/accounts/me/image/",
        .roles = ECS_ANY_ROLE,
        .fields = me_fields,
        .call = "me_image_put",
        .status = 200,
        .answer = "Me",
        .errors = "too_much_stored",
        .summary = "Give the own account a picture",
        .description = ABOUT_FILES,
        .image = "image",
    },
    {
        .method = "DELETE",
        .path = "/api/accounts/me/image/",
        .roles = ECS_ANY_ROLE,
        .call = "me_image_delete",
        .status = 204,
        .summary = "Remove the picture of the own account",
    },
    { NULL },
};

const ecs_schema_t ecs_images_schemas[] = {
    { "Picture", "A picture in three sizes; width and height are of the "
                 "largest.",
      "url:url medium_url:url thumbnail_url:url width:int height:int" },
    { NULL },
};
