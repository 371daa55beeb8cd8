// The cache in Redis, and the way of events between processes.
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";

const TTL_S = 3600;

export async function open(url) {
  const client = createClient({ url });
  client.on("error", console.error);
  await client.connect();
  return {
    async get(key) {
      const text = await client.get(key);
      return text && JSON.parse(text);
    },
    set: (key, value) => client.set(key, JSON.stringify(value), { EX: TTL_S }),
    forget: (...keys) => client.del(keys),
    async adapter() {
      const subscriber = client.duplicate();
      subscriber.on("error", console.error);
      await subscriber.connect();
      return createAdapter(client, subscriber);
    },
  };
}
