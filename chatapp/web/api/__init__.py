"""JSON under /api/v1, one blueprint a noun (contract, section 5)."""

from . import docs, messages, people, sessions

BLUEPRINTS = (sessions.blueprint, messages.blueprint, people.blueprint, docs.blueprint)
