"""`python wsgi.py` as a process on a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.ports import free_port
from tests.reaper import ends_with_us

ROOT = Path(__file__).resolve().parents[2]
START_S = 30
MODES = ("eventlet", "gevent", "threading")  # ways to serve many at once
STOP_S = 40  # the server's own grace is 25 s
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


class Server:
    """One server: starts, stops, dies and comes back on the same port with the same database."""

    def __init__(self, folder: Path, environ: dict, most_files: int | None = None):
        self.port = environ.get("PORT") or str(free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "server.log"
        self.environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "APP_ENV": "production",
            "SECRET_KEY": "for trials only",
            "DATABASE_URL": f"sqlite:///{folder / 'chat.sqlite3'}",
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "RATE_LIMITS": "off",
            **environ,
        }
        self.command = [sys.executable, "wsgi.py"]
        if most_files:
            self.command = ["sh", "-c", f'ulimit -n {most_files} && exec "$@"', "sh", *self.command]
        self.process = None
        self.root = ROOT  # a test may put a changed copy of the code there

    def start(self):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.root, env=self.environ, stdout=log, stderr=log)
        ends_with_us(self.process.pid)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if answers(int(self.port)):
                return self
            time.sleep(0.02)
        raise AssertionError(f"the server did not start (it ended with {self.process.poll()}):\n{self.log}")

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.ask_to_stop()
        return self.process.wait(STOP_S)

    def kill(self):
        """Death without goodbye."""
        self.process.kill()
        self.process.wait(STOP_S)

    def restart(self):
        self.stop()
        return self.start()

    def flask(self, *arguments: str, stdin: str | None = None) -> str:
        """What a `flask --app chatapp` command prints, on this server's database."""
        command = [sys.executable, "-m", "flask", "--app", "chatapp", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def log(self) -> str:
        return self.log_path.read_text()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
