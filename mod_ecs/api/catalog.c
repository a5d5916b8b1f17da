/* SPDX-License-Identifier: MIT */
/*
 * catalog.c - categories and products: a seller proposes, an administrator
 * approves, everybody finds.
 *
 * All of it happens in sql/api/20_catalog.sql.
 */
#include "api.h"

#define CATEGORY_NAME_MAX 120 /* characters, as in ecs.categories */
#define SEARCH_MAX 200        /* characters */
#define REASON_MAX 500        /* characters */
#define RATING_MAX 5          /* stars */
#define STATES "PENDING APPROVED REJECTED ARCHIVED"
#define STATE_WORD "PENDING|APPROVED|REJECTED|ARCHIVED"

/* ---- fields ---- */

#define CATEGORY_ID                                                           \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Category." }

#define PRODUCT_ID                                                            \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Product." }

static const ecs_field_t category_id_fields[] = {
    CATEGORY_ID,
    { NULL },
};

static const ecs_field_t category_new_fields[] = {
    { .name = "name", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = CATEGORY_NAME_MAX,
      .help = "No sibling may have it, in any case." },
    { .name = "parent", .type = ECS_T_ID, .flags = ECS_NULLABLE,
      .help = "The category above; null or absent for a root." },
    { NULL },
};

static const ecs_field_t category_change_fields[] = {
    CATEGORY_ID,
    { .name = "name", .type = ECS_T_STRING, .max = CATEGORY_NAME_MAX,
      .help = "No sibling may have it, in any case." },
    { .name = "parent", .type = ECS_T_ID, .flags = ECS_NULLABLE,
      .help = "The category above; null makes it a root." },
    { NULL },
};

