// Who is typing. The server says when it ends; should its word be lost, it ends here by itself.
const EXPIRES_MS = 5_000;

const line = document.querySelector('[data-component="typing"]');
const typists = new Map(); // id → {name, timer}

export function hear({ user, isTyping }) {
  clearTimeout(typists.get(user.id)?.timer);
  if (isTyping) typists.set(user.id, { name: user.name, timer: setTimeout(() => end(user.id), EXPIRES_MS) });
  else typists.delete(user.id);
  show();
}

// Whoever said something is typing no more.
export function end(id) {
  if (!typists.has(id)) return;
  clearTimeout(typists.get(id).timer);
  typists.delete(id);
  show();
}

function show() {
  const names = [...typists.values()].map(({ name }) => name);
  if (!names.length) line.textContent = "";
  else if (names.length === 1) line.textContent = `${names[0]} is typing…`;
  else if (names.length === 2) line.textContent = `${names[0]} and ${names[1]} are typing…`;
  else line.textContent = "Several people are typing…";
}
