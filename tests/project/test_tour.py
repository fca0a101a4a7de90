"""The tour in docs/how-it-works.md names files that exist, and leaves out no folder on the way."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

from typer.testing import CliRunner

import backpropsym
from backpropsym.cli.app import app

PACKAGE = Path(backpropsym.__file__).parent
TOUR = (PACKAGE.parent / "docs" / "how-it-works.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w/]+\.py)`", TOUR))


def passed(*arguments: str) -> set[str]:
    """The files of the package in which functions are called by a command."""
    files = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            files.add(Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    finally:
        sys.setprofile(before)
    return files


def test_files_that_are_named_exist() -> None:
    assert len(NAMED) > 20
    assert {name for name in NAMED if not (PACKAGE / name).is_file()} == set()


def test_every_folder_on_the_way_is_named(tmp_path: Path) -> None:
    files = passed("derive", "lecture", "--wrt", "w11")
    files |= passed("slides", "lecture", "--wrt", "w11", "-o", str(tmp_path / "deck.html"))
    folders = {Path(name).parent.as_posix() for name in files}
    named = {Path(name).parent.as_posix() for name in NAMED} | set(re.findall(r"`([\w/]+)`", TOUR))
    assert "derive/paths" in folders
    assert folders - named == set()
