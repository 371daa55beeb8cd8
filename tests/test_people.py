"""People: who comes, who is turned away, and what a password is worth."""

import pytest

from chatapp import credentials, devices, passwords, people, tokens
from chatapp.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from chatapp.extensions import db
from chatapp.models import Device, Person, Token
from tests.cast import outside

BROWSER = {"user_agent": "Firefox", "address": "192.0.2.1"}


def test_an_address_is_kept_trimmed_and_in_lower_case(inside):
    somebody = people.create("Fay", "  Fay@Example.ORG ", "correct horse")
    assert somebody.email == "fay@example.org"
    assert people.by_email("FAY@example.org").id == somebody.id


def test_one_address_is_for_one_person(inside, ana):
    with pytest.raises(Conflict) as refused:
        people.create("Another", "ANA@example.org")
    assert refused.value.field == "email"
    assert len(people.everybody()) == 1


@pytest.mark.parametrize(
    "address", ["", "fay", "fay@", "@x", "a b@x.org", "a@b@c", "a@\x00", "a@x\ny", "a" * 250 + "@x.org", "\ud800@x"]
)
def test_what_is_no_address_is_refused(inside, address):
    with pytest.raises(Invalid) as refused:
        people.create("Fay", address)
    assert refused.value.field == "email"


@pytest.mark.parametrize("password", ["", "seven77", "x" * 201, "nul\x00inside", "half\ud800pair"])
def test_a_password_that_cannot_be_used_is_refused(inside, password):
    with pytest.raises(Invalid) as refused:
        people.create("Fay", "fay@example.org", password)
    assert refused.value.field == "password"
    assert people.everybody() == []


def test_passwords_are_kept_as_argon2_and_nothing_else(inside):
    somebody = people.create("Fay", "fay@example.org", "correct horse")
    assert somebody.password_hash.startswith("$argon2id$")
    assert passwords.matches(somebody.password_hash, "correct horse")
    assert not passwords.matches(somebody.password_hash, "correct Horse")


@pytest.mark.parametrize("known", [None, "", "not a hash"])
def test_no_password_matches_where_there_is_none(inside, known):
    assert not passwords.matches(known, "correct horse")
    assert not passwords.matches(known, "\ud800")
    assert not passwords.matches(known, "x" * 201)


def test_a_made_up_password_is_good_and_never_the_same(app):
    assert passwords.require_good(passwords.make_up()) != passwords.make_up()


def test_signing_in_makes_a_new_device_each_time(inside):
    somebody = people.create("Fay", "fay@example.org", "correct horse")
    first, key = devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    second, other = devices.sign_in(" FAY@example.org", "correct horse", **BROWSER)
    assert first.id != second.id and key != other
    assert credentials.by_secret(Device, key).person_id == somebody.id
    assert {one.id for one in devices.of(somebody)} == {first.id, second.id}


@pytest.mark.parametrize(
    ("email", "password"),
    [("fay@example.org", "wrong horse"), ("nobody@example.org", "correct horse"), ("fay@example.org", ""), ("", "")],
)
def test_whoever_does_not_know_the_password_is_told_the_same(inside, email, password):
    people.create("Fay", "fay@example.org", "correct horse")
    with pytest.raises(Unauthorized) as refused:
        devices.sign_in(email, password, **BROWSER)
    assert refused.value.message == "That e-mail address and password do not go together."


def test_a_hash_is_computed_also_for_an_account_that_is_not_there(inside, monkeypatch):
    asked = []
    verify = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *arguments: asked.append(arguments) or verify(*arguments))
    with pytest.raises(Unauthorized):
        devices.sign_in("nobody@example.org", "correct horse", **BROWSER)
    assert asked == [(None, "correct horse")]


def test_who_is_deactivated_keeps_neither_device_nor_token(inside, ana, ben, room):
    _, key = devices.open_for(ben.row(), **BROWSER)
    said = ben.says("remember me", room)
    people.deactivate(ben.row())
    assert credentials.by_secret(Device, key) is None and credentials.by_secret(Token, ben.token) is None
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]
    people.reactivate(ben.row())
    assert credentials.by_secret(Device, key) is None and credentials.by_secret(Token, ben.token) is None


def test_who_is_deactivated_cannot_sign_in_until_he_is_back(inside, ana):
    somebody = people.create("Fay", "fay@example.org", "correct horse")
    people.deactivate(somebody)
    with pytest.raises(Unauthorized):
        devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    lobby = ana.makes("Lobby", kind="open")
    people.reactivate(people.get(somebody.id))
    devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    assert "Fay" in [one["name"] for one in ana.gets(f"/sessions/{lobby}")["members"]]


def test_the_members_of_a_room_are_told_right_after_somebody_is_turned_away_or_rises(inside, ana, ben, cleo, room):
    def members():
        return [(one["name"], one["role"]) for one in ana.gets(f"/sessions/{room}")["members"]]

    assert ("Ben", "member") in members()
    people.deactivate(ben.row())
    assert members() == [("Ana", "owner"), ("Cleo", "member")]
    people.promote(cleo.row())
    assert members() == [("Ana", "owner"), ("Cleo", "admin")]
    people.reactivate(ben.row())
    assert ("Ben", "member") in members()


