// The store in PostgreSQL: a pool, named prepared statements, a message placed by one statement (which is a transaction).
import pg from "pg";

import { Refusal } from "./checks.mjs";
import * as digests from "./digests.mjs";

const BIGINT = 20;
const CONNECTIONS = 20;
const UNIQUE_VIOLATION = "23505";
pg.types.setTypeParser(BIGINT, Number);

const MESSAGES = `SELECT m.*, p.name AS author_name, p.kind AS author_kind
  FROM messages m JOIN people p ON p.id = m.author_id`;
const STATEMENTS = {
  person: `SELECT p.id, p.name, p.kind FROM tokens t JOIN people p ON p.id = t.person_id
    WHERE t.secret_hash = $1 AND p.active`,
  membership: `SELECT ms.role, r.id AS room_id, r.name AS room_name, r.kind AS room_kind, r.topic, r.version, r.last_seq,
    r.rev, r.archived_at, r.created_at AS room_created_at
    FROM memberships ms JOIN rooms r ON r.id = ms.room_id JOIN people p ON p.id = ms.person_id
    WHERE ms.room_id = $1 AND ms.person_id = $2 AND p.active`,
  latest: `${MESSAGES} WHERE m.room_id = $1 ORDER BY m.seq DESC LIMIT 11`,
  said: `${MESSAGES} WHERE m.author_id = $1 AND m.client_id = $2`,
  place: `WITH room AS (
      UPDATE rooms SET last_seq = last_seq + 1, rev = rev + 1 WHERE id = $1 AND archived_at IS NULL
      RETURNING last_seq, rev)
    INSERT INTO messages (room_id, seq, rev, author_id, client_id, sent_digest, content, body_html, status, gen, created_at)
    SELECT $1, last_seq, rev, $2, $3, $4, $5, $6, 'complete', 0, $7 FROM room RETURNING id, seq, rev`,
};

export async function open(connectionString) {
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
  const rows = async (name, ...values) => (await pool.query({ name, text: STATEMENTS[name], values })).rows;
  return {
    personOfToken: async (token) => (await rows("person", digests.ofToken(token)))[0],
    membership: async (personId, roomId) => (await rows("membership", roomId, personId))[0],
    latest: (roomId) => rows("latest", roomId),
    place: (message) => place(rows, message),
  };
}

async function place(rows, { roomId, author, clientId, content, bodyHtml }) {
  const digest = digests.ofMessage(clientId, content);
  const created_at = new Date();
  try {
    const [placed] = await rows("place", roomId, author.id, clientId, digest, content, bodyHtml, created_at);
    if (!placed) throw new Refusal("forbidden", "This room is archived.");
    return {
      ...placed, room_id: roomId, author_id: author.id, author_name: author.name, author_kind: author.kind, content,
      body_html: bodyHtml, status: "complete", gen: 0, reply_to_id: null, client_id: clientId, created_at,
    };
  } catch (error) {
    if (error.code !== UNIQUE_VIOLATION) throw error;
    const [said] = await rows("said", author.id, clientId);
    if (said.room_id !== roomId || said.sent_digest !== digest) throw new Refusal("conflict", "clientId: was used before.");
    return { ...said, isOld: true };
  }
}
