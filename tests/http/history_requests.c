/* SPDX-License-Identifier: MIT */
/*
 * history_requests.c - see history_requests.h.
 */
#include "history_requests.h"

#include "history_words.h"
#include "shop.h"
#include "support.h"

static const char *amount_member(const char *name, long long cents)
{
    return cents == NONE ? ""
                         : fmt(", \"%s\": \"%s\"", name, money_text(cents));
}

static void wallet_request(const run_t *run, const command_t *c, request_t *q)
{
    switch (c->verb) {
    case DEPOSIT:
        q->path = fmt("/api/wallet/admin/%lld/deposit/",
                      run->people[c->on]->id);
        q->body = fmt("{\"reason\": \"cash\", \"reference\": \"%s-%d\"%s}",
                      run->reference,
                      run->model.deposits +
                          (c->is_right || run->model.deposits == 0),
                      amount_member("amount", c->amount));
        break;
    case TRANSFER:
        q->path = "/api/wallet/transfer/";
        q->body = fmt("{\"recipient\": \"%s\"%s}",
                      run->people[c->on]->username,
                      amount_member("amount", c->amount));
        break;
    case WITHDRAW:
        q->path = "/api/wallet/withdraw/";
        q->body = fmt("{\"amount\": \"%s\"}", money_text(c->amount));
        break;
    default: /* PAY_OUT, PAY_BACK */
        q->path = fmt("/api/wallet/admin/withdrawals/%lld/%s/",
                      run->withdrawals[c->on],
                      c->verb == PAY_OUT ? "approve" : "reject");
        q->body = c->verb == PAY_OUT ? NULL : "{\"reason\": \"no\"}";
    }
}

/* The PIN, or another one. There is none unless the order is shipped. */
static const char *pin_for(const run_t *run, const command_t *c)
{
    const order_t *o = &run->model.order[c->on];
    const char *pin = "123456";

    if (o->state == SHIPPED) {
        pin = pin_of(run->people[o->buyer], run->orders[c->on]);
    }
    return c->is_right ? pin : wrong_pin(pin);
}

static void order_request(const run_t *run, const command_t *c, request_t *q)
{
    long long id = run->orders[c->on];

    switch (c->verb) {
    case CANCEL:
        q->path = fmt("/api/orders/%lld/cancel/", id);
        break;
    case CLAIM:
        q->path = fmt("/api/delivery/orders/%lld/claim/", id);
        break;
    case RELEASE:
        q->path = fmt("/api/delivery/orders/%lld/release/", id);
        q->body = "{\"reason\": \"a flat tyre\"}";
        break;
    case SHIP:
        q->path = fmt("/api/delivery/orders/%lld/advance/", id);
        break;
    case DELIVER:
        q->path = fmt("/api/orders/%lld/proof/confirm/", id);
        q->body = fmt("{\"pin\": \"%s\"}", pin_for(run, c));
        break;
    case COMPLETE:
        q->path = fmt("/api/orders/%lld/complete/", id);
        q->body = c->is_right ? "{\"reason\": \"all is well\"}" : NULL;
        break;
    case REFUND:
        q->path = fmt("/api/orders/%lld/refund/", id);
        q->body = fmt("{\"reason\": \"late\"%s}",
                      amount_member("amount", c->amount));
        break;
    default: /* ASK_BACK */
        q->path = "/api/returns/";
        q->body = fmt("{\"order_item\": %lld, \"quantity\": %d,"
                      " \"reason\": \"It hums.\"}",
                      sql_int("SELECT id FROM ecs.order_items WHERE order_id ="
                              " %lld ORDER BY id OFFSET %d LIMIT 1",
                              id, c->line),
                      c->quantity);
    }
}

static const char *findings(const command_t *c)
{
    const char *items = "";
    int i;

    for (i = 0; i < CONDITIONS; i++) {
        if (c->found[i] > 0) {
            items = fmt("%s%s{\"condition\": \"%s\", \"quantity\": %d}", items,
                        *items ? ", " : "", condition_names[i], c->found[i]);
        }
    }
    return fmt("{\"items\": [%s]}", items);
}

static void return_request(const run_t *run, const command_t *c, request_t *q)
{
    long long id = run->returns[c->on];

    switch (c->verb) {
    case TAKE_BACK:
        q->method = "DELETE";
        q->path = fmt("/api/returns/%lld/", id);
        break;
    case INSPECT:
        q->path = fmt("/api/returns/%lld/process-statuses/", id);
        q->body = findings(c);
        break;
    default: /* DECIDE */
        q->method = "PATCH";
        q->path = fmt("/api/returns/%lld/update/", id);
        q->body = fmt("{\"status\": \"%s\"%s}",
                      c->is_right ? "APPROVED" : "REJECTED",
                      amount_member("refund_amount", c->amount));
    }
}

static void other_request(const run_t *run, const command_t *c, request_t *q)
{
    switch (c->verb) {
    case FILL_CART:
        q->path = "/api/cart/items/";
        q->body = fmt("{\"product\": %lld, \"quantity\": %d}",
                      run->goods[c->on], c->quantity);
        break;
    case CHECKOUT:
        q->path = "/api/orders/checkout/";
        q->body = c->amount == NONE ? NULL
                                    : fmt("{\"expected_total\": \"%s\"}",
                                          money_text(c->amount));
        break;
    case BID:
        q->path = fmt("/api/auctions/%lld/bid/", run->auction);
        q->body = fmt("{%s}", 1 + fmt("%s%s",
                                      amount_member("amount", c->amount),
                                      amount_member("max_amount", c->max)));
        break;
    case CALL_OFF:
        q->path = fmt("/api/auctions/%lld/cancel/", run->auction);
        break;
    default: /* CLOSE */
        q->path = fmt("/api/auctions/admin/auctions/%lld/close/",
                      run->auction);
        q->body = fmt("{\"force\": %s}", c->is_right ? "true" : "false");
    }
}

request_t request_of(const run_t *run, const command_t *c)
{
    request_t q = {.method = "POST", .who = run->people[c->who]};

    if (c->verb <= PAY_BACK) {
        wallet_request(run, c, &q);
    }
    else if (c->verb >= CANCEL && c->verb <= ASK_BACK) {
        order_request(run, c, &q);
    }
    else if (c->verb >= TAKE_BACK && c->verb <= DECIDE) {
        return_request(run, c, &q);
    }
    else {
        other_request(run, c, &q);
    }
    return q;
}
