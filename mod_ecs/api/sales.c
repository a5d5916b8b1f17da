/* SPDX-License-Identifier: MIT */
/*
 * sales.c - discounts of sellers, and sales that administrators open and
 * sellers join.
 *
 * All of it happens in sql/api/21_offers.sql; the prices that follow are made
 * in sql/api/15_prices.sql.
 */
#include "api.h"

#define SALE_NAME_MAX 120         /* characters, as in ecs.sales */
#define SALE_DESCRIPTION_MAX 2000 /* characters, as in ecs.sales */
#define PERCENTAGE_MIN 1          /* percent, as in ecs.sale_products */
#define PERCENTAGE_MAX 90         /* percent */

/* ---- fields ---- */

#define SALE_ID                                                               \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Sale." }

static const ecs_field_t discount_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Product." },
    { .name = "percentage", .type = ECS_T_DECIMAL, .flags = ECS_REQUIRED,
      .min = PERCENTAGE_MIN, .max = PERCENTAGE_MAX,
      .help = "Off the list price; at most two decimal places." },
    { .name = "starts_at", .type = ECS_T_TIME, .flags = ECS_NULLABLE,
      .help = "Absent or null: it has begun." },
    { .name = "ends_at", .type = ECS_T_TIME, .flags = ECS_NULLABLE,
      .help = "Absent or null: until it is taken away." },
    { NULL },
};

static const ecs_field_t product_id_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Product." },
    { NULL },
};

static const ecs_field_t list_fields[] = {
    { .name = "when", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "active upcoming past",
      .help = "Only what runs now, has not begun, or is over." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t new_fields[] = {
    { .name = "name", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = SALE_NAME_MAX },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = SALE_DESCRIPTION_MAX },
    { .name = "starts_at", .type = ECS_T_TIME, .flags = ECS_REQUIRED },
    { .name = "ends_at", .type = ECS_T_TIME, .flags = ECS_REQUIRED,
      .help = "After the start, and in the future." },
    { NULL },
};

static const ecs_field_t change_fields[] = {
    SALE_ID,
    { .name = "name", .type = ECS_T_STRING, .max = SALE_NAME_MAX },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = SALE_DESCRIPTION_MAX },
    { .name = "starts_at", .type = ECS_T_TIME,
      .help = "As long as the sale has not begun." },
    { .name = "ends_at", .type = ECS_T_TIME,
      .help = "After the start, and in the future." },
    { NULL },
};

static const ecs_field_t sale_id_fields[] = {
    SALE_ID,
    { NULL },
};

static const ecs_field_t products_fields[] = {
    SALE_ID,
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t join_fields[] = {
    SALE_ID,
    { .name = "product", .type = ECS_T_ID, .flags = ECS_REQUIRED,
      .help = "The caller's own, approved." },
    { .name = "percentage", .type = ECS_T_DECIMAL, .flags = ECS_REQUIRED,
      .min = PERCENTAGE_MIN, .max = PERCENTAGE_MAX,
      .help = "Off the list price; at most two decimal places." },
    { NULL },
};

#define SALE_PRODUCT_IDS                                                      \
    SALE_ID,                                                                  \
    { .name = "product_id", .type = ECS_T_ID, .in = ECS_IN_PATH,              \
      .help = "The caller's own." }

static const ecs_field_t join_change_fields[] = {
    SALE_PRODUCT_IDS,
    { .name = "percentage", .type = ECS_T_DECIMAL, .min = PERCENTAGE_MIN,
      .max = PERCENTAGE_MAX,
      .help = "Off the list price; at most two decimal places." },
    { NULL },
};

static const ecs_field_t leave_fields[] = {
    SALE_PRODUCT_IDS,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_sales_routes[] = {
    {
        .method = "PUT",
        .path = "/api/product/products/{id}/discount/",
        .roles = ECS_SELLER,
        .fields = discount_fields,
        .call = "discount_set",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Give a discount on an own product",
        .description =
            "In the place of the one it may have. It begins and ends by the "
            "clock. While the product is in running sales, the highest "
            "percentage of all counts; they do not add up.",
    },
    {
        .method = "DELETE",
        .path = "/api/product/products/{id}/discount/",
        .roles = ECS_SELLER,
        .fields = product_id_fields,
        .call = "discount_remove",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Take the discount of an own product away",
    },
    {
        .method = "GET",
        .path = "/api/product/sales/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = list_fields,
        .call = "sales_list",
        .status = 200,
        .answer = "Sale",
        .summary = "Sales, those that start last first",
    },
    {
        .method = "POST",
        .path = "/api/product/sales/",
        .roles = ECS_ADMINS,
        .fields = new_fields,
        .call = "sales_create",
        .status = 201,
        .answer = "Sale",
        .summary = "Open a sale",
        .description = "Sellers can join it from now on until it ends.",
    },
    {
        .method = "GET",
        .path = "/api/product/sales/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = sale_id_fields,
        .call = "sales_get",
        .status = 200,
        .answer = "Sale",
        .summary = "One sale",
    },
    {
        .method = "PATCH",
        .path = "/api/product/sales/{id}/",
        .roles = ECS_ADMINS,
        .fields = change_fields,
        .call = "sales_update",
        .status = 200,
        .answer = "Sale",
        .errors = "wrong_state",
        .summary = "Change a sale that is not over",
    },
    {
        .method = "DELETE",
        .path = "/api/product/sales/{id}/",
        .roles = ECS_ADMINS,
        .fields = sale_id_fields,
        .call = "sales_delete",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Call a sale off, or end it now",
        .description =
            "One that has not begun is gone, for those who joined it, too. "
            "One that runs ends at this moment and stays as a past one, which "
            "cannot be deleted.",
    },
    {
        .method = "GET",
        .path = "/api/product/sales/{id}/products/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = products_fields,
        .call = "sales_products",
        .status = 200,
        .answer = "SaleProduct",
        .summary = "The products in a sale, the newest first",
        .description = "Before it begins, too. What a product costs now says "
                       "its `current_price`.",
    },
    {
        .method = "POST",
        .path = "/api/product/sales/{id}/products/",
        .roles = ECS_SELLER,
        .fields = join_fields,
        .call = "sales_join",
        .status = 201,
        .answer = "SaleProduct",
        .errors = "wrong_state duplicate",
        .summary = "Put an own product into a sale",
        .description = "Into one that runs or has not begun; the price acts at "
                       "once in one that runs.",
    },
    {
        .method = "PATCH",
        .path = "/api/product/sales/{id}/products/{product_id}/",
        .roles = ECS_SELLER,
        .fields = join_change_fields,
        .call = "sales_product_update",
        .status = 200,
        .answer = "SaleProduct",
        .errors = "wrong_state",
        .summary = "Change what an own product gives off in a sale",
    },
    {
        .method = "DELETE",
        .path = "/api/product/sales/{id}/products/{product_id}/",
        .roles = ECS_SELLER,
        .fields = leave_fields,
        .call = "sales_leave",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Take an own product out of a sale",
    },
    { NULL },
};

const ecs_schema_t ecs_sales_schemas[] = {
    { "Sale", "Days on which sellers sell for less.",
      "id:id name:str description:text status:UPCOMING|ACTIVE|PAST "
      "starts_at:time ends_at:time created_at:time updated_at:time" },
    { "SaleProduct", "A product in a sale, and what it gives off there.",
      "sale:id percentage:num created_at:time product:Product" },
    { NULL },
};
