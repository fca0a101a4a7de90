"""Tests that need a program besides Python run where it is installed; else they are left out, and the head says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = {
    "chromium": ("chromium", "google-chrome"),
    "dot": ("dot",),
    "pdflatex": ("pdflatex",),
    "poppler": ("pdftoppm",),
    "soffice": ("soffice", "libreoffice"),
}


def program(name: str) -> str | None:
    """Where a program is, under any of its names."""
    return next(filter(None, map(shutil.which, PROGRAMS[name])), None)


MISSING = [name for name in PROGRAMS if program(name) is None]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(*programs): runs where they are installed: {', '.join(PROGRAMS)}")
    if MISSING and os.environ.get("CI"):
        raise pytest.UsageError(f"not installed: {', '.join(MISSING)}")


def pytest_report_header(config: pytest.Config) -> str:
    return f"tests left out for want of: {', '.join(MISSING)}" if MISSING else "every test has the programs it needs"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = [item for item in items if any(name in MISSING for name in _needs(item))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _needs(item: pytest.Item) -> list[str]:
    marked = [name for mark in item.iter_markers("needs") for name in mark.args]
    return [*marked, "chromium"] if "browser" in getattr(item, "fixturenames", ()) else marked


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        yield found
        found.close()
