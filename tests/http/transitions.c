/* SPDX-License-Identifier: MIT */
/*
 * transitions.c - the cross product of states, actions and people.
 */
#include "transitions.h"

#include "routes.h"
#include "shop.h"
#include "support.h"

static int is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* --- people -------------------------------------------------------------- */

typedef struct cast_t {
    const char *name;
    const char *role;
    actor_t *who;
} cast_t;

static cast_t cast[] = {
    {"buyer", "user"},      {"stranger", "user"}, {"seller", "seller"},
    {"rival", "seller"},    {"courier", "delivery"}, {"rider", "delivery"},
    {"admin", "admin"},     {"superadmin", "superadmin"},
};
#define CAST ((int)(sizeof(cast) / sizeof(cast[0])))

const actor_t *the(const char *name)
{
    int i = 0;

    while (strcmp(cast[i].name, name) != 0) {
        ck_assert_int_lt(++i, CAST);
    }
    return cast[i].who;
}

static void new_cast(void)
{
    int i;

    for (i = 0; i < CAST; i++) {
        cast[i].who = person(cast[i].role, "100.00");
    }
}

/* Everything that belongs to the cast or tells of it, as one text. */
static const char *belongings(void)
{
    const char *ids = fmt("%lld", cast[0].who->id);
    int i;

    for (i = 1; i < CAST; i++) {
        ids = fmt("%s,%lld", ids, cast[i].who->id);
    }
    return sql(
        "WITH who AS (SELECT unnest('{%s}'::bigint[]) AS id),"
        " o AS (SELECT o.* FROM ecs.orders o JOIN who ON who.id = o.buyer_id),"
        " r AS (SELECT r.* FROM ecs.returns r JOIN who ON who.id = r.buyer_id)"
        " SELECT md5(string_agg(t, E'\\n' ORDER BY t)) FROM ("
        " SELECT o::text FROM o UNION ALL SELECT r::text FROM r UNION ALL"
        " SELECT x::text FROM ecs.order_items x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.order_history x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.delivery_proofs x JOIN o ON o.id ="
        " x.order_id UNION ALL"
        " SELECT x::text FROM ecs.delivery_attempts x JOIN o ON o.id ="
        " x.order_id UNION ALL"
        " SELECT x::text FROM ecs.return_items x JOIN r ON r.id = x.return_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.return_units x JOIN r ON r.id = x.return_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.transfers x JOIN o ON o.id = x.order_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.users x JOIN who USING (id) UNION ALL"
        " SELECT x::text FROM ecs.wallets x JOIN who ON who.id = x.user_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.withdrawals x JOIN who ON who.id ="
        " x.user_id UNION ALL"
        " SELECT x::text FROM ecs.notifications x JOIN who ON who.id ="
        " x.user_id UNION ALL"
        " SELECT x::text FROM ecs.brands x JOIN who ON who.id = x.seller_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.products x JOIN who ON who.id = x.seller_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.auctions x JOIN who ON who.id = x.seller_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.bids x JOIN who ON who.id = x.bidder_id"
        " UNION ALL"
        " SELECT x::text FROM ecs.audit_log x JOIN who ON who.id ="
        " x.actor_id) x (t)",
        ids);
}

/* --- the cross product --------------------------------------------------- */

/* Word number `n` of a list, NULL when there are not so many. */
static const char *word(const char *list, int n)
{
    size_t length;

    while (n-- > 0) {
        list += strcspn(list, " ");
        list += strspn(list, " ");
    }
    length = strcspn(list, " ");
    return length == 0 ? NULL : fmt("%.*s", (int)length, list);
}

static int has(const char *list, const char *name)
{
    const char *found;
    int i;

    for (i = 0; (found = word(list, i)) != NULL; i++) {
        if (is(found, name)) {
            return 1;
        }
    }
    return 0;
}

static const route_t *route_of(const action_t *action)
{
    const route_t *route = routes_all();

    while (route->method != NULL && !(is(route->path, action->path) &&
                                      is(route->method, action->method))) {
        route++;
    }
    ck_assert_msg(route->method != NULL, "no %s %s", action->method,
                  action->path);
    return route;
}

