// SPDX-License-Identifier: Apache-2.0
// The bare relay: what a broker's system calls cost by themselves. It reads frames, writes the batch bytes of a produce
// request to a file per partition in pieces of at most 64 KiB (with blocks reserved ahead) and answers fixed bytes; for a
// fetch request it answers from the file. It checks nothing, knows nothing, and keeps nothing.
//
// usage: relay <threads> <directory>      prints "port <n>"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SCRATCH = 256 << 10, PIECE = 64 << 10, SLICE = 1 << 20, RESERVE = 4 << 20, PARTITIONS = 128, OUTPUT = 160 << 10 };

typedef struct {
    int fd;
    int64_t end, reserved;
    /// Of the batches written last; offsets count records.
    int64_t batch_bytes, batch_records;
} partition;

typedef struct connection {
    int fd;
    /// A frame of which a part has arrived.
    uint8_t *part;
    size_t part_count, part_size;
    /// Answers that wait to be sent; only fetches leave any.
    uint8_t *out;
    size_t out_start, out_count;
    int file;
    int64_t file_at;
    size_t file_left;
    /// Frames that wait behind an answer under way.
    int wants_write;
} connection;

static partition partitions[PARTITIONS];
static const char *directory;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) << 32 | get32(p + 4); }
static uint8_t *put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
    return p + 4;
}
static uint8_t *put64(uint8_t *p, uint64_t v) { return put32(put32(p, (uint32_t)(v >> 32)), (uint32_t)v); }
static uint32_t get_varint(const uint8_t **p) {
    uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*p)++;
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}
static uint8_t *put_varint(uint8_t *p, uint32_t v) {
    for (; v >= 0x80; v >>= 7) *p++ = (uint8_t)v | 0x80;
    *p++ = (uint8_t)v;
    return p;
}

static partition *open_partition(uint32_t index) {
    partition *p = &partitions[index % PARTITIONS];
    if (p->fd > 0) return p;
    pthread_mutex_lock(&opening);
    if (p->fd == 0) {
        char path[4096];
        snprintf(path, sizeof path, "%s/relay-%u", directory, index % PARTITIONS);
        p->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (p->fd < 0) abort();
    }
    pthread_mutex_unlock(&opening);
    return p;
}

static void append(partition *p, const uint8_t *batch, size_t count) {
    if (p->end + (int64_t)count > 1 << 30) {
        if (ftruncate(p->fd, 0) < 0) abort();
        p->end = p->reserved = 0;
    }
    while (p->end + (int64_t)count > p->reserved) {
        fallocate(p->fd, FALLOC_FL_KEEP_SIZE, p->reserved, RESERVE);
        p->reserved += RESERVE;
    }
    p->batch_bytes = (int64_t)count;
    p->batch_records = get32(batch + 57);
    for (size_t done = 0; done < count;) {
        size_t part = count - done < PIECE ? count - done : PIECE;
        ssize_t written = pwrite(p->fd, batch + done, part, p->end);
        if (written <= 0) abort();
        done += (size_t)written;
        p->end += written;
    }
}

/// Length, correlation id and no tags; the length is set by `finish`.
static uint8_t *begin(connection *c, const uint8_t *frame) {
    uint8_t *p = c->out + c->out_count + 4;
    memcpy(p, frame + 4, 4);
    p[4] = 0;
    return p + 5;
}

static void finish(connection *c, uint8_t *end, size_t file_bytes) {
    uint8_t *start = c->out + c->out_count;
    put32(start, (uint32_t)(end - start) - 4 + (uint32_t)file_bytes);
    c->out_count += (size_t)(end - start);
}

static void produce(connection *c, const uint8_t *frame) {
    const uint8_t *p = frame + 10 + get16(frame + 8) + 1 + 1 + 2 + 4 + 1, *name = p;
    uint32_t name_size = get_varint(&p) - 1;
    p += name_size + 1;
    uint32_t index = get32(p);
    p += 4;
    uint32_t size = get_varint(&p) - 1;
    append(open_partition(index), p, size);
    uint8_t *o = begin(c, frame);
    *o++ = 2;
    memcpy(o, name, name_size + 1);
    o += name_size + 1;
    *o++ = 2;
    o = put32(o, index);
    memset(o, 0, 2);
    o = put64(put64(put64(o + 2, 0), ~0ull), 0);
    *o++ = 1;
    *o++ = 0;
    *o++ = 0;
    *o++ = 0;
    o = put32(o, 0);
    *o++ = 0;
    finish(c, o, 0);
}

static void fetch(connection *c, const uint8_t *frame) {
    const uint8_t *p = frame + 10 + get16(frame + 8) + 1 + 4 + 4 + 4 + 4 + 1 + 4 + 4 + 1, *name = p;
    uint32_t name_size = get_varint(&p) - 1;
    p += name_size + 1;
    uint32_t index = get32(p);
    partition *log = open_partition(index);
    int64_t position = log->batch_bytes ? (int64_t)get64(p + 8) / log->batch_records * log->batch_bytes : 0;
    int64_t available = log->end > position ? log->end - position : 0;
    size_t wanted = get32(p + 28), count = available < (int64_t)wanted ? (size_t)available : wanted;
    uint8_t *o = begin(c, frame);
    o = put32(o, 0);
    memset(o, 0, 6);
    o += 6;
    *o++ = 2;
    memcpy(o, name, name_size + 1);
    o += name_size + 1;
    *o++ = 2;
    o = put32(o, index);
    memset(o, 0, 2);
    o = put64(put64(put64(o + 2, (uint64_t)log->end), (uint64_t)log->end), 0);
    *o++ = 1;
    o = put32(o, ~0u);
    o = put_varint(o, (uint32_t)count + 1);
    if (count > 0 && count <= PIECE) {
        if (pread(log->fd, o, count, position) != (ssize_t)count) abort();
        o += count;
        memset(o, 0, 3);
        finish(c, o + 3, 0);
    } else if (count > 0) {
        // The three empty tag sections stand behind the file's bytes.
        finish(c, o, count + 3);
        c->file = log->fd;
        c->file_at = position;
        c->file_left = count;
    } else {
        memset(o, 0, 3);
        finish(c, o + 3, 0);
    }
}

