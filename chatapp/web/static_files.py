"""Static files: where a page finds them, and answering for them. The templates use `address` and `modules`; called by
the doors' wiring.

An address holds a digest over all files, so a browser may keep what it got there for a year and never ask again, and
modules that import each other by relative addresses all come from the same version.
"""

import hashlib
import mimetypes
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import NotFound

FOLDERS = (
    "css",
    "icons",
    "js",
    "vendor",
)  # nothing else under static/ is anybody's to see (node_modules, package.json)
DIGEST = re.compile(r"[0-9a-f]{16}")
IMPORT = re.compile(rb"""^\s*(?:import|export)\b[^;"']*["'](\.[^"']+)["']""", re.MULTILINE)
ENTRY = "js/app.js"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Version:
    """All files at one moment, in memory: what changes on disk under a running server (a deployment in place) must not
    be kept by browsers under this digest. `seen` tells whether something on disk has changed since."""

    digest: str
    files: dict[str, bytes]
    modules: tuple[str, ...]  # what ENTRY imports, directly or not
    seen: list[tuple]


def configure(app: Flask) -> None:
    app.static_folder = "static"
    app.extensions["static_files"] = read(Path(app.static_folder))
    app.add_url_rule("/static/<path:filename>", "static", serve)


def address(path: str) -> str:
    """Of a file under static/, such as "js/app.js", in the version of now; on the CDN when there is one."""
    return f"{current_app.config['STATIC_URL'] or '/static'}/{version().digest}/{path}"


def modules() -> tuple[str, ...]:
    """What the entry script imports, by its place under static/: named in the page, it is fetched all at once."""
    return version().modules


def serve(filename: str) -> Response:
    """With this version's digest: to be kept for ever. With another's (an old page, a process that is newer or older
    than its neighbour) or without: the file as it is here, to be asked for again."""
    digest, _, rest = filename.partition("/")
    now = version()
    content = now.files.get(rest if DIGEST.fullmatch(digest) else filename)
    if content is None:
        raise NotFound
    response = Response(content, content_type=content_type(filename))
    response.headers["Cache-Control"] = FOR_EVER if digest == now.digest else ASK_AGAIN
    if current_app.config["STATIC_URL"].startswith("http"):  # modules of another origin are refused without
        response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    return response.make_conditional(request)


def version() -> Version:
    """The files as they were at the start; in development as they are now, the same within one request."""
    known = current_app.extensions["static_files"]
    if current_app.config["APP_ENV"] != "development" or "static_files_seen" in g:
        return known
    g.static_files_seen = True
    folder = Path(current_app.static_folder)
    if look(folder) != known.seen:
        known = current_app.extensions["static_files"] = read(folder)
    return known


def look(folder: Path) -> list[tuple]:
    """Every file that may be served: path, size and times, in a settled order."""
    found = []
    for place in FOLDERS:
        for root, folders, names in os.walk(folder / place):
            folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
            for name in names:
                file = Path(root, name)
                if not name.startswith(".") and file.is_file():
                    stat = file.stat()
                    found.append((file.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return sorted(found)


def read(folder: Path) -> Version:
    seen = look(folder)
    files = {path: (folder / path).read_bytes() for path, *_ in seen}
    whole = hashlib.sha256()
    for path, content in files.items():
        whole.update(f"{path}\0{len(content)}\0".encode() + content)
    return Version(whole.hexdigest()[:16], files, imported(files), seen)


def imported(files: dict[str, bytes]) -> tuple[str, ...]:
    found, waiting = [], [ENTRY]
    while waiting:
        path = waiting.pop(0)
        for relative in IMPORT.findall(files.get(path, b"")):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative.decode()))
            if other in files and other not in (ENTRY, *found):
                found.append(other)
                waiting.append(other)
    return tuple(found)


def content_type(path: str) -> str:
    kind = TYPES.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
