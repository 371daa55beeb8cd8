#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

Options options = {.host = "127.0.0.1", .concurrency = 64, .per_address = 20, .join_timeout = 120, .drain = 5, .tries = 1};

static const char USAGE[] =
    "load --clients-file FILE --clients N --ports P[,P] --phase NAME,RATE,SECONDS[,hasty=RATE][,stall=N][,length=N][,stream] …\n"
    "  FILE has a line for each client: its token, a blank, its room. Prints a JSON line for the joining, and for each phase.\n"
    "  --pids P[,P]       whose processor time and memory are the server's\n"
    "  --concurrency N    connections being opened at a time (64)\n"
    "  --per-address N    clients that share a source address (20)\n"
    "  --senders N        clients that take turns in sending (all)\n"
    "  --reserved N       the last ones never send in turn: they are to stall or to be hasty\n"
    "  --join-timeout S (120), --drain S (5): how long to wait for everybody, and for what was sent\n"
    "  --stop-p99 MS      no further phase after one with a higher p99 or with a loss\n"
    "  --tries N          so often such a phase is run until it is good (1); the last one counts\n"
    "  --anonymous        a server that asks for no token\n"
    "  --sse              all but the first listen by Server-Sent Events\n";

void die(const char *format, ...) {
  va_list more;
  va_start(more, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, more);
  fputc('\n', stderr);
  va_end(more);
  exit(2);
}

static int numbers(char *list, int *into, int most) {
  int count = 0;
  for (char *one = strtok(list, ","); one; one = strtok(NULL, ",")) {
    if (count == most) die("too many numbers");
    into[count++] = atoi(one);
  }
  return count;
}

static void add_phase(char *text) {
  if (options.phase_count == MOST_PHASES) die("too many phases");
  Phase *new = &options.phases[options.phase_count++];
  char *name = strtok(text, ","), *rate = strtok(NULL, ","), *seconds = strtok(NULL, ",");
  if (!seconds) die("--phase NAME,RATE,SECONDS");
  snprintf(new->name, sizeof new->name, "%s", name);
  new->rate = atof(rate), new->seconds = atof(seconds);
  for (char *flag = strtok(NULL, ","); flag; flag = strtok(NULL, ",")) {
    if (!strncmp(flag, "hasty=", 6)) new->hasty = atof(flag + 6);
    else if (!strncmp(flag, "stall=", 6)) new->stall = (uint32_t)atoi(flag + 6);
    else if (!strncmp(flag, "length=", 7)) new->length = (uint32_t)atoi(flag + 7);
    else if (!strcmp(flag, "stream")) new->stream = true;
    else die("unknown flag %s", flag);
  }
}

static bool read_switch(const char *name) {
  if (!strcmp(name, "--anonymous")) options.anonymous = true;
  else if (!strcmp(name, "--sse")) options.sse = true;
  else return false;
  return true;
}

static void read_value(const char *name, char *value) {
  if (!strcmp(name, "--clients-file")) options.clients_file = value;
  else if (!strcmp(name, "--host")) options.host = value;
  else if (!strcmp(name, "--clients")) options.client_count = (uint32_t)atoi(value);
  else if (!strcmp(name, "--ports")) options.port_count = numbers(value, options.ports, MOST_PORTS);
  else if (!strcmp(name, "--pids")) options.pid_count = numbers(value, options.pids, MOST_PIDS);
  else if (!strcmp(name, "--concurrency")) options.concurrency = (uint32_t)atoi(value);
  else if (!strcmp(name, "--per-address")) options.per_address = (uint32_t)atoi(value);
  else if (!strcmp(name, "--senders")) options.senders = (uint32_t)atoi(value);
  else if (!strcmp(name, "--reserved")) options.reserved = (uint32_t)atoi(value);
  else if (!strcmp(name, "--join-timeout")) options.join_timeout = atof(value);
  else if (!strcmp(name, "--drain")) options.drain = atof(value);
  else if (!strcmp(name, "--stop-p99")) options.stop_p99 = atof(value);
  else if (!strcmp(name, "--tries")) options.tries = (uint32_t)atoi(value);
  else if (!strcmp(name, "--phase")) add_phase(value);
  else die("unknown option %s\n%s", name, USAGE);
}

void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (read_switch(argv[i])) continue;
    if (i + 1 == argc) die("%s", USAGE);
    read_value(argv[i], argv[i + 1]);
    i++;
  }
  if (!options.clients_file || !options.client_count || !options.port_count) die("%s", USAGE);
  if (options.reserved >= options.client_count) die("everybody is reserved");
  uint32_t free_ones = options.client_count - options.reserved;
  if (!options.senders || options.senders > free_ones) options.senders = free_ones;
}

/* The number of a room, by its id. */
static uint32_t room_of(const char *id) {
  static const char **known;
  static uint32_t count;
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(known[i], id)) return i;
  if (count == MOST_ROOMS) die("too many rooms");
  known = realloc(known, (count + 1) * sizeof *known);
  known[count] = id;
  return count++;
}

void read_clients(void) {
  FILE *file = fopen(options.clients_file, "r");
  if (!file) die("cannot read %s", options.clients_file);
  char line[512], token[256], room[128];
  for (uint32_t i = 0; i < options.client_count; i++) {
    if (!fgets(line, sizeof line, file) || sscanf(line, "%255s %127s", token, room) != 2)
      die("%s has too few lines", options.clients_file);
    clients[i].token = strdup(token), clients[i].session_id = strdup(room);
    clients[i].room = room_of(clients[i].session_id);
  }
  fclose(file);
}
