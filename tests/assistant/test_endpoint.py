"""An OpenAI-compatible endpoint, good or bad, becomes an answer: pieces of text and how it ended."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chatapp.assistant import endpoint, prompt
from chatapp.assistant.answers import TEXT_UNITS_MAX, units
from chatapp.assistant.endpoint import Endpoint, Patience
from tests.assistant.asking import a_question
from tests.assistant.source import (
    CERTIFICATE,
    Source,
    chunk,
    cut,
    data,
    done,
    failure,
    finish,
    hang,
    headers,
    raw,
    say,
    status,
    unreachable,
    usage,
    wait,
    whole,
)  # fmt: skip

SHORT = Patience(connect_s=0.5, read_s=0.5, total_s=5)
MIXED = "Grüße, 世界! 👩‍👩‍👧 und 𝒳 — fertig"
SECRET = "sk-very-secret"


@pytest.fixture
def source():
    with Source() as source:
        yield source


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(endpoint, "BACK_OFF_S", 0.01)
    monkeypatch.setattr(endpoint, "AFTERWARDS_S", 0.3)


def ask(source, patience=SHORT, **more):
    answer = Endpoint(getattr(source, "url", source), patience=patience, key=SECRET, **more).open(a_question("hello?"))
    assert answer.outcome is None
    answer.pieces = list(answer)
    answer.text = "".join(answer.pieces)
    if answer.error:
        assert SECRET not in answer.error.message and "127.0.0.1" not in answer.error.message
    assert (answer.outcome == "error") == (answer.error is not None)
    return answer


def failed(answer):
    return answer.outcome, answer.error.code, answer.text


def test_pieces_come_as_they_are_said_and_the_usage_is_told(source):
    source.then(say("Hel", "lo ", "👍"), finish(), usage(12, 3), done())
    answer = ask(source, model="small")
    assert (answer.pieces, answer.outcome, answer.usage) == (["Hel", "lo ", "👍"], "complete", (12, 3))
    [asked] = source.asked
    assert asked.path == "/v1/chat/completions" and asked.headers["Authorization"] == f"Bearer {SECRET}"
    assert asked.body["stream"] is True and asked.body["stream_options"] == {"include_usage": True}
    assert asked.body["model"] == "small"
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert "> hello?" in asked.body["messages"][-1]["content"]


def test_what_it_cost_is_what_the_source_told_else_an_estimate_that_says_so(source):
    source.then(say("Hel", "lo ", "👍"), finish(), usage(12, 3), done())
    assert ask(source).cost == (12, 3, False)
    source.then(say("Hel", "lo ", "👍"), finish(), done())
    told = ask(source).cost
    about = prompt.reckoned(source.asked[-1].body["messages"])
    assert told == (about, 3, True) and about > 50
    source.then(whole("x" * 400))
    assert ask(source).cost.completion_tokens == 100  # no piece is a token there
    source.then(say("Hel", "lo ", "👍"), hang())
    stopped = Endpoint(source.url).open(a_question("hello?"))
    for piece in stopped:
        if piece == "👍":
            stopped.stop()
    assert stopped.cost == (about, 3, True)


def test_what_was_not_taken_cost_nothing(source):
    source.answers = lambda asked: [status(503)]
    answer = ask(source)
    assert answer.outcome == "error" and answer.cost is None
    source.answers = lambda asked: [cut()]
    assert ask(source).cost is None


def test_the_first_piece_does_not_wait_for_the_second(source, note):
    source.then(say("first"), wait(2), say("second"), finish(), done())
    answer = Endpoint(source.url).open(a_question())
    pieces = iter(answer)
    assert next(pieces) == "first"
    took = time.monotonic() - source.asked[0].told_at
    note(f"assistant: first piece {took * 1000:.1f} ms after the source said it")
    assert took < 0.5
    assert list(pieces) == ["second"]


def test_without_a_key_none_is_sent_and_a_slash_at_the_end_of_the_address_is_no_matter(source):
    assert list(Endpoint(source.url + "/").open(a_question())) == ["Hello", " there"]
    assert "Authorization" not in source.asked[0].headers and source.asked[0].path == "/v1/chat/completions"
    assert "model" not in source.asked[0].body


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("cut_into", [1, 2, 3, 7, 64])
def test_the_text_is_the_same_wherever_the_network_cuts_it(source, framing, cut_into):
    source.options = {"cut_into": cut_into, "framing": framing}
    source.then(say(*MIXED), raw(b": ping\r\n\r\n"), usage(1, 2), finish(), done())
    answer = ask(source)
    assert (answer.text, answer.outcome, answer.usage) == (MIXED, "complete", (1, 2))


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_source_that_is_cut_at_any_byte_gives_a_beginning_and_never_passes_for_complete(source, framing, monkeypatch):
    monkeypatch.setattr(endpoint, "ATTEMPTS", 1)
    script = [say("ab", "cdé"), finish(), done()]
    events = [data(chunk({"role": "assistant", "content": text})) for text in ("ab", "cdé")]
    told = [sum(map(len, events[: n + 1])) for n in range(2)]
    finished = told[1] + len(data(chunk(reason="stop")))
    for at in range(1, finished + 5, 3):
        source.options = {"cut_after": at, "framing": framing}
        source.then(*script)
        answer = ask(source)
        text = "abcdé" if at >= told[1] else "ab" if at >= told[0] else ""
        outcome = "complete" if at >= finished else "truncated" if text else "error"
        assert (answer.text, answer.outcome) == (text, outcome), at


def test_a_reset_is_a_cut_too(source):
    source.then(say("so far"), wait(0.1), cut(hard=True))
    assert (ask(source).outcome, len(source.asked)) == ("truncated", 1)


@pytest.mark.parametrize(
    ("reason", "outcome"), [("stop", "complete"), ("tool_calls", "complete"), ("length", "truncated"), ("content_filter", "truncated")]
)  # fmt: skip
def test_why_it_finished_decides_whether_it_is_whole(source, reason, outcome):
    source.then(say("text"), finish(reason), usage(5, 1), done())
    answer = ask(source)
    assert (answer.outcome, answer.usage) == (outcome, (5, 1))


@pytest.mark.parametrize("tail", [[done()], [finish()], [finish(), hang()], [finish(), cut(hard=True)]])
def test_either_word_of_an_end_is_enough(source, tail):
    source.then(say("all"), *tail)
    began = time.monotonic()
    answer = ask(source, Patience(read_s=10))
    assert (answer.text, answer.outcome) == ("all", "complete") and time.monotonic() - began < 5


def test_an_answer_that_was_all_thought_and_no_word_is_truncated_and_not_asked_again(source):
    source.then(say("hmm", part="reasoning_content"), finish("length"), done())
    answer = ask(source)
    assert (answer.text, answer.outcome, len(source.asked)) == ("", "truncated", 1)


def test_reasoning_other_choices_and_empty_pieces_are_not_part_of_the_text(source):
    other = {"choices": [{"index": 1, "delta": {"content": "another version"}}]}
    parts = {"choices": [{"delta": {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "!"}]}}]}
    source.then(
        say("I think", part="reasoning_content"), say("so", part="reasoning"), say(None, "", "Yes"), raw(data(other)),
        raw(data({"choices": []})), raw(data({"choices": None})), raw(data({"choices": [{"delta": None}]})), raw(data(parts)),
        finish(), done(),
    )  # fmt: skip
    assert ask(source).pieces == ["Yes", "!"]


def test_halves_of_a_character_are_joined_and_what_no_text_may_hold_is_replaced(source):
    halves = [
        b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % half
        for half in (rb"a\ud83d", rb"\ude00b", rb"\udc00c\u0000", rb"\ud800")
    ]
    source.then(raw(b"".join(halves)), finish(), done())
    answer = ask(source)
    assert (answer.text, answer.outcome) == ("a😀b\ufffdc\ufffd\ufffd", "complete")


@pytest.mark.parametrize("body", ["", "Hello, 世界", "x" * 40_000])
def test_an_endpoint_that_does_not_stream_is_understood(source, body):
    source.then(whole(body, usage={"prompt_tokens": 4, "completion_tokens": 2}))
    answer = ask(source)
    assert (answer.text, answer.usage) == (body[:TEXT_UNITS_MAX], (4, 2))
    assert answer.outcome == ("complete" if len(body) <= TEXT_UNITS_MAX else "truncated")


def test_a_whole_answer_that_is_cut_is_asked_for_again(source):
    source.then(status(200, b'{"choices": [{"mess', Content_Length=500)).then(whole("at last"))
    assert (ask(source).text, len(source.asked)) == ("at last", 2)


@pytest.mark.parametrize(
    "answer",
    [
        status(200, b"<html>Sign in</html>", "text/html"), status(200, b"not json"), status(200, b'["a", "list"]'),
        status(200, b"[" * 100_000), status(200, b"x" * (2 * 1024 * 1024)), status(200, b'{"error": "no such model"}'),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_error(source, answer):
    source.then(answer)
    assert failed(ask(source)) == ("error", "unavailable", "") and len(source.asked) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        raw(b"data: {broken\n\n"), raw(b"data: 17\n\n"), raw(b'data: {"choices": 1}\n\n'), raw(b'data: {"choices": [1]}\n\n'),
        raw(b'data: {"choices": [{"delta": "x"}]}\n\n'), raw(b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'),
        raw(b'data: {"choices": [{"delta": {}, "finish_reason": {"a": 1}}]}\n\n'), raw(b"data: " + b"x" * 300_000 + b"\n\n"),
        raw(b'data: {"error": "out of memory"}\n\n'), failure(message=f"{SECRET} exploded at 127.0.0.1", code=500),
    ],
)  # fmt: skip
def test_garbage_in_the_middle_is_an_error_in_our_own_words_beside_what_was_said(source, trouble):
    source.then(say("so far"), trouble)
    assert failed(ask(source)) == ("error", "unavailable", "so far") and len(source.asked) == 1


@pytest.mark.parametrize(
    ("number", "code"), [(400, "invalid"), (401, "unauthorized"), (403, "unauthorized"), (404, "not_found"), (413, "too_large"), (422, "invalid"), (402, "unavailable"), (418, "unavailable"), (204, "unavailable")]
)  # fmt: skip
def test_what_will_not_pass_is_not_asked_again(source, number, code):
    source.then(
        status(number, json.dumps({"error": {"message": f"bad key {SECRET}"}}).encode() if number != 204 else b"")
    )
    assert failed(ask(source)) == ("error", code, "") and len(source.asked) == 1


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_key(source, number):
    with Source() as elsewhere:
        source.then(status(number, Location=elsewhere.url + "/chat/completions"))
        assert failed(ask(source)) == ("error", "unavailable", "") and elsewhere.asked == []


@pytest.mark.parametrize(
    "trouble",
    [status(500), status(502), status(503), status(429), status(408), cut(), cut(hard=True), raw(b": nothing yet\n\n")],
)
def test_what_may_pass_is_asked_again_before_the_first_word(source, trouble):
    source.then(trouble).then(trouble).then(say("at last"), finish(), done())
    answer = ask(source)
    assert (answer.text, answer.outcome, len(source.asked)) == ("at last", "complete", 3)


def test_it_is_asked_three_times_at_the_most(source):
    source.answers = lambda asked: [status(503)]
    assert failed(ask(source)) == ("error", "unavailable", "") and len(source.asked) == 3


@pytest.mark.parametrize("trouble", [cut(), cut(hard=True), failure(code=429), raw(b"data: x\n\n"), hang()])
def test_it_is_never_asked_again_once_a_word_was_said(source, trouble):
    source.then(say("a word"), trouble)
    assert ask(source).text == "a word" and len(source.asked) == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed_when_it_is_short(source, as_date):
    wish = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True) if as_date else "1"
    source.then(status(429, Retry_After=wish)).then(say("now"), finish(), done())
    assert ask(source).text == "now"
    assert source.asked[1].at - source.asked[0].at > 0.9


def test_retry_after_is_told_when_it_is_long(source):
    source.then(status(429, Retry_After=3600))
    answer = ask(source)
    assert (
        failed(answer) == ("error", "rate_limited", "") and answer.error.retry_after == 3600 and len(source.asked) == 1
    )


@pytest.mark.parametrize("wish", ["soon", "-5", "1e9", "Mon, 99 Foo", "9" * 50, ""])
def test_a_retry_after_that_says_nothing_is_no_reason_to_wait(source, wish):
    source.then(status(429, Retry_After=wish)).then(say("now"), finish(), done())
    assert ask(source).text == "now"


def test_a_rate_limit_told_in_the_middle_is_one(source):
    source.then(say("so"), failure(type="rate_limit_error", message="slow down"))
    assert failed(ask(source)) == ("error", "rate_limited", "so")


def test_nobody_there_and_nobody_answering_is_unavailable(source):
    with Source() as gone:
        pass
    assert failed(ask(gone)) == ("error", "unavailable", "")
    with unreachable() as url:
        assert failed(ask(url)) == ("error", "unavailable", "")
    assert failed(ask("http://no-such-host.invalid/v1")) == ("error", "unavailable", "")


@pytest.mark.parametrize(("script", "text"), [([hang()], ""), ([say("a")], "a"), ([headers(X_A="b")], "")])
def test_a_source_that_falls_silent_is_given_up(source, script, text):
    source.then(*script, hang())
    assert failed(ask(source)) == ("error", "unavailable", text)
    assert source.asked[0].gone.wait(2) and len(source.asked) == 1


def test_comments_keep_a_slow_source_alive(source):
    pings = [step for _ in range(8) for step in (raw(b": thinking\n\n"), wait(0.15))]
    source.then(*pings, say("slow"), finish(), done())
    assert ask(source).text == "slow"


@pytest.mark.parametrize(
    ("drip", "outcome"),
    [(say(*"abc" * 100, every=0.1), "truncated"), (lambda conversation: [raw(b":")(conversation) or wait(0.1)(conversation) for _ in range(99)], "error")],
)  # fmt: skip
def test_nothing_takes_longer_than_the_whole_time_allowed(source, drip, outcome):
    source.then(drip)
    began = time.monotonic()
    answer = ask(source, Patience(read_s=5, total_s=0.6))
    assert answer.outcome == outcome and time.monotonic() - began < 3
    assert source.asked[0].gone.wait(2)


def test_headers_that_come_a_byte_at_a_time_do_not_go_round_the_time_allowed(source):
    def drip(conversation):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 90:
            conversation._write(bytes([byte]))
            conversation.wait(0.05)

    source.then(drip)
    began = time.monotonic()
    assert failed(ask(source, Patience(read_s=5, total_s=0.6))) == ("error", "unavailable", "")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("piece", ["x" * 999, "漢" * 777, "😀" * 501 + "a"])
def test_the_text_ends_at_the_contracts_limit_and_the_source_is_let_go(source, piece):
    source.then(say(*[piece] * 200), hang())
    answer = ask(source)
    assert answer.outcome == "truncated" and TEXT_UNITS_MAX - 1 <= units(answer.text) <= TEXT_UNITS_MAX
    assert (piece * 200).startswith(answer.text)
    assert source.asked[0].gone.wait(2)


def test_a_source_that_never_says_a_word_is_bounded_in_bytes(source, monkeypatch):
    monkeypatch.setattr(endpoint, "STREAM_BYTES_MAX", 300_000)
    source.answers = lambda asked: [raw(b": x\n" * 50_000), raw(b": x\n" * 50_000), hang()]
    assert failed(ask(source)) == ("error", "unavailable", "")


def test_who_stops_listening_lets_the_source_go(source):
    source.then(say(*"abcdef" * 50, every=0.02), hang())
    answer = Endpoint(source.url).open(a_question())
    for _ in answer:
        break
    assert answer.outcome == "stopped" and source.asked[0].gone.wait(2)


def test_an_answer_stopped_before_it_began_asks_nothing_and_one_stopped_after_its_end_stays_complete(source):
    answer = Endpoint(source.url).open(a_question())
    answer.stop()
    assert (list(answer), answer.outcome, source.asked) == ([], "stopped", [])
    answer = Endpoint(source.url).open(a_question())
    list(answer)
    answer.stop()
    answer.stop()
    assert answer.outcome == "complete"


def test_tls_is_spoken_and_a_certificate_that_nobody_vouches_for_is_refused(monkeypatch):
    with Source(tls=True) as source:
        assert failed(ask(source)) == ("error", "unavailable", "") and source.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        source.then(say(*MIXED), finish(), done())
        assert ask(source).text == MIXED
        wrong_name = source.url.replace("localhost", "127.0.0.1")
        assert failed(ask(wrong_name)) == ("error", "unavailable", "")
