"""Who answered whom in a heap of messages: questions left open, messages replied to most, links that were shared. By
rules of thumb, for recap.py."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from .pace import breathing
from .question import Said

QUESTION = re.compile(r"[?？؟][\s*_~'\"»”)\]！!]*$", re.MULTILINE)
# Code, and lines that are quoted. (White space that went on to the next line would be gone through from every line.)
NOT_ONES_OWN = re.compile(r"```.*?(?:```|\Z)|^[^\S\n]*>[^\n]*", re.DOTALL | re.MULTILINE)
URL = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]\x00-\x1f]{3,300}", re.IGNORECASE)
URL_END = ".,;:!?*_~。，、！？）」"
TEXT_CHARACTERS = 1_000  # of one message that are looked at
ANSWER_WITHIN = 3  # messages after the question
ANSWER_SOON = timedelta(hours=1)


def own_words(said: Said) -> str:
    return NOT_ONES_OWN.sub("", said.text[:TEXT_CHARACTERS]).strip()


def open_questions(said: Sequence[Said]) -> list[Said]:
    """Questions of people that nobody else answered: neither by a reply nor by what somebody said next."""
    speakers = {one.id: one.speaker_id for one in said}
    replied = {one.reply_to for one in said if one.reply_to and speakers.get(one.reply_to) != one.speaker_id}
    return [
        one
        for place, one in enumerate(breathing(said))
        if one.kind == "person" and one.id not in replied and _asks(one) and not _answered_next(said, place)
    ]


def _asks(one: Said) -> bool:
    return bool(QUESTION.search(own_words(one)))


def _answered_next(said: Sequence[Said], place: int) -> bool:
    """Whether somebody else said something soon after that is no question and no reply to something else."""
    asked = said[place]
    for one in said[place + 1 : place + 1 + ANSWER_WITHIN]:
        if one.speaker_id != asked.speaker_id:
            return one.at - asked.at <= ANSWER_SOON and not one.reply_to and not _asks(one)
    return False


def most_answered(said: Sequence[Said], most: int) -> list[tuple[Said, int]]:
    """(message, number of replies of others) with two replies at least, the most first."""
    by_id = {one.id: one for one in said}
    replies = Counter(
        one.reply_to for one in said if one.reply_to in by_id and by_id[one.reply_to].speaker_id != one.speaker_id
    )
    return [(by_id[id_], count) for id_, count in replies.most_common(most) if count > 1]


def links(said: Sequence[Said], most: int) -> list[tuple[str, Said]]:
    """(address, who shared it first), those shared most often first."""
    first: dict[str, Said] = {}
    times = Counter()
    for one in breathing(said):
        for url in set(_urls(one.text[:TEXT_CHARACTERS])):
            first.setdefault(url, one)
            times[url] += 1
    return [(url, first[url]) for url, _ in times.most_common(most)]


def _urls(text: str) -> Iterator[str]:
    for found in URL.findall(text) if "://" in text else ():
        url = found.rstrip(URL_END)
        while url.endswith(")") and url.count(")") > url.count("("):  # the end of a Markdown link around it
            url = url[:-1].rstrip(URL_END)
        yield url
