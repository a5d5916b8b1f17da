/* SPDX-License-Identifier: MIT */
/*
 * processes.c - what /proc tells of httpd, and what is done to it.
 */
#include "processes.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "support.h"

long parent_pid(void)
{
    const char *pid = file_text(state_file("httpd/run/httpd.pid"));

    ck_assert_str_ne(pid, "");
    return atol(pid);
}

int children_of(long pid, long *children)
{
    DIR *tasks = opendir(fmt("/proc/%ld/task", pid));
    struct dirent *task;
    int count = 0;

    if (tasks == NULL) {
        return 0;
    }
    for (task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char *list = (char *)file_text(
            fmt("/proc/%ld/task/%s/children", pid, task->d_name));
        char *rest = NULL, *word = strtok_r(list, " ", &rest);

        for (; word != NULL && count < CHILDREN_MAX;
             word = strtok_r(NULL, " ", &rest)) {
            children[count++] = atol(word);
        }
    }
    closedir(tasks);
    return count;
}

void kill_children(void)
{
    long children[CHILDREN_MAX];
    int count = children_of(parent_pid(), children), i;

    ck_assert_int_gt(count, 0);
    for (i = 0; i < count; i++) {
        kill((pid_t)children[i], SIGKILL);
    }
}

static void write_conf(const char *path, const char *directives)
{
    FILE *conf = fopen(path, "w");

    ck_assert_ptr_nonnull(conf);
    fprintf(conf, "%s\n", directives);
    fclose(conf);
}

void configure(const char *directives)
{
    const char *path = state_file("extra/test.conf");
    long children[CHILDREN_MAX];
    int count = children_of(parent_pid(), children), i;

    if (directives != NULL) {
        mkdir(state_file("extra"), 0755);
        write_conf(path, directives);
    }
    else {
        unlink(path);
        rmdir(state_file("extra"));
    }
    instance("reload", "");
    for (i = 0; i < count; i++) {
        while (kill((pid_t)children[i], 0) == 0) {
            usleep(50000);
        }
    }
}

long memory_kb(const char *figure)
{
    long children[CHILDREN_MAX], sum = 0;
    int count = children_of(parent_pid(), children), i;

    for (i = 0; i < count; i++) {
        const char *status = file_text(fmt("/proc/%ld/status", children[i]));
        const char *line = strstr(status, figure);

        sum += line != NULL ? atol(line + strlen(figure)) : 0;
    }
    return sum;
}

void forget_peaks(void)
{
    long children[CHILDREN_MAX];
    int count = children_of(parent_pid(), children), i;

    for (i = 0; i < count; i++) {
        FILE *file = fopen(fmt("/proc/%ld/clear_refs", children[i]), "w");

        ck_assert_ptr_nonnull(file);
        fputs("5", file);
        fclose(file);
    }
}
