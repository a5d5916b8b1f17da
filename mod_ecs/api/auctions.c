/* SPDX-License-Identifier: MIT */
/*
 * auctions.c - a seller proposes an auction, an administrator decides, buyers
 * bid, the clock ends it and the winner has an order.
 *
 * All of it happens in sql/api/45_auctions.sql to 47_auction_ends.sql.
 */
#include "api.h"

#define TITLE_MAX 200        /* characters, as in ecs.auctions */
#define DESCRIPTION_MAX 5000 /* characters, as in ecs.auctions */
#define REASON_MAX 500       /* characters */
#define SEARCH_MAX 200       /* characters */
#define QUANTITY_MAX 100000  /* pieces */
#define STATES "DRAFT SUBMITTED SCHEDULED ACTIVE ENDED REJECTED CANCELLED"
#define PUBLIC_STATES "SCHEDULED ACTIVE ENDED"

/* ---- fields ---- */

#define AUCTION_ID                                                            \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH, .help = "Auction." }

static const ecs_field_t list_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = PUBLIC_STATES },
    { .name = "seller", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "category", .type = ECS_T_ID, .in = ECS_IN_QUERY,
      .help = "Of the product; with all categories below it." },
    { .name = "search", .type = ECS_T_STRING, .in = ECS_IN_QUERY,
      .max = SEARCH_MAX,
      .help = "A part of the title, or words of the product." },
    { .name = "ending_before", .type = ECS_T_TIME, .in = ECS_IN_QUERY,
      .help = "Ends, or ended, earlier than this time." },
    { .name = "ordering", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "created_at -created_at end_at -end_at current_price "
                 "-current_price bids_count -bids_count",
      .initial = "-created_at",
      .help = "Where nobody has bid, the start price counts." },
    ECS_PAGING,
    { NULL },
};

#define START_PRICE_HELP "Of one piece, as all prices. The lowest first bid."
#define RESERVE_HELP                                                          \
    "Below it nothing is sold. Only its seller and administrators see it; "   \
    "others see `has_reserve` and `reserve_met`."
#define BUY_NOW_HELP "For who does not want to wait; until the first bid."
#define INCREMENT_HELP                                                        \
    "How much higher each bid has to be. Default: the table `bid_increments`" \
    " of the settings, or 1.00."
#define START_HELP "Not in the past when it is submitted."
#define END_HELP                                                              \
    "2 hours to 14 days after the start. A bid in the last seconds "          \
    "(`bid_soft_close_seconds` of the settings) moves it."

static const ecs_field_t new_fields[] = {
    { .name = "product", .type = ECS_T_ID, .flags = ECS_REQUIRED,
      .help = "An own one; to be submitted it has to be approved and in "
              "stock." },
    { .name = "title", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = TITLE_MAX },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = DESCRIPTION_MAX },
    { .name = "quantity", .type = ECS_T_INT, .min = 1, .max = QUANTITY_MAX,
      .initial = "1", .help = "Pieces, which are sold together." },
    { .name = "start_price", .type = ECS_T_MONEY, .flags = ECS_REQUIRED,
      .min = 1, .help = START_PRICE_HELP },
    { .name = "reserve_price", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = RESERVE_HELP },
    { .name = "buy_now_price", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = BUY_NOW_HELP },
    { .name = "min_increment", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = INCREMENT_HELP },
    { .name = "start_at", .type = ECS_T_TIME, .flags = ECS_REQUIRED,
      .help = START_HELP },
    { .name = "end_at", .type = ECS_T_TIME, .flags = ECS_REQUIRED,
      .help = END_HELP },
    { .name = "draft", .type = ECS_T_BOOL, .initial = "false",
      .help = "true: keep it for later; nothing is set aside." },
    { NULL },
};

