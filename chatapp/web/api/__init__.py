"""JSON under /api/v1, one blueprint a noun (contract, section 5)."""

from . import docs, events, messages, people, sessions, streams

MODULES = (sessions, messages, people, streams, events, docs)
BLUEPRINTS = tuple(module.blueprint for module in MODULES)
