"""How a stream ends: once, by whoever is first, with all that was acknowledged. Called within this package."""

from sqlalchemy import select, update

from .. import broadcasts, cached, markdown, notices, rooms, saying
from ..extensions import db
from ..models import AT_WORK, Message, Stream, now
from ..realtime.loop import run_aside
from . import sharing, texts, turns, voices
from .voices import Voice

ASIDE_ABOVE = 4_000  # characters of Markdown: rendering more would hold up everybody


def end(voice: Voice, status: str, error: dict | None = None) -> bool:
    """End it; whether it was we who did. Whatever waits is told before. When the database is away this raises, the text
    stays, nobody adds to it, and tend tries again."""
    voice.ending = status, error
    try:
        text = texts.text_of(sealed(voice))
        message = written(voice, status, error, text, rendered(text))
    except Exception:
        db.session.rollback()
        raise
    voices.drop(voice)
    if message is None:
        return False
    texts.leave_shared(voice.shared_key)
    if message.removed_at is None:
        voices.tell_status(voice, status, len(texts.units(text)) // 2)
        broadcasts.stream_complete(message)
    else:  # so that its rev is no hole
        broadcasts.message_updated(message)
    cached.forget(voice.room_id)
    notices.obey()
    turns.give()
    return True


def sealed(voice: Voice) -> bytes:
    """All that was acknowledged anywhere; nothing is from now on."""
    of_it = Stream.message_id == voice.message_id, Stream.gen == voice.gen
    saved = db.session.scalar(select(Stream.text).where(*of_it)) or ""
    db.session.commit()  # lets go of the connection
    with voice.lock:
        voices.tell(voice)
        voice.sealed = True
        shared = texts.seal_shared(voice.shared_key)
        if shared is None and not voice.is_ours and not voice.is_queued and sharing.recall([voice.shared_key]):
            shared = texts.seal_shared(voice.shared_key)
        return max(bytes(voice.text), shared or b"", texts.units(saved), key=len)


def rendered(text: str) -> str:
    return run_aside(markdown.to_html, text) if len(text) > ASIDE_ABOVE else markdown.to_html(text)


def written(voice: Voice, status: str, error: dict | None, text: str, body_html: str) -> Message | None:
    """The message as it is after its end; None when it had ended already. Commits."""
    rev = rooms.advance_rev(voice.room_id, even_archived=True)
    mine = Stream.message_id == voice.message_id, Stream.gen == voice.gen, Stream.status.in_(AT_WORK)
    last = (
        update(Stream)
        .where(*mine)
        .values(
            status=status,
            text="",
            length=len(texts.units(text)) // 2,
            error_code=error and error["code"],
            ended_at=now(),
            **voice.cost,
        )
    )
    if db.session.execute(last.execution_options(synchronize_session=False)).rowcount != 1:
        db.session.rollback()
        return None
    message = db.session.scalar(saying.with_author(Message.id == voice.message_id))
    message.rev, message.status, message.error = rev, status, error
    if message.removed_at is None:
        message.content, message.body_html = text, body_html
    notices.post("stream", f"{voice.message_id}:{voice.gen}")
    db.session.commit()
    return message


def note_cost(voice: Voice) -> None:
    """What it had cost when somebody else ended it."""
    of_it = Stream.message_id == voice.message_id, Stream.gen == voice.gen
    db.session.execute(update(Stream).where(*of_it).values(**voice.cost).execution_options(synchronize_session=False))
    db.session.commit()


def elsewhere(notice) -> None:
    """A stream has ended, whichever process ended it: here too nobody speaks on."""
    message_id, _, gen = notice.subject.partition(":")
    voice = voices.get(int(message_id), int(gen))
    if voice is not None:
        voice.sealed = True
        voices.hang_up(voice)
        add_what_is_missing(
            voice
        )  # raises without the database: then the notice is obeyed again, and the voice is there
        voices.drop(voice)


def add_what_is_missing(voice: Voice) -> None:
    """What was acknowledged here and is not in the end that another process wrote, as Redis was away or had forgotten,
    is added to it, and told. Commits."""
    known = voices.acknowledged(voice)
    wanted = saying.with_author(Message.id == voice.message_id)
    message = db.session.scalar(wanted.execution_options(populate_existing=True))
    if not lacks(message, voice, known):
        return
    rev = rooms.advance_rev(voice.room_id, even_archived=True)
    db.session.refresh(message)
    if not lacks(message, voice, known):  # another process was quicker, now that we have the room's lock
        db.session.rollback()
        return
    text = texts.text_of(known)
    message.rev, message.content, message.body_html = rev, text, rendered(text)
    of_it = Stream.message_id == voice.message_id, Stream.gen == voice.gen
    longer = update(Stream).where(*of_it).values(length=len(known) // 2)
    db.session.execute(longer.execution_options(synchronize_session=False))
    db.session.commit()
    broadcasts.stream_complete(message)
    cached.forget(voice.room_id)


def lacks(message: Message, voice: Voice, known: bytes) -> bool:
    """Whether the message, as it ended, is a beginning of what is known; and nobody changed it since."""
    is_that = message.gen == voice.gen and message.status not in AT_WORK
    is_untouched = message.edited_at is None and message.removed_at is None
    said = texts.units(message.content)
    return is_that and is_untouched and len(said) < len(known) and known.startswith(said)


notices.OBEY["stream"] = elsewhere
