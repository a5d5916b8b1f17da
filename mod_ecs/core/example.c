/* SPDX-License-Identifier: MIT */
/*
 * example.c - values a reader can imagine.
 *
 * A name that many rows use has a value here; everything else gets one by its
 * type. Values of the table are bent to the bounds of a field, so that adding
 * a row never breaks an example. What a client sends is good for the shop as it
 * stands after `make demo`, as far as a value without its row can be: an end is
 * after its start, a reserve above the first price.
 */
#include "example.h"
#include "fields_types.h"
#include "money.h"
#include "utf8.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define TIME "2026-11-22T14:46:00.123Z"
#define DATE "2026-11-22"
#define EMAIL "buyer@example.com"
#define START "2031-05-01T18:00:00.000Z"
#define END "2031-05-08T18:00:00.000Z"
#define MONEY_CENTS 1250
#define TEXT_FILL "example "

typedef struct known_text_t {
    const char *name;
    const char *value;
} known_text_t;

typedef struct known_number_t {
    const char *name;
    double value;
} known_number_t;

static const known_text_t texts[] = {
    /* people and places */
    {"username", "alex_morgan"},
    {"first_name", "Alex"},
    {"last_name", "Morgan"},
    {"phone_number", "+351210000000"},
    {"bio", "Collects maps and old radios."},
    {"location_address", "Rua Augusta 24"},
    {"city", "Lisbon"},
    {"region", "Lisboa"},
    {"country", "Portugal"},
    {"postal_code", "1100-048"},
    {"address", "192.0.2.17"},
    {"rank", "SILVER"},
    {"role", "user"},
    {"recipient", "harbour_market"},
    /* signing in */
    {"password", "quiet-lantern-58"},
    {"old_password", "quiet-lantern-58"},
    {"new_password", "amber-window-31"},
    {"access", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.c2ln"},
    {"refresh", "pJ0vQm3yT5cXl8rBz2kWfA6nHs1uDe9g"},
    {"token", "9f2c4e81d07b46aa8c1f53e2b7d90614"},
    {"pin", "042917"},
    {"qr", "data:image/png;base64,iVBORw0KGgo="},
    /* goods */
    {"name", "Walnut desk organiser"},
    {"product_name", "Walnut desk organiser"},
    {"title", "Walnut desk organiser"},
    {"slug", "walnut-desk-organiser"},
    {"search", "walnut"},
    {"brand", "Northwind"},
    {"currency", "USD"},
    {"order_number", "ORD-20261122-7KQ2MX"},
    /* sentences */
    {"description", "Five compartments, oiled by hand."},
    {"message", "Your order was shipped."},
    {"detail", "Not found."},
    {"notes", "A scratch on the foot."},
    {"reason", "The photos do not show the product."},
    {"rejection_reason", "The photos do not show the product."},
    {"note", "Please ring twice."},
    {"comment", "Looks as in the picture, and smells of oil."},
    {"reply", "Thank you. A drop of oil a year is enough."},
    {"reference", "bank-2026-11-22-0017"},
    /* the shop itself */
    {"status", "ok"},
    {"platform_fee_percent", "4.00"},
    {"cancel_fee_percent", "0.00"},
    {"request_id", "b7d90614a8c1f53e"},
    {"code", "out_of_stock"},
    {"action", "product.approve"},
    {"figure", "0.00"},
    {"url", "https://erp.example/hooks/shop"},
    {"events", "order.* return.approved"},
    {"next", "/api/product/products/?page=2"},
    /* times */
    {"start_at", START},
    {"starts_at", START},
    {"end_at", END},
    {"ends_at", END},
    {"planned_end_at", END},
    {"ending_before", END},
};

static const known_number_t numbers[] = {
    {"quantity", 2},
    {"delta", 5},
    {"page", 1},
    {"page_size", 20},
    {"count", 41},
    {"points", 120},
    {"percentage", 15},
    {"discount_percentage", 15},
    {"expires_in", 900},
    {"attempts_left", 5},
    {"rating", 5},
    {"avg_rating", 4.5},
    {"location_lat", 38.7101},
    {"location_lng", -9.1366},
    {"lat", 38.7101},
    {"lng", -9.1366},
    /* money, in cents */
    {"reserve_price", 2000},
    {"buy_now_price", 4500},
    {"current_price", 1400},
    {"increment", 100},
    {"min_increment", 100},
    {"minimum_bid", 1500},
    {"max_amount", 3000},
    {"my_max", 3000},
    {"min_price", 1000},
    {"max_price", 5000},
    {"from", 0},
    {"balance", 12000},
    /* settings */
    {"platform_fee_percent", 4},
    {"cancel_fee_percent", 0},
    {"complete_after_days", 3},
    {"return_window_days", 3},
    {"max_active_deliveries", 5},
    {"brand_min_points", 300},
    {"verified_at_points", 500},
    {"rank_silver_points", 500},
    {"rank_gold_points", 2000},
    {"bid_soft_close_seconds", 120},
    {"bid_soft_close_cap_minutes", 0},
    {"low_stock_at", 5},
    {"proof_ttl_hours", 24},
    {"proof_max_attempts", 5},
};

static const char *known_text(const char *name)
{
    apr_size_t i;

    for (i = 0; name != NULL && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].name, name) == 0) {
            return texts[i].value;
        }
    }
    return NULL;
}

