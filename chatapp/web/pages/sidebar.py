"""What stands around every page: who is signed in, the side bar, addresses of static files."""

from flask import Blueprint, g, request
from sqlalchemy.exc import SQLAlchemyError

from ... import direct, presence, rooms
from ...models import Membership
from .. import auth, static_files

WORKSPACE = "Chatapp"
blueprint = Blueprint("sidebar", __name__)


@blueprint.app_context_processor
def surroundings() -> dict:
    """For every template; the side bar is put together only by the pages that show it."""
    try:
        asker = auth.asker()
    except SQLAlchemyError:  # an error page is shown all the same
        asker = g.asker = None
    return {
        "person": asker.person if asker else None,
        "workspace_name": WORKSPACE,
        "static": static_files.address,
        "static_modules": static_files.modules,
        "side": side,
    }


def side() -> dict:
    """The rooms and direct rooms of the person asking, `{rooms, direct}`; archived ones left out."""
    somebody = auth.person()
    mine = [one for one in rooms.of(somebody) if one.room.archived_at is None]
    direct_ids = [one.room_id for one in mine if one.room.kind == rooms.DIRECT]
    people, here = direct.people_of(direct_ids), presence.in_rooms(direct_ids)
    shown = [entry(one, people.get(one.room_id, ()), here.get(one.room_id, set())) for one in mine]
    return {
        "rooms": [one for one in shown if one["kind"] != rooms.DIRECT],
        "direct": sorted(
            (one for one in shown if one["kind"] == rooms.DIRECT), key=lambda one: one["title"].casefold()
        ),
    }


def entry(membership: Membership, people, here: set[int]) -> dict:
    room = membership.room
    others = {one.id for one in people} - {membership.person_id}
    return {
        "id": room.id,
        "title": title(membership, people),
        "kind": room.kind,
        "current": request.view_args is not None and request.view_args.get("room_id") == room.id,
        "here": bool(others & here),
        "last_rev": room.rev,
    }


def title(membership: Membership, people=None) -> str:
    """A room's name; a direct room is called after the others in it."""
    room = membership.room
    if room.kind != rooms.DIRECT:
        return room.name
    if people is None:
        people = direct.people_of([room.id])[room.id]
    return ", ".join(one.name for one in people if one.id != membership.person_id) or room.name
