"""Rooms as pages: read one, make one, change one, find one."""

import functools
import uuid

from flask import Blueprint, flash, redirect, render_template, request, session, url_for

from ... import bots, database, direct, history, people, presence, rooms, saying, streams, wire
from ...errors import ChatError
from ...models import Membership
from .. import auth
from . import forms
from .sidebar import title

PAGE = history.SHEET  # messages
blueprint = Blueprint("rooms", __name__)


@blueprint.get("/rooms/<room_id>")
@auth.signed_in
def show(room_id: str):
    membership = auth.membership(room_id)
    ask = wire.parse(wire.MessagesQuery, request.args.to_dict())
    if session.get("room") != room_id:  # a cookie that stays as it is costs nothing
        session["room"] = room_id
    if ask.after is not None:
        newer = history.after(membership, ask.after, PAGE)
        older = bool(newer["messages"]) and newer["messages"][0]["seq"] > 1
        return page(membership, newer | {"hasMore": older}, has_newer=newer["hasMore"])
    if ask.before is not None:
        older = history.before(membership, ask.before, PAGE)
        newest = older["messages"][-1]["seq"] if older["messages"] else 0
        return page(membership, older, has_newer=newest < membership.room.last_seq)
    return newest_page(membership)


@blueprint.get("/rooms/<room_id>/messages/<id:message_id>")
@auth.signed_in
def permalink(room_id: str, message_id: int):
    message, membership = saying.find(auth.person(), message_id)
    if message.room_id != room_id:
        return redirect(url_for("rooms.permalink", room_id=message.room_id, message_id=message_id))
    around, has_newer = history.around(membership, message.seq, PAGE)
    return page(membership, around, has_newer=has_newer, target_id=message_id)


def newest_page(membership: Membership, **shown) -> str:
    """The room page as it opens: what most ask for, so it lies ready in one piece, unless somebody is speaking."""
    log = history.sheet(membership)
    if log["growing"]:
        return page(membership, history.before(membership, None, PAGE), **shown)
    return room_page(membership, log, **shown)


def page(membership: Membership, found: dict, **shown) -> str:
    """The room page around any page of its history."""
    said = as_far_as_said(membership.room_id, found["messages"])
    return room_page(membership, history.sheet_of(found | {"messages": said}), **shown)


def room_page(membership: Membership, log: dict, *, has_newer=False, target_id=None, errors=None, values=None) -> str:
    room = membership.room
    assistants = [one.name for one in bots.assistants_of(room)]
    titled = wire.session(room, membership.standing) | {"title": title(membership)}
    database.release()
    here = url_for("rooms.show", room_id=room.id)
    return render_template(
        "rooms/show.html",
        room=titled,
        log=log,
        older_url=f"{here}?before={log['first']}" if log["first"] else here,
        has_newer=has_newer,
        newer_url=f"{here}?after={log['last']}" if log["last"] else here,
        latest_url=here,
        online=presence.who(room.id),
        can_moderate=membership.moderates,
        pending=pending(tuple(wire.person(membership.person).items())),
        assistants=assistants,
        form_client_id=str(uuid.uuid4()),
        target_id=target_id,
        errors=errors or {},
        values=values or {},
    )


def as_far_as_said(room_id: str, messages: list[dict]) -> list[dict]:
    """The messages, those that are still being said with their text so far. Holds no database connection afterwards."""
    if not any(one["status"] in streams.AT_WORK for one in messages):
        return messages
    far = {(one["messageId"], one["gen"]): one for one in streams.snapshots(room_id)}
    return [wire.so_far(one, far[key]) if (key := (one["id"], one["gen"])) in far else one for one in messages]


