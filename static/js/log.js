// The messages on the page: a window without holes onto the room's history, ordered by `seq`, never by arrival. Knows
// nothing of the network.
import { arrange, arrangeAll, renameDays } from "./grouping.js";
import { me } from "./page.js";
import { pendingElement } from "./pending.js";
import { box, inView, isAtEnd, isLatest, keepStill, letGrow, list, newer, toEnd } from "./scroll.js";
import { eachMidnight } from "./times.js";

const SHOWN_MAX = 600; // messages; beyond it the far end is cut off, to be loaded again when one scrolls there
const SHOWN_KEPT = 400;

const older = box?.querySelector(".log__page--older");
const replaced = new Set();
const made = new Set();
const FOCUSED = [".message__stop", ".message__at", ".message__again", ".message-actions button:not([hidden])"];

export const hasOlder = () => !older.hidden;
export const messages = () => [...list.querySelectorAll(".message:not(.message--pending)")];
export const messageOf = (id) => list.querySelector(`.message[data-id="${Number(id)}"]:not(.message--pending)`);
export const lowest = () => seqOf(list.querySelector(".message:not(.message--pending)"));
export const highest = () => seqOf(messages().at(-1));
export const onReplaced = (listener) => replaced.add(listener);
// Calls `listener(element)` with each message before it comes onto the page.
export const onMade = (listener) => made.add(listener);

export function start() {
  arrangeAll(messages());
  eachMidnight(() => renameDays(list));
}

export function myLast() {
  return messages().findLast((message) => isMine(message) && !message.matches(".message--removed, .message--growing"));
}

export const isMine = (message) => Number(message.dataset.author) === me.id;

// Shows `message` where it belongs, or as it is now. "new" when it was not there, "beyond" when it lies past the
// window's end, "" when nothing is to be done.
export function place(message) {
  const held = messageOf(message.id);
  if (held) {
    if (Number(held.dataset.rev) < message.rev) replace(held, parse(message.html));
    return "";
  }
  const end = highest();
  if (message.seq > end && !isLatest()) return "beyond";
  if (message.seq < end && message.seq < lowest() && hasOlder()) return "";
  insert(message);
  return "new";
}

function insert(message) {
  const fresh = parse(message.html);
  const pending = message.author.id === me.id && pendingOf(message.clientId);
  const stayPut = isAtEnd();
  keepStill(() => {
    if (pending) keepFace(pending, fresh);
    pending?.remove?.();
    const after = firstAfter(message.seq);
    if (after) after.before(fresh);
    else list.append(fresh);
    arrange(fresh);
    arrangeAll(pendings());
  });
  if (stayPut) trimOldest();
  else if (messages().length > SHOWN_MAX) keepStill(trimFarEnd);
}

// The first element that stands behind a message with this `seq`: a later one, or the first that is still pending.
function firstAfter(seq) {
  let found = null;
  for (const message of [...list.querySelectorAll(".message")].reverse()) {
    if (!message.matches(".message--pending") && seqOf(message) < seq) break;
    found = message;
  }
  return found;
}

function replace(held, fresh) {
  const { activeElement } = document;
  const focused = held.contains(activeElement) && FOCUSED.find((kind) => activeElement.matches(kind));
  const change = held.matches(".message--growing") ? letGrow : keepStill;
  change(() => {
    keepFace(held, fresh);
    held.replaceWith(fresh);
    arrange(fresh);
    for (const listener of replaced) listener(held, fresh);
  });
  if (focused) (fresh.querySelector(focused) ?? fresh.querySelector(".message__at")).focus({ preventScroll: true });
}

// A picture that is shown already does not blink.
function keepFace(held, fresh) {
  const [shown, next] = [held, fresh].map((message) => message.querySelector(".face"));
  if (shown && next && shown.getAttribute("src") === next.getAttribute("src")) next.replaceWith(shown);
}

export function prepend(page, more) {
  keepStill(() => {
    list.prepend(...page.map(({ html }) => parse(html)));
    older.hidden = !more;
    box.querySelector(".log__start").hidden = more;
    arrangeAll(messages().slice(0, page.length + 1));
    trimNewest();
  });
}

export function append(page, more) {
  keepStill(() => {
    for (const message of page) if (!messageOf(message.id)) list.append(parse(message.html));
    newer.hidden = !more;
    arrangeAll(messages().slice(-page.length - 1));
    trimOldest();
  });
}

// Forgets what is shown and shows the newest page instead.
export function reset(page, more) {
  list.replaceChildren(...page.map(({ html }) => parse(html)));
  newer.hidden = true;
  older.hidden = !more;
  box.querySelector(".log__start").hidden = more;
  arrangeAll(messages());
  toEnd();
}

// --- Messages of one's own that the server does not have yet

export const pendings = () => [...list.querySelectorAll(".message--pending")];
export const pendingOf = (clientId) => pendings().find((one) => one.dataset.client === clientId) ?? null;

export function showPending(entry) {
  const held = pendingOf(entry.clientId);
  const fresh = pendingElement(entry);
  keepStill(() => {
    if (held) held.replaceWith(fresh);
    else list.append(fresh);
    arrange(fresh);
  });
}

export function dropPending(clientId) {
  keepStill(() => {
    pendingOf(clientId)?.remove();
    arrangeAll(pendings());
    dropLastDays();
  });
}

// --- Keeping the page small

// Around somebody who reads further up the page does not grow for ever either.
function trimFarEnd() {
  const shown = messages();
  const read = shown.indexOf(inView());
  if (read !== -1 && read < shown.length / 2) trimNewest();
  else trimOldest();
}

function trimOldest() {
  const shown = messages();
  if (shown.length <= SHOWN_MAX) return;
  for (const message of shown.slice(0, shown.length - SHOWN_KEPT)) message.remove();
  while (list.firstElementChild?.matches(".day")) list.firstElementChild.remove();
  arrangeAll(messages().slice(0, 1));
  older.hidden = false;
  box.querySelector(".log__start").hidden = true;
}

function trimNewest() {
  const shown = messages();
  if (shown.length <= SHOWN_MAX) return;
  for (const message of [...shown.slice(SHOWN_KEPT), ...pendings()]) message.remove();
  dropLastDays();
  newer.hidden = false;
}

function dropLastDays() {
  while (list.lastElementChild?.matches(".day")) list.lastElementChild.remove();
}

// The one way markup comes into the page: what the server rendered and sanitised.
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const message = template.content.querySelector(".message");
  for (const listener of made) listener(message);
  return message;
}

const seqOf = (message) => Number(message?.dataset.seq ?? 0);
