"""The serving process: listens, serves until SIGTERM or SIGINT, then ends what is under way. wsgi.py calls `serve`."""

import contextlib
import gc
import importlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import structlog

from .. import database
from . import ticker

GRACE_S = 25  # hosts kill a process 30 s after they asked it to stop
BACKLOG = 2_048
MAX_CONNECTIONS = 50_000
FILES_KEPT_FREE = 256  # for the database, logs and threads: connections may never take the last file
# Python's own thresholds have it walk through every connection again and again: 0.3 s each time with 3,000 of them.
GC_THRESHOLDS = (50_000, 20, 50)
FAREWELL_S = 0.3  # for the last words to leave for clients and for other processes
ENDED_AT_ONCE = 100  # connections; of each end Redis is told, and the connections to it are bounded too
LOOK_S = 0.01
log = structlog.get_logger(__name__)
_before_stop: list[Callable[[], object]] = []


def before_stop(act: Callable[[], object]) -> None:
    """Have `act` called (in an application context) when the process was asked to stop, while clients still hear."""
    if act not in _before_stop:
        _before_stop.append(act)


def serve(app, socketio) -> None:
    """Serve `app` at its HOST and PORT until told to stop; returns when all has ended, at the latest after GRACE_S."""
    driver = importlib.import_module(f"{__package__}.drivers.on_{app.config['ASYNC_MODE']}")
    listener = listen(app.config["HOST"], app.config["PORT"], shared=app.config["WEB_CONCURRENCY"] > 1)
    stop_asked = signal_pipe()
    database.serve(app, driver.wait_for_file)
    ticker.start(app)
    socketio.server.manager.start()
    if driver.later:
        socketio.server.manager.go_straight(driver.later)
    server = driver.Server(listener, app, raise_file_limit() - FILES_KEPT_FREE)
    announce(f"Chatapp is at {address(listener)}", app.config["WORKER_LIFELINE"], driver, socketio)
    spare_the_collector()
    driver.wait_until_readable(stop_asked)
    stop(app, server, socketio)


def listen(host: str, port: int, shared: bool) -> socket.socket:
    """A listening socket; ends the process with one line when there is none to be had."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it. Without it an ack that follows an event waits 40 ms for the peer's delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if shared:  # only then: otherwise two servers would share a port and nobody would be told
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        print(f"PORT: cannot listen at {host} port {port}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(2) from None
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def announce(where: str, lifeline: int | None, driver, socketio) -> None:
    """Say that we serve: to the world or, where we are one of several, to the supervisor, which says it once."""
    if lifeline is None:
        print(where, flush=True)
        return
    os.set_inheritable(lifeline, False)
    end = socket.socket(fileno=lifeline)
    with contextlib.suppress(OSError):  # it has gone already. (By os.write eventlet would try for ever.)
        end.sendall(where.encode())
    socketio.start_background_task(end_with_supervisor, driver, end)


def end_with_supervisor(driver, lifeline: socket.socket) -> None:
    driver.wait_until_readable(lifeline.fileno())  # it never says anything, so what can be read is its end
    os.kill(os.getpid(), signal.SIGTERM)


def raise_file_limit() -> int:
    """Lift this process's limit of open files as far as it may; answers how many connections' worth there are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = MAX_CONNECTIONS + FILES_KEPT_FREE
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def signal_pipe() -> int:
    """The end of a pipe that can be read once the process was asked to stop.

    Waking a sleeping event loop needs a file: a handler that only schedules something is not noticed before it wakes.
    Asking again changes nothing, but for a second Ctrl-C, which somebody at the keyboard means.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signal.signal(number, leave_now_or_ignore(number)))
    return reader


def leave_now_or_ignore(number: int):
    return signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN


def spare_the_collector() -> None:
    """What lives as long as the process need not be looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def stop(app, server, socketio) -> None:
    """Take nobody new, let browsers go so that they come back, and wait for what is under way."""
    eio = socketio.server.eio
    log.info("stopping", connections=len(eio.sockets))
    server.shut()
    if bid_farewell(app):
        socketio.sleep(FAREWELL_S)
    ends_at = time.monotonic() + GRACE_S
    let_go(socketio, ends_at)
    is_drained = server.drain(max(0.0, ends_at - time.monotonic()))
    bid_farewell(app)  # to what began meanwhile
    if is_drained:
        log.info("stopped")
    else:
        log.warning("stopped_with_work_under_way")


def let_go(socketio, ends_at: float) -> None:
    """End all connections, many side by side: where Redis is slow, one after the other would take too long. What has
    not ended at `ends_at` (monotonic) is not waited for."""
    eio = socketio.server.eio
    everybody = list(eio.sockets.values())
    left, at_work = iter(everybody), set(range(min(len(everybody), ENDED_AT_ONCE)))
    for number in list(at_work):
        socketio.start_background_task(end_some, eio, left, at_work, number)
    while at_work and time.monotonic() < ends_at:
        socketio.sleep(LOOK_S)


def end_some(eio, left: Iterator, at_work: set[int], number: int) -> None:
    """One of those at work: ends connections of `left` as long as there are any."""
    for connection in left:
        try:
            # Without a goodbye packet (abort): after one, python-socketio's client would never come back.
            connection.close(wait=False, abort=True, reason=eio.reason.SERVER_DISCONNECT)
        except Exception:
            log.exception("connection_not_ended")
    at_work.discard(number)


def bid_farewell(app) -> bool:
    """Whether there was something to end."""
    done = [attempted(app, act) for act in _before_stop]
    return any(done)


def attempted(app, act: Callable[[], object]) -> bool:
    try:
        with app.app_context():
            return bool(act())
    except Exception:
        log.exception("not_ended")
        return False
