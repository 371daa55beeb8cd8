// Many browsers in one process: each runs the project's own connection.js, joins.js and sync.js with the real
// socket.io-client, in a context of its own, over a WebSocket that carries its cookie. For crowd.py.
//
// node --experimental-vm-modules browsers.mjs STATIC WS < {url, roomId, people: [{id, name, cookie}]}
// Standard output: one line of JSON for each thing that happens, {at (ms), who, what: "waits" (until) | "tries" | "in" |
// "knows" (rev, count)}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const [statics, wsPackage] = process.argv.slice(2);
const WebSocket = createRequire(import.meta.url)(wsPackage);
const { url, roomId, people } = JSON.parse(readFileSync(0, "utf8"));
const place = new URL(url);
const sources = new Map();

const DRIVER = `
import * as connection from "./connection.js";
import * as sync from "./sync.js";
import { Streams } from "./streams.js";
const known = new Map();
const tell = (what, more) => told(what, { ...more, count: known.size });
function receive(message) {
  known.set(message.seq, message.rev);
  tell("knows", { rev: known.size }); // each message here is a change of its own, so so many are all up to there
}
sync.start({ id: roomId, lastRev: 0 }, receive, async () => false, new Streams({ grew() {}, missing() {} }));
connection.hear("newMessage", ({ rev, message }) => {
  receive(message);
  sync.follow(rev);
});
async function enter() {
  try {
    const { session } = await sync.enter();
    tell("knows", { rev: session.lastRev });
  } catch {
    if (connection.isConnected()) setTimeout(enter, 1_500); // as room.js does
  }
}
connection.onConnected(() => {
  tell("in");
  enter();
  refresh(); // as the side bar does
});
connection.watchState(({ name, at }) => name === "waiting" && tell("waits", { until: at / 1_000 }));
connection.start();
`;

function source(path) {
  if (!sources.has(path)) sources.set(path, readFileSync(path, "utf8"));
  return sources.get(path);
}

function told(who, what, more) {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), who, what, ...more })}\n`);
}

function worldOf({ id, name, cookie }, who) {
  class OwnWebSocket extends WebSocket {
    constructor(address, protocols) {
      told(who, "tries");
      super(address, protocols ?? [], { headers: { Cookie: cookie, Origin: url } });
    }
  }
  const world = {
    ...{ setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, URL, TextEncoder, TextDecoder, console },
    ...{ ArrayBuffer, Uint8Array, performance, roomId, WebSocket: OwnWebSocket, addEventListener() {} },
    told: (what, more) => told(who, what, more),
    refresh: () => fetch(`${url}/api/v1/sessions`, { headers: { Cookie: cookie } }).then((answer) => answer.text(), () => {}),
    navigator: { onLine: true },
    location: { protocol: place.protocol, host: place.host, hostname: place.hostname, port: place.port, assign: () => told(who, "sent away") },
    document: {
      hidden: false,
      body: { dataset: { person: id, personName: name, transports: "websocket" } },
      querySelector: () => null,
      addEventListener() {},
    },
    matchMedia: () => ({ matches: false }),
  };
  world.self = world;
  return vm.createContext(world);
}

async function open(person, who) {
  const context = worldOf(person, who);
  const modules = new Map();
  const module = (path, text) => {
    if (!modules.has(path)) modules.set(path, new vm.SourceTextModule(text ?? source(path), { context, identifier: path }));
    return modules.get(path);
  };
  const link = (name, from) => module(new URL(name, pathToFileURL(from.identifier)).pathname);
  const driver = module(`${statics}/js/driver.js`, DRIVER);
  await driver.link(link);
  await driver.evaluate();
  return context;
}

for (const [who, person] of people.entries()) {
  await open(person, who);
  if (who % 10 === 9) await new Promise((done) => setTimeout(done, 100)); // they did not all open the page at once
}