static const ecs_field_t change_fields[] = {
    AUCTION_ID,
    { .name = "product", .type = ECS_T_ID, .help = "An own one." },
    { .name = "title", .type = ECS_T_STRING, .max = TITLE_MAX },
    { .name = "description", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = DESCRIPTION_MAX },
    { .name = "quantity", .type = ECS_T_INT, .min = 1, .max = QUANTITY_MAX },
    { .name = "start_price", .type = ECS_T_MONEY, .min = 1,
      .help = START_PRICE_HELP },
    { .name = "reserve_price", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = RESERVE_HELP },
    { .name = "buy_now_price", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = BUY_NOW_HELP },
    { .name = "min_increment", .type = ECS_T_MONEY, .flags = ECS_NULLABLE,
      .min = 1, .help = INCREMENT_HELP },
    { .name = "start_at", .type = ECS_T_TIME, .help = START_HELP },
    { .name = "end_at", .type = ECS_T_TIME, .help = END_HELP },
    { NULL },
};

static const ecs_field_t id_fields[] = {
    AUCTION_ID,
    { NULL },
};

static const ecs_field_t bids_fields[] = {
    AUCTION_ID,
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t mine_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = STATES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t my_bids_fields[] = {
    { .name = "auction", .type = ECS_T_ID, .in = ECS_IN_QUERY },
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = STATES, .help = "Of the auction." },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t review_fields[] = {
    AUCTION_ID,
    { .name = "action", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = "approve reject" },
    { .name = "reason", .type = ECS_T_TEXT, .max = REASON_MAX,
      .help = "Required to reject; the seller reads it." },
    { NULL },
};

static const ecs_field_t cancel_fields[] = {
    AUCTION_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "The seller and the bidders read it." },
    { NULL },
};

static const ecs_field_t close_fields[] = {
    AUCTION_ID,
    { .name = "force", .type = ECS_T_BOOL, .initial = "false",
      .help = "true: end it now, before its time." },
    { NULL },
};

