/* SPDX-License-Identifier: MIT */
/*
 * fields_types.c - one function per type of field.
 *
 * Each gets the value as JSON or as text and gives its normal form or a
 * message. JSON is taken at its word: "1" is no integer and 1 is no boolean.
 * Only decimal numbers may come as strings too, since that is the one way to
 * write them without a rounding client in between, and DRF takes them so.
 */
#include "fields_types.h"
#include "json.h"
#include "money.h"
#include "utf8.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define ECHO_MAX 100        /* characters of a wrong choice that are repeated */
#define LOCAL_PART_MAX 64   /* RFC 5321 section 4.5.3.1 */
#define DOMAIN_LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
#define FRACTION_MAX 9      /* digits of a second */
#define ZONE_HOURS_MAX 15   /* what PostgreSQL takes; the world has 14 */

typedef struct value_t {
    apr_pool_t *p;
    const ecs_field_t *field;
    const json_t *json; /* NULL for a text */
    const char *text;   /* the text or the JSON string, trimmed, or NULL */
} value_t;

typedef const char *convert_fn(const value_t *value, const char **out);

static const char *at_least(const value_t *value, apr_int64_t min)
{
    return apr_psprintf(value->p,
                        "Ensure this value is greater than or equal to "
                        "%" APR_INT64_T_FMT ".",
                        min);
}

static const char *at_most(const value_t *value, apr_int64_t max)
{
    return apr_psprintf(value->p,
                        "Ensure this value is less than or equal to "
                        "%" APR_INT64_T_FMT ".",
                        max);
}

/* ---- whole numbers ---- */

typedef enum whole_e {
    WHOLE_OK,
    WHOLE_NONE,
    WHOLE_TOO_SMALL,
    WHOLE_TOO_BIG
} whole_e;

static whole_e read_whole(const value_t *value, apr_int64_t *out)
{
    ecs_decimal_t number;

    *out = 0;
    if (value->json != NULL && json_is_integer(value->json)) {
        *out = json_integer_value(value->json);
        return WHOLE_OK;
    }
    if (value->text == NULL || !ecs_decimal_scan(value->text, &number) ||
        number.place_digits > 0) {
        return WHOLE_NONE;
    }
    if (!ecs_decimal_scaled(&number, 0, out)) {
        return number.negative ? WHOLE_TOO_SMALL : WHOLE_TOO_BIG;
    }
    /* A JSON string is none; a number too big for JSON comes as a string. */
    return value->json == NULL ? WHOLE_OK : WHOLE_NONE;
}

static const char *convert_id(const value_t *value, const char **out)
{
    apr_int64_t id;
    whole_e found = read_whole(value, &id);

    if (found == WHOLE_NONE) {
        return apr_psprintf(
            value->p, "Incorrect type. Expected pk value, received %s.",
            value->json ? ecs_field_python_type(value->json) : "str");
    }
    if (found != WHOLE_OK || id <= 0) {
        const char *shown =
            found == WHOLE_OK ? apr_psprintf(value->p, "%" APR_INT64_T_FMT, id)
                              : ecs_utf8_head(value->p, value->text, ECHO_MAX);

        return apr_psprintf(
            value->p, "Invalid pk \"%s\" - object does not exist.", shown);
    }
    *out = apr_psprintf(value->p, "%" APR_INT64_T_FMT, id);
    return NULL;
}

/* Does the list begin with that id before place `end`? They are few. */
static int is_repeated(const json_t *list, size_t end)
{
    const json_t *id = json_array_get(list, end);
    size_t i = 0;

    while (i < end && !json_equal(json_array_get(list, i), id)) {
        i++;
    }
    return i < end;
}

static const char *check_length(const value_t *value, apr_int64_t length)
{
    apr_int64_t min = value->field->min;
    apr_int64_t max = value->field->max ? value->field->max : ECS_LIST_MAX;

    if (length == 0 && min > 0) {
        return "This list may not be empty.";
    }
    if (length < min) {
        return apr_psprintf(value->p,
                            "Ensure this field has at least %" APR_INT64_T_FMT
                            " elements.",
                            min);
    }
    if (length > max) {
        return apr_psprintf(value->p,
                            "Ensure this field has no more than "
                            "%" APR_INT64_T_FMT " elements.",
                            max);
    }
    return NULL;
}

static const char *check_list(const value_t *value)
{
    if (!json_is_array(value->json)) {
        return apr_psprintf(
            value->p, "Expected a list of items but got type \"%s\".",
            value->json ? ecs_field_python_type(value->json) : "str");
    }
    return check_length(value, (apr_int64_t)json_array_size(value->json));
}

