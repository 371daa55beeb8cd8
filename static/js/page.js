// What the server wrote into the page about whom it was made for.
const body = document.body.dataset;

export const me = { id: Number(body.person), name: body.personName };

// How this browser may connect; the server names what it takes, WebSocket first. None: the page works as without scripts.
export const transports = body.transports.split(" ").filter((one) => one !== "websocket" || "WebSocket" in globalThis);

export const onTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

const main = document.querySelector('[data-component="room"]');

// The open room, or null on other pages.
export const room = main && {
  element: main,
  id: main.dataset.room,
  kind: main.dataset.kind,
  isModerator: main.dataset.moderator === "1",
  isArchived: main.dataset.archived === "1",
  lastRev: Number(main.dataset.lastRev),
};
