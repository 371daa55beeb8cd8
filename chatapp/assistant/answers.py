"""An answer while it is given, the same whatever its source: pieces of text, bounded, that anybody may stop at any
moment. Sources make one; the row iterates it and reads how it ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

from .. import errors

TEXT_UNITS_MAX = 32_000  # UTF-16 code units, the contract's limit of a stream
SECONDS_MAX = 120  # likewise
TOKEN_BYTES = 4
COMPLETE, TRUNCATED, STOPPED, ERROR = "complete", "truncated", "stopped", "error"


class Truncated(Exception):
    """The source ended before it had finished."""


class Halted(Exception):
    """Somebody wants no more of it."""


class Usage(NamedTuple):
    prompt_tokens: int
    completion_tokens: int


class Cost(NamedTuple):
    prompt_tokens: int
    completion_tokens: int
    is_estimate: bool


class Halt:
    """Ends whatever an answer waits for, from any thread or green thread, once and for good."""

    def __init__(self):
        self.asked = False
        self._lock = threading.Lock()
        self._end: Callable[[], object] | None = None

    def ends(self, end: Callable[[], object] | None) -> None:
        """From now on `ask` calls `end` (None: nothing). Raises Halted where it was asked already."""
        with self._lock:
            self._end = end
            if self.asked and end:
                raise Halted

    def ask(self) -> None:
        with self._lock:  # held meanwhile, so that nobody closes what is being ended
            self.asked = True
            if self._end:
                self._end()

    def pause(self, seconds: float) -> None:
        """Sleep so long, or until it is asked: then it raises Halted."""
        waiting = threading.Event()
        self.ends(waiting.set)
        waiting.wait(seconds)
        self.ends(None)
        self.check()

    def check(self) -> None:
        if self.asked:
            raise Halted


class Answer:
    """Iterate it once, in one thread; `stop()` it from any.

    `outcome` is None until the end, then one of complete | truncated | stopped | error. What was said until then counts
    in any case. `error` is the ChatError of an `error`: a code of the contract and a sentence for people, with
    `retry_after` where the source named it. `usage` is None where the source told none; `cost` then is an estimate.
    """

    def __init__(self, speak: Callable[["Answer"], Iterator[str]], seconds: float = SECONDS_MAX):
        self.outcome: str | None = None
        self.error: errors.ChatError | None = None
        self.usage: Usage | None = None
        self.prompt_tokens: int | None = None  # about; None until a source was asked
        self.halt = Halt()
        self._speak = speak
        self._seconds = seconds
        self._units = self._bytes = self._pieces = 0
        self._stopped = False

    def stop(self) -> None:
        """End it now, whatever it waits for. Never blocks, never raises; no effect once it has ended."""
        self._stopped = True
        self.halt.ask()

    @property
    def cost(self) -> Cost | None:
        """As the source counted. Where it told nothing (it was stopped, or never tells) about as much: most sources
        send a token a piece, and few tokens are longer than TOKEN_BYTES."""
        if self.usage:
            return Cost(*self.usage, is_estimate=False)
        if self.prompt_tokens is None:
            return None
        return Cost(self.prompt_tokens, max(self._pieces, self._bytes // TOKEN_BYTES), is_estimate=True)

    def __iter__(self) -> Iterator[str]:
        clock = threading.Timer(self._seconds, self.halt.ask)
        clock.daemon = True
        clock.start()
        try:
            yield from self._bounded(self._speak(self))
            self.outcome = COMPLETE
        except Truncated:
            self.outcome = TRUNCATED
        except Halted:
            self._note_halt()
        except errors.ChatError as error:
            self.outcome, self.error = ERROR, error
        except GeneratorExit:
            self.outcome = STOPPED  # nobody iterates any more
            raise
        except Exception:
            self.outcome, self.error = ERROR, errors.Internal("The assistant broke down.")
            raise
        finally:
            clock.cancel()

    def _note_halt(self) -> None:
        if self._stopped:
            self.outcome = STOPPED
        elif self._units:
            self.outcome = TRUNCATED
        else:
            self.outcome, self.error = ERROR, errors.Unavailable("The assistant took too long to answer.")

    def _bounded(self, pieces: Iterator[str]) -> Iterator[str]:
        """Proper text: no NUL, no half of a surrogate pair (one cut in two by the source is whole again), no more
        than TEXT_UNITS_MAX."""
        high = ""
        with closing(pieces):
            for piece in pieces:
                self.halt.check()
                text, high = _whole(high + piece)
                kept = _first_units(text, TEXT_UNITS_MAX - self._units)
                self._units += units(kept)
                if kept:
                    self._bytes, self._pieces = self._bytes + len(kept.encode()), self._pieces + 1
                    yield kept
                if len(kept) < len(text):
                    raise Truncated
        self.halt.check()
        if high and self._units < TEXT_UNITS_MAX:
            yield "\ufffd"


def units(text: str) -> int:
    """Its length in UTF-16 code units, as the contract counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first_units(text: str, room: int) -> str:
    if len(text) * 2 <= room:
        return text
    return text.encode("utf-16-le")[: room * 2].decode("utf-16-le", "ignore")


def _whole(text: str) -> tuple[str, str]:
    """The text in whole characters, and a high surrogate at its end that waits for its other half."""
    high = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    text = text[: len(text) - len(high)].replace("\0", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text, high
