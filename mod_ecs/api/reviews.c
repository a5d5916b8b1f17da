/* SPDX-License-Identifier: MIT */
/*
 * reviews.c - what buyers say about what they got, what sellers answer, and
 * what administrators hide.
 *
 * All of it happens in sql/api/58_reviews.sql.
 */
#include "api.h"

#define TITLE_MAX 150    /* characters, as in ecs.reviews */
#define COMMENT_MAX 5000 /* characters, as in ecs.reviews */
#define REPLY_MAX 2000   /* characters, as in ecs.reviews */
#define REASON_MAX 500   /* characters, as in ecs.reviews */
#define STARS_MAX 5

/* ---- fields ---- */

#define REVIEW_ID                                                             \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Review." }
#define BY_RATING                                                             \
    { .name = "rating", .type = ECS_T_INT, .in = ECS_IN_QUERY, .min = 1,      \
      .max = STARS_MAX, .help = "Only those with so many stars." }
#define WORDS                                                                 \
    { .name = "title", .type = ECS_T_STRING, .flags = ECS_BLANK,              \
      .max = TITLE_MAX },                                                     \
    { .name = "comment", .type = ECS_T_TEXT, .flags = ECS_BLANK,              \
      .max = COMMENT_MAX }

static const ecs_field_t new_fields[] = {
    { .name = "order_item", .type = ECS_T_ID, .flags = ECS_REQUIRED,
      .help = "A line of an own order that was delivered." },
    { .name = "rating", .type = ECS_T_INT, .flags = ECS_REQUIRED, .min = 1,
      .max = STARS_MAX, .help = "Stars; 5 is best." },
    WORDS,
    { NULL },
};

