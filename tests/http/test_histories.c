/* SPDX-License-Identifier: MIT */
/*
 * test_histories.c - random histories of a whole shop: people of all roles give
 * right and wrong commands over HTTP, and after each of them the answer and all
 * wallets, goods, carts, orders, returns and the auction are what a model of
 * the rules says (history_model.h).
 *
 * A history is made of its seed alone. One that differs is printed with all its
 * commands, and ECS_SEED=seed ECS_HISTORIES=1 plays it again.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "support.h"
#include "shop.h"
#include "history_requests.h"
#include "history_words.h"

#define HISTORIES 2000
#define SLOW_HISTORIES 200
#define ACTIVE_DEFAULT 5 /* of the settings */
#define TRIES_DEFAULT 5
#define FIRST_SEED 20261122
#define WORKERS 2 /* processes that play at the same time */
#define BLOCK 200 /* histories of one process, and between two audits */
#define COMMANDS_MIN 5
#define COMMANDS_MAX 11 /* between prelude and finale */
#define PRELUDE 9 /* commands of an order on its way, and a return */
#define THOUGHTS_MAX 200
#define MONEY 30000 /* cents that everybody has who can buy */
#define COVERED 5000 /* commands from which on each verb has to come */

/* How many commands were taken and refused, counted by all processes. */
typedef struct counts_t {
    int taken[VERBS], refused[VERBS];
} counts_t;
static counts_t *counts;

/* The code of a refusal, "invalid" for wrong fields, "-" when there is none. */
static const char *code_of(const reply_t *reply)
{
    const char *code = text_at(reply, "code");

    return reply->status < 300 ? "-"
           : code != NULL      ? code
           : reply->status == 400
               ? "invalid"
               : fmt("status %d", reply->status);
}

/* --- thinking of commands ------------------------------------------------- */

/* How often each comes to mind. */
static const int weights[VERBS] = {
    [DEPOSIT] = 1, [TRANSFER] = 2, [WITHDRAW] = 1, [PAY_OUT] = 2,
    [PAY_BACK] = 2, [FILL_CART] = 4, [CHECKOUT] = 4, [CANCEL] = 4,
    [CLAIM] = 4, [RELEASE] = 3, [SHIP] = 4, [DELIVER] = 5, [COMPLETE] = 5,
    [REFUND] = 5, [GROW_OLD] = 1, [ASK_BACK] = 7, [TAKE_BACK] = 2,
    [INSPECT] = 8, [DECIDE] = 10, [BID] = 6, [CALL_OFF] = 1, [CLOSE] = 1};

static verb_t think_of_verb(unsigned *seed)
{
    int i, sum = 0, left;

    for (i = 0; i < VERBS; i++) {
        sum += weights[i];
    }
    left = chance(seed, 0, sum - 1);
    for (i = 0; left >= weights[i]; i++) {
        left -= weights[i];
    }
    return (verb_t)i;
}

/* Among how many a command chooses; 0: it is not possible now. */
static int choices(const model_t *m, verb_t verb)
{
    switch (verb) {
    case DEPOSIT:
    case TRANSFER:
        return PEOPLE;
    case PAY_OUT:
    case PAY_BACK:
        return m->withdrawals;
    case FILL_CART:
        return PRODUCTS;
    case WITHDRAW:
        return m->withdrawals < WITHDRAWALS_MAX;
    case CHECKOUT: /* the last order is the auction's */
        return m->orders < ORDERS_MAX - 1;
    case ASK_BACK:
        return m->returns < RETURNS_MAX ? m->orders : 0;
    case TAKE_BACK:
    case INSPECT:
    case DECIDE:
        return m->returns;
    case BID:
    case CALL_OFF:
    case CLOSE:
        return 1;
    default:
        return m->orders;
    }
}

/* An amount that is all there is, a cent more, or something below. */
static long long amount_near(unsigned *seed, long long all)
{
    int shape = chance(seed, 0, 5);

    return shape == 0  ? all + 1
           : all <= 0  ? chance(seed, 1, 100)
           : shape < 3 ? all
                       : chance(seed, 1, (int)all);
}

static void think_of_return(unsigned *seed, const model_t *m, command_t *c)
{
    const return_t *r = &m->sent[c->on];

    if (c->verb == INSPECT) {
        int left = r->quantity + (chance(seed, 0, 7) == 0);

        for (; left > 0; left--) {
            c->found[chance(seed, 0, CONDITIONS - 1)]++;
        }
    }
    if (c->verb == DECIDE) {
        c->is_right = chance(seed, 0, 3) != 0;
        if (chance(seed, 0, c->is_right ? 1 : 7) == 0) {
            c->amount = chance(
                seed, 0, (int)m->order[r->order].line[r->line].total);
        }
    }
}

