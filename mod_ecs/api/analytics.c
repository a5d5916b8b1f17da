/* SPDX-License-Identifier: MIT */
/*
 * analytics.c - what sold and how it goes: for sellers about what is theirs,
 * for administrators about the whole shop. The rows of both differ in nothing
 * else, so a macro writes them.
 *
 * All of it happens in sql/api/82_analytics.sql; the sums are kept up by
 * triggers and the job facts_fold.
 */
#include "api.h"

#define DAY_CHARS 10     /* YYYY-MM-DD */
#define PERIOD_CHARS 7   /* YYYY-MM */
#define TOP_MAX 100      /* products */
#define STOCK_MAX 1000000 /* pieces, as in ecs.settings */

/* ---- fields ---- */

#define FROM_TO                                                               \
    { .name = "from", .type = ECS_T_STRING, .in = ECS_IN_QUERY,               \
      .max = DAY_CHARS, .help = "First day, YYYY-MM-DD in UTC." },            \
    { .name = "to", .type = ECS_T_STRING, .in = ECS_IN_QUERY,                 \
      .max = DAY_CHARS, .help = "Last day; today if it is not said." }

static const ecs_field_t sales_fields[] = {
    FROM_TO,
    { .name = "bucket", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "day week month", .initial = "day",
      .help = "Weeks begin on Monday." },
    { NULL },
};

static const ecs_field_t top_fields[] = {
    { .name = "period", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = PERIOD_CHARS,
      .help = "A month (YYYY-MM), a year (YYYY), or all; this month if it is "
              "not said." },
    { .name = "by", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "revenue units", .initial = "revenue" },
    { .name = "limit", .type = ECS_T_INT, .in = ECS_IN_QUERY, .min = 1,
      .max = TOP_MAX, .initial = "10" },
    { NULL },
};

