/* SPDX-License-Identifier: MIT */
/*
 * history_model.c - see history_model.h. Who may do what is in the table at the
 * end; above it one function for each command, in the order of refusals that
 * the contract names.
 */
#include "history_model.h"

#include <string.h>

#define USERS 0x1u
#define SELLERS 0x2u
#define COURIERS 0x4u
#define ADMINS 0x8u
#define BUYERS (USERS | SELLERS)

const char *role_of(int who)
{
    return who < FIRST_SELLER    ? "user"
           : who < FIRST_COURIER ? "seller"
           : who < ADMIN         ? "delivery"
                                 : "admin";
}

/* --- numbers -------------------------------------------------------------- */

/* a * b / c, half a cent up. */
static long long share(long long a, long long b, long long c)
{
    return (2 * a * b + c) / (2 * c);
}

static long long rest(const line_t *line)
{
    return line->total - line->refunded;
}

static void hold(model_t *m, int who, long long amount)
{
    m->purse[who].available -= amount;
    m->purse[who].held += amount;
}

/* --- wallets -------------------------------------------------------------- */

static const char *do_deposit(model_t *m, const command_t *c)
{
    if (c->on >= TRADERS) {
        return "invalid";
    }
    if (!c->is_right && m->deposits > 0) {
        return "duplicate";
    }
    m->purse[c->on].available += c->amount;
    m->deposits++;
    return NULL;
}

static const char *do_transfer(model_t *m, const command_t *c)
{
    if (c->on == c->who || c->on >= TRADERS) {
        return "invalid";
    }
    if (c->amount > m->purse[c->who].available) {
        return "insufficient_funds";
    }
    m->purse[c->who].available -= c->amount;
    m->purse[c->on].available += c->amount;
    return NULL;
}

static const char *do_withdraw(model_t *m, const command_t *c)
{
    if (c->amount > m->purse[c->who].available) {
        return "insufficient_funds";
    }
    hold(m, c->who, c->amount);
    m->withdrawal[m->withdrawals++] = (withdrawal_t){c->who, c->amount,
                                                     REQUESTED};
    return NULL;
}

static const char *do_pay(model_t *m, const command_t *c)
{
    withdrawal_t *w = &m->withdrawal[c->on];

    if (w->state != REQUESTED) {
        return "wrong_state";
    }
    w->state = c->verb == PAY_OUT ? APPROVED : REJECTED;
    m->purse[w->owner].held -= w->amount;
    if (w->state == REJECTED) {
        m->purse[w->owner].available += w->amount;
    }
    return NULL;
}

/* --- cart and checkout ---------------------------------------------------- */

static const char *do_fill_cart(model_t *m, const command_t *c)
{
    int *line = &m->cart[c->who][c->on];

    if (m->goods[c->on].seller == c->who) {
        return "own_product";
    }
    if (*line + c->quantity > m->goods[c->on].stock) {
        return "out_of_stock";
    }
    *line += c->quantity;
    return NULL;
}

/* A new order, whose lines and money the caller sees to. */
static order_t *new_order(model_t *m, int buyer)
{
    order_t *o = &m->order[m->orders++];

    memset(o, 0, sizeof(*o));
    o->buyer = buyer;
    o->courier = NOBODY;
    return o;
}

static void add_line(order_t *o, int product, int quantity, long long price)
{
    o->line[o->lines++] = (line_t){.product = product, .quantity = quantity,
                                   .total = price * quantity};
    o->held += price * quantity;
}

static const char *do_checkout(model_t *m, const command_t *c)
{
    long long total = 0;
    int *cart = m->cart[c->who], lacks = 0, i;
    order_t *o;

    for (i = 0; i < PRODUCTS; i++) {
        total += cart[i] * m->goods[i].price;
        lacks |= cart[i] > m->goods[i].stock;
    }
    if (total == 0) {
        return "empty_cart";
    }
    if (lacks) {
        return "out_of_stock";
    }
    if (c->amount != NONE && c->amount != total) {
        return "price_changed";
    }
    if (total > m->purse[c->who].available) {
        return "insufficient_funds";
    }
    o = new_order(m, c->who);
    for (i = 0; i < PRODUCTS; i++) {
        if (cart[i] > 0) {
            add_line(o, i, cart[i], m->goods[i].price);
            m->goods[i].stock -= cart[i];
            cart[i] = 0;
        }
    }
    hold(m, c->who, total);
    return NULL;
}

/* --- orders on their way -------------------------------------------------- */

static void restock(model_t *m, const order_t *o)
{
    int i;

    for (i = 0; i < o->lines; i++) {
        m->goods[o->line[i].product].stock += o->line[i].quantity;
    }
}

