/* SPDX-License-Identifier: MIT */
/*
 * ctl_user.c - the first account of a shop. The password never stands on the
 * command line, where every user of the machine could read it.
 */
#include "ctl_user.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "password.h"
#include "secrets.h"

const char ecs_ctl_user_usage[] =
    "usage: ecsctl createsuperuser [OPTIONS]\n"
    "\n"
    "Makes an account of role superadmin. What is not given is asked for.\n"
    "\n"
    "  --email ADDRESS\n"
    "  --username NAME\n"
    "  --first-name NAME\n"
    "  --last-name NAME\n"
    "  --password-stdin      read the password from standard input (one line)\n"
    "  --generate-password   make a password and print it once\n";

#define LINE_BYTES_MAX 1024
#define PASSWORD_RANDOM_BYTES 12
#define PASSWORD_TRIES 3

enum option_e {
    OPT_EMAIL = 256,
    OPT_USERNAME,
    OPT_FIRST_NAME,
    OPT_LAST_NAME,
    OPT_STDIN,
    OPT_GENERATE
};

typedef struct account_t {
    apr_pool_t *pool;
    const char *email;
    const char *username;
    const char *first_name;
    const char *last_name;
    const char *password;
    int from_stdin;
    int generate;
} account_t;

static void take_option(void *baton, int option, const char *value)
{
    account_t *account = baton;

    switch (option) {
    case OPT_EMAIL:
        account->email = value;
        break;
    case OPT_USERNAME:
        account->username = value;
        break;
    case OPT_FIRST_NAME:
        account->first_name = value;
        break;
    case OPT_LAST_NAME:
        account->last_name = value;
        break;
    case OPT_STDIN:
        account->from_stdin = 1;
        break;
    case OPT_GENERATE:
        account->generate = 1;
        break;
    default:
        break;
    }
}

/* One line of standard input without its end, NULL when there is none. */
static const char *read_line(apr_pool_t *p)
{
    char line[LINE_BYTES_MAX];

    if (fgets(line, sizeof(line), stdin) == NULL) {
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return apr_pstrdup(p, line);
}

/* Asks until there is an answer; NULL when nobody can answer. */
static const char *ask(apr_pool_t *p, const char *what)
{
    const char *line;

    if (!isatty(STDIN_FILENO)) {
        return NULL;
    }
    do {
        printf("%s: ", what);
        fflush(stdout);
        line = read_line(p);
    } while (line != NULL && *line == '\0');
    return line;
}

/* NULL when it may be used, else the sentence why not. */
static const char *weakness(const account_t *account, const char *password)
{
    const char *own[] = {account->email, account->username,
                         account->first_name ? account->first_name : "",
                         account->last_name ? account->last_name : "", NULL};

    return ecs_password_weakness(account->pool, password, own);
}

/* getpass() shows nothing; it is asked twice, so that a slip is noticed. */
static const char *ask_password(const account_t *account)
{
    apr_pool_t *p = account->pool;
    int tries;

    if (!isatty(STDIN_FILENO)) {
        ecs_ctl_fail("no terminal to ask for the password; use "
                     "--password-stdin or --generate-password");
        return NULL;
    }
    for (tries = 0; tries < PASSWORD_TRIES; tries++) {
        const char *answer = getpass("Password: ");
        const char *first = answer ? apr_pstrdup(p, answer) : "";
        const char *weak = weakness(account, first);

        if (weak != NULL) {
            printf("%s\n", weak);
            continue;
        }
        answer = getpass("Password (again): ");
        if (answer != NULL && strcmp(first, answer) == 0) {
            return first;
        }
        puts("The two passwords are not the same.");
    }
    ecs_ctl_fail("no password after %d tries", PASSWORD_TRIES);
    return NULL;
}

static const char *find_password(const account_t *account)
{
    const char *password;
    const char *weak;

    if (account->generate) {
        return ecs_secrets_random_url(account->pool, PASSWORD_RANDOM_BYTES);
    }
    if (!account->from_stdin) {
        return ask_password(account);
    }
    password = read_line(account->pool);
    weak = weakness(account, password ? password : "");
    if (weak != NULL) {
        ecs_ctl_fail("%s", weak);
        return NULL;
    }
    return password;
}

static int create(const ecs_ctl_t *ctl, const account_t *account)
{
    const char *hash = ecs_password_hash(ctl->pool, account->password);
    PGconn *conn;

    if (hash == NULL) {
        return ecs_ctl_fail("the password cannot be hashed (crypt failed)");
    }
    conn = ecs_ctl_connect(ctl);
    if (conn == NULL) {
        return ECS_CTL_FAILED;
    }
    return ecs_ctl_run(conn,
                       "SELECT ecs_lib.user_create(p_email => $1, "
                       "p_username => $2, p_password_hash => $3, "
                       "p_role => 'superadmin', p_first_name => $4, "
                       "p_last_name => $5)",
                       5, account->email, account->username, hash,
                       account->first_name ? account->first_name : "",
                       account->last_name ? account->last_name : "");
}

int ecs_ctl_user(const ecs_ctl_t *ctl)
{
    static const apr_getopt_option_t options[] = {
        {"email", OPT_EMAIL, 1, NULL},
        {"username", OPT_USERNAME, 1, NULL},
        {"first-name", OPT_FIRST_NAME, 1, NULL},
        {"last-name", OPT_LAST_NAME, 1, NULL},
        {"password-stdin", OPT_STDIN, 0, NULL},
        {"generate-password", OPT_GENERATE, 0, NULL},
        {"help", 'h', 0, NULL},
        {NULL, 0, 0, NULL}};
    account_t account = {.pool = ctl->pool};
    int status = ecs_ctl_options(ctl, options, take_option, &account);

    if (status >= 0) {
        return status;
    }
    if (account.email == NULL) {
        account.email = ask(ctl->pool, "E-mail");
    }
    if (account.username == NULL) {
        account.username = ask(ctl->pool, "User name");
    }
    if (account.email == NULL || account.username == NULL) {
        return ecs_ctl_fail("--email and --username are needed");
    }
    if (strchr(account.email, '@') == NULL || *account.username == '\0') {
        return ecs_ctl_fail("this is no e-mail address, or no user name");
    }
    account.password = find_password(&account);
    if (account.password == NULL) {
        return ECS_CTL_FAILED;
    }
    status = create(ctl, &account);
    if (status == ECS_CTL_OK) {
        printf("Superadmin %s <%s> is made.\n", account.username,
               account.email);
    }
    if (status == ECS_CTL_OK && account.generate) {
        printf("Password: %s\n", account.password);
    }
    return status;
}
