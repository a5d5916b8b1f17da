/* SPDX-License-Identifier: MIT */
/*
 * history_words.h - everything that a history of test_histories.c can change,
 * in words: as the model has it, and as the database has it. The two texts are
 * the same, or one of them is wrong.
 */
#ifndef TEST_HISTORY_WORDS_H
#define TEST_HISTORY_WORDS_H

#include "client.h"
#include "history_model.h"

extern const char *const condition_names[CONDITIONS];

/** "12.34" */
const char *money_text(long long cents);

/** A model in words. */
const char *model_words(const model_t *m);

/** Make the function that shop_words() calls; once, before the first. */
void shop_words_open(void);

/** What the database has of these people, goods and auction. */
const char *shop_words(actor_t *const *people, const long long *goods,
                       long long auction);

#endif
