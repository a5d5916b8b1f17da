/* SPDX-License-Identifier: MIT */
/*
 * returns.c - goods that come back: asked for, looked at, decided about, and
 * what the seller does with opened and used units.
 *
 * All of it happens in sql/api/55_returns.sql.
 */
#include "api.h"

#define REASON_MAX 1000     /* characters, as in ecs.returns */
#define NOTES_MAX 1000      /* characters */
#define QUANTITY_MAX 100000 /* of a line, as in ecs.cart_items */
#define FINDINGS_MAX 50     /* lines of an inspection */
#define POINTS_MAX 1000
#define STATES "REQUESTED UNDER_INSPECTION APPROVED REJECTED CANCELLED"
#define STATE_WORD "REQUESTED|UNDER_INSPECTION|APPROVED|REJECTED|CANCELLED"
#define CONDITIONS "NEW OPEN_BOX USED DAMAGED MISSING_PARTS"
#define CONDITION_WORD "NEW|OPEN_BOX|USED|DAMAGED|MISSING_PARTS"
#define UNIT_STATES "WAITING RESOLD DISCARDED"
#define UNIT_STATE_WORD "WAITING|RESOLD|DISCARDED"

/* ---- fields ---- */

#define RETURN_ID                                                             \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Return." }

static const ecs_field_t new_fields[] = {
    { .name = "order_item", .type = ECS_T_ID, .flags = ECS_REQUIRED,
      .help = "Line of an own order." },
    { .name = "quantity", .type = ECS_T_INT, .flags = ECS_REQUIRED, .min = 1,
      .max = QUANTITY_MAX,
      .help = "At most what was bought, less what has been returned or is "
              "about to be." },
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX },
    { NULL },
};

static const ecs_field_t list_fields[] = {
    { .name = "as", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "buyer seller",
      .help = "Only of what the caller bought, or sold." },
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = STATES },
    { .name = "is_open", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .help = "true: those that nobody has decided." },
    { .name = "order", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    RETURN_ID,
    { NULL },
};

static const ecs_field_t image_fields[] = {
    RETURN_ID,
    ECS_IMAGE_FIELDS,
    { NULL },
};

static const ecs_field_t finding_fields[] = {
    { .name = "condition", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = CONDITIONS },
    { .name = "quantity", .type = ECS_T_INT, .flags = ECS_REQUIRED, .min = 1,
      .max = QUANTITY_MAX },
    { .name = "notes", .type = ECS_T_TEXT, .flags = ECS_NULLABLE,
      .max = NOTES_MAX },
    { NULL },
};

static const ecs_field_t inspect_fields[] = {
    RETURN_ID,
    { .name = "items", .type = ECS_T_ITEMS, .flags = ECS_REQUIRED, .min = 1,
      .max = FINDINGS_MAX, .members = finding_fields,
      .help = "What came back; the quantities add up to that of the return." },
    { NULL },
};

static const ecs_field_t decide_fields[] = {
    RETURN_ID,
    { .name = "status", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = "APPROVED REJECTED" },
    { .name = "refund_amount", .type = ECS_T_MONEY,
      .help = "Not more than was paid for the units, which is the default. "
              "What is kept is the seller's." },
    { .name = "seller_fault", .type = ECS_T_BOOL,
      .help = "true: the seller loses 5 points for each damaged unit and 3 "
              "for each that misses parts." },
    { .name = "penalty_points", .type = ECS_T_INT, .min = 0, .max = POINTS_MAX,
      .help = "Points that the seller loses instead; more than 0 says that "
              "the seller is at fault." },
    { .name = "notes", .type = ECS_T_TEXT, .max = NOTES_MAX,
      .help = "Buyer and seller read it." },
    { NULL },
};

