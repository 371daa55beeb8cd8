"""flask rooms: make, archive, bring in, put out."""

import uuid


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