static void think_of_order(unsigned *seed, const model_t *m, command_t *c)
{
    const order_t *o = &m->order[c->on];

    c->line = chance(seed, 0, o->lines - 1);
    c->quantity = chance(seed, 1, o->line[c->line].quantity + 1);
    if (c->verb == REFUND && chance(seed, 0, 2) != 0) {
        c->amount = amount_near(seed, o->held);
    }
}

static void think_of(unsigned *seed, const model_t *m, command_t *c)
{
    bid_move_t move;

    do {
        *c = (command_t){.verb = think_of_verb(seed), .amount = NONE,
                         .max = NONE};
    } while (choices(m, c->verb) == 0);
    do {
        c->who = chance(seed, 0, PEOPLE - 1);
    } while (!may(c->who, c->verb) && chance(seed, 0, 15) != 0);
    c->on = chance(seed, 0, choices(m, c->verb) - 1);
    c->is_right = chance(seed, 0, 4) != 0;
    if (c->verb <= WITHDRAW) {
        c->amount = c->verb == DEPOSIT
                        ? chance(seed, 1, 5000)
                        : amount_near(seed, m->purse[c->who].available);
    }
    else if (c->verb == FILL_CART) {
        c->quantity = chance(seed, 1, m->goods[c->on].stock + 1);
    }
    else if (c->verb == CHECKOUT && chance(seed, 0, 9) == 0) {
        c->amount = chance(seed, 1, 9000);
    }
    else if (c->verb >= CANCEL && c->verb <= ASK_BACK) {
        think_of_order(seed, m, c);
    }
    else if (c->verb >= TAKE_BACK && c->verb <= DECIDE) {
        think_of_return(seed, m, c);
    }
    else if (c->verb == BID) {
        bid_think(seed, &m->auction.bids, &move);
        c->amount = move.amount > 0 ? move.amount : NONE;
        c->max = move.max > 0 ? move.max : NONE;
    }
}

/* A command that the model takes, or refuses, as wanted; after so many thoughts
 * any. */
static void choose(unsigned *seed, const model_t *m, command_t *c)
{
    int is_wanted = chance(seed, 0, 1), i;

    for (i = 0; i < THOUGHTS_MAX; i++) {
        model_t copy = *m;

        think_of(seed, m, c);
        if ((model_do(&copy, c) == NULL) == is_wanted) {
            return;
        }
    }
}

/* --- playing -------------------------------------------------------------- */

static void __attribute__((noreturn))
differs(const run_t *run, const char *model, const char *shop)
{
    printf("seed %u differs; ECS_SEED=%u ECS_HISTORIES=1 plays it again\n%s"
           "--- the model says\n%s\n--- and the shop\n%s\n",
           run->seed, run->seed, run->log, model, shop);
    fflush(stdout);
    _exit(1);
}

static void compare(const run_t *run)
{
    const char *model = model_words(&run->model);
    const char *shop = shop_words(run->people, run->goods, run->auction);

    if (strcmp(model, shop) != 0) {
        differs(run, model, shop);
    }
}

/* The ids of what a command has made. */
static void learn_ids(run_t *run, const model_t *was)
{
    const model_t *m = &run->model;

    if (m->orders > was->orders) {
        run->orders[was->orders] =
            sql_int("SELECT max(id) FROM ecs.orders WHERE buyer_id = %lld",
                    run->people[m->order[was->orders].buyer]->id);
    }
    if (m->returns > was->returns) {
        run->returns[was->returns] =
            sql_int("SELECT max(id) FROM ecs.returns WHERE order_id = %lld",
                    run->orders[m->sent[was->returns].order]);
    }
    if (m->withdrawals > was->withdrawals) {
        run->withdrawals[was->withdrawals] =
            sql_int("SELECT max(id) FROM ecs.withdrawals WHERE user_id = %lld",
                    run->people[m->withdrawal[was->withdrawals].owner]->id);
    }
}

/* The one thing that is no request: days pass for an order. */
static void grow_old(run_t *run, const command_t *c)
{
    sql("UPDATE ecs.orders SET delivered_at = delivered_at - interval '4 days',"
        " complete_after = complete_after - interval '4 days'"
        " WHERE id = %lld AND status = 'DELIVERED'",
        run->orders[c->on]);
    run->log = fmt("%s  order %lld grows old\n", run->log, run->orders[c->on]);
    model_do(&run->model, c);
}

