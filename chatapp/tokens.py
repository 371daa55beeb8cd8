"""Tokens: how a program proves whom it speaks for. Called by the doors and by commands."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from . import notices, secret
from .errors import Forbidden, NotFound
from .extensions import db
from .models import Person, Token


def create(somebody: Person, name: str = "") -> tuple[Token, str]:
    """A new token and its secret, which is never to be seen again. Forbidden for somebody who was turned away."""
    if not db.session.get(Person, somebody.id, with_for_update=True, populate_existing=True).active:
        raise Forbidden("Somebody who was turned away cannot have a token.")
    key = secret.make()
    token = Token(person_id=somebody.id, name=name, secret_hash=secret.digest(key))
    db.session.add(token)
    db.session.commit()
    return token, key


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
