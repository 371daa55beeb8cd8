/* The limit: what any server in one thread at least has to do. It takes WebSockets, speaks just enough Engine.IO and
 * Socket.IO, and writes each message as one frame with one send to every socket of its room. It checks nobody, keeps
 * nothing and renders nothing; its payload is as long as the others'.      limit PORT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sha1.h"

enum { MOST = 60000, READ = 65536, EVENTS = 1024, ROOMS = 4096 };

typedef struct {
  int fd, room;       /* room -1: none yet */
  bool upgraded, waits;
  uint8_t in[4096];   /* what clients send is short */
  size_t in_length;
  uint8_t *out;       /* what the socket would not take yet */
  size_t out_length;
} Peer;

typedef struct {
  char id[64];
  int *fds;
  int count, room_for;
} Room;

static Peer *peers[MOST];
static Room rooms[ROOMS];
static int room_count, epoll_fd;
static unsigned long numbers;

static void watch(const Peer *one, int how) {
  struct epoll_event event = {.events = EPOLLIN | (one->waits ? EPOLLOUT : 0), .data.fd = one->fd};
  epoll_ctl(epoll_fd, how, one->fd, &event);
}

static void lose(Peer *one) {
  if (one->room >= 0) {
    Room *room = &rooms[one->room];
    for (int i = 0; i < room->count; i++)
      if (room->fds[i] == one->fd) {
        room->fds[i] = room->fds[--room->count];
        break;
      }
  }
  close(one->fd);
  peers[one->fd] = NULL;
  free(one->out);
  free(one);
}

static void keep(Peer *one, const uint8_t *bytes, size_t length) {
  one->out = realloc(one->out, one->out_length + length);
  memcpy(one->out + one->out_length, bytes, length);
  one->out_length += length;
  if (one->waits) return;
  one->waits = true;
  watch(one, EPOLL_CTL_MOD);
}

static void put(Peer *one, const void *bytes, size_t length) {
  if (one->waits) return keep(one, bytes, length);
  ssize_t gone = send(one->fd, bytes, length, MSG_NOSIGNAL);
  if (gone < 0) gone = 0; /* what is broken shows when it is read */
  if ((size_t)gone < length) keep(one, (const uint8_t *)bytes + gone, length - (size_t)gone);
}

static void flush(Peer *one) {
  ssize_t gone = send(one->fd, one->out, one->out_length, MSG_NOSIGNAL);
  if (gone > 0) memmove(one->out, one->out + gone, one->out_length -= (size_t)gone);
  if (one->out_length) return;
  one->waits = false;
  watch(one, EPOLL_CTL_MOD);
}

static size_t frame(uint8_t *into, const char *text, size_t length) {
  size_t head = length < 126 ? 2 : 4;
  into[0] = 0x81, into[1] = (uint8_t)(length < 126 ? length : 126);
  if (head == 4) into[2] = (uint8_t)(length >> 8), into[3] = (uint8_t)length;
  memcpy(into + head, text, length);
  return head + length;
}

static void say(Peer *one, const char *text, size_t length) {
  static uint8_t framed[READ + 16];
  put(one, framed, frame(framed, text, length));
}

/* The string that follows `name` in a packet; it is shorter than `most`. */
static bool value_of(const char *text, const char *name, char *into, size_t most) {
  const char *at = strstr(text, name), *end = at ? strchr(at + strlen(name), '"') : NULL;
  if (!end || (size_t)(end - at) - strlen(name) >= most) return false;
  size_t length = (size_t)(end - at) - strlen(name);
  memcpy(into, at + strlen(name), length);
  into[length] = 0;
  return true;
}

static void join(Peer *one, const char *id) {
  int number = 0;
  while (number < room_count && strcmp(rooms[number].id, id)) number++;
  if (number == ROOMS) return;
  Room *room = &rooms[number];
  if (number == room_count) snprintf(rooms[room_count++].id, sizeof room->id, "%s", id);
  if (room->count == room->room_for) room->fds = realloc(room->fds, (size_t)(room->room_for += 1024) * sizeof(int));
  room->fds[room->count++] = one->fd;
  one->room = number;
}

static int message(char *into, size_t most, const char *room, const char *id, const char *content) {
  unsigned long n = ++numbers;
  return snprintf(
      into, most,
      "{\"id\":%lu,\"sessionId\":\"%s\",\"seq\":%lu,\"rev\":%lu,\"author\":{\"id\":1,\"name\":\"Somebody\",\"kind\":\"person\","
      "\"avatarUrl\":\"/people/1/avatar.svg\"},\"content\":\"%s\",\"status\":\"complete\",\"gen\":0,\"askedBy\":null,"
      "\"error\":null,\"replyTo\":null,\"clientId\":\"%s\",\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"editedAt\":null,"
      "\"removed\":false,\"html\":\"<article class=\\\"message\\\" id=\\\"m-%s\\\" data-id=\\\"%lu\\\" data-seq=\\\"%lu\\\" "
      "data-rev=\\\"%lu\\\" data-author=\\\"1\\\" data-at=\\\"2026-01-01T00:00:00.000Z\\\" data-client=\\\"%s\\\">\\n<header "
      "class=\\\"message__head\\\"><img class=\\\"face\\\" src=\\\"/people/1/avatar.svg\\\" alt=\\\"\\\" width=\\\"36\\\" "
      "height=\\\"36\\\"><b class=\\\"message__author\\\">Somebody</b> <a class=\\\"message__at\\\" "
      "href=\\\"/rooms/%s/messages/%lu\\\"><time datetime=\\\"2026-01-01T00:00:00.000Z\\\" title=\\\"2026-01-01 UTC\\\">00:00"
      "</time></a></header>\\n<div class=\\\"body\\\"><p>%s</p></div>\\n</article>\"}",
      n, room, n, n, content, id, id, n, n, n, id, room, n, content);
}

