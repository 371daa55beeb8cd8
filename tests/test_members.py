"""Who is in a room: invited, put out, left, come back; and what those who go still hear (nothing)."""

import pytest

from chatapp import history, members, notices, people, presence, rooms
from chatapp.errors import Forbidden, NotFound
from chatapp.extensions import db
from chatapp.models import Membership
from chatapp.web.sockets import ChatNamespace


def member_names(somebody, room):
    return [one["name"] for one in somebody.gets(f"/sessions/{room}")["members"]]


def put(somebody, room, whom):
    return somebody.calls("PUT", f"/sessions/{room}/members/{whom.id}")


def put_out(somebody, room, whom):
    return somebody.calls("DELETE", f"/sessions/{room}/members/{whom.id}")


def test_the_owner_invites(ana, ben, eve, room):
    eve.tab.hears_all(), ben.tab.hears_all()
    response = put(ana, room, eve)
    assert response.status_code == 200
    assert response.json["member"] == {
        "id": eve.id, "name": "Eve", "kind": "person", "avatarUrl": f"/people/{eve.id}/avatar.svg", "role": "member",
    }  # fmt: skip
    assert member_names(eve, room) == ["Ana", "Ben", "Cleo", "Eve"]
    for somebody in (eve, ben):
        assert somebody.hears("sessionUpdated")["session"]["id"] == room


def test_inviting_twice_is_once(ana, eve, room):
    put(ana, room, eve)
    version = ana.gets(f"/sessions/{room}")["session"]["version"]
    assert put(ana, room, eve).status_code == 200
    assert ana.gets(f"/sessions/{room}")["session"]["version"] == version


def test_two_invitations_that_meet_are_one(ana, eve, room, meanwhile):
    meanwhile(rooms, "changed", lambda: put(ana, room, eve))
    assert put(ana, room, eve).status_code == 200
    assert member_names(ana, room) == ["Ana", "Ben", "Cleo", "Eve"]
    assert ana.gets(f"/sessions/{room}")["session"]["version"] == 2


def test_members_invite_nobody_and_nobody_invites_himself(ben, eve, room):
    assert put(ben, room, eve).json["error"]["code"] == "forbidden"
    assert put(eve, room, eve).json["error"]["code"] == "not_found"
    assert eve.gets("/sessions")["sessions"] == []


def test_nobody_invites_the_unknown_or_the_deactivated(ana, ben, olga, room, eve):
    olga.opens_a_browser().posts(f"/people/{eve.id}/deactivate")
    assert put(ana, room, eve).json["error"]["code"] == "not_found"
    assert ana.calls("PUT", f"/sessions/{room}/members/{10**12}").json["error"]["code"] == "not_found"


def test_an_open_room_can_be_left_and_entered_again(ana, ben):
    lobby = ana.makes("Lobby", kind="open")
    assert put_out(ben, lobby, ben).json == {"ok": True}
    assert ben.gets("/sessions")["sessions"] == []
    assert put(ben, lobby, ben).json["member"]["role"] == "member"
    assert member_names(ben, lobby) == ["Ana", "Ben"]


def test_who_is_put_out_of_a_closed_room_does_not_come_back_alone(ana, ben, room):
    assert put_out(ana, room, ben).status_code == 200
    assert put(ben, room, ben).status_code == 404
    assert ben.calls("GET", f"/sessions/{room}").status_code == 404


def test_who_is_put_out_hears_it_and_nothing_more(ana, ben, cleo, room):
    ana.enters(room), ben.enters(room), cleo.enters(room)
    other = ben.opens_a_tab()
    other.enters(room)
    ben.hears_all(), cleo.hears_all(), other.hears_all()
    put_out(ana, room, ben)
    assert ben.hears("sessionRemoved") == {"sessionId": room} == other.hears("sessionRemoved")
    ana.says("now he is gone", room)
    ana.edits(ana.says("teh", room), "the")
    ana.asks("typing", {"sessionId": room, "isTyping": True})
    ana.calls("PATCH", f"/sessions/{room}", {"topic": "Ben"})
    ben.hears_nothing(), other.hears_nothing()
    assert cleo.hears("userOffline")["user"]["id"] == ben.id
    assert ben.tab.is_open
    for event, more in (("joinSession", {}), ("syncSession", {"afterRev": 0}), ("leaveSession", {})):
        ben.is_refused(event, {"sessionId": room} | more, "not_found")


def test_who_leaves_is_told_to_the_others_and_offline_at_once(ana, ben, room):
    ana.enters(room), ben.enters(room)
    ben.asks("typing", {"sessionId": room, "isTyping": True})
    ana.hears_all()
    assert put_out(ben, room, ben).status_code == 200
    assert ana.hears("typing")["isTyping"] is False
    assert ana.hears("userOffline")["count"] == 1
    assert ana.hears("sessionUpdated")["session"]["id"] == room
    assert ben.hears("sessionRemoved") == {"sessionId": room}


