"""The lines of a transcript, read and checked: nothing gets in by a file that could not be said at a door."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, BinaryIO, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from .. import wire
from ..errors import ChatError, Invalid

FORMAT = 1
ROOM_NAME_MAX = 1_000  # a direct room is called by all its people
TEXT_MAX = 32_000  # UTF-16 code units
GEN_MAX = 1_000_000


def moment(text):
    """ISO 8601 with a zone, as a time in UTC."""
    try:
        time = datetime.fromisoformat(text).astimezone(UTC)
        has_zone = datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError, OverflowError):
        has_zone = False
    if not has_zone:
        raise PydanticCustomError("moment", "must be a time such as 2026-01-31T12:00:00.000Z")
    return time


def said(text: str) -> str:
    if wire.utf16_length(wire.storable(text)) > TEXT_MAX:
        raise PydanticCustomError("too_large", f"may be {TEXT_MAX:,} characters at the most")
    return text


Moment = Annotated[datetime, BeforeValidator(moment)]
Text = Annotated[str, AfterValidator(said)]
Email = Annotated[str, Field(max_length=254), AfterValidator(wire.storable)]


class Author(wire.Payload):
    """Somebody; `id` only tells people of one file apart."""

    id: wire.Id
    name: wire.Name
    email: Email | None = None
    kind: Literal["person", "bot"] = "person"


class RoomLine(wire.Payload):
    format: Literal[1]
    name: Annotated[str, wire.one_line(ROOM_NAME_MAX)]
    kind: Literal["open", "closed", "direct"]
    topic: wire.Topic = ""
    created_at: Moment
    archived_at: Moment | None = None


class MemberLine(Author):
    """`answers` says when an assistant does. Older files have neither this nor `joined_at`: then it is as for one who
    comes now."""

    role: Literal["owner", "member"] = "member"
    answers: Literal["off", "mention", "every"] = "mention"
    joined_at: Moment | None = None


class MessageLine(wire.Payload):
    """`reply_to_seq` is the place of the message answered; the last four are of one spoken piece by piece (gen > 0)."""

    seq: wire.Id
    author: Author
    client_id: wire.ClientId
    content: Text
    reply_to_seq: wire.Id | None = None
    created_at: Moment
    edited_at: Moment | None = None
    removed_at: Moment | None = None
    gen: Annotated[int, Field(ge=0, le=GEN_MAX)] = 0
    status: Literal["complete", "stopped", "truncated", "error", "interrupted"] = "complete"
    error: wire.StreamError | None = None
    asked_by: Author | None = None


ORDER = [RoomLine, MemberLine, MessageLine]
SHAPES = {"room": RoomLine, "member": MemberLine, "message": MessageLine}


def lines(source: BinaryIO) -> Iterator[wire.Payload]:
    """Every line from the start of `source`, checked: one room, then members, then messages without a gap."""
    source.seek(0)
    stage, seq, number = 0, 0, 0
    for number, text in enumerate(source, 1):
        try:
            line = shape_of(text)
            came = ORDER.index(type(line))
            if came < stage or (came == 0) != (number == 1):
                raise Invalid("the room comes first, then its members, then the messages.")
            if came == 2 and (line.seq != seq + 1 or (line.reply_to_seq or 0) >= line.seq):
                raise Invalid(f"seq: {seq + 1} comes next, and an answer comes after what it answers.")
        except ChatError as refusal:
            raise Invalid(f"line {number}: {refusal.message}") from None
        stage, seq = came, seq + (came == 2)
        yield line
    if not number:
        raise Invalid("There is nothing in it.")


def shape_of(text: bytes) -> wire.Payload:
    try:
        given = json.loads(text)
        shape = SHAPES[given["type"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("not a line of an exported room.") from None
    return wire.parse(shape, given)
