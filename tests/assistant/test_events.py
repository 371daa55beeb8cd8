"""Server-Sent Events are read by the rules of the WHATWG, wherever the network cuts them."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatapp.assistant.events import EVENT_BYTES_MAX, EventParser, TooLong

LINES = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(["data: a", "data:b", "data:  c", "data", "data:", "", "", ": ping", ":", "event: error", "event", "id: 7", "retry: 5", "x", "data : d", "data: 👍é漢", "data: a: b", " data: e", "\ufeffdata: f"]),
            st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])),
        ),
        st.sampled_from(["\n", "\r", "\r\n"]),
    )
).map(lambda lines: "".join(line + end for line, end in lines))  # fmt: skip


def read(*parts):
    parser = EventParser()
    return [tuple(event) for part in parts for event in parser.feed(part)]


def by_the_book(stream):
    """The standard's own words, on the whole stream at once."""
    text = stream.decode(errors="replace").removeprefix("\ufeff")
    *lines, _ = re.split(r"\r\n|\n|\r", text)
    events, kind, data = [], "", ""
    for line in lines:
        if not line:
            if data:
                events.append((kind or "message", data.removesuffix("\n")))
            kind, data = "", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
    return events


@settings(max_examples=500, deadline=None)
@given(st.one_of(LINES.map(str.encode), st.binary()), st.data())
@example(b"data: a\r\n\r\ndata: b\r\r\n\n", None)
def test_any_cut_gives_the_events_that_the_standard_gives(stream, draw):
    assert read(stream) == by_the_book(stream)
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == by_the_book(stream)
    if draw:
        cuts = sorted(draw.draw(st.lists(st.integers(0, len(stream)))))
        parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert read(*parts) == by_the_book(stream)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        ("data: one\n\ndata: two\r\n\r\ndata: three\r\r", ["one", "two", "three"]),
        ("data: a\ndata: b\ndata:\n\n", ["a\nb\n"]),
        (": a comment\n\n:\n\ndata: x\n\n", ["x"]),
        ("\ufeffdata: behind a mark\n\n", ["behind a mark"]),
        ("data: whole\n\ndata: not ended\n", ["whole"]),
        ("data:no space\n\ndata:  two spaces\n\n", ["no space", " two spaces"]),
    ],
)
def test_each_rule(stream, events):
    assert [data for _, data in read(stream.encode())] == events


def test_bytes_that_are_no_utf_8_harm_nobody_else():
    assert read(b"data: \xf0\x9f\n\ndata: ok\n\n") == [("message", "\ufffd"), ("message", "ok")]


@pytest.mark.parametrize(
    "endless", [b"data: " + b"x" * 1000, b"x" * 1000, b"data: " + b"x" * 1000 + b"\n", b":" * 1000]
)
def test_a_line_or_an_event_without_an_end_is_not_collected_for_ever(endless):
    parser = EventParser()
    for _ in range(EVENT_BYTES_MAX // 2_000):
        assert parser.feed(endless) == []
    with pytest.raises(TooLong):
        [parser.feed(endless) for _ in range(EVENT_BYTES_MAX // 1_000)]


def test_comments_without_end_are_no_event_and_cost_no_memory():
    parser = EventParser()
    for _ in range(10_000):
        assert parser.feed(b": still thinking\n\n" * 10) == []
    assert parser._rest == b"" and parser._data == []
