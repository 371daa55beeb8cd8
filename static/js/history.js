// Loads what lies beyond the messages on the page, in both directions, while one scrolls there; and leads back down.
import { messagesOf } from "./api.js";
import * as log from "./log.js";
import { room } from "./page.js";
import { standAt } from "./sync.js";

const PAGE = 50; // messages
const EARLY_PX = 900; // how far from an edge loading begins
const FAR_PX = 400; // from the end: beyond it, the way down is offered
const RETRY_MS = 3_000;

const down = document.querySelector(".log__down");
const homeUrl = `/rooms/${room?.id}`;
const newest = new Set(); // called when the page has come to show the present
let loading = false;
let pausedUntil = 0;
let beyond = 0; // the highest seq known to lie past the window's end

export const onLatest = (listener) => newest.add(listener);

export function start() {
  log.box.addEventListener("scroll", scrolled, { passive: true });
  for (const link of log.box.querySelectorAll("[data-history]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      pausedUntil = 0;
      load(link.dataset.history);
    });
  }
  down.addEventListener("click", (event) => {
    event.preventDefault();
    if (log.isLatest()) log.toEnd(true);
    else goLatest();
  });
  scrolled();
}

// Something new lies below what is being read, or past the window's end.
export function somethingNew(seq = 0) {
  beyond = Math.max(beyond, seq);
  if (log.isAtEnd()) return;
  down.dataset.new = "";
  offerWayDown();
}

// Leaves the past: shows the newest page. Answers whether it could.
export async function goLatest() {
  try {
    const page = await messagesOf(room.id, { limit: PAGE });
    log.reset(page.messages, page.hasMore);
    standAt(page.lastRev);
    arrived();
    return true;
  } catch {
    return false;
  }
}

function scrolled() {
  offerWayDown();
  if (loading || Date.now() < pausedUntil) return;
  const { scrollTop, scrollHeight, clientHeight } = log.box;
  if (log.hasOlder() && scrollHeight + scrollTop - clientHeight < EARLY_PX) load("older");
  else if (!log.isLatest() && -scrollTop < EARLY_PX) load("newer");
}

async function load(direction) {
  if (loading) return;
  loading = true;
  log.box.setAttribute("aria-busy", "true");
  try {
    if (direction === "older") await loadOlder();
    else await loadNewer();
  } catch {
    pausedUntil = Date.now() + RETRY_MS;
    setTimeout(scrolled, RETRY_MS);
  } finally {
    loading = false;
    log.box.removeAttribute("aria-busy");
  }
  requestAnimationFrame(scrolled);
}

async function loadOlder() {
  const page = await messagesOf(room.id, { before: log.lowest(), limit: PAGE });
  log.prepend(page.messages, page.hasMore);
}

async function loadNewer() {
  const page = await messagesOf(room.id, { after: log.highest(), limit: PAGE });
  const end = page.messages.at(-1)?.seq ?? log.highest();
  // Said while the page was on its way: heard of, and not in it.
  log.append(page.messages, page.hasMore || end < beyond);
  if (log.isLatest()) arrived();
}

function arrived() {
  history.replaceState(null, "", homeUrl);
  for (const listener of newest) listener();
  offerWayDown();
}

function offerWayDown() {
  if (log.isAtEnd()) delete down.dataset.new;
  const isNew = "new" in down.dataset;
  down.hidden = log.isLatest() && !isNew && log.box.scrollTop > -FAR_PX;
  down.querySelector(".log__down-text").textContent = isNew ? "New messages" : "Latest messages";
}
