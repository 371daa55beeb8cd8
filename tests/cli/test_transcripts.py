"""flask rooms export and import: a room leaves as lines and comes back the same."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from chatapp import wire
from chatapp.extensions import db
from chatapp.models import Membership, Message, Person, Room, now
from chatapp.transcripts import reading, writing

PERSON = {"id": 7, "name": "Ana", "email": "ana@example.org", "kind": "person"}
HEAD = {"type": "room", "format": 1, "name": "Kitchen", "kind": "closed", "createdAt": "2026-01-31T12:00:00.000Z"}
MEMBER = {"type": "member", **PERSON, "role": "owner"}
SAID = {
    "type": "message",
    "seq": 1,
    "author": PERSON,
    "clientId": "6c1f1d54-9a2b-4c77-8a43-0d6c0f0f5a11",
    "content": "*hi*",
    "createdAt": "2026-01-31T12:00:01.500Z",
}


def file_of(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


def lines_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def talk(ana, ben, room):
    """Three messages, an answer, an edit and a removal in `room`."""
    ana.enters(room)
    ben.enters(room)
    first = ana.says("Who brings **cake**?")
    ben.says("Me! 🎂", replyTo=first["id"])
    ana.edits(ana.says("Thansk"), "Thanks")
    ben.removes(ben.says("something rash"))
    return room


def without_ids(lines):
    gone = ("clientId", "id", "lastRev")
    return [{name: value for name, value in line.items() if name not in gone} for line in lines]


def test_an_export_holds_the_room_its_members_and_every_message(run, talk, ana, ben):
    head, *rest = lines_of(run("rooms", "export", "Kitchen"))
    assert (head["type"], head["id"], head["lastSeq"], head["lastRev"]) == ("room", talk, 4, 6)
    people = {(one["email"], one["role"]) for one in rest if one["type"] == "member"}
    assert people == {(ana.email, "owner"), (ben.email, "member"), ("cleo@example.org", "member")}
    said = [one for one in rest if one["type"] == "message"]
    assert [one["seq"] for one in said] == [1, 2, 3, 4]
    assert [one["content"] for one in said] == ["Who brings **cake**?", "Me! 🎂", "Thanks", ""]
    assert [one["replyToSeq"] for one in said] == [None, 1, None, None]
    assert said[0]["author"] == {"id": ana.id, "name": "Ana", "email": ana.email, "kind": "person"}
    assert [bool(one["editedAt"]) for one in said] == [False, False, True, False]
    assert [bool(one["removedAt"]) for one in said] == [False, False, False, True]


def test_a_long_room_is_written_page_by_page(run, talk, monkeypatch):
    whole = run("rooms", "export", talk).stdout
    monkeypatch.setattr(writing, "PAGE", 3)
    assert run("rooms", "export", talk).stdout == whole


def test_a_copy_beside_its_original_is_the_same_but_for_its_client_ids(run, talk, tmp_path, ana):
    file = tmp_path / "room.jsonl"
    run("rooms", "export", talk, file)
    done = run("rooms", "import", file, "--name", "Copy")
    copy = done.stdout.strip()
    assert done.stderr == ""
    original, copied = lines_of(run("rooms", "export", talk)), lines_of(run("rooms", "export", "Copy"))
    assert without_ids(copied)[1:] == without_ids(original)[1:]
    messages = ana.gets(f"/sessions/{copy}/messages")
    assert [one["seq"] for one in messages["messages"]] == [one["rev"] for one in messages["messages"]] == [1, 2, 3, 4]
    assert messages["lastRev"] == 4
    assert messages["messages"][1]["replyTo"] == messages["messages"][0]["id"]
    assert "<strong>cake</strong>" in messages["messages"][0]["html"]
    assert ana.gets(f"/sessions/{copy}")["session"]["role"] == "owner"
    ana.enters(copy)
    assert ana.says("goes on")["seq"] == 5


def test_when_an_assistant_answers_and_who_came_when_come_back(run, ana, ben, room, cast, app):
    robby = cast("Robby", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{robby.id}")
    with app.app_context():
        db.session.get(Membership, (room, robby.id)).answers = "off"
        db.session.get(Membership, (room, ben.id)).joined_at = datetime(2025, 5, 1, 12, 30, 0, 250_000, UTC)
        db.session.commit()
    out = run("rooms", "export", "Kitchen").stdout
    there = {one["id"]: one for one in map(json.loads, out.splitlines()) if one["type"] == "member"}
    assert (there[robby.id]["answers"], there[ben.id]["joinedAt"]) == ("off", "2025-05-01T12:30:00.250Z")
    new = run("rooms", "import", "--name", "Copy", given=out).stdout.strip()
    with app.app_context():
        back = {one.person_id: one for one in db.session.scalars(select(Membership).where(Membership.room_id == new))}
        assert {id_: one.answers for id_, one in back.items()} == {id_: one["answers"] for id_, one in there.items()}
        assert {id_: wire.moment(one.joined_at) for id_, one in back.items()} == {
            id_: one["joinedAt"] for id_, one in there.items()
        }


def test_an_older_file_does_not_say_when_and_is_read_as_ever(run, ana, app):
    began = now()
    new = run("rooms", "import", given=file_of(HEAD, MEMBER)).stdout.strip()
    with app.app_context():
        (place,) = db.session.scalars(select(Membership).where(Membership.room_id == new))
        assert place.answers == "mention" and began <= place.joined_at <= now()


def test_an_import_by_a_pipe_keeps_the_client_ids_that_are_free(run, ana, app):
    room_id = run("rooms", "import", given=file_of(HEAD, MEMBER, SAID)).stdout.strip()
    (said,) = ana.gets(f"/sessions/{room_id}/messages")["messages"]
    assert (said["clientId"], said["author"]["id"], said["content"]) == (SAID["clientId"], ana.id, "*hi*")
    assert said["createdAt"] == SAID["createdAt"]
    assert "<em>hi</em>" in said["html"]
    other = run("rooms", "import", given=file_of(HEAD, MEMBER, SAID)).stdout.strip()
    (copied,) = ana.gets(f"/sessions/{other}/messages")["messages"]
    assert copied["clientId"] != SAID["clientId"]


def test_unknown_authors_become_people_who_can_never_sign_in_and_are_known_next_time(run, app):
    done = run("rooms", "import", given=file_of(HEAD, MEMBER, SAID))
    assert "ana@example.org" in done.stderr
    run("rooms", "import", given=file_of(HEAD, MEMBER, SAID))
    with app.app_context():
        (somebody,) = db.session.scalars(select(Person))
        assert (somebody.name, somebody.email, somebody.active, somebody.password_hash) == ("Ana", None, False, None)


def test_two_people_of_one_name_stay_two(run, app):
    other = SAID | {"seq": 2, "author": PERSON | {"id": 8, "email": None}}
    run("rooms", "import", given=file_of(HEAD, SAID, other))
    with app.app_context():
        assert len(set(db.session.scalars(select(Message.author_id)))) == 2


def test_an_open_room_comes_back_with_everybody_in_it(run, ana, ben):
    room_id = run("rooms", "import", given=file_of(HEAD | {"kind": "open"}, MEMBER)).stdout.strip()
    members = ben.gets(f"/sessions/{room_id}")["members"]
    assert [(one["name"], one["role"]) for one in members] == [("Ana", "owner"), ("Ben", "member")]


def test_an_archived_room_comes_back_archived(run, ana):
    room_id = run(
        "rooms", "import", given=file_of(HEAD | {"archivedAt": HEAD["createdAt"]}, MEMBER, SAID)
    ).stdout.strip()
    assert ana.gets(f"/sessions/{room_id}")["session"]["archived"] is True


def test_people_have_one_direct_room_also_after_an_import(run, ana, ben, app):
    direct = ana.makes(None, kind="direct", members=[ben])
    exported = run("rooms", "export", direct).stdout
    assert "direct room already" in run.fails("rooms", "import", given=exported)
    with app.app_context():
        db.session.delete(db.session.get(Room, direct))
        db.session.commit()
    back = run("rooms", "import", given=exported).stdout.strip()
    assert ana.makes(None, kind="direct", members=[ben]) == back


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([SAID], 1),
        ([MEMBER], 1),
        ([HEAD, HEAD], 2),
        ([HEAD, SAID, MEMBER], 3),
        ([HEAD, SAID | {"seq": 2}], 2),
        ([HEAD, SAID, SAID], 3),
        ([HEAD, SAID | {"replyToSeq": 1}], 2),
        ([HEAD, SAID | {"createdAt": "yesterday"}], 2),
        ([HEAD, SAID | {"createdAt": "2026-01-31T12:00:00"}], 2),
        ([HEAD, SAID | {"createdAt": 5}], 2),
        ([HEAD, SAID | {"content": "\0"}], 2),
        ([HEAD, SAID | {"content": "x" * 32_001}], 2),
        ([HEAD, SAID | {"clientId": "no"}], 2),
        ([HEAD, SAID | {"author": PERSON | {"name": "two\nlines"}}], 2),
        ([HEAD | {"format": 2}], 1),
        ([HEAD | {"kind": "secret"}], 1),
        ([HEAD, MEMBER | {"answers": "loud"}], 2),
        ([HEAD, MEMBER | {"joinedAt": "yesterday"}], 2),
        ([HEAD, {"type": "what"}], 2),
        ([HEAD, ["type"]], 2),
    ],
)
def test_what_no_export_wrote_is_refused_whole_and_by_line(run, app, lines, number):
    assert run.fails("rooms", "import", given=file_of(*lines)).startswith(f"line {number}: ")
    with app.app_context():
        assert db.session.scalar(select(Room.id)) is None


@pytest.mark.parametrize("given", ["", "no JSON\n", "[" * 100_000, b"\xff\n"])
def test_what_is_no_json_is_refused(run, given):
    run.fails("rooms", "import", given=given)


def test_an_import_cut_short_is_seen_by_nobody_and_says_so(run, ana, app, monkeypatch):
    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "place", cut)
    assert run.invoke("rooms", "import", given=file_of(HEAD | {"kind": "open"}, MEMBER, SAID)).exit_code == 1
    assert [one["name"] for one in run.listed("rooms", "list")] == ["Kitchen (being imported)"]
    assert ana.gets("/sessions")["sessions"] == []


def test_one_person_cannot_have_said_two_things_under_one_client_id(run, ana):
    assert "UNIQUE" in run.fails("rooms", "import", given=file_of(HEAD, SAID, SAID | {"seq": 2})).upper()


def test_what_was_spoken_piece_by_piece_keeps_how_it_ended(run, ana, ben, room, cast, app, monkeypatch):
    robby = cast("Robby", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{robby.id}")
    asked = ben.says("Well?", room)
    failed = robby.speaks("Half a", room=room, replyTo=asked["id"])
    robby.finishes(failed, error={"code": "unavailable", "message": "It went away."})
    robby.speaks("And so ", "on 🙂", room=room)
    out = run("rooms", "export", "Kitchen").stdout
    first, second = [json.loads(one) for one in out.splitlines() if '"gen"' in one]
    assert (first["status"], first["gen"], first["content"]) == ("error", 1, "Half a")
    assert first["error"] == {"code": "unavailable", "message": "It went away."}
    assert first["askedBy"]["email"] == ben.email
    assert (second["status"], second["content"], second["askedBy"]) == ("interrupted", "And so on 🙂", None)
    new = run("rooms", "import", "--name", "Copy", given=out).stdout.split()[0]
    with app.app_context():
        copied = db.session.scalars(select(Message).where(Message.room_id == new).order_by(Message.seq)).all()
    assert [(one.status, one.gen, one.content, one.asker_id) for one in copied[1:]] == [
        ("error", 1, "Half a", ben.id),
        ("interrupted", 1, "And so on 🙂", None),
    ]
    assert copied[1].error == first["error"]


@pytest.mark.parametrize("wrong", [{"gen": -1}, {"status": "streaming"}, {"error": 7}, {"askedBy": {"id": 0}}])
def test_a_wrong_stream_is_named(run, wrong):
    assert run.fails("rooms", "import", given=file_of(HEAD, MEMBER, SAID | {"gen": 1} | wrong)).startswith("line 3")
