/* SPDX-License-Identifier: MIT */
/*
 * mailer.c - which way a mail goes; and two of the ways: a program and a
 * directory.
 *
 * sendmail gets the letter as a file, so that there is no pipe to be stuck in,
 * and the recipient as an argument, so that nothing in the letter can name
 * others. A file in a directory appears whole or not at all, and a mail that is
 * sent twice is the same file.
 */
#include "mailer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#define LOOK_MS 200 /* between two looks at the stop sign */
#define FILE_MODE 0644
#define SENDMAIL "sendmail:"
#define DIRECTORY "dir:"

struct ecs_mailer_t {
    const ecs_mail_way_t *way;
    const int *stop;
    ecs_smtp_t *smtp;
};

/* ---- the way ---- */

static const char *take_path(const char *path, ecs_mail_way_e way,
                             ecs_mail_way_t *out)
{
    out->way = way;
    out->place = path;
    return *path == '/' ? NULL : "the path has to begin with a slash";
}

const char *ecs_mail_way_parse(apr_pool_t *p, const char *text,
                               ecs_mail_way_t *way)
{
    memset(way, 0, sizeof(*way));
    if (!strcmp(text, "none")) {
        return NULL;
    }
    if (!strncmp(text, SENDMAIL, strlen(SENDMAIL))) {
        return take_path(text + strlen(SENDMAIL), ECS_MAIL_SENDMAIL, way);
    }
    if (!strncmp(text, DIRECTORY, strlen(DIRECTORY))) {
        return take_path(text + strlen(DIRECTORY), ECS_MAIL_DIR, way);
    }
    if (!strncmp(text, "smtp://", 7) || !strncmp(text, "smtps://", 8)) {
        way->way = ECS_MAIL_SMTP;
        return ecs_smtp_parse(p, text, way);
    }
    return "use smtp://[user@]host[:port], smtps://..., sendmail:/path, "
           "dir:/path or none";
}

/* ---- a program ---- */

static int is_stopped(const ecs_mailer_t *mailer)
{
    return __atomic_load_n(mailer->stop, __ATOMIC_RELAXED);
}

/* Its end, which comes at the latest when the time is up: the wait status. */
static int await(const ecs_mailer_t *mailer, pid_t pid)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(ECS_MAILER_SECONDS_MAX);
    int status = 0;
    pid_t ended = 0;

    while (ended == 0 && apr_time_now() < end && !is_stopped(mailer)) {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd news = { .fd = fd, .events = POLLIN };

        poll(&news, 1, LOOK_MS);
        if (fd >= 0) {
            close(fd);
        }
        ended = waitpid(pid, &status, WNOHANG);
    }
    if (ended == 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    return status;
}

