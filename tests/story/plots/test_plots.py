"""Functions and their derivatives as curves: every registered one, its kinks and conventions, in every format."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.errors import BackpropsymError
from backpropsym.ops.function_table import FunctionTable
from backpropsym.picture.look.themes import DARK, LIGHT, TEXT_CONTRAST, contrast
from backpropsym.story.plots.curves import curves
from backpropsym.story.plots.formats import svg, tikz
from backpropsym.story.plots.plot import function_plot, ticks
from tests.documents import compiled

NOT_OF_NUMBERS = ("where", "KroneckerDelta")
DRAWN = [name for name, entry in FunctionTable().items() if not entry.abstract and name not in NOT_OF_NUMBERS]
JUMPS = {
    "relu": {0.0: (0.0, [1.0])},
    "abs": {0.0: (0.0, [-1.0, 1.0])},
    "hard_tanh": {-1.0: (0.0, [1.0]), 1.0: (0.0, [1.0])},
    "hard_sigmoid": {-3.0: (0.0, [1 / 6]), 3.0: (0.0, [1 / 6])},
    "leaky_relu": {0.0: (0.01, [1.0])},
    "selu": {0.0: (1.7580993408473766, [1.0507009873554805])},
}
"""Where the slope jumps: what is taken there, and the limits beside it that are not."""


@pytest.mark.parametrize("name", DRAWN)
def test_the_second_curve_is_the_slope_of_the_first(name: str) -> None:
    """By differences of neighbouring points, away from jumps of either; no derivative is asked for."""
    drawn = curves(name)
    slopes = [point for piece in drawn.slope.pieces for point in piece]
    jumps = [x for x, _ in (*drawn.value.filled, *drawn.slope.filled)]
    places, heights = np.array(slopes).T
    compared = 0
    for piece in drawn.value.pieces:
        for (x0, y0), (x1, y1) in itertools.pairwise(piece):
            middle = (x0 + x1) / 2
            within = any(part[0][0] <= x0 and x1 <= part[-1][0] for part in drawn.slope.pieces)
            beside = within and all(abs(middle - x) > 2 * (x1 - x0) for x in jumps)
            if not beside:
                continue
            low, expected, high = np.interp([x0, middle, x1], places, heights).tolist()
            if abs(expected) > 10:
                continue  # near a pole, which neighbours are too far apart for
            bend = abs(high - low) + 0.02 * abs(expected)
            assert (y1 - y0) / (x1 - x0) == pytest.approx(expected, abs=0.02 + bend)
            compared += 1
    assert compared > 300


@pytest.mark.parametrize("name", JUMPS)
def test_a_kink_is_marked_with_what_is_taken_there_and_what_is_not(name: str) -> None:
    slope = curves(name).slope
    found = {x: (y, sorted(limit for at, limit in slope.open if at == x)) for x, y in slope.filled}
    assert found.keys() == JUMPS[name].keys()
    for place, (taken, limits) in JUMPS[name].items():
        assert found[place][0] == pytest.approx(taken)
        assert found[place][1] == pytest.approx(limits, abs=1e-5)
    assert {x for x, _ in curves(name).value.filled} == set(JUMPS[name])


def test_what_is_smooth_has_no_dots_and_what_jumps_is_no_line_across() -> None:
    for name in ("tanh", "gelu", "sigmoid", "square", "exp"):
        drawn = curves(name)
        assert not (drawn.value.filled or drawn.slope.filled or drawn.slope.open)
    step = curves("step").value
    assert len(step.pieces) == 2
    assert step.filled == ((0.0, 0.0),) and step.open == ((0.0, 1.0),)


def test_infinite_slopes_are_cut() -> None:
    root = curves("sqrt").slope
    assert max(y for piece in root.pieces for _, y in piece) < 5
    assert all(np.isfinite(y) for piece in root.pieces for _, y in piece)


@pytest.mark.parametrize("name", DRAWN)
def test_every_plot_is_a_picture_with_everything_inside_its_edges(name: str) -> None:
    plot = function_plot(name, LIGHT)
    tree = ET.fromstring(svg(plot))
    circles = [each for each in tree.iter() if each.tag.endswith("circle")]
    assert len(circles) == sum(len(panel.filled) + len(panel.open) for panel in plot.panels)
    for panel in plot.panels:
        for x, y in (*itertools.chain(*panel.lines), *panel.filled, *panel.open):
            assert panel.left - 0.1 <= x <= panel.right + 0.1
            assert 40 < y < panel.bottom + 0.1
    assert all(before < after for before, after in itertools.pairwise((*plot.baselines, plot.height)))
    assert "nan" not in svg(plot) and "inf" not in re.sub("infinite", "", svg(plot))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read_on_its_ground(theme: object) -> None:
    plot = function_plot("relu", theme)  # type: ignore[arg-type]
    shapes = ("rect", "circle", "line", "polyline", "svg")
    drawn = (each for each in ET.fromstring(svg(plot)).iter() if each.tag.rpartition("}")[2] not in shapes)
    colours = {each.attrib["fill"] for each in drawn if each.attrib.get("fill", "none") != "none"}
    assert colours
    assert all(contrast(colour, plot.theme.background) >= TEXT_CONTRAST for colour in colours)


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [((-4, 4), (-4, -2, 0, 2, 4)), ((0, 1), (0, 0.2, 0.4, 0.6, 0.8, 1)), ((-0.08, 0.09), (-0.05, 0, 0.05))],
)
def test_ticks_are_round_numbers(limits: tuple[float, float], wanted: tuple[float, ...]) -> None:
    assert ticks(*limits) == pytest.approx(wanted)


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", ["gelu", "clip", "hard_sigmoid"])
def test_tikz_compiles(name: str, tmp_path: Path) -> None:
    assert "Overfull" not in compiled(tikz(function_plot(name, LIGHT)), tmp_path).log


def test_the_caption_says_what_is_drawn() -> None:
    description = function_plot("relu", LIGHT).description
    assert "relu(x) = max(x, 0)" in description and "relu′(0) = 0" in description
    assert "drawn at slope = 0.25" in function_plot("prelu", LIGHT).description
    assert r"\sqrt{2 \pi}" in "".join(function_plot("gelu", LIGHT).caption)


def test_the_command_draws_one_and_lists_one(tmp_path: Path) -> None:
    run = CliRunner()
    for suffix in ("svg", "tex", "png", "pdf"):
        path = tmp_path / f"relu.{suffix}"
        assert run.invoke(app, ["functions", "relu", "-o", str(path), "--theme", "dark"]).exit_code == 0
        assert path.stat().st_size > 500
    listed = run.invoke(app, ["functions", "relu"]).output
    assert "relu(x)" in listed and "tanh" not in listed
    for wrong in (
        ["functions", "rleu"],
        ["functions", "rleu", "-o", str(tmp_path / "a.svg")],
        ["functions", "where", "-o", str(tmp_path / "a.svg")],
    ):
        found = run.invoke(app, wrong)
        assert found.exception is not None and not isinstance(found.exception, AssertionError)
        assert isinstance(found.exception, BackpropsymError | SystemExit)


@pytest.mark.parametrize("name", ["log", "bce", "sqrt"])
def test_nothing_is_drawn_where_there_is_no_function(name: str) -> None:
    drawn = curves(name)
    ends = [(piece[0][0], piece[-1][0]) for piece in drawn.value.pieces]
    low, high = min(start for start, _ in ends), max(end for _, end in ends)
    assert all(low <= x <= high for piece in drawn.slope.pieces for x, _ in piece)


def test_a_curve_is_open_at_a_pole() -> None:
    for curve in (curves("reciprocal").value, curves("reciprocal").slope):
        assert len(curve.pieces) == 2
        assert curve.pieces[0][-1][0] < 0 < curve.pieces[1][0][0]
    assert curves("safe_sqrt").slope.open == ()
