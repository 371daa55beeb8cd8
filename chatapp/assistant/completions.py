"""What an OpenAI-compatible endpoint means by its statuses and its chunks. For endpoint.py.

Nothing that it says about a failure is passed on: its words may name keys, addresses or people's text.
"""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .. import errors
from .answers import Truncated, Usage

CUT_SHORT = {"length", "max_tokens", "content_filter", "abort", "error"}  # reasons to finish that mean: not finished
WRONG_ANSWER = "The assistant's endpoint answered something that is no answer."
REFUSALS = {
    400: (errors.Invalid, "The assistant's endpoint did not accept the question."),
    401: (errors.Unauthorized, "The assistant's endpoint did not accept its key."),
    403: (errors.Unauthorized, "The assistant's endpoint did not accept its key."),
    404: (errors.NotFound, "The assistant's endpoint does not know that address or that model."),
    413: (errors.TooLarge, "The question is too long for the assistant."),
    422: (errors.Invalid, "The assistant's endpoint did not accept the question."),
    429: (errors.RateLimited, "The assistant is asked too much at the moment."),
}
BROKE_OFF = (errors.Unavailable, "The assistant's endpoint reported a failure.")
UNAVAILABLE = (errors.Unavailable, "The assistant's endpoint is not available at the moment.")


def refusal(status: int, retry_after: float | None = None) -> errors.ChatError:
    """The error that a status other than 200 means to the one who asked."""
    kind, message = REFUSALS.get(status, UNAVAILABLE)
    return kind(message, retry_after=retry_after)


def may_pass(status: int) -> bool:
    """Whether asking again may help."""
    return status in (408, 429) or status >= 500


def seconds_to_wait(retry_after: str | None) -> float | None:
    """What a Retry-After header says, in seconds from now: it may hold a number or a date."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


class Completion:
    """Takes the chunks of one answer, each a JSON object as text, and keeps what they said about it."""

    def __init__(self):
        self.finished: str | None = None  # the reason
        self.usage: Usage | None = None

    def take(self, source: str, part: str = "delta") -> str:
        """The text in a chunk, without the model's reasoning; `part` is "message" where all comes in one."""
        try:
            chunk = json.loads(source)
        except (ValueError, RecursionError):
            raise errors.Unavailable(WRONG_ANSWER) from None
        if not isinstance(chunk, dict):
            raise errors.Unavailable(WRONG_ANSWER)
        if chunk.get("error"):
            raise _failure(chunk["error"])
        self.usage = _usage(chunk.get("usage")) or self.usage
        choices = chunk.get("choices") or []
        if not isinstance(choices, list):
            raise errors.Unavailable(WRONG_ANSWER)
        return "".join(self._choice(choice, part) for choice in choices)

    def end(self) -> None:
        """Nothing more comes. Raises Truncated where the source did not say all it had to say."""
        if self.finished in CUT_SHORT:
            raise Truncated

    def _choice(self, choice: object, part: str) -> str:
        if not isinstance(choice, dict):
            raise errors.Unavailable(WRONG_ANSWER)
        if choice.get("index"):
            return ""  # another version of the same answer
        self.finished = choice.get("finish_reason") or self.finished
        said = choice.get(part) or {}
        if not isinstance(said, dict) or not isinstance(self.finished, str | None):
            raise errors.Unavailable(WRONG_ANSWER)
        return _text(said.get("content"))


def _text(content: object) -> str:
    """Text, or the text among the parts that some send instead."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(_text(part.get("text")) for part in parts)
    if content is None or isinstance(content, str):
        return content or ""
    raise errors.Unavailable(WRONG_ANSWER)


def _usage(told: object) -> Usage | None:
    if not isinstance(told, dict):
        return None
    counts = [told.get("prompt_tokens"), told.get("completion_tokens") or 0]
    good = all(isinstance(count, int) and 0 <= count < 2**31 for count in counts)
    return Usage(*counts) if good else None


def _failure(told: object) -> errors.ChatError:
    """An error object that comes instead of a chunk; only its codes are looked at."""
    named = [told.get(name) for name in ("code", "type", "status")] if isinstance(told, dict) else []
    if any(code in (429, "429") or "rate_limit" in str(code) for code in named):
        return refusal(429)
    kind, message = BROKE_OFF
    return kind(message)