static void speak(Peer *one, unsigned long ack, const char *text) {
  static char shape[16384], packet[20000];
  static uint8_t framed[20016];
  char id[64], content[4096];
  if (one->room < 0 || !value_of(text, "\"clientId\":\"", id, sizeof id) ||
      !value_of(text, "\"content\":\"", content, sizeof content))
    return;
  Room *room = &rooms[one->room];
  message(shape, sizeof shape, room->id, id, content);
  int length = snprintf(packet, sizeof packet, "42/chat,[\"newMessage\",{\"sessionId\":\"%s\",\"rev\":%lu,\"message\":%s}]",
                        room->id, numbers, shape);
  size_t size = frame(framed, packet, (size_t)length);
  for (int i = 0; i < room->count; i++) put(peers[room->fds[i]], framed, size);
  length = snprintf(packet, sizeof packet, "43/chat,%lu[{\"ok\":true,\"message\":%s}]", ack, shape);
  say(one, packet, (size_t)length);
}

static void hear(Peer *one, char *text) {
  static const char IN[] = "40/chat,{\"sid\":\"1\"}";
  if (!strncmp(text, "40/chat,", 8)) return say(one, IN, sizeof IN - 1);
  if (strncmp(text, "42/chat,", 8)) return;
  char *body, id[64], answer[64];
  unsigned long ack = strtoul(text + 8, &body, 10);
  if (!strncmp(body, "[\"sendMessage\"", 14)) return speak(one, ack, body);
  if (strncmp(body, "[\"joinSession\"", 14) || !value_of(body, "\"sessionId\":\"", id, sizeof id)) return;
  join(one, id);
  say(one, answer, (size_t)snprintf(answer, sizeof answer, "43/chat,%lu[{\"ok\":true}]", ack));
}

static size_t upgrade(Peer *one) {
  static const char OPEN[] = "0{\"sid\":\"1\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}";
  char *end = memmem(one->in, one->in_length, "\r\n\r\n", 4), key[29], answer[256];
  char *given = end ? memmem(one->in, one->in_length, "Sec-WebSocket-Key: ", 19) : NULL;
  if (!given) return 0;
  accept_key(given + 19, strcspn(given + 19, "\r"), key);
  put(one, answer, (size_t)snprintf(answer, sizeof answer,
                                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                    "Sec-WebSocket-Accept: %s\r\n\r\n", key));
  one->upgraded = true;
  say(one, OPEN, sizeof OPEN - 1);
  return (size_t)(end - (char *)one->in) + 4;
}

/* The bytes that the first frame takes; 0 when it is not complete. Clients' frames are masked and short. */
static size_t take_frame(Peer *one, const uint8_t *at, size_t length) {
  static char text[sizeof one->in + 1];
  if (length < 6) return 0;
  size_t size = at[1] & 0x7f, head = size == 126 ? 8 : 6;
  if (length < head) return 0;
  if (size == 126) size = (size_t)at[2] << 8 | at[3];
  if (length < head + size || size > sizeof one->in) return 0;
  for (size_t i = 0; i < size; i++) text[i] = (char)(at[head + i] ^ at[head - 4 + (i & 3)]);
  text[size] = 0;
  if (at[0] == 0x81) hear(one, text);
  return head + size;
}

static void take(Peer *one) {
  ssize_t came = recv(one->fd, one->in + one->in_length, sizeof one->in - one->in_length, 0);
  if (came <= 0) {
    if (came == 0 || errno != EAGAIN) lose(one);
    return;
  }
  one->in_length += (size_t)came;
  size_t at = one->upgraded ? 0 : upgrade(one), taken;
  while (one->upgraded && (taken = take_frame(one, one->in + at, one->in_length - at))) at += taken;
  memmove(one->in, one->in + at, one->in_length -= at);
}

static void welcome(int listener) {
  int fd, yes = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (fd >= MOST) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peers[fd] = calloc(1, sizeof *peers[fd]);
    peers[fd]->fd = fd, peers[fd]->room = -1;
    watch(peers[fd], EPOLL_CTL_ADD);
  }
}

static int listen_at(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&place, sizeof place) || listen(fd, 2048)) {
    perror("limit");
    exit(2);
  }
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int listener = listen_at(atoi(argv[1]));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll_fd, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) welcome(listener);
      if (fd != listener && peers[fd] && events[i].events & EPOLLOUT) flush(peers[fd]);
      if (fd != listener && peers[fd] && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) take(peers[fd]);
    }
  }
}
