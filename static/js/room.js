// The open room: wires the messages, the composer, typing and presence to the connection.
import * as actions from "./message_actions.js";
import * as composer from "./composer.js";
import { hear, isConnected, onConnected } from "./connection.js";
import * as editor from "./editor.js";
import * as growing from "./growing.js";
import * as history from "./history.js";
import { onJoined } from "./joins.js";
import * as log from "./log.js";
import * as outbox from "./outbox.js";
import { me, room } from "./page.js";
import { decisions } from "./pending.js";
import * as presence from "./presence.js";
import { isAtEnd, isLatest, toEnd } from "./scroll.js";
import { titleOf } from "./sidebar.js";
import * as streamTools from "./stream_tools.js";
import * as sync from "./sync.js";
import * as typing from "./typing.js";

const MUCH = 400; // missed messages: instead of so many the newest page is shown, the rest is loaded when scrolled to
const RETRY_MS = 1_500;
const GONE_MS = 3_000; // how long a bubble waits for its message after another tab had it acknowledged

// What can be done before the first paint.
export function arrange() {
  growing.arrange();
  log.start();
  showTarget();
  if (isLatest()) showPendings();
}

export function start() {
  sync.start(room, receive, missedMuch, growing.streams);
  history.start();
  history.onLatest(showPendings);
  presence.start();
  editor.start();
  actions.start(receive);
  streamTools.start(receive);
  composer.start({ send, editLast });
  for (const button of room.element.querySelectorAll("[data-fill]")) {
    button.addEventListener("click", () => composer.fill(button.dataset.fill));
  }
  Object.assign(decisions, { retry: decided(outbox.retry), discard: decided(outbox.discard) });
  outbox.onChange(outboxChanged);
  listen();
  onConnected(enter);
  document.addEventListener("visibilitychange", () => document.hidden || sync.wake());
}

function listen() {
  const here = (act) => (event) => event.sessionId === room.id && act(event);
  const changed = here(({ message, rev }) => {
    receive(message);
    sync.follow(rev);
  });
  hear("newMessage", changed);
  hear("messageUpdated", changed);
  hear("streamComplete", changed);
  hear("streamChunk", here((chunk) => growing.streams.chunk(chunk)));
  hear("streamStatus", here((status) => growing.streams.status(status)));
  hear("typing", here(typing.hear));
  hear("userOnline", here(presence.came));
  hear("userOffline", here(presence.went));
  hear("presence", here(presence.counted));
  hear("sessionUpdated", ({ session }) => session.id === room.id && rename(session));
  onJoined((sessionId, { online }) => sessionId === room.id && presence.set(online));
}

async function enter() {
  try {
    rename((await sync.enter()).session);
  } catch ({ code }) {
    if (code === "not_found" || code === "forbidden") location.assign("/");
    else if (isConnected()) setTimeout(enter, RETRY_MS);
  }
}

function receive(message) {
  outbox.settle(message);
  history.heard(message);
  growing.heard(message);
  const placed = log.place(message);
  if (!placed) return;
  typing.end(message.author.id);
  if (message.author.id !== me.id) history.somethingNew();
}

function send(content) {
  outbox.add(room.id, content);
  if (isLatest()) toEnd();
  else history.goLatest();
}

function editLast() {
  const message = log.myLast();
  if (message) actions.edit(message);
  return Boolean(message);
}

// The button that was pressed goes with what it stood on.
const decided = (act) => (clientId) => {
  act(clientId);
  composer.takeFocus();
};

function outboxChanged({ kind, entry, message }) {
  if (entry.roomId !== room.id) return;
  if (kind === "sent") return receiveOwn(message);
  if (kind === "gone") return void setTimeout(() => log.dropPending(entry.clientId), GONE_MS);
  if (kind === "discarded") return log.dropPending(entry.clientId);
  if (isLatest()) showPending(entry);
}

function receiveOwn(message) {
  history.heard(message);
  log.place(message);
  log.dropPending(message.clientId); // where its message lies outside the window, nothing took its place
  sync.follow(message.rev);
}

function showPendings() {
  for (const entry of outbox.entries(room.id)) showPending(entry);
}

// One that waits and is on the page already was sent after all: its acknowledgement was lost, or what another tab told
// came late. (One that failed may be another text under the same id, which is nowhere else.)
function showPending(entry) {
  const said = log.messages().some((one) => log.isMine(one) && one.dataset.client === entry.clientId);
  if (said && entry.state === "waiting") outbox.discard(entry.clientId);
  else log.showPending(entry);
}

function showTarget() {
  const target = log.messageOf(room.element.dataset.target);
  if (!target) return;
  target.classList.add("message--target");
  target.scrollIntoView({ block: "center" });
  addEventListener("pointerdown", () => target.classList.remove("message--target"), { once: true });
}

// Answers whether the newest page was shown instead of everything missed.
function missedMuch({ lastSeq }) {
  return isAtEnd() && lastSeq - log.highest() > MUCH && history.goLatest();
}

function rename(session) {
  if (session.archived !== undefined && session.archived !== room.isArchived) return location.reload();
  const title = titleOf(session);
  if (title) {
    room.element.querySelector(".head__name").textContent = title;
    document.title = document.title.replace(/^.* · /, () => `${title} · `);
    composer.nameRoom(`Message ${title}`);
  }
  room.element.querySelector(".head__topic").textContent = session.topic;
}
