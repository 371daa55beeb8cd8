// The cache of a single process.
const TTL_MS = 3600_000;
const held = new Map();

export async function get(key) {
  const one = held.get(key);
  return one && one.until > Date.now() ? one.value : null;
}

export async function set(key, value) {
  held.set(key, { value, until: Date.now() + TTL_MS });
}

export async function forget(...keys) {
  for (const key of keys) held.delete(key);
}
