"""Questions for the assistant's tests: `room(("Ana", "Hello"), …)` is a history, `a_question("…", said)` one about it."""

from datetime import UTC, datetime, timedelta

from chatapp.assistant.question import Question, Said

BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)
BOT, BOT_NAME = 77, "helper"
ASKED = 1_000_000


def room(*lines, apart=60, removed=()):
    """Messages with ids from 1, `apart` seconds apart; a line is (name, text) or (name, text, id of what it replies to)."""
    people = {BOT_NAME: BOT}
    said = []
    for number, (name, text, *reply) in enumerate(lines, 1):
        speaker = people.setdefault(name, len(people))
        kind = "bot" if name == BOT_NAME else "person"
        at = BEGAN + timedelta(seconds=number * apart)
        said.append(Said(number, speaker, name, kind, text, at, *reply, removed=number in removed))
    return said


def a_question(text="@helper what did I miss?", said=(), name="Zoe", **more):
    asked = Said(ASKED, 99, name, "person", text, BEGAN + timedelta(days=9))
    return Question(asked, said, BOT, BOT_NAME, **more)
