/* SPDX-License-Identifier: MIT */
/*
 * helper.h - running ecs-image: one picture, in a process of its own, with an
 * end.
 */
#ifndef ECS_HELPER_H
#define ECS_HELPER_H

#include <apr_time.h>
#include "picture.h"

#define ECS_HELPER_OUTPUTS 3 /* full, medium, small: see image.c */

typedef enum ecs_helper_e {
    ECS_HELPER_DONE,
    ECS_HELPER_NO_PICTURE, /* could not be decoded, or not within the limits */
    ECS_HELPER_KILLED,     /* the time was up, or somebody else did it */
    ECS_HELPER_ABSENT      /* the program did not start, or has no sandbox */
} ecs_helper_e;

/**
 * Decode `input` and write the pictures to `outputs`. The process inherits
 * these files and nothing else, no signal mask, no environment, and dies with
 * the thread that started it. Any thread; blocks until it has ended.
 * @param program   path of ecs-image
 * @param input     open for reading at its beginning
 * @param outputs   empty files, open for writing
 * @param deadline  by the wall clock; then it is killed
 * @param picture   out: kind and size of what was written to the first output
 */
ecs_helper_e ecs_helper_run(const char *program, int input,
                            const int outputs[ECS_HELPER_OUTPUTS],
                            apr_time_t deadline, ecs_picture_t *picture);

#endif
