/* One connection: opening it, writing masked frames, cutting what comes into frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static uint8_t buffer[READ_BYTES];
static const uint8_t MASK[4] = {0x5a, 0xc3, 0x17, 0x9e};

uint64_t now_ns(void) {
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (uint64_t)moment.tv_sec * 1000000000ULL + (uint64_t)moment.tv_nsec;
}

static void watch(Client *one, int how) {
  uint32_t wanted = EPOLLRDHUP;
  if (!one->stalled) wanted |= EPOLLIN;
  if (one->waits_to_write) wanted |= EPOLLOUT;
  struct epoll_event event = {.events = wanted, .data.u32 = (uint32_t)(one - clients)};
  if (epoll_ctl(epoll_fd, how, one->fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

/* A crowd comes from many addresses; so here, each from its share of 127.1.0.0/16. */
static void bind_source(Client *one) {
  uint32_t number = (uint32_t)(one - clients) / options.per_address;
  struct sockaddr_in source = {.sin_family = AF_INET};
  source.sin_addr.s_addr = htonl(0x7f010000u + (number / 250 << 8) + number % 250 + 1);
  int yes = 1;
  setsockopt(one->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &yes, sizeof yes);
  if (bind(one->fd, (struct sockaddr *)&source, sizeof source)) die("bind: %s", strerror(errno));
}

void client_connect(uint32_t index) {
  Client *one = &clients[index];
  one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one->fd < 0) die("socket: %s", strerror(errno));
  int yes = 1, small = 16384;
  setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (index >= options.client_count - options.reserved) /* it may stall: the kernel shall not hold megabytes for it */
    setsockopt(one->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  bind_source(one);
  one->port = options.ports[index % (uint32_t)options.port_count];
  one->begun = now_ns();
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)one->port)};
  inet_pton(AF_INET, options.host, &target.sin_addr);
  if (connect(one->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS)
    die("connect: %s", strerror(errno));
  one->state = CONNECTING;
  one->waits_to_write = true;
  watch(one, EPOLL_CTL_ADD);
}

void client_lose(Client *one, const char *why) {
  if (one->state == GONE) return;
  if (one->state == HERE) {
    here_count--;
    if (!one->stalled) listeners_in[one->room]--;
    counts.closed++;
  } else {
    failed_count++;
    if (failed_count < 4) fprintf(stderr, "client %td, state %d: %s\n", one - clients, one->state, why);
  }
  one->state = GONE;
  gone_count++;
  close(one->fd);
  free(one->rest);
  one->rest = NULL;
}

void client_stall(Client *one) {
  one->stalled = true;
  listeners_in[one->room]--;
  watch(one, EPOLL_CTL_MOD);
}

static void flush(Client *one) {
  ssize_t gone = send(one->fd, one->out, one->out_length, MSG_NOSIGNAL);
  if (gone < 0 && errno != EAGAIN) return client_lose(one, strerror(errno));
  if (gone > 0) memmove(one->out, one->out + gone, one->out_length -= (size_t)gone);
  bool waits = one->out_length > 0;
  if (waits == one->waits_to_write) return;
  one->waits_to_write = waits;
  watch(one, EPOLL_CTL_MOD);
}

static void write_bytes(Client *one, const uint8_t *bytes, size_t length) {
  one->out = realloc(one->out, one->out_length + length);
  memcpy(one->out + one->out_length, bytes, length);
  one->out_length += length;
  if (!one->waits_to_write) flush(one);
}

static void write_frame(Client *one, uint8_t opcode, const char *text, size_t length) {
  static uint8_t frame[70000];
  size_t head = length < 126 ? 2 : 4;
  if (length > 65535) die("a frame too long to send");
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (uint8_t)(length < 126 ? length : 126);
  if (head == 4) frame[2] = (uint8_t)(length >> 8), frame[3] = (uint8_t)length;
  memcpy(frame + head, MASK, 4);
  head += 4;
  for (size_t i = 0; i < length; i++) frame[head + i] = (uint8_t)text[i] ^ MASK[i & 3];
  write_bytes(one, frame, head + length);
}

