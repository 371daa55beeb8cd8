// Reads from the JSON interface under /api/v1. Rejects with the contract's {code, message}.
const TIMEOUT_MS = 15_000;

export async function get(path) {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw { code: "disconnected", message: "The server cannot be reached." };
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw answer.error ?? { code: "internal", message: "The server gave no answer." };
  return answer;
}

// A page of the room's history; `query` is {before, limit}, {after, limit} or {limit} for the newest.
export const messagesOf = (roomId, query) =>
  get(`/sessions/${encodeURIComponent(roomId)}/messages?${new URLSearchParams(query)}`);
