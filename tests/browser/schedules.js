// The browser's own streams.js and sync.js against a model of the server and of a bad network, in virtual time: run by
// test_stream_schedules.py in Node, beside copies of both and stand-ins for connection.js and joins.js. Prints
// {schedules, wrong: [...], asked: how many questions at most between two connects, shown: how many times something was checked}.
import { network } from "./connection.js";

const [first, count] = process.argv.slice(2).map(Number);
const ALPHABET = ["a", "b ", "é", "漢", "字", "🎉", "👩‍👩‍👧", "\r\n", "\n\n", "**", "<b>", "&amp;", "🇫🇷", "한국"];

// --- Chance that can be repeated, and time that is ours

function chanceOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

let clock = 0;
let timers = [];
let lastTimer = 0;
globalThis.setTimeout = (act, delay = 0) => {
  timers.push({ id: (lastTimer += 1), at: clock + delay, act });
  return lastTimer;
};
globalThis.clearTimeout = (id) => (timers = timers.filter((one) => one.id !== id));
const settled = async () => {
  for (let round = 0; round < 12; round += 1) await null;
};
async function passes(until) {
  for (;;) {
    await settled();
    const next = timers.reduce((best, one) => (one.at <= until && (!best || one.at < best.at) ? one : best), null);
    if (!next) break;
    timers = timers.filter((one) => one !== next);
    clock = next.at;
    next.act();
  }
  clock = until;
}

// --- The server: one room, several streams, each said once or twice

class Server {
  constructor(chance) {
    Object.assign(this, { chance, rev: 0, messages: new Map(), viewers: new Set() });
  }

  begin(id, status) {
    this.change({ id, gen: 1, status, content: "" }, "newMessage");
  }

  // Every change of a message takes the next rev.
  change(message, event) {
    this.rev += 1;
    const now = { ...(this.messages.get(message.id) ?? { said: "" }), ...message, rev: this.rev };
    this.messages.set(now.id, now);
    this.tell(event, { rev: this.rev, message: shapeOf(now) });
  }

  say(id, piece) {
    const message = this.messages.get(id);
    const offset = message.said.length;
    message.said += piece;
    this.tell("streamChunk", { messageId: id, gen: message.gen, offset, text: piece });
  }

  status(id) {
    const { gen, status, said } = this.messages.get(id);
    this.tell("streamStatus", { messageId: id, gen, phase: status, length: said.length });
  }

  end(id, status) {
    const { said } = this.messages.get(id);
    this.change({ id, status, content: said }, "streamComplete");
  }

  again(id) {
    this.change({ id, gen: this.messages.get(id).gen + 1, status: "streaming", content: "", said: "" }, "messageUpdated");
  }

  tell(event, payload) {
    for (const viewer of this.viewers) viewer.hears(event, payload);
  }

  answer({ afterRev = 0, streams = [] }) {
    const held = new Map(streams.map((one) => [`${one.messageId}:${one.gen}`, one.length]));
    const all = [...this.messages.values()].sort((one, other) => one.rev - other.rev);
    const snapshots = all.filter(isAtWork).map((message) => {
      const known = held.get(`${message.id}:${message.gen}`) ?? 0;
      const offset = known <= message.said.length ? known : 0;
      return { messageId: message.id, gen: message.gen, status: message.status, offset, text: message.said.slice(offset) };
    });
    const messages = all.filter(({ rev }) => rev > afterRev).map(shapeOf);
    return { session: { lastRev: this.rev, lastSeq: all.length }, lastRev: this.rev, messages, hasMore: false, streams: snapshots };
  }
}

const isAtWork = ({ status }) => status === "queued" || status === "streaming";
const shapeOf = ({ id, rev, gen, status, content }) => ({ id, rev, gen, status, content });

// --- A page: what room.js, log.js and growing.js do with what comes, without the looks

class Page {
  static made = 0;

  constructor(server, chance, badness) {
    Object.assign(this, { server, chance, badness, isOpen: false, asked: 0, most: 0, checks: 0, wrong: [] });
  }

  async load() {
    Page.made += 1;
    const { Streams } = await import("./streams.js");
    const sync = await import(`./sync.js?${Page.made}`);
    timers = []; // whatever the page before it was about to do
    this.elements = new Map();
    this.sync = sync;
    this.streams = new Streams({ grew: (id) => this.check(id), missing: (patient) => sync.missing(patient) });
    const page = this.server.answer({});
    for (const message of page.messages) this.place(message, page.streams.find(({ messageId }) => messageId === message.id));
    sync.start({ id: "room", lastRev: page.lastRev }, (message) => this.receives(message), () => false, this.streams);
  }

  place(message, snapshot) {
    const held = this.elements.get(message.id);
    if (held && held.rev >= message.rev) return;
    this.elements.set(message.id, message);
    this.streams.seen({ messageId: message.id, gen: message.gen, status: message.status, text: snapshot?.text ?? "" });
    this.check(message.id);
  }

  receives(message) {
    this.streams.seen({ messageId: message.id, gen: message.gen, status: message.status });
    this.place(message);
  }

