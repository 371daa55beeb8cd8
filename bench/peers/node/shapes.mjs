// What goes out: the same fields as this project's, and the same HTML around a message.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]);

export const personShape = ({ id, name, kind }) => ({ id, name, kind, avatarUrl: `/people/${id}/avatar.svg` });

export const sessionShape = (row) => ({
  id: row.room_id,
  name: row.room_name,
  kind: row.room_kind,
  topic: row.topic,
  lastSeq: row.last_seq,
  lastRev: row.rev,
  version: row.version,
  archived: row.archived_at !== null,
  createdAt: moment(row.room_created_at),
  role: row.role,
});

export function messageShape(row) {
  const shape = {
    id: row.id,
    sessionId: row.room_id,
    seq: row.seq,
    rev: row.rev,
    author: personShape({ id: row.author_id, name: row.author_name, kind: row.author_kind }),
    content: row.content,
    status: row.status,
    gen: row.gen,
    askedBy: null,
    error: null,
    replyTo: row.reply_to_id,
    clientId: row.client_id,
    createdAt: moment(row.created_at),
    editedAt: null,
    removed: false,
  };
  shape.html = html(shape, row.body_html);
  return shape;
}

const moment = (value) => (value instanceof Date ? value : new Date(`${value.replace(" ", "T").slice(0, 23)}Z`)).toISOString();

const html = (message, body) => `<article class="message" id="m-${message.clientId}" data-id="${message.id}" \
data-seq="${message.seq}" data-rev="${message.rev}" data-author="${message.author.id}" data-at="${message.createdAt}" \
data-client="${message.clientId}">
<header class="message__head"><img class="face" src="${message.author.avatarUrl}" alt="" width="36" height="36">\
<b class="message__author">${escape(message.author.name)}</b> <a class="message__at" \
href="/rooms/${message.sessionId}/messages/${message.id}"><time datetime="${message.createdAt}" \
title="${message.createdAt.slice(0, 10)} UTC">${message.createdAt.slice(11, 16)}</time></a></header>
<div class="body">${body}</div>
</article>`;