static const ecs_field_t list_fields[] = {
    { .name = "search", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = SEARCH_MAX,
      .help = "Words that all have to be in the name, the brand, the category "
              "or the description; beginnings of words, other endings, accents "
              "and slips of the pen are forgiven." },
    { .name = "category", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .help = "With everything below it." },
    { .name = "brand", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "seller", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "min_price", .type = ECS_T_MONEY, .in = ECS_IN_QUERY,
      .help = "Of the current price." },
    { .name = "max_price", .type = ECS_T_MONEY, .in = ECS_IN_QUERY,
      .help = "Of the current price." },
    { .name = "min_rating", .type = ECS_T_DECIMAL, .in = ECS_IN_QUERY,
      .max = RATING_MAX, .help = "Of the average." },
    { .name = "in_stock", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .help = "false: only what is sold out." },
    { .name = "has_discount", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .help = "true: only what costs less than its list price now." },
    { .name = "sale", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .help = "Only what is in this sale, whether it runs or not." },
    { .name = "ordering", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "-created_at created_at price -price avg_rating -avg_rating "
                 "name -name popularity -popularity",
      .help = "Popularity is the number of pieces sold. Without an ordering a "
              "search has the best matches first, and everything else the "
              "newest." },
    { .name = "facets", .type = ECS_T_BOOL, .in = ECS_IN_QUERY,
      .help = "true: how the whole list is spread over categories, brands, "
              "prices and ratings." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t suggest_fields[] = {
    { .name = "q", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = SEARCH_MAX,
      .help = "What has been typed so far; nothing suggests nothing." },
    { NULL },
};

static const ecs_field_t mine_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = STATES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t new_fields[] = {
    { .name = "name", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = ECS_PRODUCT_NAME_MAX },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = ECS_PRODUCT_DESCRIPTION_MAX },
    { .name = "price", .type = ECS_T_MONEY, .flags = ECS_REQUIRED, .min = 1 },
    { .name = "quantity", .type = ECS_T_INT, .flags = ECS_REQUIRED,
      .max = ECS_PRODUCT_QUANTITY_MAX, .help = "Pieces in stock." },
    { .name = "category", .type = ECS_T_ID, .flags = ECS_REQUIRED },
    { .name = "brand", .type = ECS_T_ID, .flags = ECS_NULLABLE,
      .help = "An own one that is approved and active." },
    ECS_IMAGES_FIELD,
    { NULL },
};

static const ecs_field_t change_fields[] = {
    PRODUCT_ID,
    { .name = "name", .type = ECS_T_STRING, .max = ECS_PRODUCT_NAME_MAX },
    { .name = "description", .type = ECS_T_TEXT,
      .max = ECS_PRODUCT_DESCRIPTION_MAX },
    { .name = "price", .type = ECS_T_MONEY, .min = 1 },
    { .name = "quantity", .type = ECS_T_INT, .max = ECS_PRODUCT_QUANTITY_MAX,
      .help = "Pieces in stock. To count in or out while people buy, use "
              "`stock/`." },
    { .name = "category", .type = ECS_T_ID },
    { .name = "brand", .type = ECS_T_ID, .flags = ECS_NULLABLE,
      .help = "An own one that is approved and active; null for none." },
    { NULL },
};

static const ecs_field_t product_id_fields[] = {
    PRODUCT_ID,
    { NULL },
};

static const ecs_field_t stock_fields[] = {
    PRODUCT_ID,
    { .name = "delta", .type = ECS_T_INT, .flags = ECS_REQUIRED,
      .min = -ECS_PRODUCT_QUANTITY_MAX, .max = ECS_PRODUCT_QUANTITY_MAX,
      .help = "Pieces that came in, negative for those that went out." },
    { NULL },
};

static const ecs_field_t reject_fields[] = {
    PRODUCT_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "The seller reads it." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_catalog_routes[] = {
    {
        .method = "GET",
        .path = "/api/product/categories/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = ecs_paging_fields,
        .call = "categories_list",
        .status = 200,
        .answer = "Category",
        .summary = "The tree of categories",
        .description = "A page has roots, by name, each with everything below "
                       "it.",
    },
    {
        .method = "POST",
        .path = "/api/product/categories/",
        .roles = ECS_ADMINS,
        .fields = category_new_fields,
        .call = "categories_create",
        .status = 201,
        .answer = "Category",
        .summary = "Open a category",
    },
    {
        .method = "GET",
        .path = "/api/product/categories/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = category_id_fields,
        .call = "categories_get",
        .status = 200,
        .answer = "Category",
        .summary = "A category with everything below it",
    },
    {
        .method = "PATCH",
        .path = "/api/product/categories/{id}/",
        .roles = ECS_ADMINS,
        .fields = category_change_fields,
        .call = "categories_update",
        .status = 200,
        .answer = "Category",
        .summary = "Rename or move a category",
        .description = "It takes everything below it along.",
    },
    {
        .method = "DELETE",
        .path = "/api/product/categories/{id}/",
        .roles = ECS_ADMINS,
        .fields = category_id_fields,
        .call = "categories_delete",
        .status = 204,
        .errors = "in_use",
        .summary = "Remove an empty category",
        .description = "Not while there are categories or products in it, of "
                       "whatever state.",
    },
    {
        .method = "GET",
        .path = "/api/product/products/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = list_fields,
        .call = "products_list",
        .status = 200,
        .answer = "Product +Found",
        .errors = "invalid_cursor",
        .summary = "Find products that are on sale",
        .description =
            "What is filtered or searched is counted up to 10,000. With more, "
            "`count` is 10,000, `count_is_exact` is false and pages go as far "
            "as that; a cursor goes through all. Facets look at as many, "
            "`counted` says at how many. A search with more than 1,000 matches "
            "has those with the words in their name first, by pieces sold.",
    },
    {
        .method = "GET",
        .path = "/api/product/products/suggest/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = suggest_fields,
        .call = "products_suggest",
        .status = 200,
        .answer = "Suggestions",
        .summary = "What somebody may be about to type",
        .description = "At most ten names of categories and products.",
    },
    {
        .method = "POST",
        .path = "/api/product/products/",
        .roles = ECS_SELLER,
        .flags = ECS_R_MAY_IMAGE,
        .fields = new_fields,
        .call = "products_create",
        .status = 201,
        .answer = "OwnProduct",
        .errors = "not_enough_points too_much_stored",
        .summary = "Propose a product",
        .description = "It is PENDING until an administrator decides. In a "
                       "multipart form its pictures may come with it, as the "
                       "files `images`, the first of them the cover; see the "
                       "route of its pictures.",
        .image = "images",
        .images_max = ECS_IMAGES_MAX,
    },
    {
        .method = "GET",
        .path = "/api/product/products/mine/",
        .roles = ECS_SELLER,
        .flags = ECS_R_LIST,
        .fields = mine_fields,
        .call = "products_mine",
        .status = 200,
        .answer = "OwnProduct +ProductCounts",
        .summary = "The caller's products, newest first",
        .description = "`counts` of the page says how many there are in each "
                       "state, and how many have a change that waits.",
    },
    {
        .method = "GET",
        .path = "/api/product/products/admin/pending/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "products_pending",
        .status = 200,
        .answer = "OwnProduct",
        .summary = "What waits for a decision, oldest first",
        .description = "New products, and approved ones with a "
                       "`pending_change`.",
    },
    {
        .method = "POST",
        .path = "/api/product/products/admin/{id}/approve/",
        .roles = ECS_ADMINS,
        .fields = product_id_fields,
        .call = "products_approve",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Put a product, or the change of one, on sale",
    },
    {
        .method = "POST",
        .path = "/api/product/products/admin/{id}/reject/",
        .roles = ECS_ADMINS,
        .fields = reject_fields,
        .call = "products_reject",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Refuse a product, or the change of one",
        .description = "A product whose change is refused stays on sale as it "
                       "was approved.",
    },
    {
        .method = "GET",
        .path = "/api/product/products/admin/changes/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "products_changes",
        .status = 200,
        .answer = "OwnProduct",
        .summary = "Changes that wait for a decision, oldest product first",
        .description = "Each approved product with its `pending_change`; a "
                       "product has at most one, and it has the product's id.",
    },
    {
        .method = "POST",
        .path = "/api/product/products/admin/changes/{id}/approve/",
        .roles = ECS_ADMINS,
        .fields = product_id_fields,
        .call = "products_change_approve",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Approve the change of a product",
        .description = "Only products with a `pending_change` are found here.",
    },
    {
        .method = "POST",
        .path = "/api/product/products/admin/changes/{id}/reject/",
        .roles = ECS_ADMINS,
        .fields = reject_fields,
        .call = "products_change_reject",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state",
        .summary = "Refuse the change of a product",
        .description = "Only products with a `pending_change` are found here.",
    },
    {
        .method = "GET",
        .path = "/api/product/products/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = product_id_fields,
        .call = "products_get",
        .status = 200,
        .answer = "Product",
        .summary = "One product",
        .description = "Its seller and administrators see it in every state, "
                       "and with `rejection_reason`, `pending_change` and "
                       "`discount`.",
    },
    {
        .method = "PATCH",
        .path = "/api/product/products/{id}/",
        .roles = ECS_SELLER,
        .fields = change_fields,
        .call = "products_update",
        .status = 200,
        .answer = "OwnProduct",
        .errors = "wrong_state not_enough_points",
        .summary = "Change an own product",
        .description =
            "Price and quantity change at once. Name, description, category "
            "and brand of an approved product wait in `pending_change` for an "
            "administrator while the approved version stays on sale. A "
            "rejected product is proposed again.",
    },
    {
        .method = "DELETE",
        .path = "/api/product/products/{id}/",
        .roles = ECS_SELLER,
        .fields = product_id_fields,
        .call = "products_delete",
        .status = 204,
        .errors = "wrong_state in_use",
        .summary = "Archive an own product",
        .description = "For good, and not while it is in an auction. Orders "
                       "keep their lines, carts show that it is unavailable.",
    },
    {
        .method = "POST",
        .path = "/api/product/products/{id}/stock/",
        .roles = ECS_SELLER,
        .fields = stock_fields,
        .call = "products_stock",
        .status = 200,
        .answer = "Stock",
        .errors = "wrong_state out_of_stock",
        .summary = "Count pieces of an own product in or out",
        .description = "Never below 0; `available` says how many there are.",
    },
    { NULL },
};

#define PRODUCT_MEMBERS                                                       \
    "id:id name:str slug:str description:text status:" STATE_WORD " "         \
    "price:money current_price:money discount_percentage:num? "               \
    "discount_source:DISCOUNT|SALE? condition:NEW|OPEN_BOX|USED "             \
    "quantity:int in_stock:bool "                                             \
    "category:ProductCategory brand:ProductBrand? seller:Person "             \
    "images:[ProductImage] avg_rating:num ratings_count:int "                 \
    "created_at:time updated_at:time"

const ecs_schema_t ecs_catalog_schemas[] = {
    { "Category", "A category; products_count includes what is below it.",
      "id:id name:str slug:str parent:id? products_count:int "
      "children:[Category]" },
    { "ProductCategory", "Where a product is.", "id:id name:str parent:id?" },
    { "ProductBrand", "Whose make a product is.", "id:id name:str" },
    { "ProductImage", "A picture of goods.",
      "id:id url:url medium_url:url thumbnail_url:url width:int height:int" },
    { "Product", "A product as everybody sees it. Its seller and "
                 "administrators see the last three members, too.",
      PRODUCT_MEMBERS " ~rejection_reason:text? "
                      "~pending_change:PendingChange? ~discount:Discount?" },
    { "OwnProduct", "A product as its seller and administrators see it.",
      PRODUCT_MEMBERS " rejection_reason:text? pending_change:PendingChange? "
                      "discount:Discount?" },
    { "Found", "How far a list was counted; in page mode, and `facets` when "
               "they were asked for.",
      "~count_is_exact:bool ~facets:Facets" },
    { "Facets", "How the first `counted` products of a list are spread; at "
                "most 50 categories and brands, those with most.",
      "counted:int categories:[FacetGroup] brands:[FacetGroup] "
      "prices:[FacetPrices] ratings:[FacetRating]" },
    { "FacetGroup", "A category or brand, for the filter of that name.",
      "id:id name:str count:int" },
    { "FacetPrices", "Current prices from `min` on and below `below`; the "
                     "last has no end.",
      "min:money below:money? count:int" },
    { "FacetRating", "What `min_rating` finds.", "min:int count:int" },
    { "Suggestions", "Categories first, then what sells best.",
      "suggestions:[Suggestion]" },
    { "Suggestion", "A name, and of what.",
      "type:product|category id:id text:str" },
    { "Discount", "What a seller gives off a product; without `starts_at` it "
                  "has begun, without `ends_at` it has no end.",
      "percentage:num starts_at:time? ends_at:time?" },
    { "ProductCounts", "How many products the caller has.",
      "counts:StateCounts" },
    { "StateCounts", "Products by state; `pending_changes` are approved ones "
                     "with a change that waits.",
      "PENDING:int APPROVED:int REJECTED:int ARCHIVED:int "
      "pending_changes:int" },
    { "PendingChange", "What would change when an administrator approves it.",
      "~name:str ~description:text ~category:id ~brand:id? "
      "~images:[ProductImage]" },
    { "Stock", "How much there is of a product now.",
      "product:id quantity:int in_stock:bool" },
    { NULL },
};