/* Only whether it is a list and how long: items.c looks into it. */
static const char *convert_items(const value_t *value, const char **out)
{
    return check_list(value);
}

static const char *convert_ids(const value_t *value, const char **out)
{
    const char *wrong = check_list(value), *text = "", *id = NULL;
    size_t length = json_array_size(value->json), i;

    for (i = 0; wrong == NULL && i < length; i++) {
        const json_t *item = json_array_get(value->json, i);
        const value_t one = {value->p, value->field, item,
                             json_string_value(item)};

        wrong = convert_id(&one, &id);
        if (wrong == NULL && is_repeated(value->json, i)) {
            wrong = apr_psprintf(value->p, "%s is there more than once.", id);
        }
        text = apr_pstrcat(value->p, text, i > 0 ? "," : "", id, NULL);
    }
    *out = apr_pstrcat(value->p, "{", text, "}", NULL);
    return wrong;
}

static const char *convert_int(const value_t *value, const char **out)
{
    apr_int64_t min = value->field->min;
    apr_int64_t max = value->field->max ? value->field->max : ECS_INT_MAX;
    apr_int64_t number;
    whole_e found = read_whole(value, &number);

    if (found == WHOLE_NONE) {
        return "A valid integer is required.";
    }
    if (found == WHOLE_TOO_BIG || (found == WHOLE_OK && number > max)) {
        return at_most(value, max);
    }
    if (found == WHOLE_TOO_SMALL || number < min) {
        return at_least(value, min);
    }
    *out = apr_psprintf(value->p, "%" APR_INT64_T_FMT, number);
    return NULL;
}

/* ---- decimal numbers ---- */

/* The plain text of a number, or NULL when the value is none at all. */
static const char *decimal_text(const value_t *value)
{
    if (value->json == NULL || json_is_string(value->json)) {
        return value->text;
    }
    if (json_is_integer(value->json)) {
        return apr_psprintf(value->p, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(value->json));
    }
    if (json_is_real(value->json)) {
        return ecs_decimal_of_real(value->p, json_real_value(value->json));
    }
    return NULL;
}

static const char *convert_money(const value_t *value, const char **out)
{
    const char *text = decimal_text(value);

    return ecs_money_read(value->p, text ? text : "", value->field->min,
                          value->field->max, out);
}

static const char *convert_decimal(const value_t *value, const char **out)
{
    static const apr_int64_t one = 1000000; /* 10^ECS_DECIMAL_PLACES */
    apr_int64_t max = value->field->max ? value->field->max : ECS_DECIMAL_MAX;
    const char *text = decimal_text(value);
    ecs_decimal_t number;
    apr_int64_t scaled;

    if (text == NULL || !ecs_decimal_scan(text, &number)) {
        return "A valid number is required.";
    }
    if (number.place_digits > ECS_DECIMAL_PLACES) {
        return "Ensure that there are no more than 6 decimal places.";
    }
    if (!ecs_decimal_scaled(&number, ECS_DECIMAL_PLACES, &scaled)) {
        return number.negative ? at_least(value, value->field->min)
                               : at_most(value, max);
    }
    if (scaled > max * one) {
        return at_most(value, max);
    }
    if (scaled < value->field->min * one) {
        return at_least(value, value->field->min);
    }
    *out = text;
    return NULL;
}

/* ---- words ---- */

static const char *convert_bool(const value_t *value, const char **out)
{
    static const char *const words[2][6] = {
        {"false", "f", "no", "n", "off", "0"},
        {"true", "t", "yes", "y", "on", "1"},
    };
    int truth, i;

    if (value->json != NULL) {
        if (!json_is_boolean(value->json)) {
            return "Must be a valid boolean.";
        }
        *out = json_is_true(value->json) ? "true" : "false";
        return NULL;
    }
    for (truth = 0; truth < 2; truth++) {
        for (i = 0; i < 6; i++) {
            if (strcasecmp(value->text, words[truth][i]) == 0) {
                *out = words[truth][0];
                return NULL;
            }
        }
    }
    return "Must be a valid boolean.";
}

/* A wrong value as the client will know it again, but not all of it. */
static const char *shown_value(const value_t *value)
{
    const char *text = value->text;

    if (text == NULL && json_is_boolean(value->json)) {
        text = json_is_true(value->json) ? "True" : "False";
    }
    else if (text == NULL) {
        text = ecs_json_dump(value->p, value->json);
    }
    return ecs_utf8_head(value->p, text, ECHO_MAX);
}

