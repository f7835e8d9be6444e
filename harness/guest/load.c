/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a whole disk over and over in blocks of a set size, so many in a second
 * or, if that is 0, one after the other. If they are paced it says on the console
 * how long each one took.
 *
 * Usage: load <disk number> <device> <bytes per block> <blocks per second>
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ALIGNMENT 4096
#define NANOSECONDS 1000000000L

static long since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * NANOSECONDS +
           now.tv_nsec - start->tv_nsec;
}

/* One write() per line, so that the lines of several disks never mix. */
static void say(const char *format, int disk, long number)
{
    char line[64];
    int length = snprintf(line, sizeof(line), format, disk, number);

    if (write(STDOUT_FILENO, line, length) != length) {
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct timespec next, start;
    long bytes, rate;
    uint8_t *block;
    off_t size;
    int disk, fd;

    if (argc != 5 || (bytes = atol(argv[3])) <= 0 || (rate = atol(argv[4])) < 0) {
        fprintf(stderr, "usage: load DISK DEVICE BYTES BLOCKS_PER_SECOND\n");
        return 2;
    }
    disk = atoi(argv[1]);
    fd = open(argv[2], O_RDWR | O_DIRECT);
    block = aligned_alloc(ALIGNMENT, bytes);
    if (fd < 0 || !block || (size = lseek(fd, 0, SEEK_END)) < bytes) {
        perror(argv[2]);
        return 1;
    }

    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long number = 1; ; number++) {
        off_t offset = number % (size / bytes) * bytes;

        memset(block, number, bytes);
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (pwrite(fd, block, bytes, offset) != bytes) {
            say("ERR %d %ld\n", disk, number);
        }
        if (rate) {
            say("TOOK %d %ld\n", disk, since(&start));
            next.tv_nsec += NANOSECONDS / rate;
            if (next.tv_nsec >= NANOSECONDS) {
                next.tv_nsec -= NANOSECONDS;
                next.tv_sec++;
            }
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        }
    }
}
