"""flask doctor and flask stats: how the workplace is, and how much there is of it."""

import pytest

from chatapp import health
from chatapp.cli import doctor
from chatapp.extensions import db
from chatapp.models import Message


def test_the_numbers_count_what_is_there(run, ana, ben, cast, room, app):
    cast("Robot", kind="bot")
    ana.opens_a_browser()
    ana.enters(room)
    for word in ("one", "two", "three"):
        ana.says(word)
    with app.app_context():
        old = db.session.query(Message).filter_by(content="one").one()
        old.created_at = old.created_at.replace(year=2020)
        db.session.commit()
    numbers = run.listed("stats")
    assert (numbers["messages"], numbers["messagesLastDay"]) == (3, 2)
    assert (numbers["people"], numbers["bots"], numbers["rooms"], numbers["devices"]) == (3, 1, 1, 1)
    assert numbers["tokens"] == 4
    assert "messages of the last 24 hours" in run("stats").stdout


def test_the_numbers_of_an_empty_workplace_are_zero(run):
    numbers = run.listed("stats")
    assert numbers.pop("askers") == []
    assert set(numbers.values()) == {0}


def findings(result):
    return {
        name: state for state, name in (line.split(":")[0].split(maxsplit=1) for line in result.stdout.splitlines())
    }


@pytest.fixture
def all_well(monkeypatch, tmp_path, app):
    """A machine without a fault."""
    monkeypatch.setattr(health, "migrations", lambda: ("0001", "0001"))
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (1024, 65_536))
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/socket.io.esm.min.js").write_text("export {}")
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    return tmp_path


def test_the_doctor_finds_nothing_where_all_is_well(run, all_well):
    found = run("doctor")
    assert set(findings(found).values()) == {"ok"}
    assert "redis: not in use" in found.stdout


def test_the_doctor_names_each_problem_and_a_remedy(run, all_well, monkeypatch):
    monkeypatch.setattr(health, "migrations", lambda: (None, "0001"))
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (256, 256))
    (all_well / "vendor/socket.io.esm.min.js").unlink()
    result = run.invoke("doctor")
    assert result.exit_code == 1
    wrong = {name for name, state in findings(result).items() if state == "problem"}
    assert wrong == {"migrations", "browser library", "open files"}
    assert "flask --app chatapp db upgrade" in result.stdout


def test_the_doctor_notices_a_clock_that_went_back(run, all_well, ana, room, app):
    ana.enters(room)
    ana.says("hi")
    with app.app_context():
        said = db.session.query(Message).one()
        said.created_at = said.created_at.replace(year=2999)
        db.session.commit()
    result = run.invoke("doctor")
    assert (result.exit_code, findings(result)["clock"]) == (1, "problem")


def test_the_doctor_says_when_the_database_is_away(run, all_well, monkeypatch):
    monkeypatch.setattr(health, "database", lambda: "unavailable")
    result = run.invoke("doctor")
    assert (result.exit_code, findings(result)["database"]) == (1, "problem")


def test_the_migrations_head_is_known(inside):
    assert health.migrations()[1]
