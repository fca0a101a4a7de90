"""The registry of document formats: what is asked for is there, or one error says what is."""

from __future__ import annotations

from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.document.derivation.report import page
from backpropsym.document.registry import format_for, format_of, formats, names, write
from backpropsym.errors import OutputError, UnknownNameError


def test_every_format_has_its_name_and_suffixes_of_its_own() -> None:
    assert {"json", "latex", "markdown", "text", "typst"} <= set(names())
    assert tuple(formats()) == names()
    suffixes = [suffix for format in formats().values() for suffix in format.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    for name, format in formats().items():
        assert format_of(name) is format
        assert all(format_for(Path(f"A{suffix.upper()}")) is format for suffix in format.suffixes)


def test_unknown_names_and_suffixes_are_errors_that_name_the_known_ones() -> None:
    made = page(bp.example("lecture").derive(wrt="w11"))
    with pytest.raises(UnknownNameError, match="nothing is written as 'latx'\n.*did you mean latex"):
        write(made, "latx")
    with pytest.raises(OutputError, match=r"x\.doc has no suffix .*\n.*\.md"):
        format_for(Path("x.doc"))


def test_parts_are_made_when_a_format_asks_for_them() -> None:
    made = page(bp.example("lecture").derive(wrt="w11"), "numeric")
    assert '"value": 2.5' in write(made, "json")
    assert "parts" not in vars(made)
    assert made.parts is made.parts
