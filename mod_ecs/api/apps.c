/* SPDX-License-Identifier: MIT */
/*
 * apps.c - the table of contents of the shop, and what its apps share.
 */
#include "api.h"

const ecs_field_t ecs_paging_fields[] = {
    ECS_PAGING,
    { NULL },
};

const ecs_app_t ecs_apps[] = {
    { "Accounts", "Registration, sign-in, profile, and the shop's people.",
      ecs_accounts_routes, ecs_accounts_schemas },
    { "Catalogue", "Categories and products, with approval.",
      ecs_catalog_routes, ecs_catalog_schemas },
    { "Sales", "Discounts of sellers, and sales that they join.",
      ecs_sales_routes, ecs_sales_schemas },
    { "Brands", "What sellers make, with approval.",
      ecs_brands_routes, ecs_brands_schemas },
    { "Wish list", "What a user would like to have.",
      ecs_wishlist_routes, ecs_wishlist_schemas },
    { "Images", "Pictures of products, brands and people.",
      ecs_images_routes, ecs_images_schemas },
    { "Cart", "What a buyer is about to order.",
      ecs_cart_routes, ecs_cart_schemas },
    { "Orders", "Checkout into escrow, proof of delivery, completion.",
      ecs_orders_routes, ecs_orders_schemas },
    { "Auctions", "Bids with held money, and the winner's order.",
      ecs_auctions_routes, ecs_auctions_schemas },
    { "Bids", "Bidding on auctions.", ecs_bids_routes, ecs_bids_schemas },
    { "Delivery", "The courier's side of an order.",
      ecs_delivery_routes, ecs_delivery_schemas },
    { "Returns", "Goods that come back: inspection, refund, and used units.",
      ecs_returns_routes, ecs_returns_schemas },
    { "Wallet", "Balances, transfers and the ledger's own proof.",
      ecs_wallet_routes, ecs_wallet_schemas },
    { "Reviews", "What buyers say about what they got.",
      ecs_reviews_routes, ecs_reviews_schemas },
    { "Notifications", "What happened that concerns the caller.",
      ecs_notifications_routes, ecs_notifications_schemas },
    { "Webhooks", "Events for programs of others, signed.",
      ecs_webhooks_routes, ecs_webhooks_schemas },
    { "Exports", "Lists as files, and products from a file.",
      ecs_exports_routes, ecs_exports_schemas },
    { "Analytics", "What a seller or the whole shop sold, and how it goes.",
      ecs_analytics_routes, ecs_analytics_schemas },
    { "Platform", "Health, settings, jobs, audit log and this document.",
      ecs_platform_routes, ecs_platform_schemas },
    { NULL, NULL, NULL, NULL },
};
