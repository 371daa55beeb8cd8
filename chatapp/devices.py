"""Signed-in browsers: sign in, sign out, end one from afar. Called by the doors."""

from sqlalchemy import select

from . import notices, passwords, people, secret
from .errors import Invalid, NotFound, Unauthorized
from .extensions import db
from .models import Device, Person

USER_AGENT_MAX = 300


def sign_in(email: str, password: str, *, user_agent: str, address: str) -> tuple[Device, str]:
    """A new device and its secret, or Unauthorized: the same words and the same time whether the account exists."""
    somebody = known_as(email)
    known = somebody.password_hash if somebody else None
    if not passwords.matches(known, password) or not still_so(somebody):
        raise Unauthorized("That e-mail address and password do not go together.")
    return open_for(somebody, user_agent=user_agent, address=address)


def still_so(somebody: Person) -> bool:
    """Whether nobody changed the password or turned the person away while the hash was computed (and from here to the
    commit nobody does)."""
    today = db.session.get(Person, somebody.id, with_for_update=True, populate_existing=True)
    return today is not None and today.active and today.password_hash == somebody.password_hash


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
