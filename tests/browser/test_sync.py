"""The browser's catching up by itself (static/js/sync.js), without a browser: in a busy room it is not put off for ever."""

import json
import shutil
import subprocess

import pytest

from tests.browser.chromium import ROOT

CONNECTION = """
const began = Date.now();
export const asked = [];
export const isConnected = () => true;
export const restart = () => {};
export async function ask(event, payload) {
  asked.push({ event, afterRev: payload.afterRev, at: Date.now() - began });
  return { messages: [], hasMore: false, lastRev: server.lastRev, streams: [] };
}
export const server = { lastRev: 1 };
"""
JOINS = "export const join = () => {};"


def runs(folder, story):
    """What sync.js asked the server while `story` happened: it starts at rev 1, and knows `happens(rev)` and `wait(ms)`."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    for name in ("streams.js", "sync.js"):
        shutil.copy(ROOT / "static" / "js" / name, folder / name)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "connection.js").write_text(CONNECTION)
    (folder / "joins.js").write_text(JOINS)
    (folder / "story.js").write_text(f"""
import {{ asked, server }} from "./connection.js";
import {{ Streams }} from "./streams.js";
import {{ follow, start }} from "./sync.js";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const happens = (rev) => {{ server.lastRev = rev; follow(rev); }};
start({{ id: "kitchen", lastRev: 1 }}, () => {{}}, () => false, new Streams({{}}));
{story}
console.log(JSON.stringify(asked));
process.exit(0);
""")
    done = subprocess.run(["node", "story.js"], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_missing_is_asked_for_within_a_second_however_busy_the_room_is(tmp_path):
    asked = runs(tmp_path, "for (let rev = 3; rev < 16; rev += 1) { happens(rev); await wait(100); }")  # 2 never comes
    assert asked and asked[0]["event"] == "syncSession" and asked[0]["afterRev"] == 1
    assert asked[0]["at"] < 1_000
    assert len(asked) == 1  # the answer closed the hole; nothing was missing after it


def test_what_is_only_late_is_not_asked_for(tmp_path):
    assert runs(tmp_path, "happens(3); await wait(20); happens(2); happens(4); await wait(400);") == []


def test_a_second_hole_is_asked_for_too(tmp_path):
    asked = runs(tmp_path, "happens(3); await wait(400); happens(5); await wait(400);")
    assert [one["afterRev"] for one in asked] == [1, 3]