/// Sends what waits; 1 when all is out.
static int flush(connection *c) {
    if (c->out_count > c->out_start) {
        int flags = MSG_NOSIGNAL | (c->file_left ? MSG_MORE : 0);
        ssize_t sent = send(c->fd, c->out + c->out_start, c->out_count - c->out_start, flags);
        if (sent < 0) return errno == EAGAIN ? 0 : -1;
        c->out_start += (size_t)sent;
        if (c->out_start < c->out_count) return 0;
    }
    c->out_start = c->out_count = 0;
    if (c->file_left) {
        size_t slice = c->file_left < SLICE ? c->file_left : SLICE;
        off_t at = c->file_at;
        ssize_t sent = sendfile(c->fd, c->file, &at, slice);
        if (sent < 0) return errno == EAGAIN ? 0 : -1;
        c->file_at += sent;
        c->file_left -= (size_t)sent;
        if (c->file_left) return 0;
        memset(c->out, 0, 3);
        c->out_count = 3;
        return flush(c);
    }
    return 1;
}

/// Handles whole frames; the number of bytes used. Stops at an answer that cannot be appended to.
static size_t handle(connection *c, const uint8_t *bytes, size_t count) {
    size_t used = 0;
    while (count - used >= 4 && !c->file_left && c->out_count < OUTPUT - PIECE - 1024) {
        uint32_t size = get32(bytes + used);
        if (count - used < size + 4) break;
        const uint8_t *frame = bytes + used + 4;
        if (get16(frame) == 0) produce(c, frame);
        else fetch(c, frame);
        used += size + 4;
    }
    return used;
}

static void keep(connection *c, const uint8_t *bytes, size_t count) {
    size_t needed = count >= 4 ? get32(bytes) + 4u : 4;
    if (needed < count) needed = count;
    if (c->part_size < needed) {
        uint8_t *larger = malloc(needed + 4096);
        memcpy(larger, bytes, count);
        free(c->part);
        c->part = larger;
        c->part_size = needed + 4096;
    } else {
        memmove(c->part, bytes, count);
    }
    c->part_count = count;
}

static int receive(connection *c, uint8_t *scratch) {
    ssize_t count;
    if (c->part_count > PIECE || (c->part_count >= 4 && get32(c->part) > PIECE)) {
        size_t missing = get32(c->part) + 4 - c->part_count;
        struct iovec pieces[2] = {{c->part + c->part_count, missing}, {scratch, 4096}};
        count = readv(c->fd, pieces, 2);
        if (count <= 0) return count < 0 && errno == EAGAIN ? 0 : -1;
        size_t surplus = (size_t)count > missing ? (size_t)count - missing : 0;
        c->part_count += (size_t)count - surplus;
        if (c->part_count < get32(c->part) + 4) return 0;
        if (handle(c, c->part, c->part_count) != c->part_count) abort();
        c->part_count = 0;
        if (surplus) keep(c, scratch, surplus);
        return 0;
    }
    memcpy(scratch, c->part, c->part_count);
    count = read(c->fd, scratch + c->part_count, SCRATCH - c->part_count);
    if (count <= 0) return count < 0 && errno == EAGAIN ? 0 : -1;
    size_t total = (size_t)count + c->part_count, used = handle(c, scratch, total);
    c->part_count = 0;
    if (used < total) keep(c, scratch + used, total - used);
    return 0;
}

static void drop(connection *c) {
    close(c->fd);
    free(c->part);
    free(c->out);
    free(c);
}

static void watch(int poller, connection *c, int write) {
    if (c->wants_write == write) return;
    c->wants_write = write;
    struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void serve(int poller, connection *c, uint8_t *scratch) {
    if (!c->wants_write && receive(c, scratch) < 0) return drop(c);
    for (;;) {
        int done = flush(c);
        if (done < 0) return drop(c);
        if (!done) return watch(poller, c, 1);
        size_t used = c->part_count ? handle(c, c->part, c->part_count) : 0;
        if (!used) return watch(poller, c, 0);
        memmove(c->part, c->part + used, c->part_count - used);
        c->part_count -= used;
    }
}

static void *loop(void *argument) {
    int poller = (int)(intptr_t)argument;
    uint8_t *scratch = malloc(SCRATCH);
    struct epoll_event events[512];
    for (;;) {
        int count = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < count; i++) serve(poller, events[i].data.ptr, scratch);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int threads = atoi(arguments[1]), pollers[64];
    directory = arguments[2];
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // As the broker has it by default.
    int buffer = 100 << 10;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1024) < 0) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    if (threads < 1 || threads > 64) return 2;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pollers[i] = epoll_create1(EPOLL_CLOEXEC);
        pthread_create(&thread, NULL, loop, (void *)(intptr_t)pollers[i]);
    }
    for (int next = 0;; next = (next + 1) % threads) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        // As the broker does where the peer is on the same machine.
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
        connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->out = malloc(OUTPUT);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(pollers[next], EPOLL_CTL_ADD, fd, &event);
    }
}
