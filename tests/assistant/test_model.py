"""A small real model answers, by way of the same client. Opt-in: `make test-model`."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from chatapp.assistant import prompt
from chatapp.assistant.endpoint import Endpoint
from tests.assistant.asking import a_question, room
from tests.live.people import House
from tests.live.server import Server
from tests.live.tabs import Tab

PYTHON = os.environ.get("TEST_MODEL_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="downloads a model of 92 MB: make test-model")


@pytest.fixture(scope="module")
def model():
    """Its address, as ASSISTANT_BASE_URL takes it."""
    command = [PYTHON, str(Path(__file__).with_name("model.py"))]
    serving = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield serving.stdout.readline().strip() + "/v1"
    finally:
        serving.stdin.close()
        serving.wait(20)


def test_a_real_model_answers_piece_by_piece(model, note):
    said = room(("Ana", "Good morning"), ("Ben", "The bakery opens at nine on Saturdays"))
    answer = Endpoint(model).open(a_question("@helper When does the bakery open?", said))
    began, came = time.monotonic(), []
    pieces = [piece for piece in answer if not came.append(time.monotonic())]
    assert answer.outcome in ("complete", "truncated"), answer.error
    assert len(pieces) > 3 and answer.usage.prompt_tokens > 20 and answer.usage.completion_tokens >= len(pieces) - 1
    rate = (len(pieces) - 1) / (came[-1] - came[0])
    guess = sum(len(message["content"].encode()) for message in prompt.to_messages(a_question("@helper When does the bakery open?", said))) // prompt.BYTES_PER_TOKEN  # fmt: skip
    note(
        f"real model: first piece after {came[0] - began:.2f} s, {rate:.0f} tokens/s; prompt {answer.usage.prompt_tokens} tokens, reckoned {guess}: {''.join(pieces)!r}"
    )


def test_a_real_model_that_is_stopped_is_free_for_the_next_question(model):
    endless = Endpoint(model).open(a_question("Count from one to one thousand, in words."))
    pieces = []
    for piece in endless:
        pieces.append(piece)
        if len(pieces) == 3:
            endless.stop()
    assert endless.outcome == "stopped"
    assert next(iter(Endpoint(model).open(a_question("Hello"))))


def test_a_real_model_answers_in_a_room(model, sqlite_ground, tmp_path, note):
    server = Server(tmp_path, sqlite_ground(tmp_path) | {"ASSISTANT_BASE_URL": model}).start()
    try:
        house = House(server)
        ana, ben = house.people(2)
        home = ana.makes(ben, house.somebody("Robby", kind="bot", is_assistant=True))
        for one in (ana, ben):
            one.enters(home)
        asked = ana.says("@Robby Count from one to ten, in words.")
        done = ben.hears("streamComplete", within=120)["message"]
        chunks = ben.tab.heard("streamChunk")
        assert done["replyTo"] == asked["id"] and done["status"] in ("complete", "truncated")
        assert done["content"] and "".join(one["text"] for one in chunks) == done["content"]
        note(f"real model in a room, {len(chunks)} chunks: {done['content']!r}")
    finally:
        while Tab.opened:
            Tab.opened.pop().closes()
        server.kill()
