/* SPDX-License-Identifier: MIT */
/*
 * support.h - what every test program of this directory stands on: running a
 * suite, saying what is expected of a reply, looking into the database, and
 * letting time pass.
 *
 * The programs read the environment that `instance env` prints (ECS_URL,
 * ECS_DSN, ECS_DIR, ECS_INSTANCE ...), so they also run against an instance
 * that was started by hand; they make their own people and goods and need no
 * empty database.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <check.h>
#include <stdio.h>
#include <string.h>
#include "client.h"

/**
 * Run tests and print libcheck's summary.
 * @param tests    closed by NULL
 * @param seconds  limit for each test
 * @return what main() returns
 */
int suite_run(const char *name, const TTest *const *tests, double seconds);

/** The same with something to do before the first and after the last test. */
int suite_run_between(const char *name, const TTest *const *tests,
                      double seconds, void (*begin)(void), void (*end)(void));

/* --- what is expected of a reply ----------------------------------------- */

/* Each returns the reply, or stops the test and shows the reply. */
#define expect(reply, status) expect_status(__FILE__, __LINE__, reply, status)
#define refused(reply, status, code)                                           \
    expect_code(__FILE__, __LINE__, reply, status, code)
#define invalid(reply, field) expect_field(__FILE__, __LINE__, reply, field)
#define same(reply, path, value)                                               \
    expect_value(__FILE__, __LINE__, reply, path, value)

reply_t *expect_status(const char *file, int line, reply_t *reply, int status);

/** A refusal with this status and this `code`. */
reply_t *expect_code(const char *file, int line, reply_t *reply, int status,
                     const char *code);

/** 400 with a message for this field. */
reply_t *expect_field(const char *file, int line, reply_t *reply,
                      const char *field);

/** The member at `path`, as text (see text_at), is `value`. */
reply_t *expect_value(const char *file, int line, reply_t *reply,
                      const char *path, const char *value);

/**
 * A member of a JSON answer: "items.0.product.name"; "" is the whole.
 * @return NULL when there is none
 */
json_t *at(const reply_t *reply, const char *path);
json_t *json_at(json_t *value, const char *path);

/** As text: strings as they are, numbers and words printed, NULL for none. */
const char *text_at(const reply_t *reply, const char *path);
long long int_at(const reply_t *reply, const char *path);
size_t length_at(const reply_t *reply, const char *path);

/** Is an object with this id among the results of a list? */
int lists(const reply_t *reply, long long id);

/* --- the database, as its owner ------------------------------------------ */

/**
 * Run one statement.
 * @return the first column of the first row as text, NULL for none or NULL
 */
const char *sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
long long sql_int(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/** Is the statement's first value 't'? */
int sql_true(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Does one as sql(), as the superuser. */
const char *sql_super(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/** The database went away: connect anew at the next statement. */
void sql_reconnect(void);

/** Let the shop's clock (ecs.now()) go forward, e.g. by "3 days". */
void pass(const char *interval);

/**
 * Wait until a condition of SQL holds, stop when it does not in a minute, which
 * is far more than things take.
 * @return the seconds that took
 */
double until(const char *condition);

/** Every invariant of the ledger and of derived numbers holds, else stop. */
void books_balance(void);

/**
 * Grows with each deadlock that PostgreSQL's log or its statistics tell of; those
 * arrive a second or two later.
 */
long long deadlocks(void);

/* --- the instance -------------------------------------------------------- */

/** Value of an environment variable that the runner sets, else stop. */
const char *setting(const char *name);

/** Run `instance COMMAND DIR ARGS` and stop when it fails. */
void instance(const char *command, const char *args);

/** The same for another one's DIR. */
void instance_in(const char *dir, const char *command, const char *args);

/** Where an instance has its files: in DIR, or where a link in it says. */
const char *state_dir(const char *dir);

/** A file of this instance there, e.g. "httpd/run/httpd.pid". */
const char *state_file(const char *path);

/** All of a file, "" when it is not there. */
const char *file_text(const char *path);

/** Are the programs run under a sanitizer, which is slow? */
int is_slow(void);

#endif
