"""The invite link: one for the whole workplace, renewable. Called by the pages."""

import hashlib
import hmac

from flask import current_app
from sqlalchemy import delete, select

from . import people, secret
from .errors import NotFound
from .extensions import db
from .models import Invite, Person


def code_of(invite: Invite) -> str:
    """The code, derived from the server's key and the invite's nonce: a stolen database holds no working link."""
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.new(key, b"invite:" + invite.nonce.encode(), hashlib.sha256).hexdigest()[:40]


def current_code() -> str:
    """The code that works now; made when there is none, or when the server's key was changed."""
    invite = db.session.scalar(select(Invite).order_by(Invite.id.desc()).limit(1))
    if invite is None or secret.digest(code_of(invite)) != invite.code_hash:
        return renew()
    return code_of(invite)


def renew() -> str:
    """A new code; the ones before work no more."""
    db.session.execute(delete(Invite))
    invite = Invite(nonce=secret.make())
    invite.code_hash = secret.digest(code_of(invite))
    db.session.add(invite)
    db.session.commit()
    return code_of(invite)


def require(code: str) -> None:
    """NotFound unless the code works now: it is the newest one's, under the key that the server has now."""
    newest = db.session.scalar(select(Invite).order_by(Invite.id.desc()).limit(1))
    if newest is None or newest.code_hash != secret.digest(code) or code != code_of(newest):
        raise NotFound("This invite link does not work any more.")


def accept(code: str, name: str, email: str, password: str) -> Person:
    """A new person, by a working link."""
    require(code)
    return people.create(name, email, password)
