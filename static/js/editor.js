// Edits a message where it stands. What others do to the message meanwhile does not take the text away.
import { messagesOf } from "./api.js";
import { focus as focusComposer, grow } from "./composer.js";
import { ask } from "./connection.js";
import * as log from "./log.js";
import { onTouch, room } from "./page.js";
import { keepStill } from "./scroll.js";

const template = document.getElementById("message-editor");
let form = null;

export function start() {
  log.onReplaced((held, fresh) => {
    if (!form || !held.contains(form)) return;
    if (fresh.matches(".message--removed")) form = null;
    else attach(fresh);
  });
}

// `receive(message)` places what the server answers.
export async function open(message, receive) {
  if (form) close();
  form = template.content.querySelector(".editor").cloneNode(true);
  const area = form.querySelector(".editor__text");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(receive);
  });
  form.querySelector('[data-action="cancel"]').addEventListener("click", close);
  area.addEventListener("keydown", pressed);
  area.addEventListener("input", () => grow(area));
  area.disabled = true;
  keepStill(() => attach(message));
  await fill(area, message);
}

// The Markdown as it was written is not on the page; the server has it.
async function fill(area, message) {
  try {
    const before = Number(message.dataset.seq) + 1;
    const { messages } = await messagesOf(room.id, { before, limit: 1 });
    keepStill(() => (area.value = messages[0].content));
    area.disabled = false;
    keepStill(() => grow(area));
    area.focus();
    form?.scrollIntoView({ block: "nearest" });
  } catch (error) {
    say(error.message);
  }
}

async function save(receive) {
  const message = form.closest(".message");
  const content = form.querySelector(".editor__text").value.trimEnd();
  if (!content) return say("A message cannot be empty. You can remove it instead.");
  try {
    const answer = await ask("editMessage", { messageId: Number(message.dataset.id), content });
    close();
    receive(answer.message);
  } catch (error) {
    say(`Not saved: ${error.message}`);
  }
}

function pressed(event) {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close();
  } else if (event.key === "Enter" && !breaksLine(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
}

// As in the composer: a soft keyboard has no Shift+Enter.
const breaksLine = ({ shiftKey, altKey, ctrlKey, metaKey }) => shiftKey || altKey || (onTouch && !ctrlKey && !metaKey);

function attach(message) {
  message.classList.add("message--editing");
  message.append(form);
}

function close() {
  const message = form?.closest(".message");
  keepStill(() => {
    message?.classList.remove("message--editing");
    form?.remove();
  });
  form = null;
  focusComposer();
}

const say = (words) => form && (form.querySelector(".editor__note").textContent = words);
