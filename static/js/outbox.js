// Messages not yet acknowledged, kept in the browser for one person: sent in order, one after another in each room, and
// again with the same client id until the server has them. All tabs share them; the server takes each but once.
import { ask, isConnected, onConnected } from "./connection.js";
import { me } from "./page.js";
import * as store from "./store.js";

const PREFIX = `outbox:${me.id}:`;
const LATER = new Set(["timeout", "unavailable", "internal", "rate_limited"]);
const PAUSE_MS = 1_000; // doubled at each failure
const LONGEST_PAUSE_MS = 15_000;
const ELSEWHERE_MS = 5_000; // how long the tab where it was written may take

const listeners = new Set();
const running = new Set();
let order = 0; // of those made within one millisecond

// Calls `listener({kind: "added" | "failed" | "waiting" | "sent" | "discarded", entry, message?})` at each change.
export const onChange = (listener) => listeners.add(listener);

// Entries are {clientId, roomId, content, at (ms), order, state: "waiting" | "failed", error?}, oldest first.
export function entries(roomId) {
  const all = store.keys(PREFIX).map((key) => parse(store.read(key)));
  return all
    .filter((entry) => entry && (!roomId || entry.roomId === roomId))
    .sort((one, other) => one.at - other.at || one.order - other.order);
}

export const countWaiting = () => entries().filter(({ state }) => state === "waiting").length;

export function start() {
  onConnected(flush);
  addEventListener("storage", changedElsewhere);
}

export function add(roomId, content) {
  const entry = { clientId: newId(), roomId, content, at: Date.now(), order: order++, state: "waiting" };
  keep(entry);
  tell("added", entry);
  run(roomId);
}

export function retry(clientId) {
  const entry = find(clientId);
  if (!entry) return;
  // The id was used for something else: under it, the text can never be sent.
  if (entry.error?.code === "conflict") {
    discard(clientId);
    return add(entry.roomId, entry.content);
  }
  const again = { ...entry, state: "waiting", error: undefined };
  keep(again);
  tell("waiting", again);
  run(entry.roomId);
}

export function discard(clientId) {
  const entry = find(clientId);
  store.remove(PREFIX + clientId);
  if (entry) tell("discarded", entry);
}

// The server has it, by whatever way we learn so. Only one's own messages count: anybody can copy a client id.
export function settle(message) {
  if (message.author.id !== me.id || !find(message.clientId)) return;
  const entry = find(message.clientId);
  store.remove(PREFIX + message.clientId);
  tell("sent", entry, message);
}

function flush() {
  for (const roomId of new Set(entries().map((entry) => entry.roomId))) run(roomId);
}

async function run(roomId) {
  if (running.has(roomId)) return;
  running.add(roomId);
  try {
    for (let failures = 0; isConnected(); ) {
      const entry = entries(roomId).find(({ state }) => state === "waiting");
      if (!entry) break;
      const wait = await deliver(entry);
      failures = wait ? failures + 1 : 0;
      if (wait) await pause(Math.max(wait, Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** (failures - 1))));
    }
  } finally {
    running.delete(roomId);
  }
}

// How many milliseconds to wait before the next try; 0 when the entry is done with.
async function deliver({ clientId, roomId, content }) {
  try {
    const { message } = await ask("sendMessage", { sessionId: roomId, content, clientId });
    settle(message);
    return 0;
  } catch (error) {
    if (LATER.has(error.code)) return error.retryAfter ? error.retryAfter * 1_000 : 1;
    if (error.code === "disconnected" || error.code === "unauthorized") return 1;
    const entry = find(clientId);
    if (!entry) return 0;
    const failed = { ...entry, state: "failed", error: { code: error.code, message: error.message } };
    keep(failed);
    tell("failed", failed);
    return 0;
  }
}

// What another tab of this person did. Being told may come late: after the server's own word, by which this tab took the
// entry away already. Nobody would tell of that again.
function changedElsewhere({ key, newValue, oldValue }) {
  if (!key?.startsWith(PREFIX)) return;
  const entry = parse(newValue);
  const before = parse(oldValue);
  if (entry && !find(entry.clientId)) return;
  if (entry && !before) tell("added", entry);
  else if (entry) tell(entry.state, entry);
  else if (before) tell("gone", before);
  // The other tab may have no connection, or be gone: then it is for this one to send.
  if (entry?.state === "waiting") setTimeout(() => run(entry.roomId), ELSEWHERE_MS);
}

function tell(kind, entry, message) {
  for (const listener of listeners) listener({ kind, entry, message });
}

const keep = (entry) => store.write(PREFIX + entry.clientId, JSON.stringify(entry));
const find = (clientId) => parse(store.read(PREFIX + clientId));
const pause = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

function parse(text) {
  try {
    return text && JSON.parse(text);
  } catch {
    return null;
  }
}

// `crypto.randomUUID` is missing where the page came by plain http from another machine.
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
