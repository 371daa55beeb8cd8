"""What a heap of messages is about, by counting: words and pairs of words that come again in several messages and are
no everyday ones. For recap.py. Good for English; Chinese characters, written without spaces, are counted in runs; most
other languages lack only the list of their everyday words.

It is gone through twice, so that only few words are ever paired and looked at closely: a room's history may hold more
different words than anybody could count in the time of an answer.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .everyday import EVERYDAY
from .pace import breathing

TEXT_CHARACTERS = 1_000  # of one message that are looked at
BYTES_MAX = 600_000  # of all of them, the latest counting first
CANDIDATES = 300  # the most frequent words, among which is chosen
PAIR_WORTH = 1.6  # a pair says more than a word that is as frequent
CHARACTER_WORTH = 0.3  # likewise for each Chinese character after the second
SPEAKERS_WORTH = 0.5  # for each speaker after the first
WORD_CHARACTERS = range(3, 31)
RUN_CHARACTERS_MAX = 6
ABSORBED = 0.6  # a word that is mostly said within a chosen one is not named again
NOISE = re.compile(  # within one line, as in threads.py
    r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|^[^\S\n]*>[^\n]*|(?<!\w)@[\w.-]+", re.DOTALL | re.MULTILINE
)
HAN, KATAKANA, HIRAGANA = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", "\u30a1-\u30fa\u30fc", "\u3041-\u3096"
LETTER = rf"[^\W_{HAN}{KATAKANA}{HIRAGANA}]"
TOKEN = re.compile(
    rf"[{HAN}]+|[{KATAKANA}]+|[{HIRAGANA}]+|{LETTER}+(?:['’.\-/_]{LETTER}+)*|[.,;:!?…()\[\]\n。、，！？]"
)


class Topic(NamedTuple):
    words: str  # as it was written most often
    messages: int  # in how many it stands


class _Keys(dict):
    """What to count each token as: alike for "Servers" and "server"; None for what tells nothing."""

    def __missing__(self, token: str) -> str | None:
        self[token] = key = _key(token)
        return key


def topics(said: Sequence[tuple[int, str]], most: int) -> list[Topic]:
    """The `most` telling words and pairs in (speaker, text), best first; only what stands in two messages at least."""
    keys = _Keys()
    heap = [(speaker, tokens, [keys[token] for token in tokens]) for speaker, tokens in _latest(said)]
    frequent = Counter(key for _, _, keyed in breathing(heap) for key in set(keyed) if key)
    frequent = {key for key, count in frequent.most_common(CANDIDATES) if count > 1}
    counts, speakers, spellings = Counter(), defaultdict(set), defaultdict(Counter)
    for speaker, tokens, keyed in breathing(heap):
        for key, spelling in dict(_closer(tokens, keyed, frequent)).items():
            counts[key] += 1
            speakers[key].add(speaker)
            spellings[key][spelling] += 1
    chosen: list[str] = []
    again = [key for key, count in counts.items() if count > 1]
    for key in sorted(again, key=lambda key: (-_worth(key, counts[key], len(speakers[key])), key)):
        if len(chosen) == most:
            break
        if not any(_says_the_same(key, other, counts) for other in chosen):
            chosen.append(key)
    return [Topic(spellings[key].most_common(1)[0][0], counts[key]) for key in chosen]


def _latest(said: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    left = BYTES_MAX
    for speaker, text in breathing(list(reversed(said))):
        left -= len(text[:TEXT_CHARACTERS].encode(errors="replace"))
        if left < 0:
            return
        yield speaker, list(_tokens(NOISE.sub("\n", text[:TEXT_CHARACTERS])))


def _tokens(text: str) -> Iterable[str]:
    """Words, and marks that part them; Chinese in twos, each sharing a character with the one before it."""
    found = TOKEN.findall(text)
    if text.isascii():
        return found
    return [part for token in found for part in (_twos(token) if _is_han(token) else (token,))]


def _twos(run: str) -> list[str]:
    return [*(run[at : at + 2] for at in range(len(run) - 1)), "\n"]


def _is_han(token: str) -> bool:
    return "\u3400" <= token[0] <= "\u9fff" or "\uf900" <= token[0] <= "\ufaff"


def _key(token: str) -> str | None:
    low = token.casefold().replace("’", "'").removesuffix("'s")
    if low in EVERYDAY or token.isdigit() or "\u3041" <= token[0] <= "\u3096":
        return None
    if _is_han(token):
        return token
    if len(token) not in WORD_CHARACTERS and not (
        len(token) == 2 and "\uac00" <= token[0] <= "\ud7a3"
    ):  # Korean is short
        return None
    return low[:-1] if len(low) > 3 and low[-1] == "s" and low[-2] not in "sui" else low


def _closer(tokens: list[str], keyed: list[str | None], frequent: set[str]) -> Iterator[tuple[str, str]]:
    """(key, spelling) of each frequent word, of pairs of them, and of the runs that Chinese ones make."""
    before, run = None, ""
    for token, key in zip(tokens, keyed, strict=True):
        if key not in frequent:
            before, run = None, ""
            continue
        yield key, token
        if _is_han(token):
            run = (run + token[1:])[-RUN_CHARACTERS_MAX:] if run else token
            yield from ((run[at:], run[at:]) for at in range(len(run) - 2))
            before = None
            continue
        run = ""
        if before and before[0] != key:
            yield f"{before[0]} {key}", f"{before[1]} {token}"
        before = key, token


def _worth(key: str, count: int, speakers: int) -> float:
    longer = 1 + CHARACTER_WORTH * (len(key) - 2) if _is_han(key) else PAIR_WORTH if " " in key else 1
    return count * longer * (1 + SPEAKERS_WORTH * (min(speakers, 5) - 1))


def _says_the_same(key: str, other: str, counts: Counter) -> bool:
    """Whether they share something, and `key` is hardly said without the other."""
    if _is_han(key) and _is_han(other):
        shared = key in other or other in key or key[1:] in other or key[:-1] in other
        return shared and (len(key) > 2 or key in other)
    shared = not set(key.split()).isdisjoint(other.split())
    return shared and (" " in key or counts[other] >= ABSORBED * counts[key])
