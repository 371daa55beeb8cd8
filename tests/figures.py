"""Figures that tests measure, shown at the end of the run, whichever process measured them. A pytest plugin."""

import pytest

FIGURES = pytest.StashKey[list]()


@pytest.fixture
def note(request):
    """`note("7 kills, 0 lost")`: a figure that was measured, shown at the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes: what it measured goes to the first
        session.config.workeroutput["figures"] = session.config.stash.get(FIGURES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    figures = getattr(node, "workeroutput", {}).get("figures", [])
    node.config.stash.setdefault(FIGURES, []).extend(figures)


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"measured: {line}")