@functools.lru_cache(500)
def pending(author: tuple[tuple[str, object], ...]) -> str:
    """An empty message of an author's, the same in every room: the browser shows it, rendered like any other and with
    what only it knows filled in (pending.js), until the server has spoken."""
    shape = {"id": 0, "sessionId": "", "seq": 0, "rev": 0, "content": "", "clientId": "pending"}
    shape |= {"author": dict(author), "createdAt": "1970-01-01T00:00:00.000Z", "editedAt": None}
    return wire.message_html(shape | {"removed": False, "status": "complete", "gen": 0}, "")


@blueprint.get("/rooms/new")
@auth.signed_in
def new():
    return render_template("rooms/new.html", people=choosable(), errors={}, values={})


@blueprint.post("/rooms/new")
@auth.signed_in
def create():
    posted = {name: value for name, value in forms.posted().items() if name in ("name", "kind", "topic")}
    try:
        ask = wire.parse(wire.NewSession, posted | {"memberIds": forms.chosen_ids()})
        membership = rooms.open_room(auth.person(), ask.name, ask.kind, ask.topic, ask.member_ids)
    except ChatError as error:
        shown = {"errors": forms.errors_of(error), "values": posted | {"member_ids": forms.chosen_ids()}}
        return render_template("rooms/new.html", people=choosable(), **shown), 422
    return redirect(url_for("rooms.show", room_id=membership.room_id), 303)


@blueprint.get("/direct/new")
@auth.signed_in
def new_direct():
    return render_template("rooms/direct.html", people=choosable(), errors={})


@blueprint.post("/direct/new")
@auth.signed_in
def create_direct():
    try:
        membership, _ = direct.open_for(auth.person(), forms.chosen_ids())
    except ChatError as error:
        return render_template("rooms/direct.html", people=choosable(), errors=forms.errors_of(error)), 422
    return redirect(url_for("rooms.show", room_id=membership.room_id), 303)


def choosable() -> list[dict]:
    """Everybody else, for choosing from."""
    return [wire.person(one) for one in people.matching(limit=500) if one.id != auth.person().id]


@blueprint.get("/rooms")
@auth.signed_in
def index():
    somebody = auth.person()
    archived = [one.room for one in rooms.of(somebody) if one.room.archived_at is not None]
    return render_template("rooms/index.html", open_rooms=rooms.open_to(somebody), archived=archived)


@blueprint.get("/rooms/<room_id>/settings")
@auth.signed_in
def settings(room_id: str):
    membership = auth.membership(room_id)
    return settings_page(membership)


@blueprint.post("/rooms/<room_id>/settings")
@auth.signed_in
def update(room_id: str):
    membership = auth.membership(room_id)
    posted = {name: value for name, value in forms.posted().items() if name in ("name", "topic")}
    try:
        ask = wire.parse(wire.SessionPatch, posted)
        rooms.revise(membership, name=ask.name, topic=ask.topic)
    except ChatError as error:
        return settings_page(membership, forms.errors_of(error), posted), 422
    flash("Saved.", "good")
    return redirect(url_for("rooms.settings", room_id=room_id), 303)


@blueprint.post("/rooms/<room_id>/archive")
@auth.signed_in
def archive(room_id: str):
    membership = auth.membership(room_id)
    archived = forms.posted().get("archived") == "1"
    rooms.revise(membership, archived=archived)
    flash("The room is archived: it can be read, and nobody writes there." if archived else "The room is open again.")
    return redirect(url_for("rooms.settings", room_id=room_id), 303)


def settings_page(membership: Membership, errors=None, values=None) -> str:
    members = [wire.member(one) for one in rooms.members_of(membership.room_id)]
    inside = {one["id"] for one in members}
    return render_template(
        "rooms/settings.html",
        room=wire.session(membership.room, membership.standing) | {"title": title(membership)},
        members=members,
        can_moderate=membership.moderates,
        may_set_answers=membership.moderates or membership.room.kind == rooms.DIRECT,
        assistants={one.person_id: one.answers for one in bots.assistants_of(membership.room)},
        people=[one for one in choosable() if one["id"] not in inside],
        errors=errors or {},
        values=values or {},
    )
