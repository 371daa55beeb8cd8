/* One JSON line for the joining and for each phase. */
#include "load.h"

static void put_histogram(const char *name, const Histogram *of) {
  printf(",\"%s\":{\"n\":%llu,\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
         name, (unsigned long long)of->total, of->total ? (double)of->sum / (double)of->total / 1e6 : 0, hist_ms(of, .5),
         hist_ms(of, .9), hist_ms(of, .95), hist_ms(of, .99), hist_ms(of, .999), (double)of->most / 1e6);
}

void report_join(double seconds, double cpu, uint64_t rss_before, uint64_t rss_after, double own) {
  printf("{\"phase\":\"join\",\"clients\":%u,\"failed\":%u,\"seconds\":%.3f,\"cpu\":%.2f,\"own_cpu\":%.3f,"
         "\"rss_before\":%llu,\"rss_after\":%llu",
         here_count, failed_count, seconds, cpu, own / seconds, (unsigned long long)rss_before,
         (unsigned long long)rss_after);
  put_histogram("join", &counts.join);
  printf("}\n");
  fflush(stdout);
}

/* Answers whether to go on: nothing lost, and quick enough. */
bool report_phase(const Phase *of, const Measured *how) {
  uint64_t expected = 0, received = 0, lost = 0, sent = counts.after - counts.first, acked = 0, unacked = 0, hasty = 0, hasty_acked = 0;
  for (uint32_t i = counts.first; i < counts.after; i++) {
    const Message *one = &messages[i];
    acked += one->state == ACKED, unacked += one->state == WAITING, hasty += one->hasty;
    hasty_acked += one->hasty && one->state == ACKED;
    if (one->state == REFUSED) continue;
    expected += one->listeners, received += one->delivered;
    if (one->delivered < one->listeners) lost += one->listeners - one->delivered;
  }
  double took = counts.last_receipt > counts.begun ? (double)(counts.last_receipt - counts.begun) / 1e9 : 0;
  double p99 = hist_ms(&counts.latency, .99);
  printf("{\"phase\":\"%s\",\"rate\":%g,\"seconds\":%g,\"wall\":%.3f,\"sent\":%llu,\"hasty\":%llu,\"hasty_acked\":%llu,\"acked\":%llu,"
         "\"unacked\":%llu,\"refused\":%llu,\"rate_limited\":%llu,\"expected\":%llu,\"received\":%llu,\"lost\":%llu,"
         "\"duplicates\":%llu,\"strange\":%llu,\"closed\":%llu,\"clients\":%u,\"frames\":%llu,\"bytes\":%llu",
         of->name, of->rate, of->seconds, how->wall, (unsigned long long)sent, (unsigned long long)hasty, (unsigned long long)hasty_acked,
         (unsigned long long)acked, (unsigned long long)unacked, (unsigned long long)counts.refused,
         (unsigned long long)counts.limited, (unsigned long long)expected, (unsigned long long)received,
         (unsigned long long)lost, (unsigned long long)counts.duplicates, (unsigned long long)counts.strange,
         (unsigned long long)counts.closed, here_count, (unsigned long long)counts.frames,
         (unsigned long long)counts.bytes);
  printf(",\"deliveries_per_second\":%.1f,\"cpu\":%.2f,\"cpu_us_per_delivery\":%.3f,\"own_cpu\":%.3f,\"saturated\":%s,"
         "\"timed_out\":%s,\"rss_begin\":%llu,\"rss_most\":%llu,\"rss_end\":%llu,\"queued_most\":%llu,\"full_after\":%.2f,\"cut_after\":%.2f,\"fds\":%u",
         took > 0 ? (double)received / took : 0, how->cpu, received ? how->cpu / (double)received * 1e6 : 0,
         how->own / how->wall, how->own / how->wall > .9 ? "true" : "false", how->timed_out ? "true" : "false",
         (unsigned long long)how->rss_begin, (unsigned long long)how->rss_most, (unsigned long long)how->rss_end,
         (unsigned long long)how->queued_most, how->full_after, how->cut_after, fds_of(options.pids, options.pid_count));
  put_histogram("latency", &counts.latency);
  put_histogram("ack", &counts.ack);
  put_histogram("late", &counts.late);
  printf("}\n");
  fflush(stdout);
  return !options.stop_p99 || (p99 <= options.stop_p99 && !lost && !unacked && !counts.refused);
}