static void give(run_t *run, const command_t *c)
{
    model_t was = run->model;
    const char *expected, *found;
    request_t request;

    if (c->verb == GROW_OLD) {
        grow_old(run, c);
        return;
    }
    request = request_of(run, c);
    expected = model_do(&run->model, c);
    found = code_of(http_send(&request));
    run->log = fmt("%s  %-11s %s %s %s by %s: %s\n", run->log,
                   verb_name(c->verb), request.method, request.path,
                   request.body != NULL ? request.body : "",
                   request.who->username, found);
    if (strcmp(expected != NULL ? expected : "-", found) != 0) {
        differs(run, expected != NULL ? expected : "it is right", found);
    }
    learn_ids(run, &was);
    __atomic_fetch_add(
        &(expected == NULL ? counts->taken : counts->refused)[c->verb], 1,
        __ATOMIC_RELAXED);
    compare(run);
}

/* An order up to some step of its way, and a return of its first line, so that
 * histories get to their ends. */
static void prelude(run_t *run)
{
    static const verb_t way[PRELUDE] = {FILL_CART, FILL_CART, FILL_CART,
                                        CHECKOUT,  CLAIM,     SHIP,
                                        DELIVER,   ASK_BACK,  INSPECT};
    unsigned *seed = &run->state;
    int buyer = chance(seed, ANNA, BEN), courier = chance(seed, EMIL, FAY);
    int steps = chance(seed, 0, PRELUDE + 4), i;

    for (i = 0; i < steps && i < PRELUDE; i++) {
        command_t c = {.verb = way[i], .who = buyer, .is_right = 1,
                       .amount = NONE, .quantity = chance(seed, 1, 3)};

        if (may(courier, c.verb)) {
            c.who = courier;
        }
        if (c.verb == FILL_CART) {
            c.on = i;
        }
        if (c.verb == INSPECT && run->model.returns > 0) {
            think_of_return(seed, &run->model, &c);
        }
        if (choices(&run->model, c.verb) > 0) {
            give(run, &c);
        }
    }
}

/* Whatever is open comes to an end, and with it what is held. */
static void finale(run_t *run)
{
    const model_t *m = &run->model;
    command_t c = {.verb = CLOSE, .who = ADMIN, .is_right = 1, .amount = NONE};

    if (strcmp(m->auction.state, "ACTIVE") == 0) {
        give(run, &c);
    }
    for (c.on = 0; c.on < m->returns; c.on++) {
        if (m->sent[c.on].state == REQUESTED) {
            memset(c.found, 0, sizeof(c.found));
            c.found[chance(&run->state, 0, CONDITIONS - 1)] =
                m->sent[c.on].quantity;
            c.verb = INSPECT;
            give(run, &c);
        }
        if (m->sent[c.on].state == INSPECTED) {
            c.verb = DECIDE;
            give(run, &c);
        }
    }
    for (c.on = 0; c.on < m->orders; c.on++) {
        if (m->order[c.on].state <= DELIVERED) {
            c.verb = m->order[c.on].state == DELIVERED ? COMPLETE : REFUND;
            give(run, &c);
        }
    }
    for (c.on = 0; c.on < m->withdrawals; c.on++) {
        if (m->withdrawal[c.on].state == REQUESTED) {
            c.verb = PAY_OUT;
            give(run, &c);
        }
    }
}

static void set_up(run_t *run, actor_t *admin)
{
    const goods_t *goods = run->model.goods;
    const auction_t *a = &run->model.auction;
    int i;

    for (i = 0; i < ADMIN; i++) {
        run->people[i] =
            person(role_of(i), i < TRADERS ? money_text(MONEY) : NULL);
    }
    run->people[ADMIN] = admin;
    for (i = 0; i < PRODUCTS; i++) {
        run->goods[i] = product(run->people[goods[i].seller],
                                money_text(goods[i].price), goods[i].stock);
    }
    run->auction = sql_int(
        "INSERT INTO ecs.auctions (seller_id, product_id, title, quantity,"
        " start_price, min_increment, reserve_price, start_at, end_at,"
        " planned_end_at, status) SELECT %lld, %lld, 'A vase', %d, %d * 0.01,"
        " %d * 0.01, nullif(%d, 0) * 0.01, t - interval '1 day',"
        " t + interval '1 day', t + interval '1 day', 'ACTIVE'"
        " FROM ecs.now() t RETURNING id",
        run->people[CLAY]->id, run->goods[AUCTIONED], a->pieces, a->bids.start,
        a->bids.increment, a->bids.reserve);
    run->reference = unique("cash");
    run->log = "";
}