static const char *do_cancel(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];

    if (o->buyer != c->who) {
        return "not_found";
    }
    if (o->state != CREATED && o->state != PROCESSING) {
        return "wrong_state";
    }
    o->fees = share(o->held, CANCEL_FEE_TENTHS, 1000);
    hold(m, o->buyer, -o->held);
    m->purse[o->buyer].available -= o->fees;
    o->held = 0;
    o->state = CANCELLED;
    restock(m, o);
    return NULL;
}

static const char *do_claim(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];
    int i, active = 0;

    if (o->courier != NOBODY) {
        return "already_claimed";
    }
    if (o->state != CREATED) {
        return "wrong_state";
    }
    for (i = 0; i < m->orders; i++) {
        active += m->order[i].courier == c->who &&
                  (m->order[i].state == PROCESSING ||
                   m->order[i].state == SHIPPED);
    }
    if (active >= ACTIVE_MAX) {
        return "too_many_active";
    }
    o->courier = c->who;
    o->state = PROCESSING;
    return NULL;
}

static const char *do_step(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];

    if (o->courier != c->who) {
        return "not_found";
    }
    if (o->state == SHIPPED && c->verb == SHIP) {
        return "invalid"; /* it would deliver, and has no PIN */
    }
    if (o->state != PROCESSING) {
        return "wrong_state";
    }
    if (c->verb == SHIP) {
        o->state = SHIPPED;
        return NULL;
    }
    o->state = CREATED;
    o->courier = NOBODY;
    return NULL;
}

static const char *do_deliver(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];

    if (o->courier != c->who) {
        return "not_found";
    }
    if (o->state != SHIPPED) {
        return "wrong_state";
    }
    if (o->tries >= TRIES_MAX) {
        return "proof_locked";
    }
    o->tries++;
    if (!c->is_right) {
        return "wrong_proof"; /* a try it was */
    }
    o->state = DELIVERED;
    return NULL;
}

/* --- how orders end ------------------------------------------------------- */

static int is_open(const return_t *r)
{
    return r->state == REQUESTED || r->state == INSPECTED;
}

/* Open returns of an order, but this one. */
static int open_returns(const model_t *m, int order, const return_t *but)
{
    int i, count = 0;

    for (i = 0; i < m->returns; i++) {
        count += m->sent[i].order == order && &m->sent[i] != but &&
                 is_open(&m->sent[i]);
    }
    return count;
}

static void settle(model_t *m, order_t *o)
{
    int i;

    for (i = 0; i < o->lines; i++) {
        line_t *line = &o->line[i];
        goods_t *goods = &m->goods[line->product];
        long long fee = share(rest(line), FEE_PERCENT, 100);

        m->purse[goods->seller].available += rest(line) - fee;
        m->purse[o->buyer].held -= rest(line);
        o->fees += fee;
        goods->sold += line->quantity - line->returned;
    }
    o->held = 0;
    o->state = COMPLETED;
}

static const char *do_complete(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];

    if (c->who == ADMIN && !c->is_right) {
        return "invalid";
    }
    if (c->who != ADMIN && o->buyer != c->who) {
        return "not_found";
    }
    if (o->state != DELIVERED) {
        return "wrong_state";
    }
    if (c->who != ADMIN && !o->is_old) {
        return "too_early";
    }
    if (open_returns(m, c->on, NULL)) {
        return "return_open";
    }
    settle(m, o);
    return NULL;
}

/* Shrinks the lines alike, so that `kept` is left of what they held: cents by
 * whole parts, and one more for each of the largest remainders. */
static void shrink(order_t *o, long long kept)
{
    long long total = 0, left = kept, parts[PRODUCTS], over[PRODUCTS];
    int i, most;

    for (i = 0; i < o->lines; i++) {
        total += rest(&o->line[i]);
    }
    for (i = 0; i < o->lines; i++) {
        parts[i] = rest(&o->line[i]) * kept / total;
        over[i] = rest(&o->line[i]) * kept % total;
        left -= parts[i];
    }
    for (; left > 0; left--) {
        for (i = 0, most = 0; i < o->lines; i++) {
            most = over[i] > over[most] ? i : most;
        }
        parts[most]++;
        over[most] = -1;
    }
    for (i = 0; i < o->lines; i++) {
        line_t *line = &o->line[i];

        if (rest(line) > 0) {
            line->retained = share(line->retained, parts[i], rest(line));
        }
        line->refunded = line->total - parts[i];
    }
}

static const char *do_refund(model_t *m, const command_t *c)
{
    order_t *o = &m->order[c->on];
    long long amount = c->amount == NONE ? o->held : c->amount;

    if (o->held == 0) {
        return "wrong_state";
    }
    if (amount > o->held) {
        return "invalid";
    }
    if (amount == o->held && open_returns(m, c->on, NULL)) {
        return "return_open";
    }
    shrink(o, o->held - amount);
    hold(m, o->buyer, -amount);
    o->held -= amount;
    o->refunded += amount;
    if (o->held == 0) {
        if (o->state == CREATED || o->state == PROCESSING) {
            restock(m, o);
        }
        o->state = REFUNDED;
    }
    return NULL;
}

