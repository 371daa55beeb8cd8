"""The shapes on the wire: what is counted, cut, refused, and how times look."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from chatapp import errors, wire
from chatapp.web.pages import forms

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
COMMANDS = [
    wire.JoinSession,
    wire.OfSession,
    wire.SyncSession,
    wire.SendMessage,
    wire.EditMessage,
    wire.OfMessage,
    wire.Typing,
]
SHAPES = [*COMMANDS, wire.NewSession, wire.SessionPatch, wire.MessagesQuery, wire.PeopleQuery, wire.TypingState]


def refusal_of(shape, payload):
    try:
        wire.parse(shape, payload)
    except errors.ChatError as refused:
        return refused


@given(st.text(st.characters(exclude_categories=())))
def test_lengths_are_counted_as_javascript_does(text):
    assert wire.utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(st.sampled_from(SHAPES), ANYTHING)
def test_whatever_comes_is_taken_or_refused_in_the_contracts_words(shape, payload):
    refused = refusal_of(shape, payload)
    assert refused is None or (refused.code in ("invalid", "too_large") and refused.message)


@given(
    st.sampled_from(SHAPES),
    st.dictionaries(
        st.sampled_from("sessionId content clientId messageId afterRev replyTo isTyping name kind".split()), ANYTHING
    ),
)
def test_known_fields_with_any_content_are_taken_or_refused_by_name(shape, payload):
    refused = refusal_of(shape, payload)
    assert refused is None or refused.field in {to_camel(name) for name in shape.model_fields}


@pytest.mark.parametrize("payload", [None, [], "", "{}", 0, True, b"{}", [{}]])
def test_what_is_no_object_is_invalid(payload):
    with pytest.raises(errors.Invalid):
        wire.parse(wire.OfSession, payload)


def test_unknown_fields_are_left_aside():
    assert wire.parse(wire.OfSession, {"sessionId": "x", "colour": "red", "\ud800": 1}).session_id == "x"


def test_names_in_snake_case_are_unknown():
    with pytest.raises(errors.Invalid) as refused:
        wire.parse(wire.OfSession, {"session_id": "x"})
    assert refused.value.field == "sessionId"


@pytest.mark.parametrize("given_id", ["6F1C2C0E-53A5-4D07-9D0B-0D4F3F0A7C11", "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"])
def test_a_client_id_has_one_spelling(given_id):
    ask = wire.parse(wire.SendMessage, {"sessionId": "x", "content": "hi", "clientId": given_id})
    assert ask.client_id == "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"


@pytest.mark.parametrize(
    "client_id",
    ["", "1", "6f1c2c0e53a54d079d0b0d4f3f0a7c11", "{6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11}", "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c1g",
     "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11\n", "urn:uuid:6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11", "٦f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"],
)  # fmt: skip
def test_what_is_no_uuid_is_no_client_id(client_id):
    with pytest.raises(errors.Invalid) as refused:
        wire.parse(wire.SendMessage, {"sessionId": "x", "content": "hi", "clientId": client_id})
    assert refused.value.field == "clientId"


@pytest.mark.parametrize(
    "name", ["", "  ", "two\nlines", "nul\x00", "half\ud800", "line\u2028separator", "bell\x07", "x" * 81, "😀" * 41]
)
def test_a_name_is_one_line_of_at_most_eighty(name):
    with pytest.raises(errors.Invalid) as refused:
        wire.parse(wire.NewSession, {"kind": "open", "name": name})
    assert refused.value.field == "name"


@pytest.mark.parametrize("name", ["x" * 80, "😀" * 40, " trimmed\n"])
def test_a_good_name_is_kept_trimmed(name):
    assert wire.parse(wire.NewSession, {"kind": "open", "name": name}).name == name.strip()


def test_only_a_direct_room_needs_no_name():
    assert wire.parse(wire.NewSession, {"kind": "direct"}).name is None
    for kind in ("open", "closed"):
        with pytest.raises(errors.Invalid) as refused:
            wire.parse(wire.NewSession, {"kind": kind})
        assert refused.value.field == "name"


def test_a_topic_may_be_empty_and_is_at_most_three_hundred():
    assert wire.parse(wire.SessionPatch, {"topic": " "}).topic == ""
    assert len(wire.parse(wire.SessionPatch, {"topic": "x" * 300}).topic) == 300
    with pytest.raises(errors.Invalid):
        wire.parse(wire.SessionPatch, {"topic": "x" * 301})


def test_times_are_utc_with_milliseconds_and_z():
    noon = datetime(2026, 5, 1, 12, 0, 0, 1_999, tzinfo=timezone(timedelta(hours=2)))
    assert wire.moment(noon) == "2026-05-01T10:00:00.001Z"
    assert wire.moment(datetime(2026, 5, 1, tzinfo=UTC)) == "2026-05-01T00:00:00.000Z"
    assert wire.moment(None) is None


def test_an_error_says_what_there_is_to_say_and_nothing_else():
    assert errors.NotFound("No.").to_dict() == {"code": "not_found", "message": "No."}
    error = errors.RateLimited("Slower.", field="content", retry_after=0.123456)
    assert error.to_dict() == {"code": "rate_limited", "message": "Slower.", "field": "content", "retryAfter": 0.123}


def test_a_message_looks_the_same_to_every_reader(ana, ben, room):
    ana.enters(room), ben.enters(room)
    said = ana.says("**hi** <script>alert(1)</script>", room)
    assert ana.hears("newMessage") == ben.hears("newMessage") == {"sessionId": room, "rev": 1, "message": said}
    assert ben.gets(f"/sessions/{room}/messages")["messages"] == [said]
    assert "<script" not in said["html"] and said["html"].count("<article") == 1
    assert said["html"].startswith("<article") and said["html"].endswith("</article>")


def test_the_html_of_a_message_costs_less_than_a_kilobyte_beside_its_text(ana, room):
    assert len(ana.says("hi", room)["html"]) < 1_000


def test_a_name_cannot_be_markup(cast, ana):
    mallory = cast('<b>"Mal"</b>')
    html = mallory.says("hi", ana.makes(members=[mallory]))["html"]
    assert "<b>&#34;" not in html and "&lt;b&gt;&#34;Mal&#34;&lt;/b&gt;" in html


def test_emoji_alone_are_shown_large(ana, room):
    assert "body--emoji" in ana.says("🎉", room)["html"]
    assert "body--emoji" not in ana.says("🎉 party", room)["html"]


INVISIBLE = ["\u200b", "\u200b\u200d\u2060", "\ufeff", "\u00ad", "\u3164", "\u115f \u1160", " \u200c "]
TURNING = ["Ana\u202enaB", "\u202aAna", "Ana\u2066", "\u2067Ana\u2069", "Ana\u202c"]


@pytest.mark.parametrize("name", [*INVISIBLE, *TURNING])
def test_a_name_that_nobody_sees_or_that_turns_the_line_round_is_invalid(name):
    for shape, payload in (
        (wire.NewSession, {"kind": "open", "name": name}),
        (wire.SessionPatch, {"name": name}),
        (forms.PersonForm, {"email": "fay@example.org", "name": name}),
    ):
        with pytest.raises(errors.Invalid) as refused:
            wire.parse(shape, payload)
        assert (refused.value.code, refused.value.field) == ("invalid", "name")


@pytest.mark.parametrize("name", ["👩‍👩‍👧", "می\u200cخواهم", "Zoë", "نور", "x\u200b"])
def test_a_name_may_hold_what_joins_letters(name):
    assert wire.parse(wire.NewSession, {"kind": "open", "name": name}).name == name


@pytest.mark.parametrize("after", ["\ufeff", " \ufeff\n", "\u3000", "\x85\u2028", "\ufeff" * 10_000, " " * 20_000])
def test_white_space_behind_a_message_is_cut_whatever_python_or_javascript_call_so(after):
    assert wire.parse(wire.NewContent, {"content": f"  hi{after}"}).content == "  hi"
    with pytest.raises(errors.Invalid):
        wire.parse(wire.NewContent, {"content": after})


@pytest.mark.parametrize(
    ("shape", "payload"),
    [
        (wire.NewContent, {"content": " " * 100_000 + "x"}),
        (wire.NewContent, {"content": "x" + "\ufeff \n" * 33_000 + "x"}),
        (wire.NewSession, {"kind": "open", "name": " " * 100_000 + "x" + " " * 100_000 + "y"}),
        (wire.NewSession, {"kind": "open", "name": "\u200b" * 100_000}),
    ],
)
def test_very_much_white_space_is_checked_in_a_moment(shape, payload):
    began = time.process_time()
    assert refusal_of(shape, payload) is not None
    assert time.process_time() - began < 0.1
