"""Finds what the browser tests need from the machine: Chromium and the axe library. For conftest.py and looks.py."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
# A window's own trimmings cost more than our pages. (The list replaces Playwright's, so some of its entries are repeated.)
WITHOUT = """WebUIOmniboxPopup WebUIOmniboxAimPopup WebUIOmniboxFullPopup AvoidUnnecessaryBeforeUnloadCheckSync
    DestroyProfileOnBrowserClose HttpsFirstBalancedModeAutoEnable HttpsUpgrades LensOverlay MediaRouter OptimizationHints
    PaintHolding ThirdPartyStoragePartitioning""".split()
ARGUMENTS = [
    f"--disable-features={','.join(WITHOUT)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIBRARY = ROOT / "static/vendor/socket.io.esm.min.js"
AXE = [ROOT / folder / "node_modules/axe-core/axe.min.js" for folder in ("build/browser", "static")]


def executable() -> str:
    """The system's Chromium; without one the tests are skipped, on a build machine they fail."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        do_without("There is no Chromium here: install the package `chromium` to run the browser tests.")
    if not LIBRARY.exists():
        do_without("The browser library is missing: run `make setup`.")
    return found


def axe() -> str:
    """The source of axe-core."""
    found = next((path for path in AXE if path.exists()), None)
    if found is None:
        do_without("axe-core is missing: run `bin/browser_library`.")
    return found.read_text()


def do_without(reason: str):
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
