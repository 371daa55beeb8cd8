// What one may ask of a message that is spoken piece by piece: to stop, and to be said again. Both are for whoever
// asked, whoever speaks, and those who moderate.
import { ask } from "./connection.js";
import { me, room } from "./page.js";

const stopTemplate = document.getElementById("message-stop");
const againTemplate = document.getElementById("message-again");
const asked = new WeakSet(); // messages of which something was asked
let receive;

// `take(message)` places what the server answers.
export function start(take) {
  receive = take;
}

const mayDirect = ({ dataset }) =>
  Boolean(dataset.gen) && (room.isModerator || [dataset.author, dataset.asker].includes(String(me.id)));

export const mayRepeat = (message) =>
  mayDirect(message) && !room.isArchived && !message.matches(".message--growing, .message--removed");

// Gives a message what this reader may do to it without looking for it.
export function equip(message) {
  if (message.matches(".message--growing") && mayDirect(message)) {
    message.querySelector(".message__head").append(button(stopTemplate, () => stop(message)));
  }
  const note = message.querySelector(".message__note");
  if (note && mayRepeat(message)) note.append(" ", button(againTemplate, () => repeat(message)));
}

function button(template, act) {
  const made = template.content.querySelector("button").cloneNode(true);
  made.addEventListener("click", act);
  return made;
}

// The end itself comes to everybody alike.
async function stop(message) {
  const pressed = message.querySelector(".message__stop");
  await trying(message, pressed, "Stopping…", () => ask("stopStream", named(message)));
}

export async function repeat(message) {
  const pressed = message.querySelector(".message__again");
  const answer = await trying(message, pressed, "Asking…", () => ask("repeatStream", named(message)));
  if (answer) receive(answer.message);
}

const named = ({ dataset }) => ({ messageId: Number(dataset.id), gen: Number(dataset.gen) });

// Says what is being done, and beside the message why it could not be done.
async function trying(message, pressed, words, act) {
  if (asked.has(message)) return null;
  asked.add(message);
  const before = pressed?.textContent;
  message.querySelector(".message__state")?.remove();
  if (pressed) pressed.textContent = words;
  try {
    return await act();
  } catch (error) {
    tell(message, error.message);
    if (pressed) pressed.textContent = before;
    asked.delete(message);
    return null;
  }
}

function tell(message, words) {
  const state = document.createElement("p");
  state.className = "message__state";
  state.setAttribute("role", "alert");
  state.textContent = words;
  message.append(state);
}
