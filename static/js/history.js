// Loads what lies beyond the messages on the page, in both directions, while one scrolls there; and leads back down.
import { messagesOf } from "./api.js";
import { takeFocus } from "./composer.js";
import * as log from "./log.js";
import { room } from "./page.js";
import { box, isAtEnd, isLatest, toEnd } from "./scroll.js";
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
let resets = 0; // a page asked for before the window was thrown away does not fit the new one
const underway = new Set(); // for each page on its way, what was heard meanwhile: that may be newer

export const onLatest = (listener) => newest.add(listener);

export function start() {
  box.addEventListener("scroll", scrolled, { passive: true });
  for (const link of box.querySelectorAll("[data-history]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      pausedUntil = 0;
      load(link.dataset.history);
    });
  }
  down.addEventListener("click", (event) => {
    event.preventDefault();
    if (isLatest()) toEnd(true);
    else goLatest();
  });
  if (box.scrollHeight > box.clientHeight) offerWayDown();
  else scrolled();
}

// A message was heard of, by whatever way.
export function heard(message) {
  for (const meanwhile of underway) meanwhile.add(message);
}

// Something new lies below what is being read, or past the window's end.
export function somethingNew() {
  if (isAtEnd()) return;
  down.dataset.new = "";
  offerWayDown();
}

// Leaves the past: shows the newest page. Answers whether it could.
export async function goLatest() {
  try {
    await fetchPage({ limit: PAGE }, (page) => {
      resets += 1;
      log.reset(page.messages, page.hasMore);
      standAt(page.lastRev);
    });
    arrived();
    return true;
  } catch {
    return false;
  }
}

function scrolled() {
  offerWayDown();
  if (loading || Date.now() < pausedUntil) return;
  const { scrollTop, scrollHeight, clientHeight } = box;
  if (log.hasOlder() && scrollHeight + scrollTop - clientHeight < EARLY_PX) load("older");
  else if (!isLatest() && -scrollTop < EARLY_PX) load("newer");
}

async function load(direction) {
  if (loading) return;
  loading = true;
  box.setAttribute("aria-busy", "true");
  try {
    if (direction === "older") await loadOlder();
    else await loadNewer();
  } catch {
    pausedUntil = Date.now() + RETRY_MS;
    setTimeout(scrolled, RETRY_MS);
  } finally {
    loading = false;
    box.removeAttribute("aria-busy");
  }
  requestAnimationFrame(scrolled);
}

// A page fits only the edge it was asked for: meanwhile the window may have been cut there.
async function loadOlder() {
  const edge = log.lowest();
  await fetchPage({ before: edge, limit: PAGE }, (page) => {
    if (log.lowest() === edge) log.prepend(page.messages, page.hasMore);
  });
}

async function loadNewer() {
  const edge = log.highest();
  await fetchPage({ after: edge, limit: PAGE }, (page) => {
    if (log.highest() === edge) log.append(page.messages, page.hasMore);
  });
  if (isLatest()) arrived();
}

async function fetchPage(query, show) {
  const meanwhile = new Set();
  const before = resets;
  underway.add(meanwhile);
  try {
    const page = await messagesOf(room.id, query);
    if (before !== resets) return;
    show(page);
    for (const message of meanwhile) log.place(message);
  } finally {
    underway.delete(meanwhile);
  }
}

function arrived() {
  history.replaceState(null, "", homeUrl);
  for (const listener of newest) listener();
  offerWayDown();
}

function offerWayDown() {
  if (isAtEnd()) delete down.dataset.new;
  const isNew = "new" in down.dataset;
  const hadFocus = down === document.activeElement;
  down.hidden = isLatest() && !isNew && box.scrollTop > -FAR_PX;
  if (hadFocus && down.hidden) takeFocus();
  down.querySelector(".log__down-text").textContent = isNew ? "New messages" : "Latest messages";
}
