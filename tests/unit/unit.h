/* SPDX-License-Identifier: MIT */
/*
 * unit.h - what every program of this directory needs.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <apr_pools.h>
#include <check.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Of the test that runs. The two are a fixture, or what one begins and ends
 * with. */
extern apr_pool_t *pool;
void pool_open(void);
void pool_close(void);

/** Bytes as hexadecimal digits, in the pool. */
const char *hex(const unsigned char *data, size_t length);

/**
 * Run a suite and print libcheck's summary.
 * @return what main() returns
 */
int unit_run(Suite *suite);

#endif
