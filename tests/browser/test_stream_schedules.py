"""The browser's own code for streams against thousands of bad networks, in Node: whatever is lost, doubled, late or cut,
what is shown is a beginning of the text, and in the end it is the text."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import ROOT

SCHEDULES = 3_000
CONNECTION = """
export const network = { page: null };
export const isConnected = () => Boolean(network.page?.isOpen);
export const restart = () => {};
export const ask = (event, payload) => network.page.asks(event, payload);
"""
JOINS = """
import { ask } from "./connection.js";
export const join = (sessionId, afterRev) => ask("joinSession", { sessionId, afterRev });
"""


@pytest.fixture
def folder(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("needs node")
    for name in ("streams", "sync"):
        shutil.copy(ROOT / "static" / "js" / f"{name}.js", tmp_path)
    shutil.copy(Path(__file__).with_name("schedules.js"), tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "connection.js").write_text(CONNECTION)
    (tmp_path / "joins.js").write_text(JOINS)
    return tmp_path


def lived_through(folder, first, count):
    command = ["node", "schedules.js", str(first), str(count)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_whatever_the_network_does_the_text_is_right_and_never_anything_but_its_beginning(folder, note):
    seen = lived_through(folder, 1, SCHEDULES)
    assert seen["wrong"] == []
    assert seen["schedules"] == SCHEDULES and seen["checks"] > 20 * SCHEDULES
    note(f"streams in the browser: {SCHEDULES} schedules, looked at {seen['checks']} times")
    assert seen["asked"] <= 1  # where only connections were cut, never more than once each


def test_a_page_that_appends_whatever_comes_is_found_out(folder):
    """The test can fail."""
    script = folder / "streams.js"
    honest = script.read_text()
    broken = honest.replace("one.text += text.slice(one.text.length - offset);", "one.text += text;")
    assert broken != honest
    script.write_text(broken)
    assert lived_through(folder, 1, 50)["wrong"]
