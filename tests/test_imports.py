"""Who may know whom, where import-linter (pyproject.toml) cannot see it: names inside a module."""

import ast
from pathlib import Path

import pytest

CHATAPP = Path(__file__).resolve().parents[1] / "chatapp"
DOORS = sorted((CHATAPP / "web").rglob("*.py"))
NOT_FOR_DOORS = {"db", "cache"}


def named(path: Path) -> set[str]:
    """Every name that a module imports from another."""
    tree = ast.parse(path.read_text())
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def called(path: Path) -> set[str]:
    """The last name of everything that a module calls: `emit` of `socketio.emit(…)`."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {getattr(function, "attr", getattr(function, "id", "")) for function in calls}


@pytest.mark.parametrize("path", DOORS, ids=lambda path: str(path.relative_to(CHATAPP)))
def test_a_door_touches_neither_database_nor_cache_and_emits_nothing(path):
    assert not named(path) & NOT_FOR_DOORS
    assert "emit" not in called(path)


def test_broadcasts_is_the_only_emitter():
    emitters = {path.relative_to(CHATAPP).as_posix() for path in CHATAPP.rglob("*.py") if "emit" in called(path)}
    # The managers hand on what the one emitter sends.
    assert emitters <= {"broadcasts.py", "realtime/clients.py", "realtime/relay.py"}