static const ecs_field_t units_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = UNIT_STATES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t unit_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Unit." },
    { .name = "action", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = "resell discard" },
    { .name = "discount_percentage", .type = ECS_T_DECIMAL, .min = 1,
      .max = 90,
      .help = "Required to resell: less than the product costs now." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_returns_routes[] = {
    {
        .method = "POST",
        .path = "/api/returns/",
        .roles = ECS_BUYERS,
        .fields = new_fields,
        .call = "returns_create",
        .status = 201,
        .answer = "Return",
        .errors = "wrong_state too_late already_returned",
        .summary = "Ask to return goods of an own order",
        .description =
            "While the order is DELIVERED, for `return_window_days` of the "
            "settings. The order is not completed before the return is "
            "decided or taken back.",
    },
    {
        .method = "GET",
        .path = "/api/returns/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_LIST,
        .fields = list_fields,
        .call = "returns_list",
        .status = 200,
        .answer = "Return",
        .summary = "Returns that the caller may see, newest first",
        .description =
            "Buyers and sellers see their own; couriers those that are open "
            "and those they inspected; administrators all.",
    },
    {
        .method = "GET",
        .path = "/api/returns/{id}/",
        .roles = ECS_ANY_ROLE,
        .fields = id_fields,
        .call = "returns_get",
        .status = 200,
        .answer = "Return",
        .summary = "One return",
    },
    {
        .method = "DELETE",
        .path = "/api/returns/{id}/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "returns_cancel",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Take an own return back",
        .description = "While it is REQUESTED. It stays to be seen, as "
                       "CANCELLED.",
    },
    {
        .method = "POST",
        .path = "/api/returns/{id}/images/",
        .roles = ECS_BUYERS,
        .fields = image_fields,
        .call = "returns_images_add",
        .status = 201,
        .answer = "Return",
        .errors = "wrong_state too_many_images too_much_stored",
        .image = "image",
        .summary = "Add a picture to an own return",
        .description = "While it is REQUESTED, at most 10. JPEG, PNG or WebP "
                       "as pictures of products are.",
    },
    {
        .method = "POST",
        .path = "/api/returns/{id}/process-statuses/",
        .roles = ECS_DELIVERY | ECS_ADMINS,
        .fields = inspect_fields,
        .call = "returns_inspect",
        .status = 200,
        .answer = "Return",
        .errors = "wrong_state",
        .summary = "Write down in which condition the goods came back",
        .description = "Once; it is recorded only, nothing moves. The return "
                       "is UNDER_INSPECTION then and waits for a decision.",
    },
    {
        .method = "PATCH",
        .path = "/api/returns/{id}/update/",
        .roles = ECS_ADMINS,
        .fields = decide_fields,
        .call = "returns_update",
        .status = 200,
        .answer = "Return",
        .errors = "wrong_state",
        .summary = "Accept or refuse a return that was inspected",
        .description =
            "Once. All that follows from it happens in one transaction: the "
            "refund goes out of escrow to the buyer and is taken from the "
            "payout of this line alone; new units are on sale again; opened "
            "and used ones wait for their seller; damaged ones and those that "
            "miss parts are written off; the seller's points and rank change. "
            "When nothing of the order is held any more it is REFUNDED.",
    },
    {
        .method = "GET",
        .path = "/api/returns/units/",
        .roles = ECS_SELLER,
        .flags = ECS_R_LIST,
        .fields = units_fields,
        .call = "return_units_list",
        .status = 200,
        .answer = "ReturnUnit",
        .summary = "Opened and used units that came back to the caller",
        .description = "Newest first. Each is one piece.",
    },
    {
        .method = "POST",
        .path = "/api/returns/units/{id}/decide/",
        .roles = ECS_SELLER,
        .fields = unit_fields,
        .call = "return_units_decide",
        .status = 200,
        .answer = "ReturnUnit",
        .errors = "wrong_state",
        .summary = "Sell a unit again, or write it off",
        .description =
            "Once. `resell` makes a product of one piece, like the one it was "
            "but with its condition behind the name, for less; it is on sale "
            "when an administrator has approved it.",
    },
    { NULL },
};

const ecs_schema_t ecs_returns_schemas[] = {
    { "ReturnOrder", "The order that goods come back from.",
      "id:id order_number:str" },
    { "ReturnItem", "How many units came back in a condition.",
      "condition:" CONDITION_WORD " quantity:int notes:text?" },
    { "Return", "Goods that come back. `items` is what the inspection found; "
                "`paid_amount` is what was paid for the units, known when the "
                "return is accepted.",
      "id:id status:" STATE_WORD " order:ReturnOrder order_item:id product:id "
      "product_name:str buyer:Person seller:Person quantity:int reason:text "
      "images:[ProductImage] items:[ReturnItem] inspected_by:Person? "
      "paid_amount:money? refund_amount:money? seller_fault:bool? "
      "penalty_points:int? notes:text? created_at:time inspected_at:time? "
      "decided_at:time?" },
    { "ReturnUnit", "One piece that came back opened or used; `listing` is the "
                    "product it is sold as.",
      "id:id status:" UNIT_STATE_WORD " return:id product:id product_name:str "
      "condition:OPEN_BOX|USED discount_percentage:num? listing:id? "
      "created_at:time decided_at:time?" },
    { NULL },
};
