// The side bar: an overlay on small screens, and live: rooms come, go and change their names, and the dots of direct
// rooms say who is here.
import { get } from "./api.js";
import { hear, onConnected } from "./connection.js";
import { join, leave, onJoined } from "./joins.js";
import * as overlay from "./overlay.js";
import { me, room } from "./page.js";

const JUST_LOADED_MS = 5_000; // the page itself is that fresh
const JOINED_MAX = 50; // direct rooms watched for who is there
const WATCHED_AGAIN_MS = 10_000; // after an absence, while everybody comes back, dots have time

const component = document.querySelector('[data-component="sidebar"]');
const here = new Map(); // room id → ids of people there
let watching;

export function start() {
  overlay.start(component);
  hear("sessionUpdated", ({ session }) => update(session));
  hear("sessionRemoved", ({ sessionId }) => removeEntry(sessionId));
  hear("userOnline", ({ sessionId, user }) => see(sessionId, (people) => people.add(user.id)));
  hear("userOffline", ({ sessionId, user }) => see(sessionId, (people) => people.delete(user.id)));
  onJoined((sessionId, { online }) => {
    if (online.count === null) return; // nobody can tell now
    here.set(sessionId, new Set(online.users.map(({ id }) => id)));
    see(sessionId, () => {});
  });
  onConnected(() => {
    const isBack = performance.now() > JUST_LOADED_MS;
    watchAgain(isBack ? WATCHED_AGAIN_MS : 0);
    if (isBack) refresh();
  });
}

// Asks who is in the direct rooms, at some moment within that time: after an absence, or when it can be told again.
export function watchAgain(within = WATCHED_AGAIN_MS) {
  clearTimeout(watching);
  watching = setTimeout(watchDirectRooms, Math.random() * within);
}

async function watchDirectRooms() {
  const items = [...component.querySelectorAll('[data-list="direct"] [data-room]')].slice(0, JOINED_MAX);
  for (const item of items) await watchDirect(item);
}

async function watchDirect(item) {
  if (item.dataset.room === room?.id) return;
  try {
    const { session } = await join(item.dataset.room, Number(item.dataset.rev) || 0);
    item.dataset.rev = session.lastRev;
  } catch {
    // Not there any more, or no connection: either is told elsewhere.
  }
}

// After an absence: everything as it is now.
async function refresh() {
  const answer = await get("/sessions").catch(() => null);
  if (!answer) return;
  const mine = new Set(answer.sessions.map(({ id }) => id));
  for (const item of component.querySelectorAll(".sidebar__item")) {
    if (!mine.has(item.dataset.room)) removeEntry(item.dataset.room);
  }
  for (const session of answer.sessions) update(session);
}

function update(session) {
  if (session.archived) return takeAway(session.id);
  const title = titleOf(session);
  const item = entryOf(session.id) ?? addEntry(session);
  const shown = item.querySelector(".sidebar__title");
  if (!title || shown.textContent === title) return;
  shown.textContent = title;
  sortIn(item);
}

function addEntry({ id, kind, lastRev }) {
  const template = component.querySelector(`[data-entry="${kind}"]`);
  const item = template.content.querySelector(".sidebar__item").cloneNode(true);
  item.dataset.room = id;
  item.querySelector("a").href = `/rooms/${id}`;
  if (id === room?.id) item.querySelector("a").setAttribute("aria-current", "page");
  listOf(kind).append(item);
  if (kind !== "direct") return item;
  item.dataset.rev = lastRev;
  component.querySelector(".sidebar__none")?.remove();
  watchDirect(item);
  return item;
}

function sortIn(item) {
  const title = (entry) => entry.querySelector(".sidebar__title").textContent;
  const others = [...item.parentElement.children].filter((other) => other !== item);
  const next = others.find((other) => title(other).localeCompare(title(item), undefined, { sensitivity: "base" }) > 0);
  if (next) next.before(item);
  else item.parentElement.append(item);
}

function removeEntry(id) {
  takeAway(id);
  if (id === room?.id) location.assign("/");
}

function takeAway(id) {
  entryOf(id)?.remove();
  if (here.delete(id) && id !== room?.id) leave(id);
}

function see(sessionId, change) {
  const people = here.get(sessionId);
  const dot = entryOf(sessionId)?.querySelector(".dot");
  if (!people || !dot) return;
  change(people);
  dot.classList.toggle("dot--here", [...people].some((id) => id !== me.id));
}

// A direct room is called after its people; one leaves out oneself.
export function titleOf({ kind, name }) {
  if (kind !== "direct") return name;
  return `, ${name}, `.replace(`, ${me.name}, `, ", ").slice(2, -2) || name; // a name may hold a comma itself
}

const entryOf = (id) => component.querySelector(`.sidebar__item[data-room="${CSS.escape(id)}"]`);
const listOf = (kind) => component.querySelector(`[data-list="${kind === "direct" ? "direct" : "rooms"}"]`);