/* Days pass for one order: nothing goes back, and its buyer may complete it. */
static const char *do_grow_old(model_t *m, const command_t *c)
{
    if (m->order[c->on].state == DELIVERED) {
        m->order[c->on].is_old = 1;
    }
    return NULL;
}

/* --- returns -------------------------------------------------------------- */

static const char *do_ask_back(model_t *m, const command_t *c)
{
    const order_t *o = &m->order[c->on];
    int i, left = o->line[c->line].quantity;

    if (o->buyer != c->who) {
        return "invalid";
    }
    if (o->state != DELIVERED) {
        return "wrong_state";
    }
    if (o->is_old) {
        return "too_late";
    }
    for (i = 0; i < m->returns; i++) {
        const return_t *r = &m->sent[i];

        if (r->order == c->on && r->line == c->line &&
            (is_open(r) || r->state == APPROVED)) {
            left -= r->quantity;
        }
    }
    if (left == 0) {
        return "already_returned";
    }
    if (c->quantity > left) {
        return "invalid";
    }
    m->sent[m->returns++] = (return_t){.order = c->on, .line = c->line,
                                       .quantity = c->quantity,
                                       .inspector = NOBODY};
    return NULL;
}

static const char *do_take_back(model_t *m, const command_t *c)
{
    return_t *r = &m->sent[c->on];

    if (m->order[r->order].buyer != c->who) {
        return "not_found";
    }
    if (r->state != REQUESTED) {
        return "wrong_state";
    }
    r->state = TAKEN_BACK;
    return NULL;
}

static const char *do_inspect(model_t *m, const command_t *c)
{
    return_t *r = &m->sent[c->on];
    int i, sum = 0;

    if (c->who != ADMIN && !is_open(r) && r->inspector != c->who) {
        return "not_found";
    }
    if (r->state != REQUESTED) {
        return "wrong_state";
    }
    for (i = 0; i < CONDITIONS; i++) {
        sum += c->found[i];
    }
    if (sum != r->quantity) {
        return "invalid";
    }
    memcpy(r->found, c->found, sizeof(r->found));
    r->inspector = c->who;
    r->state = INSPECTED;
    return NULL;
}

static const char *do_decide(model_t *m, const command_t *c)
{
    return_t *r = &m->sent[c->on];
    order_t *o = &m->order[r->order];
    line_t *line = &o->line[r->line];
    long long paid = 0, refund;

    if (!c->is_right && c->amount != NONE) {
        return "invalid";
    }
    if (r->state != INSPECTED) {
        return "wrong_state";
    }
    if (!c->is_right) {
        r->state = REJECTED;
        return NULL;
    }
    paid = share(rest(line) - line->retained, r->quantity,
                 line->quantity - line->returned);
    refund = c->amount == NONE ? paid : c->amount;
    if (refund > paid) {
        return "invalid";
    }
    r->state = APPROVED;
    r->paid = paid;
    r->refund = refund;
    line->returned += r->quantity;
    line->refunded += refund;
    line->retained += paid - refund;
    if (o->held == refund && !open_returns(m, r->order, r)) {
        o->state = REFUNDED;
    }
    hold(m, o->buyer, -refund);
    o->held -= refund;
    o->refunded += refund;
    m->goods[line->product].stock += r->found[0];
    return NULL;
}

/* --- the auction ---------------------------------------------------------- */

static long long held_for_auction(const auction_t *a)
{
    return a->bids.leader < 0
               ? 0
               : (long long)a->bids.best[a->bids.leader] * a->pieces;
}

static const char *do_bid(model_t *m, const command_t *c)
{
    auction_t *a = &m->auction;
    bid_move_t move = {c->who, c->amount == NONE ? 0 : (int)c->amount,
                       c->max == NONE ? 0 : (int)c->max};
    bid_model_t was = a->bids;
    long long purse = m->purse[c->who].available;
    const char *code;

    if (strcmp(a->state, "ACTIVE") != 0) {
        return "wrong_state";
    }
    if (m->goods[AUCTIONED].seller == c->who) {
        return "own_product";
    }
    if (was.leader == c->who) {
        purse += held_for_auction(a);
    }
    code = bid_play(&a->bids, &move, (int)(purse / a->pieces));
    if (code == NULL) {
        if (was.leader != NOBODY) {
            hold(m, was.leader, -(long long)was.best[was.leader] * a->pieces);
        }
        hold(m, a->bids.leader, held_for_auction(a));
    }
    return code;
}

/* Nothing is sold: goods and money go back. */
static void give_up(model_t *m, const char *state, const char *result)
{
    m->auction.state = state;
    m->auction.result = result;
    m->goods[AUCTIONED].stock += m->auction.pieces;
}

