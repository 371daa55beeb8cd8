"""HTML, one blueprint a noun."""

from . import account, avatars, first_run, members, messages, people, rooms, sidebar, sign_in

BLUEPRINTS = tuple(
    module.blueprint for module in (first_run, sign_in, rooms, members, messages, people, account, avatars, sidebar)
)
