// Moments in the reader's own zone and clock, in the language of the page.
const LOOK_MS = 60_000;
const language = document.documentElement.lang || "en";
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();

const clockFormat = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle });
const dayFormat = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const datedFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const fullFormat = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short", hourCycle });
const briefFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", hourCycle });

export const clock = (date) => clockFormat.format(date);
export const full = (date) => fullFormat.format(date);
export const sameDay = (one, other) => one.toDateString() === other.toDateString();

// "Today", "Yesterday", "Monday, November 16", and with the year when it is another one.
export function dayName(date, now = new Date()) {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (sameDay(date, now)) return "Today";
  if (sameDay(date, yesterday)) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? dayFormat : datedFormat).format(date);
}

// Turns the UTC texts that the server wrote into local ones.
export function localize(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) time.textContent = briefFormat.format(date);
  }
}

// Calls `turn` after each local midnight, when "today" becomes "yesterday". Looks at the clock in between, too: while a
// computer sleeps, timers stand still.
export function eachMidnight(turn) {
  const now = new Date();
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 0, 0, 1);
  setTimeout(
    () => {
      if (!sameDay(now, new Date())) turn();
      eachMidnight(turn);
    },
    Math.min(midnight - now, LOOK_MS),
  );
}
