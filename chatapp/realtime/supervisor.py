"""Several serving processes on one port: starts them, puts a new one where one died, hands a stop on, and leaves none
behind. wsgi.py becomes this program where WEB_CONCURRENCY is above 1; it stands on the standard library alone, so that
nothing can pull it down and it takes next to no memory."""

import contextlib
import fcntl
import json
import math
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

GRACE_S = 28  # a process ends within 25 s of being asked; hosts kill everything after 30 s
STEADY_S = 10  # who lived that long did not die of its start
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30  # before a process that dies at once, again and again, is started once more
WRONG_SETTING = 2  # the exit code of a process that said in one line what is wrong with a setting
METRICS, YOUNG_S = "chatapp-metrics-", 60  # the folder's name; a younger one may belong to who is just locking it
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Worker:
    """The place of one process, filled anew when it dies. All moments are monotonic seconds."""

    def __init__(self, command: list[str], environ: dict[str, str]):
        self.command, self.environ = command, environ
        self.process = self.lifeline = None
        self.is_ready = False
        self.starts = self.quick_ends = 0
        self.since = self.due = 0.0
        self.kill_at = math.inf

    def start(self, moment: float) -> None:
        """The process says through the lifeline where it listens, and ends when the lifeline does: with us."""
        self.lifeline, theirs = socket.socketpair()
        with theirs:
            environ = {**os.environ, **self.environ, "WORKER_LIFELINE": str(theirs.fileno())}
            self.process = subprocess.Popen(self.command, env=environ, pass_fds=[theirs.fileno()])  # noqa: S603
        self.since, self.starts = moment, self.starts + 1

    def hears(self) -> str:
        """What the process said: once, in one line, where it listens."""
        said = self.lifeline.recv(1_000).decode()
        self.is_ready = self.is_ready or bool(said)
        return said

    def ask_to_stop(self, moment: float) -> None:
        if self.process and self.kill_at == math.inf:
            self.process.terminate()
            self.kill_at = moment + GRACE_S

    def end(self, moment: float) -> int | None:
        """The exit code of a process that has ended, told once; where it was not asked to, its successor may wait."""
        if self.process is None or self.process.poll() is None:
            return None
        asked, code = self.kill_at < math.inf, self.process.returncode
        self.vacate(moment, is_quick=not asked and moment - self.since < STEADY_S)
        return code

    def vacate(self, moment: float, is_quick: bool) -> None:
        self.lifeline.close()
        self.process, self.is_ready, self.kill_at = None, False, math.inf
        self.quick_ends = self.quick_ends + 1 if is_quick else 0
        self.due = moment + wait_after(self.quick_ends)


