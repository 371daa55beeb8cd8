// The store in a SQLite file, by Node's own module: synchronous, prepared statements, one writer.
import { DatabaseSync } from "node:sqlite";

import { Refusal } from "./checks.mjs";
import * as digests from "./digests.mjs";

const PRAGMAS = ["journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 1000", "foreign_keys = ON"];
const MESSAGES = `SELECT m.*, p.name AS author_name, p.kind AS author_kind
  FROM messages m JOIN people p ON p.id = m.author_id`;

export async function open(url) {
  const db = new DatabaseSync(url.replace("sqlite:///", ""));
  for (const one of PRAGMAS) db.exec(`PRAGMA ${one}`);
  const ask = Object.fromEntries(Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]));
  return {
    personOfToken: async (token) => ask.person.get(digests.ofToken(token)),
    membership: async (personId, roomId) => ask.membership.get(roomId, personId),
    latest: async (roomId) => ask.latest.all(roomId),
    place: async (message) => place(ask, message),
  };
}

const STATEMENTS = {
  person: `SELECT p.id, p.name, p.kind FROM tokens t JOIN people p ON p.id = t.person_id
    WHERE t.secret_hash = ? AND p.active`,
  membership: `SELECT ms.role, r.id AS room_id, r.name AS room_name, r.kind AS room_kind, r.topic, r.version, r.last_seq,
    r.rev, r.archived_at, r.created_at AS room_created_at
    FROM memberships ms JOIN rooms r ON r.id = ms.room_id JOIN people p ON p.id = ms.person_id
    WHERE ms.room_id = ? AND ms.person_id = ? AND p.active`,
  latest: `${MESSAGES} WHERE m.room_id = ? ORDER BY m.seq DESC LIMIT 11`,
  said: `${MESSAGES} WHERE m.author_id = ? AND m.client_id = ?`,
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  advance: `UPDATE rooms SET last_seq = last_seq + 1, rev = rev + 1 WHERE id = ? AND archived_at IS NULL
    RETURNING last_seq, rev`,
  insert: `INSERT INTO messages (room_id, seq, rev, author_id, client_id, sent_digest, content, body_html, status, gen,
    created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'complete', 0, ?) RETURNING id`,
};

function place(ask, { roomId, author, clientId, content, bodyHtml }) {
  const digest = digests.ofMessage(clientId, content);
  ask.begin.run();
  try {
    const counters = ask.advance.get(roomId);
    if (!counters) throw new Refusal("forbidden", "This room is archived.");
    const { last_seq: seq, rev } = counters;
    const created_at = new Date();
    const stamp = created_at.toISOString().replace("T", " ").replace("Z", "000");
    const { id } = ask.insert.get(roomId, seq, rev, author.id, clientId, digest, content, bodyHtml, stamp);
    ask.commit.run();
    return {
      id, room_id: roomId, seq, rev, author_id: author.id, author_name: author.name, author_kind: author.kind, content,
      body_html: bodyHtml, status: "complete", gen: 0, reply_to_id: null, client_id: clientId, created_at,
    };
  } catch (error) {
    ask.rollback.run();
    const said = error.errcode === 2067 && ask.said.get(author.id, clientId); // SQLITE_CONSTRAINT_UNIQUE
    if (!said) throw error;
    if (said.room_id !== roomId || said.sent_digest !== digest) throw new Refusal("conflict", "clientId: was used before.");
    return { ...said, isOld: true };
  }
}