/* The letter as a file without a name, at its beginning; -1 for none. */
static int file_of(const ecs_letter_t *letter)
{
    int fd = memfd_create("mail", MFD_CLOEXEC);
    apr_size_t written = 0;

    while (fd >= 0 && written < letter->length) {
        ssize_t n = write(fd, letter->text + written,
                          letter->length - written);

        if (n <= 0) {
            close(fd);
            return -1;
        }
        written += (apr_size_t)n;
    }
    if (fd >= 0) {
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

/* Local mailers take lines that end as the system's do. */
static ecs_letter_t local_letter(apr_pool_t *p, const ecs_letter_t *letter)
{
    ecs_letter_t local = *letter;
    char *text = apr_pstrdup(p, letter->text), *out = text;
    const char *in;

    for (in = text; *in; in++) {
        if (*in != '\r') {
            *out++ = *in;
        }
    }
    local.text = text;
    local.length = (apr_size_t)(out - text);
    return local;
}

static int start(const char *program, const ecs_letter_t *letter, int input,
                 pid_t *pid)
{
    char *const arguments[] = {
        (char *)"sendmail", (char *)"-i", (char *)"-f", (char *)letter->from,
        (char *)"--", (char *)letter->to, NULL
    };
    char *const environment[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                  NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failed;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK
                                              | POSIX_SPAWN_SETSIGDEF);
    failed = posix_spawn(pid, program, &actions, &attributes, arguments,
                         environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

/* What it meant by its end (sysexits.h). */
static ecs_mailer_e outcome_of(int status)
{
    if (!WIFEXITED(status)) {
        return ECS_MAILER_FAILED;
    }
    switch (WEXITSTATUS(status)) {
    case EX_OK:
        return ECS_MAILER_SENT;
    case EX_DATAERR:
    case EX_NOUSER:
    case EX_NOHOST:
        return ECS_MAILER_REFUSED;
    case EX_USAGE:
    case EX_OSERR:
    case EX_OSFILE:
    case EX_NOPERM:
    case EX_CONFIG:
    case 127: /* posix_spawn: it could not be run */
        return ECS_MAILER_AWAY;
    default:
        return ECS_MAILER_FAILED;
    }
}

static ecs_mailer_e by_sendmail(const ecs_mailer_t *mailer, apr_pool_t *p,
                                const ecs_letter_t *letter, const char **error)
{
    const char *program = mailer->way->place;
    ecs_letter_t local = local_letter(p, letter);
    int input = file_of(&local), failed, status;
    pid_t pid;

    if (input < 0) {
        *error = "no memory for the letter";
        return ECS_MAILER_AWAY;
    }
    failed = start(program, &local, input, &pid);
    close(input);
    if (failed) {
        *error = apr_psprintf(p, "%s: %s", program, strerror(failed));
        return ECS_MAILER_AWAY;
    }
    status = await(mailer, pid);
    *error = WIFEXITED(status)
        ? apr_psprintf(p, "%s ended with status %d (sysexits.h)", program,
                       WEXITSTATUS(status))
        : apr_psprintf(p, "%s was ended by signal %d", program,
                       WTERMSIG(status));
    return outcome_of(status);
}

/* ---- a directory ---- */

static int write_file(const char *path, const ecs_letter_t *letter)
{
    FILE *file = fopen(path, "we");
    int is_good;

    if (!file) {
        return 0;
    }
    is_good = fwrite(letter->text, 1, letter->length, file) == letter->length;
    is_good &= fchmod(fileno(file), FILE_MODE) == 0;
    return (fclose(file) == 0) & is_good;
}

static ecs_mailer_e into_directory(const ecs_mailer_t *mailer, apr_pool_t *p,
                                   const ecs_letter_t *letter,
                                   const char **error)
{
    const char *path = apr_psprintf(p, "%s/%s.eml", mailer->way->place,
                                    letter->name);
    const char *beside = apr_psprintf(p, "%s/.%s.%ld", mailer->way->place,
                                      letter->name, (long)getpid());

    if (write_file(beside, letter) && rename(beside, path) == 0) {
        return ECS_MAILER_SENT;
    }
    *error = apr_psprintf(p, "%s: %s", path, strerror(errno));
    unlink(beside);
    return ECS_MAILER_AWAY;
}

/* ---- mailers ---- */

void ecs_mailer_init(void)
{
    ecs_smtp_init();
}

static apr_status_t end_mailer(void *mailer)
{
    ecs_mailer_rest(mailer);
    return APR_SUCCESS;
}

ecs_mailer_t *ecs_mailer_make(apr_pool_t *p, const ecs_mail_way_t *way,
                              const int *stop)
{
    ecs_mailer_t *mailer = apr_pcalloc(p, sizeof(*mailer));

    mailer->way = way;
    mailer->stop = stop;
    mailer->smtp = ecs_smtp_make(p, way, stop);
    apr_pool_cleanup_register(p, mailer, end_mailer, apr_pool_cleanup_null);
    return mailer;
}

ecs_mailer_e ecs_mailer_send(ecs_mailer_t *mailer, apr_pool_t *p,
                             const ecs_letter_t *letter, const char **error)
{
    *error = "the server is stopping";
    if (is_stopped(mailer)) {
        return ECS_MAILER_AWAY;
    }
    switch (mailer->way->way) {
    case ECS_MAIL_SMTP:
        return ecs_smtp_send(mailer->smtp, p, letter, error);
    case ECS_MAIL_SENDMAIL:
        return by_sendmail(mailer, p, letter, error);
    case ECS_MAIL_DIR:
        return into_directory(mailer, p, letter, error);
    default:
        *error = "there is no way";
        return ECS_MAILER_AWAY;
    }
}

void ecs_mailer_rest(ecs_mailer_t *mailer)
{
    ecs_smtp_rest(mailer->smtp);
}
