"""The server: `python wsgi.py`. Commands use `flask --app chatapp` instead, where nothing is patched."""

import os
import sys


def share_out() -> None:
    """Where several processes are to serve, become the program that starts them: this one again, each a worker."""
    import config

    try:
        settings = config.load(os.environ)
    except config.SettingError as error:
        error.show()
        sys.exit(error.exit_code)
    if settings["WEB_CONCURRENCY"] > 1:
        program = os.path.abspath(__file__)
        supervisor = os.path.join(os.path.dirname(program), "chatapp", "realtime", "supervisor.py")
        where = [settings["HOST"], str(settings["PORT"]), str(settings["WEB_CONCURRENCY"])]
        how = "sticky" if settings["STICKY_PROXY"] else "shared"
        os.execv(sys.executable, [sys.executable, "-P", supervisor, program, *where, how])


if __name__ == "__main__":
    if os.environ.get("WEB_CONCURRENCY", "").strip() not in ("", "1") and "WORKER_LIFELINE" not in os.environ:
        share_out()
    # Before any other import: what was imported earlier would keep the unpatched sockets, locks and sleeps.
    mode = os.environ.get("ASYNC_MODE", "").strip() or "eventlet"
    if mode == "eventlet":
        import warnings

        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet

        eventlet.monkey_patch()
    elif mode == "gevent":
        from gevent import monkey

        monkey.patch_all()

from chatapp import create_app
from config import SettingError

try:
    app = create_app()
except SettingError as error:
    error.show()
    sys.exit(error.exit_code)

if __name__ == "__main__":
    from flask_migrate import upgrade

    from chatapp.extensions import socketio
    from chatapp.realtime.server import serve

    if app.config["APP_ENV"] == "development":  # elsewhere the release step does it, before any server starts
        with app.app_context():
            upgrade()
    serve(app, socketio)
