"""The picture of the rooms in docs/ shows the imports as they are."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms_picture", ROOT / "docs" / "rooms_picture.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arcs(svg: str) -> set[tuple[str, str]]:
    return set(re.findall(r"data-from='(\w+)' data-to='(\w+)'", svg))


def test_the_picture_is_what_the_script_draws(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


def test_each_import_between_rooms_has_an_arc_that_runs_down(script: ModuleType) -> None:
    drawn, order = script.picture(), script.rooms()
    ElementTree.fromstring(drawn)
    assert ("formula", "ops") in arcs(drawn)
    assert {importer for _, importer in arcs(drawn)} == set(order) - {"formula"}
    assert all(order.index(imported) < order.index(importer) for imported, importer in arcs(drawn))
    assert "url(#back)" not in drawn


def test_an_import_against_the_order_is_red(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "imports", lambda: Counter({("formula", "cli"): 1}))
    assert arcs(script.picture()) == {("cli", "formula")}
    assert "stroke='#d40000' stroke-width" in script.picture()


def test_a_stale_picture_is_found(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(script, "PICTURE", tmp_path / "rooms.svg")
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