static const ecs_field_t list_fields[] = {
    { .name = "product", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .flags = ECS_REQUIRED, .help = "What the reviews are about." },
    BY_RATING,
    { .name = "ordering", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "-created_at created_at -rating rating",
      .initial = "-created_at" },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t received_fields[] = {
    { .name = "product", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    BY_RATING,
    { .name = "replied", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .help = "false: those that wait for a reply." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t admin_fields[] = {
    { .name = "product", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "author", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    BY_RATING,
    { .name = "is_hidden", .type = ECS_T_BOOL, .in = ECS_IN_QUERY },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t id_fields[] = {
    REVIEW_ID,
    { NULL },
};

static const ecs_field_t change_fields[] = {
    REVIEW_ID,
    { .name = "rating", .type = ECS_T_INT, .min = 1, .max = STARS_MAX,
      .help = "Stars; 5 is best." },
    WORDS,
    { NULL },
};

static const ecs_field_t reply_fields[] = {
    REVIEW_ID,
    { .name = "reply", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REPLY_MAX, .help = "Everybody reads it." },
    { NULL },
};

static const ecs_field_t hide_fields[] = {
    REVIEW_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "The author reads it." },
    { NULL },
};

/* ---- the rows ---- */

#define COUNTED                                                               \
    "Of more than 10,000 `count` is 10,000, `count_is_exact` is false and "   \
    "pages go as far as that; a cursor goes on."

const ecs_route_t ecs_reviews_routes[] = {
    {
        .method = "GET",
        .path = "/api/reviews/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = list_fields,
        .call = "reviews_list",
        .status = 200,
        .answer = "Review +ReviewSummary",
        .summary = "The reviews of a product, newest first",
        .description =
            "`summary` is of all its reviews, whatever the filter is. Hidden "
            "ones are neither listed nor counted.",
    },
    {
        .method = "POST",
        .path = "/api/reviews/",
        .roles = ECS_BUYERS,
        .fields = new_fields,
        .call = "reviews_create",
        .status = 201,
        .answer = "OwnReview",
        .errors = "wrong_state duplicate",
        .summary = "Review what one has bought",
        .description =
            "Takes a line of an own order that is DELIVERED or COMPLETED, and "
            "each line once: the refusal `duplicate` names the `review` that "
            "is there. Product and seller have the stars at once, and the "
            "seller hears of it.",
    },
    {
        .method = "GET",
        .path = "/api/reviews/mine/",
        .roles = ECS_BUYERS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "reviews_mine",
        .status = 200,
        .answer = "OwnReview",
        .summary = "What the caller wrote, newest first",
    },
    {
        .method = "GET",
        .path = "/api/reviews/received/",
        .roles = ECS_SELLER,
        .flags = ECS_R_LIST,
        .fields = received_fields,
        .call = "reviews_received",
        .status = 200,
        .answer = "Review +ReviewCount",
        .summary = "What was written about the caller's products, newest "
                   "first",
        .description = COUNTED,
    },
    {
        .method = "GET",
        .path = "/api/reviews/admin/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = admin_fields,
        .call = "reviews_admin",
        .status = 200,
        .answer = "OwnReview +ReviewCount",
        .summary = "All reviews, also hidden ones, newest first",
        .description = COUNTED,
    },
    {
        .method = "GET",
        .path = "/api/reviews/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = id_fields,
        .call = "reviews_get",
        .status = 200,
        .answer = "Review",
        .summary = "One review",
        .description = "Its author and administrators see it also when it is "
                       "hidden, and see all members.",
    },
    {
        .method = "PATCH",
        .path = "/api/reviews/{id}/",
        .roles = ECS_BUYERS,
        .fields = change_fields,
        .call = "reviews_update",
        .status = 200,
        .answer = "OwnReview",
        .summary = "Change an own review",
        .description = "A hidden one stays hidden until an administrator "
                       "shows it again.",
    },
    {
        .method = "DELETE",
        .path = "/api/reviews/{id}/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "reviews_delete",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Take an own review back",
        .description = "The reply goes with it, and the stars. Not when it is "
                       "hidden.",
    },
    {
        .method = "POST",
        .path = "/api/reviews/{id}/reply/",
        .roles = ECS_SELLER,
        .fields = reply_fields,
        .call = "reviews_reply",
        .status = 200,
        .answer = "Review",
        .errors = "duplicate",
        .summary = "Reply to a review of an own product",
        .description = "Once; the author hears of it.",
    },
    {
        .method = "PATCH",
        .path = "/api/reviews/{id}/reply/",
        .roles = ECS_SELLER,
        .fields = reply_fields,
        .call = "reviews_change_reply",
        .status = 200,
        .answer = "Review",
        .summary = "Change an own reply",
    },
    {
        .method = "POST",
        .path = "/api/reviews/{id}/hide/",
        .roles = ECS_ADMINS,
        .fields = hide_fields,
        .call = "reviews_hide",
        .status = 200,
        .answer = "OwnReview",
        .errors = "wrong_state",
        .summary = "Hide a review",
        .description = "It is not counted any more. Its author is told why "
                       "and can change it.",
    },
    {
        .method = "POST",
        .path = "/api/reviews/{id}/show/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "reviews_show",
        .status = 200,
        .answer = "OwnReview",
        .errors = "wrong_state",
        .summary = "Show a hidden review again",
    },
    { NULL },
};

#define REVIEW_MEMBERS                                                        \
    "id:id product:ReviewedProduct author:Person rating:int title:str "       \
    "comment:text reply:Reply? created_at:time edited_at:time?"

const ecs_schema_t ecs_reviews_schemas[] = {
    { "ReviewedProduct", "What a review is about.", "id:id name:str" },
    { "Reply", "What the seller says to a review.", "text:text at:time" },
    { "Review", "A review of something that its author has bought. The author "
                "and administrators see the last members, too.",
      REVIEW_MEMBERS " ~order:id ~order_item:id ~is_hidden:bool "
                     "~hidden_reason:text?" },
    { "OwnReview", "A review as its author and administrators see it.",
      REVIEW_MEMBERS " order:id order_item:id is_hidden:bool "
                     "hidden_reason:text?" },
    { "Stars", "How many reviews there are of each number of stars.",
      "1:int 2:int 3:int 4:int 5:int" },
    { "Ratings", "What reviews say together; the average is 0 without any.",
      "average:num count:int stars:Stars" },
    { "ReviewCount", "Whether the count is the whole truth.",
      "~count_is_exact:bool" },
    { "ReviewSummary", "The stars of the product.", "summary:Ratings" },
    { NULL },
};
