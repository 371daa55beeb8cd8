"""Ends what tests have started, however they themselves end: a process of its own, which waits until its parent is gone.
For tests/live/server.py and tests/stack.
"""

import functools
import shutil
import subprocess
import sys
import threading
from contextlib import suppress

import psutil

_lock = threading.Lock()


def ends_with_us(what: int | str) -> None:
    """The process with this id (and its children), or the folder of this name, goes when this process has gone."""
    with _lock:
        waiting = reaper().stdin
        waiting.write(f"{what}\n".encode())
        waiting.flush()


@functools.cache
def reaper() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-I", __file__], stdin=subprocess.PIPE, start_new_session=True)


def kill(process: psutil.Process) -> None:
    """It and its children, also when they are frozen; never another one that has been given the same number."""
    with suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def main() -> None:
    processes, folders = [], []
    for line in map(str.strip, sys.stdin):
        if line.isdigit():
            with suppress(psutil.NoSuchProcess):
                processes.append(psutil.Process(int(line)))
        else:
            folders.append(line)
    for process in processes:
        kill(process)
    psutil.wait_procs(processes, timeout=5)  # while they end they may still write
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
