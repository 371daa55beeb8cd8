"""The shapes of what comes in and goes out: commands (validated), payloads (camelCase), and the one place
where the wire's "session" is the code's room. Used by the doors and by broadcasts."""

import re
import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from flask import current_app
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from . import emoji
from .errors import ChatError, Invalid, TooLarge
from .models import Membership, Message, Person, Room

CONTENT_MAX = 10_000  # UTF-16 code units
NAME_MAX = 80
TOPIC_MAX = 300
ID_MAX = 2**63 - 1
PAGE_MAX = 100  # messages
DIRECT_MAX = 12  # people
UUID_SHAPE = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units: what JavaScript's `string.length` counts."""
    return len(text) + sum(1 for letter in text if letter > "\uffff") if not text.isascii() else len(text)


def storable(text: str) -> str:
    if UNSTORABLE.search(text):
        raise PydanticCustomError("text", "may not hold NUL or half of a surrogate pair")
    return text


def spoken(text: str) -> str:
    """A message's source: trailing white space cut, 1 to 10,000 UTF-16 code units."""
    text = storable(text).rstrip()
    if not text:
        raise PydanticCustomError("text", "may not be empty")
    if utf16_length(text) > CONTENT_MAX:
        raise PydanticCustomError("too_large", f"may be {CONTENT_MAX:,} characters at the most")
    return text


def one_line(longest: int, *, empty: bool = False):
    """A validator for names and topics: one trimmed line."""

    def check(text: str) -> str:
        text = storable(text).strip()
        if not text and not empty:
            raise PydanticCustomError("text", "may not be empty")
        if CONTROL.search(text):
            raise PydanticCustomError("text", "must be one line of plain text")
        if utf16_length(text) > longest:
            raise PydanticCustomError("text", f"may be {longest} characters at the most")
        return text

    return AfterValidator(check)


def canonical_uuid(text: str) -> str:
    if not UUID_SHAPE.fullmatch(text):
        raise PydanticCustomError("uuid", "must be a UUID")
    return str(uuid.UUID(text))


def no_numeral_tricks(value):
    """A query string holds text; only plain ASCII digits are a number there."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
        raise PydanticCustomError("number", "must be a whole number, 0 or more")
    return int(value) if isinstance(value, str) else value


SessionId = Annotated[str, Field(max_length=64), AfterValidator(storable)]
ClientId = Annotated[str, AfterValidator(canonical_uuid)]
Content = Annotated[str, AfterValidator(spoken)]
Name = Annotated[str, one_line(NAME_MAX)]
Topic = Annotated[str, one_line(TOPIC_MAX, empty=True)]
Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Count = Annotated[int, Field(ge=0, le=ID_MAX)]
QueryCount = Annotated[int, BeforeValidator(no_numeral_tricks), Field(ge=0, le=ID_MAX)]
MemberIds = Annotated[list[Id], Field(max_length=1000)]


class Payload(BaseModel):
    """What a client sends: camelCase, nothing converted, unknown fields left aside."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel, extra="ignore")


Shape = TypeVar("Shape", bound=Payload)


class OfSession(Payload):
    session_id: SessionId


class JoinSession(OfSession):
    after_rev: Count | None = None


class HeldStream(Payload):
    message_id: Id
    gen: Count
    length: Count


class SyncSession(OfSession):
    after_rev: Count
    streams: Annotated[list[HeldStream], Field(max_length=100)] = []


class NewMessage(Payload):
    content: Content
    client_id: ClientId
    reply_to: Id | None = None


class SendMessage(NewMessage, OfSession):
    pass


class NewContent(Payload):
    content: Content


class OfMessage(Payload):
    message_id: Id


class EditMessage(NewContent, OfMessage):
    pass


class TypingState(Payload):
    is_typing: bool = True


class Typing(OfSession):
    is_typing: bool


class NewSession(Payload):
    name: Name | None = None
    kind: Literal["open", "closed", "direct"]
    topic: Topic = ""
    member_ids: MemberIds = []

    @model_validator(mode="after")
    def is_named(self):
        if self.name is None and self.kind != "direct":
            raise PydanticCustomError("name", "Field required")
        return self


class SessionPatch(Payload):
    name: Name | None = None
    topic: Topic | None = None
    archived: bool | None = None


class MessagesQuery(Payload):
    before: QueryCount | None = None
    after: QueryCount | None = None
    after_rev: QueryCount | None = None
    limit: Annotated[int, BeforeValidator(no_numeral_tricks), Field(ge=1, le=PAGE_MAX)] | None = None

    @model_validator(mode="after")
    def goes_one_way(self):
        if sum(value is not None for value in (self.before, self.after, self.after_rev)) > 1:
            raise PydanticCustomError("before", "before, after and afterRev exclude each other")
        return self


class PeopleQuery(Payload):
    q: Annotated[str, one_line(NAME_MAX, empty=True)] = ""


def parse(shape: type[Shape], payload) -> Shape:
    """`payload` as a `shape`, or Invalid/TooLarge naming the first field at fault."""
    if not isinstance(payload, dict):
        raise Invalid("The payload must be an object.")
    try:
        return shape.model_validate(payload)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> ChatError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else first["type"] if first["type"] in ("name", "before") else None
    kind = TooLarge if first["type"] == "too_large" else Invalid
    return kind(f"{field or 'payload'}: {first['msg']}", field=field)


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def person(somebody: Person) -> dict:
    return {
        "id": somebody.id,
        "name": somebody.name,
        "kind": somebody.kind,
        "avatarUrl": f"/people/{somebody.id}/avatar.svg",
    }


def member(membership: Membership) -> dict:
    return person(membership.person) | {"role": membership.standing}


def session(room: Room, role: str | None = None) -> dict:
    """A room as the wire knows it; `role` is the reader's own, left out where there is no one reader."""
    shape = {
        "id": room.id,
        "name": room.name,
        "kind": room.kind,
        "topic": room.topic,
        "lastSeq": room.last_seq,
        "lastRev": room.rev,
        "version": room.version,
        "archived": room.archived_at is not None,
        "createdAt": moment(room.created_at),
    }
    return shape if role is None else shape | {"role": role}


def message(said: Message) -> dict:
    """The contract's `message`. Made once for each revision of a row: the ack and the event share it."""
    ready = getattr(said, "_shape", None)
    if ready and ready["rev"] == said.rev:
        return ready
    gone = said.removed_at is not None
    shape = {
        "id": said.id,
        "sessionId": said.room_id,
        "seq": said.seq,
        "rev": said.rev,
        "author": person(said.author),
        "content": "" if gone else said.content,
        "status": said.status,
        "gen": said.gen,
        "replyTo": None if gone else said.reply_to_id,
        "clientId": said.client_id,
        "createdAt": moment(said.created_at),
        "editedAt": None if gone else moment(said.edited_at),
        "removed": gone,
    }
    shape["html"] = message_html(shape, "" if gone else said.body_html)
    said._shape = shape
    return shape


def message_html(shape: dict, body_html: str) -> str:
    """THE rendering of a message: one element, the same for every reader."""
    template = current_app.jinja_env.get_template("messages/_message.html")
    only_emoji = emoji.is_emoji_only(shape["content"])
    return template.render(message=shape, body_html=body_html, emoji=only_emoji).strip()
