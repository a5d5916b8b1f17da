/* SPDX-License-Identifier: MIT */
/*
 * notifications.c - what happened that concerns the caller. Everything is the
 * caller's own.
 *
 * All of it happens in sql/api/70_notifications.sql, which lists the same
 * types.
 */
#include "api.h"

#define TYPES                                                                 \
    "order_created order_claimed order_shipped order_delivered "              \
    "order_completed order_cancelled order_refunded seller_payment "          \
    "seller_new_order low_stock product_approved product_rejected "           \
    "brand_request_submitted brand_approved brand_rejected seller_verified "  \
    "points_penalty auction_submitted auction_approved auction_rejected "     \
    "auction_new_bid auction_outbid auction_won auction_lost auction_sold "   \
    "auction_unsold auction_cancelled auction_offer return_requested "        \
    "return_inspected return_approved return_rejected review_received "       \
    "review_reply wishlist_discount wallet_deposit withdrawal_decided "       \
    "system_alert"

const char ecs_notification_types[] = TYPES;

/* ---- fields ---- */

static const ecs_field_t list_fields[] = {
    { .name = "is_read", .type = ECS_T_BOOL, .in = ECS_IN_QUERY },
    { .name = "type", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = TYPES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Notification." },
    { NULL },
};

static const ecs_field_t preference_fields[] = {
    { .name = "type", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = TYPES },
    { .name = "in_app", .type = ECS_T_BOOL, .help = "Shown here." },
    { .name = "email", .type = ECS_T_BOOL, .help = "Sent by e-mail." },
    { NULL },
};

static const ecs_field_t outbox_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "PENDING SENT DEAD" },
    { .name = "channel", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "mail webhook" },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t message_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH,
      .help = "Message of the outbox." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_notifications_routes[] = {
    {
        .method = "GET",
        .path = "/api/notifications/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_LIST,
        .fields = list_fields,
        .call = "notifications_list",
        .status = 200,
        .answer = "Notification +UnreadCount",
        .summary = "The caller's notifications, newest first",
        .description = "`unread_count` of the page counts all that are "
                       "unread, whatever the filters are.",
    },
    {
        .method = "GET",
        .path = "/api/notifications/unread-count/",
        .roles = ECS_ANY_ROLE,
        .call = "notifications_unread_count",
        .status = 200,
        .answer = "UnreadCount",
        .summary = "How many notifications are unread",
    },
    {
        .method = "POST",
        .path = "/api/notifications/read-all/",
        .roles = ECS_ANY_ROLE,
        .call = "notifications_read_all",
        .status = 200,
        .answer = "ReadAll",
        .summary = "Mark all notifications as read",
    },
    {
        .method = "GET",
        .path = "/api/notifications/preferences/",
        .roles = ECS_ANY_ROLE,
        .call = "notifications_preferences",
        .status = 200,
        .answer = "Preferences",
        .summary = "What the caller wants to hear of",
        .description = "Every type there is; what was never changed is "
                       "wanted.",
    },
    {
        .method = "PATCH",
        .path = "/api/notifications/preferences/",
        .roles = ECS_ANY_ROLE,
        .fields = preference_fields,
        .call = "notifications_set_preference",
        .status = 200,
        .answer = "Preferences",
        .summary = "Want, or do not want, to hear of one type",
        .description = "Of what is not shown in the app nothing is kept.",
    },
    {
        .method = "GET",
        .path = "/api/notifications/{id}/",
        .roles = ECS_ANY_ROLE,
        .fields = id_fields,
        .call = "notifications_get",
        .status = 200,
        .answer = "Notification",
        .summary = "One notification",
        .description = "Reading it here does not mark it as read.",
    },
    {
        .method = "POST",
        .path = "/api/notifications/{id}/read/",
        .roles = ECS_ANY_ROLE,
        .fields = id_fields,
        .call = "notifications_read",
        .status = 200,
        .answer = "Notification",
        .summary = "Mark a notification as read",
        .description = "Again changes nothing.",
    },
    {
        .method = "GET",
        .path = "/api/notifications/admin/outbox/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = outbox_fields,
        .call = "outbox_list",
        .status = 200,
        .answer = "OutboxMessage",
        .summary = "What leaves the shop, newest first",
        .description = "Mails and what came of them; what they say is their "
                       "receivers'. DEAD is what was refused, failed 16 times "
                       "or came too late. What was sent is kept for 30 days, "
                       "what is dead for 90.",
    },
    {
        .method = "POST",
        .path = "/api/notifications/admin/outbox/{id}/retry/",
        .roles = ECS_ADMINS,
        .fields = message_fields,
        .call = "outbox_retry",
        .status = 200,
        .answer = "OutboxMessage",
        .errors = "wrong_state",
        .summary = "Try a dead message again",
        .description = "With the same id, as if it was new. One with a token "
                       "that has expired stays dead (409).",
    },
    { NULL },
};

const ecs_schema_t ecs_notifications_schemas[] = {
    { "ContentObject", "What a notification is about.", "type:str id:id" },
    { "Notification", "Something that happened and concerns the caller.",
      "id:id type:str message:text is_read:bool created_at:time "
      "content_object:ContentObject? extra_data:json" },
    { "UnreadCount", "How many notifications are unread.",
      "unread_count:int" },
    { "ReadAll", "How many were marked as read just now.",
      "updated:int unread_count:int" },
    { "OutboxMessage", "A message that leaves the shop.",
      "id:id channel:mail|webhook kind:str type:str? destination:str user:id? "
      "content_object:ContentObject? message_id:str "
      "status:PENDING|SENT|DEAD attempts:int last_error:text? "
      "next_attempt_at:time? expires_at:time? created_at:time sent_at:time?" },
    { "Preference", "Where news of a type go.",
      "type:str in_app:bool email:bool" },
    { "Preferences", "Where news of each type go.",
      "preferences:[Preference]" },
    { NULL },
};
