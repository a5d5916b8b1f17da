/* SPDX-License-Identifier: MIT */
/*
 * money.c - decimal numbers as text.
 *
 * Checks go digit by digit, so that no amount ever passes through floating
 * point on its way from a client's string to PostgreSQL. Their order is that
 * of DRF's DecimalField: form, digits in all, places, whole digits, bounds.
 */
#include "money.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A double has at most 17 significant digits; with the zeros in front of
 * them, anything beyond these places is too fine for every field. */
#define REAL_PLACES_MAX 25
#define REAL_TEXT_MAX 512 /* bytes; 1e308 has 309 digits */

#define NOT_A_NUMBER "A valid number is required."

static int count_digits(const char *text)
{
    return (int)strspn(text, "0123456789");
}

int ecs_decimal_scan(const char *text, ecs_decimal_t *out)
{
    memset(out, 0, sizeof(*out));
    if (*text == '-') {
        out->negative = 1;
        text++;
    }
    out->whole = text;
    out->whole_digits = count_digits(text);
    if (out->whole_digits == 0) {
        return 0;
    }
    text += out->whole_digits;
    while (out->whole_digits > 0 && *out->whole == '0') {
        out->whole++;
        out->whole_digits--;
    }
    out->places = text;
    if (*text == '.') {
        out->places = text + 1;
        out->place_digits = count_digits(out->places);
        if (out->place_digits == 0) {
            return 0;
        }
        text = out->places + out->place_digits;
    }
    return *text == '\0';
}

int ecs_decimal_scaled(const ecs_decimal_t *number, int places,
                       apr_int64_t *out)
{
    apr_int64_t value = 0;
    int i;

    for (i = 0; i < number->whole_digits + places; i++) {
        int at = i - number->whole_digits;
        int digit = 0;

        if (at < 0) {
            digit = number->whole[i] - '0';
        }
        else if (at < number->place_digits) {
            digit = number->places[at] - '0';
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return 0;
        }
    }
    *out = number->negative ? -value : value;
    return 1;
}

const char *ecs_decimal_of_real(apr_pool_t *p, double value)
{
    char text[REAL_TEXT_MAX];
    char *at;
    int places;

    for (places = 0; places <= REAL_PLACES_MAX; places++) {
        snprintf(text, sizeof(text), "%.*f", places, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    /* Both calls obey the locale, whose point may be a comma. */
    for (at = text; *at != '\0'; at++) {
        if (*at == ',') {
            *at = '.';
        }
    }
    return apr_pstrdup(p, text);
}

/* The checks that need no arithmetic. */
static const char *check_form(const char *text, ecs_decimal_t *number)
{
    if (!ecs_decimal_scan(text, number)) {
        return NOT_A_NUMBER;
    }
    if (number->whole_digits + number->place_digits >
        ECS_MONEY_WHOLE_DIGITS + ECS_MONEY_PLACES) {
        return "Ensure that there are no more than 12 digits in total.";
    }
    if (number->place_digits > ECS_MONEY_PLACES) {
        return "Ensure that there are no more than 2 decimal places.";
    }
    if (number->whole_digits > ECS_MONEY_WHOLE_DIGITS) {
        return "Ensure that there are no more than 10 digits before the "
               "decimal point.";
    }
    return NULL;
}

const char *ecs_money_read(apr_pool_t *p, const char *text, apr_int64_t min,
                           apr_int64_t max, const char **out)
{
    ecs_decimal_t number;
    apr_int64_t cents = 0;
    const char *wrong = check_form(text, &number);

    if (wrong != NULL) {
        return wrong;
    }
    if (!ecs_decimal_scaled(&number, ECS_MONEY_PLACES, &cents)) {
        return NOT_A_NUMBER;
    }
    if (cents < min) {
        return apr_psprintf(p,
                            "Ensure this value is greater than or equal to %s.",
                            min == 0 ? "0" : ecs_money_text(p, min));
    }
    if (max != 0 && cents > max) {
        return apr_psprintf(p, "Ensure this value is less than or equal to %s.",
                            ecs_money_text(p, max));
    }
    *out = ecs_money_text(p, cents);
    return NULL;
}

const char *ecs_money_text(apr_pool_t *p, apr_int64_t cents)
{
    apr_uint64_t size = cents < 0 ? -(apr_uint64_t)cents : (apr_uint64_t)cents;

    return apr_psprintf(p, "%s%" APR_UINT64_T_FMT ".%02d", cents < 0 ? "-" : "",
                        size / 100, (int)(size % 100));
}
