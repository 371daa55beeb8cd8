"""Tokens: how a program proves whom it speaks for. Called by the doors and by commands."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from . import notices, secret
from .errors import Forbidden, NotFound
from .extensions import db
from .models import Person, Token, now

USED_EVERY = timedelta(minutes=10)  # a request writes no oftener


def create(somebody: Person, name: str = "") -> tuple[Token, str]:
    """A new token and its secret, which is never to be seen again. Forbidden for somebody who was turned away."""
    if not somebody.active:
        raise Forbidden("Somebody who was turned away cannot have a token.")
    key = secret.make()
    token = Token(person_id=somebody.id, name=name, secret_hash=secret.digest(key))
    db.session.add(token)
    db.session.commit()
    return token, key


def by_secret(key: str) -> Token | None:
    """The token of an active person that is this secret."""
    wanted = select(Token).join(Token.person).where(Token.secret_hash == secret.digest(key), Person.active)
    return db.session.scalar(wanted.options(joinedload(Token.person, innerjoin=True)))


def by_id(token_id: int) -> Token | None:
    """The same by id: for a connection that showed its secret when it opened."""
    wanted = select(Token).join(Token.person).where(Token.id == token_id, Person.active)
    fresh = wanted.options(joinedload(Token.person, innerjoin=True)).execution_options(populate_existing=True)
    return db.session.scalar(fresh)


def used(token: Token) -> None:
    if token.last_used_at is None or now() - token.last_used_at > USED_EVERY:
        token.last_used_at = now()
        db.session.commit()


def of(somebody: Person | None = None) -> list[Token]:
    """Somebody's tokens, or everybody's."""
    wanted = select(Token).options(joinedload(Token.person)).order_by(Token.id)
    return list(db.session.scalars(wanted if somebody is None else wanted.where(Token.person_id == somebody.id)))


def revoke(token_id: int, *, of: Person | None = None) -> None:
    """End a token (one of `of`'s own, when given) and the connections opened with it."""
    token = db.session.get(Token, token_id)
    if token is None or (of is not None and token.person_id != of.id):
        raise NotFound("There is no such token.")
    db.session.delete(token)
    notices.post("token", token.id)
    db.session.commit()
    notices.obey()
