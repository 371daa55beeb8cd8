// The look of a message that the server does not have yet: the server's own markup, filled with the text as typed.
import { clock, full } from "./times.js";

const template = document.getElementById("pending-message");
const PICTURE = String.raw`(?:\p{Emoji_Presentation}\ufe0f?|\p{Extended_Pictographic}\ufe0f)\p{Emoji_Modifier}?`;
const EMOJI_ONLY = new RegExp(
  String.raw`^(?:\s*(?:[0-9#*]\ufe0f?\u20e3|\p{Regional_Indicator}{2}|${PICTURE}(?:\u200d${PICTURE})*)){1,12}\s*$`,
  "u",
);

// Asks what to do with a failed message; set by room.js, so that this module stays about looks.
export const decisions = { retry() {}, discard() {} };

export function pendingElement(entry) {
  const message = template.content.querySelector(".message").cloneNode(true);
  const at = new Date(entry.at);
  message.id = `m-${entry.clientId}`;
  message.classList.add("message--pending");
  Object.assign(message.dataset, { client: entry.clientId, at: at.toISOString() });
  for (const name of ["id", "seq", "rev"]) delete message.dataset[name];
  message.querySelector(".message__at").removeAttribute("href");
  const time = message.querySelector("time");
  Object.assign(time, { dateTime: at.toISOString(), title: full(at), textContent: clock(at) });
  const body = message.querySelector(".body");
  body.replaceChildren(...blocks(entry.content));
  body.classList.toggle("body--emoji", EMOJI_ONLY.test(entry.content));
  if (entry.state === "failed") addState(message, entry);
  else message.setAttribute("aria-busy", "true");
  return message;
}

// Paragraphs, line breaks and fenced code: as much of Markdown as keeps the confirmed message from moving.
function blocks(content) {
  const parts = content.replaceAll("\r\n", "\n").split(/^```[^\n`]*\n([\s\S]*?)(?:\n```[ \t]*$|$(?![\s\S]))/m);
  return parts.flatMap((part, place) => (place % 2 ? [codeBlock(part)] : paragraphs(part)));
}

function paragraphs(text) {
  return text
    .split(/\n{2,}/)
    .filter((part) => part.trim())
    .map((part) => {
      const paragraph = document.createElement("p");
      const lines = part.trim().split("\n");
      paragraph.append(...lines.flatMap((line, row) => (row ? [document.createElement("br"), line] : [line])));
      return paragraph;
    });
}

function codeBlock(text) {
  const block = document.createElement("pre");
  const code = document.createElement("code");
  code.textContent = `${text}\n`;
  block.append(code);
  return block;
}

function addState(message, { clientId, error }) {
  const state = document.createElement("div");
  state.className = "message__state";
  state.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = `Not sent: ${reason(error)}`;
  const retry = button("Retry", () => decisions.retry(clientId));
  state.append(words, retry, button("Discard", () => decisions.discard(clientId)));
  message.classList.add("message--failed");
  message.append(state);
}

// The server names the field in front; here there is but one.
function reason({ code, message } = {}) {
  const known = {
    forbidden: "you may not write here.",
    not_found: "this room is not there any more.",
    too_large: "it is too long.",
    conflict: "something else was sent under its number.",
  };
  return known[code] ?? message?.replace(/^content: /, "") ?? "the server did not take it.";
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}
