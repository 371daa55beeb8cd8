// The tools on a message: one set, moved to the message under the pointer or the focus. Everything in it can be reached
// by keyboard through the time of a message, which is a link.
import { ask } from "./connection.js";
import { confirmed } from "./confirm.js";
import * as editor from "./editor.js";
import * as log from "./log.js";
import { room } from "./page.js";
import { box } from "./scroll.js";

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
  part("edit").hidden = !isMine || room.isArchived;
  part("remove").hidden = !(isMine || room.isModerator) || room.isArchived;
  message.querySelector(".message__head").after(tools);
}

function hide() {
  if (!tools.contains(document.activeElement)) tools.remove();
}

function pressed({ target }) {
  const action = target.closest("button")?.dataset.action;
  const message = tools.closest(".message");
  if (action === "copy-link") copyLink(message);
  if (action === "edit") edit(message);
  if (action === "remove") remove(message);
}

export function edit(message) {
  // Removing what has the focus tells so, and whoever hears it would remove it once more.
  if (tools.contains(document.activeElement)) document.activeElement.blur();
  tools.remove();
  editor.open(message, receive);
}

async function copyLink(message) {
  const { href } = message.querySelector(".message__at");
  const copied = await copy(href);
  const button = part("copy-link");
  button.dataset.done = "";
  button.ariaLabel = copied ? "Link copied" : "Copying was refused";
  button.title = button.ariaLabel;
  setTimeout(() => {
    delete button.dataset.done;
    button.ariaLabel = button.title = "Copy link";
  }, DONE_MS);
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
