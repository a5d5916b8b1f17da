/* SPDX-License-Identifier: MIT */
/*
 * orders.c - checkout into escrow, the views of an order, and how it ends.
 *
 * All of it happens in sql/api/4*.sql; only the proof of delivery has
 * steps here, because PostgreSQL must not know PIN and token.
 */
#include "api.h"
#include "proof_steps.h"

#define REASON_MAX 500

/* ---- fields ---- */

#define ORDER_ID                                                              \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Order." }

static const ecs_field_t checkout_fields[] = {
    { .name = "expected_total", .type = ECS_T_MONEY,
      .help = "What the buyer was shown. If the cart costs something else by "
              "now, nothing is ordered." },
    { NULL },
};

static const ecs_field_t list_fields[] = {
    { .name = "as", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "buyer seller", .initial = "buyer",
      .help = "`buyer`: orders the caller placed. `seller`: orders with lines "
              "of the caller's, and of them only those lines." },
    ECS_ORDER_FILTERS,
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t admin_list_fields[] = {
    ECS_ORDER_FILTERS,
    { .name = "buyer", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "seller", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .help = "Of at least one line." },
    { .name = "courier", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "order_number", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = 19, .help = "The whole number, in any case." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    ORDER_ID,
    { NULL },
};

static const ecs_field_t cancel_fields[] = {
    ORDER_ID,
    { .name = "reason", .type = ECS_T_TEXT, .max = REASON_MAX,
      .help = "The sellers can read it in the history." },
    { NULL },
};

static const ecs_field_t complete_fields[] = {
    ORDER_ID,
    { .name = "reason", .type = ECS_T_TEXT, .max = REASON_MAX,
      .help = "Required from an administrator." },
    { NULL },
};

static const ecs_field_t refund_fields[] = {
    ORDER_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "Everybody in the order can read it." },
    { .name = "amount", .type = ECS_T_MONEY, .min = 1,
      .help = "Not more than `held_amount`, which is the default." },
    { NULL },
};

static const ecs_field_t renew_fields[] = {
    ORDER_ID,
    ECS_PROOF_ISSUED_FIELDS,
    { NULL },
};

static const ecs_field_t confirm_fields[] = {
    ORDER_ID,
    ECS_PROOF_TRIED_FIELDS,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_orders_routes[] = {
    {
        .method = "POST",
        .path = "/api/orders/checkout/",
        .roles = ECS_BUYERS,
        .fields = checkout_fields,
        .call = "orders_checkout",
        .status = 201,
        .answer = "Order",
        .errors = "location_required empty_cart own_product unavailable "
                  "out_of_stock price_changed insufficient_funds",
        .summary = "Order the whole cart",
        .description =
            "Takes the goods, holds the total in the buyer's wallet and "
            "empties the cart, or does nothing at all. Prices, discounts and "
            "the platform's fee are frozen in the order. A refusal for lines "
            "of the cart names all of them in `items`.",
    },
    {
        .method = "GET",
        .path = "/api/orders/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_LIST,
        .fields = list_fields,
        .call = "orders_list",
        .status = 200,
        .answer = "Order",
        .summary = "The caller's orders, newest first",
        .description = "In the seller's view totals are those of the own "
                       "lines, and the buyer's place and the escrow are null.",
    },
    {
        .method = "GET",
        .path = "/api/orders/admin/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = admin_list_fields,
        .call = "orders_admin_list",
        .status = 200,
        .answer = "Order",
        .summary = "All orders, newest first",
    },
    {
        .method = "GET",
        .path = "/api/orders/admin/overdue/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "orders_overdue",
        .status = 200,
        .answer = "Order",
        .summary = "Orders that could have been completed by now",
        .description = "Delivered, and `complete_after` has passed. Newest "
                       "first.",
    },
    {
        .method = "GET",
        .path = "/api/orders/{id}/",
        .roles = ECS_ANY_ROLE,
        .fields = id_fields,
        .call = "orders_get",
        .status = 200,
        .answer = "OrderDetail",
        .summary = "One order with its history",
        .description = "For its buyer, its courier and administrators; its "
                       "sellers see their own lines.",
    },
    {
        .method = "POST",
        .path = "/api/orders/{id}/cancel/",
        .roles = ECS_BUYERS,
        .fields = cancel_fields,
        .call = "orders_cancel",
        .status = 200,
        .answer = "Order",
        .errors = "wrong_state",
        .summary = "Cancel an own order that was not shipped",
        .description = "What is held comes back, less `cancel_fee_percent` of "
                       "the settings, and the goods are on sale again.",
    },
    {
        .method = "POST",
        .path = "/api/orders/{id}/complete/",
        .roles = ECS_BUYERS | ECS_ADMINS,
        .fields = complete_fields,
        .call = "orders_complete",
        .status = 200,
        .answer = "Order",
        .errors = "wrong_state too_early return_open",
        .summary = "End a delivered order and pay its sellers",
        .description =
            "The buyer may do it from `complete_after` on, an administrator "
            "any time after delivery, and nobody while a return is open. Each "
            "seller gets the own lines less the fee, and points for what was "
            "paid.",
    },
    {
        .method = "POST",
        .path = "/api/orders/{id}/refund/",
        .roles = ECS_ADMINS,
        .fields = refund_fields,
        .call = "orders_refund",
        .status = 200,
        .answer = "Order",
        .errors = "wrong_state return_open",
        .summary = "Give the buyer money back out of escrow",
        .description =
            "All that is held ends the order as REFUNDED; a part shrinks what "
            "its sellers will get, each in proportion. Goods go back on sale "
            "if they were not shipped yet. While a return is open a part can "
            "be refunded, but not all.",
    },
    {
        .method = "GET",
        .path = "/api/orders/{id}/proof/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "orders_proof",
        .status = 200,
        .answer = "Proof image/png image/svg+xml",
        .errors = "wrong_state",
        .summary = "PIN, token and QR code to receive an own order with",
        .description =
            "While the order is SHIPPED. The QR code says the token. With "
            "`Accept: image/png` or `image/svg+xml` the answer is the QR code "
            "itself. Reading changes nothing.",
        .after = ecs_proof_step_show,
    },
    {
        .method = "POST",
        .path = "/api/orders/{id}/proof/renew/",
        .roles = ECS_BUYERS,
        .fields = renew_fields,
        .call = "orders_proof_renew",
        .status = 200,
        .answer = "Proof image/png image/svg+xml",
        .errors = "wrong_state too_many_renewals",
        .summary = "Replace the proof of an own order",
        .description = "The old PIN and token are worth nothing from now on; "
                       "tries start from zero. Five times a day, UTC.",
        .before = ecs_proof_step_issue,
        .after = ecs_proof_step_show,
    },
    {
        .method = "POST",
        .path = "/api/orders/{id}/proof/confirm/",
        .roles = ECS_DELIVERY,
        .fields = confirm_fields,
        .call = "orders_proof_confirm",
        .status = 200,
        .answer = "Order",
        .errors = "wrong_state wrong_proof proof_locked proof_expired",
        .summary = "Hand an order over",
        .description =
            "Takes either the PIN or the token that the buyer shows. Each "
            "wrong one counts, parallel ones too; `attempts_left` says how "
            "many are left before the buyer has to renew the proof.",
        .before = ecs_proof_step_try,
    },
    { NULL },
};

#define ORDER_MEMBERS                                                         \
    "id:id order_number:str status:" ECS_ORDER_STATE_WORD " buyer:Person "    \
    "items:[OrderItem] subtotal:money discount_total:money total:money "      \
    "held_amount:money? refunded_amount:money? location_lat:num? "            \
    "location_lng:num? location_address:text? courier:Person? "               \
    "proof_method:PIN|TOKEN? created_at:time claimed_at:time? "               \
    "shipped_at:time? delivered_at:time? completed_at:time? "                 \
    "complete_after:time?"

const ecs_schema_t ecs_orders_schemas[] = {
    { "Person", "Somebody, as others see them.", "id:id username:str" },
    { "OrderItem", "A line, with what was true at checkout.",
      "id:id product:id product_name:str seller:Person quantity:int "
      "unit_price:money line_total:money returned_quantity:int" },
    { "Order", "An order. A seller sees the own lines and their totals; place "
               "and escrow are null then.",
      ORDER_MEMBERS },
    { "OrderStep", "A state an order came into; `by` is null for the shop "
                   "itself.",
      "status:" ECS_ORDER_STATE_WORD " at:time by:Person? note:text?" },
    { "OrderDetail", "An order with everything that happened to it.",
      ORDER_MEMBERS " history:[OrderStep]" },
    { "Proof", "What the buyer shows to receive an order: the PIN, or the QR "
               "code, a picture of the token as data URI.",
      "pin:str token:str expires_at:time attempts_left:int qr:str" },
    { NULL },
};
