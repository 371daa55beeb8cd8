"""Rooms: open, closed, direct; make, rename, archive; who may."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import IntegrityError

from chatapp import direct, rooms
from chatapp.errors import Forbidden, Invalid, NotFound
from chatapp.extensions import db
from chatapp.models import Person, Room

SHAPE = set("id name kind topic lastSeq lastRev role".split())


def names(somebody):
    return [one["name"] for one in somebody.gets("/sessions")["sessions"]]


def test_everybody_is_in_an_open_room(ana, ben, cast):
    lobby = ana.makes("Lobby", kind="open")
    assert names(ben) == ["Lobby"]
    late = cast("Late")
    assert [one["id"] for one in late.gets("/sessions")["sessions"]] == [lobby]
    assert late.gets("/sessions")["sessions"][0]["role"] == "member"


def test_a_closed_room_holds_only_those_invited(ana, ben, cleo, eve, room):
    members = ana.gets(f"/sessions/{room}")["members"]
    assert [(one["name"], one["role"]) for one in members] == [("Ana", "owner"), ("Ben", "member"), ("Cleo", "member")]
    assert names(eve) == []
    assert eve.calls("GET", f"/sessions/{room}").status_code == 404


def test_inviting_into_an_open_room_invites_nobody_twice(ana, ben):
    lobby = ana.makes("Lobby", kind="open", members=[ben, ana])
    assert [one["name"] for one in ana.gets(f"/sessions/{lobby}")["members"]] == ["Ana", "Ben"]


def test_a_session_has_the_shape_of_the_contract(ana, room):
    session = ana.gets(f"/sessions/{room}")["session"]
    assert set(session) >= SHAPE
    assert (session["id"], session["name"], session["kind"], session["topic"]) == (room, "Kitchen", "closed", "")
    assert (session["lastSeq"], session["lastRev"], session["role"]) == (0, 0, "owner")


def test_there_is_one_direct_room_for_one_set_of_people(ana, ben, cleo):
    direct = ana.makes(kind="direct", members=[ben])
    assert ben.makes(kind="direct", members=[ana]) == direct
    assert ben.makes(kind="direct", members=[ana, ben, ana]) == direct
    assert ana.makes(kind="direct", members=[ben, cleo]) != direct
    session = ben.gets(f"/sessions/{direct}")["session"]
    assert (session["kind"], session["role"]) == ("direct", "member")
    assert "Ana" in session["name"] and "Ben" in session["name"]


def test_a_direct_room_made_by_many_at_once_is_one(app, ana, ben):
    def make(n):
        with app.app_context():
            maker, other = (ana, ben) if n % 2 else (ben, ana)
            membership, new = direct.open_for(maker.row(), [other.id])
            return membership.room_id, new

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(make, range(6)))
    assert len({room_id for room_id, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1


def test_who_is_a_moment_too_late_gets_the_direct_room_of_the_quicker(inside, ana, ben, meanwhile):
    meanwhile(direct, "make", lambda: ben.makes(kind="direct", members=[ana]))
    membership, new = direct.open_for(ana.row(), [ben.id])
    assert (membership.person_id, new) == (ana.id, False)
    assert len(ana.gets("/sessions")["sessions"]) == 1


@pytest.mark.parametrize("size", [1, 13])
def test_a_direct_room_is_for_two_to_twelve(cast, ana, size):
    others = [cast(f"P{n}") for n in range(size - 1)]
    response = ana.calls("POST", "/sessions", {"kind": "direct", "memberIds": [one.id for one in others]})
    assert response.status_code == 422
    assert response.json["error"]["field"] == "memberIds"


@pytest.mark.parametrize("kind", ["closed", "open", "direct"])
def test_nobody_who_is_not_there_can_be_put_into_a_room(inside, ana, ben, olga, kind):
    def make(nobody):
        if kind == "direct":
            direct.open_for(ana.row(), [nobody])
        else:
            rooms.open_room(ana.row(), "Attic", kind, member_ids=[nobody])

    olga.opens_a_browser().posts(f"/people/{ben.id}/deactivate")
    for nobody in (ben.id, 10**9):
        with pytest.raises(Invalid) as refused:
            make(nobody)
        assert refused.value.field == "memberIds"
    assert ana.gets("/sessions")["sessions"] == []


def test_the_owner_renames_and_sets_the_topic(ana, ben, room):
    before = ana.gets(f"/sessions/{room}")["session"]
    changed = ana.calls("PATCH", f"/sessions/{room}", {"name": " Galley ", "topic": "What we eat"}).json["session"]
    assert (changed["name"], changed["topic"]) == ("Galley", "What we eat")
    assert changed["version"] == before["version"] + 1 and changed["lastRev"] == before["lastRev"]
    seen = ben.gets(f"/sessions/{room}")["session"]
    assert seen == changed | {"role": "member"}
    topic_only = ana.calls("PATCH", f"/sessions/{room}", {"topic": ""}).json["session"]
    assert (topic_only["name"], topic_only["topic"]) == ("Galley", "")


def test_what_changes_nothing_is_no_new_version(ana, ben, room):
    ben.tab.hears_all()
    before = ana.gets(f"/sessions/{room}")["session"]
    for same in ({}, {"name": "Kitchen"}, {"archived": False}, {"name": None, "topic": None, "archived": None}):
        assert ana.calls("PATCH", f"/sessions/{room}", same).json["session"] == before
    ben.hears_nothing("sessionUpdated")


def test_an_administrator_in_the_room_moderates_it(ana, olga, room):
    ana.calls("PUT", f"/sessions/{room}/members/{olga.id}")
    assert olga.gets(f"/sessions/{room}")["session"]["role"] == "admin"
    assert olga.calls("PATCH", f"/sessions/{room}", {"name": "Galley"}).status_code == 200


def test_members_do_not_change_the_room(ana, ben, room):
    for method, body in (("PATCH", {"name": "Mine"}), ("PATCH", {"archived": True}), ("DELETE", None)):
        response = ben.calls(method, f"/sessions/{room}", body)
        assert (response.status_code, response.json["error"]["code"]) == (403, "forbidden")
    assert ana.gets(f"/sessions/{room}")["session"]["name"] == "Kitchen"


def test_a_direct_room_is_changed_by_nobody(ana, olga):
    direct = olga.makes(kind="direct", members=[ana])
    for somebody in (ana, olga):
        for body in ({"name": "Mine"}, {"archived": True}):
            assert somebody.calls("PATCH", f"/sessions/{direct}", body).status_code == 403
        assert somebody.calls("DELETE", f"/sessions/{direct}").status_code == 403


def test_archived_and_brought_back(ana, ben, room):
    archived = ana.calls("DELETE", f"/sessions/{room}").json["session"]
    assert archived["archived"] is True
    assert ben.gets(f"/sessions/{room}")["session"]["archived"] is True
    assert ana.calls("DELETE", f"/sessions/{room}").json["session"]["version"] == archived["version"]
    assert ana.calls("PATCH", f"/sessions/{room}", {"archived": False}).json["session"]["archived"] is False
    assert ben.says("back", room)["seq"] == 1


def test_an_archived_open_room_that_comes_back_holds_everybody(ana, cast):
    lobby = ana.makes("Lobby", kind="open")
    ana.calls("DELETE", f"/sessions/{lobby}")
    late = cast("Late")
    ana.calls("PATCH", f"/sessions/{lobby}", {"archived": False})
    assert late.calls("GET", f"/sessions/{lobby}").status_code == 200


def test_members_hear_of_a_changed_room_wherever_they_are(ana, ben, eve, room):
    ben.tab.hears_all(), eve.tab.hears_all()
    changed = ana.calls("PATCH", f"/sessions/{room}", {"name": "Galley"}).json["session"]
    changed.pop("role")
    assert ben.hears("sessionUpdated") == {"session": changed}
    eve.hears_nothing()


def test_those_invited_hear_of_a_new_room(ana, ben, eve):
    ben.tab.hears_all(), eve.tab.hears_all()
    attic = ana.makes("Attic", members=[ben])
    assert ben.hears("sessionUpdated")["session"]["id"] == attic
    eve.hears_nothing()


def test_rooms_come_by_name(ana):
    for name in ("beta", "Alpha", "Gamma"):
        ana.makes(name)
    assert names(ana) == ["Alpha", "beta", "Gamma"]


def test_commands_find_any_room(inside, ana, room):
    attic = ana.makes("Attic")
    assert [one.id for one in rooms.everything()] == [attic, room]
    assert rooms.get(room).name == "Kitchen"
    with pytest.raises(NotFound):
        rooms.get("nowhere")


def test_commands_archive_any_room_but_a_direct_one(inside, ana, ben, room):
    ben.tab.hears_all()
    for archived in (True, True, False, False):
        rooms.archive(rooms.get(room), archived)
        assert ana.gets(f"/sessions/{room}")["session"]["archived"] is archived
    assert [one["session"]["archived"] for one in ben.hears_all("sessionUpdated")] == [True, False]
    with pytest.raises(Forbidden):
        rooms.archive(rooms.get(ana.makes(kind="direct", members=[ben])))


def test_on_postgresql_who_changes_many_memberships_queues_at_one_lock(inside, monkeypatch):
    asked = []
    monkeypatch.setattr(db.engine.dialect, "name", "postgresql")
    monkeypatch.setattr(rooms.db, "session", SimpleNamespace(execute=asked.append))
    rooms.queue_up()
    monkeypatch.undo()
    assert "pg_advisory_xact_lock" in str(*asked)


def test_the_place_in_a_room_is_always_read_anew(inside, ana, ben, room):
    membership = rooms.membership_of(ben.row(), room)
    ana.says("hi", room)
    again = rooms.membership_of(ben.row(), room)
    assert (membership.room.rev, again.room.rev) == (0, 1)


def test_numbers_are_not_given_in_a_room_that_is_not_there(inside):
    with pytest.raises(Forbidden):
        rooms.advance("nowhere")


def test_the_database_itself_refuses_a_second_direct_room(inside, ana, ben):
    ana.makes(kind="direct", members=[ben])
    key = db.session.scalar(db.select(Room.direct_key))
    with pytest.raises(IntegrityError):
        rooms.make(db.session.get(Person, ana.id), "again", "direct", direct_key=key)


@pytest.mark.parametrize("kind", ["direct", "secret", ""])
def test_what_is_neither_open_nor_closed_is_not_opened_as_a_room(inside, ana, kind):
    with pytest.raises(Invalid) as refused:
        rooms.open_room(ana.row(), "Attic", kind)
    assert refused.value.field == "kind"
    assert db.session.scalars(db.select(Room)).all() == []
