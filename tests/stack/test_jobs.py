"""Jobs with a real Redis and real worker processes: killed, stopped, failing, given up; and Redis away and back."""

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import requests

from chatapp import create_app, jobs
from chatapp.errors import Unavailable
from chatapp.extensions import db
from chatapp.jobs import board
from chatapp.models import Room
from chatapp.transcripts import exports
from tests.live.server import ROOT, Server
from tests.stack.conftest import folder_for
from tests.stack.servers import Sentinel

FOLDER = ROOT / "instance" / "exports"
SOON_S = 120
MANY = 80_000
FILLED = f"""
WITH told AS (
  INSERT INTO messages (room_id, seq, rev, author_id, client_id, sent_digest, content, body_html, created_at, status, gen)
  SELECT room.id, n, n, (SELECT min(id) FROM people), md5(room.id || n)::uuid::text, repeat('0', 64),
         'Number ' || n || ' 🎂', '', now(), 'complete', 0
  FROM rooms room, generate_series(1, {MANY}) n RETURNING 1)
UPDATE rooms SET last_seq = {MANY}, rev = {MANY}
"""  # noqa: S608


class Yard:
    """One database, one Redis, the commands, and worker processes."""

    def __init__(self, folder: Path, settings: dict, client):
        self.server, self.log_path, self.workers = Server(folder, settings), folder / "worker.log", []
        self.redis = client
        self.file_name = f"test-{uuid.uuid4()}.jsonl"
        self.file, self.part = FOLDER / self.file_name, FOLDER / f"{self.file_name}.part"

    def works(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "flask", "--app", "chatapp", "jobs", "work"]
        with self.log_path.open("ab") as log:
            self.workers.append(subprocess.Popen(command, cwd=ROOT, env=self.server.environ, stdout=log, stderr=log))
        return self.workers[-1]

    def listed(self, which="list") -> list[dict]:
        return json.loads(self.server.flask("jobs", which, "--json"))

    def becomes(self, job_id: str, status: str) -> dict:
        deadline = time.monotonic() + SOON_S
        while True:
            found = json.loads(self.redis.hget(board.STATES, job_id) or "{}")
            if found.get("status") == status:
                return found
            assert time.monotonic() < deadline, (found, self.log_path.read_text()[-3_000:])
            time.sleep(0.05)

    def posts(self) -> str:
        return self.server.flask("rooms", "export", "Hall", self.file_name, "--later").strip()

    def is_half_written(self):
        deadline = time.monotonic() + SOON_S
        while not (self.part.exists() and self.part.stat().st_size > 1_000_000):
            assert time.monotonic() < deadline and not self.file.exists(), self.log_path.read_text()[-3_000:]
            time.sleep(0.002)

    def is_right(self):
        """The file holds what the command writes by itself."""
        whole = self.server.flask("rooms", "export", "Hall")
        assert self.file.read_text() == whole and not self.part.exists()


@pytest.fixture
def yard(database, redis_server, tmp_path):
    yard = Yard(folder_for(tmp_path), {"DATABASE_URL": database, "REDIS_URL": redis_server.url}, redis_server.client)
    yard.server.flask(
        "users", "create", "--admin", "Olga Marsh", "olga@example.org", "--password-stdin", stdin="long enough"
    )
    yard.server.flask("rooms", "create", "Hall")
    yield yard
    for worker in yard.workers:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
    for left in (yard.file, yard.part):
        left.rmdir() if left.is_dir() else left.unlink(missing_ok=True)


@pytest.fixture
def crowded(yard, postgres, database):
    postgres.asks(FILLED, database.rpartition("/")[2])
    return yard


def test_a_worker_killed_in_the_middle_is_followed_by_another_that_does_it_right(crowded, note):
    worker = crowded.works()
    job_id = crowded.posts()
    crowded.is_half_written()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not crowded.file.exists()
    began = time.monotonic()
    crowded.works()
    done = crowded.becomes(job_id, "done")
    crowded.is_right()
    assert [one["done"] for one in crowded.listed()] == [MANY]
    assert (done["attempts"], done["done"], done["total"]) == (2, MANY, MANY)
    note(f"job of a killed worker done by the next {time.monotonic() - began:.0f} s later ({MANY:,} messages)")


def test_a_worker_asked_to_stop_hands_over_at_once(crowded, note):
    worker = crowded.works()
    job_id = crowded.posts()
    crowded.is_half_written()
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(25) == 0
    took = time.monotonic() - began
    assert took < 5 * 3 and not crowded.file.exists()
    assert crowded.becomes(job_id, "waiting")
    crowded.works()
    crowded.becomes(job_id, "done")
    crowded.is_right()
    note(f"a worker with a job under way ended {took:.1f} s after SIGTERM")


def test_by_way_of_sentinels_too_a_job_is_done_and_tells_how_far_it_is(
    yard, postgres, database, redis_server, tmp_path
):
    sentinel = Sentinel(tmp_path / "sentinel", redis_server).start()
    try:
        settings = {"REDIS_SENTINELS": f"127.0.0.1:{sentinel.port}", "REDIS_SENTINEL_SERVICE": "chat"}
        other = Yard(folder_for(tmp_path), {"DATABASE_URL": database, **settings}, yard.redis)
        postgres.asks(FILLED, database.rpartition("/")[2])
        yard.workers.append(other.works())
        job_id = other.posts()
        far, state = set(), {}
        deadline = time.monotonic() + SOON_S
        while state.get("status") != "done":
            assert time.monotonic() < deadline, other.log_path.read_text()[-3_000:]
            state = json.loads(yard.redis.hget(board.STATES, job_id) or "{}")
            far.add(state.get("done"))
            time.sleep(0.05)
        assert len(far) > 3 and [one["done"] for one in other.listed()] == [MANY]
        other.is_right()
    finally:
        sentinel.end()
        for left in (other.file, other.part):
            left.unlink(missing_ok=True)


