"""What proves who somebody is: devices and tokens. Kept as hashes, ended by their owner, and noted when they are used."""

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from chatapp import credentials, devices, tokens
from chatapp.errors import NotFound
from chatapp.extensions import db
from chatapp.models import Device, Token, now
from chatapp.realtime import ticker

BROWSER = {"user_agent": "Firefox", "address": "192.0.2.1"}


def everything_in(row):
    return [getattr(row, column.name) for column in row.__table__.columns]


def test_secrets_are_kept_as_hashes_only(inside, ana):
    _, key = devices.open_for(ana.row(), user_agent="Firefox", address="")
    for secret, table in ((key, Device), (ana.token, Token)):
        row = db.session.scalars(db.select(table)).one()
        assert secret not in str(everything_in(row))


def test_own_tokens_and_devices_are_ended_by_their_owner_alone(inside, ana, ben):
    device, key = devices.open_for(ana.row(), **BROWSER)
    with pytest.raises(NotFound):
        devices.end(ben.row(), device.id)
    with pytest.raises(NotFound):
        tokens.revoke(tokens.of(ana.row())[0].id, of=ben.row())
    assert credentials.by_secret(Device, key) and credentials.by_secret(Token, ana.token)
    devices.end(ana.row(), device.id)
    tokens.revoke(tokens.of(ana.row())[0].id, of=ana.row())
    assert credentials.by_secret(Device, key) is None and credentials.by_secret(Token, ana.token) is None
    for gone in (lambda: devices.end(ana.row(), device.id), lambda: tokens.revoke(10**6)):
        with pytest.raises(NotFound):
            gone()


def test_a_device_notes_now_and_then_when_it_was_seen(inside, ana):
    device, _ = devices.open_for(ana.row(), **BROWSER)
    first = device.last_seen_at
    credentials.note_use(device)
    assert device.last_seen_at == first
    device.last_seen_at = first - 2 * credentials.NOTED_EVERY
    credentials.note_use(device)
    db.session.expire_all()
    assert device.last_seen_at >= first


def test_where_many_come_back_at_once_their_uses_are_written_together(inside, ana, ben, cleo, queries, monkeypatch):
    monkeypatch.setattr(ticker, "runs", lambda: True)
    monkeypatch.setattr(credentials, "WRITTEN_AT_ONCE", 2)
    opened = [devices.open_for(one.row(), **BROWSER)[0] for one in (ana, ben, cleo)]
    first = opened[0].last_seen_at
    long_ago = first - 2 * credentials.NOTED_EVERY
    db.session.execute(update(Device).values(last_seen_at=long_ago))
    db.session.commit()
    db.session.expire_all()
    seen = [one.last_seen_at for one in opened]
    db.session.commit()
    assert seen == [long_ago] * 3
    with queries() as asked:
        for one in opened * 2:
            credentials.note_use(one)
    assert asked == [], "the ticker writes it"
    with queries() as asked:
        credentials.write_uses()
        credentials.write_uses()
    assert len([one for one in asked if one.startswith("UPDATE")]) == 2, "two and one"
    db.session.expire_all()
    assert all(one.last_seen_at >= first for one in opened)


def test_a_use_that_cannot_be_written_turns_nobody_away(inside, ana, monkeypatch):
    device, key = devices.open_for(ana.row(), **BROWSER)
    device.last_seen_at -= 2 * credentials.NOTED_EVERY
    db.session.commit()

    def fails(*_, **__):
        raise OperationalError("", {}, Exception("away"))

    with monkeypatch.context() as away:
        away.setattr(db.session, "execute", fails)
        credentials.note_use(device)
    assert credentials.by_secret(Device, key).id == device.id
    credentials.note_use(device)
    db.session.expire_all()
    assert now() - device.last_seen_at < credentials.NOTED_EVERY, "the next use is noted"


def test_commands_see_everybodys_tokens(inside, ana, ben):
    assert [one.person.name for one in tokens.of()] == ["Ana", "Ben"]
