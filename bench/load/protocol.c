/* What is said in Engine.IO 4 and Socket.IO 5, and what is made of the answers. Messages carry their number in a word of
 * their content; when it was due is looked up by it, so a latency counts from then, however late it was sent. */
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define NAMESPACE "/chat,"
static const char WORD[] = "bnch"; /* then the message's number, in 8 hexadecimal digits */
static const char *TEXTS[] = {
    "Good morning everybody, the build is green again and the release can go out today",
    "Has anyone seen the notes of the last meeting, I think they were in the other room",
    "Lunch at half past twelve as always, who is coming along this time?",
    "I looked at it again, and the numbers are right after all, sorry for the noise",
    "Please read the **second page** before we talk, `make test` shows what I mean",
    "That was the old address, the new one is https://example.com/handbook/start now",
    "Thanks, that helps a lot",
    "Three things are left, and none of them should take us longer than an afternoon",
};
enum { TEXT_COUNT = sizeof TEXTS / sizeof *TEXTS };

static uint64_t dice(void) {
  static uint64_t state;
  if (!state) state = now_ns() | 1;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

static void uuid(char *into) {
  uint64_t a = dice(), b = dice();
  sprintf(into, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
          (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffffULL));
}

void say_handshake(Client *one) {
  static char text[1024];
  int length;
  if (options.sse && one != clients)
    length = snprintf(text, sizeof text,
                      "GET /api/v1/sessions/%s/events HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\n"
                      "Authorization: Bearer %s\r\n\r\n",
                      one->session_id, options.host, one->port, one->token);
  else
    length = snprintf(text, sizeof text,
                      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n",
                      options.host, one->port);
  client_send(one, text, (size_t)length);
}

static void now_here(Client *one) {
  one->state = HERE;
  one->joined = now_ns();
  hist_add(&counts.join, one->joined - one->begun);
  here_count++;
  listeners_in[one->room]++;
}

/* The head of the answer to the first request. */
bool hear_head(Client *one, const char *head, size_t length) {
  if (options.sse && one != clients) {
    if (length < 12 || memcmp(head, "HTTP/1.1 200", 12)) return false;
    now_here(one);
    return true;
  }
  if (length < 12 || memcmp(head, "HTTP/1.1 101", 12)) return false;
  one->state = OPENING;
  return true;
}

static void say_connect(Client *one) {
  char text[512];
  int length = options.anonymous ? snprintf(text, sizeof text, "40" NAMESPACE)
                                 : snprintf(text, sizeof text, "40" NAMESPACE "{\"token\":\"%s\"}", one->token);
  one->state = ENTERING;
  client_send(one, text, (size_t)length);
}

static void say_join(Client *one) {
  char text[256];
  int length = snprintf(text, sizeof text, "42" NAMESPACE "%d[\"joinSession\",{\"sessionId\":\"%s\"}]", JOIN_ACK,
                        one->session_id);
  one->state = JOINING;
  client_send(one, text, (size_t)length);
}

static uint32_t new_message(uint32_t sender, uint64_t due, bool hasty) {
  if (message_count == message_most) die("more messages than planned");
  Message *new = &messages[message_count];
  *new = (Message){.due = due, .sender = sender, .hasty = hasty, .listeners = listeners_in[clients[sender].room]};
  counts.open += new->listeners + 1;
  return message_count++;
}

/* `at_least`: repeat the text until it is so long. */
void say_message(uint32_t sender, uint64_t due, bool hasty, uint32_t at_least) {
  static char text[16384];
  char id[40];
  uint32_t number = new_message(sender, due, hasty);
  const char *content = TEXTS[number % TEXT_COUNT];
  uuid(id);
  int length = sprintf(text, "42" NAMESPACE "%u[\"sendMessage\",{\"sessionId\":\"%s\",\"clientId\":\"%s\",\"content\":\"%s",
                       number + FIRST_ACK, clients[sender].session_id, id, content);
  for (size_t said = strlen(content); said < at_least && said < 9000; said += strlen(content) + 1)
    length += sprintf(text + length, " %s", content);
  length += sprintf(text + length, " %s%08x\"}]", WORD, number);
  hist_add(&counts.late, now_ns() - due);
  client_send(&clients[sender], text, (size_t)length);
}

/* A streamed message: begun, one piece of text, ended; each step when the one before is acknowledged. */
void begin_stream(uint32_t sender, uint64_t due) {
  char text[512], id[40];
  uint32_t number = new_message(sender, due, false);
  messages[number].stream = true;
  messages[number].listeners--, counts.open--; /* all but the one who speaks */
  uuid(id);
  int length = snprintf(text, sizeof text, "42" NAMESPACE "%u[\"startStream\",{\"sessionId\":\"%s\",\"clientId\":\"%s\"}]",
                        number + FIRST_ACK, clients[sender].session_id, id);
  hist_add(&counts.late, now_ns() - due);
  client_send(&clients[sender], text, (size_t)length);
}

static const char *find(const char *text, size_t length, const char *what) {
  return memmem(text, length, what, strlen(what));
}

static void next_of_stream(Client *one, uint32_t number, const char *ack, size_t length) {
  Message *of = &messages[number];
  char text[512];
  int size;
  if (of->step == 0) {
    const char *id = find(ack, length, "\"id\":");
    of->id = id ? strtoull(id + 5, NULL, 10) : 0;
    of->due = now_ns(); /* what is measured is the way of the first piece */
    size = snprintf(text, sizeof text,
                    "42" NAMESPACE "%u[\"streamChunk\",{\"messageId\":%llu,\"gen\":1,\"offset\":0,\"text\":\"%s%08x\"}]",
                    number + FIRST_ACK, (unsigned long long)of->id, WORD, number);
  } else {
    size = snprintf(text, sizeof text, "42" NAMESPACE "%u[\"streamComplete\",{\"messageId\":%llu,\"gen\":1}]",
                    number + FIRST_ACK, (unsigned long long)of->id);
  }
  of->step++;
  client_send(one, text, (size_t)size);
}

static void hear_ack(Client *one, const char *text, size_t length, uint64_t moment) {
  char *end;
  unsigned long id = strtoul(text, &end, 10);
  size_t left = length - (size_t)(end - text);
  bool good = left > 11 && (find(end, left < 300 ? left : 300, "\"ok\":true") || find(end, left, "\"ok\":true"));
  if (id == JOIN_ACK) {
    if (!good) return client_lose(one, "joinSession was refused");
    return now_here(one);
  }
  uint32_t number = (uint32_t)id - FIRST_ACK;
  if (id < FIRST_ACK || number >= message_count) {
    counts.strange++;
    return;
  }
  Message *of = &messages[number];
  if (good && of->stream && of->step < 2) return next_of_stream(one, number, end, left);
  if (of->state != WAITING) {
    counts.strange++;
    return;
  }
  of->state = good ? ACKED : REFUSED;
  if (number < counts.first) return; /* its phase is over */
  counts.open--;
  if (good) {
    if (!of->hasty) hist_add(&counts.ack, moment - of->due);
    return;
  }
  counts.refused++;
  if (find(end, left, "\"rate_limited\"")) counts.limited++;
  else if (counts.refused - counts.limited < 4) fprintf(stderr, "refused: %.*s\n", (int)(left < 300 ? left : 300), end);
  counts.open -= of->listeners - of->delivered;
}

/* A message, or the first piece of a stream, has come. */
static void receive(Client *one, const char *text, size_t length, uint64_t moment) {
  const char *word = find(text, length, WORD);
  uint32_t number = word ? (uint32_t)strtoul((char[9]){word[4], word[5], word[6], word[7], word[8], word[9], word[10],
                                                       word[11], 0}, NULL, 16) : message_count;
  if (number >= message_count) {
    counts.strange++;
    return;
  }
  Message *of = &messages[number];
  if (of->stream && one == clients) return;
  uint64_t *seen = &one->seen[number / 64], bit = 1ULL << (number % 64);
  if (*seen & bit) {
    counts.duplicates++;
    return;
  }
  *seen |= bit;
  of->delivered++;
  of->last = moment;
  if (number < counts.first) return; /* it came after its phase had given it up */
  if (of->delivered <= of->listeners && of->state != REFUSED) counts.open--;
  counts.last_receipt = moment;
  if (!of->hasty && (uint32_t)(one - clients) != hasty_client) hist_add(&counts.latency, moment - of->due);
}

void hear_packet(Client *one, const char *text, size_t length, uint64_t moment) {
  counts.frames++;
  if (!length) return;
  if (text[0] == '0') return say_connect(one);
  if (text[0] == '2') return client_send(one, "3", 1);
  if (text[0] != '4' || length < 8) return;
  const char *body = text + 2 + strlen(NAMESPACE);
  size_t left = length - (size_t)(body - text);
  if (text[1] == '2' && left > 14) {
    bool new = !memcmp(body, "[\"newMessage\"", 13), piece = !memcmp(body, "[\"streamChunk\"", 14);
    if (piece || (new && !messages[0].stream)) receive(one, body, left, moment);
  } else if (text[1] == '3') {
    hear_ack(one, body, left, moment);
  } else if (text[1] == '0') {
    if (one->state == ENTERING) say_join(one);
  } else if (text[1] == '4' || text[1] == '1') {
    client_lose(one, "the namespace refused or ended it");
  }
}

void hear_sse(Client *one, const char *text, size_t length, uint64_t moment) {
  counts.frames++;
  if (find(text, length, "event: streamChunk")) receive(one, text, length, moment);
}
