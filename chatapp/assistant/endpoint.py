"""Answers from any OpenAI-compatible endpoint (Ollama, vLLM, llama.cpp, hosted ones), streamed. The row opens one
answer a question; nothing is shared between answers, and no connection is kept.

It asks again (twice at the most) only while nothing was said, and only after what may pass: a refused connection, 429,
5xx, a source that broke off before its first word. The outcome is `truncated` where the source broke off later, said
that it had to cut its answer short (`finish_reason` "length" and the like), or met one of the contract's limits; it is
an `error` where it reported one, spoke no protocol we know, or fell silent for `read_s`.
"""

import http.client
import json
import random
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from .. import errors
from . import prompt
from .answers import SECONDS_MAX, Answer, Truncated
from .completions import WRONG_ANSWER, Completion, may_pass, refusal, seconds_to_wait
from .connection import Connection
from .events import Event, EventParser, TooLong
from .question import Question

READ_BYTES = 16 * 1024
WHOLE_BYTES_MAX = 1024 * 1024  # of an answer that is not streamed
STREAM_BYTES_MAX = 16 * 1024 * 1024  # of one that is: about 300 bytes come around each token
ATTEMPTS = 3
BACK_OFF_S = 0.5  # before the second attempt; twice that before the third
RETRY_AFTER_MAX_S = 10  # an endpoint that wants longer is not waited for
AFTERWARDS_S = 2  # for what comes after the last word: the usage and [DONE]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `read_s` holds for the first byte and between any two; a model may have to be loaded first."""

    connect_s: float = 5
    read_s: float = 45
    total_s: float = SECONDS_MAX


class Passing(Exception):
    """A failure before the first word that may be gone soon."""

    def __init__(self, error: errors.ChatError, wait_s: float | None = None):
        super().__init__(error.message)
        self.error = error
        self.wait_s = wait_s


class BrokenOff(Truncated):
    """The source hung up in the middle."""


class Endpoint:
    """`base_url` as every client of such endpoints takes it, e.g. "http://localhost:11434/v1"; `key` may be empty."""

    def __init__(
        self, base_url: str, key: str = "", model: str = "", system_prompt: str = "", patience: Patience | None = None
    ):
        self._url = urlsplit(base_url)
        self._key = key
        self._model = model
        self._system_prompt = system_prompt
        self._patience = patience or Patience()
        secure = self._url.scheme == "https"
        self._port = self._url.port or (443 if secure else 80)
        self._context = ssl.create_default_context() if secure else None

    def open(self, question: Question) -> Answer:
        """Asks nothing yet: that happens when the answer is iterated."""
        return Answer(lambda answer: self._speak(answer, question), self._patience.total_s)

    def _body(self, messages: list[dict]) -> bytes:
        asked = {
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._model:
            asked["model"] = self._model
        return json.dumps(asked).encode()

    def _speak(self, answer: Answer, question: Question) -> Iterator[str]:
        """Attempt after attempt, until something was said."""
        messages = prompt.to_messages(question, self._system_prompt)
        body = self._body(messages)
        for attempt in range(1, ATTEMPTS + 1):
            said = False
            try:
                with closing(self._attempt(answer, body, prompt.reckoned(messages))) as pieces:
                    for piece in pieces:
                        said = said or bool(piece)
                        yield piece
                return
            except BrokenOff:
                if said:
                    raise
                passing = Passing(errors.Unavailable("The assistant's endpoint hung up before its first word."))
            except Passing as failure:
                passing = failure
            answer.prompt_tokens = None
            log.warning("assistant_attempt_failed", attempt=attempt, code=passing.error.code)
            wait = BACK_OFF_S * 2 ** (attempt - 1) * random.uniform(1, 1.5)  # noqa: S311 - only to spread
            wait = max(wait, passing.wait_s or 0)
            if attempt == ATTEMPTS or wait > RETRY_AFTER_MAX_S:
                raise passing.error
            answer.halt.pause(wait)

    def _attempt(self, answer: Answer, body: bytes, prompt_tokens: int) -> Iterator[str]:
        connection = Connection(self._url.hostname, self._port, self._context, answer.halt)
        try:
            response = self._ask(connection, body)
            answer.prompt_tokens = prompt_tokens
            yield from _read(response, connection, answer)
        except Exception as problem:
            answer.halt.check()  # a socket that is shut under its reader may raise anything
            if isinstance(problem, TimeoutError):
                raise errors.Unavailable("The assistant's endpoint fell silent.") from None
            if isinstance(problem, OSError | http.client.HTTPException):
                raise BrokenOff from None
            raise
        finally:
            connection.hang_up()

    def _ask(self, connection: Connection, body: bytes) -> http.client.HTTPResponse:
        """The response to come, if its status is 200. A redirect is not followed: it would take the key along."""
        try:
            connection.open(self._patience.connect_s, self._patience.read_s)
        except ssl.SSLCertVerificationError:
            raise errors.Unavailable("The assistant's endpoint has no certificate that this server trusts.") from None
        except OSError:
            raise Passing(errors.Unavailable("The assistant's endpoint cannot be reached.")) from None
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection.request("POST", f"{self._url.path.rstrip('/')}/chat/completions", body, headers)
        response = connection.getresponse()
        if response.status != 200:
            log.warning("assistant_refused", status=response.status)
            wait = seconds_to_wait(response.headers["Retry-After"])
            error = refusal(response.status, wait)
            raise Passing(error, wait) if may_pass(response.status) else error
        return response


def _read(response: http.client.HTTPResponse, connection: Connection, answer: Answer) -> Iterator[str]:
    completion = Completion()
    kind = response.headers.get_content_type()
    if kind == "text/html":
        raise errors.Unavailable(WRONG_ANSWER)
    try:
        if kind.endswith("json"):
            yield completion.take(_whole(response), "message")
        else:
            yield from _streamed(response, connection, completion)
    finally:
        answer.usage = completion.usage  # what was used was used, also when the rest is not wanted
    completion.end()


def _whole(response: http.client.HTTPResponse) -> str:
    """The answer of an endpoint that does not stream."""
    body = response.read(WHOLE_BYTES_MAX + 1)
    if len(body) > WHOLE_BYTES_MAX:
        raise errors.Unavailable(WRONG_ANSWER)
    if response.length:
        raise BrokenOff
    return body.decode(errors="replace")


def _streamed(response: http.client.HTTPResponse, connection: Connection, completion: Completion) -> Iterator[str]:
    """Until [DONE], or until the source ends. Once it has named a reason to finish, how it hangs up does not matter."""
    try:
        for event in _events(response):
            if event.data == "[DONE]":
                return
            yield completion.take(event.data)
            if completion.finished:
                connection.sock.settimeout(AFTERWARDS_S)
    except (OSError, http.client.HTTPException):
        if not completion.finished:
            raise
    if not completion.finished:
        raise BrokenOff


def _events(response: http.client.HTTPResponse) -> Iterator[Event]:
    parser = EventParser()
    left = STREAM_BYTES_MAX
    while left > 0 and (data := response.read1(READ_BYTES)):
        left -= len(data)
        try:
            yield from parser.feed(data)
        except TooLong:
            raise errors.Unavailable(WRONG_ANSWER) from None
        time.sleep(0)  # a source that has much to say must not keep the event loop to itself
