"""flask rooms: make, archive, fill with people, write out and read back."""

import sys

import click

from .. import jobs, members, people, rooms, transcripts, wire
from ..errors import Invalid, NotFound, Unavailable
from ..models import Room
from ..transcripts import exports
from . import files, finding
from .command import Far, Group, tell
from .listing import as_json, show

LARGE = 10_000  # messages
group = Group("rooms", help="Where people talk. A ROOM is its id, or its name when only one has it.")


class NewRoom(wire.Payload):
    name: wire.Name
    topic: wire.Topic


@group.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice([rooms.OPEN, rooms.CLOSED]), default=rooms.OPEN, show_default=True)
@click.option("--topic", default="")
@click.option("--owner", metavar="EMAIL", help="Default: the administrator who was here first.")
def create(name: str, kind: str, topic: str, owner: str | None) -> None:
    """Make a room and print its id. Everybody is in an open one."""
    ask = wire.parse(NewRoom, {"name": name, "topic": topic})
    somebody = people.first_admin() if owner is None else finding.person(owner)
    click.echo(rooms.open_room(somebody, ask.name, kind, ask.topic).room_id)


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Every room."""
    counts = members.counts()
    show([shown(one, counts.get(one.id, 0)) for one in rooms.everything()], as_json)


@group.command("archive")
@click.argument("room")
@click.option("--undo", is_flag=True, help="Bring it back.")
def archive(room: str, undo: bool) -> None:
    """Archive a ROOM: it can be read, and nothing more be said."""
    found = finding.room(room)
    rooms.archive(found, not undo)
    tell(f"{found.name} is {'back' if undo else 'archived'}.")


@group.command("add")
@click.argument("room")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL...")
def add(room: str, emails: tuple[str, ...]) -> None:
    """Make people or bots (EMAIL or id) members of a ROOM."""
    found, everyone = finding.room(room), [finding.person(email) for email in emails]
    for somebody in everyone:
        members.add(found, somebody.id)
        tell(f"{somebody.name} is in {found.name}.")


@group.command("remove")
@click.argument("room")
@click.argument("email")
def remove(room: str, email: str) -> None:
    """Put somebody (EMAIL or id) out of a ROOM."""
    found, somebody = finding.room(room), finding.person(email)
    try:
        membership = rooms.membership_of(somebody, found.id)
    except NotFound:
        raise NotFound(f"{somebody.name} is not in {found.name}.") from None
    members.leave(membership)
    tell(f"{somebody.name} is not in {found.name} any more.")


@group.command("export")
@click.argument("room")
@click.argument("file", default="-")
@click.option("--later", is_flag=True, help="Let a worker do it: FILE is a name in its instance/exports/ then.")
@click.option("--now", is_flag=True, help="Write it here, also a large room onto a terminal.")
def export(room: str, file: str, later: bool, now: bool) -> None:
    """Write a ROOM as JSON Lines to FILE (default: standard output): the room, its members, every message.

    Without --later all is written when the command ends. With it the job's id is printed at once; `flask jobs list`
    shows how far it is, and the file is there once all of it is. A room of more than 10,000 messages that would be
    written onto a terminal is left to a worker by itself, where there is Redis.
    """
    found = finding.room(room)
    if later or (not now and file == "-" and is_for_a_worker(found)):
        hand_over(found, f"{found.id}.jsonl" if file == "-" else file)
        return
    far = Far(f"lines, of about {found.last_seq:,}")
    with files.private(file) as out:
        for line in transcripts.lines_of(found):
            out.write(line + "\n")
            far.one_more()


def is_for_a_worker(room: Room) -> bool:
    """Whether it is too much for whoever would look at it. (Where a script reads what is written, it is written.)"""
    return room.last_seq > LARGE and is_terminal() and jobs.elsewhere()


def is_terminal() -> bool:
    return sys.stdout.isatty()


def hand_over(room: Room, file_name: str) -> None:
    """Post the export, or do it here where nobody else can: it is done either way."""
    if not exports.FILE_NAME.fullmatch(file_name):
        raise Invalid("With --later FILE is a plain name such as kitchen.jsonl: it is written to instance/exports/.")
    asked = {"room_id": room.id, "file_name": file_name}
    try:
        if jobs.elsewhere():
            click.echo(jobs.post(exports.export_room, f"{room.name} to {file_name}", **asked))
            tell(f"A worker writes it to {exports.folder() / file_name}; `flask jobs list` shows how far it is.")
            return
        tell("There is no queue without Redis: doing it now.")
    except Unavailable as away:
        tell(f"{away.message} Doing it now.")
    exports.export_room(lambda done, total: None, **asked)
    tell(f"Written: {exports.folder() / file_name}")


@group.command("import")
@click.argument("file", default="-")
@click.option("--name", help="Call the room this.")
def import_(file: str, name: str | None) -> None:
    """Read what export wrote from FILE (default: standard input) into a new room and print its id."""
    name = wire.parse(NewRoom, {"name": name, "topic": ""}).name if name is not None else None
    with files.rereadable(file) as source:
        room_id, strangers = transcripts.read_back(source, name)
    click.echo(room_id)
    if strangers:
        tell(f"Members who are not here: {', '.join(strangers)}")


def shown(room, member_count: int) -> dict:
    shape = wire.session(room)
    wanted = ("id", "name", "kind", "topic", "archived", "createdAt")
    return {name: shape[name] for name in wanted} | {"members": member_count, "messages": room.last_seq}
