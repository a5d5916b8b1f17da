/* SPDX-License-Identifier: MIT */
/*
 * brands.c - a seller asks for a brand, an administrator decides, and products
 * carry it.
 *
 * All of it happens in sql/api/23_brands.sql.
 */
#include "api.h"

#define NAME_MAX_CHARS 120   /* as in ecs.brands */
#define DESCRIPTION_MAX 2000 /* characters, as in ecs.brands */
#define SEARCH_MAX 120       /* characters */
#define REASON_MAX 500       /* characters */
#define STATES "PENDING APPROVED REJECTED"

/* ---- fields ---- */

#define BRAND_ID                                                              \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Brand." }

static const ecs_field_t list_fields[] = {
    { .name = "search", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = SEARCH_MAX, .help = "A part of the name." },
    { .name = "seller", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t new_fields[] = {
    { .name = "name", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = NAME_MAX_CHARS, .help = "No other brand may have it, in any "
                                     "case." },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = DESCRIPTION_MAX },
    ECS_IMAGE_FIELDS,
    { NULL },
};

static const ecs_field_t mine_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = STATES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    BRAND_ID,
    { NULL },
};

static const ecs_field_t change_fields[] = {
    BRAND_ID,
    { .name = "name", .type = ECS_T_STRING, .max = NAME_MAX_CHARS,
      .help = "No other brand may have it, in any case." },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = DESCRIPTION_MAX },
    { .name = "is_active", .type = ECS_T_BOOL,
      .help = "false hides the brand, here and on products." },
    { NULL },
};

static const ecs_field_t products_fields[] = {
    BRAND_ID,
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t reject_fields[] = {
    BRAND_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "The seller reads it." },
    { NULL },
};

static const ecs_field_t assign_fields[] = {
    { .name = "product_id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Product." },
    { .name = "brand", .type = ECS_T_ID, .flags = ECS_REQUIRED | ECS_NULLABLE,
      .help = "An own one that is approved and active; null for none." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_brands_routes[] = {
    {
        .method = "GET",
        .path = "/api/product/brands/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = list_fields,
        .call = "brands_list",
        .status = 200,
        .answer = "Brand",
        .summary = "Brands that are approved and active, by name",
    },
    {
        .method = "POST",
        .path = "/api/product/brands/create/",
        .roles = ECS_SELLER,
        .flags = ECS_R_MAY_IMAGE,
        .fields = new_fields,
        .call = "brands_create",
        .status = 201,
        .answer = "OwnBrand",
        .errors = "not_enough_points too_much_stored",
        .image = "logo",
        .summary = "Ask for a brand",
        .description =
            "It is PENDING until an administrator decides. Takes "
            "`brand_min_points` of the settings, or verification; without, "
            "the refusal says `points` and `required`. In a multipart form "
            "the file `logo` may come with it; see the route of the logo.",
    },
    {
        .method = "GET",
        .path = "/api/product/brands/mine/",
        .roles = ECS_SELLER,
        .flags = ECS_R_LIST,
        .fields = mine_fields,
        .call = "brands_mine",
        .status = 200,
        .answer = "OwnBrand",
        .summary = "The caller's brands, newest first",
    },
    {
        .method = "GET",
        .path = "/api/product/brands/admin/pending/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "brands_pending",
        .status = 200,
        .answer = "OwnBrand",
        .summary = "Brands that wait for a decision, oldest first",
    },
    {
        .method = "POST",
        .path = "/api/product/brands/admin/{id}/approve/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "brands_approve",
        .status = 200,
        .answer = "OwnBrand",
        .errors = "wrong_state",
        .summary = "Approve a brand",
    },
    {
        .method = "POST",
        .path = "/api/product/brands/admin/{id}/reject/",
        .roles = ECS_ADMINS,
        .fields = reject_fields,
        .call = "brands_reject",
        .status = 200,
        .answer = "OwnBrand",
        .errors = "wrong_state",
        .summary = "Refuse a brand",
    },
    {
        .method = "GET",
        .path = "/api/product/brands/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = id_fields,
        .call = "brands_get",
        .status = 200,
        .answer = "Brand",
        .summary = "One brand",
        .description = "Its seller and administrators see it in every state, "
                       "and with `rejection_reason`.",
    },
    {
        .method = "PATCH",
        .path = "/api/product/brands/{id}/",
        .roles = ECS_SELLER,
        .fields = change_fields,
        .call = "brands_update",
        .status = 200,
        .answer = "OwnBrand",
        .summary = "Change an own brand",
        .description =
            "Another name or description makes it PENDING again, and it is "
            "not seen until it is approved; `is_active` changes at once.",
    },
    {
        .method = "DELETE",
        .path = "/api/product/brands/{id}/",
        .roles = ECS_SELLER,
        .fields = id_fields,
        .call = "brands_delete",
        .status = 204,
        .errors = "in_use",
        .summary = "Remove an own brand",
        .description = "Not while products have it or a change asks for it; "
                       "archived ones lose it.",
    },
    {
        .method = "GET",
        .path = "/api/product/brands/{id}/products/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = products_fields,
        .call = "brands_products",
        .status = 200,
        .answer = "Product",
        .summary = "What is on sale of a brand, newest first",
    },
    {
        .method = "PATCH",
        .path = "/api/product/products/{product_id}/assign-brand/",
        .roles = ECS_SELLER,
        .fields = assign_fields,
        .call = "products_assign_brand",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state not_enough_points",
        .summary = "Put a brand on an own product, or take it off",
        .description =
            "At once, since the brand has been approved; in place of one that "
            "waits in `pending_change`. Takes the points that a brand takes.",
    },
    { NULL },
};

#define BRAND_MEMBERS                                                         \
    "id:id name:str slug:str description:text logo:str? "                     \
    "status:PENDING|APPROVED|REJECTED is_active:bool seller:Person "          \
    "products_count:int created_at:time updated_at:time"

const ecs_schema_t ecs_brands_schemas[] = {
    { "Brand", "A brand; products_count is of what is on sale. Its seller and "
               "administrators see the last member, too.",
      BRAND_MEMBERS " ~rejection_reason:text?" },
    { "OwnBrand", "A brand as its seller and administrators see it.",
      BRAND_MEMBERS " rejection_reason:text?" },
    { "SellerBrand", "A brand on the card of its seller.",
      "id:id name:str slug:str logo:str?" },
    { NULL },
};
