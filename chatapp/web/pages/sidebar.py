"""What stands around every page: who is signed in, the side bar, addresses of static files."""

import functools

from flask import Blueprint, current_app, g, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy import Row
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
        "static_root": static_files.address(""),
        "static_modules": static_files.modules,
        "side": side,
        "csrf": csrf,
    }


@functools.cache
def icon(name: str, size: int = 18) -> Markup:
    """An icon as `layouts/_icon.html` draws it, drawn once: a page has dozens."""
    return current_app.jinja_env.get_template("layouts/_icon.html").module.icon(name, size)


def csrf() -> Markup:
    """What a form of ours proves itself with."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def side() -> dict:
    """The rooms and direct rooms of the person asking, `{rooms, direct}`; archived ones left out."""
    somebody = auth.person()
    mine = rooms.listed_for(somebody)
    direct_ids = [one.id for one in mine if one.kind == rooms.DIRECT]
    people, here = direct.people_of(direct_ids), presence.in_rooms(direct_ids)
    current = request.view_args and request.view_args.get("room_id")
    shown = [entry(one, current) for one in mine if one.kind != rooms.DIRECT]
    others = {room_id: [one for one in them if one.id != somebody.id] for room_id, them in people.items()}
    talks = [entry(one, current, others[one.id], here[one.id]) for one in mine if one.kind == rooms.DIRECT]
    return {"rooms": shown, "direct": sorted(talks, key=lambda one: one["title"].casefold())}


def entry(room: Row, current: str | None, others=(), here=()) -> dict:
    """A line of the side bar; `others` are in a direct room beside the person asking, and `here` whoever is online."""
    return {
        "id": room.id,
        "title": named_after(others) or room.name,
        "kind": room.kind,
        "current": room.id == current,
        "here": any(one.id in here for one in others),
        "last_rev": room.rev,
    }


def title(membership: Membership) -> str:
    """A room's name; a direct room is called after the others in it."""
    room = membership.room
    if room.kind != rooms.DIRECT:
        return room.name
    return (
        named_after(one for one in direct.people_of([room.id])[room.id] if one.id != membership.person_id) or room.name
    )


def named_after(others) -> str:
    return ", ".join(one.name for one in others)
