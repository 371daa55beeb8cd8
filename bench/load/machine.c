/* What the kernel knows of the servers: processor time, memory, open files, and whether it still holds a connection. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* Seconds that all threads of these processes have used, in the kernel too. */
double cpu_of(const int *pids, int count) {
  double ticks = 0;
  for (int i = 0; i < count; i++) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pids[i]);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    char *got = fgets(line, sizeof line, file), *at = got ? strrchr(line, ')') : NULL;
    unsigned long user, kernel;
    if (at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) == 2)
      ticks += (double)(user + kernel);
    fclose(file);
  }
  return ticks / (double)sysconf(_SC_CLK_TCK);
}

double own_cpu(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

uint64_t rss_of(const int *pids, int count) {
  uint64_t pages = 0;
  for (int i = 0; i < count; i++) {
    char path[64];
    unsigned long resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pids[i]);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%*u %lu", &resident) == 1) pages += resident;
    fclose(file);
  }
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint32_t fds_of(const int *pids, int count) {
  uint32_t files = 0;
  for (int i = 0; i < count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pids[i]);
    DIR *folder = opendir(path);
    if (!folder) continue;
    while (readdir(folder)) files++;
    files -= 2;
    closedir(folder);
  }
  return files;
}

/* Whether the server's end of a connection is still open (1: established), for one that we do not read ourselves; and how
 * many bytes lie in its kernel, which we do not take. */
bool server_holds(int server_port, int client_port, uint64_t *queued) {
  FILE *file = fopen("/proc/net/tcp", "r");
  char line[512];
  bool holds = false;
  while (file && !holds && fgets(line, sizeof line, file)) {
    unsigned local, remote, state;
    unsigned long waiting;
    if (sscanf(line, " %*d: %*8x:%x %*8x:%x %x %lx", &local, &remote, &state, &waiting) != 4) continue;
    holds = (int)local == server_port && (int)remote == client_port && state == 1;
    if (holds) *queued = waiting;
  }
  if (file) fclose(file);
  return holds;
}
