/* SPDX-License-Identifier: MIT */
/*
 * bid_model.c - see bid_model.h.
 */
#include "bid_model.h"

#include <stddef.h>
#include <stdlib.h>

static int higher(const bid_model_t *m, int a, int b)
{
    return m->best[a] > m->best[b]
        || (m->best[a] == m->best[b] && m->when[a] < m->when[b]);
}

static int leader_of(const bid_model_t *m)
{
    int i, found = -1;

    for (i = 0; i < BID_PLAYERS; i++) {
        if (m->best[i] > 0 && (found < 0 || higher(m, i, found))) {
            found = i;
        }
    }
    return found;
}

static int second_best(const bid_model_t *m)
{
    int i, found = 0;

    for (i = 0; i < BID_PLAYERS; i++) {
        if (i != m->leader && m->best[i] > found) {
            found = m->best[i];
        }
    }
    return found;
}

static void raise_price(bid_model_t *m, int price)
{
    if (price > m->best[m->leader]) {
        price = m->best[m->leader];
    }
    if (price > m->price) {
        m->price = price;
    }
}

const char *bid_play(bid_model_t *m, const bid_move_t *move, int purse)
{
    int was = m->leader, is_raise = was == move->player && move->max;
    int minimum = was < 0 ? m->start : m->price + m->increment;
    int amount = move->amount ? move->amount
        : move->max < minimum ? move->max : minimum;
    int max = move->max ? move->max : move->amount;

    if (is_raise ? max <= m->best[was] : amount < minimum) {
        return "bid_too_low";
    }
    if (max > purse) {
        return "insufficient_funds";
    }
    m->moves++;
    if (max > m->best[move->player]) {
        m->best[move->player] = max;
        if (was != move->player) {
            m->when[move->player] = m->moves;
        }
    }
    m->leader = leader_of(m);
    if (second_best(m) && !is_raise) {
        raise_price(m, second_best(m) + m->increment);
    }
    if (m->leader == move->player && !is_raise) {
        raise_price(m, amount);
    }
    if (m->best[m->leader] >= m->reserve) {
        raise_price(m, m->reserve);
    }
    return NULL;
}

int chance(unsigned *seed, int from, int to)
{
    return from + rand_r(seed) % (to - from + 1);
}

void bid_think(unsigned *seed, const bid_model_t *m, bid_move_t *move)
{
    int around = m->price ? m->price : m->start;
    int shape = chance(seed, 0, 2);

    move->amount = move->max = 0;
    if (shape != 1) {
        move->amount = around + chance(seed, -100, 400);
        if (move->amount < 1) {
            move->amount = 1;
        }
    }
    if (shape != 0) {
        move->max = (move->amount ? move->amount : around)
            + chance(seed, 0, 1500);
    }
}
