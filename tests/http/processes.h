/* SPDX-License-Identifier: MIT */
/*
 * processes.h - the processes of the instance's httpd, and what memory they
 * take.
 */
#ifndef TEST_PROCESSES_H
#define TEST_PROCESSES_H

#define CHILDREN_MAX 16

/** Of httpd's parent process. */
long parent_pid(void);

/** Processes started by a process; returns how many. */
int children_of(long pid, long *children);

/** A figure of /proc/PID/status in KB ("VmRSS:"), over all httpd children. */
long memory_kb(const char *figure);

/** The peak of memory ("VmHWM:") starts over at what is used now. */
void forget_peaks(void);

#endif
