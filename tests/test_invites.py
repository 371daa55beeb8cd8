"""The invite link: one that works, until it is renewed."""

import pytest

from chatapp import invites, people, secret
from chatapp.errors import NotFound
from chatapp.extensions import db
from chatapp.models import Invite


def test_an_invite_works_until_it_is_renewed(inside):
    code = invites.current_code()
    assert invites.current_code() == code
    assert invites.accept(code, "Fay", "fay@example.org", "correct horse").name == "Fay"
    newer = invites.renew()
    assert newer != code and invites.current_code() == newer
    for dead in (code, "", "x" * 40, newer[:-1], newer.upper()):
        with pytest.raises(NotFound):
            invites.accept(dead, "Gil", "gil@example.org", "correct horse")
    assert [one.name for one in people.everybody()] == ["Fay"]


def test_a_stolen_database_holds_no_working_invite(inside):
    code = invites.current_code()
    invite = db.session.scalars(db.select(Invite)).one()
    assert code not in (invite.nonce, invite.code_hash)


def test_a_new_key_of_the_server_makes_a_new_invite(inside, monkeypatch):
    code = invites.current_code()
    monkeypatch.setitem(inside.config, "SECRET_KEY", "another")
    with pytest.raises(NotFound):
        invites.accept(code, "Gil", "gil@example.org", "correct horse")
    assert invites.current_code() != code


def test_of_two_that_were_made_at_once_only_the_newest_works(inside):
    older, newer = (Invite(nonce=secret.make()) for _ in range(2))
    for invite in (older, newer):
        invite.code_hash = secret.digest(invites.code_of(invite))
        db.session.add(invite)
        db.session.flush()
    db.session.commit()
    assert invites.current_code() == invites.code_of(newer)
    invites.require(invites.code_of(newer))
    with pytest.raises(NotFound):
        invites.accept(invites.code_of(older), "Gil", "gil@example.org", "correct horse")
    assert people.everybody() == []
