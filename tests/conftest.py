"""Tests that need a program besides Python run where it works; else they are left out, and the last lines say so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

os.environ.setdefault("BACKPROPSYM_VERIFY", "1")

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DRIVER = "the driver of the browser"
PROGRAMS = {
    "chromium": ("chromium", "google-chrome"),
    "dot": ("dot",),
    "pdflatex": ("pdflatex",),
    "poppler": ("pdftoppm",),
    "soffice": ("soffice", "libreoffice"),
}
PACKAGES = {
    "chromium": "chromium",
    "dot": "graphviz",
    "pdflatex": "texlive-latex-extra texlive-pictures texlive-fonts-recommended",
    "poppler": "poppler-utils",
    "soffice": "libreoffice-impress-nogui",
    DRIVER: "libatomic1",
}

os.environ.pop("COLUMNS", None)  # what is printed has one width; workers of pytest-xdist come with another
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: every process is one of several
settings.register_profile("any machine", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("any machine")


def program(name: str) -> str | None:
    """Where a program is, under any of its names."""
    return next(filter(None, map(shutil.which, PROGRAMS[name])), None)


def driver_starts() -> bool:
    """Whether the Node that Playwright brings finds the libraries that it is linked to."""
    from playwright._impl._driver import compute_driver_executable

    node, _ = compute_driver_executable()
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


def missing_programs() -> list[str]:
    """What is not there or does not start."""
    missing = [name for name in PROGRAMS if program(name) is None]
    return missing if driver_starts() else [*missing, DRIVER]


MISSING = missing_programs()
ADVICE = f"{', '.join(MISSING)}; on Debian: apt-get install {' '.join(PACKAGES[name] for name in MISSING)}"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(*programs): runs where they are installed: {', '.join(PROGRAMS)}")
    if MISSING and os.environ.get("CI"):
        raise pytest.UsageError(f"missing, or does not start: {ADVICE}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MISSING:
        terminalreporter.write_line(f"tests left out for want of {ADVICE}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = [item for item in items if any(name in MISSING for name in _needs(item))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _needs(item: pytest.Item) -> list[str]:
    marked = [name for mark in item.iter_markers("needs") for name in mark.args]
    return [*marked, "chromium", DRIVER] if "browser" in getattr(item, "fixturenames", ()) else marked


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of pages that a process runs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        yield launched
        launched.close()
