// What comes in, checked.
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const CONTENT_MOST = 10_000;

export class Refusal extends Error {
  constructor(code, message, more) {
    super(message);
    this.shape = { code, message, ...more };
  }
}

export function checkJoin(payload) {
  if (!isObject(payload) || !isId(payload.sessionId)) throw new Refusal("invalid", "sessionId: must be a string.");
  return { sessionId: payload.sessionId };
}

export function checkMessage(payload) {
  checkJoin(payload);
  const { sessionId, clientId } = payload;
  if (typeof clientId !== "string" || !UUID.test(clientId)) throw new Refusal("invalid", "clientId: must be a UUID.");
  if (typeof payload.content !== "string") throw new Refusal("invalid", "content: must be a string.");
  const content = payload.content.trimEnd();
  if (!content) throw new Refusal("invalid", "content: may not be empty.");
  if (content.length > CONTENT_MOST) throw new Refusal("too_large", "content: is too long.");
  if (content.includes("\0") || !content.isWellFormed()) throw new Refusal("invalid", "content: cannot be stored.");
  return { sessionId, content, clientId: clientId.toLowerCase() };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value) => typeof value === "string" && value.length <= 64;
