"""Passwords: hashed and checked with argon2, off the loop. For people.py and devices.py."""

import os
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import Invalid
from .extensions import db
from .realtime import loop

LENGTH_MIN = 8
LENGTH_MAX = 200
hasher = PasswordHasher()
TURNS = threading.BoundedSemaphore(min(4, os.cpu_count() or 1))  # each takes 64 MB: strangers must not add them up


def require_good(password: str, field: str = "password") -> str:
    """`password` itself, or Invalid naming `field`."""
    if len(password) < LENGTH_MIN:
        raise Invalid(f"Please take at least {LENGTH_MIN} characters.", field=field)
    if len(password) > LENGTH_MAX or "\x00" in password or not encodable(password):
        raise Invalid("This password cannot be used.", field=field)
    return password


def encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def hash_of(password: str) -> str:
    """The argon2 hash (about 0.1 s of computing, in a thread; no database connection is held meanwhile)."""
    db.session.close()
    with TURNS:
        return loop.run_aside(hasher.hash, password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one; takes as long where there is no hash, so that time tells nothing."""
    db.session.close()
    if len(password) > LENGTH_MAX or not encodable(password):
        return False
    with TURNS:
        return loop.run_aside(verify, password_hash, password)


def verify(password_hash: str | None, password: str) -> bool:
    try:
        return hasher.verify(password_hash or hash_nobody_knows(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def hash_nobody_knows() -> str:
    return hasher.hash(secrets.token_urlsafe())


def make_up() -> str:
    """A password for somebody who will change it."""
    return secrets.token_urlsafe(12)
