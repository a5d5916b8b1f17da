/* SPDX-License-Identifier: MIT */
/*
 * delivery.c - the courier's side of an order: find, claim, ship, hand over.
 */
#include "api.h"
#include "proof_steps.h"

#define REASON_MAX 500
#define NEAR_MAX 50 /* characters of "latitude,longitude" */

/* ---- fields ---- */

#define ORDER_ID                                                              \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Order." }

static const ecs_field_t available_fields[] = {
    { .name = "near", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = NEAR_MAX,
      .help = "`latitude,longitude`: nearest first. Distances are between "
              "places rounded to 0.01 degrees, about a kilometre." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    ORDER_ID,
    { NULL },
};

static const ecs_field_t reason_fields[] = {
    ORDER_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "The buyer can read it." },
    { NULL },
};

static const ecs_field_t advance_fields[] = {
    ORDER_ID,
    ECS_PROOF_TRIED_FIELDS,
    ECS_PROOF_ISSUED_FIELDS,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_delivery_routes[] = {
    {
        .method = "GET",
        .path = "/api/delivery/orders/available/",
        .roles = ECS_DELIVERY,
        .flags = ECS_R_LIST,
        .fields = available_fields,
        .call = "delivery_available",
        .status = 200,
        .answer = "WaitingOrder",
        .summary = "Orders that wait for a courier",
        .description = "Oldest first, or nearest to `near` first. Nothing of "
                       "the buyer but the city.",
    },
    {
        .method = "GET",
        .path = "/api/delivery/orders/mine/",
        .roles = ECS_DELIVERY,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "delivery_mine",
        .status = 200,
        .answer = "Delivery",
        .summary = "What the caller is carrying, newest first",
    },
    {
        .method = "GET",
        .path = "/api/delivery/orders/history/",
        .roles = ECS_DELIVERY,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "delivery_history",
        .status = 200,
        .answer = "Delivery",
        .summary = "What the caller has carried, newest first",
        .description = "Delivered, or taken back on the way.",
    },
    {
        .method = "GET",
        .path = "/api/delivery/orders/{id}/",
        .roles = ECS_DELIVERY,
        .fields = id_fields,
        .call = "delivery_get",
        .status = 200,
        .answer = "Delivery",
        .summary = "One order of the caller's",
        .description = "Where to bring it, whom to call, what is in it.",
    },
    {
        .method = "POST",
        .path = "/api/delivery/orders/{id}/claim/",
        .roles = ECS_DELIVERY,
        .fields = id_fields,
        .call = "delivery_claim",
        .status = 200,
        .answer = "Delivery",
        .errors = "already_claimed too_many_active wrong_state",
        .summary = "Take an order that waits",
        .description = "One courier gets it; and nobody carries more than "
                       "`max_active_deliveries` of the settings at a time.",
    },
    {
        .method = "POST",
        .path = "/api/delivery/orders/{id}/release/",
        .roles = ECS_DELIVERY,
        .fields = reason_fields,
        .call = "delivery_release",
        .status = 200,
        .answer = "WaitingOrder",
        .errors = "wrong_state",
        .summary = "Give an order back that was not shipped",
        .description = "It waits for another courier then.",
    },
    {
        .method = "POST",
        .path = "/api/delivery/orders/{id}/advance/",
        .roles = ECS_DELIVERY,
        .fields = advance_fields,
        .call = "delivery_advance",
        .status = 200,
        .answer = "Delivery",
        .errors = "wrong_state wrong_proof proof_locked proof_expired",
        .summary = "The next step of an own order",
        .description =
            "From PROCESSING to SHIPPED: makes the proof of delivery and "
            "tells the buyer. From SHIPPED to DELIVERED: needs `pin` or "
            "`token`, under the same rules as "
            "`POST /api/orders/{id}/proof/confirm/`.",
        .before = ecs_proof_step_issue_and_try,
    },
    {
        .method = "POST",
        .path = "/api/delivery/orders/{id}/attempt/",
        .roles = ECS_DELIVERY,
        .fields = reason_fields,
        .call = "delivery_attempt",
        .status = 200,
        .answer = "Delivery",
        .errors = "wrong_state",
        .summary = "Write down that an order could not be handed over",
        .description = "It stays SHIPPED, and the buyer is told.",
    },
    { NULL },
};

const ecs_schema_t ecs_delivery_schemas[] = {
    { "WaitingOrder", "What every courier may know of an order nobody has "
                      "taken. distance_km is null unless `near` was asked.",
      "id:id order_number:str status:" ECS_ORDER_STATE_WORD " city:str "
      "distance_km:num? items_count:int created_at:time" },
    { "Recipient", "Whom the courier meets.",
      "id:id username:str name:str phone_number:str" },
    { "DeliveryItem", "A thing to carry, and from whom to fetch it.",
      "product:id product_name:str seller:Person quantity:int" },
    { "DeliveryAttempt", "A time the order could not be handed over.",
      "reason:text at:time" },
    { "Delivery", "An order as its courier needs it.",
      "id:id order_number:str status:" ECS_ORDER_STATE_WORD " buyer:Recipient "
      "items:[DeliveryItem] location_lat:num location_lng:num "
      "location_address:text city:str attempts:[DeliveryAttempt] "
      "proof_method:PIN|TOKEN? created_at:time claimed_at:time? "
      "shipped_at:time? delivered_at:time?" },
    { NULL },
};
