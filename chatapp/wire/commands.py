"""What a client sends, as models: one set for the socket, the API and its description; and reading a payload as one."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from ..errors import ChatError, Invalid, TooLarge
from .values import (
    NAME_MAX,
    PAGE_MAX,
    ROOM_ID_MAX,
    ClientId,
    Content,
    Count,
    Id,
    MemberIds,
    Name,
    Piece,
    QueryCount,
    SessionId,
    StreamError,
    Topic,
    is_storable,
    no_numeral_tricks,
    one_line,
)


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


class OfMessage(Payload):
    message_id: Id


class StreamStart(Payload):
    client_id: ClientId
    reply_to: Id | None = None


class StartStream(StreamStart, OfSession):
    pass


class StreamGen(Payload):
    gen: Count


class StreamPiece(StreamGen):
    offset: Count  # beyond the end of a text is a conflict, wherever it ends
    text: Piece


class StreamEnd(StreamGen):
    status: Literal["complete", "stopped", "truncated", "error"] | None = None
    error: StreamError | None = None


class OfStream(StreamGen, OfMessage):
    pass


class StreamChunk(StreamPiece, OfMessage):
    pass


class StreamComplete(StreamEnd, OfMessage):
    pass


class NewContent(Payload):
    content: Content


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


class EventsQuery(Payload):
    after_rev: QueryCount | None = None


class StreamQuery(Payload):
    gen: QueryCount | None = None
    offset: QueryCount = 0


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


def room_named(payload) -> str | None:
    """The room that a command seems to name, for looking it up before all else is checked."""
    named = payload.get("sessionId") if isinstance(payload, dict) else None
    return named if isinstance(named, str) and len(named) <= ROOM_ID_MAX and is_storable(named) else None


def refusal(error: ValidationError) -> ChatError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else first["type"] if first["type"] in ("name", "before") else None
    kind = TooLarge if first["type"] == "too_large" else Invalid
    return kind(f"{field or 'payload'}: {first['msg']}", field=field)
