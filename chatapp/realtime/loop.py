"""Which event loop this process runs on, and how to compute without holding it up. Any layer above may call it."""

import sys
from typing import Any

from ..extensions import socketio


def mode(wanted: str) -> str:
    """`wanted` (ASYNC_MODE) where wsgi.py has patched the process for it; else "threading" (commands, tests)."""
    patcher = {"eventlet": "eventlet.patcher", "gevent": "gevent.monkey"}.get(wanted)
    module = sys.modules.get(patcher)
    if module is None:
        return "threading"
    patched = module.is_monkey_patched("socket") if wanted == "eventlet" else module.is_module_patched("socket")
    return wanted if patched else "threading"


def run_aside(function, *arguments) -> Any:
    """`function(*arguments)` in a real thread while only this green thread waits; its result or its exception.

    In threading mode it is just called: there is no loop to hold up.
    """
    if socketio.async_mode == "eventlet":
        from eventlet import tpool

        return tpool.execute(function, *arguments)
    if socketio.async_mode == "gevent":
        from gevent import get_hub

        return get_hub().threadpool.apply(function, arguments)
    return function(*arguments)
