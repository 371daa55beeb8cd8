// A token bucket for each person: ten at once, five a second on end.
import { Refusal } from "./checks.mjs";

const AT_ONCE = 10;
const PER_SECOND = 5;
const buckets = new Map();

export function take(personId) {
  const now = performance.now() / 1000;
  const bucket = buckets.get(personId) ?? { left: AT_ONCE, since: now };
  const left = Math.min(AT_ONCE, bucket.left + (now - bucket.since) * PER_SECOND);
  if (left < 1) {
    throw new Refusal("rate_limited", "That is too fast; please wait a moment.", { retryAfter: (1 - left) / PER_SECOND });
  }
  buckets.set(personId, { left: left - 1, since: now });
}