  // An event on its way: lost, doubled, late.
  hears(event, payload) {
    if (!this.isOpen) return;
    const { way } = this;
    const copies = this.chance() < this.badness.loss ? 0 : this.chance() < this.badness.doubling ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const delay = this.chance() < this.badness.lateness ? this.chance() * 400 : 5;
      setTimeout(() => this.isOn(way) && this.takes(event, payload), delay);
    }
  }

  takes(event, payload) {
    if (event === "streamChunk") return this.streams.chunk(payload);
    if (event === "streamStatus") return this.streams.status(payload);
    this.receives(payload.message);
    this.sync.follow(payload.rev);
  }

  // What is shown is always the beginning of what it becomes.
  check(id) {
    this.checks += 1;
    const element = this.elements.get(id);
    const said = this.streams.get(id);
    if (!element || !isAtWork(element) || said?.gen !== element.gen) return;
    const whole = this.server.whole.get(`${id}:${said.gen}`);
    if (!whole.startsWith(said.text)) this.wrong.push({ id, shown: said.text, whole });
  }

  async connects() {
    network.page = this;
    this.isOpen = true;
    this.way = {}; // what was on its way by another connection never comes
    this.asked = 0;
    await this.sync.enter().catch(() => {});
  }

  isOn(way) {
    return this.isOpen && this.way === way;
  }

  asks(event, payload) {
    if (event === "syncSession") this.most = Math.max(this.most, (this.asked += 1));
    const { way } = this;
    return new Promise((resolve, reject) => {
      const orCut = (act) => () => (this.isOn(way) ? act() : reject({ code: "disconnected" }));
      const answers = () => {
        const answer = structuredClone(this.server.answer(payload));
        setTimeout(orCut(() => resolve(answer)), this.chance() * 200);
      };
      setTimeout(orCut(answers), this.chance() * 100);
    });
  }
}

// --- One story

async function story(seed) {
  const chance = chanceOf(seed);
  const pick = (most) => Math.floor(chance() * most);
  const server = new Server(chance);
  const isQuiet = seed % 4 === 0; // the network loses nothing but whole connections
  const badness = isQuiet ? { loss: 0, doubling: 0, lateness: 0 } : { loss: chance() * 0.3, doubling: chance() * 0.3, lateness: chance() };
  timers = [];
  server.whole = new Map();
  const ids = Array.from({ length: 1 + pick(3) }, (_, place) => place + 1);
  for (const id of ids) for (const gen of [1, 2]) server.whole.set(`${id}:${gen}`, Array.from({ length: pick(40) }, () => ALPHABET[pick(ALPHABET.length)]).join(""));
  const page = new Page(server, chance, badness);
  server.viewers.add(page);
  const plan = ids.flatMap((id) => planOf(id, server, pick));
  plan.sort((one, other) => one.at - other.at);
  let late = chance() < 0.3 ? 2 + pick(10) : 0; // joins when much is said already
  await page.load();
  const begun = clock;
  for (const { at, act } of plan) {
    await passes(begun + at);
    act();
    late -= 1;
    if (late > 0) continue;
    if (!page.isOpen || chance() < 0.03) await cutsAndComesBack(page, chance);
    if (chance() < 0.02) await reloads(page);
  }
  if (!page.isOpen) await cutsAndComesBack(page, chance);
  server.rev += 1; // one more change of something else, which a room always has: a `rev` that jumps shows what was lost
  page.sync.follow(server.rev);
  await passes(clock + 30_000);
  const wrong = [...page.wrong];
  for (const { id, rev, content } of server.messages.values()) {
    const shown = page.elements.get(id);
    if (shown?.rev !== rev || shown.content !== content || page.streams.get(id)) wrong.push({ id, shown, content, live: page.streams.get(id) });
  }
  if (page.streams.isLacking()) wrong.push("still lacking");
  return { wrong: wrong.map((one) => ({ seed, ...one })), asked: isQuiet ? page.most : 0, checks: page.checks };
}

function planOf(id, server, pick) {
  const plan = [];
  let at = pick(500);
  const then = (act, pause) => plan.push({ at: (at += pause), act });
  const isQueued = pick(3) === 0;
  then(() => server.begin(id, isQueued ? "queued" : "streaming"), 0);
  if (isQueued) then(() => server.change({ id, status: "streaming" }, "messageUpdated"), pick(800));
  const speaks = (gen) => {
    const whole = server.whole.get(`${id}:${gen}`);
    for (let from = 0; from < whole.length; ) {
      let to = Math.min(whole.length, from + 1 + pick(12));
      if (whole.charCodeAt(to) >> 10 === 0x37) to += 1; // never between the halves of a pair
      const piece = whole.slice(from, to);
      then(() => server.say(id, piece), pick(120));
      if (pick(6) === 0) then(() => server.status(id), pick(30));
      from = to;
    }
    then(() => server.end(id, ["complete", "stopped", "truncated", "error", "interrupted"][pick(5)]), pick(100));
  };
  speaks(1);
  if (pick(3) === 0) {
    then(() => server.again(id), pick(600));
    speaks(2);
  }
  return plan;
}

async function cutsAndComesBack(page, chance) {
  page.isOpen = false;
  await passes(clock + chance() * 300);
  page.connects();
}

async function reloads(page) {
  page.isOpen = false;
  await page.load();
  page.connects();
}

const total = { schedules: 0, wrong: [], asked: 0, checks: 0 };
for (let seed = first; seed < first + count; seed += 1) {
  const { wrong, asked, checks } = await story(seed);
  total.schedules += 1;
  total.wrong.push(...wrong);
  total.asked = Math.max(total.asked, asked);
  total.checks += checks;
  if (total.wrong.length > 5) break;
}
console.log(JSON.stringify(total));
process.exit(0);
