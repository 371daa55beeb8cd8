"""The operators' commands: what they print where, what they change, and how they refuse."""

import json
import stat
import uuid

import pytest

from chatapp import health, passwords, people, rooms, tokens
from chatapp.cli import doctor, files
from chatapp.extensions import db
from chatapp.models import Message, Person

GROUPS = {
    "users": {"create", "list", "promote", "deactivate", "reset-password"},
    "rooms": {"create", "list", "archive", "export", "import", "add", "remove"},
    "tokens": {"create", "list", "revoke"},
    "bots": {"create", "list"},
    "cache": {"stats", "clear", "warm"},
    "presence": {"list"},
}


def test_the_contracts_commands_are_all_there(app):
    for name, verbs in GROUPS.items():
        assert set(app.cli.commands[name].commands) == verbs
    assert {"stats", "seed", "doctor"} <= set(app.cli.commands)


def test_making_a_user_prints_only_the_id_and_tells_the_password_apart(run, app):
    made = run("users", "create", "--admin", "Olga", "Olga@Example.org")
    password = made.stderr.strip().rpartition(" ")[2]
    with app.app_context():
        somebody = db.session.get(Person, int(made.stdout))
        assert (somebody.name, somebody.email, somebody.is_admin) == ("Olga", "olga@example.org", True)
        assert made.stdout == f"{somebody.id}\n"
        assert signs_in(somebody.email, password)


def signs_in(email, password):
    return passwords.matches(people.by_email(email).password_hash, password)


def test_a_password_given_on_standard_input_is_taken_and_never_shown(run, app):
    made = run("users", "create", "Ana", "ana@example.org", "--password-stdin", given="correct horse\nrest")
    assert made.stderr == ""
    with app.app_context():
        assert signs_in("ana@example.org", "correct horse")


@pytest.mark.parametrize("given", ["short\n", "", "long enough\0but not text\n"])
def test_a_password_that_will_not_do_is_refused(run, given):
    run.fails("users", "create", "Ana", "ana@example.org", "--password-stdin", given=given)


@pytest.mark.parametrize(
    ("name", "email"), [("", "a@b.org"), ("two\nlines", "a@b.org"), ("x" * 81, "a@b.org"), ("\ud800", "a@b.org"), ("Ana", "nowhere")]
)
def test_a_user_that_no_door_would_take_is_refused(run, name, email):
    run.fails("users", "create", name, email)


def test_an_address_is_taken_once(run, ana):
    assert "already here" in run.fails("users", "create", "Other", "ANA@example.org")


def test_users_are_listed_without_bots(run, olga, cast):
    cast("Robot", kind="bot")
    (listed,) = run.listed("users", "list")
    assert listed.pop("createdAt").endswith("Z")
    assert listed == {"id": olga.id, "name": "Olga", "email": "olga@example.org", "isAdmin": True, "active": True}
    header, row = run("users", "list").stdout.splitlines()
    assert header.split()[:3] == ["id", "name", "email"]
    assert "olga@example.org" in row


def test_an_empty_list_is_empty(run):
    assert run.listed("users", "list") == []
    assert run("users", "list").stdout == ""


def test_promoting_makes_an_administrator(run, ana, inside):
    run("users", "promote", ana.email)
    assert ana.row().is_admin


def test_deactivating_closes_what_is_open(run, ana, ben, room):
    ana.enters(room)
    run("users", "deactivate", ana.email)
    assert not ana.tab.is_open
    assert ana.calls("GET", "/sessions").status_code == 401
    assert run.listed("tokens", "list", ben.email) != []
    assert run.listed("tokens", "list", ana.email) == []


def test_the_last_administrator_stays(run, olga):
    assert run.fails("users", "deactivate", olga.email) == "The last administrator stays."


def test_a_new_password_signs_every_browser_out(run, ana, app):
    browser = ana.opens_a_browser()
    done = run("users", "reset-password", ana.email, "--password-stdin", given="another one\n")
    assert done.stdout == ""
    with app.app_context():
        assert signs_in(ana.email, "another one")
    assert "/sign-in" in browser.opens("/rooms").location


def test_a_bot_has_no_password(run, cast):
    run.fails("users", "reset-password", cast("Robot", kind="bot").id)


@pytest.mark.parametrize("whom", ["nobody@example.org", "999999", "9" * 40, "no address", "\ud800@x.org"])
def test_naming_nobody_is_refused(run, whom):
    run.fails("users", "promote", whom)


def test_a_token_is_printed_alone_and_works_until_revoked(run, ana, app):
    token = run("tokens", "create", ana.email, "--name", "backup").stdout.removesuffix("\n")
    with app.app_context():
        assert tokens.by_secret(token).person_id == ana.id
    (listed,) = [one for one in run.listed("tokens", "list") if one["name"] == "backup"]
    assert (listed["email"], listed["lastUsedAt"]) == (ana.email, None)
    assert token not in run("tokens", "list").stdout
    run("tokens", "revoke", listed["id"])
    with app.app_context():
        assert tokens.by_secret(token) is None
    run.fails("tokens", "revoke", listed["id"])