static const char *convert_choice(const value_t *value, const char **out)
{
    const char *word = value->field->choices;
    apr_size_t wanted = value->text ? strlen(value->text) : 0;

    if (value->text != NULL && wanted == 0 &&
        (value->field->flags & ECS_BLANK)) {
        *out = "";
        return NULL;
    }
    while (wanted > 0 && *word != '\0') {
        apr_size_t length = strcspn(word, " ");

        if (length == wanted && strncasecmp(word, value->text, length) == 0) {
            *out = apr_pstrmemdup(value->p, word, length);
            return NULL;
        }
        word += length;
        word += strspn(word, " ");
    }
    return apr_psprintf(value->p, "\"%s\" is not a valid choice.",
                        shown_value(value));
}

/* ---- texts ---- */

/* A control character that the field does not take, as a message. */
static const char *check_controls(const value_t *value, int is_text)
{
    const char *at = value->text;
    int code = ecs_utf8_next(&at);

    while (code != 0) {
        int is_break = code == '\n' || code == '\r' || code == '\t';

        if (code == ECS_UTF8_INVALID) {
            return "Not a valid string.";
        }
        if ((code < 0x20 || (code >= 0x7f && code < 0xa0)) &&
            !(is_text && is_break)) {
            return "Control characters are not allowed.";
        }
        code = ecs_utf8_next(&at);
    }
    return NULL;
}

/* What all texts have in common; an allowed "" passes whatever its min. */
static const char *check_text(const value_t *value, apr_int64_t own_max,
                              int is_text)
{
    apr_int64_t min = value->field->min;
    apr_int64_t max = value->field->max ? value->field->max : own_max;
    apr_int64_t length;

    if (value->text == NULL) {
        return "Not a valid string.";
    }
    if (*value->text == '\0') {
        return value->field->flags & ECS_BLANK ? NULL
                                               : "This field may not be blank.";
    }
    length = (apr_int64_t)ecs_utf8_length(value->text);
    if (length > max) {
        return apr_psprintf(value->p,
                            "Ensure this field has no more than "
                            "%" APR_INT64_T_FMT " characters.",
                            max);
    }
    if (length < min) {
        return apr_psprintf(value->p,
                            "Ensure this field has at least "
                            "%" APR_INT64_T_FMT " characters.",
                            min);
    }
    return check_controls(value, is_text);
}

static const char *convert_string(const value_t *value, const char **out)
{
    *out = value->text;
    return check_text(value, ECS_STRING_MAX, 0);
}

static const char *convert_text(const value_t *value, const char **out)
{
    *out = value->text;
    return check_text(value, ECS_TEXT_MAX, 1);
}

/* Dot-atom of RFC 5322: no quoted parts, which nobody has. */
static int is_local_part(const char *text, apr_size_t length)
{
    apr_size_t i;

    if (length == 0 || length > LOCAL_PART_MAX || text[0] == '.' ||
        text[length - 1] == '.') {
        return 0;
    }
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80 ||
            (!apr_isalnum(c) && strchr(".!#$%&'*+-/=?^_`{|}~", c) == NULL)) {
            return 0;
        }
        if (c == '.' && text[i + 1] == '.') {
            return 0;
        }
    }
    return 1;
}

/* Two labels or more, the last of them no number. */
static int is_domain(const char *text)
{
    int labels = 0;
    apr_size_t length = 0;

    while (*text != '\0') {
        apr_size_t i;

        length = strcspn(text, ".");
        if (length == 0 || length > DOMAIN_LABEL_MAX || text[0] == '-' ||
            text[length - 1] == '-') {
            return 0;
        }
        for (i = 0; i < length; i++) {
            unsigned char c = (unsigned char)text[i];

            if (c >= 0x80 || (!apr_isalnum(c) && c != '-')) {
                return 0;
            }
        }
        labels++;
        text += length;
        if (*text == '.' && *++text == '\0') {
            return 0;
        }
    }
    return labels >= 2 && length >= 2 && apr_isalpha(text[-1]);
}

static const char *convert_email(const value_t *value, const char **out)
{
    const char *wrong = check_text(value, ECS_EMAIL_MAX, 0);
    const char *at;

    *out = value->text;
    if (wrong != NULL || *value->text == '\0') {
        return wrong;
    }
    at = strchr(value->text, '@');
    if (at == NULL ||
        !is_local_part(value->text, (apr_size_t)(at - value->text)) ||
        !is_domain(at + 1)) {
        return "Enter a valid email address.";
    }
    return NULL;
}