/* Text as a WebSocket frame; before the connection is one, as it is. */
void client_send(Client *one, const char *text, size_t length) {
  if (one->state == GONE) return;
  if (one->state <= UPGRADING) return write_bytes(one, (const uint8_t *)text, length);
  write_frame(one, 1, text, length);
}

/* How many bytes the first frame takes, 0 if it is not complete. */
static size_t take_frame(Client *one, const uint8_t *at, size_t length, uint64_t moment) {
  if (length < 2) return 0;
  size_t head = 2, size = at[1] & 0x7f;
  if (size == 126) {
    if (length < (head = 4)) return 0;
    size = (size_t)at[2] << 8 | at[3];
  } else if (size == 127) {
    if (length < (head = 10)) return 0;
    size = 0;
    for (int i = 2; i < 10; i++) size = size << 8 | at[i];
  }
  if (head + size > READ_BYTES / 2) die("a frame of %zu bytes", size);
  if (length < head + size) return 0;
  const char *text = (const char *)at + head;
  if (at[0] == 0x81) hear_packet(one, text, size, moment);
  else if (at[0] == 0x89) write_frame(one, 10, text, size);
  else if (at[0] == 0x88) client_lose(one, "closed by the server");
  else if (at[0] != 0x8a) die("a frame that begins with %02x", at[0]);
  return head + size;
}

static void take(Client *one, size_t length, uint64_t moment) {
  size_t at = 0;
  if (one->state == UPGRADING) {
    const char *end = memmem(buffer, length, "\r\n\r\n", 4);
    if (end) {
      at = (size_t)(end - (const char *)buffer) + 4;
      if (!hear_head(one, (const char *)buffer, at)) return client_lose(one, "no upgrade");
    }
  }
  if (options.sse && one->token && one->session_id && one->state == HERE && one != clients) {
    const char *end;
    while ((end = memmem(buffer + at, length - at, "\n\n", 2))) {
      size_t next = (size_t)(end - (const char *)buffer) + 2;
      hear_sse(one, (const char *)buffer + at, next - at, moment);
      at = next;
    }
  } else if (one->state > UPGRADING) {
    size_t taken;
    while (one->state != GONE && (taken = take_frame(one, buffer + at, length - at, moment))) at += taken;
  }
  if (one->state == GONE || at == length) return;
  one->rest_length = length - at;
  one->rest = realloc(one->rest, one->rest_length);
  memcpy(one->rest, buffer + at, one->rest_length);
}

void client_event(uint32_t index, uint32_t events) {
  Client *one = &clients[index];
  if (one->state == GONE) return;
  if (events & EPOLLOUT) {
    if (one->state == CONNECTING) {
      one->state = UPGRADING;
      struct sockaddr_in mine;
      socklen_t size = sizeof mine;
      getsockname(one->fd, (struct sockaddr *)&mine, &size);
      one->local_port = ntohs(mine.sin_port);
      say_handshake(one);
    }
    flush(one);
    if (one->state == GONE) return;
  }
  if (one->stalled) {
    if (events & (EPOLLERR | EPOLLHUP)) client_lose(one, "cut");
    return;
  }
  if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))) return;
  size_t held = one->rest_length;
  if (held) memcpy(buffer, one->rest, held);
  one->rest_length = 0;
  ssize_t came = recv(one->fd, buffer + held, READ_BYTES - held, 0);
  if (came > 0) {
    counts.bytes += (uint64_t)came;
    return take(one, held + (size_t)came, now_ns());
  }
  if (came < 0 && errno == EAGAIN) {
    one->rest_length = held;
    return;
  }
  client_lose(one, came ? strerror(errno) : "the server hung up");
}