static double known_number(const char *name, double otherwise)
{
    apr_size_t i;

    for (i = 0; name != NULL && i < sizeof(numbers) / sizeof(numbers[0]);
         i++) {
        if (strcmp(numbers[i].name, name) == 0) {
            return numbers[i].value;
        }
    }
    return otherwise;
}

static double between(double value, double min, double max)
{
    if (value < min) {
        return min;
    }
    return value > max ? max : value;
}

static json_t *number(double value)
{
    long long whole = (long long)value;

    return (double)whole == value ? json_integer(whole) : json_real(value);
}

static apr_int64_t cents(const char *name)
{
    return (apr_int64_t)known_number(name, MONEY_CENTS);
}

/* The first word of a list. */
static json_t *first_word(const char *list, const char *separators)
{
    return json_stringn(list, strcspn(list, separators));
}

/* ---- answers ---- */

typedef struct maker_t {
    apr_pool_t *p;
    const ecs_app_t *apps;
} maker_t;

/* The schemas around a value, innermost first. */
typedef struct nest_t {
    const char *schema;
    const struct nest_t *outer;
} nest_t;

static json_t *shape_value(const maker_t *maker, const ecs_shape_t *shape,
                           const char *name, const nest_t *nest);

static int is_inside(const nest_t *nest, const ecs_shape_t *shape)
{
    if (shape->kind != ECS_K_SCHEMA) {
        return 0;
    }
    while (nest != NULL && strcmp(nest->schema, shape->word) != 0) {
        nest = nest->outer;
    }
    return nest != NULL;
}

