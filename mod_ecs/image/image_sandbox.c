/* SPDX-License-Identifier: MIT */
/*
 * image_sandbox.c - what a decoder that was taken over could still do: burn a
 * bounded time and memory, and write a wrong picture. It opens nothing, sends
 * nothing and starts nothing; the kernel ends it at the first other call.
 */
#include "image.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_BYTES (768UL << 20)   /* a progressive JPEG of 40 megapixels */
#define PROCESSOR_SECONDS 15
#define FILE_BYTES (64UL << 20)
#define FILES_OPEN 8                 /* 0 to 5, and none to come */

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* A little more for the hard limit: of processor time its end is a SIGKILL,
 * of the soft one a SIGXCPU, which tells that it was the limit. */
static int limit(int what, rlim_t value)
{
    struct rlimit both = {value, value > 0 ? value + 1 : 0};

    return setrlimit(what, &both);
}

#if defined(MACHINE) && !defined(__SANITIZE_ADDRESS__)

#define LOAD(member)                                                           \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ALLOW(name)                                                            \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                    \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int allow_little(void)
{
    struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW(read),
        ALLOW(write),
        ALLOW(mmap),
        ALLOW(mremap),
        ALLOW(munmap),
        ALLOW(mprotect),
        ALLOW(madvise),
        ALLOW(brk),
        ALLOW(futex),
        ALLOW(getrandom),
        ALLOW(rt_sigreturn),
        ALLOW(exit),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};

    /* A kernel built without it is no reason to have no pictures. */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 &&
           errno != EINVAL;
}

static int limit_memory(void)
{
    return limit(RLIMIT_AS, MEMORY_BYTES);
}

#else /* sanitizers reserve terabytes and ask the kernel all kinds of things */

static int allow_little(void)
{
    return 0;
}

static int limit_memory(void)
{
    return 0;
}

/* It ends without giving memory back, and its environment is empty. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

#endif

/* The end of httpd's child is the end of this, too. A child that ended before
 * that was agreed on left the pipe of the report without a reader. */
static int end_with_parent(void)
{
    struct pollfd report = {.fd = STDOUT_FILENO};

    return prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || poll(&report, 1, 0) < 0 ||
           (report.revents & POLLERR) != 0;
}

int ecs_sandbox_enter(void)
{
    return end_with_parent() != 0 ||
           prctl(PR_SET_DUMPABLE, 0) != 0 ||
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || limit_memory() != 0 ||
           limit(RLIMIT_CPU, PROCESSOR_SECONDS) != 0 ||
           limit(RLIMIT_FSIZE, FILE_BYTES) != 0 ||
           limit(RLIMIT_NOFILE, FILES_OPEN) != 0 ||
           limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NPROC, 0) != 0 ||
           close_range(FILES_OPEN - 2, ~0U, 0) != 0 || allow_little() != 0;
}
