// SPDX-License-Identifier: Apache-2.0
// A load generator that speaks just enough of the Kafka protocol: Produce 9 and Fetch 12 with frames that are built
// once and only patched (correlation id, fetch offset). One thread, one epoll set.
#ifndef C_LOAD_H
#define C_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum load_kind { LOAD_PRODUCE = 0, LOAD_FETCH = 1 };

typedef struct {
    uint16_t port;
    int kind;
    const char *topic;
    /// Connection i uses partition i modulo this.
    int partitions;
    int connections;
    /// Requests in flight on each connection.
    int depth;
    /// Produce: bytes of a batch. Fetch: bytes of the batches in the log.
    int batch_bytes;
    /// Fetch: bytes asked for; 0 asks at the log's end, where there is nothing.
    int fetch_bytes;
    /// Fetch: batches in each partition; reading starts again behind the last.
    int64_t log_batches;
    /// Ends after either of the two.
    double seconds;
    int64_t requests_max;
} load_config;

typedef struct {
    int64_t requests;
    /// Of record batches, in either direction.
    int64_t bytes;
    double seconds;
    /// Microseconds.
    double p50, p99, p999;
} load_result;

/// Records in a batch of that many bytes; about one a KiB.
int load_records_in_batch(int batch_bytes);

/// 0, or -1 with a message.
int load_run(const load_config *config, load_result *result, char *message, size_t message_size);

/// Nanoseconds on the monotonic clock.
int64_t load_now(void);

/// Sends one frame and receives one (both without the length) on a new connection; the answer's length, or -1.
long load_call(uint16_t port, const void *request, size_t length, void *answer, size_t capacity);

/// Touches so much memory once and gives it back: where a virtual machine gets its memory from the host page by page,
/// what runs next would otherwise pay for that.
void load_touch_memory(size_t bytes);

/// Serves as the machine's own limit for requests that a broker would think about: takes frames on a free port, which it
/// prints as "port <n>", and answers each with as many bytes as it asks for. A frame is a length of 4 bytes, 1 byte that
/// says whether it is to be appended to the file at `path` (all that came together by one write, before the answers), 4
/// bytes for how many such frames must have come before all of them are answered, 4 bytes for the length of the answer,
/// and bytes of no meaning. One thread; returns only on an error.
int bare_serve(const char *path);

/// A port that nobody listens on at the moment.
uint16_t load_free_port(void);

#endif
