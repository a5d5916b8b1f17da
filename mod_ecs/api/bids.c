/* SPDX-License-Identifier: MIT */
/*
 * bids.c - bidding. Many bidders on one auction in its last seconds are the
 * case that matters, so bids are carried together (include/carry.h); the rules
 * are in sql/api/46_bids.sql.
 */
#include "api.h"

static const ecs_field_t bid_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Auction." },
    { .name = "amount", .type = ECS_T_MONEY, .min = 1,
      .help = "For one piece; `minimum_bid` of the auction or more. Required "
              "without `max_amount`." },
    { .name = "max_amount", .type = ECS_T_MONEY, .min = 1,
      .help = "The shop bids for the caller up to here, by the increment and "
              "only as far as others make it. Nobody else sees it." },
    { NULL },
};

const ecs_route_t ecs_bids_routes[] = {
    {
        .method = "POST",
        .path = "/api/auctions/{id}/bid/",
        .roles = ECS_BUYERS,
        .flags = ECS_R_CARRIED,
        .fields = bid_fields,
        .call = "auctions_bid",
        .status = 201,
        .answer = "PlacedBid",
        .errors = "wrong_state own_product location_required bid_too_low "
                  "insufficient_funds",
        .summary = "Bid on an auction",
        .description =
            "Whoever leads has the maximum held for all pieces; who is outbid "
            "has it back at once. Of two equal maxima the earlier one leads. "
            "A leader's higher `max_amount` moves no price. A bid near the end "
            "moves the end (`bid_soft_close_seconds`). The answer tells how "
            "the auction stands when it is sent.",
    },
    { NULL },
};

const ecs_schema_t ecs_bids_schemas[] = {
    { "BidWallet", "The bidder's money after the bid.",
      "balance:money held_balance:money currency:str" },
    { "PlacedBid", "A bid that was taken, how the auction stands now, and the "
                   "bidder's wallet.",
      "id:id auction:id amount:money max_amount:money is_leading:bool "
      "current_price:money minimum_bid:money bids_count:int end_at:time "
      "server_time:time created_at:time wallet:BidWallet" },
    { NULL },
};
