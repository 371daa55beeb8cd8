// Keeps the page at the whole truth: follows the room's `rev`, and asks for what is missing when it jumps, after a
// reconnect, and when the tab wakes.
import { ask, isConnected, restart } from "./connection.js";
import { join } from "./joins.js";

const JUMP_MS = 150; // what is late usually comes by itself in this time
const WAKE_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_500;

let roomId;
let lastRev; // everything up to here is on the page
let receive;
let missedMuch;
let timer;
let running = null;
const ahead = new Set(); // revs that came while an earlier one was missing

// `take(message)` places one; `tooMany(count)` may answer true when it showed the newest page instead of so many.
export function start(room, take, tooMany) {
  roomId = room.id;
  lastRev = room.lastRev;
  receive = take;
  missedMuch = tooMany;
}

// A change arrived with this `rev`.
export function follow(rev) {
  if (rev <= lastRev) return;
  ahead.add(rev);
  drain();
  if (ahead.size) timer ??= setTimeout(repair, JUMP_MS);
}

// Not put off by what arrives meanwhile: a busy room would never be repaired.
function repair() {
  timer = undefined;
  if (ahead.size) catchUp();
}

// The page was loaded anew at this `rev`.
export function standAt(rev) {
  lastRev = Math.max(lastRev, rev);
  drain();
}

function drain() {
  for (const rev of ahead) if (rev <= lastRev) ahead.delete(rev);
  while (ahead.delete(lastRev + 1)) lastRev += 1;
}

// Enters the room and catches up; after each connect.
export async function enter() {
  const asked = lastRev;
  const answer = await join(roomId, asked);
  if (isOlderWorld(answer.session.lastRev, asked)) return answer;
  if (answer.hasMore && (await missedMuch(answer.session))) return answer;
  take(answer.messages, answer.hasMore ? 0 : answer.session.lastRev);
  if (answer.hasMore) await catchUp();
  return answer;
}

// One at a time; whoever asks meanwhile gets the same.
export function catchUp(timeout) {
  running ??= pages(timeout).finally(() => (running = null));
  return running;
}

async function pages(timeout) {
  for (let more = true; more && isConnected(); ) {
    const asked = lastRev;
    const answer = await ask("syncSession", { sessionId: roomId, afterRev: asked, streams: [] }, timeout).catch(failed);
    if (!answer || isOlderWorld(answer.lastRev, asked)) return;
    more = answer.hasMore;
    take(answer.messages, more ? 0 : answer.lastRev);
  }
}

// Changes by `rev`, none left out: after them the page stands at the last one.
function take(changes, upTo) {
  for (const message of changes) receive(message);
  standAt(Math.max(upTo, changes.at(-1)?.rev ?? 0));
}

// The server knows less than we do: its database was restored, and what is on the page may never have been.
function isOlderWorld(theirs, asked) {
  if (theirs >= asked) return false;
  location.reload();
  return true;
}

function failed({ code }) {
  if (code === "timeout") restart();
  else if (isConnected() && code !== "unauthorized") setTimeout(catchUp, RETRY_MS);
}

// A tab that slept may have lost its connection without noticing.
export function wake() {
  if (isConnected()) catchUp(WAKE_TIMEOUT_MS);
}
