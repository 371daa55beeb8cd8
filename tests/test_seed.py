"""flask seed: a filled database for a demonstration or a trial."""

import json
import stat
import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from chatapp import batches, credentials, markdown, messages, rooms, saying, smalltalk
from chatapp.extensions import db
from chatapp.models import Membership, Message, Person, Room, Token, now


@pytest.fixture
def seed(app, tmp_path):
    """`seed(people=3, …)`: the lines of the token file and what was told."""

    def fill(**counts):
        path = tmp_path / "tokens.jsonl"
        words = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
        result = app.test_cli_runner().invoke(args=["seed", *words, "--tokens", str(path)])
        assert (result.exit_code, result.stdout) == (0, ""), result.output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return [json.loads(line) for line in path.read_text().splitlines()], result.stderr

    return fill


def test_everybody_is_in_every_closed_room_and_can_speak_by_token(seed, inside):
    people, _ = seed(people=7, rooms=3, messages=20)
    assert len(people) == 7
    room_ids = people[0]["sessionIds"]
    for one in people:
        assert set(one) == {"email", "name", "token", "sessionIds"}
        assert one["sessionIds"] == room_ids
        somebody = credentials.by_secret(Token, one["token"]).person
        assert (somebody.email, somebody.name, somebody.password_hash) == (one["email"], one["name"], None)
        assert {place.room_id for place in rooms.of(somebody)} == set(room_ids)
    assert {room.kind for room in rooms.everything()} == {"closed"}
    place = rooms.membership_of(credentials.by_secret(Token, people[3]["token"]).person, room_ids[0])
    said, _ = messages.send(place, "hello", str(uuid.uuid4()))
    assert (said.seq, said.rev) == (8, 8)


def test_the_messages_are_spread_over_rooms_authors_and_days(seed, inside):
    seed(people=10, rooms=3, messages=1_000)
    assert sorted(room.last_seq for room in rooms.everything()) == [333, 333, 334]
    for room in rooms.everything():
        said = db.session.scalars(select(Message).where(Message.room_id == room.id).order_by(Message.seq)).all()
        assert [one.seq for one in said] == [one.rev for one in said] == list(range(1, room.rev + 1))
        assert all(earlier.created_at <= later.created_at for earlier, later in pairwise(said))
        assert said[-1].created_at - said[0].created_at > timedelta(days=10)
        assert now() - timedelta(minutes=2) < said[-1].created_at <= now()
        assert len({one.author_id for one in said}) > 5
        assert all(one.body_html == markdown.to_html(one.content) for one in said)
        assert all(one.sent_digest == saying.digest(one.client_id, one.content) for one in said)


def test_a_second_run_adds_to_the_first(seed, inside):
    first, _ = seed(people=5, rooms=1, messages=5)
    second, _ = seed(people=5, rooms=1, messages=5)
    assert not {one["email"] for one in first} & {one["email"] for one in second}
    assert db.session.scalar(select(func.count()).select_from(Person)) == 10
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 10


def test_those_who_were_here_stay_out_of_it(seed, ana):
    lobby = ana.makes("Lobby", kind="open")
    seed(people=3, rooms=1, messages=0)
    assert [one["name"] for one in ana.gets("/sessions")["sessions"]] == ["Lobby"]
    assert [one["name"] for one in ana.gets(f"/sessions/{lobby}")["members"]] == ["Ana"]


def test_it_says_how_far_it_is(seed):
    _, told = seed(people=30, rooms=2, messages=500)
    assert "people: 30 of 30\n" in told
    assert "memberships: 60 of 60\n" in told
    assert "messages: 500 of 500\n" in told


def test_it_works_without_rooms_messages_and_tokens(app, inside):
    result = app.test_cli_runner().invoke(args=["seed", "--people", "1", "--rooms", "0", "--messages", "0"])
    assert result.exit_code == 0
    assert db.session.scalar(select(Room.id)) is None


def test_messages_need_a_room(app):
    result = app.test_cli_runner().invoke(args=["seed", "--rooms", "0", "--messages", "1"])
    assert (result.exit_code, result.stderr) == (1, "Error: Messages need a room.\n")


def test_a_batch_is_as_long_as_can_be_written_in_its_time(inside, monkeypatch):
    clock, naps = [0.0], []
    monkeypatch.setattr(batches, "PACE_ELSEWHERE", batches.PACE["sqlite"])
    monkeypatch.setattr(batches.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(batches.time, "sleep", naps.append)
    sizes = []
    for batch in batches.paced(range(2_000)):
        sizes.append(len(batch))
        clock[0] += len(batch) * 0.0005  # a row takes half a millisecond
    assert sum(sizes) == 2_000
    assert sizes[:3] == [20, 40, 50]
    assert max(sizes) <= 50
    assert set(naps) == {0.012}


def test_thousands_have_names_of_their_own():
    names = {smalltalk.person_name(number) for number in range(3_000)}
    assert len(names) == 3_000
    assert len({smalltalk.person_name(number) for number in range(10_000)}) == 10_000