static void play_history(unsigned seed, actor_t *admin)
{
    run_t *run = grab(sizeof(*run));
    int left, i;

    run->seed = run->state = seed;
    model_open(&run->model, &run->state, MONEY);
    set_up(run, admin);
    prelude(run);
    for (left = chance(&run->state, COMMANDS_MIN, COMMANDS_MAX); left > 0;
         left--) {
        command_t c;

        choose(&run->state, &run->model, &c);
        give(run, &c);
    }
    finale(run);
    for (i = 0; i < ADMIN; i++) {
        if (run->model.purse[i].held != 0) {
            differs(run, "nothing is held at the end", model_words(&run->model));
        }
    }
}

/* A process that plays some histories. */
static pid_t play_block(unsigned seed, int histories, actor_t *admin)
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0) {
        return pid;
    }
    while (histories-- > 0) {
        play_history(seed++, admin);
    }
    books_balance();
    _exit(0);
}

/* Did each command come, right and wrong, and was about a third wrong? */
static void were_of_all_kinds(void)
{
    int i, taken = 0, refused = 0;

    printf("histories, taken and refused:");
    for (i = 0; i < VERBS; i++) {
        taken += counts->taken[i];
        refused += counts->refused[i];
        printf(" %s %d-%d,", verb_name((verb_t)i), counts->taken[i],
               counts->refused[i]);
    }
    printf(" all %d-%d\n", taken, refused);
    if (taken + refused < COVERED) {
        return;
    }
    ck_assert_int_gt(refused, taken / 4);
    ck_assert_int_gt(taken, refused);
    for (i = 0; i < VERBS; i++) {
        ck_assert_msg(i == GROW_OLD
                          || (counts->taken[i] > 0 && counts->refused[i] > 0),
                      "%s: taken %d, refused %d", verb_name((verb_t)i),
                      counts->taken[i], counts->refused[i]);
    }
}

static int number(const char *name, int otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? atoi(value) : otherwise;
}

/* As a superadmin sets them: the audit log then knows that couriers of other
 * tests may have had more deliveries. */
static void settings(const char *cancel_fee, int active, int tries)
{
    expect(patch(person("superadmin", NULL), "/api/settings/",
                 fmt("{\"cancel_fee_percent\": %s, \"max_active_deliveries\":"
                     " %d, \"proof_max_attempts\": %d}", cancel_fee, active,
                     tries)), 200);
}

/* A hundred thousand mails would keep the programs behind this one waiting. */
static void mute(int is_muted)
{
    sql("CREATE OR REPLACE FUNCTION ecs.test_mute() RETURNS trigger LANGUAGE"
        " plpgsql AS $$ BEGIN RETURN NULL; END $$");
    sql("DROP TRIGGER IF EXISTS test_mute ON ecs.outbox");
    if (is_muted) {
        sql("CREATE TRIGGER test_mute BEFORE INSERT ON ecs.outbox"
            " FOR EACH ROW EXECUTE FUNCTION ecs.test_mute()");
    }
}

START_TEST(the_shop_does_what_the_model_says)
{
    int left = number("ECS_HISTORIES", is_slow() ? SLOW_HISTORIES : HISTORIES);
    unsigned seed = (unsigned)number("ECS_SEED", FIRST_SEED);
    actor_t *admin = person("admin", NULL);
    int running = 0, failed = 0, status;

    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(counts != MAP_FAILED);
    shop_words_open();
    settings(fmt("%d.%d", CANCEL_FEE_TENTHS / 10, CANCEL_FEE_TENTHS % 10),
             ACTIVE_MAX, TRIES_MAX);
    mute(1);
    while (left > 0 || running > 0) {
        while (left > 0 && running < WORKERS) {
            int histories = left < BLOCK ? left : BLOCK;

            play_block(seed, histories, admin);
            seed += (unsigned)histories;
            left -= histories;
            running++;
        }
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_msg(!WIFSIGNALED(status), "a history ended by signal %d",
                      WTERMSIG(status));
        running--;
        if (status != 0) {
            failed++;
            left = 0;
        }
    }
    mute(0);
    if (failed) {
        _exit(1); /* what has failed is told already */
    }
    settings("0", ACTIVE_DEFAULT, TRIES_DEFAULT);
    were_of_all_kinds();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_shop_does_what_the_model_says, NULL};

    return suite_run("histories", tests, 600);
}
