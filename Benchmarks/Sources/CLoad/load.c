// SPDX-License-Identifier: Apache-2.0
#include "CLoad.h"
#include "batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, READ_SIZE = 256 << 10, CORRELATION_AT = 8 };

// Latencies in microseconds: 64 linear steps for every power of two.
enum { STEPS = 64, POWERS = 40 };
typedef struct {
    int64_t counts[STEPS * POWERS];
    int64_t total;
} histogram;

static int bucket_of(int64_t value) {
    if (value < STEPS) return value < 0 ? 0 : (int)value;
    int power = 63 - __builtin_clzll((uint64_t)value) - 6;
    return (power + 1) * STEPS + (int)((value >> power) - STEPS);
}

static double value_of(int bucket) {
    if (bucket < STEPS) return bucket;
    int power = bucket / STEPS - 1;
    return (double)((int64_t)(STEPS + bucket % STEPS) << power);
}

static double percentile(const histogram *h, double part) {
    int64_t wanted = (int64_t)((double)h->total * part), seen = 0;
    for (int i = 0; i < STEPS * POWERS; i++) {
        seen += h->counts[i];
        if (seen > wanted) return value_of(i) / 10.0;
    }
    return 0;
}

typedef struct {
    int fd;
    /// The request, with its length in front; patched before each use.
    buffer frame;
    int offset_at;
    int64_t next_batch;
    uint32_t next_correlation;
    /// Send times of the requests in flight, by correlation id.
    int64_t sent_at[DEPTH_MAX];
    uint32_t answered;
    /// What is left of the answer that is being read; 0 between answers.
    size_t answer_left;
    uint8_t head[128];
    size_t head_count;
    /// Bytes of the first request in `unsent` frames that are out already.
    int unsent;
    size_t partly_sent;
    int wants_write;
} connection;

typedef struct {
    const load_config *config;
    load_result *result;
    histogram latencies;
    int poller;
    int stopping;
    int open_requests;
    /// Requests that were begun or will be; never more than asked for.
    int64_t planned;
    int64_t records_in_batch;
    int error_at;
    uint8_t *input;
    char *message;
    size_t message_size;
} run;

int64_t load_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int load_records_in_batch(int batch_bytes) { return records_in(batch_bytes); }

static int fail(run *r, const char *what, int code) {
    snprintf(r->message, r->message_size, "%s: %s", what, code ? strerror(code) : "unexpected answer");
    return -1;
}

static int connect_to(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // A congestion control that paces, the default of some machines, has no place on loopback: it makes figures leap.
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    return fd;
}

static void put_header(buffer *b, int16_t key, int16_t version) {
    put32(b, 0);
    put16(b, (uint16_t)key);
    put16(b, (uint16_t)version);
    put32(b, 0);
    put16(b, 5);
    memcpy(b->bytes + b->count, "bench", 5);
    b->count += 5;
    put8(b, 0);
}

static void build_produce(connection *c, const load_config *g, int partition) {
    buffer *b = &c->frame;
    put_header(b, 0, 9);
    put8(b, 0);
    put16(b, 1);
    put32(b, 30000);
    put8(b, 2);
    put_compact_string(b, g->topic);
    put8(b, 2);
    put32(b, (uint32_t)partition);
    put_varint(b, (uint32_t)g->batch_bytes + 1);
    put_batch(b, g->batch_bytes);
    for (int i = 0; i < 3; i++) put8(b, 0);
}

static void build_fetch(connection *c, const load_config *g, int partition) {
    buffer *b = &c->frame;
    put_header(b, 1, 12);
    put32(b, ~0u);
    put32(b, g->fetch_bytes ? 500 : 0);
    put32(b, g->fetch_bytes ? 1 : 0);
    put32(b, 64 << 20);
    put8(b, 0);
    put32(b, 0);
    put32(b, ~0u);
    put8(b, 2);
    put_compact_string(b, g->topic);
    put8(b, 2);
    put32(b, (uint32_t)partition);
    put32(b, ~0u);
    c->offset_at = (int)b->count;
    put64(b, 0);
    put32(b, ~0u);
    put64(b, ~0ull);
    put32(b, g->fetch_bytes ? (uint32_t)g->fetch_bytes : 1u << 20);
    for (int i = 0; i < 2; i++) put8(b, 0);
    put8(b, 1);
    put8(b, 1);
    put8(b, 0);
}

static int open_connection(run *r, connection *c, int index) {
    const load_config *g = r->config;
    c->fd = connect_to(g->port);
    if (c->fd < 0) return fail(r, "connect", errno);
    c->frame.bytes = malloc((size_t)g->batch_bytes + 1024);
    if (g->kind == LOAD_PRODUCE) build_produce(c, g, index % g->partitions);
    else build_fetch(c, g, index % g->partitions);
    patch32(c->frame.bytes, (uint32_t)c->frame.count - 4);
    c->next_batch = g->fetch_bytes ? index : g->log_batches;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    return epoll_ctl(r->poller, EPOLL_CTL_ADD, c->fd, &event) < 0 ? fail(r, "epoll_ctl", errno) : 0;
}

