/* SPDX-License-Identifier: MIT */
/*
 * wishlist.c - what a user would like to have, and hears of when it costs less.
 *
 * All of it happens in sql/api/24_wishlist.sql.
 */
#include "api.h"

/* ---- fields ---- */

static const ecs_field_t add_fields[] = {
    { .name = "product", .type = ECS_T_ID, .flags = ECS_REQUIRED },
    { NULL },
};

static const ecs_field_t product_fields[] = {
    { .name = "product_id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Product." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_wishlist_routes[] = {
    {
        .method = "GET",
        .path = "/api/wishlist/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "wishlist_list",
        .status = 200,
        .answer = "Wish",
        .summary = "The caller's wish list, newest first",
        .description =
            "`problem` says what cannot be bought now: `out_of_stock`, or "
            "`unavailable` when the product is no longer on sale.",
    },
    {
        .method = "POST",
        .path = "/api/wishlist/",
        .roles = ECS_ANY_ROLE,
        .fields = add_fields,
        .call = "wishlist_add",
        .status = 201,
        .answer = "Wish",
        .errors = "list_full",
        .summary = "Wish for a product",
        .description =
            "A wish that is there already stays as it is. A notification "
            "`wishlist_discount` tells of each price below `lowest_price`. A "
            "list has at most 500 products.",
    },
    {
        .method = "DELETE",
        .path = "/api/wishlist/{product_id}/",
        .roles = ECS_ANY_ROLE,
        .fields = product_fields,
        .call = "wishlist_remove",
        .status = 204,
        .summary = "Take a product off the wish list",
    },
    { NULL },
};

const ecs_schema_t ecs_wishlist_schemas[] = {
    { "Wish", "A product on a wish list; lowest_price is the lowest one its "
              "owner knows of.",
      "id:id product:Product lowest_price:money "
      "problem:out_of_stock|unavailable? created_at:time" },
    { NULL },
};