def test_two_workers_do_each_job_once(yard):
    yard.works(), yard.works()
    ids = [yard.posts() for _ in range(3)]
    assert {yard.becomes(one, "done")["status"] for one in ids} == {"done"}
    yard.is_right()


def test_what_fails_is_tried_again_and_done_once_it_can_be(yard):
    yard.part.mkdir(parents=True)  # in the way
    yard.works()
    job_id = yard.posts()
    waiting = yard.becomes(job_id, "waiting")
    assert waiting["error"] == "IsADirectoryError" and yard.listed("dead") == []
    yard.part.rmdir()
    assert yard.becomes(job_id, "done")["attempts"] > 1
    yard.is_right()


@pytest.fixture
def poster(yard, redis_server, database):
    """This process, posting with the same settings."""
    app = create_app({"APP_ENV": "test", "DATABASE_URL": database, "REDIS_URL": redis_server.url})
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


def test_a_dead_letter_is_seen_retried_and_cleared(yard, poster):
    room_id, nothing = str(uuid.uuid4()), str(uuid.uuid4())
    posted = [
        jobs.post(exports.export_room, "a room of tomorrow", room_id=one, file_name=yard.file_name)
        for one in (room_id, nothing)
    ]
    yard.works()
    for one in posted:
        assert yard.becomes(one, "dead")["error"] == "Gone"
    assert [one["id"] for one in yard.listed("dead")] == posted
    db.session.add(Room(id=room_id, name="Tomorrow", kind="closed"))
    db.session.commit()
    yard.server.flask("jobs", "retry", posted[0])
    yard.becomes(posted[0], "done")
    assert json.loads(yard.file.read_text())["name"] == "Tomorrow"
    yard.server.flask("jobs", "clear")
    assert yard.listed("dead") == [] and [one["id"] for one in yard.listed()] == posted[:1]


def test_only_json_goes_to_redis_under_one_prefix_and_clearing_the_cache_spares_it(yard, redis_server, poster):
    job_id = yard.posts()
    client = redis_server.client
    own = sorted(key for key in client.scan_iter() if key.startswith(f"{board.PREFIX}:"))
    assert own and not [key for key in client.scan_iter() if "jobs" in key and key not in own]
    for key in own:
        if client.type(key) == "hash":
            assert all(json.loads(text) is not None for text in client.hvals(key)), key
    yard.server.flask("cache", "clear")
    assert [one["id"] for one in yard.listed()] == [job_id]
    yard.works()
    yard.becomes(job_id, "done")


def test_while_redis_is_away_nothing_is_lost_and_nobody_waits(yard, poster, redis_server, note):
    asked = {"room_id": str(uuid.uuid4()), "file_name": yard.file_name}
    jobs.post(exports.export_room, "", **asked)
    redis_server.freeze()
    try:
        began = time.monotonic()
        for _ in range(10):
            with pytest.raises(Unavailable):
                jobs.post(exports.export_room, "", **asked)
        took = time.monotonic() - began
        assert yard.posts() == ""  # no id: done at once instead
        yard.is_right()
    finally:
        redis_server.thaw()
    assert took < 5 * 0.25
    note(f"10 jobs refused while Redis was silent: {took * 1000:.0f} ms")


def test_a_worker_outlives_its_redis(yard, redis_server):
    worker = yard.works()
    yard.becomes(yard.posts(), "done")
    redis_server.kill()
    time.sleep(2)
    redis_server.start()
    yard.file.unlink()
    yard.becomes(yard.posts(), "done")
    yard.is_right()
    assert worker.poll() is None


def test_a_serving_process_tells_the_figures_of_all(yard, starts, redis_server, database):
    yard.works()
    yard.becomes(yard.posts(), "done")
    (server,) = starts(DATABASE_URL=database, REDIS_URL=redis_server.url)
    deadline = time.monotonic() + 5 * 10
    while 'chatapp_jobs{state="done"} 1.0' not in (text := requests.get(f"{server.url}/metrics", timeout=10).text):
        assert time.monotonic() < deadline, text
        time.sleep(0.2)
    assert 'chatapp_jobs{state="dead"} 0.0' in text


ON_EVENTLET = """
import warnings; warnings.simplefilter("ignore")
import eventlet; eventlet.monkey_patch()
import time
from chatapp import create_app, jobs
from chatapp.extensions import db
gaps, done = [], []

@jobs.job(minutes=1)
def count(progress):
    for step in range(300):
        sum(range(50_000))
        progress(step, 300)
    done.append(1)

def tick():
    last = time.monotonic()
    while True:
        eventlet.sleep(0.001)
        gaps.append(time.monotonic() - last)
        last = time.monotonic()

with create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://"}).app_context():
    eventlet.spawn(tick)
    jobs.post(count, "")
    with eventlet.Timeout(30):
        while not done:
            eventlet.sleep(0.01)
print(max(gaps))
"""


def test_in_a_serving_process_without_redis_a_job_lets_others_have_their_turn(tmp_path, note):
    server = Server(folder_for(tmp_path), {})
    command = [sys.executable, "-c", ON_EVENTLET]
    done = subprocess.run(
        command, cwd=ROOT, env=server.environ, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    longest = float(done.stdout.split()[-1])
    assert longest < 5 * 0.05
    note(f"longest wait of others while a job computed in the serving process: {longest * 1000:.0f} ms")
