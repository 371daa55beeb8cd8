"""The server of the browser tests, its people at browsers, and rows straight into its database."""

import signal
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from chatapp.models import Message, Room
from tests.live.people import House

PAST = datetime(2024, 3, 10, 12, 0, tzinfo=UTC)


class Workplace(House):
    def adds(self, table, **row) -> int:
        with self.engine.begin() as database:
            return database.execute(insert(table.__table__).values(row)).inserted_primary_key[0]

    def fill(self, room, author, count=None, *, moments=None, text="Number {}"):
        """Says `count` messages a minute apart, or one at each of `moments`, all at once; then nobody is told."""
        moments = moments or [PAST + timedelta(minutes=number) for number in range(count)]
        rooms = Room.__table__
        with self.engine.begin() as database:
            last, rev = database.execute(select(rooms.c.last_seq, rooms.c.rev).where(rooms.c.id == room)).one()
            rows = [self.row(room, author, last + place, rev + place, text, at) for place, at in enumerate(moments, 1)]
            database.execute(insert(Message.__table__), rows)
            grown = {"last_seq": last + len(rows), "rev": rev + len(rows)}
            database.execute(update(rooms).where(rooms.c.id == room).values(grown))

    def row(self, room, author, seq, rev, text, at):
        content = text.format(seq)
        said = {"content": content, "body_html": f"<p>{content}</p>", "created_at": at, "status": "complete", "gen": 0}
        who = {"author_id": author.id, "client_id": str(uuid.uuid4()), "sent_digest": "0" * 64}
        return {"room_id": room, "seq": seq, "rev": rev} | said | who

    @contextmanager
    def holding_its_breath(self):
        """The server hears everything and answers nothing meanwhile."""
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.process.send_signal(signal.SIGCONT)
