"""What all commands have in common: their names, one line for a refusal, files for their owner only."""

import stat

from chatapp.cli import files
from chatapp.extensions import db

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


def test_an_empty_list_is_empty(run):
    assert run.listed("users", "list") == []
    assert run("users", "list").stdout == ""


def test_what_the_serving_process_remembers_is_said_to_be_unknown_here(run):
    assert run.listed("presence", "list") == {"count": None, "users": []}
    assert run.listed("cache", "stats")["count"] is None
    for words in (("presence", "list"), ("cache", "stats"), ("cache", "clear"), ("cache", "warm")):
        result = run(*words)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "memory of the serving process" in result.stderr


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
