// The same job on Node: signed in by token, joinSession and sendMessage with acks, validated, held to a rate, committed,
// the cache kept right, rendered, told to the room. On the tables of this project, so the same tokens count.
import { createServer } from "node:http";
import { Server } from "socket.io";

import { checkJoin, checkMessage, Refusal } from "./checks.mjs";
import { render } from "./markdown.mjs";
import { take } from "./rate.mjs";
import { messageShape, personShape, sessionShape } from "./shapes.mjs";

const { PORT, HOST = "127.0.0.1", DATABASE_URL, REDIS_URL } = process.env;
const NAMED_MOST = 100; // people named in the answer to joinSession; above, presence is a number

const store = await (DATABASE_URL.startsWith("sqlite:")
  ? (await import("./sqlite.mjs")).open(DATABASE_URL)
  : (await import("./postgres.mjs")).open(DATABASE_URL));
const cache = await (REDIS_URL ? (await import("./cache_redis.mjs")).open(REDIS_URL) : import("./cache_memory.mjs"));

const http = createServer((_, answer) => answer.writeHead(404).end());
const io = new Server(http, { maxHttpBufferSize: 128 * 1024, serveClient: false });
if (REDIS_URL) io.adapter(await cache.adapter());
const chat = io.of("/chat");
const here = new Map(); // room → person → [shape, connections]

chat.use(async (socket, next) => {
  const { token } = socket.handshake.auth ?? {};
  const person = typeof token === "string" ? await store.personOfToken(token).catch(() => null) : null;
  if (!person) return next(new Error("unauthorized"));
  socket.data.person = person;
  next();
});

chat.on("connection", (socket) => {
  on(socket, "joinSession", join);
  on(socket, "sendMessage", send);
  socket.on("disconnecting", () => socket.rooms.forEach((room) => leave(socket, room)));
});

function on(socket, event, handle) {
  socket.on(event, async (payload, ack) => {
    if (typeof ack !== "function") return;
    try {
      ack({ ok: true, ...(await handle(socket, payload)) });
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      ack({ ok: false, error: error instanceof Refusal ? error.shape : { code: "internal", message: "It failed." } });
    }
  });
}

async function membership(socket, roomId) {
  const found = await store.membership(socket.data.person.id, roomId);
  if (!found) throw new Refusal("not_found", "There is no such room.");
  return found;
}

async function join(socket, payload) {
  const { sessionId } = checkJoin(payload);
  await membership(socket, sessionId);
  await socket.join(sessionId);
  const online = arrive(sessionId, personShape(socket.data.person));
  const room = await membership(socket, sessionId); // read after entering, so that nothing falls between
  const page = await latest(sessionId, room.rev);
  return { session: sessionShape(room), messages: page.messages, hasMore: page.hasMore, online, streams: [] };
}

async function latest(roomId, rev) {
  const key = `history:${roomId}`;
  const held = await cache.get(key);
  if (held && held.rev === rev) return held;
  const rows = await store.latest(roomId);
  const page = { rev, hasMore: rows.length > 10, messages: rows.slice(0, 10).reverse().map((row) => messageShape(row)) };
  await cache.set(key, page);
  return page;
}

async function send(socket, payload) {
  const { sessionId, content, clientId } = checkMessage(payload);
  const { person } = socket.data;
  const room = await membership(socket, sessionId);
  if (room.archived_at) throw new Refusal("forbidden", "This room is archived.");
  take(person.id);
  const row = await store.place({ roomId: sessionId, author: person, clientId, content, bodyHtml: render(content) });
  const message = messageShape(row);
  if (!row.isOld) {
    await cache.forget(`history:${sessionId}`, `session:${sessionId}:full`);
    chat.to(sessionId).emit("newMessage", { sessionId, rev: message.rev, message });
  }
  return { message };
}

function arrive(roomId, user) {
  if (!here.has(roomId)) here.set(roomId, new Map());
  const people = here.get(roomId);
  const known = people.get(user.id);
  if (known) known.connections++;
  else people.set(user.id, { user, connections: 1 });
  if (!known && people.size <= NAMED_MOST)
    chat.to(roomId).emit("userOnline", { sessionId: roomId, user, count: people.size });
  const users = [];
  for (const one of people.values()) if (users.push(one.user) === NAMED_MOST) break;
  return { count: people.size, users };
}

function leave(socket, roomId) {
  const known = here.get(roomId)?.get(socket.data.person.id);
  if (!known || --known.connections) return;
  here.get(roomId).delete(socket.data.person.id);
}

process.on("SIGTERM", () => process.exit(0));
http.listen({ port: Number(PORT), host: HOST, backlog: 2048 });
