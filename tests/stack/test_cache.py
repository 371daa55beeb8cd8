"""The cache in a real Redis: what lies there, who may spoil it, and what a reader notices when it fails (nothing)."""

import json
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from chatapp import cache_stock, cached, create_app, flights, history, notices, rooms
from chatapp.extensions import cache, db, redis
from tests.cast import Somebody
from tests.stack.servers import Redis, Sentinel, redis_cluster
from tests.storm import Storm, believing_everything, slow_to_store
from tests.waiting import wait_until

QUICK_S = 5 * 0.25  # what the contract allows a request to gain, five times: the machine is shared
FOREIGN = {
    "greeting": "hello", "history:mine": "[]", "history:mine:page": "x", "session:1:full:backup": "x", "sessions": "1"
}  # fmt: skip


def made(database, **settings):
    """The application, in this process."""
    notices._looks.clear(), notices._obeyed.clear()
    return create_app(
        {"APP_ENV": "test", "DATABASE_URL": database, "RATE_LIMITS": "off", "LOG_LEVEL": "ERROR", **settings}
    )


@pytest.fixture
def chat(database, redis_server):
    app = made(database, REDIS_URL=redis_server.url)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def ana(chat):
    return Somebody(chat, "Ana")


@pytest.fixture
def room(chat, ana):
    return talk(ana)


def talk(somebody):
    """A room where twelve things were said."""
    room = somebody.makes("Kitchen")
    for number in range(12):
        says(somebody, room, f"number {number}")
    return room


def says(somebody, room, text):
    given = {"content": text, "clientId": str(os.urandom(16).hex())[:8] + "-0000-4000-8000-" + os.urandom(6).hex()}
    answer = somebody.calls("POST", f"/sessions/{room}/messages", given)
    assert answer.status_code == 201, answer.text
    return answer.json["message"]


def page(somebody, room):
    return somebody.gets(f"/sessions/{room}/messages")


def loads(monkeypatch, until=lambda: True):
    """Each page that is read from the database, as it is read; it takes `until` something is so."""
    found, read = [], history.read

    def counted(*arguments):
        found.append(arguments)
        wait_until(until)
        return read(*arguments)

    monkeypatch.setattr(history, "read", counted)
    return found


def test_it_is_json_under_exact_keys_for_an_hour(redis_server, ana, room):
    shown, whole = page(ana, room), ana.gets(f"/sessions/{room}")
    client = redis_server.client
    assert set(client.keys()) == {f"history:{room}", f"session:{room}:full"}
    assert json.loads(client.get(f"history:{room}"))["messages"] == shown["messages"]
    held = json.loads(client.get(f"session:{room}:full"))
    assert (held["messages"], held["members"], held["session"]["id"]) == (whole["messages"], whole["members"], room)
    assert all(3_500 < client.ttl(key) <= 3_600 for key in client.scan_iter())
    assert page(ana, room) == shown and "stamp" not in shown and "stamp" not in whole


def test_a_hit_asks_the_database_for_the_right_to_read_and_nothing_else(chat, ana, room):
    page(ana, room), ana.gets(f"/sessions/{room}")
    statements = []
    with chat.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _, __, statement, *___: statements.append(statement))
    page(ana, room)
    assert len(statements) == 1 and "tokens" in statements[0] and "memberships" in statements[0]
    ana.gets(f"/sessions/{room}")
    assert len(statements) == 2 and not [one for one in statements if "FROM messages" in one]


@pytest.mark.parametrize("after", [0, 1])
def test_a_change_throws_away_what_it_made_untrue(redis_server, ana, room, after):
    page(ana, room), ana.gets(f"/sessions/{room}")
    says(ana, room, "new")
    assert redis_server.client.keys() == []
    page(ana, room), ana.gets(f"/sessions/{room}")
    change = {"name": "Galley"} if after else {"archived": True}
    assert ana.calls("PATCH", f"/sessions/{room}", change).status_code == 200
    assert redis_server.client.keys() == [f"history:{room}"]


@pytest.mark.parametrize(
    "junk",
    [b"\x80\x04\x95\x0b", b"", b"null", b"[]", b"12", b'"text"', b"{}", b'{"messages": []}', b"[" * 100_000, b"\xff\xfe",
     b'{"stamp": 1, "messages": []}', b'{"stamp": [12, "another release"], "messages": [], "hasMore": false, "lastRev": 12}', list],
    ids=lambda junk: "list" if junk is list else junk[:20].decode("latin1"),
)  # fmt: skip
def test_what_is_not_ours_is_a_miss_and_written_over(redis_server, ana, room, junk):
    shown, whole = page(ana, room), ana.gets(f"/sessions/{room}")
    for key in (f"history:{room}", f"session:{room}:full"):
        redis_server.client.delete(key)
        redis_server.client.rpush(key, "x") if junk is list else redis_server.client.set(key, junk)
    assert (page(ana, room), ana.gets(f"/sessions/{room}")) == (shown, whole)
    assert json.loads(redis_server.client.get(f"history:{room}"))["messages"] == shown["messages"]
    assert redis.ask(lambda client: client.ping())


