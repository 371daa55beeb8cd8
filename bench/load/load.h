/* What the parts of the load generator share. One thread, one epoll; see main.c for what it does. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_ROOMS = 100000, MOST_PHASES = 64, MOST_PIDS = 16, MOST_PORTS = 16, READ_BYTES = 1 << 20 };
enum { FIRST_ACK = 100, JOIN_ACK = 1 }; /* ack ids: below FIRST_ACK they are not of a message */

enum State { NEW, CONNECTING, UPGRADING, OPENING, ENTERING, JOINING, HERE, GONE };

typedef struct {
  int fd, local_port, port;
  uint8_t state;
  bool stalled, waits_to_write;
  uint32_t room;
  const char *token, *session_id;
  uint8_t *rest;   /* the beginning of a frame whose end has not come */
  size_t rest_length;
  uint8_t *out;    /* what the socket would not take yet */
  size_t out_length;
  uint64_t *seen;  /* a bit for each message */
  uint64_t begun, joined;
} Client;

enum { WAITING = 0, ACKED = 1, REFUSED = 2 };

typedef struct {
  uint64_t due, last;           /* nanoseconds; of a stream's first piece: when it was sent */
  uint32_t listeners, delivered, sender;
  uint8_t state;
  bool hasty, stream;
  uint8_t step;                 /* of a stream: 0 begun, 1 its piece was sent, 2 its end was sent */
  uint64_t id;                  /* of a stream: its message */
} Message;

typedef struct {
  char name[64];
  double rate, seconds, hasty;  /* messages a second */
  uint32_t stall, length;       /* so many clients stop reading; the content is at least so long */
  bool stream;
} Phase;

/* Counts of microseconds in buckets 1/64 of a power of two wide, so within 1.6 %. */
enum { SUB = 64, BUCKETS = SUB * 34 };
typedef struct {
  uint64_t count[BUCKETS], total, sum, most;
} Histogram;

typedef struct {
  const char *host, *clients_file;
  int ports[MOST_PORTS], port_count, pids[MOST_PIDS], pid_count;
  uint32_t client_count, concurrency, per_address, reserved, senders, tries;
  double join_timeout, drain, stop_p99;
  bool anonymous, sse;
  Phase phases[MOST_PHASES];
  int phase_count;
} Options;

typedef struct {
  Histogram latency, ack, late, join;
  uint64_t frames, bytes, duplicates, refused, limited, closed, strange;
  uint64_t begun, last_receipt;
  uint32_t first, after; /* the messages of this phase */
  uint64_t open;         /* deliveries and acks still to come */
} Counts;

extern Options options;
extern Client *clients;
extern Message *messages;
extern uint32_t message_most, message_count;
extern uint32_t *listeners_in; /* by room */
extern Counts counts;
extern uint32_t here_count, gone_count, failed_count, hasty_client;
extern int epoll_fd;

/* histogram.c */
void hist_add(Histogram *, uint64_t nanoseconds);
double hist_ms(const Histogram *, double share);

/* options.c */
void read_options(int argc, char **argv);
void read_clients(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* client.c: a connection and its bytes */
uint64_t now_ns(void);
void client_connect(uint32_t index);
void client_event(uint32_t index, uint32_t events);
void client_send(Client *, const char *text, size_t length);
void client_lose(Client *, const char *why);
void client_stall(Client *);

/* protocol.c: what is said */
void say_handshake(Client *);
void say_message(uint32_t sender, uint64_t due, bool hasty, uint32_t at_least);
void begin_stream(uint32_t sender, uint64_t due);
bool hear_head(Client *, const char *head, size_t length);
void hear_packet(Client *, const char *text, size_t length, uint64_t moment);
void hear_sse(Client *, const char *text, size_t length, uint64_t moment);

/* machine.c: what the kernel knows of the servers */
double cpu_of(const int *pids, int count);
double own_cpu(void);
uint64_t rss_of(const int *pids, int count);
uint32_t fds_of(const int *pids, int count);
bool server_holds(int server_port, int client_port, uint64_t *queued);

/* report.c: one JSON line each */
void report_join(double seconds, double cpu, uint64_t rss_before, uint64_t rss_after, double own);
typedef struct {
  double cpu, own, wall, full_after, cut_after; /* seconds; -1: never */
  uint64_t rss_begin, rss_most, rss_end, queued_most;
  bool timed_out;
} Measured;
bool report_phase(const Phase *, const Measured *);

#endif
