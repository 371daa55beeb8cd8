/* The load generator: N clients that speak WebSocket, Engine.IO 4 and Socket.IO 5, and phases of messages on an open-loop
 * schedule. `load` without arguments says how it is called. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

enum { TIMER = UINT32_MAX, EVENTS = 1024 };
static const uint64_t SECOND = 1000000000ULL, LOOK_EVERY = 100000000ULL; /* nanoseconds */

Client *clients;
Message *messages;
uint32_t message_most, message_count, here_count, gone_count, failed_count, hasty_client = UINT32_MAX;
uint32_t *listeners_in;
Counts counts;
int epoll_fd;
static int timer_fd;

static void wait_until(uint64_t moment) {
  struct itimerspec when = {.it_value = {(time_t)(moment / SECOND), (long)(moment % SECOND)}};
  timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
  struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll_fd, events, EVENTS, 1000);
  for (int i = 0; i < count; i++) {
    uint64_t ticks;
    if (events[i].data.u32 != TIMER) client_event(events[i].data.u32, events[i].events);
    else if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) die("timer: %s", strerror(errno));
  }
}

static void join_all(void) {
  uint64_t begun = now_ns(), deadline = begun + (uint64_t)(options.join_timeout * 1e9);
  double cpu = cpu_of(options.pids, options.pid_count), own = own_cpu();
  uint64_t rss = rss_of(options.pids, options.pid_count);
  uint32_t opened = 0;
  while (here_count + gone_count < options.client_count && now_ns() < deadline) {
    while (opened < options.client_count && opened - here_count - gone_count < options.concurrency)
      client_connect(opened++);
    wait_until(now_ns() + LOOK_EVERY);
  }
  report_join((double)(now_ns() - begun) / 1e9, cpu_of(options.pids, options.pid_count) - cpu, rss,
              rss_of(options.pids, options.pid_count), own_cpu() - own);
  if (here_count < options.client_count) die("only %u of %u clients joined", here_count, options.client_count);
}

/* Whose turn it is to send; somebody who is gone is passed over. */
static uint32_t next_sender(bool stream) {
  static uint32_t turn;
  for (uint32_t tried = 0; tried < options.senders; tried++) {
    uint32_t sender = stream ? 0 : turn++ % options.senders;
    if (clients[sender].state == HERE) return sender;
  }
  die("nobody is left to send");
}

static void stall(uint32_t count) {
  for (uint32_t i = 1; i <= count; i++) client_stall(&clients[options.client_count - i]);
}

/* Watches from outside those that stopped reading: until when their sockets took more, and when they were cut. */
static void look_at_stalled(const Phase *phase, Measured *how) {
  static uint64_t lay;
  uint64_t lies = 0;
  bool held = false;
  for (uint32_t i = 1; i <= phase->stall; i++) {
    const Client *one = &clients[options.client_count - i];
    uint64_t queued = 0;
    if (one->state != GONE && server_holds(one->port, one->local_port, &queued)) held = true, lies += queued;
  }
  double moment = (double)(now_ns() - counts.begun) / 1e9;
  if (!held) how->cut_after = moment;
  else if (lies != lay) how->full_after = moment;
  if (lies > how->queued_most) how->queued_most = lies;
  lay = lies;
}

static void look(const Phase *phase, Measured *how) {
  uint64_t rss = rss_of(options.pids, options.pid_count);
  if (rss > how->rss_most) how->rss_most = rss;
  if (phase->stall && how->cut_after < 0) look_at_stalled(phase, how);
}

/* Sends what is due, each message with the moment at which it was due. */
typedef struct {
  uint64_t next, step, left;
} Schedule;

static Schedule schedule(double rate, double seconds, uint64_t begin) {
  if (rate <= 0) return (Schedule){UINT64_MAX, 0, 0};
  return (Schedule){begin, (uint64_t)(1e9 / rate), (uint64_t)(rate * seconds + .5)};
}

static void send_due(const Phase *phase, Schedule *of, bool hasty) {
  while (of->left && of->next <= now_ns()) {
    if (phase->stream) begin_stream(next_sender(phase->stream), of->next);
    else if (!hasty) say_message(next_sender(phase->stream), of->next, false, phase->length);
    else if (clients[hasty_client].state == HERE) say_message(hasty_client, of->next, true, phase->length);
    of->left--;
    of->next += of->step;
  }
  if (!of->left) of->next = UINT64_MAX;
}

static void run(const Phase *phase, Measured *how) {
  uint64_t begin = now_ns(), looked = 0, over = begin + (uint64_t)(phase->seconds * 1e9);
  uint64_t deadline = over + (uint64_t)(options.drain * 1e9);
  Schedule steady = schedule(phase->rate, phase->seconds, begin), haste = schedule(phase->hasty, phase->seconds, begin);
  counts.begun = begin;
  hasty_client = phase->hasty > 0 ? options.client_count - 1 : UINT32_MAX;
  if (phase->stall) stall(phase->stall);
  for (;;) {
    send_due(phase, &steady, false);
    send_due(phase, &haste, true);
    uint64_t moment = now_ns(), next = moment + LOOK_EVERY;
    bool settled = !counts.open && moment >= over && !steady.left && !haste.left;
    if (settled || moment >= deadline) break;
    if (moment - looked > LOOK_EVERY) look(phase, how), looked = moment;
    if (steady.next < next) next = steady.next;
    if (haste.next < next) next = haste.next;
    if (over > moment && over < next) next = over;
    wait_until(next);
  }
  how->timed_out = counts.open > 0;
  how->wall = (double)(now_ns() - begin) / 1e9;
}

static bool measure(const Phase *phase) {
  memset(&counts, 0, sizeof counts);
  counts.first = message_count;
  Measured how = {.full_after = -1, .cut_after = -1, .rss_begin = rss_of(options.pids, options.pid_count)};
  double cpu = cpu_of(options.pids, options.pid_count), own = own_cpu();
  run(phase, &how);
  how.cpu = cpu_of(options.pids, options.pid_count) - cpu;
  how.own = own_cpu() - own;
  how.rss_end = rss_of(options.pids, options.pid_count);
  counts.after = message_count;
  return report_phase(phase, &how);
}

static void make_room(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < options.client_count + 64) die("only %llu files may be open", (unsigned long long)files.rlim_cur);
  for (int i = 0; i < options.phase_count; i++) {
    const Phase *one = &options.phases[i];
    message_most += options.tries * ((uint32_t)((one->rate + one->hasty) * one->seconds) + 2);
  }
  clients = calloc(options.client_count, sizeof *clients);
  messages = calloc(message_most + 1, sizeof *messages);
  listeners_in = calloc(MOST_ROOMS, sizeof *listeners_in);
  for (uint32_t i = 0; i < options.client_count; i++) clients[i].seen = calloc(message_most / 64 + 1, 8);
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  make_room();
  read_clients();
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = TIMER};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
  join_all();
  for (int i = 0; i < options.phase_count; i++) {
    bool good = false;
    for (uint32_t tried = 0; tried < options.tries && !good; tried++) good = measure(&options.phases[i]);
    if (!good) break;
  }
  return 0;
}
