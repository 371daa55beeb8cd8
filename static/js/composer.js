// Where one writes: Enter sends, Shift+Enter breaks the line, ↑ edits one's last message. The text is kept as a draft
// until the outbox has it.
import { ask } from "./connection.js";
import { draftOf, keepDraft } from "./drafts.js";
import { onTouch, room } from "./page.js";
import { box } from "./scroll.js";

const LONGEST = 10_000; // UTF-16 code units, as `length` counts
const WARN_FROM = 9_500;
const TYPING_EVERY_MS = 1_000;

const form = document.querySelector('[data-component="composer"]');
const text = form?.querySelector(".composer__text");
const note = form?.querySelector(".composer__note");
let saidTypingAt = 0;

export const focus = () => text?.focus({ preventScroll: true });

// Where the focus goes when what had it was taken away. (On touch, focusing the text would bring the keyboard up.)
export const takeFocus = () => (text && !onTouch ? focus() : box.focus({ preventScroll: true }));

// Names the room that one writes to.
export function nameRoom(label) {
  text?.setAttribute("placeholder", label);
  text?.setAttribute("aria-label", label);
}

// Writes a text as if it had been typed.
export function fill(content) {
  if (!text) return;
  text.value = content;
  focus();
  text.dispatchEvent(new Event("input"));
}

// `send(content)` takes the text; `editLast()` is asked for by ↑ in the empty box.
export function start({ send, editLast }) {
  if (!form) return;
  text.value ||= draftOf(room.id);
  if (!onTouch) text.enterKeyHint = "send"; // what Enter does; without scripts, and on touch, it breaks the line
  text.required = false; // the browser's own bubble would appear at Enter in an empty box
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(send);
  });
  text.addEventListener("keydown", (event) => pressed(event, editLast));
  text.addEventListener("input", changed);
  text.addEventListener("blur", stopTyping);
  resize();
  showLength();
  if (!onTouch) focus();
}

function pressed(event, editLast) {
  if (event.isComposing || event.keyCode === 229) return;
  const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (event.key === "Enter" && isPlain && !onTouch) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    form.requestSubmit();
  } else if (event.key === "ArrowUp" && isPlain && !text.value) {
    if (editLast()) event.preventDefault();
  }
}

function submit(send) {
  const content = text.value.trimEnd();
  if (!content || content.length > LONGEST) return focus();
  send(content);
  text.value = "";
  saidTypingAt = 0; // the server ends it when the message comes
  keepDraft(room.id, "");
  resize();
  showLength();
  focus();
}

function changed() {
  keepDraft(room.id, text.value);
  resize();
  showLength();
  if (!text.value) return stopTyping();
  if (Date.now() - saidTypingAt < TYPING_EVERY_MS) return;
  saidTypingAt = Date.now();
  ask("typing", { sessionId: room.id, isTyping: true }).catch(() => {});
}

function stopTyping() {
  if (!saidTypingAt) return;
  saidTypingAt = 0;
  ask("stopTyping", { sessionId: room.id }).catch(() => {});
}

// Browsers that know `field-sizing` do it by themselves.
function resize() {
  grow(text);
}

export function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.blockSize = "auto";
  area.style.blockSize = `${area.scrollHeight}px`;
}

function showLength() {
  const { length } = text.value.trimEnd();
  const over = length - LONGEST;
  const count = (number) => number.toLocaleString("en");
  form.querySelector(".composer__send").disabled = over > 0;
  note.hidden = length <= WARN_FROM;
  const characters = Math.abs(over) === 1 ? "1 character" : `${count(Math.abs(over))} characters`;
  note.textContent = over > 0 ? `${characters} too many: a message holds ${count(LONGEST)}.` : `${characters} left.`;
  note.classList.toggle("composer__note--wrong", over > 0);
}
