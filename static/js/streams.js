// What is being said piece by piece, as far as this page has heard: the text so far of each stream, always a beginning
// of what it will be. Offsets and lengths are UTF-16 code units, as `length` counts. Knows nothing of the network or of
// the page: sync.js asks for what is missing, growing.js shows the text.
export const AT_WORK = new Set(["queued", "streaming"]);

const HELD_MAX = 100; // streams told of in one question

export class Streams {
  #held = new Map(); // message id → its newest gen; kept when it has ended, so that what comes late is known as old
  #turn = 0; // rises with every question: what is lacking since before it is given up after the answer
  #isLineKnown = false; // who waits before whom
  #grew;
  #missing;

  // `grew(messageId)` is called when there is more to show, `missing(isPatient)` when something may have to be asked for.
  constructor({ grew, missing }) {
    this.#grew = grew;
    this.#missing = missing;
  }

  // {gen, status, text, place?} of a message that is being said, else undefined.
  get(messageId) {
    const one = this.#held.get(messageId);
    return one?.isOver ? undefined : one;
  }

  // A message as the server shows it, by whatever way it came; `text` and `place` are what the page says already.
  seen({ messageId, gen, status, text = "", place }) {
    const one = this.#of(messageId, gen);
    if (!one) return;
    one.isKnown = true;
    if (!AT_WORK.has(status)) return this.#end(one);
    this.#append(one, 0, text);
    this.#stand(one, status);
    if (place && one.status === "queued") one.place = place;
    this.#grew(messageId);
  }

  chunk({ messageId, gen, offset, text }) {
    const one = this.#of(messageId, gen);
    if (!one) return;
    this.#stand(one, "streaming");
    if (offset > one.text.length) one.ahead.push({ offset, text, turn: this.#turn });
    else this.#append(one, offset, text);
    if (isLacking(one)) this.#missing();
    this.#grew(messageId);
  }

  // An end that is told here is only announced: streamComplete brings the message. And text that is counted here may
  // still be on its way, so there is no hurry.
  status({ messageId, gen, phase, length }) {
    const one = this.#of(messageId, gen);
    if (!one) return;
    const isEnd = !AT_WORK.has(phase);
    if (isEnd || length > one.text.length) one.told = { length, isEnd, turn: this.#turn };
    if (!isEnd) this.#stand(one, phase);
    if (isLacking(one)) this.#missing(true);
    this.#grew(messageId);
  }

  isLacking() {
    return this.#live().some(([, one]) => isLacking(one));
  }

  // What is held, to be sent along with a question.
  asking() {
    this.#turn += 1;
    const held = this.#live().map(([messageId, { gen, text }]) => ({ messageId, gen, length: text.length }));
    return held.slice(0, HELD_MAX);
  }

  // The answer's `streams`. What was lacking before the question and still is will not be asked for again.
  answered(snapshots) {
    for (const [, one] of this.#live()) if (one.since < this.#turn) one.place = undefined;
    this.#isLineKnown = true;
    for (const snapshot of snapshots) this.#take(snapshot);
    for (const [messageId, one] of this.#live()) {
      one.ahead = one.ahead.filter(({ turn }) => turn >= this.#turn);
      if (one.told?.turn < this.#turn) one.told = null;
      if (!one.isKnown && one.since < this.#turn) this.#held.delete(messageId);
      this.#grew(messageId);
    }
  }

  #take({ messageId, gen, status, offset, text, place }) {
    const one = this.#of(messageId, gen);
    if (!one) return;
    one.isKnown = true;
    if (offset <= one.text.length) this.#append(one, offset, text);
    one.status = one.status === "streaming" ? "streaming" : status;
    if (one.status === "queued") one.place = place;
  }

  // The stream, made when it is news; undefined when it has ended or was said again since.
  #of(messageId, gen) {
    const held = this.#held.get(messageId);
    if (held && (held.gen > gen || (held.gen === gen && held.isOver))) return undefined;
    if (held?.gen === gen) return held;
    if (held) this.#leaveLine(held);
    const fresh = { gen, status: null, text: "", ahead: [], told: null, isKnown: false, isOver: false, since: this.#turn };
    this.#held.set(messageId, fresh);
    return fresh;
  }

  #append(one, offset, text) {
    one.text += text.slice(one.text.length - offset);
    const fits = one.ahead.find((piece) => piece.offset <= one.text.length);
    one.ahead = one.ahead.filter((piece) => piece !== fits);
    if (fits) this.#append(one, fits.offset, fits.text);
    if (one.told?.length <= one.text.length && !one.told.isEnd) one.told = null;
  }

  // Who speaks waits no more.
  #stand(one, status) {
    if (one.status === "streaming" || one.status === status) return;
    if (status === "streaming") this.#leaveLine(one);
    else if (this.#isLineKnown) one.place = 1 + this.#live().filter(([, other]) => other.status === "queued").length;
    one.status = status;
  }

  #end(one) {
    this.#leaveLine(one);
    Object.assign(one, { isOver: true, text: "", ahead: [], told: null });
  }

  #leaveLine(one) {
    const left = one.status === "queued" && one.place;
    one.place = undefined;
    if (!left) return;
    for (const [messageId, other] of this.#live()) {
      if (other.place <= left || other.place === undefined) continue;
      other.place -= 1;
      this.#grew(messageId);
    }
  }

  #live() {
    return [...this.#held].filter(([, { isOver }]) => !isOver);
  }
}

const isLacking = ({ isKnown, ahead, told }) => !isKnown || ahead.length > 0 || told !== null;
