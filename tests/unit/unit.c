/* SPDX-License-Identifier: MIT */
/*
 * unit.c - see unit.h.
 */
#include "unit.h"

#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>

apr_pool_t *pool;

void pool_open(void)
{
    apr_pool_create(&pool, NULL);
}

void pool_close(void)
{
    apr_pool_destroy(pool);
}

const char *hex(const unsigned char *data, size_t length)
{
    char *text = apr_pcalloc(pool, 2 * length + 1);
    size_t i;

    for (i = 0; i < length; i++) {
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    }
    return text;
}

int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    apr_initialize();
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    apr_terminate();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
