/* SPDX-License-Identifier: MIT */
/*
 * money.h - the form of decimal numbers. C checks amounts and hands their
 * text on; it never computes with them, PostgreSQL does (numeric(14,2)).
 */
#ifndef ECS_MONEY_H
#define ECS_MONEY_H

#include <apr_pools.h>

#define ECS_MONEY_PLACES 2        /* digits behind the point */
#define ECS_MONEY_WHOLE_DIGITS 10 /* digits before it: up to 9999999999.99 */

/* A plain decimal number, taken apart. The pointers lie in the scanned text. */
typedef struct ecs_decimal_t {
    int negative;
    const char *whole; /* without leading zeros */
    int whole_digits;
    const char *places; /* behind the point, trailing zeros included */
    int place_digits;
} ecs_decimal_t;

/**
 * Scan [-]digits[.digits]. No exponent, sign +, blank, NaN or missing digit.
 * @return 1 when the whole text is such a number, else 0
 */
int ecs_decimal_scan(const char *text, ecs_decimal_t *out);

/**
 * The number times 10^places as an integer, digits behind `places` dropped.
 * @return 0 when it does not fit 64 bits, else 1
 */
int ecs_decimal_scaled(const ecs_decimal_t *number, int places,
                       apr_int64_t *out);

/**
 * A double as the shortest plain decimal text that reads back as the same
 * double; never with an exponent.
 */
const char *ecs_decimal_of_real(apr_pool_t *p, double value);

/**
 * Check an amount of money and put it into its one form, "12.50".
 * @param text  as the client wrote it, white space trimmed
 * @param min   least amount in cents
 * @param max   greatest amount in cents, 0 for 9999999999.99
 * @param out   the normal form, in `p`
 * @return NULL, or what is wrong, in the words of Django REST Framework
 */
const char *ecs_money_read(apr_pool_t *p, const char *text, apr_int64_t min,
                           apr_int64_t max, const char **out);

/**
 * Cents as text: 1250 is "12.50", -5 is "-0.05".
 */
const char *ecs_money_text(apr_pool_t *p, apr_int64_t cents);

#endif
