/* SPDX-License-Identifier: MIT */
/*
 * exports.c - lists as CSV files, however long: they are sent in parts
 * (include/stream.h) of sql/api/65_exports.sql.
 */
#include "api.h"

#define ORDER_STATES                                                          \
    "CREATED PROCESSING SHIPPED DELIVERED COMPLETED CANCELLED REFUNDED"
#define TRANSFER_KINDS                                                        \
    "DEPOSIT WITHDRAWAL TRANSFER ESCROW_HOLD ESCROW_RELEASE PAYMENT REFUND "  \
    "FEE PENALTY"

#define CSV_HELP                                                              \
    " CSV (RFC 4180), UTF-8, a header line first. What a spreadsheet would "  \
    "take for a formula has a quote in front. An answer that cannot be "      \
    "completed ends without its last chunk."

/* Where a part begins. */
#define CURSOR                                                                \
    { .name = "cursor", .type = ECS_T_ID, .in = ECS_IN_SERVER }

#define ORDER_FILTERS                                                         \
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,             \
      .choices = ORDER_STATES },                                              \
    { .name = "created_after", .type = ECS_T_TIME, .in = ECS_IN_QUERY,        \
      .help = "At this time or later." },                                     \
    { .name = "created_before", .type = ECS_T_TIME, .in = ECS_IN_QUERY,       \
      .help = "Earlier than this time." }

static const ecs_field_t orders_fields[] = {
    { .name = "as", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "buyer seller", .initial = "buyer",
      .help = "`buyer`: what the caller bought. `seller`: what the caller "
              "sold." },
    ORDER_FILTERS,
    CURSOR,
    { NULL },
};

static const ecs_field_t admin_orders_fields[] = {
    ORDER_FILTERS,
    CURSOR,
    { NULL },
};

static const ecs_field_t wallet_fields[] = {
    { .name = "type", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = TRANSFER_KINDS },
    { .name = "after", .type = ECS_T_TIME, .in = ECS_IN_QUERY,
      .help = "At this time or later." },
    { .name = "before", .type = ECS_T_TIME, .in = ECS_IN_QUERY,
      .help = "Earlier than this time." },
    { .name = "order", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "auction", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    CURSOR,
    { NULL },
};

static const ecs_field_t products_fields[] = {
    CURSOR,
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
        .description = "All but archived ones." CSV_HELP,
    },
    { NULL },
};

const ecs_schema_t ecs_exports_schemas[] = {
    { NULL },
};