@pytest.mark.parametrize("state", ["well", "frozen", "dead"])
def test_two_hundred_who_miss_at_once_cost_one_load(chat, redis_server, ana, room, monkeypatch, note, state):
    asked, share = [], flights.shared  # the load lasts until all have come to it, however slow the machine is
    monkeypatch.setattr(flights, "shared", lambda *given: asked.append(given) or share(*given))
    monkeypatch.setattr(flights, "PATIENCE_S", 30)
    found = loads(monkeypatch, until=lambda: len(asked) == 200)
    everybody = threading.Barrier(200, timeout=30)
    {"well": redis_server.client.flushall, "frozen": redis_server.freeze, "dead": redis_server.kill}[state]()

    def look(_):
        with chat.app_context():
            membership = rooms.membership_of(ana.row(), room)
            db.session.commit()  # there are fewer connections than readers
            everybody.wait()
            began = time.monotonic()
            answer = history.latest(membership)
            return [one["seq"] for one in answer["messages"]], time.monotonic() - began

    with ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(look, range(200)))
    assert [seqs for seqs, _ in answers] == [list(range(3, 13))] * 200
    assert len(found) == 1
    note(f"200 readers missing at once, Redis {state}: 1 load, the slowest {max(took for _, took in answers):.2f} s")


def test_no_connection_is_held_while_redis_is_asked_or_a_load_is_waited_for(chat, ana, room, monkeypatch):
    held = []
    with chat.app_context():
        pool = db.engine.pool
        ask = redis.ask
        monkeypatch.setattr(redis, "ask", lambda *a, **k: held.append(pool.checkedout()) or ask(*a, **k))
    says(ana, room, "one more")
    for _ in range(2):
        page(ana, room), ana.gets(f"/sessions/{room}")
    ana.calls("PATCH", f"/sessions/{room}", {"name": "Galley"})
    assert len(held) > 5 and set(held) == {0}


def test_a_redis_that_fails_in_the_middle_spoils_no_answer_and_delays_none(chat, redis_server, ana, room, note):
    slowest = {}

    def reads_right(state):
        for number in range(20):
            said = says(ana, room, f"{state} {number}")
            began = time.monotonic()
            answer, whole = page(ana, room), ana.gets(f"/sessions/{room}")
            slowest[state] = max(slowest.get(state, 0), time.monotonic() - began)
            assert answer["messages"][-1] == whole["messages"][-1] == said

    reads_right("well")
    redis_server.client.flushall()
    reads_right("flushed")
    redis_server.freeze()
    reads_right("frozen")
    redis_server.thaw()
    redis.probe()
    assert not redis.away
    reads_right("thawed")
    redis_server.kill()
    reads_right("dead")
    redis_server.start()
    redis.probe()
    reads_right("back")
    assert redis_server.client.get(f"history:{room}")
    assert max(slowest.values()) < QUICK_S
    note(
        "the slowest of 20 reads by the state of Redis: "
        + ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in slowest.items())
    )


def test_a_full_redis_keeps_nothing_and_spoils_nothing(database, tmp_path):
    full = Redis(tmp_path / "full").start()
    try:
        full.client.config_set("maxmemory", 1)  # byte: whatever lies there already is too much
        ana = Somebody(made(database, REDIS_URL=full.url), "Ana")
        room = talk(ana)
        page(ana, room)
        for _ in range(5):
            said = says(ana, room, "into a full one")
            assert page(ana, room)["messages"][-1] == said == page(ana, room)["messages"][-1]
        assert not redis.away and not full.client.exists(f"history:{room}")
        assert "full" in ana.app.test_cli_runner().invoke(args=["doctor"]).output
    finally:
        full.end()


@pytest.fixture(params=["url", "sentinel", "cluster"])
def way(request, tmp_path):
    """Redis in each way, as settings, and a client of each of its servers."""
    if request.param == "cluster":
        servers = keepers = redis_cluster(tmp_path / "cluster")
        settings = {"REDIS_CLUSTER_NODES": ",".join(f"127.0.0.1:{node.port}" for node in servers)}
    else:
        servers = keepers = [Redis(tmp_path / "master").start()]
        settings = {"REDIS_URL": servers[0].url}
    if request.param == "sentinel":
        servers = [*servers, Sentinel(tmp_path / "sentinel", servers[0]).start()]
        settings = {"REDIS_SENTINELS": f"127.0.0.1:{servers[1].port}", "REDIS_SENTINEL_SERVICE": "chat"}
    yield settings, [one.client for one in keepers]
    for server in servers:
        server.end()


