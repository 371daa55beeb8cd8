"""The log: JSON lines in production, readable ones in development, on standard error. `create_app` calls `configure`.
Whoever logs names events and ids: a message's text, a token, an invite code, a cookie or a query string never get here.
"""

import logging
import sys
import traceback

import structlog
from flask import Flask

# Set by name, or python-engineio hangs a handler of its own on them; they would tell of every packet.
LEVELS = {
    "engineio.server": logging.ERROR,
    "socketio.server": logging.ERROR,
    "werkzeug": logging.ERROR,
    "alembic": logging.WARNING,
}
FRAMES_KEPT = 12  # innermost last
PREPARED = [
    structlog.contextvars.merge_contextvars,  # request_id, person
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class Handler(logging.StreamHandler):
    """Ours, to be told from those that others (pytest, a host) hang beside it."""


def configure(app: Flask) -> None:
    """Send what anything in this process logs, our code or a library, through one renderer."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PREPARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a second application, in a test, may set it up anew
    )
    handler = Handler(sys.stderr)
    handler.setFormatter(formatter(readable=app.config["APP_ENV"] == "development"))
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, Handler)] + [handler]
    root.setLevel(app.config["LOG_LEVEL"])
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


def formatter(readable: bool) -> logging.Formatter:
    if readable:
        plain = structlog.dev.plain_traceback
        renderers = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    else:
        renderers = [without_words, structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=PREPARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )


def without_words(_logger, _name, event: dict) -> dict:
    """An exception as its kind and where it came from. Its own words may quote what somebody wrote, so only the
    operating system's are kept."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else (given if isinstance(given, tuple) else sys.exc_info())[1]
    if given and error is not None:
        kind = type(error)
        event["error"] = f"{kind.__module__}.{kind.__qualname__}"
        event["reason"] = error.strerror if isinstance(error, OSError) else None
        event["frames"] = [frame_place(frame) for frame in traceback.extract_tb(error.__traceback__)[-FRAMES_KEPT:]]
    return event


def frame_place(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno} {frame.name}"