static const ecs_field_t stock_fields[] = {
    { .name = "at_most", .type = ECS_T_INT, .in = ECS_IN_QUERY,
      .max = STOCK_MAX, .help = "Pieces; `low_stock_at` of the settings if it "
                                "is not said." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t days_fields[] = {
    FROM_TO,
    { NULL },
};

/* ---- the rows ---- */

#define SALES_TEXT                                                            \
    "Also the buckets in which there was nothing. Each figure is of the day "  \
    "on which it happened, so an order is placed in one bucket and completed " \
    "in another. At most 400 buckets; by default 30 days, 12 weeks or 12 "     \
    "months up to today."
#define TOP_TEXT                                                              \
    "What was paid out, without what was returned or refunded before."
#define DAYS_TEXT "By default the last 30 days."

#define ROWS(who, allowed, summary_answer, ratings_answer, of)                \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/summary/",                            \
        .roles = allowed,                                                     \
        .call = "analytics_" who "_summary",                                  \
        .status = 200,                                                        \
        .answer = summary_answer,                                             \
        .summary = "How it goes with " of,                                    \
        .description = "Sales of today, of 7 and 30 days and of all time, and " \
                       "what is as it is now.",     \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/sales/",                              \
        .roles = allowed,                                                     \
        .fields = sales_fields,                                               \
        .call = "analytics_" who "_sales",                                    \
        .status = 200,                                                        \
        .answer = "SalesSeries",                                              \
        .summary = "Sales over time of " of,                                  \
        .description = SALES_TEXT,                                            \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/top-products/",                       \
        .roles = allowed,                                                     \
        .fields = top_fields,                                                 \
        .call = "analytics_" who "_top",                                      \
        .status = 200,                                                        \
        .answer = "TopProducts",                                              \
        .summary = "What sold best of " of,                                   \
        .description = TOP_TEXT,                                              \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/low-stock/",                          \
        .roles = allowed,                                                     \
        .flags = ECS_R_LIST,                                                  \
        .fields = stock_fields,                                               \
        .call = "analytics_" who "_low_stock",                                \
        .status = 200,                                                        \
        .answer = "ScarceProduct +StockLimit",                                \
        .summary = "Products on sale that run short, of " of,                 \
        .description = "Sold out ones first.",                                \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/ratings/",                            \
        .roles = allowed,                                                     \
        .call = "analytics_" who "_ratings",                                  \
        .status = 200,                                                        \
        .answer = ratings_answer,                                             \
        .summary = "What reviews say of " of,                                 \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/returns/",                            \
        .roles = allowed,                                                     \
        .fields = days_fields,                                                \
        .call = "analytics_" who "_returns",                                  \
        .status = 200,                                                        \
        .answer = "ReturnFigures",                                            \
        .summary = "What came back of " of,                                   \
        .description = DAYS_TEXT " `open` is now; `returned_percent` is of "  \
                       "the pieces that were paid out or came back.",         \
    },                                                                        \
    {                                                                         \
        .method = "GET",                                                      \
        .path = "/api/analytics/" who "/auctions/",                           \
        .roles = allowed,                                                     \
        .fields = days_fields,                                                \
        .call = "analytics_" who "_auctions",                                 \
        .status = 200,                                                        \
        .answer = "AuctionFigures",                                           \
        .summary = "Auctions of " of,                                         \
        .description = DAYS_TEXT " `scheduled` and `active` are now; "        \
                       "`sold_percent` is of those that ended.",              \
    }

const ecs_route_t ecs_analytics_routes[] = {
    ROWS("seller", ECS_SELLER, "Summary", "RatingFigures", "the caller"),
    ROWS("admin", ECS_ADMINS, "ShopSummary", "ShopRatingFigures",
         "the whole shop"),
    { NULL },
};

#define SUMMARY_MEMBERS                                                       \
    "today:Sales last_7_days:Sales last_30_days:Sales ever:Sales "    \
    "under_way:UnderWay products_on_sale:int low_stock:int open_returns:int " \
    "ratings:Ratings"
#define RATING_MEMBERS "ratings:Ratings lowest_products:[RatedProduct]"

const ecs_schema_t ecs_analytics_schemas[] = {
    { "Placed", "What was ordered, at its price then.",
      "orders:int units:int amount:money" },
    { "Completed", "What was paid out: net is the amount less the fees.",
      "orders:int units:int amount:money fees:money net:money" },
    { "Cancelled", "What was cancelled.", "orders:int amount:money" },
    { "RefundedSales", "Orders that ended refunded, and all that was refunded, "
                       "in part as well.", "orders:int amount:money" },
    { "Sales", "What happened on some days.",
      "placed:Placed completed:Completed cancelled:Cancelled "
      "refunded:RefundedSales" },
    { "UnderWay", "Orders that have not ended, and what they are worth.",
      "orders:int amount:money" },
    { "Summary", "How it goes.", SUMMARY_MEMBERS },
    { "Waiting", "What waits for an administrator.",
      "products:int brands:int auctions:int returns:int withdrawals:int" },
    { "ShopSummary", "How it goes.",
      SUMMARY_MEMBERS " platform_balance:money waiting:Waiting" },
    { "SalesBucket", "A day, or what of a week or month was asked for.",
      "from:date to:date sales:Sales" },
    { "SalesSeries", "Sales over time.",
      "from:date to:date bucket:day|week|month total:Sales "
      "buckets:[SalesBucket]" },
    { "TopProduct", "What was sold of a product.",
      "product:ReviewedProduct units:int amount:money" },
    { "TopProducts", "What sold best.",
      "period:str by:revenue|units products:[TopProduct]" },
    { "ScarceProduct", "A product of which there is little.",
      "id:id name:str quantity:int sold_count:int seller:Person" },
    { "StockLimit", "How little that is.", "at_most:int" },
    { "RatedProduct", "A product and its stars.",
      "id:id name:str avg_rating:num ratings_count:int" },
    { "RatedSeller", "A seller and the stars of all their products.",
      "id:id username:str avg_rating:num ratings_count:int" },
    { "RatingFigures", "Stars, and the ten products that have the fewest.",
      RATING_MEMBERS },
    { "ShopRatingFigures",
      "Stars, and the ten products and sellers that have the fewest.",
      RATING_MEMBERS " lowest_sellers:[RatedSeller]" },
    { "RequestedReturns", "What buyers asked to return.",
      "returns:int units:int" },
    { "ApprovedReturns", "What was accepted.",
      "returns:int units:int refunded:money" },
    { "Conditions", "Pieces of accepted returns by condition.",
      "NEW:int OPEN_BOX:int USED:int DAMAGED:int MISSING_PARTS:int" },
    { "ReturnFigures", "What came back.",
      "from:date to:date open:int requested:RequestedReturns "
      "approved:ApprovedReturns rejected:int cancelled:int "
      "penalty_points:int conditions:Conditions returned_percent:num?" },
    { "SoldAuctions", "Auctions that sold.",
      "auctions:int units:int amount:money" },
    { "AuctionFigures", "How auctions went.",
      "from:date to:date scheduled:int active:int submitted:int "
      "sold:SoldAuctions unsold:int reserve_not_met:int rejected:int "
      "cancelled:int bids:int sold_percent:num?" },
    { NULL },
};