static void watch(run *r, connection *c, int write) {
    if (c->wants_write == write) return;
    c->wants_write = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(r->poller, EPOLL_CTL_MOD, c->fd, &event);
}

/// Notes that one more request begins to go out now.
static void begin_request(run *r, connection *c, int64_t now) {
    const load_config *g = r->config;
    patch32(c->frame.bytes + CORRELATION_AT, c->next_correlation);
    if (g->kind == LOAD_FETCH) {
        if (g->fetch_bytes) {
            int64_t step = g->fetch_bytes / g->batch_bytes;
            if (c->next_batch + step > g->log_batches) c->next_batch = 0;
            patch64(c->frame.bytes + c->offset_at, (uint64_t)(c->next_batch * r->records_in_batch));
            c->next_batch += step;
        } else {
            patch64(c->frame.bytes + c->offset_at, (uint64_t)(c->next_batch * r->records_in_batch));
        }
    }
    c->sent_at[c->next_correlation++ % DEPTH_MAX] = now;
    r->open_requests++;
}

/// Sends the waiting requests. Small ones are copied together, as a client's send buffer would.
static int send_waiting(run *r, connection *c) {
    static uint8_t together[64 << 10];
    while (c->unsent > 0) {
        int64_t now = load_now();
        const uint8_t *bytes = c->frame.bytes;
        size_t count = c->frame.count;
        int requests = 1;
        if (c->partly_sent == 0) {
            begin_request(r, c, now);
            if (c->unsent > 1 && count * 2 <= sizeof together) {
                memcpy(together, bytes, count);
                size_t filled = count;
                while (requests < c->unsent && filled + count <= sizeof together) {
                    begin_request(r, c, now);
                    memcpy(together + filled, bytes, count);
                    filled += count;
                    requests++;
                }
                ssize_t sent = send(c->fd, together, filled, MSG_NOSIGNAL);
                if (sent < 0 && errno == EAGAIN) sent = 0;
                if (sent != (ssize_t)filled) return fail(r, "send (the server stopped reading)", sent < 0 ? errno : 0);
                c->unsent -= requests;
                continue;
            }
        }
        ssize_t sent = send(c->fd, bytes + c->partly_sent, count - c->partly_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno != EAGAIN) return fail(r, "send", errno);
            sent = 0;
        }
        c->partly_sent += (size_t)sent;
        if (c->partly_sent < count) {
            watch(r, c, 1);
            return 0;
        }
        c->partly_sent = 0;
        c->unsent--;
    }
    watch(r, c, 0);
    return 0;
}

static void plan(run *r, connection *c) {
    if (r->planned == r->config->requests_max) return;
    r->planned++;
    c->unsent++;
}

static int finish_answer(run *r, connection *c, int64_t now) {
    const load_config *g = r->config;
    uint32_t correlation = get32(c->head + 4);
    if (correlation != c->answered) return fail(r, "answers out of order", 0);
    if (c->head[r->error_at] | c->head[r->error_at + 1]) {
        snprintf(r->message, r->message_size, "error code %d", c->head[r->error_at] << 8 | c->head[r->error_at + 1]);
        return -1;
    }
    int64_t took = (now - c->sent_at[c->answered++ % DEPTH_MAX]) / 100;
    r->latencies.counts[bucket_of(took)]++;
    r->latencies.total++;
    r->result->requests++;
    r->open_requests--;
    if (g->kind == LOAD_PRODUCE) r->result->bytes += g->batch_bytes;
    else if (g->fetch_bytes) {
        uint32_t length = get32(c->head);
        if (length < (uint32_t)g->fetch_bytes) return fail(r, "fetch answer too short", 0);
        r->result->bytes += g->fetch_bytes;
    }
    if (!r->stopping) plan(r, c);
    return 0;
}

/// Goes through received bytes: the length and the first bytes of an answer are looked at, the rest is counted.
static int take_bytes(run *r, connection *c, const uint8_t *bytes, size_t count, int64_t now) {
    while (count > 0) {
        size_t part;
        if (c->answer_left == 0 || c->head_count < 4) {
            part = 4 - c->head_count < count ? 4 - c->head_count : count;
            memcpy(c->head + c->head_count, bytes, part);
            c->head_count += part;
            if (c->head_count == 4) c->answer_left = get32(c->head);
        } else {
            part = c->answer_left < count ? c->answer_left : count;
            size_t kept = sizeof c->head - c->head_count < part ? sizeof c->head - c->head_count : part;
            memcpy(c->head + c->head_count, bytes, kept);
            c->head_count += kept;
            c->answer_left -= part;
            if (c->answer_left == 0) {
                if (c->head_count < (size_t)r->error_at + 2) return fail(r, "answer too short", 0);
                if (finish_answer(r, c, now) < 0) return -1;
                c->head_count = 0;
            }
        }
        bytes += part;
        count -= part;
    }
    return 0;
}

