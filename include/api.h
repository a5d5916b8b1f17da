/* SPDX-License-Identifier: MIT */
/*
 * api.h - the apps of the shop: their route rows and answer shapes.
 */
#ifndef ECS_API_H
#define ECS_API_H

#include "route.h"

#define ECS_IMAGES_MAX 10                 /* of a product, as in
                                             product_images_add */
#define ECS_PRODUCT_NAME_MAX 200          /* characters, as in ecs.products */
#define ECS_PRODUCT_DESCRIPTION_MAX 10000 /* characters, as in ecs.products */
#define ECS_PRODUCT_QUANTITY_MAX 1000000  /* pieces */

/* The states of an order: to choose from, and as the type of a member. */
#define ECS_ORDER_STATES                                                      \
    "CREATED PROCESSING SHIPPED DELIVERED COMPLETED CANCELLED REFUNDED"
#define ECS_ORDER_STATE_WORD                                                  \
    "CREATED|PROCESSING|SHIPPED|DELIVERED|COMPLETED|CANCELLED|REFUNDED"

/* What moves money, likewise. */
#define ECS_TRANSFER_KINDS                                                    \
    "DEPOSIT WITHDRAWAL TRANSFER ESCROW_HOLD ESCROW_RELEASE PAYMENT REFUND "  \
    "FEE PENALTY"
#define ECS_TRANSFER_KIND_WORD                                                \
    "DEPOSIT|WITHDRAWAL|TRANSFER|ESCROW_HOLD|ESCROW_RELEASE|PAYMENT|REFUND|"  \
    "FEE|PENALTY"

/* The three query fields of every list (see page.h). */
#define ECS_PAGING                                                            \
    { .name = "page", .type = ECS_T_PAGE, .in = ECS_IN_QUERY,                 \
      .initial = "1", .help = "Page number, from 1." },                       \
    { .name = "page_size", .type = ECS_T_INT, .in = ECS_IN_QUERY, .min = 1,   \
      .max = 100, .initial = "20", .help = "Results on a page." },            \
    { .name = "cursor", .type = ECS_T_CURSOR, .in = ECS_IN_QUERY,             \
      .help = "Keyset paging: empty to begin, then what `next` carries. "     \
              "Costs the same on every page; answers without `count`." }

/* Query fields of what happened in a span of time. */
#define ECS_BETWEEN(after, before)                                            \
    { .name = after, .type = ECS_T_TIME, .in = ECS_IN_QUERY,                  \
      .help = "At this time or later." },                                     \
    { .name = before, .type = ECS_T_TIME, .in = ECS_IN_QUERY,                 \
      .help = "Earlier than this time." }

/* Which orders, and which movements of a wallet, a list or a file has. */
#define ECS_ORDER_FILTERS                                                     \
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,             \
      .choices = ECS_ORDER_STATES },                                          \
    ECS_BETWEEN("created_after", "created_before")

#define ECS_TRANSFER_FILTERS                                                  \
    { .name = "type", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,               \
      .choices = ECS_TRANSFER_KINDS },                                        \
    ECS_BETWEEN("after", "before"),                                           \
    { .name = "order", .type = ECS_T_ID, .in = ECS_IN_QUERY },                \
    { .name = "auction", .type = ECS_T_ID, .in = ECS_IN_QUERY }

/* The fields of a list that takes no filter. */
extern const ecs_field_t ecs_paging_fields[];

extern const ecs_route_t ecs_accounts_routes[];
extern const ecs_schema_t ecs_accounts_schemas[];
extern const ecs_route_t ecs_catalog_routes[];
extern const ecs_schema_t ecs_catalog_schemas[];
extern const ecs_route_t ecs_sales_routes[];
extern const ecs_schema_t ecs_sales_schemas[];
extern const ecs_route_t ecs_brands_routes[];
extern const ecs_schema_t ecs_brands_schemas[];
extern const ecs_route_t ecs_wishlist_routes[];
extern const ecs_schema_t ecs_wishlist_schemas[];
extern const ecs_route_t ecs_images_routes[];
extern const ecs_schema_t ecs_images_schemas[];
extern const ecs_route_t ecs_cart_routes[];
extern const ecs_schema_t ecs_cart_schemas[];
extern const ecs_route_t ecs_orders_routes[];
extern const ecs_schema_t ecs_orders_schemas[];
extern const ecs_route_t ecs_auctions_routes[];
extern const ecs_schema_t ecs_auctions_schemas[];
extern const ecs_route_t ecs_delivery_routes[];
extern const ecs_schema_t ecs_delivery_schemas[];
extern const ecs_route_t ecs_bids_routes[];
extern const ecs_schema_t ecs_bids_schemas[];
extern const ecs_route_t ecs_webhooks_routes[];
extern const ecs_schema_t ecs_webhooks_schemas[];
extern const ecs_route_t ecs_exports_routes[];
extern const ecs_schema_t ecs_exports_schemas[];
extern const ecs_route_t ecs_returns_routes[];
extern const ecs_schema_t ecs_returns_schemas[];
extern const ecs_route_t ecs_wallet_routes[];
extern const ecs_schema_t ecs_wallet_schemas[];
extern const ecs_route_t ecs_reviews_routes[];
extern const ecs_schema_t ecs_reviews_schemas[];
extern const ecs_route_t ecs_notifications_routes[];
extern const ecs_schema_t ecs_notifications_schemas[];
extern const ecs_route_t ecs_analytics_routes[];
extern const ecs_schema_t ecs_analytics_schemas[];
extern const ecs_route_t ecs_platform_routes[];
extern const ecs_schema_t ecs_platform_schemas[];

/* The types of notifications, separated by spaces. */
extern const char ecs_notification_types[];

/* All apps, closed by one whose name is NULL; in the order of the document. */
extern const ecs_app_t ecs_apps[];

#endif
