"""What stands around every page: who is signed in, the side bar, addresses of static files."""

import functools
from typing import NamedTuple

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
        "stylesheets": stylesheets,
        "preloads": preloads,
        "csrf_token": csrf_token,
        "side": side,
        "blank_entry": blank,
        "csrf": csrf,
    }


@functools.cache
def icon(name: str, size: int = 18) -> Markup:
    """An icon as `layouts/_icon.html` draws it, drawn once: a page has dozens."""
    return current_app.jinja_env.get_template("layouts/_icon.html").module.icon(name, size)


def stylesheets(*names: str) -> Markup:
    """The links to stylesheets."""
    return links("stylesheet", static_files.address("css/"), ".css", names)


def preloads() -> Markup:
    """What the entry script imports, asked for at once instead of import by import."""
    return links("modulepreload", static_files.address(""), "", static_files.modules())


@functools.lru_cache(100)
def links(kind: str, root: str, end: str, names: tuple[str, ...]) -> Markup:
    """A line for each; put together once, as every page has dozens."""
    return Markup("\n").join(Markup('<link rel="{}" href="{}{}{}">').format(kind, root, name, end) for name in names)


def csrf_token() -> str:
    """What a change asked for by this page proves itself with; made once a request."""
    if "csrf_shown" not in g:
        g.csrf_shown = generate_csrf()
    return g.csrf_shown


def csrf() -> Markup:
    """The same, in a form."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


class Entry(NamedTuple):
    """A room in the side bar. What only a direct room shows: how far it has got, and whether somebody else in it is
    here."""

    kind: str
    id: str = ""
    title: str = ""
    last_rev: int | None = None
    here: bool = False


def lists() -> dict[str, list[Entry]]:
    """The rooms and direct rooms of the person asking, `{rooms, direct}`; archived ones left out."""
    somebody = auth.person()
    mine = rooms.listed_for(somebody)
    direct_ids = [one.id for one in mine if one.kind == rooms.DIRECT]
    here = presence.in_rooms(direct_ids)  # before what follows holds a connection of the database
    people = direct.people_of(direct_ids)
    others = {room_id: [one for one in them if one.id != somebody.id] for room_id, them in people.items()}
    talks = [direct_entry(one, others[one.id], here[one.id]) for one in mine if one.kind == rooms.DIRECT]
    return {
        "rooms": [Entry(one.kind, one.id, one.name) for one in mine if one.kind != rooms.DIRECT],
        "direct": sorted(talks, key=lambda one: one.title.casefold()),
    }


def direct_entry(room: Row, others: list, here: set[int]) -> Entry:
    """`others` are in the room beside the person asking, `here` whoever is online."""
    somebody_here = any(one.id in here for one in others)
    return Entry(room.kind, room.id, named_after(others) or room.name, room.rev, somebody_here)


def side() -> dict[str, list[Markup]]:
    """The same, each as its line; the room that the page is about is marked."""
    current = (request.view_args or {}).get("room_id")
    return {name: [entry(one, one.id == current) for one in them] for name, them in lists().items()}


def blank(kind: str) -> Markup:
    """The line of a room yet to come, for the browser to fill."""
    return entry(Entry(kind), False)


@functools.lru_cache(2_000)
def entry(room: Entry, is_current: bool) -> Markup:
    """The line of a room, drawn once: it is the same for everybody who is in it."""
    return current_app.jinja_env.get_template("layouts/_entry.html").module.entry(room, is_current)


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
