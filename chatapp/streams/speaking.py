"""What is asked of streams: begin, push, finish, stop, say again; and how far they are. Each verb commits once and
tells the room afterwards.
"""

import time

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from .. import broadcasts, cached, database, metrics, ratelimit, rooms, saying, typists
from ..errors import ChatError, Conflict, Forbidden, NotFound
from ..extensions import db, redis
from ..models import AT_WORK, Membership, Message, Person, Stream, now
from . import endings, sharing, tending, texts, turns, voices
from .turns import QUEUED, STREAMING
from .voices import Voice

TEXT_MAX = 32_000  # UTF-16 units


def begin(
    membership: Membership, client_id: str, reply_to: int | None = None, *, is_ours: bool = False
) -> tuple[Message, bool]:
    """A message that will be spoken piece by piece, and whether it is new; as messages.send. `is_ours`: this process
    speaks. Its status is "streaming", or "queued" until it is its turn.
    """
    try:
        rooms.require_unarchived(membership.room)
        saying.require_in_room(reply_to, membership.room_id)
        turns.require_place(membership.room_id)
        if not is_ours:
            ratelimit.take(membership.person_id)
    except ChatError:
        said = saying.said_before(membership, "", client_id)
        if said is None:
            raise
        return said, False
    message = saying.unplaced(membership, client_id, "", body_html="", reply_to_id=reply_to, gen=1)
    message.asker_id = asker_of(membership.person, reply_to)
    if not place(message, is_ours):
        ratelimit.give_back(membership.person_id)
        return saying.said_before(membership, "", client_id), False
    voices.begin(voice_of(message, is_ours))
    typists.stop(message.room_id, message.author_id)
    broadcasts.new_message(message)
    cached.forget(message.room_id)
    metrics.MESSAGES.inc()
    return message, True


def asker_of(speaker: Person, reply_to: int | None) -> int | None:
    """The person whom it counts for: a bot speaks for the author of the message that it replies to (for nobody where
    that is a bot too), a person for himself. So nobody is kept waiting by what other people reply to him."""
    if speaker.kind == "person":
        return speaker.id
    author = select(Person.id).join(Message, Message.author_id == Person.id)
    return db.session.scalar(author.where(Message.id == reply_to, Person.kind == "person")) if reply_to else None


def place(message: Message, is_ours: bool) -> bool:
    """As saying.place, with the stream beside it and its turn decided under the room's lock."""
    turns.hold_asker(message.asker_id)
    message.seq, message.rev = rooms.advance(message.room_id)
    message.status = turns.first_status(message.room_id, message.asker_id)
    message.created_at = now()
    db.session.add(message)
    try:
        db.session.flush()
        db.session.add(stream_of(message, is_ours))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def stream_of(message: Message, is_ours: bool) -> Stream:
    return Stream(
        message_id=message.id,
        gen=message.gen,
        room_id=message.room_id,
        author_id=message.author_id,
        asker_id=message.asker_id,
        speaker=voices.PROCESS if is_ours else None,
        status=message.status,
        started_at=now() if message.status == STREAMING else None,
    )


def voice_of(message: Message, is_ours: bool) -> Voice:
    who = message.room_id, message.author_id, message.asker_id
    return Voice(message.id, message.gen, *who, is_ours, message.status == QUEUED)


