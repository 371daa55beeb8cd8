"""The log: one JSON line an event in production, and nothing in it that somebody wrote."""

import io
import json
import logging
from pathlib import Path

import pytest
import structlog
from flask import Flask

from chatapp import logs


@pytest.fixture
def written(monkeypatch):
    """What was logged since the application was set up, as text; `written("production")` sets it up."""
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level, setup = root.level, structlog.get_config()

    def set_up(app_env):
        out = io.StringIO()
        monkeypatch.setattr("sys.stderr", out)
        app = Flask("trial")
        app.config.update(APP_ENV=app_env, LOG_LEVEL="INFO")
        logs.configure(app)
        return out.getvalue

    yield set_up
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**setup)
    structlog.contextvars.clear_contextvars()


def test_an_event_is_one_json_line_with_the_request_it_belongs_to(written):
    text = written("production")
    structlog.contextvars.bind_contextvars(request_id="abc")
    structlog.get_logger("chatapp.trial").info("something_happened", room="r1")
    line = json.loads(text())
    assert (line["event"], line["room"], line["request_id"]) == ("something_happened", "r1", "abc")
    assert (line["level"], line["logger"]) == ("info", "chatapp.trial")
    assert line["timestamp"].endswith("Z")


def test_libraries_log_the_same_way(written):
    text = written("production")
    logging.getLogger("some.library").warning("met %s", "trouble")
    assert json.loads(text())["event"] == "met trouble"


def test_the_libraries_that_talk_at_every_packet_are_quiet(written):
    text = written("production")
    logging.getLogger("engineio.server").info("received packet MESSAGE data hush")
    logging.getLogger("werkzeug").info("GET /join/hush")
    assert text() == ""


@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("theirs")])
def test_an_exception_is_told_without_its_own_words(written, logger):
    text = written("production")
    try:
        int("my secret diary")
    except ValueError:
        logger.exception("failed")
    line = json.loads(text())
    assert line["error"] == "builtins.ValueError"
    assert "test_logs.py" in line["frames"][-1]
    assert "diary" not in text()


def test_the_operating_systems_own_words_are_kept(written):
    text = written("production")
    try:
        Path("/nowhere/at/all").read_text()
    except OSError:
        structlog.get_logger().exception("failed")
    assert json.loads(text())["reason"] == "No such file or directory"


def test_development_reads_like_prose(written):
    text = written("development")
    structlog.get_logger("chatapp.trial").info("something_happened", room="r1")
    assert "something_happened" in text()
    assert "room=r1" in text()


def test_setting_up_again_does_not_log_twice(written):
    written("production")
    text = written("production")
    structlog.get_logger().info("once")
    assert len(text().splitlines()) == 1
