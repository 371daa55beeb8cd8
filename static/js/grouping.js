// What each reader sees in his own way in messages that are the same for all: which are his, which follow one of the
// same author, where a day begins, and local times.
import { me } from "./page.js";
import { clock, dayName, full, sameDay } from "./times.js";

const TOGETHER_MS = 5 * 60_000;

// Arranges a message and the one after it; called whenever something comes or goes between two messages.
export function arrange(message) {
  settle(message);
  const next = neighbour(message, "nextElementSibling");
  if (next) settle(next);
}

// After something between `message` and its predecessor was taken away.
export function arrangeAll(messages) {
  for (const message of messages) settle(message);
}

export function renameDays(list) {
  for (const day of list.querySelectorAll(".day")) day.textContent = dayName(new Date(day.dataset.at));
}

function settle(message) {
  const at = new Date(message.dataset.at);
  const before = neighbour(message, "previousElementSibling");
  const sameDate = before && sameDay(new Date(before.dataset.at), at);
  const isClose = before && Math.abs(at - new Date(before.dataset.at)) < TOGETHER_MS;
  const isAlike = before?.dataset.author === message.dataset.author && !message.dataset.gen; // an answer stands alone
  const follows = Boolean(sameDate && isClose && isAlike);
  message.classList.toggle("message--mine", Number(message.dataset.author) === me.id);
  message.classList.toggle("message--follows", follows);
  divide(message, !sameDate, at);
  tellTime(message, at);
  makeReachable(message);
}

function divide(message, begins, at) {
  let day = message.previousElementSibling;
  while (day?.matches(".day") && (!begins || day.previousElementSibling?.matches(".day"))) {
    day.remove();
    day = message.previousElementSibling;
  }
  if (!begins) return;
  if (!day?.matches(".day")) {
    day = document.createElement("h3");
    day.className = "day";
    message.before(day);
  }
  day.dataset.at = message.dataset.at;
  day.textContent = dayName(at);
}

function tellTime(message, at) {
  const time = message.querySelector(".message__at time");
  const text = clock(at);
  if (time.textContent === text) return;
  time.textContent = text;
  time.title = full(at);
}

// A code block or a table that scrolls sideways must scroll by keyboard too.
function makeReachable(message) {
  for (const box of message.querySelectorAll(".body :is(pre, table)")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

function neighbour(message, direction) {
  let other = message[direction];
  while (other && !other.matches(".message")) other = other[direction];
  return other;
}
