/* SPDX-License-Identifier: MIT */
/*
 * history_words.c - see history_words.h. People, goods and orders are called by
 * their number in the model, which is their place among the ids.
 */
#include "history_words.h"

#include <stdarg.h>
#include "support.h"

#define WORDS_MAX 16384 /* bytes of a model in words */

const char *const condition_names[CONDITIONS] = {
    "NEW", "OPEN_BOX", "USED", "DAMAGED", "MISSING_PARTS"};

static const char *const order_names[] = {
    "CREATED",   "PROCESSING", "SHIPPED", "DELIVERED",
    "COMPLETED", "CANCELLED",  "REFUNDED"};
static const char *const return_names[] = {
    "REQUESTED", "UNDER_INSPECTION", "APPROVED", "REJECTED", "CANCELLED"};

const char *money_text(long long cents)
{
    return fmt("%lld.%02lld", cents / 100, cents % 100);
}

/* --- the model ------------------------------------------------------------ */

typedef struct words_t {
    char text[WORDS_MAX];
    size_t length;
} words_t;

static void __attribute__((format(printf, 2, 3)))
say(words_t *words, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(words->text + words->length, WORDS_MAX - words->length,
                       format, args);
    va_end(args);
    ck_assert_uint_lt(words->length + (size_t)length, WORDS_MAX);
    words->length += (size_t)length;
}

static void say_money(words_t *words, const char *before, long long cents)
{
    say(words, "%s%lld.%02lld", before, cents / 100, cents % 100);
}

static void say_people(words_t *words, const model_t *m)
{
    int i, k;

    say(words, "purses");
    for (i = 0; i < ADMIN; i++) {
        say_money(words, " ", m->purse[i].available);
        say_money(words, "+", m->purse[i].held);
    }
    say(words, "\ngoods");
    for (i = 0; i < PRODUCTS; i++) {
        say(words, " %d/%d", m->goods[i].stock, m->goods[i].sold);
    }
    for (i = 0; i < TRADERS; i++) {
        for (k = 0; k < PRODUCTS; k++) {
            if (m->cart[i][k] > 0) {
                say(words, "\ncart %d has %d of %d", i, m->cart[i][k], k);
            }
        }
    }
}

static void say_order(words_t *words, const order_t *o)
{
    int i;

    say(words, "\norder of %d by %d %s", o->buyer, o->courier,
        order_names[o->state]);
    say_money(words, " held ", o->held);
    say_money(words, " refunded ", o->refunded);
    say_money(words, " fees ", o->fees);
    say(words, " tries %d", o->tries);
    for (i = 0; i < o->lines; i++) {
        const line_t *line = &o->line[i];

        say(words, " [%d of %d, %d back", line->quantity, line->product,
            line->returned);
        say_money(words, ", ", line->total);
        say_money(words, " - ", line->refunded);
        say_money(words, " keeps ", line->retained);
        say(words, "]");
    }
}

static void say_return(words_t *words, const model_t *m, const return_t *r)
{
    int i;

    say(words, "\nreturn of %d: %d of %d %s by %d", r->order, r->quantity,
        m->order[r->order].line[r->line].product, return_names[r->state],
        r->inspector);
    say_money(words, " paid ", r->paid);
    say_money(words, " refund ", r->refund);
    for (i = 0; i < CONDITIONS; i++) {
        if (r->found[i] > 0) {
            say(words, " %s %d", condition_names[i], r->found[i]);
        }
    }
    say(words, " units %d",
        r->state == APPROVED ? r->found[1] + r->found[2] : 0);
}

static void say_auction(words_t *words, const auction_t *a)
{
    int leader = a->bids.leader;

    say(words, "\nauction %s %s", a->state, a->result);
    say_money(words, " at ", a->bids.price);
    say(words, " leads %d", leader);
    say_money(words, " up to ", leader < 0 ? 0 : a->bids.best[leader]);
    say(words, " order %d", a->order);
}

const char *model_words(const model_t *m)
{
    words_t *words = grab(sizeof(*words));
    int i;

    say_people(words, m);
    for (i = 0; i < m->orders; i++) {
        say_order(words, &m->order[i]);
    }
    for (i = 0; i < m->returns; i++) {
        say_return(words, m, &m->sent[i]);
    }
    for (i = 0; i < m->withdrawals; i++) {
        say(words, "\nwithdrawal of %d", m->withdrawal[i].owner);
        say_money(words, " ", m->withdrawal[i].amount);
        say(words, " %s", return_names[m->withdrawal[i].state]);
    }
    say_auction(words, &m->auction);
    return words->text;
}

/* --- the database --------------------------------------------------------- */

#define WALLETS                                                                \
    "SELECT 'purses ' || string_agg(available || '+' || held, ' '"             \
    " ORDER BY user_id) FROM ecs.wallets WHERE user_id = ANY (people[:6])"