/* ---- times ---- */

/* Exactly `count` digits as a number, moving on; -1 when they are not there. */
static int take_digits(const char **text, int count)
{
    int number = 0;

    while (count-- > 0) {
        if (!apr_isdigit(**text)) {
            return -1;
        }
        number = number * 10 + (*(*text)++ - '0');
    }
    return number;
}

static int take_char(const char **text, const char *chars)
{
    if (**text == '\0' || strchr(chars, **text) == NULL) {
        return 0;
    }
    (*text)++;
    return 1;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

static int take_date(const char **at)
{
    int year = take_digits(at, 4);
    int month = year > 0 && take_char(at, "-") ? take_digits(at, 2) : -1;
    int day = month > 0 && take_char(at, "-") ? take_digits(at, 2) : -1;

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days_of_month(year, month);
}

static int take_clock(const char **at)
{
    int hour = take_digits(at, 2);
    int minute = hour >= 0 && take_char(at, ":") ? take_digits(at, 2) : -1;
    int second = minute >= 0 && take_char(at, ":") ? take_digits(at, 2) : -1;

    if (second < 0 || hour > 23 || minute > 59 || second > 59) {
        return 0;
    }
    if (take_char(at, ".")) {
        int digits = (int)strspn(*at, "0123456789");

        *at += digits;
        return digits >= 1 && digits <= FRACTION_MAX;
    }
    return 1;
}

static int take_zone(const char **at)
{
    int hours, minutes;

    if (take_char(at, "Zz")) {
        return 1;
    }
    if (!take_char(at, "+-")) {
        return 0;
    }
    hours = take_digits(at, 2);
    minutes = hours >= 0 && take_char(at, ":") ? take_digits(at, 2) : -1;
    return hours <= ZONE_HOURS_MAX && minutes >= 0 && minutes <= 59;
}

static const char *convert_time(const value_t *value, const char **out)
{
    const char *at = value->text;

    if (at == NULL || !take_date(&at) || !take_char(&at, "Tt ") ||
        !take_clock(&at) || !take_zone(&at) || *at != '\0') {
        return "Datetime has wrong format. Use one of these formats instead: "
               "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    }
    *out = value->text;
    return NULL;
}

/* ---- all types ---- */

/* PAGE and CURSOR belong to the list as a whole: fields.c reads them. */
static convert_fn *const converters[] = {
    [ECS_T_ID] = convert_id,         [ECS_T_INT] = convert_int,
    [ECS_T_MONEY] = convert_money,   [ECS_T_DECIMAL] = convert_decimal,
    [ECS_T_BOOL] = convert_bool,     [ECS_T_STRING] = convert_string,
    [ECS_T_TEXT] = convert_text,     [ECS_T_EMAIL] = convert_email,
    [ECS_T_CHOICE] = convert_choice, [ECS_T_TIME] = convert_time,
    [ECS_T_PAGE] = convert_string,   [ECS_T_CURSOR] = convert_string,
    [ECS_T_IDS] = convert_ids,       [ECS_T_ITEMS] = convert_items,
};

/* White space around a password is part of it. */
static const char *trimmed(apr_pool_t *p, const ecs_field_t *field,
                           const char *text)
{
    return field->flags & ECS_SECRET ? text : ecs_utf8_trim(p, text);
}

const char *ecs_field_of_json(apr_pool_t *p, const ecs_field_t *field,
                              const json_t *value, const char **out)
{
    value_t given = {p, field, value, NULL};

    *out = NULL;
    if (json_is_string(value)) {
        given.text = trimmed(p, field, json_string_value(value));
    }
    return converters[field->type](&given, out);
}

const char *ecs_field_of_text(apr_pool_t *p, const ecs_field_t *field,
                              const char *text, const char **out)
{
    value_t given = {p, field, NULL, trimmed(p, field, text)};

    *out = NULL;
    return converters[field->type](&given, out);
}

const char *ecs_field_to_json(apr_pool_t *p, const ecs_field_t *field,
                              const char *text)
{
    switch (field->type) {
    case ECS_T_ID:
    case ECS_T_INT:
    case ECS_T_BOOL:
    case ECS_T_ITEMS:
        return text;
    case ECS_T_IDS: /* "{1,2}" */
        return apr_psprintf(p, "[%.*s]", (int)strlen(text) - 2, text + 1);
    default:
        return ecs_json_quote(p, text);
    }
}

const char *ecs_field_python_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "dict";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "str";
    case JSON_INTEGER:
        return "int";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    default:
        return "NoneType";
    }
}
