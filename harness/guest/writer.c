/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes records to one disk at a set rate, and says on the console which of
 * them the disk has acknowledged. switchover/record.py reads them back.
 *
 * Usage: writer <disk number> <device> <records per second>
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BYTES 4096
#define SLOTS 256
#define NANOSECONDS 1000000000L

static const char magic[8] = "SWOVER01";

struct record {
    char magic[8];
    uint32_t disk;
    uint32_t crc;       /* of the whole record, with this field as zero */
    uint64_t sequence;
    uint8_t filler[RECORD_BYTES - 24];
};

/* CRC-32 as in zlib. */
static uint32_t crc32(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint32_t crc = ~0u;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
        }
    }
    return ~crc;
}

/* One write() per line, so that the writers' lines never mix. */
static void say(const char *format, uint32_t disk, uint64_t sequence, int error)
{
    char line[64];
    int length = snprintf(line, sizeof(line), format, disk,
                          (unsigned long long)sequence, error);

    if (write(STDOUT_FILENO, line, length) != length) {
        exit(1);
    }
}

static int put(int fd, struct record *record, uint32_t disk, uint64_t sequence)
{
    off_t offset = (sequence % SLOTS) * RECORD_BYTES;
    ssize_t written;

    memset(record->filler, sequence, sizeof(record->filler));
    memcpy(record->magic, magic, sizeof(magic));
    record->disk = disk;
    record->sequence = sequence;
    record->crc = 0;
    record->crc = crc32(record, sizeof(*record));

    written = pwrite(fd, record, sizeof(*record), offset);
    if (written != sizeof(*record)) {
        return written < 0 ? errno : EIO;
    }
    return fdatasync(fd) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
    struct timespec next;
    struct record *record;
    uint32_t disk;
    long rate;
    int fd;

    if (argc != 4 || (rate = atol(argv[3])) <= 0) {
        fprintf(stderr, "usage: writer DISK DEVICE RECORDS_PER_SECOND\n");
        return 2;
    }
    disk = atoi(argv[1]);
    fd = open(argv[2], O_RDWR | O_DIRECT);
    record = aligned_alloc(RECORD_BYTES, sizeof(*record));
    if (fd < 0 || !record) {
        perror(argv[2]);
        return 1;
    }

    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint64_t sequence = 1; ; sequence++) {
        int error = put(fd, record, disk, sequence);

        say(error ? "ERR %u %llu %d\n" : "ACK %u %llu\n", disk, sequence, error);
        next.tv_nsec += NANOSECONDS / rate;
        if (next.tv_nsec >= NANOSECONDS) {
            next.tv_nsec -= NANOSECONDS;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}
