/* SPDX-License-Identifier: MIT */
/*
 * image.c - ecs-image: one picture in, three out, then it is gone.
 *
 * Decoders of picture formats have a long history of being taken over by what
 * they read, and httpd is no place for that. httpd opens the files and starts
 * this program with nothing else: the upload is 0, a line about the result
 * goes to 1, the pictures to 3 (at most 4096 pixels wide and high), 4 (1024)
 * and 5 (320). They are made anew from pixels: whatever else the file held,
 * where a photo was taken for instance, stays behind; turning and colours are
 * carried out before that.
 *
 *     ecs-image <upload >report 3>full 4>medium 5>small
 *
 * The report is "kind width height\n", the kind being jpg, png or webp. Exit
 * status: 0 done, 1 not a picture, 2 not enough memory, 3 used wrongly.
 */
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_NO_PICTURE 1
#define EXIT_USAGE 3
#define INPUT_BYTES_MAX (64L << 20) /* the module stops far below */
#define OUTPUTS 3
#define FIRST_OUTPUT 3 /* file descriptor */

typedef struct format_t {
    const char *kind;
    const char *magic; /* '.' stands for any byte */
    size_t magic_length;
    ecs_decode_fn *decode;
    ecs_encode_fn *encode;
} format_t;

static const format_t formats[] = {
    {"jpg", "\xff\xd8\xff", 3, ecs_image_decode_jpeg, ecs_image_encode_jpeg},
    {"png", "\x89PNG\r\n\x1a\n", 8, ecs_image_decode_png,
     ecs_image_encode_png},
    {"webp", "RIFF....WEBP", 12, ecs_image_decode_webp,
     ecs_image_encode_webp},
    {NULL, NULL, 0, NULL, NULL},
};

static const int sides[OUTPUTS] = {4096, 1024, 320}; /* pixels */

static int read_input(ecs_bytes_t *file)
{
    struct stat about;
    size_t done = 0;

    if (fstat(STDIN_FILENO, &about) != 0 || !S_ISREG(about.st_mode) ||
        about.st_size > INPUT_BYTES_MAX) {
        return 1;
    }
    file->length = (size_t)about.st_size;
    file->bytes = ecs_image_memory(file->length + 1);
    while (done < file->length) {
        ssize_t got = read(STDIN_FILENO, file->bytes + done,
                           file->length - done);

        if (got <= 0) {
            return 1;
        }
        done += (size_t)got;
    }
    return 0;
}

static int write_output(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t done = write(fd, at, length);

        if (done <= 0) {
            return 1;
        }
        at += done;
        length -= (size_t)done;
    }
    return 0;
}

static const format_t *format_of(const ecs_bytes_t *file)
{
    const format_t *format = formats;

    for (; format->kind != NULL; format++) {
        size_t i = 0;

        while (i < format->magic_length && i < file->length &&
               (format->magic[i] == '.' ||
                (unsigned char)format->magic[i] == file->bytes[i])) {
            i++;
        }
        if (i == format->magic_length) {
            return format;
        }
    }
    return NULL;
}

/* Each size from the one before it. */
static int write_sizes(const format_t *format, ecs_image_t *image)
{
    int i;

    for (i = 0; i < OUTPUTS; i++) {
        ecs_bytes_t file;
        ecs_image_t smaller = *image;

        if (image->width > sides[i] || image->height > sides[i]) {
            ecs_image_shrink(image, sides[i], &smaller);
            free(image->pixels);
            *image = smaller;
        }
        if (format->encode(image, &file) != 0 ||
            write_output(FIRST_OUTPUT + i, file.bytes, file.length) != 0) {
            return 1;
        }
        free(file.bytes);
    }
    return 0;
}

int main(void)
{
    ecs_about_t about = {1, {NULL, 0}};
    const format_t *format;
    ecs_image_t image;
    ecs_bytes_t file;
    char report[64];

    if (read_input(&file) != 0 || ecs_sandbox_enter() != 0) {
        return EXIT_USAGE;
    }
    format = format_of(&file);
    if (format == NULL ||
        format->decode(&file, sides[0], &image, &about) != 0) {
        return EXIT_NO_PICTURE;
    }
    ecs_image_to_srgb(&image, &about.profile);
    free(file.bytes);
    ecs_image_turn(&image, about.orientation);
    snprintf(report, sizeof(report), "%s %d %d\n", format->kind, image.width,
             image.height);
    if (write_sizes(format, &image) != 0 ||
        write_output(STDOUT_FILENO, report, strlen(report)) != 0) {
        return EXIT_NO_PICTURE;
    }
    return 0;
}
