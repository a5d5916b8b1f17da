/* SPDX-License-Identifier: MIT */
/*
 * exports.c - lists as CSV files, however long: they are sent in parts
 * (include/stream.h) of sql/api/65_exports.sql. And a file back in
 * (66_imports.sql).
 */
#include "api.h"

#define IMPORT_ROWS_MAX 1000

#define CSV_HELP                                                              \
    " CSV (RFC 4180), UTF-8, a header line first. What a spreadsheet would "  \
    "take for a formula has a quote in front. An answer that cannot be "      \
    "completed ends without its last chunk."

/* Where a part begins. */
#define CURSOR                                                                \
    { .name = "cursor", .type = ECS_T_ID, .in = ECS_IN_SERVER }

static const ecs_field_t orders_fields[] = {
    { .name = "as", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "buyer seller", .initial = "buyer",
      .help = "`buyer`: what the caller bought. `seller`: what the caller "
              "sold." },
    ECS_ORDER_FILTERS,
    CURSOR,
    { NULL },
};

static const ecs_field_t admin_orders_fields[] = {
    ECS_ORDER_FILTERS,
    CURSOR,
    { NULL },
};

static const ecs_field_t wallet_fields[] = {
    ECS_TRANSFER_FILTERS,
    CURSOR,
    { NULL },
};

static const ecs_field_t products_fields[] = {
    CURSOR,
    { NULL },
};

/* As those of POST and PATCH products/; what a new product needs is required
 * by the function, which knows whether it is one. */
static const ecs_field_t import_members[] = {
    { .name = "id", .type = ECS_T_ID,
      .help = "An own product that is changed; without it one is made." },
    { .name = "name", .type = ECS_T_STRING, .max = ECS_PRODUCT_NAME_MAX },
    { .name = "description", .type = ECS_T_TEXT,
      .max = ECS_PRODUCT_DESCRIPTION_MAX },
    { .name = "price", .type = ECS_T_MONEY, .min = 1 },
    { .name = "quantity", .type = ECS_T_INT, .max = ECS_PRODUCT_QUANTITY_MAX },
    { .name = "category", .type = ECS_T_ID },
    { .name = "brand", .type = ECS_T_ID, .flags = ECS_NULLABLE },
    { NULL },
};

static const ecs_field_t import_fields[] = {
    { .name = "dry_run", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .initial = "false",
      .help = "Say what would happen and what is wrong, and do nothing." },
    { .name = "rows", .type = ECS_T_ITEMS, .flags = ECS_REQUIRED, .min = 1,
      .max = IMPORT_ROWS_MAX, .members = import_members },
    { NULL },
};

const ecs_route_t ecs_exports_routes[] = {
    {
        .method = "GET",
        .path = "/api/orders/export/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_STREAM,
        .fields = orders_fields,
        .call = "orders_export",
        .status = 200,
        .answer = "text/csv",
        .summary = "The caller's orders as a file",
        .description = "One line for each line of an order, oldest first."
                       CSV_HELP,
    },
    {
        .method = "GET",
        .path = "/api/orders/admin/export/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_STREAM,
        .fields = admin_orders_fields,
        .call = "orders_admin_export",
        .status = 200,
        .answer = "text/csv",
        .summary = "All orders as a file",
        .description = "One line for each line of an order, oldest first."
                       CSV_HELP,
    },
    {
        .method = "GET",
        .path = "/api/wallet/transactions/export/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_STREAM,
        .fields = wallet_fields,
        .call = "wallet_export",
        .status = 200,
        .answer = "text/csv",
        .summary = "The movements of the caller's wallet as a file",
        .description = "Oldest first." CSV_HELP,
    },
    {
        .method = "GET",
        .path = "/api/product/products/export/",
        .roles = ECS_SELLER,
        .flags = ECS_R_STREAM,
        .fields = products_fields,
        .call = "products_export",
        .status = 200,
        .answer = "text/csv",
        .summary = "The caller's products as a file",
        .description = "All but archived ones, with the columns of the "
                       "import." CSV_HELP,
    },
    {
        .method = "POST",
        .path = "/api/product/products/import/",
        .roles = ECS_SELLER,
        .flags = ECS_R_CSV,
        .fields = import_fields,
        .call = "products_import",
        .status = 200,
        .answer = "Import",
        .errors = "malformed_csv wrong_state not_enough_points",
        .summary = "Make and change products by a file",
        .description =
            "`text/csv` of at most 2 MB whose first line names the columns, or "
            "the same as JSON. All rows are taken or none. What is wrong is "
            "told for each row by column: `{\"rows\": [{}, {\"price\": "
            "[\"...\"]}]}`. New products, and changes of what was approved, "
            "wait for approval as always.",
    },
    { NULL },
};

const ecs_schema_t ecs_exports_schemas[] = {
    { "Import", "What an import did, or would do.",
      "dry_run:bool created:int updated:int" },
    { NULL },
};
