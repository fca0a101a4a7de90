"""Pixels of PNG files: as many to the inch as are asked for."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.errors import LimitError, OutputError

pytest.importorskip("typst")


def _pixels(path: Path) -> tuple[int, int]:
    return struct.unpack(">II", path.read_bytes()[16:24])  # type: ignore[return-value]


@pytest.mark.parametrize("dpi", [96, 300])
def test_a_png_has_so_many_pixels_to_the_inch(tmp_path: Path, dpi: int) -> None:
    drawing = bp.example("lecture").draw(wrt="w11", fit="84mm")
    wide, _ = _pixels(drawing.save(tmp_path / "a.png", dpi=dpi))
    assert wide == pytest.approx(84 / 25.4 * dpi, abs=1)


def test_a_pixel_of_the_svg_is_a_96th_of_an_inch(tmp_path: Path) -> None:
    drawing = bp.example("lecture").draw(wrt="w11")
    once, twice = _pixels(drawing.save(tmp_path / "a.png", dpi=96)), _pixels(drawing.save(tmp_path / "b.png"))
    assert f'width="{once[0]}" height="{once[1]}"' in drawing.svg
    assert twice == (2 * once[0], 2 * once[1])


def test_what_has_no_pixels_is_told_and_too_many_are_refused(tmp_path: Path) -> None:
    drawing = bp.example("lecture").draw(wrt="w11")
    with pytest.raises(OutputError, match="a.svg has no pixels"):
        drawing.save(tmp_path / "a.svg", dpi=300)
    assert not (tmp_path / "a.svg").exists()
    with pytest.raises(LimitError, match="--dpi"):
        drawing.save(tmp_path / "a.png", dpi=10_000)
