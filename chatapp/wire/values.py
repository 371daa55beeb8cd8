"""Single values as they come in: checked texts, ids, counts. For commands.py."""

import re
import uuid
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

CONTENT_MAX = 10_000  # UTF-16 code units
STREAM_MAX = 32_000  # UTF-16 code units
ERROR_CODE = re.compile("[a-z_]{1,30}")
ERROR_TEXT_MAX = 300
NAME_MAX = 80
TOPIC_MAX = 300
ID_MAX = 2**63 - 1
ROOM_ID_MAX = 64  # characters
PAGE_MAX = 100  # messages
UUID_SHAPE = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Control characters, line ends, and those that turn the direction of all that follows (a name could pose as another).
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
WHITE = (
    "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace()) + "\ufeff"
)  # Python's and JavaScript's
VISIBLE = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units: what JavaScript's `string.length` counts."""
    return len(text) + sum(1 for letter in text if letter > "\uffff") if not text.isascii() else len(text)


def is_storable(text: str) -> bool:
    """Whether any database could hold it."""
    return UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    if not is_storable(text):
        raise PydanticCustomError("text", "may not hold NUL or half of a surrogate pair")
    return text


def spoken(text: str) -> str:
    """A message's source: trailing white space cut, 1 to 10,000 UTF-16 code units."""
    text = storable(text).rstrip(WHITE)
    if not text:
        raise PydanticCustomError("text", "may not be empty")
    if utf16_length(text) > CONTENT_MAX:
        raise PydanticCustomError("too_large", f"may be {CONTENT_MAX:,} characters at the most")
    return text


def one_line(longest: int, *, empty: bool = False):
    """A validator for names and topics: one trimmed line."""

    def check(text: str) -> str:
        text = storable(text).strip()
        if not empty and not VISIBLE.search(text):
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


def piece(text: str) -> str:
    """Part of a streamed message: nothing is cut off, and it may be empty."""
    if utf16_length(storable(text)) > STREAM_MAX:
        raise PydanticCustomError("too_large", f"may be {STREAM_MAX:,} characters at the most")
    return text


def stream_error(given) -> dict:
    """`{code, message}`, or a sentence alone: why a stream broke off."""
    given = {"message": given} if isinstance(given, str) else given
    code, message = (given.get("code", "internal"), given.get("message", "")) if isinstance(given, dict) else (0, 0)
    if not isinstance(code, str) or not isinstance(message, str) or not ERROR_CODE.fullmatch(code):
        raise PydanticCustomError("error", "must be a sentence, or an object of a code and a message")
    return {"code": code, "message": storable(message).strip()[:ERROR_TEXT_MAX]}


Piece = Annotated[str, AfterValidator(piece)]
StreamError = Annotated[dict, BeforeValidator(stream_error)]
SessionId = Annotated[str, Field(max_length=ROOM_ID_MAX), AfterValidator(storable)]
ClientId = Annotated[str, AfterValidator(canonical_uuid)]
Content = Annotated[str, AfterValidator(spoken)]
Name = Annotated[str, one_line(NAME_MAX)]
Topic = Annotated[str, one_line(TOPIC_MAX, empty=True)]
Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Count = Annotated[int, Field(ge=0, le=ID_MAX)]
QueryCount = Annotated[int, BeforeValidator(no_numeral_tricks), Field(ge=0, le=ID_MAX)]
MemberIds = Annotated[list[Id], Field(max_length=1000)]
