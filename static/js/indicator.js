// Says in words what the connection is doing; silent while all is well, and for the blink of an eye.
import { tryNow, watchState } from "./connection.js";
import { countWaiting, onChange } from "./outbox.js";

const GRACE_MS = 700;

let line;
let now;
let state = { name: "connected" };
let since = Date.now();
let ticking;

export function start() {
  const component = document.querySelector('[data-component="indicator"]');
  line = component.querySelector(".indicator__line");
  now = component.querySelector(".indicator__now");
  now.addEventListener("click", () => (state.name === "signed-out" ? location.reload() : tryNow()));
  watchState((next) => {
    if (state.name === "connected" || next.name === "connected") since = Date.now();
    state = next;
    show();
  });
  onChange(show);
}

function show() {
  clearTimeout(ticking);
  if (state.name === "connected") return say("");
  const early = GRACE_MS - (Date.now() - since);
  const patient = state.name === "connecting" && state.first ? early + 3_000 : early;
  if (state.name !== "offline" && patient > 0) {
    ticking = setTimeout(show, patient);
    return;
  }
  if (state.name === "waiting") ticking = setTimeout(show, 1_000);
  say(...words());
}

function words() {
  switch (state.name) {
    case "offline":
      return ["You are offline", "", waiting() || " — what you write waits here"];
    case "signed-out":
      return ["You are signed out", "", waiting("when you are back")];
    case "waiting":
      return ["Reconnecting", ` in ${Math.max(1, Math.ceil((state.at - Date.now()) / 1_000))} s`, waiting()];
    default:
      return [state.first ? "Connecting" : "Reconnecting", "…", waiting()];
  }
}

function waiting(when = "") {
  const count = countWaiting();
  if (!count) return "";
  const what = count === 1 ? "1 message is" : `${count} messages are`;
  return ` — ${what} waiting here and will be sent${when && ` ${when}`}`;
}

// The seconds count down for the eye alone; read aloud each second they would drown everything else.
function say(what, seconds = "", rest = "") {
  now.hidden = !["waiting", "signed-out"].includes(state.name) || !what;
  now.textContent = state.name === "signed-out" ? "Sign in" : "Try now";
  if (!what) return line.replaceChildren();
  const [head, count, tail] = line.childNodes.length === 3 ? line.childNodes : fresh();
  if (head.data !== what) head.data = what;
  count.textContent = seconds;
  if (tail.data !== rest) tail.data = rest;
}

function fresh() {
  const count = document.createElement("span");
  count.ariaHidden = "true";
  line.replaceChildren(new Text(""), count, new Text(""));
  return line.childNodes;
}
