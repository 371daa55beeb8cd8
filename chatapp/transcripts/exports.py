"""The job that writes a room into a file: bit by bit beside its place first, then, whole, in its place. Posted by the
commands.
"""

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path

from flask import current_app

from .. import jobs
from ..errors import Unavailable
from ..extensions import db
from ..models import Room
from .writing import lines_of

OWNER_ONLY = 0o600
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Busy(Unavailable):
    """A worker tries again later; a command says so and ends."""

    def __init__(self):
        super().__init__("Another process is writing this file right now.")


def folder() -> Path:
    return Path(current_app.instance_path) / "exports"


@jobs.job(minutes=60)
def export_room(progress: Callable[[int, int], object], room_id: str, file_name: str) -> None:
    """Write the room to `file_name` under instance/exports/ (and nowhere else, whoever may write in Redis)."""
    room = db.session.get(Room, room_id)
    if room is None or not FILE_NAME.fullmatch(file_name):
        raise jobs.Gone
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    write(progress, room, folder() / file_name)


def write(progress: Callable[[int, int], object], room: Room, path: Path) -> None:
    """All of the room into `path`.part, then `path` in one step. One that was cut short is begun again."""
    part, total = path.with_name(path.name + ".part"), room.last_seq
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, OWNER_ONLY), "w", encoding="utf-8") as file:
        require_alone(file, part)
        file.truncate(0)
        progress(0, total)
        done = 0
        for line in lines_of(room):
            file.write(line + "\n")
            if line.startswith('{"type": "message"'):
                done += 1
                if done % 1_000 == 0:
                    progress(done, total)
        file.flush()
        os.fsync(file.fileno())
        os.replace(part, path)


def require_alone(file, part: Path) -> None:
    """Lock the file, until the process ends; and it must still stand there, and not have been finished meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Busy from None
    if not part.exists() or part.stat().st_ino != os.fstat(file.fileno()).st_ino:
        raise Busy
