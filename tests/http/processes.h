/* SPDX-License-Identifier: MIT */
/*
 * processes.h - the processes of the instance's httpd, what memory they take,
 * and how they end.
 */
#ifndef TEST_PROCESSES_H
#define TEST_PROCESSES_H

#define CHILDREN_MAX 16

/** Of httpd's parent process. */
long parent_pid(void);

/** Processes started by a process; returns how many. */
int children_of(long pid, long *children);

/** All of httpd's children are killed; their parent lives and makes others. */
void kill_children(void);

/**
 * Reload httpd with further directives, NULL for none. Returns when the
 * children of before have gone, which do what they were told to.
 */
void configure(const char *directives);

/** A figure of /proc/PID/status in KB ("VmRSS:"), over all httpd children. */
long memory_kb(const char *figure);

/** The peak of memory ("VmHWM:") starts over at what is used now. */
void forget_peaks(void);

#endif
