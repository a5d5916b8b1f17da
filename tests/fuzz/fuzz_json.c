/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json.c - the strict reader against jansson: whatever it takes must be
 * JSON to jansson too, and what it writes must read back.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -iquote include
 *     $(apr-1-config --includes --cppflags) tests/fuzz/fuzz_json.c
 *     mod_ecs/core/{json,utf8,problem}.c -ljansson -lapr-1
 */
#include "json.h"
#include "utf8.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
    if (!truth) {
        abort();
    }
}

/*
 * jansson's own opinion: 1 takes, 0 refuses, -1 when it has none, because it
 * stopped at a number too big for a double. It overlooks a NUL at the end.
 */
static int jansson_takes(const char *text, size_t size)
{
    json_error_t error;
    json_t *value = json_loadb(text, size,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
                                   JSON_DECODE_INT_AS_REAL,
                               &error);

    if (value != NULL) {
        json_decref(value);
        return memchr(text, '\0', size) == NULL;
    }
    return json_error_code(&error) == json_error_numeric_overflow ? -1 : 0;
}

static void check_value(apr_pool_t *p, const json_t *value)
{
    const char *text = ecs_json_dump(p, value);
    json_t *again;

    must(ecs_json_parse(p, text, strlen(text), &again) == NULL);
    must(json_equal(value, again));
    if (json_is_string(value)) {
        json_t *quoted = json_loads(ecs_json_quote(p, json_string_value(value)),
                                    JSON_DECODE_ANY, NULL);

        must(json_equal(value, quoted));
        json_decref(quoted);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    ecs_problem_t *problem;
    apr_pool_t *p;
    json_t *value;

    apr_initialize();
    apr_pool_create(&p, NULL);
    problem = ecs_json_parse(p, text, size, &value);
    must((problem == NULL) == (value != NULL));
    if (problem == NULL) {
        must(jansson_takes(text, size) != 0);
        check_value(p, value);
    }
    else {
        must(strcmp(problem->code, "malformed_json") == 0);
        must(ecs_utf8_valid(problem->detail));
        must(strstr(problem->detail, "deeply") != NULL ||
             jansson_takes(text, size) != 1);
    }
    text = ecs_json_quote(p, apr_pstrmemdup(p, text, size));
    value = json_loads(text, JSON_DECODE_ANY, NULL);
    must(value != NULL);
    json_decref(value);
    apr_pool_destroy(p);
    return 0;
}
