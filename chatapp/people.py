"""People and bots: who is there, who comes, who is turned away. Called by the doors and by commands."""

import re

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from . import cached, notices, passwords, rooms
from .errors import Conflict, Forbidden, Invalid, NotFound
from .extensions import db
from .models import Device, Person, Token

EMAIL_MAX = 254
EMAIL_SHAPE = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
LISTED_MAX = 50
ASSISTANT_NAME = "Assistant"  # of the one that is there from the first day


def anybody() -> bool:
    """Whether the workplace has its first person yet."""
    return db.session.scalar(select(Person.id).limit(1)) is not None


def email_address(text: str) -> str:
    """`text` as addresses are kept (trimmed, lower case), or Invalid."""
    address = text.strip().lower()
    if len(address) > EMAIL_MAX or not EMAIL_SHAPE.fullmatch(address) or not passwords.encodable(address):
        raise Invalid("Please give an e-mail address.", field="email")
    return address


def create(
    name: str,
    email: str | None,
    password: str | None = None,
    *,
    kind: str = "person",
    is_admin: bool = False,
    first_room: str | None = None,
) -> Person:
    """A new person, already in every open room. `first_room`: only as the very first one, who opens that room too.

    Raises Invalid (email, password), Conflict (email taken) and Forbidden (not the first).
    """
    address = email_address(email) if email is not None else None
    password_hash = passwords.hash_of(passwords.require_good(password)) if password is not None else None
    somebody = Person(name=name, email=address, password_hash=password_hash, kind=kind, is_admin=is_admin)
    add(somebody)
    changed = rooms.bring_into_open_rooms(somebody)
    if first_room is not None:
        require_first(somebody)
        db.session.add(Person(name=ASSISTANT_NAME, kind="bot", is_assistant=True))
        rooms.make(somebody, first_room, rooms.OPEN)
    db.session.commit()
    cached.forget_full(changed)
    notices.obey()
    return somebody


def create_bot(name: str, *, is_assistant: bool) -> Person:
    """A new bot, already in every open room; one that this server answers for, or one from outside."""
    bot = Person(name=name, kind="bot", is_assistant=is_assistant)
    add(bot)
    rooms.bring_into_open_rooms(bot)
    db.session.commit()
    notices.obey()
    return bot


def add(somebody: Person) -> None:
    """Put somebody into the transaction under way, or Conflict when the address is taken."""
    rooms.queue_up()
    db.session.add(somebody)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("Somebody with this e-mail address is already here.", field="email") from None


def set_up(name: str, email: str, password: str, room_name: str) -> Person:
    """The first administrator and the first room. Forbidden once there is anybody."""
    if anybody():
        raise Forbidden("This has been set up already.")
    return create(name, email, password, is_admin=True, first_room=room_name)


def require_first(somebody: Person) -> None:
    """Forbidden when somebody else was quicker (asked while no other writer can come between)."""
    if db.session.scalar(select(Person.id).where(Person.id != somebody.id).limit(1)) is not None:
        db.session.rollback()
        raise Forbidden("This has been set up already.")


def get(person_id: int) -> Person:
    somebody = db.session.get(Person, person_id)
    if somebody is None:
        raise NotFound("There is no such person.")
    return somebody


def by_email(email: str) -> Person:
    somebody = db.session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if somebody is None:
        raise NotFound("There is nobody with this e-mail address.")
    return somebody


def everybody() -> list[Person]:
    return list(db.session.scalars(select(Person).order_by(Person.active.desc(), func.lower(Person.name), Person.id)))


def matching(query: str = "", limit: int = LISTED_MAX) -> list[Person]:
    """Active people whose name holds `query`, by name: for choosing somebody."""
    like = "%" + query.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    found = select(Person).where(Person.active, func.lower(Person.name).like(like, escape="\\"))
    return list(db.session.scalars(found.order_by(func.lower(Person.name), Person.id).limit(limit)))


def deactivate(somebody: Person) -> None:
    """Turn somebody away: every device and token ends now. What was said stays."""
    rooms.queue_up()
    somebody.active = False
    db.session.flush()  # on SQLite only now the others wait
    if somebody.is_admin and not admins():
        db.session.rollback()
        raise Forbidden("The last administrator stays.")
    for thing in (Device, Token):
        db.session.query(thing).filter_by(person_id=somebody.id).delete()
    changed = rooms.changed_by(somebody)
    notices.post("person", somebody.id)
    db.session.commit()
    cached.forget_full(changed)
    notices.obey()


def admins() -> list[Person]:
    """The active administrators, the first one first."""
    return list(db.session.scalars(select(Person).where(Person.is_admin, Person.active).order_by(Person.id)))


def first_admin() -> Person:
    """The active administrator who was here first; NotFound where there is none."""
    found = admins()
    if not found:
        raise NotFound("There is no administrator yet.")
    return found[0]


def reactivate(somebody: Person) -> None:
    rooms.queue_up()
    somebody.active = True
    changed = rooms.changed_by(somebody) + rooms.bring_into_open_rooms(somebody)
    db.session.commit()
    cached.forget_full(changed)
    notices.obey()


def promote(somebody: Person) -> None:
    """Make somebody an administrator of the whole."""
    if somebody.kind != "person":
        raise Forbidden("A bot cannot be an administrator.")
    rooms.queue_up()
    somebody.is_admin = True
    changed = rooms.changed_by(somebody)
    db.session.commit()
    cached.forget_full(changed)
    notices.obey()


def set_password(somebody: Person, password: str, *, keep: Device | None = None) -> None:
    """A new password; every other signed-in device ends."""
    person_id, kept_id = somebody.id, keep.id if keep else None
    password_hash = passwords.hash_of(passwords.require_good(password, "new"))
    somebody = get(person_id)
    somebody.password_hash = password_hash
    db.session.flush()  # first the person's row: who signs in meanwhile with the old password waits, and is refused
    for device in db.session.scalars(select(Device).where(Device.person_id == person_id, Device.id != (kept_id or 0))):
        db.session.delete(device)
        notices.post("device", device.id)
    db.session.commit()
    notices.obey()


def change_password(somebody: Person, current: str, new: str, *, keep: Device) -> None:
    """As set_password, for the one who knows the current one."""
    if not passwords.matches(somebody.password_hash, current):
        raise Invalid("This is not your current password.", field="current")
    set_password(somebody, new, keep=keep)