def test_the_commands_count_fill_and_clear_ours_alone_in_every_way(database, way):
    settings, keepers = way
    app = made(database, **settings)
    ana, shell = Somebody(app, "Ana"), app.test_cli_runner()

    def run(*words):
        result = shell.invoke(args=["cache", *words, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    many = [talk(ana) for _ in range(5)]
    for name, text in FOREIGN.items():
        assert redis.ask(lambda client, name=name, text=text: client.set(name, text))
    assert run("warm", "--rooms", "3") == {"backend": "redis", "warmed": 3}
    assert set(many[2:]) == {room for room in many if cache.get(cached.history_key(room))}
    for room in many[:2]:
        ana.gets(f"/sessions/{room}")
    held = run("stats")
    assert (held["count"], held["history"], held["page"], held["full"]) == (10, 5, 3, 2) and held["bytes"] > 1_000
    assert 0 <= held["redisHitRate"] <= 1
    says(ana, many[0], "hi")  # two keys, which may lie on two nodes
    assert run("stats")["count"] == 8
    assert run("clear") == {"backend": "redis", "cleared": 8}
    assert run("clear")["cleared"] == run("stats")["count"] == 0
    assert sum(client.dbsize() for client in keepers) == len(FOREIGN)
    assert not cache.clear() and sum(client.dbsize() for client in keepers) == len(FOREIGN)
    for words, said in (
        (("warm",), "5 rooms"),
        (("stats",), "5  pages of history"),
        (("stats",), "5  room pages"),
        (("clear",), "10 keys"),
    ):
        assert said in shell.invoke(args=["cache", *words]).stdout


def test_a_room_page_that_was_warmed_opens_without_a_look_at_the_messages_and_is_cleared(
    chat, redis_server, ana, room, monkeypatch
):
    shell, browser, found = chat.test_cli_runner(), ana.opens_a_browser(), loads(monkeypatch)
    assert shell.invoke(args=["cache", "warm"]).exit_code == 0
    found.clear()
    assert "number 11" in browser.opens(f"/rooms/{room}").text and found == []
    assert redis_server.client.exists(f"history:{room}:page")
    assert shell.invoke(args=["cache", "clear"]).exit_code == 0
    assert redis_server.client.keys() == []


def test_the_commands_say_when_redis_is_away(chat, redis_server):
    redis_server.kill()
    for verb in ("stats", "clear", "warm"):
        result = chat.test_cli_runner().invoke(args=["cache", verb])
        assert (result.exit_code, result.stdout) == (1, "") and "Redis cannot be reached" in result.stderr
    found = chat.test_cli_runner().invoke(args=["doctor"]).output
    assert "problem  redis: cannot be reached" in found


def test_stock_is_taken_of_keys_of_our_shape_only():
    assert set(cache_stock.FAMILIES) == {"history", "page", "full"}


def test_a_key_counts_in_one_family_only(linked):
    room = str(uuid.uuid4())
    made = [key_of(room) for key_of in (cached.history_key, cached.sheet_key, cached.full_key)]
    for key in (*made, *(f"{key}:old" for key in made)):
        linked.client.set(key, "{}")
    found = [redis.ask(lambda client, of=of: cache_stock.keys(client, of)) for of in cache_stock.FAMILIES.values()]
    assert sorted(key.decode() for family in found for key in family) == sorted(made)


def storm(chat, redis_server):
    ana, ben = Somebody(chat, "Ana"), Somebody(chat, "Ben")
    kitchens = [ana.makes("Kitchen") for _ in range(3)]
    return Storm(chat, ana.id, ben.id, kitchens, redis_server.client.flushall)


def test_in_a_storm_no_answer_is_old(chat, redis_server, monkeypatch, note, long_form):
    slow_to_store(monkeypatch)
    how = {"seconds": 3_600 if long_form else 10}
    blown = storm(chat, redis_server).blows(100_000, **how)
    note(
        f"a storm of {blown.count:,} on PostgreSQL and Redis: {len(blown.stale)} old answers, {len(blown.accidents)} errors"
    )
    assert (blown.stale, blown.accidents) == ([], [])
    assert blown.count > 500


def test_the_storm_finds_old_answers_where_the_stamp_does_not_count(chat, redis_server, monkeypatch, note):
    slow_to_store(monkeypatch)
    believing_everything(monkeypatch)
    blown = storm(chat, redis_server).blows(count=20_000, seconds=30)
    note(f"the same without the check: {len(blown.stale)} old answers in {blown.count:,}")
    assert blown.stale