static const ecs_field_t offers_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "OFFERED ACCEPTED DECLINED EXPIRED" },
    ECS_PAGING,
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_auctions_routes[] = {
    {
        .method = "GET",
        .path = "/api/auctions/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = list_fields,
        .call = "auctions_list",
        .status = 200,
        .answer = "Auction +AuctionsFound",
        .summary = "Auctions that come, run or are over",
        .description =
            "Counted up to 10,000. With more, `count` is 10,000, "
            "`count_is_exact` is false and pages go as far as that; a cursor "
            "goes through all.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/create/",
        .roles = ECS_SELLER,
        .fields = new_fields,
        .call = "auctions_create",
        .status = 201,
        .answer = "AuctionDetail",
        .errors = "unavailable out_of_stock",
        .summary = "Propose an auction",
        .description =
            "It is SUBMITTED until an administrator decides, and what it "
            "sells is off the shelf from now on; with `draft` it is a DRAFT, "
            "which takes nothing.",
    },
    {
        .method = "GET",
        .path = "/api/auctions/mine/",
        .roles = ECS_SELLER,
        .flags = ECS_R_LIST,
        .fields = mine_fields,
        .call = "auctions_mine",
        .status = 200,
        .answer = "Auction",
        .summary = "The caller's auctions, newest first",
    },
    {
        .method = "GET",
        .path = "/api/auctions/bids/mine/",
        .roles = ECS_BUYERS,
        .flags = ECS_R_LIST,
        .fields = my_bids_fields,
        .call = "auctions_bids_mine",
        .status = 200,
        .answer = "OwnBid",
        .summary = "The caller's bids, newest first",
        .description = "With what the shop bid for the caller (PROXY) and "
                       "maxima that moved no price (RAISE).",
    },
    {
        .method = "GET",
        .path = "/api/auctions/offers/mine/",
        .roles = ECS_BUYERS,
        .flags = ECS_R_LIST,
        .fields = offers_fields,
        .call = "auctions_offers_mine",
        .status = 200,
        .answer = "AuctionOffer",
        .summary = "What was offered to the caller as runner-up",
        .description = "Newest first. See the routes of the second chance.",
    },
    {
        .method = "GET",
        .path = "/api/auctions/admin/pending/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = ecs_paging_fields,
        .call = "auctions_pending",
        .status = 200,
        .answer = "Auction",
        .summary = "Auctions that wait for a decision, oldest first",
    },
    {
        .method = "POST",
        .path = "/api/auctions/admin/{id}/review/",
        .roles = ECS_ADMINS,
        .fields = review_fields,
        .call = "auctions_review",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state too_late",
        .summary = "Approve or refuse an auction",
        .description =
            "Approved, it is SCHEDULED and begins by itself at its start; if "
            "that has passed, at once, and its end stays. With less than 2 "
            "hours left until then it cannot be approved any more. Refused, "
            "its pieces go back on the shelf; the seller can change it and "
            "submit it again.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/admin/{id}/activate/",
        .roles = ECS_ADMINS,
        .fields = id_fields,
        .call = "auctions_activate",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state too_early",
        .summary = "Begin an approved auction now",
        .description =
            "By itself it begins at its start. Its end stays, so it cannot "
            "begin more than 14 days before. One that runs is answered as it "
            "is.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/admin/{id}/cancel/",
        .roles = ECS_ADMINS,
        .fields = cancel_fields,
        .call = "auctions_admin_cancel",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state",
        .summary = "Call an auction off, also with bids",
        .description = "The leader's money and the pieces go back; the seller "
                       "and everybody who has bid are told why.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/admin/auctions/{id}/close/",
        .roles = ECS_ADMINS,
        .fields = close_fields,
        .call = "auctions_close",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state too_early",
        .summary = "End an auction",
        .description =
            "By itself it ends at `end_at`. If the reserve is met, the winner "
            "has an order at `current_price`, paid from what was held, and the "
            "rest of the maximum back; it is delivered, completed and returned "
            "as any order. Otherwise hold and pieces go back. One that has "
            "ended is answered as it is, so that repeating does nothing.",
    },
    {
        .method = "GET",
        .path = "/api/auctions/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = id_fields,
        .call = "auctions_get",
        .status = 200,
        .answer = "AuctionDetail",
        .summary = "One auction",
        .description =
            "`server_time` is the clock that decides; `minimum_bid` what the "
            "next bid has to be. Its seller and administrators see it in every "
            "state, with its reserve and the offers to runners-up.",
    },
    {
        .method = "PATCH",
        .path = "/api/auctions/{id}/",
        .roles = ECS_SELLER,
        .fields = change_fields,
        .call = "auctions_update",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state",
        .summary = "Change an own draft or rejected auction",
    },
    {
        .method = "DELETE",
        .path = "/api/auctions/{id}/",
        .roles = ECS_SELLER,
        .fields = id_fields,
        .call = "auctions_delete",
        .status = 204,
        .errors = "wrong_state",
        .summary = "Throw an own draft or rejected auction away",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/submit/",
        .roles = ECS_SELLER,
        .fields = id_fields,
        .call = "auctions_submit",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state unavailable out_of_stock",
        .summary = "Submit an own draft, or a rejected auction again",
        .description = "Takes what it sells off the shelf.",
    },
    {
        .method = "GET",
        .path = "/api/auctions/{id}/bids/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_LIST | ECS_R_CACHEABLE,
        .fields = bids_fields,
        .call = "auctions_bids",
        .status = 200,
        .answer = "AuctionBid",
        .summary = "The bids of an auction, newest first",
        .description = "Bidders are masked but for administrators; "
                       "`automatic` is what the shop bid for one with a "
                       "maximum, which nobody else ever sees; `bids_count` "
                       "of the auction is without these.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/cancel/",
        .roles = ECS_SELLER,
        .fields = id_fields,
        .call = "auctions_cancel",
        .status = 200,
        .answer = "AuctionDetail",
        .errors = "wrong_state has_bids",
        .summary = "Call an own auction off while nobody has bid",
        .description = "Its pieces go back on the shelf.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/buy-now/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "auctions_buy_now",
        .status = 201,
        .answer = "Order",
        .errors = "wrong_state own_product unavailable has_bids "
                  "location_required insufficient_funds",
        .summary = "Buy an auction's pieces at once",
        .description =
            "While nobody has bid. Holds `buy_now_price` for all pieces, ends "
            "the auction and answers the order.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/second-chance/",
        .roles = ECS_SELLER,
        .fields = id_fields,
        .call = "auctions_second_chance",
        .status = 201,
        .answer = "AuctionOffer",
        .errors = "wrong_state duplicate no_bidder_left unavailable "
                  "out_of_stock",
        .summary = "Offer it to the next bidder",
        .description =
            "When the winner's order was cancelled or refunded before it was "
            "shipped: to who bid most of those not asked yet, at that "
            "bidder's own highest bid, for 24 hours. Takes the pieces off the "
            "shelf again.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/second-chance/accept/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "auctions_offer_accept",
        .status = 201,
        .answer = "Order",
        .errors = "wrong_state too_late location_required insufficient_funds",
        .summary = "Take an offer as runner-up",
        .description = "Holds the total and answers the order.",
    },
    {
        .method = "POST",
        .path = "/api/auctions/{id}/second-chance/decline/",
        .roles = ECS_BUYERS,
        .fields = id_fields,
        .call = "auctions_offer_decline",
        .status = 200,
        .answer = "AuctionOffer",
        .errors = "wrong_state too_late",
        .summary = "Refuse an offer as runner-up",
        .description = "The pieces go back on the shelf; the seller may ask "
                       "the next bidder.",
    },
    { NULL },
};

