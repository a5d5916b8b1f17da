/* SPDX-License-Identifier: MIT */
/*
 * helper.c - posix_spawn instead of apr_proc_create: the latter forks, which
 * copies the page tables of a large httpd child and runs clean-ups of all
 * threads' pools in the copy; the former does neither and closes everything
 * with one call.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_BYTES 64
#define FIRST_OUTPUT 3
#define SPARE_FD 64 /* where files wait while 0 to 5 are filled */
#define EXIT_NO_PICTURE 1
#define EXIT_NO_MEMORY 2

/* The files at the numbers that ecs-image knows. They are moved out of the
 * way first, because one of ours may have a number that another one gets. */
static int set_files(posix_spawn_file_actions_t *actions, int input,
                     int report, const int outputs[ECS_HELPER_OUTPUTS])
{
    const int ours[] = {input, report, outputs[0], outputs[1], outputs[2]};
    const int theirs[] = {STDIN_FILENO, STDOUT_FILENO, FIRST_OUTPUT,
                          FIRST_OUTPUT + 1, FIRST_OUTPUT + 2};
    int failed = 0, i;

    for (i = 0; i < 5; i++) {
        failed |= posix_spawn_file_actions_adddup2(actions, ours[i],
                                                   SPARE_FD + i);
    }
    for (i = 0; i < 5; i++) {
        failed |= posix_spawn_file_actions_adddup2(actions, SPARE_FD + i,
                                                   theirs[i]);
    }
    failed |= posix_spawn_file_actions_addopen(actions, STDERR_FILENO,
                                               "/dev/null", O_WRONLY, 0);
    return failed | posix_spawn_file_actions_addclosefrom_np(
                        actions, FIRST_OUTPUT + ECS_HELPER_OUTPUTS);
}

/* httpd's threads block signals; a child would inherit that. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    return posix_spawnattr_setsigmask(attributes, &none) |
           posix_spawnattr_setsigdefault(attributes, &all) |
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

static int start(const char *program, int input, int report,
                 const int outputs[ECS_HELPER_OUTPUTS], pid_t *pid)
{
    char *const arguments[] = {(char *)"ecs-image", NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    failed = set_files(&actions, input, report, outputs)
        || set_signals(&attributes)
        || posix_spawn(pid, program, &actions, &attributes, arguments,
                       environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

/* Wait for its end, and bring that about when the time is up. */
static int await(pid_t pid, apr_time_t deadline)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    apr_interval_time_t left = deadline - apr_time_now();
    int status = 0, ready = 0;

    while (fd >= 0 && ready == 0 && left > 0) {
        ready = poll(&end, 1, (int)apr_time_as_msec(left) + 1);
        if (ready < 0 && errno == EINTR) {
            ready = 0;
        }
        left = deadline - apr_time_now();
    }
    if (ready <= 0) {
        kill(pid, SIGKILL);
    }
    if (fd >= 0) {
        close(fd);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status;
}

/* What a program says that may have been taken over is only believed as far
 * as it has the right form. */
static int read_report(int fd, ecs_picture_t *picture)
{
    char report[REPORT_BYTES], kind[5];
    ssize_t length = read(fd, report, sizeof(report) - 1);
    int i = 0;

    report[length > 0 ? length : 0] = '\0';
    if (sscanf(report, "%4s %6ld %6ld", kind, &picture->width,
               &picture->height) != 3) {
        return 0;
    }
    while (i < ECS_PICTURE_KINDS &&
           strcmp(ecs_picture_ending((ecs_picture_kind_e)i), kind) != 0) {
        i++;
    }
    picture->kind = (ecs_picture_kind_e)i;
    return i < ECS_PICTURE_KINDS && picture->width > 0 && picture->height > 0;
}

/* A decoder that broke a limit or crashed was given no honest picture; one
 * that was killed had no chance to say. */
static ecs_helper_e outcome_of(int status, int is_good)
{
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGKILL ? ECS_HELPER_KILLED
                                           : ECS_HELPER_NO_PICTURE;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        return is_good ? ECS_HELPER_DONE : ECS_HELPER_NO_PICTURE;
    case EXIT_NO_PICTURE:
    case EXIT_NO_MEMORY:
        return ECS_HELPER_NO_PICTURE;
    default:
        return ECS_HELPER_ABSENT;
    }
}

ecs_helper_e ecs_helper_run(const char *program, int input,
                            const int outputs[ECS_HELPER_OUTPUTS],
                            apr_time_t deadline, ecs_picture_t *picture)
{
    int ends[2], status, is_good;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return ECS_HELPER_ABSENT;
    }
    if (start(program, input, ends[1], outputs, &pid) != 0) {
        close(ends[0]);
        close(ends[1]);
        return ECS_HELPER_ABSENT;
    }
    close(ends[1]);
    status = await(pid, deadline);
    is_good = read_report(ends[0], picture);
    close(ends[0]);
    return outcome_of(status, is_good);
}
