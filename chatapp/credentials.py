"""What proves who somebody is: the secret of a device (a cookie) or of a token. Looked up in one way for both doors."""

from datetime import timedelta

import structlog
from sqlalchemy import Select, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from . import secret
from .extensions import db
from .models import Device, Person, Token, now

NOTED_EVERY = timedelta(minutes=10)  # that it was used: a request writes no oftener
LAST_USE = {Device: Device.last_seen_at, Token: Token.last_used_at}
log = structlog.get_logger(__name__)


def by_secret(kind: type[Device] | type[Token], key: str) -> Device | Token | None:
    """The device or token of an active person that holds this secret."""
    return db.session.scalar(of_active(kind).where(kind.secret_hash == secret.digest(key)))


def by_id(kind: type[Device] | type[Token], credential_id: int) -> Device | Token | None:
    """The same by id: for a connection that showed its secret when it opened."""
    return db.session.scalar(of_active(kind).where(kind.id == credential_id))


def of_active(kind: type[Device] | type[Token]) -> Select:
    wanted = select(kind).join(kind.person).where(Person.active)
    return wanted.options(joinedload(kind.person, innerjoin=True)).execution_options(populate_existing=True)


def note_use(proof: Device | Token) -> None:
    """Remember now and then that it was used. It may have ended meanwhile; and nobody is turned away over this."""
    column = LAST_USE[type(proof)]
    last = getattr(proof, column.key)
    if last is not None and now() - last <= NOTED_EVERY:
        return
    try:
        mine = type(proof).id == proof.id
        db.session.execute(update(type(proof)).where(mine).values({column.key: now()}))
        db.session.commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("use_not_noted", error=type(error).__name__)
