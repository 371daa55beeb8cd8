// Shows messages while they are being said: as plain text, all of them written once a frame, without moving what is
// being read. How it ends comes as any other message does, rendered by the server.
import * as log from "./log.js";
import { letGrow, list } from "./scroll.js";
import { equip } from "./stream_tools.js";
import { Streams } from "./streams.js";
import { missing } from "./sync.js";

export const streams = new Streams({ grew, missing });

const shown = new Map(); // message id → {message, gen, text (its node)} on the page
const grown = new Set(); // ids of those that have more to show
let frame;

// What the page has at first, before it is painted.
export function arrange() {
  for (const message of list.querySelectorAll(".message[data-gen]")) adopt(message);
  log.onMade(adopt);
}

// A message was heard of; it may lie outside of what the page shows.
export function heard({ id, gen, status }) {
  if (gen) streams.seen({ messageId: id, gen, status });
}

function adopt(message) {
  const { status, gen } = message.dataset;
  if (!gen) return;
  const messageId = Number(message.dataset.id);
  const place = Number(message.dataset.place) || undefined;
  const isGrowing = message.matches(".message--growing");
  const body = message.querySelector(".body");
  streams.seen({ messageId, gen: Number(gen), status, text: isGrowing ? body.textContent : "", place });
  equip(message);
  if (!isGrowing) return void shown.delete(messageId);
  const text = body.firstChild ?? body.appendChild(new Text());
  shown.set(messageId, { message, gen: Number(gen), text, place });
  write(messageId);
}

function grew(messageId) {
  grown.add(messageId);
  frame ??= requestAnimationFrame(writeAll);
}

function writeAll() {
  frame = undefined;
  const ids = [...grown].filter(hasMore);
  grown.clear();
  if (ids.length) letGrow(() => ids.forEach(write));
}

function pair(messageId) {
  const on = shown.get(messageId);
  const said = streams.get(messageId);
  return on && said?.gen === on.gen ? { on, said } : {};
}

function hasMore(messageId) {
  const { on, said } = pair(messageId);
  return on && (said.text.length > on.text.length || said.status !== on.message.dataset.status || said.place !== on.place);
}

function write(messageId) {
  const { on, said } = pair(messageId);
  if (!on) return;
  on.text.appendData(said.text.slice(on.text.length));
  on.message.dataset.status = said.status;
  if (said.place === on.place) return;
  on.place = said.place;
  on.message.querySelector(".message__note")?.replaceChildren(inLine(said.place));
}

// The same words as in _message.html.
function inLine(place) {
  if (!place) return "Waiting for its turn";
  return `Waiting for its turn: ${place === 1 ? "it is next" : `number ${place} in line`}`;
}