static const char *do_call_off(model_t *m, const command_t *c)
{
    auction_t *a = &m->auction;

    if (m->goods[AUCTIONED].seller != c->who) {
        return "not_found";
    }
    if (strcmp(a->state, "ACTIVE") != 0) {
        return "wrong_state";
    }
    if (a->bids.leader != NOBODY) {
        return "has_bids";
    }
    give_up(m, "CANCELLED", "-");
    return NULL;
}

static const char *do_close(model_t *m, const command_t *c)
{
    auction_t *a = &m->auction;
    int leader = a->bids.leader;

    if (strcmp(a->state, "ENDED") == 0) {
        return NULL;
    }
    if (strcmp(a->state, "ACTIVE") != 0) {
        return "wrong_state";
    }
    if (!c->is_right) {
        return "too_early";
    }
    if (leader != NOBODY) {
        hold(m, leader, -held_for_auction(a));
    }
    if (leader == NOBODY || a->bids.price < a->bids.reserve) {
        give_up(m, "ENDED", leader == NOBODY ? "UNSOLD" : "RESERVE_NOT_MET");
        return NULL;
    }
    a->state = "ENDED";
    a->result = "SOLD";
    a->order = m->orders;
    add_line(new_order(m, leader), AUCTIONED, a->pieces, a->bids.price);
    hold(m, leader, m->order[a->order].held);
    return NULL;
}

/* --- all of them ---------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned roles;
    const char *(*run)(model_t *m, const command_t *c);
} verbs[VERBS] = {
    [DEPOSIT] = {"deposit", ADMINS, do_deposit},
    [TRANSFER] = {"transfer", BUYERS, do_transfer},
    [WITHDRAW] = {"withdraw", BUYERS, do_withdraw},
    [PAY_OUT] = {"pay out", ADMINS, do_pay},
    [PAY_BACK] = {"pay back", ADMINS, do_pay},
    [FILL_CART] = {"fill cart", BUYERS, do_fill_cart},
    [CHECKOUT] = {"checkout", BUYERS, do_checkout},
    [CANCEL] = {"cancel", BUYERS, do_cancel},
    [CLAIM] = {"claim", COURIERS, do_claim},
    [RELEASE] = {"release", COURIERS, do_step},
    [SHIP] = {"ship", COURIERS, do_step},
    [DELIVER] = {"deliver", COURIERS, do_deliver},
    [COMPLETE] = {"complete", BUYERS | ADMINS, do_complete},
    [REFUND] = {"refund", ADMINS, do_refund},
    [GROW_OLD] = {"grow old", ~0u, do_grow_old},
    [ASK_BACK] = {"ask back", BUYERS, do_ask_back},
    [TAKE_BACK] = {"take back", BUYERS, do_take_back},
    [INSPECT] = {"inspect", COURIERS | ADMINS, do_inspect},
    [DECIDE] = {"decide", ADMINS, do_decide},
    [BID] = {"bid", BUYERS, do_bid},
    [CALL_OFF] = {"call off", SELLERS, do_call_off},
    [CLOSE] = {"close", ADMINS, do_close},
};

const char *verb_name(verb_t verb)
{
    return verbs[verb].name;
}

int may(int who, verb_t verb)
{
    unsigned role = who < FIRST_SELLER    ? USERS
                    : who < FIRST_COURIER ? SELLERS
                    : who < ADMIN         ? COURIERS
                                          : ADMINS;

    return (verbs[verb].roles & role) != 0;
}

const char *model_do(model_t *m, const command_t *c)
{
    return may(c->who, c->verb) ? verbs[c->verb].run(m, c)
                                : "permission_denied";
}

void model_open(model_t *m, unsigned *seed, long long money)
{
    int i;

    memset(m, 0, sizeof(*m));
    for (i = 0; i < TRADERS; i++) {
        m->purse[i].available = money;
    }
    for (i = 0; i < PRODUCTS; i++) {
        m->goods[i].seller = i == 2 ? DORA : CLAY;
        m->goods[i].price = i > 0 && chance(seed, 0, 1) == 0
                                ? m->goods[i - 1].price
                                : chance(seed, 1, 3000);
        m->goods[i].stock = chance(seed, 2, 9);
    }
    m->auction.state = "ACTIVE";
    m->auction.result = "-";
    m->auction.order = NOBODY;
    m->auction.pieces = chance(seed, 1, 3);
    m->auction.bids.leader = NOBODY;
    m->auction.bids.start = chance(seed, 1, 2000);
    m->auction.bids.increment = chance(seed, 1, 300);
    if (chance(seed, 0, 2) == 0) {
        m->auction.bids.reserve =
            m->auction.bids.start + chance(seed, 0, 1500);
    }
}
