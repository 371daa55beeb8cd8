"""flask rooms export --later and flask jobs where there is no queue; and the file that an export writes."""

import fcntl
import json
import stat
from pathlib import Path

import pytest

from chatapp import jobs
from chatapp.cli import rooms as rooms_commands
from chatapp.extensions import db
from chatapp.jobs.broker import worth_another
from chatapp.models import Room
from chatapp.transcripts import exports


@pytest.fixture
def exported(app, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "instance_path", str(tmp_path))
    return tmp_path / "exports"


def test_without_redis_an_export_for_later_is_done_at_once(run, room, ana, exported):
    ana.says("hello", room)
    done = run("rooms", "export", "Kitchen", "kitchen.jsonl", "--later")
    assert (done.stdout, str(exported / "kitchen.jsonl") in done.stderr) == ("", True)
    assert (exported / "kitchen.jsonl").read_text() == run("rooms", "export", "Kitchen").stdout
    assert stat.S_IMODE((exported / "kitchen.jsonl").stat().st_mode) == 0o600
    run("rooms", "export", "Kitchen", "--later")
    assert sorted(one.name for one in exported.iterdir()) == sorted(["kitchen.jsonl", f"{room}.jsonl"])


@pytest.mark.parametrize(
    ("messages", "is_terminal", "has_workers", "more", "is_left"),
    [
        (10_001, True, True, (), True),
        (10_000, True, True, (), False),
        (10_001, False, True, (), False),  # a script reads it
        (10_001, True, False, (), False),
        (10_001, True, True, ("--now",), False),
        (10_001, True, True, ("FILE",), False),
    ],
)
def test_a_large_room_on_a_terminal_is_left_to_a_worker(
    run, room, ana, app, tmp_path, monkeypatch, messages, is_terminal, has_workers, more, is_left
):
    ana.says("hello", room)
    with app.app_context():
        db.session.get(Room, room).last_seq = messages
        db.session.commit()
    posted = []
    monkeypatch.setattr(rooms_commands, "is_terminal", lambda: is_terminal)
    monkeypatch.setattr(jobs, "elsewhere", lambda: has_workers)
    monkeypatch.setattr(jobs, "post", lambda function, about, **asked: posted.append(asked) or "job-1")
    done = run("rooms", "export", "Kitchen", *(str(tmp_path / "out") if one == "FILE" else one for one in more))
    assert posted == ([{"room_id": room, "file_name": f"{room}.jsonl"}] if is_left else [])
    assert (done.stdout == "job-1\n") == is_left
    assert (f"{app.instance_path}/exports/{room}.jsonl" in done.stderr) == is_left


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", ".hidden", "a/b", "", "x" * 201, "a\nb"])
def test_an_export_for_later_stays_in_its_folder(run, room, exported, app, name):
    assert "plain name" in run.fails("rooms", "export", "Kitchen", name, "--later")
    with app.app_context(), pytest.raises(jobs.Gone):  # also when somebody writes it into Redis
        exports.export_room(lambda *_: None, room, name)
    assert not exported.exists()


def test_one_that_was_cut_short_is_begun_again_and_two_at_once_do_not_mix(run, room, ana, exported, app, monkeypatch):
    ana.says("hello", room)
    exported.mkdir()
    part = exported / "kitchen.jsonl.part"
    part.write_text("half of a line" * 1_000)
    with app.app_context():
        real, refused = exports.lines_of, []

        def meanwhile(found):
            with pytest.raises(exports.Busy) as error:
                exports.write(lambda *_: None, found, exported / "kitchen.jsonl")
            refused.append(error)
            assert not (exported / "kitchen.jsonl").exists()
            monkeypatch.setattr(exports, "lines_of", real)
            yield from real(found)

        monkeypatch.setattr(exports, "lines_of", meanwhile)
        exports.export_room(lambda *_: None, room, "kitchen.jsonl")
    assert refused and not part.exists()
    lines = [json.loads(line) for line in (exported / "kitchen.jsonl").read_text().splitlines()]
    assert [one["type"] for one in lines] == ["room", "member", "member", "member", "message"]


def test_the_command_says_in_one_line_that_another_writes_the_file(run, room, exported):
    exported.mkdir()
    with (exported / "kitchen.jsonl.part").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        told = run.invoke("rooms", "export", "Kitchen", "kitchen.jsonl", "--later")
    assert (told.exit_code, told.stdout) == (1, "") and "Traceback" not in told.stderr
    assert told.stderr.splitlines()[1:] == ["Error: Another process is writing this file right now."]
    assert not (exported / "kitchen.jsonl").exists()


def test_a_worker_that_meets_another_tries_again_later():
    assert worth_another(0, exports.Busy())


def test_a_file_that_was_finished_in_the_moment_before_is_not_touched(exported, monkeypatch):
    exported.mkdir()
    part = exported / "x.part"
    with part.open("w") as file:
        part.rename(exported / "x")
        with pytest.raises(exports.Busy):
            exports.require_alone(file, part)
        part.write_text("another's")
        with pytest.raises(exports.Busy):
            exports.require_alone(file, part)


def test_commands_say_where_there_is_no_queue(run):
    for words in (("list",), ("dead",), ("retry",), ("clear",), ("work",)):
        assert "Without a Redis" in run.fails("jobs", *words)


def test_the_procfile_starts_the_worker(run):
    procfile = (Path(__file__).resolve().parents[2] / "Procfile").read_text()
    assert "worker: flask --app chatapp jobs work\n" in procfile
    assert "SIGTERM" in run("jobs", "work", "--help").stdout