@pytest.mark.parametrize(
    ("event", "where", "moment"),
    [
        ("joinSession", presence, "arrive"),
        ("joinSession", ChatNamespace, "enter_room"),
        ("joinSession", history, "greeting"),
        ("syncSession", presence, "arrive"),
        ("syncSession", ChatNamespace, "enter_room"),
        ("syncSession", history, "changes"),
    ],
)
def test_who_is_put_out_while_entering_hears_nothing_either(ana, ben, room, meanwhile, event, where, moment):
    meanwhile(where, moment, lambda: put_out(ana, room, ben))
    answer = ben.asks(event, {"sessionId": room} | ({"afterRev": 0} if event == "syncSession" else {}))
    assert where is history or answer["error"]["code"] == "not_found"
    ben.hears_all()
    ana.says("now he is gone", room)
    ben.hears_nothing("newMessage")
    assert ana.gets(f"/sessions/{room}/online")["count"] == 0


def test_who_came_back_before_anybody_noticed_stays(inside, ana, ben, room, clock, monkeypatch):
    ben.enters(room)
    with monkeypatch.context() as busy:  # another process does both; this one looks later
        busy.setattr(notices, "obey", lambda: None)
        put_out(ana, room, ben)
        put(ana, room, ben)
    ben.hears_all()
    clock.ticks()
    ben.hears_nothing("sessionRemoved")
    ana.says("still here?", room)
    assert ben.hears("newMessage")["message"]["content"] == "still here?"


def test_members_put_nobody_out_and_nobody_puts_out_who_is_not_in(ana, ben, cleo, eve, room):
    assert put_out(ben, room, cleo).json["error"]["code"] == "forbidden"
    assert put_out(ana, room, eve).json["error"]["code"] == "not_found"
    assert put_out(eve, room, ben).json["error"]["code"] == "not_found"
    assert member_names(ana, room) == ["Ana", "Ben", "Cleo"]


def test_a_direct_room_keeps_its_people(ana, ben, cleo):
    direct = ana.makes(kind="direct", members=[ben])
    assert put(ana, direct, cleo).status_code == 403
    assert put_out(ana, direct, ben).status_code == 403
    assert put_out(ana, direct, ana).status_code == 403
    assert len(ana.gets(f"/sessions/{direct}")["members"]) == 2


def test_commands_may_add_and_remove_anybody_but_not_in_direct_rooms(inside, ana, ben, eve, room):
    direct = rooms.get(ana.makes(kind="direct", members=[ben]))
    assert members.add(rooms.get(room), eve.id).role == "member"
    members.remove(rooms.membership_of(eve.row(), room))
    with pytest.raises(NotFound):
        rooms.membership_of(eve.row(), room)
    with pytest.raises(Forbidden):
        members.add(direct, eve.id)


def test_who_goes_keeps_what_was_said(ana, ben, room):
    said = ben.says("remember me", room)
    put_out(ben, room, ben)
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_a_room_whose_last_owner_goes_belongs_to_who_has_been_there_longest(ana, ben, cleo, eve, room):
    put(ana, room, eve)
    put_out(ana, room, ana)
    roles = {one["name"]: one["role"] for one in ben.gets(f"/sessions/{room}")["members"]}
    assert roles == {"Ben": "owner", "Cleo": "member", "Eve": "member"}
    for somebody in (ben, cleo, eve):
        assert somebody.calls("PATCH", f"/sessions/{room}", {"topic": somebody.name}).status_code == 200
        assert put_out(somebody, room, somebody).status_code == 200
    assert eve.gets("/sessions")["sessions"] == []


def test_a_room_is_handed_to_a_person_before_a_bot_and_to_nobody_turned_away(ana, ben, cast, olga):
    robby, late = cast("Robby", kind="bot"), cast("Late")
    attic = ana.makes("Attic", members=[robby, ben])
    put(ana, attic, late)
    olga.opens_a_browser().posts(f"/people/{ben.id}/deactivate")
    put_out(ana, attic, ana)
    assert [(one["name"], one["role"]) for one in late.gets(f"/sessions/{attic}")["members"]] == [
        ("Late", "owner"),
        ("Robby", "member"),
    ]


@pytest.mark.parametrize("verb", [people.deactivate, people.reactivate, people.promote])
def test_the_members_are_told_when_one_is_turned_away_comes_back_or_rises(inside, ana, ben, room, verb):
    if verb is people.reactivate:
        people.deactivate(ben.row())
    version = ana.gets(f"/sessions/{room}")["session"]["version"]
    ana.tab.hears_all()
    verb(ben.row())
    assert ana.hears("sessionUpdated")["session"]["version"] == version + 1


def test_after_the_last_owner_an_owner_who_is_left_stays_the_only_one(inside, ana, ben, cleo, room):
    db.session.get(Membership, (room, cleo.id)).role = "owner"
    db.session.commit()
    put_out(ana, room, ana)
    roles = {one["name"]: one["role"] for one in cleo.gets(f"/sessions/{room}")["members"]}
    assert roles == {"Ben": "member", "Cleo": "owner"}


def test_a_bot_owns_a_room_only_where_nobody_else_is(ana, ben, cast):
    bots = [cast(name, kind="bot") for name in ("Robby", "Marvin")]
    attic = ana.makes("Attic", members=bots)
    put(ana, attic, ben)  # came last of all
    put_out(ana, attic, ana)
    assert {one["name"]: one["role"] for one in ben.gets(f"/sessions/{attic}")["members"]} == {
        "Ben": "owner", "Robby": "member", "Marvin": "member",
    }  # fmt: skip
    put_out(ben, attic, ben)
    assert [one["role"] for one in bots[0].gets(f"/sessions/{attic}")["members"]].count("owner") == 1