#define GOODS                                                                  \
    "SELECT 'goods ' || string_agg(quantity || '/' || sold_count, ' '"         \
    " ORDER BY id) FROM ecs.products WHERE id = ANY (goods)"

#define CARTS                                                                  \
    "SELECT string_agg(format('cart %s has %s of %s',"                         \
    " array_position(people, user_id) - 1, quantity,"                          \
    " array_position(goods, product_id) - 1), E'\\n'"                          \
    " ORDER BY user_id, product_id)"                                           \
    " FROM ecs.cart_items WHERE user_id = ANY (people)"

#define LINES                                                                  \
    "SELECT string_agg(format('[%s of %s, %s back, %s - %s keeps %s]',"        \
    " i.quantity, array_position(goods, i.product_id) - 1,"                    \
    " i.returned_quantity, i.line_total, i.refunded_amount,"                   \
    " i.retained_amount), ' ' ORDER BY i.id)"                                  \
    " FROM ecs.order_items i WHERE i.order_id = o.id"

#define FEES                                                                   \
    "SELECT coalesce(sum(amount), 0.00) FROM ecs.transfers"                    \
    " WHERE order_id = o.id AND kind = 'FEE'"

#define TRIES                                                                  \
    "SELECT attempts FROM ecs.delivery_proofs WHERE order_id = o.id"

#define ORDERS                                                                 \
    "SELECT string_agg(format('order of %s by %s %s held %s refunded %s"       \
    " fees %s tries %s %s', array_position(people, o.buyer_id) - 1,"           \
    " coalesce(array_position(people, o.courier_id) - 1, -1), o.status,"       \
    " o.held_amount, o.refunded_amount, (" FEES "),"                           \
    " coalesce((" TRIES "), 0), (" LINES ")), E'\\n' ORDER BY o.id)"           \
    " FROM ecs.orders o WHERE o.id = ANY (orders)"

#define FOUND                                                                  \
    "SELECT string_agg(' ' || x.condition || ' ' || x.quantity, ''"            \
    " ORDER BY x.id) FROM ecs.return_items x WHERE x.return_id = r.id"

#define RETURNS                                                                \
    "SELECT string_agg(format('return of %s: %s of %s %s by %s paid %s"        \
    " refund %s%s units %s', array_position(orders, r.order_id) - 1,"          \
    " r.quantity, array_position(goods, i.product_id) - 1, r.status,"          \
    " coalesce(array_position(people, r.inspected_by) - 1, -1),"               \
    " coalesce(r.paid_amount, 0.00), coalesce(r.refund_amount, 0.00),"         \
    " (" FOUND "), (SELECT count(*) FROM ecs.return_units u"                   \
    " WHERE u.return_id = r.id)), E'\\n' ORDER BY r.id)"                       \
    " FROM ecs.returns r JOIN ecs.order_items i ON i.id = r.order_item_id"     \
    " WHERE r.buyer_id = ANY (people)"

#define WITHDRAWALS                                                            \
    "SELECT string_agg(format('withdrawal of %s %s %s',"                       \
    " array_position(people, user_id) - 1, amount, status), E'\\n'"            \
    " ORDER BY id) FROM ecs.withdrawals WHERE user_id = ANY (people)"

#define AUCTION                                                                \
    "SELECT format('auction %s %s at %s leads %s up to %s order %s', status,"  \
    " coalesce(result, '-'), coalesce(current_price, 0.00),"                   \
    " coalesce(array_position(people, leader_id) - 1, -1),"                    \
    " coalesce(leader_max, 0.00),"                                             \
    " coalesce(array_position(orders, order_id) - 1, -1))"                     \
    " FROM ecs.auctions WHERE id = auction"

void shop_words_open(void)
{
    sql("CREATE OR REPLACE FUNCTION ecs_test.history(people bigint[],"
        " goods bigint[], auction bigint) RETURNS text LANGUAGE plpgsql STABLE"
        " SET plan_cache_mode = force_generic_plan AS $$ "
        "DECLARE orders CONSTANT bigint[] := ARRAY(SELECT id FROM ecs.orders"
        " WHERE buyer_id = ANY (people) ORDER BY id); "
        "BEGIN RETURN concat_ws(E'\\n', (%s), (%s), (%s), (%s), (%s), (%s),"
        " (%s)); END $$",
        WALLETS, GOODS, CARTS, ORDERS, RETURNS, WITHDRAWALS, AUCTION);
}

const char *shop_words(actor_t *const *people, const long long *goods,
                       long long auction)
{
    const char *ids = "", *things = "";
    int i;

    for (i = 0; i < PEOPLE; i++) {
        ids = fmt("%s%s%lld", ids, i ? "," : "", people[i]->id);
    }
    for (i = 0; i < PRODUCTS; i++) {
        things = fmt("%s%s%lld", things, i ? "," : "", goods[i]);
    }
    return sql("SELECT ecs_test.history('{%s}', '{%s}', %lld)", ids, things,
               auction);
}
