// The box that the messages scroll in: where one stands in it, and staying there.
const NEAR_END_PX = 80;
const MEASURES = ["scrollTop", "clientHeight", "scrollHeight"];

export const box = document.querySelector('[data-component="log"]');
export const list = box?.querySelector(".log__messages");
export const newer = box?.querySelector(".log__page--newer");

let held = {}; // {anchor, top} and the measures of the box, of the last time

// Whether the messages shown end in the present; if not, what is newer is not shown.
export const isLatest = () => newer.hidden;
export const isAtEnd = () => isLatest() && box.scrollTop > -NEAR_END_PX;

// Glides when it is near; a long glide would only be in the way.
export function toEnd(glide = false) {
  const isNear = -box.scrollTop < 2 * box.clientHeight;
  box.scrollTo({ top: 0, behavior: glide && isNear ? "smooth" : "instant" });
}

// Runs `change` without moving what is being read. At the end the box keeps itself there; anywhere else a message in
// view is held where it was. (Browsers' own anchoring differs and is off.)
export function keepStill(change) {
  if (isAtEnd()) {
    change();
    return toEnd();
  }
  holdStill(change);
}

// The same for what grows by itself, many times a second: only the very end is kept, and nothing is measured there,
// as the box stays there by itself. Whoever scrolls away is never fetched back.
export function letGrow(change) {
  if (isLatest() && box.scrollTop > -1) change();
  else holdStill(change);
}

// What is held, and where, is remembered until one scrolls: browsers round the scroll position, and half a pixel at every
// line of an answer would add up. Where the box or what is in it grew by another way, the text moved without scrolling.
function holdStill(change) {
  if (!held.anchor?.isConnected || MEASURES.some((measure) => held[measure] !== box[measure])) {
    const anchor = inView();
    held = { anchor, top: anchor && topOf(anchor) };
  }
  change();
  const { anchor, top } = held;
  const now = anchor && (anchor.isConnected ? anchor : list.querySelector(`.message[data-id="${anchor.dataset.id}"]`));
  if (now) box.scrollTop += topOf(now) - top;
  held = { anchor: now, top };
  for (const measure of MEASURES) held[measure] = box[measure];
}

const topOf = (message) => message.getBoundingClientRect().top - box.getBoundingClientRect().top;

// The first message that is read.
export function inView() {
  const { top, bottom } = box.getBoundingClientRect();
  const shown = [...list.children].filter((one) => one.matches(".message"));
  return (
    shown.find((one) => one.getBoundingClientRect().top >= top && one.getBoundingClientRect().top < bottom) ??
    shown.find((one) => one.getBoundingClientRect().bottom > top)
  );
}
