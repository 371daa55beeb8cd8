"""The rules of the house that no linter knows: who may import whom, who may say what, how long a file may be, and that the
browser and the server use the same names."""

import ast
import re
from pathlib import Path

import pytest

from chatapp import broadcasts
from chatapp.web import sockets

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "chatapp").rglob("*.py"))
BELOW_WEB = [path for path in MODULES if "web" not in path.parts]
WEB = [path for path in MODULES if "web" in path.parts]
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ROW = 1  # its place in LAYERS
LINES_MAX = 250
FUNCTION_LINES_MAX = 40
ANSWERS_FROM_THE_LIBRARY = {"connect", "connect_error", "disconnect"}
# Who stands on what, highest first; a module may import its own layer and those below.
LAYERS = [
    {"web", "cli"},
    {"messages", "bots", "streams", "saying", "history", "cached", "members", "presence", "reading", "typists", "notices", "invites", "devices", "tokens", "people", "rooms"},
    {"broadcasts", "jobs", "wire"},
    {"models", "markdown", "assistant", "code_colours", "emoji", "realtime", "secret", "database", "logs", "flights", "json_cache", "shared_counts"},
    {"extensions", "errors"},
    {"redis_link", "redis_client", "postgres_link", "prepared", "replica_link", "fair_pool", "metrics", "settings", "plain_json", "briefly"},
]  # fmt: skip


def name(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text())


def layer_of(module):
    """A module that is named in no layer is one of the row."""
    return next((place for place, layer in enumerate(LAYERS) if module in layer), ROW)


def imported(path):
    """The first-level modules of chatapp that a file imports, e.g. "rooms" for `from ..rooms import get`."""
    package = list(path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            names = [base[1]] if len(base) > 1 else [alias.name for alias in node.names]
            yield from names if base[0] == "chatapp" else []
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatapp"):
            yield from [node.module.split(".")[1]] if "." in node.module else [alias.name for alias in node.names]


def names_from(path, *packages):
    """What a file imports by name from these packages."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module in packages:
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent != ROOT / "chatapp" or path.stem != "__init__"], ids=name
)
def test_imports_go_downward_only(path):
    own = path.relative_to(ROOT / "chatapp").parts[0].removesuffix(".py")
    assert {other for other in imported(path) if layer_of(other) < layer_of(own)} == set()


@pytest.mark.parametrize("path", BELOW_WEB, ids=name)
def test_below_the_doors_nobody_knows_a_request(path):
    assert (
        set(names_from(path, "flask")) & {"request", "session", "abort", "url_for", "g", "jsonify", "redirect"} == set()
    )
    assert "web" not in imported(path) or path.name == "__init__.py"


@pytest.mark.parametrize("path", WEB, ids=name)
def test_the_doors_touch_no_table_no_cache_and_emit_nothing(path):
    taken = {
        alias.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level and (node.module or "").endswith("extensions")
        for alias in node.names
    }
    allowed = {"csrf", "limiter", "socketio"} | (
        {"db"} if path.name == "errors.py" else set()
    )  # to roll back after an accident
    assert taken <= allowed
    calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert not [
        call for call in calls if getattr(call, "attr", getattr(call, "id", "")) in ("emit", "send_to", "commit")
    ]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_there_is_one_emitter(path):
    if path.name != "broadcasts.py":
        assert not re.search(r"\bsocketio\.(emit|send)\(|\bself\.(emit|send)\(", path.read_text())


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_there_is_one_place_for_the_keys_of_the_cache(path):
    text = path.read_text()
    if path.name not in ("cached.py", "presence_upkeep.py"):  # who is here is no cache: it has a key of its own
        assert not re.search(r"""["']history:|["']session:""", text)


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS, *TEMPLATES, *(ROOT / "static" / "css").glob("*.css")], ids=name)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= LINES_MAX


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_are_short_and_modules_say_what_they_are(path):
    module = tree(path)
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    }
    assert long == {}
    assert ast.get_docstring(module) or not path.read_text().strip()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_left_to_do_and_no_drawer_is_called_utils(path):
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text())
    assert not {"utils", "helpers", "services", "managers", "typing", "socket", "types"} & {path.stem, *path.parts}


def asked_by_scripts():
    return {event for path in SCRIPTS for event in re.findall(r"""\bask\(\s*["'](\w+)["']""", path.read_text())}


def heard_by_scripts():
    heard = {
        event
        for path in SCRIPTS
        for event in re.findall(r"""\b(?:hear|socket\.on)\(\s*["'](\w+)["']""", path.read_text())
    }
    return heard - ANSWERS_FROM_THE_LIBRARY


def told_by_server():
    calls = [node for node in ast.walk(tree(ROOT / "chatapp" / "broadcasts.py")) if isinstance(node, ast.Call)]
    emitters = [call for call in calls if getattr(call.func, "id", "") in ("to_room", "to_person_here")]
    return {argument.value for call in emitters for argument in call.args if isinstance(argument, ast.Constant)}


def test_every_event_that_the_browser_asks_is_one_that_the_server_knows():
    commands = {command.removeprefix("on_") for command in sockets.COMMANDS}
    assert asked_by_scripts() and asked_by_scripts() <= commands
    by_http = {"editMessage", "removeMessage", "leaveSession"}  # a page may use the API for these
    of_programs = {"startStream", "streamChunk", "streamComplete"}
    assert commands - asked_by_scripts() <= by_http | of_programs


def test_every_event_that_the_server_tells_is_heard_and_the_reverse():
    assert told_by_server() == {
        "newMessage", "messageUpdated", "typing", "userOnline", "userOffline", "presence", "sessionUpdated", "sessionRemoved",
        "streamChunk", "streamStatus", "streamComplete",
    }  # fmt: skip
    assert heard_by_scripts() == told_by_server()
    assert callable(broadcasts.new_message)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_have_nothing_inline(path):
    text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_need_nothing_that_the_policy_forbids(path):
    assert not re.search(
        r"\beval\(|new Function\(|\.style\.cssText|setAttribute\(\s*.style|document\.write|\son[a-z]+=[\"']",
        path.read_text(),
    )


def test_a_component_has_one_name_in_its_places():
    components = {found for path in TEMPLATES for found in re.findall(r'data-component="(\w+)"', path.read_text())}
    styles = {path.stem for path in (ROOT / "static" / "css").glob("*.css")}
    assert components and components - styles == set()


def test_what_templates_and_scripts_ask_for_is_there():
    asked = {found for path in TEMPLATES for found in re.findall(r"static\('([^'{}]+\.\w+)'\)", path.read_text())}
    missing = {file for file in asked if not (ROOT / "static" / file).exists() and not file.startswith("vendor/")}
    for path in SCRIPTS:
        for found in re.findall(r'(?:from|import)\s+"(\./[^"]+)"', path.read_text()):
            if not (path.parent / found).exists():
                missing.add(found)
    assert asked and missing == set()