static int serve(run *r, connection *c, uint32_t events) {
    if (events & EPOLLIN) {
        ssize_t count = recv(c->fd, r->input, READ_SIZE, MSG_DONTWAIT);
        if (count == 0) return fail(r, "the server closed the connection", 0);
        if (count < 0 && errno != EAGAIN) return fail(r, "receive", errno);
        if (count > 0 && take_bytes(r, c, r->input, (size_t)count, load_now()) < 0) return -1;
    }
    return c->unsent > 0 ? send_waiting(r, c) : 0;
}

static int run_loop(run *r, connection *connections) {
    const load_config *g = r->config;
    int64_t start = load_now(), end = start + (int64_t)(g->seconds * 1e9), last = start;
    for (int i = 0; i < g->connections; i++) {
        for (int j = 0; j < g->depth; j++) plan(r, &connections[i]);
        if (send_waiting(r, &connections[i]) < 0) return -1;
    }
    while (r->open_requests > 0) {
        struct epoll_event events[128];
        int count = epoll_wait(r->poller, events, 128, 5000);
        if (count == 0) return fail(r, "no answer for five seconds", ETIMEDOUT);
        for (int i = 0; i < count; i++)
            if (serve(r, events[i].data.ptr, events[i].events) < 0) return -1;
        last = load_now();
        if (!r->stopping && last >= end) {
            r->stopping = 1;
            for (int i = 0; i < g->connections; i++)
                if (connections[i].partly_sent == 0) connections[i].unsent = 0;
                else connections[i].unsent = 1;
        }
    }
    r->result->seconds = (double)(last - start) / 1e9;
    return 0;
}

int load_run(const load_config *config, load_result *result, char *message, size_t message_size) {
    memset(result, 0, sizeof *result);
    run *r = calloc(1, sizeof *r);
    connection *connections = calloc((size_t)config->connections, sizeof *connections);
    *r = (run){.config = config, .result = result, .message = message, .message_size = message_size};
    r->poller = epoll_create1(EPOLL_CLOEXEC);
    r->records_in_batch = records_in(config->batch_bytes);
    r->input = malloc(READ_SIZE);
    int name = (int)strlen(config->topic);
    // Produce: length, correlation id, tags, 1 topic, name, 1 partition, its index. Fetch: throttle time, error code,
    // session id before that.
    r->error_at = config->kind == LOAD_PRODUCE ? 4 + 4 + 1 + 1 + 1 + name + 1 + 4 : 4 + 4 + 1 + 4 + 2 + 4 + 1 + 1 + name + 1 + 4;
    int status = config->depth > DEPTH_MAX ? fail(r, "depth", EINVAL) : 0;
    for (int i = 0; status == 0 && i < config->connections; i++) status = open_connection(r, &connections[i], i);
    if (status == 0) status = run_loop(r, connections);
    result->p50 = percentile(&r->latencies, 0.5);
    result->p99 = percentile(&r->latencies, 0.99);
    result->p999 = percentile(&r->latencies, 0.999);
    for (int i = 0; i < config->connections; i++) {
        if (connections[i].fd > 0) close(connections[i].fd);
        free(connections[i].frame.bytes);
    }
    close(r->poller);
    free(r->input);
    free(connections);
    free(r);
    return status;
}

long load_call(uint16_t port, const void *request, size_t length, void *answer, size_t capacity) {
    int fd = connect_to(port);
    if (fd < 0) return -1;
    uint8_t head[4];
    patch32(head, (uint32_t)length);
    struct iovec pieces[2] = {{head, 4}, {(void *)request, length}};
    long result = -1;
    if (writev(fd, pieces, 2) == (ssize_t)length + 4 && recv(fd, head, 4, MSG_WAITALL) == 4 && get32(head) <= capacity &&
        recv(fd, answer, get32(head), MSG_WAITALL) == (ssize_t)get32(head))
        result = get32(head);
    close(fd);
    return result;
}

void load_touch_memory(size_t bytes) {
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
    munmap(memory, bytes);
}

uint16_t load_free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int result = bind(fd, (struct sockaddr *)&address, size) | getsockname(fd, (struct sockaddr *)&address, &size);
    close(fd);
    return result == 0 ? ntohs(address.sin_port) : 0;
}
