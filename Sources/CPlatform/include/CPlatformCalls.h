// SPDX-License-Identifier: Apache-2.0
// Short system calls without a point where the thread may be cancelled.
//
// The C library makes a cancellation point of each function that may wait. In a process of several threads glibc pays for
// that with two atomic operations a call: a quarter of the time of a short one. Nothing here cancels threads.
#ifndef C_PLATFORM_CALLS_H
#define C_PLATFORM_CALLS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__linux__) && defined(__LP64__)
#include <stddef.h>
#include <sys/syscall.h>

extern long syscall(long, ...);

static inline ssize_t cplatform_read(int fd, void *buffer, size_t count) {
    return syscall(SYS_read, (long)fd, buffer, count);
}

static inline ssize_t cplatform_readv(int fd, const struct iovec *pieces, int count) {
    return syscall(SYS_readv, (long)fd, pieces, (long)count);
}

static inline ssize_t cplatform_pread(int fd, void *buffer, size_t count, off_t offset) {
    return syscall(SYS_pread64, (long)fd, buffer, count, offset);
}

static inline ssize_t cplatform_pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return syscall(SYS_pwrite64, (long)fd, bytes, count, offset);
}

// The offset's upper half, for systems of 32 bits, follows it.
static inline ssize_t cplatform_pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
    return syscall(SYS_pwritev, (long)fd, pieces, (long)count, offset, 0L);
}

static inline ssize_t cplatform_send(int socket, const void *bytes, size_t count, int flags) {
    return syscall(SYS_sendto, (long)socket, bytes, count, (long)flags, NULL, 0L);
}

static inline ssize_t cplatform_sendmsg(int socket, const struct msghdr *message, int flags) {
    return syscall(SYS_sendmsg, (long)socket, message, (long)flags);
}
#else
static inline ssize_t cplatform_read(int fd, void *buffer, size_t count) { return read(fd, buffer, count); }

static inline ssize_t cplatform_readv(int fd, const struct iovec *pieces, int count) { return readv(fd, pieces, count); }

static inline ssize_t cplatform_pread(int fd, void *buffer, size_t count, off_t offset) {
    return pread(fd, buffer, count, offset);
}

static inline ssize_t cplatform_pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return pwrite(fd, bytes, count, offset);
}

static inline ssize_t cplatform_pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
    return pwritev(fd, pieces, count, offset);
}

static inline ssize_t cplatform_send(int socket, const void *bytes, size_t count, int flags) {
    return send(socket, bytes, count, flags);
}

static inline ssize_t cplatform_sendmsg(int socket, const struct msghdr *message, int flags) {
    return sendmsg(socket, message, flags);
}
#endif

#endif