static json_t *schema_value(const maker_t *maker, const char *name,
                            const nest_t *outer)
{
    const ecs_schema_t *schema = ecs_schema_find(maker->apps, name);
    const nest_t nest = {name, outer};
    const char *error = NULL;
    apr_array_header_t *members;
    json_t *object;
    int i;

    members = schema ? ecs_schema_members(maker->p, schema, &error) : NULL;
    if (members == NULL) {
        return NULL;
    }
    object = json_object();
    for (i = 0; i < members->nelts; i++) {
        const ecs_member_t *member = &APR_ARRAY_IDX(members, i, ecs_member_t);
        json_t *value =
            shape_value(maker, member->shape, member->name, &nest);

        if (value != NULL) {
            json_object_set_new(object, member->name, value);
        }
        else if (!member->optional) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *array_value(const maker_t *maker, const ecs_shape_t *items,
                           const char *name, const nest_t *nest)
{
    json_t *array = json_array();
    json_t *item = shape_value(maker, items, name, nest);

    if (item != NULL) {
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *text_value(const char *name, const char *otherwise)
{
    const char *text = known_text(name);

    return json_string(text ? text : otherwise);
}

static json_t *shape_value(const maker_t *maker, const ecs_shape_t *shape,
                           const char *name, const nest_t *nest)
{
    json_t *value;

    switch (shape->kind) {
    case ECS_K_ID:
        return json_integer(42);
    case ECS_K_INT:
        return json_integer((json_int_t)known_number(name, 1));
    case ECS_K_NUM:
        return number(known_number(name, 1));
    case ECS_K_BOOL:
        return json_true();
    case ECS_K_STR:
    case ECS_K_TEXT:
        return text_value(name, "example");
    case ECS_K_MONEY:
        return json_string(ecs_money_text(maker->p, cents(name)));
    case ECS_K_TIME:
        return text_value(name, TIME);
    case ECS_K_DATE:
        return json_string(DATE);
    case ECS_K_EMAIL:
        return json_string(EMAIL);
    case ECS_K_URL: /* of pictures; what a client types in is a text */
        return json_string("/media/42.webp");
    case ECS_K_CHOICE:
        return first_word(shape->word, "|");
    case ECS_K_ARRAY:
        return array_value(maker, shape->items, name, nest);
    case ECS_K_SCHEMA:
        value = is_inside(nest, shape)
                    ? NULL
                    : schema_value(maker, shape->word, nest);
        return value == NULL && shape->nullable ? json_null() : value;
    case ECS_K_JSON:
        break;
    }
    return json_object();
}

json_t *ecs_example_of_shape(apr_pool_t *p, const ecs_app_t *apps,
                             const ecs_shape_t *shape, const char *name)
{
    const maker_t maker = {p, apps};

    return shape_value(&maker, shape, name, NULL);
}

/* ---- inputs ---- */

static json_t *text_of_field(apr_pool_t *p, const ecs_field_t *field,
                             long long type_max)
{
    const char *known = known_text(field->name);
    const char *text = known ? known : "example";
    long long max = field->max ? field->max : type_max;
    long long length;

    while ((long long)ecs_utf8_length(text) < field->min) {
        text = apr_pstrcat(p, text, " ", TEXT_FILL, NULL);
    }
    /* All texts here are ASCII: a character is a byte. */
    length = (long long)strlen(text);
    return json_stringn(text, (size_t)(length > max ? max : length));
}

static json_t *email_of_field(const ecs_field_t *field)
{
    return json_string(field->max != 0 && field->max < (int)strlen(EMAIL)
                           ? "a@b.cd"
                           : EMAIL);
}

static json_t *ids_of_field(const ecs_field_t *field)
{
    json_t *ids = json_array();
    long long count = field->min > 2 || field->max == 1 ? field->min : 2;
    long long i;

    for (i = 0; i < count; i++) {
        json_array_append_new(ids, json_integer(42 + i));
    }
    return ids;
}

json_t *ecs_example_of_field(apr_pool_t *p, const ecs_field_t *field)
{
    double min = (double)field->min, max = (double)field->max;

    switch (field->type) {
    case ECS_T_ID:
        return json_integer(42);
    case ECS_T_INT:
        return json_integer((json_int_t)between(
            known_number(field->name, 1), min, max ? max : ECS_INT_MAX));
    case ECS_T_MONEY:
        return json_string(ecs_money_text(
            p, (apr_int64_t)between((double)cents(field->name), min,
                                    max ? max : (double)ECS_DECIMAL_MAX)));
    case ECS_T_DECIMAL:
        return number(between(known_number(field->name, 1), min,
                              max ? max : (double)ECS_DECIMAL_MAX));
    case ECS_T_BOOL:
        return json_true();
    case ECS_T_STRING:
        return text_of_field(p, field, ECS_STRING_MAX);
    case ECS_T_TEXT:
        return text_of_field(p, field, ECS_TEXT_MAX);
    case ECS_T_EMAIL:
        return email_of_field(field);
    case ECS_T_CHOICE:
        return first_word(field->choices, " ");
    case ECS_T_TIME:
        return text_value(field->name, TIME);
    case ECS_T_PAGE:
        return json_integer(1);
    case ECS_T_IDS:
        return ids_of_field(field);
    case ECS_T_ITEMS:
        return json_pack("[o]", ecs_example_of_body(p, field->members));
    case ECS_T_CURSOR:
        break;
    }
    return json_string("");
}

json_t *ecs_example_of_body(apr_pool_t *p, const ecs_field_t *fields)
{
    json_t *body = json_object();
    const ecs_field_t *field;

    for (field = fields; field != NULL && field->name != NULL; field++) {
        if (field->in == ECS_IN_BODY) {
            json_object_set_new(body, field->name,
                                ecs_example_of_field(p, field));
        }
    }
    return body;
}
