/* SPDX-License-Identifier: MIT */
/*
 * mailbox.c - files NUMBER-KIND.eml, of notifications NUMBER-KIND-TYPE.eml, in
 * the order in which they were written to the outbox.
 */
#include "mailbox.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include "smtp_server.h"
#include "support.h"

#define WAIT_S 40.0

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_mail(const struct dirent *entry)
{
    return strstr(entry->d_name, ".eml") != NULL;
}

void empty_mailbox(void)
{
    const char *dir = setting("ECS_MAIL_DIR");
    struct dirent **files;
    int count = scandir(dir, &files, is_mail, NULL), i;

    for (i = 0; i < count; i++) {
        unlink(fmt("%s/%s", dir, files[i]->d_name));
    }
}

const char *find_mail(const char *address, const char *kind, int n)
{
    const char *dir = setting("ECS_MAIL_DIR"), *found = NULL;
    struct dirent **files;
    int count = scandir(dir, &files, is_mail, by_name), i;

    for (i = 0; i < count && found == NULL; i++) {
        const char *text;

        if (strstr(files[i]->d_name, fmt("-%s", kind)) == NULL) {
            continue;
        }
        text = file_text(fmt("%s/%s", dir, files[i]->d_name));
        if (strstr(text, fmt("<%s>\r\n", address)) != NULL && n-- == 0) {
            found = text;
        }
    }
    return found;
}

const char *mail(const char *address, const char *kind, int n)
{
    double end = seconds_now() + WAIT_S;
    const char *text = find_mail(address, kind, n);

    while (text == NULL && seconds_now() < end) {
        usleep(100000);
        text = find_mail(address, kind, n);
    }
    ck_assert_msg(text != NULL, "no mail %d (%s) came for %s", n, kind,
                  address);
    return text;
}

const char *token_of(const char *text)
{
    const char *begin = strstr(text, "\r\n    ");

    ck_assert_msg(begin != NULL, "no token in: %s", text);
    return fmt("%.*s", (int)strcspn(begin + 6, "\r"), begin + 6);
}

const char *mail_header(const char *text, const char *name)
{
    return smtp_header(text, name);
}
