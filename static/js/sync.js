// Keeps the page at the whole truth: follows the room's `rev`, and asks for what is missing when it jumps, after a
// reconnect, and when the tab wakes.
import { ask, isConnected, restart } from "./connection.js";
import { join } from "./joins.js";

const JUMP_MS = 150; // what is late usually comes by itself in this time
const PATIENT_MS = 1_000;
const WAKE_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_500;

let roomId;
let lastRev; // everything up to here is on the page
let receive;
let missedMuch;
let streams;
let timer;
let running = null;
let isEntering = false;
const ahead = new Set(); // revs that came while an earlier one was missing

// `take(message)` places one; `tooMany(count)` may answer true when it showed the newest page instead of so many;
// `said` are the room's Streams.
export function start(room, take, tooMany, said) {
  roomId = room.id;
  lastRev = room.lastRev;
  receive = take;
  missedMuch = tooMany;
  streams = said;
}

// A change arrived with this `rev`.
export function follow(rev) {
  if (rev <= lastRev) return;
  ahead.add(rev);
  drain();
  if (ahead.size) missing();
}

// Something may have been lost; what is only told of, and hardly late yet, is given more time.
export function missing(isPatient = false) {
  if (isPatient) setTimeout(missing, PATIENT_MS);
  else timer ??= setTimeout(repair, JUMP_MS);
}

// Not put off by what arrives meanwhile: a busy room would never be repaired. (Coming in brings everything.)
function repair() {
  timer = undefined;
  if (isConnected() && !isEntering && (ahead.size || streams.isLacking())) catchUp();
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
  isEntering = true;
  try {
    const answer = await comeIn();
    lookAgain();
    return answer;
  } finally {
    isEntering = false;
  }
}

// For what was missed while an answer that could not know of it was on its way.
function lookAgain() {
  if (ahead.size || streams.isLacking()) missing();
}

async function comeIn() {
  const asked = lastRev;
  streams.asking();
  const answer = await join(roomId, asked);
  if (isOlderWorld(answer.session.lastRev, asked)) return answer;
  const isShownAnew = answer.hasMore && (await missedMuch(answer.session));
  if (!isShownAnew) take(answer.messages, answer.hasMore ? 0 : answer.session.lastRev);
  streams.answered(answer.streams);
  if (answer.hasMore && !isShownAnew) await catchUp();
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
    const question = { sessionId: roomId, afterRev: asked, streams: streams.asking() };
    const answer = await ask("syncSession", question, timeout).catch(failed);
    if (!answer || isOlderWorld(answer.lastRev, asked)) return;
    more = answer.hasMore;
    take(answer.messages, more ? 0 : answer.lastRev);
    streams.answered(answer.streams);
  }
  lookAgain();
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
  if (isConnected() && !isEntering) catchUp(WAKE_TIMEOUT_MS);
}
