// Who is here, in the head of the room: faces, a number, and the names when opened.
import { get } from "./api.js";
import { room } from "./page.js";
import { watchAgain } from "./sidebar.js";

const FACES = 3;
const NAMED_MAX = 100; // the server names no more
const ASK_AGAIN_MS = 2_500; // while it is not known, or names and number differ; up to twice that

const component = document.querySelector('[data-component="presence"]');
let here = new Map(); // id → user
let count = null; // people; null: the server does not know now
let asking = null; // a timer

export function start() {
  document.addEventListener("click", (event) => {
    if (!component.contains(event.target)) component.open = false;
  });
  component.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !component.open) return;
    component.open = false;
    component.querySelector("summary").focus();
  });
}

// The server could not tell, or a word of it was lost: ask, a little later, and not all browsers at once.
function askWhereWrong() {
  const isRight = count !== null && (here.size === count || count > NAMED_MAX);
  if (isRight) asking = clearTimeout(asking);
  else asking ??= setTimeout(ask, ASK_AGAIN_MS * (1 + Math.random()));
}

async function ask() {
  const online = await get(`/sessions/${room.id}/online`).catch(() => null);
  asking = null;
  const isKnownAgain = count === null && (online?.count ?? null) !== null;
  if (online) set(online);
  else askWhereWrong();
  if (isKnownAgain) watchAgain();
}

export function set(online) {
  here = new Map(online.users.map((user) => [user.id, user]));
  count = online.count;
  show();
}

export function came({ user, count: now }) {
  here.set(user.id, user);
  count = now;
  show();
}

export function went({ user, count: now }) {
  here.delete(user.id);
  count = now;
  show();
}

// In a crowd only the number is told.
export function counted({ count: now }) {
  count = now;
  show();
}

function show() {
  askWhereWrong();
  const users = [...here.values()];
  const people = component.querySelector(".presence__people");
  const more = component.querySelector(".presence__more");
  component.dataset.count = count ?? "";
  component.querySelector(".presence__count").textContent = count === null ? "Presence unknown" : `${count} here`;
  component.querySelector(".presence__faces").replaceChildren(...users.slice(0, FACES).map(face));
  people.replaceChildren(...users.map(row));
  more.hidden = count !== null && count <= users.length;
  more.textContent = count === null ? "Who is here cannot be told right now." : `and ${count - users.length} more`;
}

function face(user) {
  const image = new Image(24, 24);
  image.className = "face face--tiny";
  image.alt = "";
  image.src = user.avatarUrl;
  return image;
}

function row(user) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  item.dataset.user = user.id;
  name.textContent = user.name;
  item.append(face(user), name);
  return item;
}