def mine(somebody: Person, message_id: int, gen: int) -> Stream:
    """A stream that somebody speaks, in a room where he (still) is; NotFound otherwise."""
    inside = exists().where(Membership.room_id == Stream.room_id, Membership.person_id == somebody.id)
    wanted = select(Stream).where(Stream.message_id == message_id, Stream.gen == gen)
    found = db.session.scalar(
        wanted.where(Stream.author_id == somebody.id, inside).execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such stream of yours.")
    return found


def push(stream: Stream, offset: int, text: str) -> int:
    """Add what is new in `text`, which stands at `offset` (UTF-16 units); the length then.

    Conflict with the length for a gap, and when the stream waits for its turn or has ended. What goes beyond 32,000
    units is left out, and the stream ends as truncated.
    """
    if stream.status == QUEUED and stream.speaker is None:
        voices.heard(stream).heard_at = time.monotonic()  # if only asking whether it is his turn
    if stream.status != STREAMING:
        known = texts.units(db.session.get(Message, stream.message_id).content)
        raise Conflict(f"This stream is {stream.status}.", length=len(known) // 2, status=stream.status)
    db.session.commit()  # nothing waits for Redis while it holds a connection
    voice = voices.heard(stream)
    fits = texts.beginning_of(text, TEXT_MAX - offset)
    length = voices.append(voice, offset, fits)
    if redis.in_use and not voice.is_shared:
        tending.save(voice)  # no other process could read it otherwise
    if len(fits) < len(text):
        endings.end(voice, "truncated")
    return length


def finish(stream: Stream, status: str | None = None, error: dict | None = None) -> Message:
    """The speaker has ended ("complete", or "error" with one); asked again it changes nothing. The message then."""
    if stream.status in AT_WORK:
        endings.end(voices.heard(stream), status or ("error" if error else "complete"), error)
    return message_of(stream.message_id)


def message_of(message_id: int) -> Message:
    return db.session.scalar(saying.with_author(Message.id == message_id))


def stop(somebody: Person, message_id: int, gen: int) -> str:
    """End a stream from outside, whichever process speaks; the status then. For whoever asked, the stream's author and
    moderators.
    """
    message = may_direct(somebody, message_id, gen)
    if message.status in AT_WORK:
        silence(message)
        message = message_of(message_id)
    return message.status


def silence(message: Message) -> None:
    """Stop it, where it is being said."""
    if message.status in AT_WORK:
        stream = db.session.get(Stream, (message.id, message.gen), populate_existing=True)
        endings.end(voices.heard(stream), "stopped")


def may_direct(somebody: Person, message_id: int, gen: int) -> Message:
    """A streamed message that somebody may stop and have said again, at that `gen`."""
    message, membership = saying.find(somebody, message_id)
    if message.gen == 0:
        raise NotFound("There is no such stream.")
    if somebody.id not in (message.author_id, message.asker_id) and not membership.moderates:
        raise Forbidden("Only who asked, who speaks and the room's owners may do this.")
    if message.gen != gen:
        raise Conflict("gen: it was said again meanwhile.", field="gen")
    return message


def repeat(somebody: Person, message_id: int, gen: int, *, is_ours: bool = False) -> Message:
    """Have a message said again, from the beginning, as `gen` + 1. Conflict while it is being said."""
    message = may_direct(somebody, message_id, gen)
    if message.removed_at is not None:
        raise NotFound("This message was removed.")
    if message.status in AT_WORK:
        raise Conflict("It is being said.")
    if message.author.kind != "bot" and message.author_id != somebody.id:
        raise Forbidden("Only its author may say it again.")
    turns.require_place(message.room_id)
    ratelimit.take(somebody.id, "edit")
    asker_id = somebody.id if somebody.kind == "person" else message.asker_id
    turns.hold_asker(asker_id)
    rev = rooms.advance_rev(message.room_id)
    db.session.refresh(message)
    if (message.gen, message.removed_at) != (gen, None) or message.status in AT_WORK:
        db.session.rollback()
        raise Conflict("gen: it was said again meanwhile.", field="gen")
    message.gen, message.rev, message.asker_id = gen + 1, rev, asker_id
    message.status = turns.first_status(message.room_id, message.asker_id)
    message.content, message.body_html, message.error, message.edited_at = "", "", None, None
    db.session.add(stream_of(message, is_ours))
    db.session.commit()
    voice = voices.begin(voice_of(message, is_ours))
    broadcasts.message_updated(message)
    voices.tell_status(voice, message.status, 0)
    cached.forget(message.room_id)
    return message


def snapshots(room_id: str, held: dict[tuple[int, int], int] | None = None) -> list[dict]:
    """How far the streams of a room are: `{messageId, gen, status, offset, text, place?}` each; the text from the
    length on that the reader holds (by message and gen), or whole.
    """
    rows = turns.waiting_and_speaking(room_id) if database.ask(turns.ANY, room=room_id) else []
    places = {row.message_id: turns.place_of(row, rows) for row in rows if row.status == QUEUED}
    if rows:
        db.session.commit()  # as in push
    lengths = [(held or {}).get((row.message_id, row.gen), 0) for row in rows]
    some = zip(rows, texts_so_far(rows), lengths, strict=True)
    return [snapshot(row, text, length, places.get(row.message_id)) for row, text, length in some]


def snapshot(row: Stream, text: bytes, offset: int, place: int | None) -> dict:
    offset = offset if texts.is_border(text, offset) else 0
    shape = {"messageId": row.message_id, "gen": row.gen, "status": row.status, "offset": offset}
    shape["text"] = texts.text_of(text[2 * offset :])
    return shape if place is None else shape | {"place": place}


def texts_so_far(rows: list[Stream]) -> list[bytes]:
    """All that any process of ours has acknowledged of each, as UTF-16. (Of what waits there is none.)"""
    here = {voice.key: voice for voice in voices.everyone()}
    known = {(row.message_id, row.gen): texts.units(row.text) for row in rows}
    known |= {key: max(text, bytes(here[key].text), key=len) for key, text in known.items() if key in here}
    asked = [(row.message_id, row.gen) for row in rows if row.status == STREAMING]
    asked = [key for key in asked if key not in here or not here[key].is_ours]
    shared = dict(zip(asked, sharing.remembered([texts.key_of(*key) for key in asked]), strict=True))
    known |= {key: max(known[key], text or b"", key=len) for key, text in shared.items()}
    # While we asked we did not answer, and others may have said less than we know.
    voices.say_again(
        [here[key] for key, text in shared.items() if key in here and text is not None and len(text) < len(known[key])]
    )
    return list(known.values())
