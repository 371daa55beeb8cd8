"""flask users, tokens and bots: who there is, and how they prove it."""

import pytest

from chatapp import credentials, passwords, people, rooms
from chatapp.extensions import db
from chatapp.models import Person, Token


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
    ("name", "email"),
    [("", "a@b.org"), ("two\nlines", "a@b.org"), ("x" * 81, "a@b.org"), ("\ud800", "a@b.org"), ("Ana", "nowhere")],
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
        assert credentials.by_secret(Token, token).person_id == ana.id
    (listed,) = [one for one in run.listed("tokens", "list") if one["name"] == "backup"]
    assert (listed["email"], listed["lastUsedAt"]) == (ana.email, None)
    assert token not in run("tokens", "list").stdout
    run("tokens", "revoke", listed["id"])
    with app.app_context():
        assert credentials.by_secret(Token, token) is None
    run.fails("tokens", "revoke", listed["id"])


def test_nobody_turned_away_gets_a_token(run, ana):
    run("users", "deactivate", ana.email)
    run.fails("tokens", "create", ana.email)


def test_a_bot_comes_with_a_token_when_asked(run, ana, app):
    lobby = ana.makes("Lobby", kind="open")
    bot_id, token = run("bots", "create", "Robot", "--token").stdout.split()
    with app.app_context():
        bot = credentials.by_secret(Token, token).person
        assert (str(bot.id), bot.kind, bot.email) == (bot_id, "bot", None)
        assert rooms.membership_of(bot, lobby)
    assert run("bots", "create", "Silent").stdout.count("\n") == 1
    assert [one["name"] for one in run.listed("bots", "list")] == ["Robot", "Silent"]
