// The one socket of the page: asking, hearing, and coming back for ever. The library's own reconnecting is off, because
// its delays would put everybody into the same second after a restart of the server. Here everybody picks a moment of the
// next ten seconds by chance and, where the server is not back by then, comes again a round later: those who failed
// fall between the others of the next round, not on top of them, and the crowd stays as even as it was.
import { me, transports } from "./page.js";
import { io } from "../vendor/socket.io.esm.min.js";

const ASK_TIMEOUT_MS = 10_000;
const OPEN_TIMEOUT_MS = 10_000;
const SOONEST_MS = 500;
const ROUND_MS = 9_500; // all come once in it
const ROUNDS_AT_ONCE = 2; // then every round is twice as long as the one before
const LONGEST_WAIT_MS = 30_000;
const SENT_AWAY_MS = 30_000; // not to the sign-in page twice in that time: it might send us straight back

const socket = io("/chat", {
  autoConnect: false,
  reconnection: false,
  query: { person: me.id }, // by this browser somebody else may have signed in since the page was made
  transports,
  tryAllTransports: true,
  timeout: OPEN_TIMEOUT_MS,
});
const watchers = new Set();
let state = { name: "connecting", first: true };
let failures = 0;
let timer;

// {name: "connecting" | "connected" | "waiting" (until `at`) | "offline" | "signed-out"}
export const currentState = () => state;
export const isConnected = () => socket.connected;
export const hear = (event, listener) => socket.on(event, listener);

// Calls `watch(state)` now and at each change.
export function watchState(watch) {
  watchers.add(watch);
  watch(state);
}

export const onConnected = (listener) => watchState(({ name }) => name === "connected" && listener());

// Asks the server; the answer is its acknowledgement. Rejects with {code, message, field?, retryAfter?}; beside the
// contract's codes there are "timeout" and "disconnected", after which the outcome is not known.
export function ask(event, payload, timeout = ASK_TIMEOUT_MS) {
  return new Promise((resolve, reject) => {
    if (!socket.connected) return reject({ code: "disconnected", message: "There is no connection." });
    socket.timeout(timeout).emit(event, payload, (failure, answer) => {
      if (failure && socket.connected) return reject({ code: "timeout", message: "The server did not answer." });
      if (failure) return reject({ code: "disconnected", message: "The connection was lost." });
      if (answer?.ok) return resolve(answer);
      if (answer?.error?.code === "unauthorized") signInAgain();
      reject(answer?.error ?? { code: "internal", message: "The server gave no answer." });
    });
  });
}

export function start() {
  socket.on("connect", connected);
  socket.on("connect_error", refused);
  socket.on("disconnect", lost);
  addEventListener("online", () => tryIn(Math.random() * 1_000));
  addEventListener("offline", wentOffline);
  addEventListener("pagehide", (event) => event.persisted && socket.disconnect());
  addEventListener("pageshow", (event) => event.persisted && tryNow());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.name !== "connected") tryIn(Math.random() * 500);
  });
  tryNow();
}

export function tryNow() {
  clearTimeout(timer);
  if (socket.connected || state.name === "signed-out") return;
  become({ name: "connecting", first: state.first ?? false });
  socket.connect();
  // The library watches only the way to the server; this, that the server says yes or no.
  timer = setTimeout(() => refused({ message: "no answer" }), 2 * OPEN_TIMEOUT_MS);
}

// For a connection that looks alive and does not answer.
export function restart() {
  socket.disconnect();
  tryNow();
}

function connected() {
  clearTimeout(timer);
  failures = 0;
  become({ name: "connected" });
}

function refused(error) {
  if (error.message === "unauthorized" || error.data?.code === "unauthorized") return signInAgain();
  // Something on the way takes WebSockets and leads them nowhere: the other transport goes first next time.
  if (error.message === "timeout") socket.io.opts.transports.reverse();
  socket.disconnect();
  failures += 1;
  tryIn(Math.min(LONGEST_WAIT_MS, ROUND_MS * 2 ** Math.max(0, failures - ROUNDS_AT_ONCE)));
}

function lost(reason) {
  if (reason === "io client disconnect") return;
  // Sent off by the server: most likely this device was signed out, and the refusal of the next try will tell.
  if (reason === "io server disconnect") return tryIn(Math.random() * 1_000);
  tryIn(SOONEST_MS + Math.random() * ROUND_MS);
}

function wentOffline() {
  socket.disconnect();
  tryIn(LONGEST_WAIT_MS);
}

function tryIn(delay) {
  if (socket.connected || state.name === "signed-out") return;
  clearTimeout(timer);
  timer = setTimeout(tryNow, delay);
  become(navigator.onLine ? { name: "waiting", at: Date.now() + delay } : { name: "offline" });
}

function signInAgain() {
  socket.disconnect();
  clearTimeout(timer);
  if (wasSentAway()) return become({ name: "signed-out" });
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

// Whether this tab went to the sign-in page a moment ago; from now on it did.
function wasSentAway() {
  try {
    const before = Number(sessionStorage.getItem("sent-away"));
    sessionStorage.setItem("sent-away", Date.now());
    return Date.now() - before < SENT_AWAY_MS;
  } catch {
    return false;
  }
}

function become(next) {
  state = next;
  for (const watch of watchers) watch(state);
}
