"""What the API answers, as models, and what each field and error means: for openapi.py and nobody else.

The shapes of what comes in are wire.py's own; these mirror the dicts that wire.py and the row make.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

MILLISECONDS_IN_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
Moment = Annotated[str, Field(pattern=MILLISECONDS_IN_UTC, json_schema_extra={"format": "date-time"})]

Status = Literal["queued", "streaming", "complete", "stopped", "truncated", "error", "interrupted"]


class Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class Person(Answer):
    id: int = Field(description="The person's id.")
    name: str
    kind: Literal["person", "bot"]
    avatar_url: str


class Member(Person):
    role: Literal["owner", "admin", "member"]


class Session(Answer):
    id: str = Field(description="The session's id: opaque.")
    name: str
    kind: Literal["open", "closed", "direct"]
    topic: str
    last_seq: int
    last_rev: int
    version: int
    archived: bool
    created_at: Moment
    role: Literal["owner", "admin", "member"]


class StreamError(Answer):
    code: str
    message: str


class Message(Answer):
    id: int = Field(description="The message's id.")
    session_id: str
    seq: int
    rev: int
    author: Person
    content: str
    html: str
    status: Status
    gen: int
    asked_by: int | None
    error: StreamError | None
    reply_to: int | None
    client_id: str
    created_at: Moment
    edited_at: Moment | None
    removed: bool


class OneSession(Answer):
    session: Session


class Sessions(Answer):
    sessions: list[Session]


class FullSession(OneSession):
    messages: list[Message]
    members: list[Member]


class OneMessage(Answer):
    message: Message


class Messages(Answer):
    messages: list[Message]
    has_more: bool
    last_rev: int


class OneMember(Answer):
    member: Member


class OnePerson(Answer):
    person: Person


class People(Answer):
    people: list[Person]


class StreamLength(Answer):
    length: int


class StreamStatus(Answer):
    status: Status


class Online(Answer):
    count: int | None
    users: list[Person]


class Done(Answer):
    ok: Literal[True]


class Error(Answer):
    code: str = Field(description="What went wrong, for programs.")
    message: str = Field(description="A sentence for people. Its words may change.")
    field: str | None = Field(None, description="The field at fault, where there is one.")
    retry_after: float | None = Field(None, description="Seconds after which asking again makes sense.")
    length: int | None = Field(None, description="Where the text of the stream ends, in UTF-16 code units.")
    status: str | None = Field(None, description="Of a stream that takes no chunk: `queued`, or how it ended.")


class Refusal(Answer):
    error: Error


ERRORS = {
    "unauthorized": "No token and no cookie, or one that does not count any more.",
    "forbidden": "Not for this person to do, or the session is archived, or the CSRF token is missing.",
    "not_found": "There is no such thing, or the caller may not know of it.",
    "conflict": "The `clientId` was used before, for another content or in another session.",
    "too_large": "The content is longer than 10,000 characters, or the body than 128 KB.",
    "invalid": "Not as described here; `field` names the first field at fault.",
    "rate_limited": "Too fast; `retryAfter` and the header `Retry-After` tell how many seconds to wait.",
    "internal": "An accident of the server's.",
    "unavailable": "The database cannot be reached; try again after `retryAfter` seconds.",
}

# A name means one thing wherever it stands, so it is explained once.
FIELDS = {
    "after": "Only messages whose `seq` is above this one.",
    "afterRev": "Only messages changed after this revision, by `rev`: each once and as it is now.",
    "askedBy": "The id of the person for whom a streamed message is spoken; null when nobody asked for it.",
    "archived": "An archived session can be read; nothing is said, edited or removed in it.",
    "author": "Who said it.",
    "avatarUrl": "The face: an SVG, root-relative, for those who are signed in or send a token.",
    "before": "Only messages whose `seq` is below this one.",
    "clientId": "A UUID that the sender makes up, one per message for ever. Sent again, it gives the same message.",
    "content": "Markdown, 1 to 10,000 characters (UTF-16 code units) after trailing white space is cut; no NUL. "
    "Empty in a removed message.",
    "count": "People online now; null when that is not known.",
    "createdAt": "ISO 8601, UTC, milliseconds.",
    "editedAt": "When it was last edited; null when never, or removed.",
    "code": "What went wrong, for programs.",
    "error": "What went wrong. (In a message: why a stream broke off; else null.)",
    "gen": "How often a streamed message has been said; 0: an ordinary message.",
    "hasMore": "More lie in the direction asked: older ones without `after` and `afterRev`, newer ones with either.",
    "html": "The whole message as the pages show it: one element, made safe by the server, the same for every reader. "
    "Its links to this server are root-relative. Programs use `content`.",
    "isTyping": "False is the same as to stop typing.",
    "kind": "`open`: everybody is in; `closed`: who is invited; `direct`: one session for one set of people. "
    "Of people: `person` or `bot`.",
    "lastRev": "The revision of what was said in the session: every new, edited or removed message takes the next one.",
    "lastSeq": "The place of the newest message.",
    "length": "Where the text of the stream ends, in UTF-16 code units.",
    "limit": "Messages at most. Without it: 50, or the newest 10 when nothing at all is asked for.",
    "member": "The member.",
    "memberIds": "People who come in beside its maker, all of them active. An open session needs none; a direct one "
    "has 2 to 12 people, its maker included.",
    "members": "Everybody in the session who is active, by name.",
    "message": "The message.",
    "messageId": "The message's id.",
    "messages": "Messages, oldest first (with `afterRev`: by `rev`).",
    "name": "One line of 1 to 80 characters. A direct session has none of its own: its name is that of all its people "
    "when it was made.",
    "offset": "A place in the text of a stream, in UTF-16 code units.",
    "ok": "Always true.",
    "people": "At most 50 people, by name.",
    "person": "The person.",
    "q": "A part of the name; capitals do not matter. Empty: everybody.",
    "removed": "What was said is gone; the place (`id`, `seq`) stays.",
    "replyTo": "The id of a message in the same session that this one answers.",
    "rev": "The session's revision at this message's last change.",
    "role": "Owners and administrators (`admin`) moderate; in a direct session everybody is a `member`.",
    "seq": "The message's place in its session: 1, 2, 3 … History is ordered by it.",
    "session": "The session.",
    "sessionId": "The session's id.",
    "sessions": "The caller's sessions, by name, archived ones included.",
    "status": "`complete`: all is said. A streamed message is `queued` and `streaming` before that, or `stopped`, "
    "`truncated`, `error` or `interrupted`: its `content` is then what was said until there, and empty before.",
    "text": "New text of a stream, at most 32,000 characters; may be empty.",
    "topic": "One line of at most 300 characters; may be empty.",
    "userId": "The person's id.",
    "users": "At most 100 of those online.",
    "version": "Counts the changes of name, topic, members and archive.",
}
