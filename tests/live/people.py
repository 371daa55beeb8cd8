"""The live cast: people with connections and browsers, and the house they are in: a server that runs as a process."""

import functools
import re
import uuid

import requests
from argon2 import PasswordHasher
from sqlalchemy import create_engine, insert, select

from chatapp import secret
from chatapp.models import Message, Person, Room, Token
from tests.live.tabs import ANSWER_S, SOON_S, Tab

PASSWORD = "correct horse battery"


class Browser:
    """A browser: pages and forms, with a cookie and the CSRF token."""

    def __init__(self, url):
        self.url, self.http = url, requests.Session()

    def signs_in(self, email):
        page = self.posts("/sign-in", {"email": email, "password": PASSWORD, "next": "/account"}, page="/sign-in")
        assert page.url.endswith("/account"), page.text
        return self

    def gets(self, path):
        return self.http.get(self.url + path, timeout=ANSWER_S)

    def posts(self, path, fields=(), page="/account"):
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', self.gets(page).text)[1]
        return self.http.post(self.url + path, data={"csrf_token": csrf} | dict(fields), timeout=ANSWER_S)

    @property
    def cookie(self):
        return "; ".join(f"{one.name}={one.value}" for one in self.http.cookies)

    def opens_a_tab(self, **how):
        return Tab(self.url, headers={"Cookie": self.cookie} | how.pop("headers", {}), **how)


class Somebody:
    """A person; `tab` is the first connection, by token, opened when needed."""

    def __init__(self, url, row):
        self.url, self.here, self._tab = url, None, None
        self.id, self.name, self.email, self.token, self.token_id = row

    @property
    def tab(self):
        self._tab = self._tab or self.opens_a_tab()
        return self._tab

    def opens_a_tab(self, **how):
        return Tab(self.url, token=self.token, **how)

    def opens_a_browser(self):
        return Browser(self.url).signs_in(self.email)

    def calls(self, method, path, json=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/api/v1{path}", json=json, headers=headers, timeout=ANSWER_S)

    def asks(self, event, *payload):
        return self.tab.asks(event, *payload)

    def enters(self, room, **more):
        self.here = room
        return self.tab.enters(room, **more)

    def says(self, content, room=None, **more):
        return self.tab.says(content, room or self.here, **more)

    def hears(self, event, within=SOON_S, **fields):
        return self.tab.hears(event, within, **fields)

    def hears_nothing_more(self, event, than_what_came_before):
        """Whatever was on its way to this person has come once a later thing, `than_what_came_before`, was heard."""
        self.hears(**than_what_came_before)
        assert self.tab.heard(event) == []

    def makes(self, *members, name="Kitchen"):
        """A closed room's id; its maker is its owner."""
        given = {"name": name, "kind": "closed", "memberIds": [one.id for one in members]}
        made = self.calls("POST", "/sessions", given)
        assert made.status_code == 201, made.text
        return made.json()["session"]["id"]


@functools.cache
def password_hash():
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class House:
    """A server with its database, to which people are added as they are needed."""

    def __init__(self, server):
        self.server, self.url = server, server.url
        address = server.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://")
        self.engine = create_engine(address, pool_pre_ping=True)  # a test may have restarted it

    def people(self, count) -> list[Somebody]:
        return [self.somebody(f"Guest {number + 1}") for number in range(count)]

    def somebody(self, name, **more) -> Somebody:
        email, key = f"{uuid.uuid4().hex}@example.org", secret.make()
        person = {"name": name, "email": email, "kind": "person", "password_hash": password_hash()} | more
        with self.engine.begin() as database:
            (person_id,) = database.execute(insert(Person.__table__).values(person)).inserted_primary_key
            token = {"person_id": person_id, "name": "of the cast", "secret_hash": secret.digest(key)}
            (token_id,) = database.execute(insert(Token.__table__).values(token)).inserted_primary_key
        return Somebody(self.url, (person_id, name, email, key, token_id))

    def rows(self, room) -> list[tuple]:
        """What the database holds of a room, by `seq`, as `as_row` makes it of the wire's messages."""
        table = Message.__table__.c
        wanted = select(
            table.id, table.seq, table.rev, table.author_id, table.client_id, table.content, table.removed_at
        )
        with self.engine.connect() as database:
            found = database.execute(wanted.where(table.room_id == room).order_by(table.seq)).all()
        return [(*row[:-1], row[-1] is not None) for row in found]

    def counters(self, room) -> tuple[int, int]:
        """`last_seq` and `rev` of a room."""
        table = Room.__table__.c
        with self.engine.connect() as database:
            return tuple(database.execute(select(table.last_seq, table.rev).where(table.id == room)).one())


def as_row(message):
    """A message of the wire as House.rows shows it."""
    shown = (message[name] for name in ("id", "seq", "rev"))
    return (*shown, message["author"]["id"], message["clientId"], message["content"], message["removed"])
