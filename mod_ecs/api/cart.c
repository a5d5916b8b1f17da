/* SPDX-License-Identifier: MIT */
/*
 * cart.c - what a buyer is about to order.
 *
 * All of it happens in sql/api/30_cart.sql.
 */
#include "api.h"

#define QUANTITY_MAX 100000 /* pieces of one product, as in ecs.cart_items */

/* ---- fields ---- */

#define ITEM_ID                                                               \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH,                      \
      .help = "Line of the cart." }

static const ecs_field_t add_fields[] = {
    { .name = "product", .type = ECS_T_ID, .flags = ECS_REQUIRED },
    { .name = "quantity", .type = ECS_T_INT, .min = 1, .max = QUANTITY_MAX,
      .initial = "1", .help = "Added to what the cart has of it." },
    { NULL },
};

static const ecs_field_t change_fields[] = {
    ITEM_ID,
    { .name = "quantity", .type = ECS_T_INT, .min = 1, .max = QUANTITY_MAX },
    { NULL },
};

static const ecs_field_t id_fields[] = {
    ITEM_ID,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_cart_routes[] = {
    {
        .method = "GET",
        .path = "/api/cart/",
        .roles = ECS_BUYERS,
        .call = "cart_get",
        .status = 200,
        .answer = "Cart",
        .summary = "The caller's cart at today's prices",
        .description =
            "Reading it changes nothing. `problem` names a line that cannot "
            "be ordered: `out_of_stock` when there is less than wanted, "
            "`unavailable` when the product is no longer on sale.",
    },
    {
        .method = "DELETE",
        .path = "/api/cart/",
        .roles = ECS_BUYERS,
        .call = "cart_clear",
        .status = 204,
        .summary = "Empty the cart",
    },
    {
        .method = "POST",
        .path = "/api/cart/items/",
        .roles = ECS_BUYERS,
        .fields = add_fields,
        .call = "cart_add",
        .status = 201,
        .answer = "Cart",
        .errors = "own_product out_of_stock cart_full",
        .summary = "Put a product into the cart",
        .description =
            "Or more of it, when it is there already. Answers the whole cart. "
            "A cart has at most 200 lines.",
    },
    {
        .method = "PATCH",
        .path = "/api/cart/items/{id}/",
        .roles = ECS_BUYERS,
        .fields = change_fields,
        .call = "cart_update",
        .status = 200,
        .answer = "Cart",
        .errors = "out_of_stock",
        .summary = "Change the quantity of a line",
        .description = "Answers the whole cart.",
    },
    {
        .method = "DELETE",
        .path = "/api/cart/items/{id}/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "cart_remove",
        .status = 204,
        .summary = "Take a line out of the cart",
    },
    { NULL },
};

const ecs_schema_t ecs_cart_schemas[] = {
    { "CartProduct", "What a line is about.", "id:id name:str slug:str" },
    { "CartItem", "A line of a cart; available is what the shop has of it.",
      "id:id product:CartProduct quantity:int unit_price:money "
      "line_total:money available:int problem:out_of_stock|unavailable?" },
    { "Cart", "What a buyer is about to order. subtotal is before discounts.",
      "items:[CartItem] subtotal:money discount_total:money total:money "
      "can_checkout:bool" },
    { NULL },
};