#define STATE_WORD                                                            \
    "DRAFT|SUBMITTED|SCHEDULED|ACTIVE|ENDED|REJECTED|CANCELLED"
#define AUCTION_MEMBERS                                                       \
    "id:id title:str description:text status:" STATE_WORD " "                 \
    "result:SOLD|UNSOLD|RESERVE_NOT_MET? product:AuctionProduct "             \
    "seller:Person quantity:int start_price:money buy_now_price:money? "      \
    "current_price:money? min_increment:money minimum_bid:money? "            \
    "has_reserve:bool reserve_met:bool bids_count:int leader:Bidder? "        \
    "is_leading:bool my_max:money? extensions:int start_at:time "             \
    "end_at:time planned_end_at:time ended_at:time? created_at:time "         \
    "updated_at:time ~order:id? ~reserve_price:money? ~reason:text? "         \
    "~submitted_at:time?"

const ecs_schema_t ecs_auctions_schemas[] = {
    { "Auction",
      "An auction; prices are for one piece. `current_price` is null before "
      "the first bid, `minimum_bid` when it is over. `end_at` moves with late "
      "bids, `planned_end_at` does not. `my_max` is only for the leader. Its "
      "seller and administrators see the last members, too; the winner sees "
      "`order`.",
      AUCTION_MEMBERS },
    { "AuctionDetail",
      "An auction, and the clock of the shop. Its seller and administrators "
      "see what was offered to runners-up.",
      AUCTION_MEMBERS " ~offers:[AuctionOffer] server_time:time" },
    { "AuctionsFound", "What a page of auctions says besides.",
      "~count_is_exact:bool" },
    { "AuctionProduct", "What an auction sells.",
      "id:id name:str slug:str images:[ProductImage]" },
    { "Bidder",
      "Somebody who bids. Only administrators see who: for others the name is "
      "masked and the id null.",
      "id:id? username:str" },
    { "AuctionBid", "A bid, as everybody sees it.",
      "id:id amount:money automatic:bool bidder:Bidder is_mine:bool "
      "created_at:time" },
    { "OwnBid", "A bid, as only its bidder sees it.",
      "id:id auction:BidAuction is_leading:bool amount:money max_amount:money "
      "kind:BID|PROXY|RAISE created_at:time" },
    { "BidAuction", "The auction of a bid.",
      "id:id title:str status:" STATE_WORD " current_price:money? "
      "end_at:time" },
    { "AuctionOffer",
      "An offer to a runner-up, at the price that was bid for one piece. "
      "`order` is what came of it.",
      "id:id auction:AuctionName bidder:Bidder quantity:int price:money "
      "total:money status:OFFERED|ACCEPTED|DECLINED|EXPIRED order:id? "
      "expires_at:time decided_at:time? created_at:time" },
    { "AuctionName", "An auction, by its title.", "id:id title:str" },
    { NULL },
};
