// SPDX-License-Identifier: Apache-2.0
#ifndef C_PLATFORM_LINUX_H
#define C_PLATFORM_LINUX_H

#if defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <stdint.h>
#include <unistd.h>

// accept4, fallocate and preadv2 hide behind _GNU_SOURCE, which a module cannot rely on: declared here.
extern int accept4(int, struct sockaddr *restrict, socklen_t *restrict, int);
extern int fallocate(int, int, off_t, off_t);
extern ssize_t preadv2(int, const struct iovec *, int, off_t, int);
extern long syscall(long, ...);

static inline int cplatform_accept4(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/// Reserves blocks without changing the file's size (FALLOC_FL_KEEP_SIZE).
static inline int cplatform_fallocate_keep_size(int fd, off_t offset, off_t length) {
    return fallocate(fd, 0x01, offset, length);
}

/// Reads only what the page cache holds (RWF_NOWAIT); EAGAIN when it does not.
static inline ssize_t cplatform_pread_nowait(int fd, void *buffer, size_t count, off_t offset) {
    struct iovec piece = {.iov_base = buffer, .iov_len = count};
#if defined(__LP64__)
    return syscall(SYS_preadv2, (long)fd, &piece, 1L, offset, 0L, 0x00000008L);
#else
    return preadv2(fd, &piece, 1, offset, 0x00000008);
#endif
}

/// Waits without being a cancellation point (CPlatformCalls.h).
static inline int cplatform_epoll_wait(int poller, struct epoll_event *events, int count, int timeout) {
#if defined(__LP64__)
    return (int)syscall(SYS_epoll_pwait, (long)poller, events, (long)count, (long)timeout, NULL, 8L);
#else
    return epoll_wait(poller, events, count, timeout);
#endif
}

/// Pages of the range that the page cache holds: cachestat(2), Linux 6.5; -1 where the kernel lacks it.
static inline int64_t cplatform_cached_pages(int fd, uint64_t offset, uint64_t length) {
    struct {
        uint64_t offset, length;
    } range = {offset, length};
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } pages;
    return syscall(451, fd, &range, &pages, 0) == 0 ? (int64_t)pages.cached : -1;
}

// Set by the linker: where the program's headers, constants and code lie in memory.
extern const char __executable_start[], etext[];

static inline uintptr_t cplatform_program_text_start(void) { return (uintptr_t)__executable_start; }
static inline uintptr_t cplatform_program_text_end(void) { return (uintptr_t)etext; }
#endif

#endif