def test_the_last_administrator_stays(inside, olga, ana):
    with pytest.raises(Forbidden):
        people.deactivate(olga.row())
    people.promote(ana.row())
    people.deactivate(olga.row())
    assert not olga.row().active
    with pytest.raises(Forbidden):
        people.deactivate(ana.row())


def test_a_bot_is_no_administrator(inside, cast):
    robby = cast("Robby", kind="bot")
    with pytest.raises(Forbidden):
        people.promote(robby.row())


def test_a_new_password_ends_every_other_device(inside):
    somebody = people.create("Fay", "fay@example.org", "correct horse")
    here, key = devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    _, other = devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    people.change_password(somebody, "correct horse", "battery staple", keep=here)
    assert credentials.by_secret(Device, key) is not None and credentials.by_secret(Device, other) is None
    devices.sign_in("fay@example.org", "battery staple", **BROWSER)
    people.set_password(people.get(somebody.id), "third password")
    assert devices.of(somebody) == []


def test_a_password_is_changed_only_by_who_knows_it(inside):
    somebody = people.create("Fay", "fay@example.org", "correct horse")
    here, _ = devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    for current, new, field in (("wrong horse", "battery staple", "current"), ("correct horse", "short", "new")):
        with pytest.raises(Invalid) as refused:
            people.change_password(people.get(somebody.id), current, new, keep=here)
        assert refused.value.field == field
    devices.sign_in("fay@example.org", "correct horse", **BROWSER)


def test_the_first_person_is_the_administrator_and_there_is_only_one_first(inside):
    assert not people.anybody()
    first = people.set_up("Olga", "olga@example.org", "correct horse", "Lobby")
    assert first.is_admin and people.anybody()
    with pytest.raises(Forbidden):
        people.set_up("Eve", "eve@example.org", "correct horse", "Lair")
    assert [one.name for one in people.everybody()] == ["Assistant", "Olga"]


def test_of_two_who_set_up_at_once_one_is_first(inside, monkeypatch):
    people.set_up("Olga", "olga@example.org", "correct horse", "Lobby")
    monkeypatch.setattr(people, "anybody", lambda: False)  # as the second one saw it a moment ago
    with pytest.raises(Forbidden):
        people.set_up("Eve", "eve@example.org", "correct horse", "Lair")
    db.session.rollback()
    assert [(one.name, one.is_admin) for one in people.everybody()] == [("Assistant", False), ("Olga", True)]


def test_people_are_found_by_a_part_of_the_name(inside, cast):
    for name in ("Anna", "Hannah", "100%", "a_b", "back\\slash"):
        cast(name)

    def found(query):
        return [one.name for one in people.matching(query)]

    assert found("ANN") == ["Anna", "Hannah"]
    assert (found("%"), found("_"), found("\\")) == (["100%"], ["a_b"], ["back\\slash"])
    people.deactivate(db.session.scalar(db.select(Person).where(Person.name == "Anna")))
    assert found("ann") == ["Hannah"] and len(people.matching("", limit=2)) == 2


def test_nobody_is_found_who_is_not_there(inside):
    for look_up in (lambda: people.get(1), lambda: people.by_email("x@example.org")):
        with pytest.raises(NotFound):
            look_up()


@pytest.fixture
def in_the_middle(monkeypatch):
    """`in_the_middle(act)`: `act()` happens while the next password is being checked."""
    matches = passwords.matches

    def arrange(act):
        def interrupted(known, password):
            found = matches(known, password)
            monkeypatch.setattr(passwords, "matches", matches)
            act()
            return found

        monkeypatch.setattr(passwords, "matches", interrupted)

    return arrange


@pytest.mark.parametrize("change", ["password", "deactivated"])
def test_a_sign_in_under_way_makes_no_device_of_somebody_whose_way_in_ended_meanwhile(inside, in_the_middle, change):
    person_id = people.create("Fay", "fay@example.org", "correct horse").id

    def ends():
        if change == "password":
            people.set_password(people.get(person_id), "battery staple")
        else:
            people.deactivate(people.get(person_id))

    in_the_middle(ends)
    with pytest.raises(Unauthorized) as refused:
        devices.sign_in("fay@example.org", "correct horse", **BROWSER)
    assert refused.value.message == "That e-mail address and password do not go together."
    assert db.session.scalars(db.select(Device)).all() == []


def test_somebody_who_was_turned_away_a_moment_ago_gets_no_token(inside, ana):
    known = ana.row()
    outside(turn_away, inside, ana.id)  # by another request: this one still holds him as he was
    assert known.active
    with pytest.raises(Forbidden):
        tokens.create(known, "late")
    assert tokens.of() == []


def turn_away(app, person_id):
    with app.app_context():
        people.deactivate(people.get(person_id))


@pytest.mark.parametrize(("name", "query"), [("Özge", "özge"), ("Özge", "ÖZGE"), ("žofie", "ŽOF"), ("Ірина", "іРИ")])
def test_people_are_found_by_any_spelling_of_any_letters(inside, name, query):
    people.create(name, "somebody@example.org")
    people.create("Ozge", "another@example.org")
    assert [one.name for one in people.matching(query)] == [name]
