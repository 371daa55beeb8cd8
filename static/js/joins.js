// Joining and leaving rooms over the socket, and telling those who show who is there.
import { ask } from "./connection.js";

const listeners = new Set();

// Calls `listener(sessionId, answer)` after each join.
export const onJoined = (listener) => listeners.add(listener);

export async function join(sessionId, afterRev) {
  const answer = await ask("joinSession", { sessionId, afterRev });
  for (const listener of listeners) listener(sessionId, answer);
  return answer;
}

// Hears no more of a room that is not the open one.
export const leave = (sessionId) => ask("leaveSession", { sessionId }).catch(() => {});