def wait_after(quick_ends: int) -> float:
    """Seconds until the next start, after so many processes in a row that died at once."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(quick_ends - 1, 10)) if quick_ends else 0.0


class Supervisor:
    """All processes, and what is to be done next. `metrics`: the folder in which they count together."""

    def __init__(self, workers: list[Worker], metrics: Path):
        self.workers, self.metrics = workers, metrics
        self.code = None  # the exit code, once everything is to end
        self.has_served = False
        self.rolling: list[Worker] = []
        self.rolled = None
        self.signals, writer = os.pipe()
        os.set_blocking(self.signals, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, lambda *_: None)

    def run(self) -> int:
        while self.code is None or any(worker.process for worker in self.workers):
            moment = time.monotonic()
            self.turn(moment)
            self.listen(moment)
        return self.code

    def turn(self, moment: float) -> None:
        """Note who has ended, and do what is due."""
        for worker in self.workers:
            process, code = worker.process, worker.end(moment)
            if code is not None:
                self.note_end(worker, process.pid, code, moment)
            if worker.process and moment >= worker.kill_at:
                worker.process.kill()
        if self.code is None:
            self.roll_on(moment)
            self.start_due(moment)

    def note_end(self, worker: Worker, pid: int, code: int, moment: float) -> None:
        for file in self.metrics.glob(f"gauge_live*_{pid}.db"):  # what only counts while a process lives
            file.unlink(missing_ok=True)
        if self.code is not None:
            return
        if not self.has_served or (code == WRONG_SETTING and worker.starts == 1):
            self.stop(code if code > 0 else 1, moment)
        elif worker is not self.rolled:
            say("process_died", pid=pid, code=code, again_in_s=round(worker.due - moment, 1))

    def start_due(self, moment: float) -> None:
        """The first alone: what is wrong with the settings is then said once, and it brings a database up to date."""
        for worker in self.workers if self.has_served else self.workers[:1]:
            if worker.process is None and worker.due <= moment:
                try:
                    worker.start(moment)
                except OSError as error:  # out of memory or processes, or the program is just being replaced
                    if not self.has_served:
                        raise
                    worker.vacate(moment, is_quick=True)
                    say("process_not_started", error=error.strerror, again_in_s=round(worker.due - moment, 1))

    def roll_on(self, moment: float) -> None:
        """Replace the next process once the one before serves again; where that one fails, the others stay."""
        if self.rolled and self.rolled.is_ready and self.rolled.kill_at == math.inf:
            self.rolled = None
        if self.rolling and self.rolled is None:
            self.rolled = self.rolling.pop(0)
            self.rolled.ask_to_stop(moment)

    def stop(self, code: int, moment: float) -> None:
        if self.code is None:
            self.code = code
            for worker in self.workers:
                worker.ask_to_stop(moment)

    def listen(self, moment: float) -> None:
        """Sleep until there is something to do: a signal, a word of a process, or a moment that has come."""
        talking = {worker.lifeline: worker for worker in self.workers if worker.process and not worker.is_ready}
        moments = [worker.kill_at if worker.process else worker.due for worker in self.workers]
        next_moment = min((one for one in moments if one > moment), default=math.inf)
        patience = None if next_moment == math.inf else next_moment - moment
        if self.code is not None and not any(worker.process for worker in self.workers):
            return
        heard, _, _ = select.select([self.signals, *talking], [], [], patience)
        for lifeline in heard:
            if lifeline == self.signals:
                self.obey(os.read(self.signals, 1_000), moment)
            else:
                self.note_ready(talking[lifeline])

    def note_ready(self, worker: Worker) -> None:
        said = worker.hears()
        if said and not self.has_served:
            self.has_served = True
            print(said, flush=True)

    def obey(self, signals: bytes, moment: float) -> None:
        hung_up = signal.SIGHUP in signals
        if signal.SIGTERM in signals or signal.SIGINT in signals or (hung_up and sys.stdin and sys.stdin.isatty()):
            self.stop(0, moment)
        elif hung_up:
            say("restarting_one_by_one")
            self.rolling = [worker for worker in self.workers if worker.process]


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds the port for our processes without listening at it; ends us with one line if it is taken.

    They share the port by SO_REUSEPORT, and so would a second installation, without a word. So it is first asked for
    without sharing; and as who holds it does not allow SO_REUSEADDR, the next that asks in this way is refused.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            place = probe.getsockname()
        try:
            return bound(family, place)
        except OSError:  # connections of a server that did not share the port are still ending
            return bound(family, place, socket.SO_REUSEADDR)
    except OSError as error:
        print(f"PORT: cannot listen at {host} port {port}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(WRONG_SETTING) from None


def bound(family: int, place: tuple, *more: int) -> socket.socket:
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_REUSEPORT, *more):
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        holder.bind(place)
    except OSError:
        holder.close()
        raise
    return holder


def say(event: str, **more) -> None:
    """A line of the log, as the processes write theirs."""
    told = {**more, "event": event, "level": "warning", "logger": "supervisor"}
    print(json.dumps(told | {"timestamp": datetime.now(UTC).isoformat()}), file=sys.stderr, flush=True)


def folder_for_metrics() -> Path:
    """A new one, locked as long as we live. What supervisors left that were killed is taken away."""
    for left in Path(tempfile.gettempdir()).glob(f"{METRICS}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > YOUNG_S:
                lock(left)
                shutil.rmtree(left)
    made = Path(tempfile.mkdtemp(prefix=METRICS))
    lock(made)
    return made


def lock(folder: Path) -> None:
    """Until this process ends. OSError where another one lives that holds it."""
    fcntl.flock(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), fcntl.LOCK_EX | fcntl.LOCK_NB)


def main(program: str, host: str, port: int, count: int, is_sticky: bool) -> int:
    """Serve with `count` processes of `program`: all at `port` or, where a proxy tells them apart, each at the next."""
    held = [reserve(host, port + number) for number in range(count if is_sticky else 1)]
    ports = [one.getsockname()[1] for one in held] if is_sticky else [held[0].getsockname()[1]] * count
    metrics = folder_for_metrics()
    more = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    workers = [Worker([sys.executable, program], more | {"PORT": str(one)}) for one in ports]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, metrics, ignore_errors=True)
        return Supervisor(workers, metrics).run()


if __name__ == "__main__":
    program, host, port, count, sticky = sys.argv[1:]
    sys.exit(main(program, host, int(port), int(count), sticky == "sticky"))
