/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fields.c - hostile requests against a row with a field of each type.
 *
 * The input's first byte says what the rest is: a JSON body, a form, a query
 * string, a path value or a cursor. Values that pass must be fit for SQL, and
 * refusals must be JSON in both forms.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -iquote include
 *     $(apr-1-config --includes --cppflags) tests/fuzz/fuzz_fields.c
 *     mod_ecs/core/{fields,fields_types,items,json,utf8,problem,route,page}.c
 *     mod_ecs/core/{query,money,secrets}.c -ljansson -lcrypto -lapr-1
 */
#include "fields.h"
#include "json.h"
#include "money.h"
#include "page.h"
#include "utf8.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char KEY[] = "0123456789abcdef0123456789abcdef";

static const ecs_field_t parts[] = {
    {"a", ECS_T_INT, ECS_IN_BODY, ECS_REQUIRED},
    {"b", ECS_T_TEXT, ECS_IN_BODY, ECS_NULLABLE},
    {NULL},
};
static const ecs_field_t fields[] = {
    {"id", ECS_T_ID, ECS_IN_PATH},
    {"a", ECS_T_ID, ECS_IN_BODY, ECS_NULLABLE},
    {"b", ECS_T_INT, ECS_IN_BODY, 0, -5, 100, NULL, "1"},
    {"c", ECS_T_MONEY, ECS_IN_BODY},
    {"d", ECS_T_DECIMAL, ECS_IN_BODY, 0, -90, 90},
    {"e", ECS_T_BOOL, ECS_IN_BODY},
    {"f", ECS_T_STRING, ECS_IN_BODY, 0, 1, 10},
    {"g", ECS_T_TEXT, ECS_IN_BODY, ECS_BLANK, 0, 20},
    {"h", ECS_T_EMAIL, ECS_IN_BODY},
    {"i", ECS_T_CHOICE, ECS_IN_BODY, .choices = "RED GREEN"},
    {"j", ECS_T_TIME, ECS_IN_BODY},
    {"k", ECS_T_STRING, ECS_IN_BODY, ECS_SECRET},
    {"l", ECS_T_IDS, ECS_IN_BODY, ECS_NULLABLE, 1, 3},
    {"n", ECS_T_ITEMS, ECS_IN_BODY, ECS_NULLABLE, 1, 3, .members = parts},
    {"q", ECS_T_STRING, ECS_IN_QUERY, 0, 0, 20},
    {"m", ECS_T_MONEY, ECS_IN_QUERY},
    {"ordering", ECS_T_CHOICE, ECS_IN_QUERY, .choices = "x -x"},
    {"page", ECS_T_PAGE, ECS_IN_QUERY},
    {"page_size", ECS_T_INT, ECS_IN_QUERY, 0, 1, 100, NULL, "20"},
    {"cursor", ECS_T_CURSOR, ECS_IN_QUERY},
    {NULL},
};
static const ecs_route_t routes[] = {
    {"POST", "/api/x/{id}/", .fields = fields},
    {"PATCH", "/api/x/{id}/", .fields = fields},
};

static void must(int truth)
{
    if (!truth) {
        abort();
    }
}

static void check_value(apr_pool_t *p, const ecs_field_t *field,
                        const char *value)
{
    ecs_decimal_t number;
    const char *again;

    must(ecs_utf8_valid(value));
    switch (field->type) {
    case ECS_T_ID:
    case ECS_T_PAGE:
        must(apr_atoi64(value) > 0);
        break;
    case ECS_T_INT:
        must(apr_atoi64(value) >= -5 && apr_atoi64(value) <= 100);
        break;
    case ECS_T_MONEY:
        must(ecs_money_read(p, value, 0, 0, &again) == NULL);
        must(strcmp(value, again) == 0);
        break;
    case ECS_T_DECIMAL:
        must(ecs_decimal_scan(value, &number) && number.place_digits <= 6);
        break;
    case ECS_T_STRING:
    case ECS_T_EMAIL:
        must(strpbrk(value, "\n\r\t\x1b\x7f") == NULL);
        break;
    case ECS_T_IDS:
        must(value[0] == '{' && value[strlen(value) - 1] == '}');
        must(strspn(value + 1, "0123456789,") == strlen(value) - 2);
        break;
    case ECS_T_ITEMS:
        must(json_is_array(ecs_json_own(
            p, json_loads(value, JSON_REJECT_DUPLICATES, NULL))));
        break;
    default:
        break;
    }
}

static void check_problem(apr_pool_t *p, const ecs_problem_t *problem)
{
    const char *const forms[] = {ecs_problem_drf(p, problem, "r"),
                                 ecs_problem_rfc9457(p, problem, "r")};
    int i;

    must(problem->status == 400 || problem->status == 404);
    for (i = 0; i < 2; i++) {
        must(ecs_json_own(p, json_loads(forms[i], JSON_REJECT_DUPLICATES,
                                        NULL)) != NULL);
    }
}

static void run(apr_pool_t *p, const ecs_route_t *route, const ecs_input_t *in)
{
    const char *values[FIELDS_MAX], *changes;
    ecs_problem_t *problem = ecs_fields_read(route, in, p, values, &changes);
    int i;

    if (problem != NULL) {
        check_problem(p, problem);
        return;
    }
    must((changes != NULL) == ecs_route_patches(route));
    if (changes != NULL) {
        must(json_is_object(ecs_json_own(
            p, json_loads(changes, JSON_REJECT_DUPLICATES, NULL))));
    }
    for (i = 0; i < ecs_fields_count(fields); i++) {
        if (values[i] != NULL && fields[i].type != ECS_T_CURSOR) {
            check_value(p, &fields[i], values[i]);
        }
    }
}

static void check_links(apr_pool_t *p, const char *query)
{
    ecs_page_t page = {2, 10, 100, NULL, "http://x/", query, "s"};
    const char *next, *previous;

    ecs_page_links(p, KEY, &page, &next, &previous);
    must(next != NULL && previous != NULL);
    must(strstr(next, "page=3") != NULL);
    must(strpbrk(next, " <>\"\r\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path[] = {"5", NULL};
    ecs_input_t in = {.path = path, .cursor_key = KEY};
    ecs_problem_t *problem = NULL;
    json_t *body = NULL;
    const char *text;
    apr_pool_t *p;

    if (size == 0) {
        return 0;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    text = apr_pstrmemdup(p, (const char *)data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        problem = ecs_json_parse(p, text, size - 1, &body);
        break;
    case 1:
        in.is_form = 1;
        problem = ecs_fields_of_form(p, text, size - 1, &body);
        break;
    case 2:
        in.query = text;
        check_links(p, text);
        break;
    case 3:
        path[0] = text;
        break;
    default:
        (void)ecs_page_cursor_open(p, KEY, "s", text);
        in.query = apr_pstrcat(p, "cursor=", text, NULL);
    }
    in.body = body;
    if (problem != NULL) {
        check_problem(p, problem);
    }
    else {
        run(p, &routes[data[0] >> 7], &in);
    }
    apr_pool_destroy(p);
    return 0;
}
