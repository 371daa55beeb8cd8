"""The program that starts several processes: who is started when, who ends the whole, and who holds the port."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from chatapp.realtime import supervisor
from chatapp.realtime.supervisor import Supervisor, Worker, reserve, wait_after

SERVES = "import os, time; os.write(int(os.environ['WORKER_LIFELINE']), b'here'); time.sleep(60)"
SERVES_AND_IS_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVES
SOON_S = 10


@pytest.fixture
def crews(tmp_path):
    """`crews(code, code)`: a supervisor over processes that run these lines; it takes no signals of this process."""
    made = []

    def crew(*codes):
        kept = {number: signal.getsignal(number) for number in supervisor.HEARD}
        one = Supervisor([Worker([sys.executable, "-c", code], {}) for code in codes], tmp_path)
        signal.set_wakeup_fd(-1)
        for number, handler in kept.items():
            signal.signal(number, handler)
        made.append(one)
        return one

    yield crew
    for worker in [worker for one in made for worker in one.workers if worker.process]:
        worker.process.kill()
        worker.process.wait()


def goes_on_until(crew, condition):
    """Its turns, with the real clock, until `condition()`."""
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        crew.turn(time.monotonic())
        for worker in crew.workers:
            if worker.process and not worker.is_ready and is_readable(worker.lifeline):
                crew.note_ready(worker)
        time.sleep(0.01)


def is_readable(end):
    end.setblocking(False)
    try:
        return bool(end.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        end.setblocking(True)


def test_the_first_starts_alone_the_others_once_it_serves(crews, capsys):
    crew = crews(SERVES, SERVES, SERVES)
    crew.turn(time.monotonic())
    assert [bool(worker.process) for worker in crew.workers] == [True, False, False]
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    assert capsys.readouterr().out == "here\n"


@pytest.mark.parametrize(("end", "code"), [("raise SystemExit(2)", 2), ("1 / 0", 1), ("import os; os.abort()", 1)])
def test_if_the_very_first_cannot_serve_all_ends_with_its_code(crews, end, code):
    crew = crews(end, SERVES)
    goes_on_until(crew, lambda: crew.code is not None)
    assert crew.code == code
    assert crew.workers[1].starts == 0


def test_a_wrong_setting_of_another_at_its_first_start_ends_all(crews):
    crew = crews(SERVES, "raise SystemExit(2)")
    goes_on_until(crew, lambda: crew.code is not None and not any(worker.process for worker in crew.workers))
    assert crew.code == 2


def test_who_dies_is_replaced_at_once_if_it_lived_long(crews, monkeypatch):
    monkeypatch.setattr(supervisor, "STEADY_S", 0)
    crew = crews(SERVES, SERVES)
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    before = crew.workers[1].process
    before.kill()
    before.wait()
    crew.turn(time.monotonic())
    assert crew.workers[1].process not in (None, before)
    assert crew.workers[0].starts == 1


def test_who_dies_at_once_again_and_again_is_started_ever_more_seldom(crews, capfd):
    crew = crews(SERVES, "raise SystemExit(1)")
    goes_on_until(crew, lambda: crew.workers[1].quick_ends == 2)
    assert crew.code is None
    assert 0.9 < crew.workers[1].due - time.monotonic() <= 1
    assert '"event": "process_died"' in capfd.readouterr().err


def test_the_wait_grows_to_half_a_minute_and_no_further():
    assert [wait_after(ends) for ends in (0, 1, 2, 3, 6, 7, 8, 2_000)] == [0, 0.5, 1, 2, 16, 30, 30, 30]


def test_a_stop_is_handed_on_once_and_who_does_not_hear_it_is_killed(crews, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE_S", 0.3)
    crew = crews(SERVES, SERVES_AND_IS_DEAF)
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    crew.obey(bytes([signal.SIGTERM]), time.monotonic())
    kill_at = [worker.kill_at for worker in crew.workers]
    crew.obey(bytes([signal.SIGTERM, signal.SIGINT]), time.monotonic())
    assert [worker.kill_at for worker in crew.workers] == kill_at
    goes_on_until(crew, lambda: not any(worker.process for worker in crew.workers))
    assert crew.code == 0


def test_a_hang_up_replaces_one_after_the_other(crews):
    crew = crews(SERVES, SERVES)
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    crew.obey(bytes([signal.SIGHUP]), time.monotonic())
    lowest = 2

    def all_new():
        nonlocal lowest
        lowest = min(lowest, sum(worker.is_ready for worker in crew.workers))
        return [worker.starts for worker in crew.workers] == [2, 2] and all(w.is_ready for w in crew.workers)

    goes_on_until(crew, all_new)
    assert lowest == 1
    assert [worker.quick_ends for worker in crew.workers] == [0, 0]


def serving_crew(crews):
    crew = crews(SERVES, SERVES)
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    return crew


def test_who_cannot_be_started_is_tried_again_and_the_others_go_on(crews, monkeypatch, capfd):
    monkeypatch.setattr(supervisor, "STEADY_S", 0)
    crew = serving_crew(crews)
    (other, one), now = crew.workers, time.monotonic()
    there, one.command = one.command, ["/being/replaced"]
    one.process.kill()
    one.process.wait()
    crew.turn(now)
    assert (one.process, one.quick_ends, one.due, one.lifeline.fileno()) == (None, 1, now + 0.5, -1)
    assert '"event": "process_not_started"' in capfd.readouterr().err
    crew.turn(one.due)
    assert (one.process, one.quick_ends) == (None, 2) and one.due == pytest.approx(now + 1.5)
    one.command = there
    crew.turn(one.due)
    goes_on_until(crew, lambda: one.is_ready)
    assert crew.code is None and (other.starts, one.starts) == (1, 2)


def test_where_the_first_to_be_replaced_cannot_be_started_the_others_stay(crews):
    crew = serving_crew(crews)
    one, other = crew.workers
    there, one.command = one.command, ["/being/replaced"]
    crew.obey(bytes([signal.SIGHUP]), time.monotonic())
    goes_on_until(crew, lambda: one.quick_ends == 2)
    assert other.is_ready and other.starts == 1
    one.command = there
    goes_on_until(crew, lambda: other.starts == 2 and all(worker.is_ready for worker in crew.workers))


def test_if_the_very_first_cannot_be_started_all_ends(crews):
    crew = crews(SERVES, SERVES)
    crew.workers[0].command = ["/not/there"]
    with pytest.raises(FileNotFoundError):
        crew.turn(time.monotonic())
    crew.workers[0].lifeline.close()


def test_what_only_counts_while_a_process_lives_is_forgotten_with_it(crews, tmp_path):
    crew = crews(SERVES, SERVES)
    goes_on_until(crew, lambda: all(worker.is_ready for worker in crew.workers))
    dying = crew.workers[1].process
    kept = [tmp_path / name for name in (f"counter_{dying.pid}.db", "gauge_livesum_1.db")]
    for file in (gone := tmp_path / f"gauge_livesum_{dying.pid}.db", *kept):
        file.touch()
    dying.kill()
    goes_on_until(crew, lambda: not gone.exists())
    assert all(file.exists() for file in kept)


def listening(port, *options):
    one = socket.socket()
    for option in (socket.SO_REUSEADDR, *options):
        one.setsockopt(socket.SOL_SOCKET, option, 1)
    one.bind(("127.0.0.1", port))
    one.listen()
    return one


def test_a_held_port_is_for_our_processes_only():
    with reserve("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        with pytest.raises(SystemExit):
            reserve("127.0.0.1", port)  # a second installation that starts in the same moment
        with pytest.raises(OSError, match="in use"):
            listening(port)
        with listening(port, socket.SO_REUSEPORT) as one, listening(port, socket.SO_REUSEPORT):
            for _ in range(20):  # who only holds the port gets none of its connections
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            assert one.fileno() > 0


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEPORT,)])
def test_a_port_where_somebody_listens_is_not_shared(options, capsys):
    with listening(0, *options) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            reserve("127.0.0.1", port)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"PORT: cannot listen at 127.0.0.1 port {port}: Address already in use\n"


def test_a_port_with_connections_that_are_still_ending_can_be_held():
    with listening(0) as other:
        port = other.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        accepted, _ = other.accept()
        accepted.close()  # first: its end of the connection is remembered for a minute
        client.close()
    reserve("127.0.0.1", port).close()


def test_it_stands_on_the_standard_library_alone():
    code = f"import runpy, sys; runpy.run_path({supervisor.__file__!r}); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-P", "-c", code], text=True).split()
    assert {name.partition(".")[0] for name in loaded} & {
        "flask",
        "eventlet",
        "gevent",
        "chatapp",
        "structlog",
    } == set()


def test_what_killed_supervisors_left_is_taken_away_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor.tempfile, "tempdir", str(tmp_path))
    theirs, left, young = (supervisor.folder_for_metrics() for _ in range(3))
    other = tmp_path / "somebody else's"
    other.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / f"{supervisor.METRICS}link"
    link.symlink_to(elsewhere)
    (left / "counter_1.db").touch()
    for one in (left, young):  # they were killed: nobody holds these any more
        lets_go_of(one)
    for one in (theirs, left, other, elsewhere):
        os.utime(one, (0, 0))
    mine = supervisor.folder_for_metrics()
    assert set(tmp_path.iterdir()) == {theirs, young, other, elsewhere, link, mine}


def lets_go_of(folder):
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}") == str(folder):
                os.close(int(number))
