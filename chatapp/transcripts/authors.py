"""Whom a transcript means: people here, by e-mail address, or stand-ins who can never sign in. For reading.py."""

from sqlalchemy import select

from ..extensions import db
from ..models import Person
from .shapes import Author


def find(author: Author, taken: set[int]) -> Person | None:
    """The person with this address, or somebody without any of this name (a bot, or a stand-in of an earlier import)
    who is not `taken` by another of the same transcript.
    """
    if author.email is not None:
        found = db.session.scalar(select(Person).where(Person.email == author.email.lower()))
        if found is not None:
            return found
    alike = select(Person).where(Person.email.is_(None), Person.name == author.name, Person.kind == author.kind)
    return next((one for one in db.session.scalars(alike.order_by(Person.id)) if one.id not in taken), None)


def find_or_make(author: Author, known: dict[int, int]) -> int:
    """The id of the person; `known` (id in the transcript → id here) remembers. A stand-in is turned away, nameable."""
    if author.id not in known:
        somebody = find(author, set(known.values()))
        if somebody is None:
            somebody = Person(name=author.name, kind=author.kind, active=False)
            db.session.add(somebody)
            db.session.commit()
        known[author.id] = somebody.id
    return known[author.id]
