// Texts begun and not yet sent, one for each room, kept in the browser.
import { me } from "./page.js";
import * as store from "./store.js";

const keyOf = (roomId) => `draft:${me.id}:${roomId}`;

export const draftOf = (roomId) => store.read(keyOf(roomId)) ?? "";

export function keepDraft(roomId, text) {
  if (text) store.write(keyOf(roomId), text);
  else store.remove(keyOf(roomId));
}
