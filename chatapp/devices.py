"""Signed-in browsers: sign in, sign out, end one from afar. Called by the doors."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from . import notices, passwords, people, secret
from .errors import Invalid, NotFound, Unauthorized
from .extensions import db
from .models import Device, Person, now

SEEN_EVERY = timedelta(minutes=10)  # a page view writes no oftener
USER_AGENT_MAX = 300


def sign_in(email: str, password: str, *, user_agent: str, address: str) -> tuple[Device, str]:
    """A new device and its secret, or Unauthorized: the same words and the same time whether the account exists."""
    somebody = known_as(email)
    known = somebody.password_hash if somebody else None
    if not passwords.matches(known, password):
        raise Unauthorized("That e-mail address and password do not go together.")
    return open_for(somebody, user_agent=user_agent, address=address)


def known_as(email: str) -> Person | None:
    try:
        address = people.email_address(email)
    except Invalid:
        return None
    return db.session.scalar(select(Person).where(Person.email == address, Person.active))


def open_for(somebody: Person, *, user_agent: str, address: str) -> tuple[Device, str]:
    """A new device of somebody who just proved to be himself, and its secret."""
    key = secret.make()
    device = Device(
        person_id=somebody.id,
        secret_hash=secret.digest(key),
        user_agent=printable(user_agent)[:USER_AGENT_MAX],
        address=address[:45],
    )
    db.session.add(device)
    db.session.commit()
    return device, key


def printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def by_secret(key: str) -> Device | None:
    """The device of an active person that holds this secret."""
    wanted = select(Device).join(Device.person).where(Device.secret_hash == secret.digest(key), Person.active)
    return db.session.scalar(wanted.options(joinedload(Device.person, innerjoin=True)))


def by_id(device_id: int) -> Device | None:
    """The same by id: for a connection that showed its secret when it opened."""
    wanted = select(Device).join(Device.person).where(Device.id == device_id, Person.active)
    fresh = wanted.options(joinedload(Device.person, innerjoin=True)).execution_options(populate_existing=True)
    return db.session.scalar(fresh)


def saw(device: Device) -> None:
    if now() - device.last_seen_at > SEEN_EVERY:
        device.last_seen_at = now()
        db.session.commit()


def of(somebody: Person) -> list[Device]:
    wanted = select(Device).where(Device.person_id == somebody.id)
    return list(db.session.scalars(wanted.order_by(Device.last_seen_at.desc(), Device.id.desc())))


def end(somebody: Person, device_id: int) -> None:
    """Sign one of somebody's own devices out; its open connections end too."""
    device = db.session.scalar(select(Device).where(Device.id == device_id, Device.person_id == somebody.id))
    if device is None:
        raise NotFound("There is no such device.")
    db.session.delete(device)
    notices.post("device", device.id)
    db.session.commit()
    notices.obey()
