"""What open connections must obey, wherever the change was made: in another process, by a command."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from chatapp import database, devices, members, notices, people, rooms, tokens
from chatapp.extensions import db
from chatapp.models import Notice, now
from chatapp.realtime import connections


@pytest.fixture
def elsewhere(inside, monkeypatch):
    """Changes made here are made by another process: this one only has its ticker."""
    obey = notices.obey
    monkeypatch.setattr(notices, "obey", lambda: None)

    def looks():
        obey()

    return looks


def test_a_device_signed_out_elsewhere_is_cut(elsewhere, ana):
    here, there = ana.opens_a_browser(), ana.opens_a_browser()
    tab, other = here.opens_a_tab(), there.opens_a_tab()
    newest, oldest = sorted(devices.of(ana.row()), key=lambda one: -one.id)
    devices.end(ana.row(), newest.id)
    assert other.is_open
    elsewhere()
    assert tab.is_open and not other.is_open
    assert connections.of_credential("device", newest.id) == []
    assert len(connections.of_credential("device", oldest.id)) == 1


def test_a_token_revoked_elsewhere_is_cut_and_only_that_one(elsewhere, ana):
    browser_tab, other = ana.opens_a_browser().opens_a_tab(), ana.opens_a_tab()
    assert ana.tab.is_open
    tokens.revoke(tokens.of(ana.row())[0].id)
    elsewhere()
    assert not ana.tab.is_open and not other.is_open and browser_tab.is_open


def test_a_device_and_a_token_of_the_same_number_are_not_mistaken(elsewhere, ana):
    tab = ana.opens_a_browser().opens_a_tab()
    notices.post("token", devices.of(ana.row())[0].id)
    db.session.commit()
    elsewhere()
    assert tab.is_open


def test_somebody_deactivated_elsewhere_is_cut_everywhere(elsewhere, ana, ben, room):
    ben.enters(room)
    tab = ben.opens_a_browser().opens_a_tab()
    tab.enters(room)
    people.deactivate(ben.row())
    elsewhere()
    assert not ben.tab.is_open and not tab.is_open
    assert connections.of_person(ben.id) == []


def test_a_member_removed_elsewhere_hears_so_and_no_more(elsewhere, ana, ben, room):
    ana.enters(room), ben.enters(room)
    ana.hears_all(), ben.hears_all()
    members.remove(rooms.membership_of(ben.row(), room))
    elsewhere()
    assert ben.hears_all() == [("sessionRemoved", {"sessionId": room})]
    assert {name for name, _ in ana.hears_all()} == {"userOffline", "sessionUpdated"}
    ana.says("gone", room)
    ben.hears_nothing()


def test_a_room_changed_elsewhere_is_told_as_it_is_now(elsewhere, ana, ben, room):
    ben.tab.hears_all()
    for name in ("Galley", "Pantry"):
        rooms.revise(rooms.membership_of(ana.row(), room), name=name)
    elsewhere()
    heard = ben.hears_all("sessionUpdated")
    assert heard and {one["session"]["name"] for one in heard} == {"Pantry"}


def test_a_room_that_is_gone_and_a_process_without_connections_are_no_trouble(elsewhere, ana, room):
    notices.post("room", "nowhere")
    db.session.commit()
    elsewhere()
    ana.tab.hears_all()
    notices.post("room", "nowhere again")
    db.session.commit()
    elsewhere()
    ana.hears_nothing()


def test_each_notice_is_obeyed_once(elsewhere, ana, ben, room):
    ben.tab.hears_all(), elsewhere(), ben.hears_all()
    rooms.revise(rooms.membership_of(ana.row(), room), name="Galley")
    for _ in range(3):
        elsewhere()
    assert len(ben.hears_all("sessionUpdated")) == 1


def test_a_notice_that_is_committed_late_is_obeyed_too(elsewhere, ana, ben, room):
    """Ids are not commit order: a smaller one may become visible after a greater one was obeyed."""
    ben.tab.hears_all()
    notices.post("room", room)
    db.session.commit()
    late = db.session.scalar(select(func.max(Notice.id))) + 100
    elsewhere()
    ben.hears_all()
    db.session.add(Notice(id=late + 1, kind="room", subject=room))
    db.session.commit()
    elsewhere()
    db.session.add(Notice(id=late, kind="room", subject=room))
    db.session.commit()
    ben.hears_all()
    elsewhere()
    assert len(ben.hears_all("sessionUpdated")) == 1


def test_a_notice_that_cannot_be_obeyed_holds_up_no_other(elsewhere, ana, ben, room, monkeypatch):
    ben.enters(room)

    def breaks(_notice):
        raise RuntimeError("broken")

    monkeypatch.setitem(notices.OBEY, "room", breaks)
    notices.post("room", room)
    db.session.commit()
    tokens.revoke(tokens.of(ben.row())[0].id)
    for _ in range(3):  # turns of the ticker, which survives whatever a job does
        try:
            elsewhere()
        except RuntimeError:
            db.session.rollback()
    assert not ben.tab.is_open


def test_old_notices_are_swept_and_young_ones_kept(app, inside, ana, room, clock):
    ana.calls("PATCH", f"/sessions/{room}", {"name": "Galley"})
    db.session.execute(update(Notice).values(created_at=now() - timedelta(hours=2)))
    db.session.commit()
    ana.calls("PATCH", f"/sessions/{room}", {"name": "Pantry"})
    young = db.session.scalars(select(Notice.id).where(Notice.created_at > now() - timedelta(hours=1))).all()
    notices.tidy()
    assert db.session.scalars(select(Notice.id)).all() == young != []
    assert set(young) <= set(notices._obeyed)
    clock.offset += 3_600
    notices.obey()  # a look, from which on they lie far enough back
    notices.tidy()
    assert not notices._obeyed


def test_the_ticker_does_all_this_without_being_asked(elsewhere, ana, ben, room, clock, monkeypatch):
    ben.enters(room)
    people.deactivate(ben.row())
    monkeypatch.undo()
    clock.ticks()
    assert not ben.tab.is_open


def test_notices_that_cannot_be_read_now_are_obeyed_later(inside, ana, ben, room, monkeypatch, clock):
    ben.enters(room)

    def away(*_, **__):
        raise OperationalError("SELECT", {}, Exception())

    with monkeypatch.context() as broken:
        broken.setattr(database, "ask_all", away)
        tokens.revoke(ben.token_row.id)  # does not fail: it is done
    assert ben.tab.is_open
    clock.ticks()
    assert not ben.tab.is_open


def failing(times, then):
    """A way to obey that fails so many times."""
    left = [times]

    def obeys(notice):
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError("broken")
        then(notice)

    return obeys


def test_a_notice_that_fails_once_is_obeyed_at_the_next_look_and_only_then(
    elsewhere, ana, ben, cleo, room, monkeypatch
):
    ben.enters(room)
    lobby = ana.makes("Lobby", kind="open")
    elsewhere(), ben.hears_all(), cleo.tab.hears_all()
    monkeypatch.setitem(notices.OBEY, "token", failing(1, notices.OBEY["token"]))
    tokens.revoke(ben.token_row.id)
    rooms.revise(rooms.membership_of(ana.row(), lobby), name="Hall")
    members.remove(rooms.membership_of(cleo.row(), room))
    elsewhere()
    assert ben.tab.is_open
    assert cleo.hears("sessionRemoved") == {"sessionId": room}  # the others of the same look were obeyed
    assert cleo.hears("sessionUpdated")["session"]["name"] == "Hall"
    elsewhere()
    assert not ben.tab.is_open
    elsewhere()
    cleo.hears_nothing()


def test_a_notice_that_fails_for_a_minute_is_obeyed_in_the_end(elsewhere, ana, ben, room, clock, monkeypatch):
    ben.enters(room)
    monkeypatch.setitem(notices.OBEY, "token", failing(12, notices.OBEY["token"]))
    tokens.revoke(ben.token_row.id)
    for n in range(13):
        assert ben.tab.is_open
        rooms.revise(rooms.membership_of(ana.row(), room), name=f"Name {n}")
        clock.offset += 5
        elsewhere()
    assert not ben.tab.is_open


def test_a_notice_that_cannot_be_obeyed_never_makes_fail_what_posted_it(ana, ben, cleo, room, monkeypatch):
    for kind in notices.OBEY:
        monkeypatch.setitem(notices.OBEY, kind, failing(100, None))
    assert ana.calls("PATCH", f"/sessions/{room}", {"name": "Galley"}).json["session"]["name"] == "Galley"
    assert ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}").status_code == 200
    assert ana.calls("PUT", f"/sessions/{room}/members/{ben.id}").status_code == 200
    assert ana.calls("POST", "/sessions", {"name": "Attic", "kind": "closed"}).status_code == 201
    browser = cleo.opens_a_browser()
    assert browser.posts("/sign-out").status_code == 303
    with ana.app.app_context():
        people.deactivate(cleo.row())
        people.create("Late", "late@example.org")


def test_what_was_posted_while_the_database_could_not_be_read_is_obeyed_afterwards(
    elsewhere, ana, ben, room, clock, monkeypatch
):
    ben.enters(room)
    for n in range(10):  # looks of an ordinary day
        rooms.revise(rooms.membership_of(ana.row(), room), name=f"Name {n}")
        clock.offset += 5
        elsewhere()
    read = database.ask_all

    def away(*_, **__):
        raise OperationalError("SELECT", {}, Exception())

    monkeypatch.setattr(database, "ask_all", away)  # from here
    for second in range(40):
        if second == 3:  # another process can still write
            tokens.revoke(ben.token_row.id)
        clock.offset += 1
        elsewhere()
    assert ben.tab.is_open
    monkeypatch.setattr(database, "ask_all", read)
    elsewhere()
    assert not ben.tab.is_open
