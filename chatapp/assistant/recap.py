"""What an assistant answers when no language model is set up: a recap of the room, made by counting, that says so. It
answers "what did I miss?" and tells whoever asks something else that this is all it can. Same question, same answer.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from . import threads, words
from .answers import Answer
from .pace import breathing
from .question import Question, Said

MESSAGES_MAX = 10_000  # the latest of what it is given
FEW = 5  # so many messages are shown instead of counted
SPEAKERS, TOPICS, LISTED = 5, 6, 5
MOST_ANSWERED = 3
EXCERPT_CHARACTERS = 140
NAME_CHARACTERS = 60
PIECE = re.compile(r"\s*\S{1,12}")  # about a word; what has no spaces comes in parts too
MARKDOWN = re.compile(r"([\\`*_\[\]<>&~|#!])")
CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
DRESS = re.compile(  # is left out; within one line, as in threads.py
    r"!?\[([^\[\]\n]*)\]\([^()\s]*\)|^[^\S\n]*(?:[#>]+|[-*+])\s|\*\*|__|~~|`", re.MULTILINE
)
ASKS_FOR_RECAP = re.compile(
    r"miss|recap|summ?ar|catch.{0,6}up|tl;?dr|what.{0,4}(happened|new|up\b|going on)|overview|digest|bring me up|unread"
    r"|verpass|zusammenfass|was (ist|war) (los|passiert)|was gibt.{0,4}neues|überblick|rat[ée]|manqu|résum|quoi de neuf"
    r"|resum|perd[ií]|qué (pasó|hay de nuevo)|perdi|riassu|novità|samenvat|gemist"
    r"|总结|總結|错过|錯過|摘要|要約|まとめ|요약|놓친",
    re.IGNORECASE,
)
HONEST = "I am not a language model. This is what the room's own history says, found by counting."
CANNOT = (
    "I am not a language model, so I cannot answer that. I can only recap what was said in this room: ask me"
    " *“what did I miss?”* (Whoever runs this chat can connect a model: `ASSISTANT_BASE_URL`.)"
)


class Recap:
    """A source of answers like `Endpoint`."""

    def open(self, question: Question) -> Answer:
        return Answer(lambda answer: _speak(question))


def _speak(question: Question) -> Iterator[str]:
    """Small pieces; how fast they are told is for the caller to say."""
    for paragraph in _paragraphs(question):
        yield from PIECE.findall(paragraph)
        yield "\n\n"


def _paragraphs(question: Question) -> Iterator[str]:
    """The recap's parts as Markdown, those left out that have nothing to say."""
    yield HONEST if _wanted(question) else CANNOT
    said = _considered(question)
    if not said:
        yield "Nothing was said since you last read here." if question.since_last_read else "Nothing was said here yet."
        return
    yield _head(question, said)
    if len(said) <= FEW:
        yield "\n".join(f"- {_told(one)}" for one in said)
    else:
        for part in (_topics, _open_questions, _most_answered):
            if text := part(said):
                yield text
    if text := _links(said):
        yield text


def _wanted(question: Question) -> bool:
    """Whether a recap was asked for; just calling the assistant counts."""
    asked = re.sub(r"@\S+", "", question.asked.text.replace(f"@{question.bot_name}", "")).strip(" .!?,:")
    return not asked or bool(ASKS_FOR_RECAP.search(asked))


def _considered(question: Question) -> Sequence[Said]:
    """What people said to each other: without what was removed, and without the talk with this assistant."""
    given = question.before[-MESSAGES_MAX:]
    to_me = {one.reply_to for one in given if one.speaker_id == question.bot_id}
    mine = {one.id for one in given if one.speaker_id == question.bot_id}
    unheard = to_me | mine | {question.asked.id}
    return [
        one
        for one in breathing(given)
        if not one.removed and one.text.strip() and one.id not in unheard and one.reply_to not in mine
    ]


def _head(question: Question, said: Sequence[Said]) -> str:
    counts = Counter(one.speaker_id for one in said)
    names = {one.speaker_id: one.name for one in said}
    told = [f"{_name(names[who])} ({count})" for who, count in counts.most_common(SPEAKERS)]
    if len(counts) > SPEAKERS:
        rest = counts.most_common()[SPEAKERS:]
        told.append(f"{_many(len(rest), 'other')} ({sum(count for _, count in rest)})")
    since = "Since you last read here" if question.since_last_read else "Lately"
    total = f"{since}: {_many(len(said), 'message')} from {_many(len(counts), 'person', 'people')}"
    return f"**{total}**{_span(said[-1].at - said[0].at)}. {_listed(told)}."


def _topics(said: Sequence[Said]) -> str:
    found = words.topics([(one.speaker_id, one.text) for one in said], TOPICS)
    return f"**About:** {', '.join(f'{_plain(topic.words)} ({topic.messages})' for topic in found)}" if found else ""


def _open_questions(said: Sequence[Said]) -> str:
    found = threads.open_questions(said)
    more = f", the last {LISTED} of {len(found)}" if len(found) > LISTED else ""
    return _list(f"Questions that nobody seems to have answered{more}:", [_told(one) for one in found[-LISTED:]])


def _most_answered(said: Sequence[Said]) -> str:
    found = threads.most_answered(said, MOST_ANSWERED)
    return _list("Answered most:", [f"{_told(one)} – {_many(count, 'reply', 'replies')}" for one, count in found])


def _links(said: Sequence[Said]) -> str:
    return _list("Links:", [f"<{url}> from {_name(one.name)}" for url, one in threads.links(said, LISTED)])


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([f"**{title}**\n", *(f"- {line}" for line in lines)]) if lines else ""


def _told(one: Said) -> str:
    """Who said what, on one line."""
    text = CODE.sub(" … ", one.text[: threads.TEXT_CHARACTERS])
    text = " ".join(DRESS.sub(lambda found: found[1] or "", text).split())
    short = text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"
    return f"{_name(one.name)}: “{_plain(short)}”"


def _name(name: str) -> str:
    return f"**{_plain(' '.join(name.split())[:NAME_CHARACTERS])}**"


def _plain(text: str) -> str:
    """As Markdown that shows just this text. A URL in it is shown, and linked, as it is."""
    parts = threads.URL.split(text)
    urls = [*threads.URL.findall(text), ""]
    return "".join(MARKDOWN.sub(r"\\\1", part) + url for part, url in zip(parts, urls, strict=True))


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _listed(things: list[str]) -> str:
    return " and ".join([", ".join(things[:-1]), things[-1]]) if len(things) > 1 else things[0]


def _span(passed: timedelta) -> str:
    """In words, for whoever reads it wherever the clock shows whatever."""
    minutes = int(passed.total_seconds() // 60)
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= 2 * size:
            return f" within {_many(-(-minutes // size), unit)}"
    return ""
