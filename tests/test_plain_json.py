"""JSON as it goes out by Socket.IO, and parts of it that are put into JSON once."""

import json
from datetime import UTC, datetime

import pytest

from chatapp import plain_json
from chatapp.plain_json import PlainJson, Ready, Shared, ready


def test_it_is_compact_and_letters_stay_letters():
    assert PlainJson.dumps({"name": "Žofie 😀", "list": [1, None]}) == '{"name":"Žofie 😀","list":[1,null]}'
    assert PlainJson.loads('{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    "value", [[], ["one"], [{"name": '"quoted" \\ é'}] * 3, [["deep", [{}]]]], ids=["empty", "one", "three", "deep"]
)
def test_a_part_that_is_ready_reads_like_any_other(value):
    answer = {"before": 1, "online": {"users": Ready(value)}, "again": [Ready(value), Ready([2])], "after": "é"}
    plain = {"before": 1, "online": {"users": value}, "again": [value, [2]], "after": "é"}
    assert PlainJson.dumps(answer) == PlainJson.dumps(plain)


def test_nobody_can_say_what_stands_for_such_a_part():
    text = f'"{plain_json.PLACE[:-1]}0" ""'
    assert json.loads(PlainJson.dumps([text, Ready(["x"])])) == [text, ["x"]]


def test_a_shared_list_is_put_into_json_once():
    shared = Shared([{"id": 1}])
    first = ready(shared)
    shared.append("changed, which nobody does")
    assert ready(shared) is first and first.text == '[{"id":1}]'
    assert ready([1]) == [1], "any other list stays what it is"


def test_elsewhere_it_is_a_list():
    assert json.dumps(Shared([1])) == "[1]" and Shared([1]) == [1]


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError, match="datetime"):
        PlainJson.dumps([datetime(2026, 1, 1, tzinfo=UTC)])
