"""Secrets that are shown once and kept as a hash: the cookie of a device, a token, an invite code."""

import hashlib
import secrets


def make() -> str:
    """256 random bits, fit for a cookie, a header and a URL."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What the database keeps of a secret (SHA-256 is enough: there is nothing to guess in 256 random bits)."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
