#include "load.h"

static uint32_t bucket_of(uint64_t us) {
  if (us < SUB) return (uint32_t)us;
  int power = 63 - __builtin_clzll(us); /* at least 6 */
  uint32_t place = (uint32_t)(us >> (power - 6)) & (SUB - 1);
  uint32_t bucket = (uint32_t)(power - 5) * SUB + place;
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double middle_of(uint32_t bucket) {
  if (bucket < SUB) return bucket + 0.5;
  int power = (int)(bucket / SUB) + 5;
  double width = (double)(1ULL << (power - 6));
  return (SUB + bucket % SUB + 0.5) * width;
}

void hist_add(Histogram *of, uint64_t nanoseconds) {
  of->count[bucket_of(nanoseconds / 1000)]++;
  of->total++;
  of->sum += nanoseconds;
  if (nanoseconds > of->most) of->most = nanoseconds;
}

/* The milliseconds within which this share of all lay; never more than the most that was seen. */
double hist_ms(const Histogram *of, double share) {
  if (!of->total) return 0;
  uint64_t wanted = (uint64_t)(share * (double)of->total + 0.999999), so_far = 0;
  double most = (double)of->most / 1e6;
  for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
    if ((so_far += of->count[bucket]) >= wanted && so_far) {
      double ms = middle_of(bucket) / 1000;
      return ms < most ? ms : most;
    }
  return most;
}