/* What an action of somebody's comes to: a state, or a status. */
static const char *outcome(const action_t *action, const cast_t *actor,
                           int state)
{
    int i;

    for (i = 0; i < RULES_MAX && action->rules[i].by != NULL; i++) {
        if (has(action->rules[i].by, actor->name)) {
            const char *cell = word(action->rules[i].cells, state);

            ck_assert_msg(cell != NULL, "%s: too few cells", action->name);
            return cell;
        }
    }
    return route_admits(route_of(action), actor->role) ? "404" : "403";
}

static int is_refusal(const char *cell)
{
    return cell[0] == '4';
}

static const char *state_of(const kind_t *kind, long long id)
{
    const char *state = sql("%s%lld", kind->state, id);

    return state != NULL ? state : "gone";
}

static const char *secret_of(const kind_t *kind, const char *state,
                             long long id)
{
    return kind->secret != NULL ? kind->secret(state, id) : NULL;
}

static reply_t *act(const action_t *action, const actor_t *who, long long id,
                    const char *secret)
{
    const route_t *route = route_of(action);
    const char *body = action->body;
    const char *hole = body != NULL ? strstr(body, "%s") : NULL;

    if (hole != NULL) {
        body = fmt("%.*s%s%s", (int)(hole - body), body, secret, hole + 2);
    }
    return http(.method = action->method,
                .path = route_path(route, fmt("%lld", id)), .who = who,
                .body = body);
}

/* All that is refused in one state, on one object. */
static int try_refusals(const kind_t *kind, int index, const char *state)
{
    const char *before, *secret;
    const action_t *action;
    long long id;
    int i, tried = 0;

    new_cast();
    id = kind->make(state);
    ck_assert_str_eq(state_of(kind, id), state);
    secret = secret_of(kind, state, id);
    before = belongings();
    for (action = kind->actions; action->name != NULL; action++) {
        for (i = 0; i < CAST; i++) {
            const char *cell = outcome(action, &cast[i], index);
            reply_t *reply;

            if (!is_refusal(cell)) {
                continue;
            }
            reply = act(action, cast[i].who, id, secret);
            tried++;
            if (!is(cell, fmt("%d", reply->status))) {
                complain("%s: %s by the %s: %d instead of %s %.200s", state,
                         action->name, cast[i].name, reply->status, cell,
                         reply->body);
            }
        }
        if (act(action, NULL, id, secret)->status != 401) {
            complain("%s: %s by nobody", state, action->name);
        }
        if (!is(belongings(), before)) {
            complain("%s: %s was refused and changed something", state,
                     action->name);
            before = belongings();
        }
    }
    return tried;
}

/* What is not refused, each on an object of its own. */
static int do_actions(const kind_t *kind, int index, const char *state)
{
    const action_t *action;
    int i, done = 0;

    for (action = kind->actions; action->name != NULL; action++) {
        for (i = 0; i < CAST; i++) {
            const char *cell = outcome(action, &cast[i], index), *found;
            reply_t *reply;
            long long id;

            if (is_refusal(cell)) {
                continue;
            }
            new_cast();
            id = kind->make(state);
            reply = act(action, cast[i].who, id, secret_of(kind, state, id));
            found = state_of(kind, id);
            done++;
            if (reply->status >= 300 || !is(found, cell)) {
                complain("%s: %s by the %s: %d, %s instead of %s %.200s",
                         state, action->name, cast[i].name, reply->status,
                         found, cell, reply->body);
            }
        }
    }
    return done;
}

void transitions_try(const kind_t *kind)
{
    const char *state;
    int i, tried = 0, done = 0;

    for (i = 0; (state = word(kind->states, i)) != NULL; i++) {
        tried += try_refusals(kind, i, state);
        done += do_actions(kind, i, state);
    }
    printf("transitions: %s: %d refused, %d done\n", kind->name, tried, done);
    nothing_wrong();
    books_balance();
}
