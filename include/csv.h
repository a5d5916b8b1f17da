/* SPDX-License-Identifier: MIT */
/*
 * csv.h - a table that came as a file (RFC 4180).
 */
#ifndef ECS_CSV_H
#define ECS_CSV_H

#include <apr_pools.h>
#include <jansson.h>
#include "problem.h"

/**
 * Turn a table into the body it stands for: {"rows": [{column: text, ...}]}.
 * The first line names the columns; an empty field is a member left out. Lines
 * may end with CR LF or LF, fields are separated by commas or, where the first
 * line has semicolons and no comma, by those. A byte order mark is skipped, and
 * so is the quote in front of what a spreadsheet would take for a formula (see
 * ecs_lib.csv). No more than 32 columns, with names of up to 64 bytes, and 5000
 * rows.
 * @param text    length bytes with a NUL behind them
 * @param value   out: released with the pool
 * @return NULL, or malformed_csv (400) that names the line
 */
ecs_problem_t *ecs_csv_parse(apr_pool_t *p, const char *text,
                             apr_size_t length, json_t **value);

#endif
