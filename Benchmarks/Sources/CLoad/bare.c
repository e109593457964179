// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLoad.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 512 << 10, HEAD = 9, CONNECTIONS = 4096, STORED = 4 << 20 };

typedef struct {
    int fd;
    uint8_t *input;
    size_t count;
    uint32_t answer;
} bare_connection;

static uint8_t zeros[1 << 20];
static uint8_t stored[STORED];
static size_t stored_count;
static bare_connection *parked[CONNECTIONS];
static size_t parked_count;

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3]; }

static void answer(bare_connection *c) {
    size_t left = 4 + (c->answer < sizeof zeros - 4 ? c->answer : sizeof zeros - 4);
    uint8_t head[4] = {(uint8_t)((left - 4) >> 24), (uint8_t)((left - 4) >> 16), (uint8_t)((left - 4) >> 8), (uint8_t)(left - 4)};
    memcpy(zeros, head, 4);
    const uint8_t *at = zeros;
    while (left > 0) {
        ssize_t sent = send(c->fd, at, left, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += sent;
        left -= (size_t)sent;
    }
}

static void store(int file) {
    if (stored_count > 0 && write(file, stored, stored_count) < 0) _exit(1);
    stored_count = 0;
}

/// Handles the whole frames of a connection; returns how many bytes they were. Answers that must be behind what is stored
/// are gathered in `ready`.
static size_t take(bare_connection *c, int file, bare_connection **ready, size_t *ready_count) {
    size_t used = 0;
    while (c->count - used >= 4 + HEAD) {
        const uint8_t *frame = c->input + used;
        size_t length = get32(frame);
        if (c->count - used < 4 + length) break;
        uint32_t wait = get32(frame + 5);
        c->answer = get32(frame + 9);
        if (frame[4]) {
            if (stored_count + length > STORED) store(file);
            memcpy(stored + stored_count, frame + 4, length);
            stored_count += length;
        }
        used += 4 + length;
        if (wait <= 1) {
            ready[(*ready_count)++] = c;
            break;
        }
        parked[parked_count++] = c;
        if (parked_count < wait) continue;
        for (size_t i = 0; i < parked_count; i++) ready[(*ready_count)++] = parked[i];
        parked_count = 0;
    }
    return used;
}

int bare_serve(const char *path) {
    int file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (file < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1024) < 0) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    static struct epoll_event events[256];
    static bare_connection *ready[2 * CONNECTIONS];
    while (1) {
        int count = epoll_wait(poller, events, 256, -1);
        size_t ready_count = 0;
        for (int i = 0; i < count; i++) {
            bare_connection *c = events[i].data.ptr;
            if (c == NULL) {
                c = calloc(1, sizeof *c);
                c->fd = accept(listener, NULL, NULL);
                c->input = malloc(INPUT);
                int one = 1;
                setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
                event.data.ptr = c;
                epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
                continue;
            }
            ssize_t got = recv(c->fd, c->input + c->count, INPUT - c->count, 0);
            if (got <= 0) {
                close(c->fd);
                free(c->input);
                free(c);
                continue;
            }
            c->count += (size_t)got;
            size_t used = take(c, file, ready, &ready_count);
            memmove(c->input, c->input + used, c->count - used);
            c->count -= used;
        }
        store(file);
        for (size_t i = 0; i < ready_count; i++) answer(ready[i]);
    }
}