def test_nobody_turned_away_gets_a_token(run, ana):
    run("users", "deactivate", ana.email)
    run.fails("tokens", "create", ana.email)


def test_a_bot_comes_with_a_token_when_asked(run, ana, app):
    lobby = ana.makes("Lobby", kind="open")
    bot_id, token = run("bots", "create", "Robot", "--token").stdout.split()
    with app.app_context():
        bot = tokens.by_secret(token).person
        assert (str(bot.id), bot.kind, bot.email) == (bot_id, "bot", None)
        assert rooms.membership_of(bot, lobby)
    assert run("bots", "create", "Silent").stdout.count("\n") == 1
    assert [one["name"] for one in run.listed("bots", "list")] == ["Robot", "Silent"]


def test_a_room_made_here_belongs_to_the_first_administrator(run, olga, ana):
    room_id = run("rooms", "create", "Lobby", "--topic", "Anything").stdout.strip()
    (listed,) = run.listed("rooms", "list")
    assert (listed["id"], listed["kind"], listed["members"], listed["topic"]) == (room_id, "open", 2, "Anything")
    assert [one["role"] for one in ana.gets(f"/sessions/{room_id}")["members"]] == ["member", "owner"]


def test_a_closed_room_can_be_made_for_somebody(run, ana):
    room_id = run("rooms", "create", "Secrets", "--kind", "closed", "--owner", ana.email).stdout.strip()
    assert [one["id"] for one in ana.gets("/sessions")["sessions"]] == [room_id]


def test_a_room_needs_an_owner(run, ana):
    assert run.fails("rooms", "create", "Lobby") == "There is no administrator yet."


def test_members_come_and_go(run, room, eve, ana):
    ana.enters(room)
    run("rooms", "add", "Kitchen", eve.email)
    assert [one["id"] for one in eve.gets("/sessions")["sessions"]] == [room]
    assert ana.hears("sessionUpdated")["session"]["id"] == room
    run("rooms", "remove", room, eve.email)
    assert eve.gets("/sessions")["sessions"] == []
    assert "not in Kitchen" in run.fails("rooms", "remove", "Kitchen", eve.email)


def test_a_direct_room_stays_as_it_is(run, ana, ben, eve):
    direct = ana.makes(None, kind="direct", members=[ben])
    run.fails("rooms", "add", direct, eve.email)
    run.fails("rooms", "remove", direct, ben.email)
    run.fails("rooms", "archive", direct)


def test_archiving_holds_at_once_and_can_be_undone(run, room, ana):
    ana.enters(room)
    run("rooms", "archive", "Kitchen")
    assert ana.hears("sessionUpdated")["session"]["archived"] is True
    said = {"sessionId": room, "content": "hi", "clientId": str(uuid.uuid4())}
    ana.is_refused("sendMessage", said, "forbidden")
    run("rooms", "archive", "Kitchen", "--undo")
    ana.says("back")


def test_a_name_that_several_rooms_have_is_not_enough(run, ana, room):
    other = ana.makes("Kitchen")
    refusal = run.fails("rooms", "archive", "Kitchen")
    assert room in refusal
    assert other in refusal
    run.fails("rooms", "archive", "Nowhere")
    run.fails("rooms", "archive", "\ud800")


def test_what_the_serving_process_remembers_is_said_to_be_unknown_here(run):
    assert run.listed("presence", "list") == {"count": None, "users": []}
    assert run.listed("cache", "stats")["count"] is None
    for words in (("presence", "list"), ("cache", "stats"), ("cache", "clear"), ("cache", "warm")):
        result = run(*words)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "memory of the serving process" in result.stderr


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
    assert set(run.listed("stats").values()) == {0}


def findings(result):
    return {name: state for state, name in (line.split(":")[0].split(maxsplit=1) for line in result.stdout.splitlines())}


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


def test_what_the_database_refuses_is_one_line(run, app):
    with app.app_context():
        db.drop_all()
    try:
        assert "The database refused: " in run.fails("users", "list")
        run.fails("stats")
    finally:
        with app.app_context():
            db.create_all()


def test_a_file_of_secrets_is_its_owners_only(tmp_path):
    path = tmp_path / "secrets"
    path.write_text("old and longer")
    path.chmod(0o644)
    with files.private(str(path)) as file:
        file.write("new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_one_line(run, room, tmp_path):
    assert "No such file" in run.fails("rooms", "export", room, tmp_path / "nowhere" / "file")
    assert "No such file" in run.fails("rooms", "import", tmp_path / "nothing")
    assert "No such file" in run.fails("seed", "--tokens", tmp_path / "nowhere" / "file")
