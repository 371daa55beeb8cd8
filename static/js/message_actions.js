// The tools on a message: one set, moved to the message under the pointer or the focus. Everything in it can be reached
// by keyboard through the time of a message, which is a link.
import { messagesOf } from "./api.js";
import { ask } from "./connection.js";
import { confirmed } from "./confirm.js";
import * as editor from "./editor.js";
import { streams } from "./growing.js";
import * as log from "./log.js";
import { room } from "./page.js";
import { box } from "./scroll.js";
import { mayRepeat, repeat } from "./stream_tools.js";

const DONE_MS = 1_500;
const QUOTED = 200; // characters shown of what is about to be removed

const tools = document.getElementById("message-actions")?.content.querySelector(".message-actions").cloneNode(true);
let receive;

// `take(message)` places what the server answers.
export function start(take) {
  receive = take;
  box.addEventListener("pointerover", (event) => event.pointerType !== "touch" && show(event.target));
  box.addEventListener("focusin", (event) => show(event.target));
  box.addEventListener("click", (event) => !event.target.closest("a, button, textarea") && show(event.target));
  box.addEventListener("pointerleave", hide);
  box.addEventListener("focusout", (event) => !box.contains(event.relatedTarget) && hide());
  log.onReplaced((held, fresh) => held.contains(tools) && attach(fresh));
  tools.addEventListener("click", pressed);
}

function show(target) {
  const message = target.closest?.(".message");
  if (!message || message.matches(".message--pending, .message--removed, .message--editing")) return hide();
  if (!message.contains(tools)) attach(message);
}

function attach(message) {
  if (message.matches(".message--removed")) return hide();
  const isMine = log.isMine(message);
  part("edit").hidden = !isMine || room.isArchived || message.matches(".message--growing");
  part("repeat").hidden = !mayRepeat(message);
  part("remove").hidden = !(isMine || room.isModerator) || room.isArchived;
  message.querySelector(".message__head").after(tools);
}

function hide() {
  if (!tools.contains(document.activeElement)) tools.remove();
}

function pressed({ target }) {
  const action = target.closest("button")?.dataset.action;
  const message = tools.closest(".message");
  if (action === "copy-link") tellCopied(action, copy(message.querySelector(".message__at").href));
  if (action === "copy") tellCopied(action, textOf(message).then(copy));
  if (action === "repeat") repeat(message);
  if (action === "edit") edit(message);
  if (action === "remove") remove(message);
}

export function edit(message) {
  // Removing what has the focus tells so, and whoever hears it would remove it once more.
  if (tools.contains(document.activeElement)) document.activeElement.blur();
  tools.remove();
  editor.open(message, receive);
}

async function tellCopied(action, copying) {
  const button = part(action);
  const { label, copied } = button.dataset;
  button.ariaLabel = button.title = (await copying) ? copied : "Copying was refused";
  button.dataset.done = "";
  setTimeout(() => {
    delete button.dataset.done;
    button.ariaLabel = button.title = label;
  }, DONE_MS);
}

// As it was written, which only the server knows; where it does not answer, as it is shown.
async function textOf(message) {
  const { id, seq } = message.dataset;
  const growing = streams.get(Number(id));
  if (growing) return growing.text;
  const found = await messagesOf(room.id, { before: Number(seq) + 1, limit: 1 }).catch(() => null);
  return found?.messages[0]?.content ?? message.querySelector(".body").innerText;
}

// The clipboard is closed to pages that came by plain http; selecting and copying works there too.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

async function remove(message) {
  const quoted = message.querySelector(".body").textContent.trim().slice(0, QUOTED);
  if (!(await confirmed("Remove this message for everybody?", "Remove", quoted))) return;
  const messageId = Number(message.dataset.id);
  try {
    receive((await ask("removeMessage", { messageId })).message);
  } catch (error) {
    await confirmed("The message was not removed.", "All right", error.message);
  }
}

const part = (action) => tools.querySelector(`[data-action="${action}"]`);
