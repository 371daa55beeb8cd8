// How this project keeps a token, and what it compares a repeated message with.
import { createHash } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export const ofToken = sha256;
export const ofMessage = (clientId, content) => sha256(`${clientId}:${content}`);
