"""The API's sessions: what is answered, with which status, to whom (contract, section 5)."""

import pytest

SESSION = set("id name kind topic lastSeq lastRev role".split())
MEMBER = set("id name kind avatarUrl role".split())


def test_making_a_session_answers_201_with_it(ana, ben):
    response = ana.calls(
        "POST", "/sessions", {"name": "Attic", "kind": "closed", "topic": "Old things", "memberIds": [ben.id]}
    )
    assert response.status_code == 201 and set(response.json) == {"session"}
    session = response.json["session"]
    assert set(session) >= SESSION
    assert (session["name"], session["kind"], session["topic"], session["role"]) == (
        "Attic",
        "closed",
        "Old things",
        "owner",
    )
    assert ben.gets(f"/sessions/{session['id']}")["session"]["role"] == "member"


def test_a_direct_session_that_was_there_answers_200(ana, ben):
    asked = {"kind": "direct", "memberIds": [ben.id]}
    first, again = ana.calls("POST", "/sessions", asked), ana.calls("POST", "/sessions", asked)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json


def test_ids_of_sessions_cannot_be_guessed(ana):
    ids = {ana.makes(f"Room {n}") for n in range(5)}
    assert len(ids) == 5 and all(len(one) == 36 and one[14] == "4" for one in ids)


def test_the_list_holds_ones_own_sessions_only(ana, ben, eve, room):
    attic = ana.makes("Attic")
    assert [one["id"] for one in ana.gets("/sessions")["sessions"]] == [attic, room]
    assert all(set(one) >= SESSION for one in ana.gets("/sessions")["sessions"])
    assert [(one["id"], one["role"]) for one in ben.gets("/sessions")["sessions"]] == [(room, "member")]
    assert eve.gets("/sessions") == {"sessions": []}


def test_a_full_session_has_its_members_and_latest_messages(ana, ben, room):
    said = [ana.says(f"{n}", room) for n in range(12)]
    full = ben.gets(f"/sessions/{room}")
    assert set(full) >= {"session", "messages", "members"}
    assert full["messages"] == said[2:]
    assert [one["name"] for one in full["members"]] == ["Ana", "Ben", "Cleo"]
    assert all(set(one) >= MEMBER for one in full["members"])
    assert (full["session"]["lastSeq"], full["session"]["role"]) == (12, "member")


def test_patch_and_delete_answer_the_session(ana, room):
    patched = ana.calls("PATCH", f"/sessions/{room}", {"topic": "Soup"})
    assert (patched.status_code, patched.json["session"]["topic"], patched.json["session"]["role"]) == (
        200,
        "Soup",
        "owner",
    )
    archived = ana.calls("DELETE", f"/sessions/{room}")
    assert (archived.status_code, archived.json["session"]["archived"]) == (200, True)
    assert archived.json["session"] == ana.gets(f"/sessions/{room}")["session"]


def test_who_is_online(ana, ben, room):
    assert ana.gets(f"/sessions/{room}/online") == {"count": 0, "users": []}
    ben.enters(room)
    face = {"id": ben.id, "name": "Ben", "kind": "person", "avatarUrl": f"/people/{ben.id}/avatar.svg"}
    assert ana.gets(f"/sessions/{room}/online") == {"count": 1, "users": [face]}


def test_a_full_session_from_the_cache_asks_only_for_the_right_to_read(ana, room, queries):
    ana.says("hi", room)
    first = ana.gets(f"/sessions/{room}")
    with queries() as statements:
        assert ana.gets(f"/sessions/{room}") == first
    assert len(statements) == 1  # the token, the person and his place together


def test_a_browser_uses_its_cookie_and_its_csrf_token(ana, room):
    browser = ana.opens_a_browser()
    assert browser.calls("GET", f"/sessions/{room}").json["session"]["id"] == room
    assert browser.calls("PATCH", f"/sessions/{room}", {"topic": "By hand"}).status_code == 200
    assert browser.opens(f"/api/v1/sessions/{room}", method="PATCH", json={"topic": "Forged"}).status_code == 403
    assert ana.gets(f"/sessions/{room}")["session"]["topic"] == "By hand"


@pytest.mark.parametrize("spelling", ["Bearer {}", "bearer {}", "BEARER   {} "])
def test_a_program_shows_its_token(ana, spelling):
    response = ana.calls("GET", "/me", headers={"Authorization": spelling.format(ana.token)})
    assert response.json["person"] == {
        "id": ana.id,
        "name": "Ana",
        "kind": "person",
        "avatarUrl": f"/people/{ana.id}/avatar.svg",
    }


def test_people_are_found_for_choosing(ana, ben, cleo):
    assert [one["name"] for one in ana.gets("/people")["people"]] == ["Ana", "Ben", "Cleo"]
    assert [one["name"] for one in ana.gets("/people?q=B")["people"]] == ["Ben"]
    assert ana.gets("/people?q=%25")["people"] == []
    assert set(ana.gets("/people?q=Ana")["people"][0]) == {"id", "name", "kind", "avatarUrl"}


def test_a_token_notes_when_it_was_used_now_and_then(app, inside, ana, queries):
    from datetime import timedelta

    from sqlalchemy import update

    from chatapp.extensions import db
    from chatapp.models import Token, now

    ana.gets("/me")
    first = db.session.scalar(db.select(Token.last_used_at))
    with queries() as statements:
        ana.gets("/me")
    assert [one for one in statements if one.startswith("UPDATE")] == []
    db.session.execute(update(Token).values(last_used_at=now() - timedelta(hours=1)))
    db.session.commit()
    ana.gets("/me")
    assert db.session.scalar(db.select(Token.last_used_at)) >= first
