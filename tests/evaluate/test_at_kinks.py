"""At a kink numbers say so: which terms rest on a convention, both slopes of the whole, and which the sum is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.analyses.kinks import kink_of
from backpropsym.evaluate.differences import ExactPoint

CASES = {
    "a difference of both parts": ({"p": "max(x, 0)", "m": "max(-x, 0)", "a": "p - m"}, 2.0, 1.0, 1.0, [True, True]),
    "in one formula": ({"a": "max(x, 0) - max(-x, 0)"}, 2.0, 1.0, 1.0, [True]),
    "relu": ({"h": "relu(x)", "a": "3*h + x"}, 1.0, 1.0, 4.0, [True, False]),
    "the sum of two kinks": ({"h": "relu(x)", "g": "abs(x)", "a": "h + g"}, 0.0, -1.0, 2.0, [True, True]),
    "leaky": ({"a": "leaky_relu(x)*2"}, 0.02, 0.02, 2.0, [True]),
    "two that cancel": ({"h": "abs(x)", "a": "h - h + x"}, 1.0, None, None, []),
}
SMOOTH = {
    "away from it": ({"a": "relu(x + 1)"}),
    "a smooth function that branches inside": ({"a": "softplus(x) + log_cosh(x, 0) + sigmoid(x)"}),
    "cut by another link": ({"h": "relu(x)", "a": "h*x"}),
    "a kink that x does not reach": ({"h": "relu(y)", "a": "h + x"}),
}


def network(nodes: dict[str, str], tmp: Path | None = None) -> Any:
    """A network at x = y = 0; saved where a place is given."""
    lines = "\n".join(f'{name} = "{formula}"' for name, formula in nodes.items())
    text = f'parameters = ["x", "y"]\noutput = "a"\n[nodes]\n{lines}\n[values]\nx = 0.0\ny = 0.0\n'
    if tmp is not None:
        (tmp / "net.toml").write_text(text)
    return bp.loads(text)


def run(command: str, tmp: Path, *options: str) -> str:
    """What a command prints about the saved network."""
    found = CliRunner().invoke(app, [command, str(tmp / "net.toml"), *options], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


@pytest.mark.parametrize("name", CASES)
def test_both_slopes_are_given_in_text_and_json(name: str, tmp_path: Path) -> None:
    nodes, value, left, right, marks = CASES[name]
    net = network(nodes, tmp_path)
    (tmp_path / "at.toml").write_text("x = 0.0\n")
    derived = json.loads(run("derive", tmp_path, "--wrt", "x", "--form", "numeric", "--json"))
    listed = json.loads(run("paths", tmp_path, "--wrt", "x", "--at", str(tmp_path / "at.toml"), "--json"))
    traced = json.loads(run("trace", tmp_path, "--json"))
    if left is None:
        assert (derived["kink"], listed.get("kink"), traced["kinks"]) == (None, None, {})
        return
    neither = value not in (left, right)
    expected = {"value": value, "left": left, "right": right, "neither": neither}
    for found in (derived["kink"], listed["kink"], traced["kinks"]["x"]):
        assert {key: pytest.approx(number, rel=1e-12) for key, number in found.items()} == expected
    assert [term["convention"] for term in derived["terms"]] == marks
    assert [path["convention"] for path in listed["paths"]] == marks
    slopes = ExactPoint(net.graph, net.values).one_sided_slopes("a", "x")
    assert [float(each) for each in slopes] == pytest.approx([left, right])
    texts = (
        run("derive", tmp_path, "--wrt", "x", "--form", "numeric"),
        run("paths", tmp_path, "--wrt", "x", "--at", str(tmp_path / "at.toml")),
        run("trace", tmp_path),
    )
    for text in texts:
        assert "at a kink: the slope is" in text
        assert ("which is none of them" in text) == neither
        assert "rests on a convention" in text
    assert texts[0].count("rests on a convention") == sum(marks)


@pytest.mark.parametrize("name", SMOOTH)
def test_nothing_is_said_where_no_convention_decides(name: str) -> None:
    net = network(SMOOTH[name])
    derivation = net.derive("a", wrt="x")
    assert kink_of(derivation) is None
    assert "x" not in net.trace().kinks


def test_ties_of_arrays_are_kinks_by_entry() -> None:
    net = bp.loads('parameters = {x = [3]}\noutput = "a"\n[nodes]\na = "max(x) + sum(relu(x)*x)"\n')
    kinks = net.trace({"x": [1.0, 1.0, 0.0]}).kinks
    assert {name: (kink.value, kink.left, kink.right) for name, kink in kinks.items()} == {
        "x[0]": pytest.approx((3.0, 2.0, 3.0)),
        "x[1]": pytest.approx((2.0, 2.0, 3.0)),
    }


def test_a_convention_that_is_wrong_is_none_of_both_slopes() -> None:
    """A planted local derivative at the kink is told from both slopes."""
    net = network({"a": "abs(x)"})
    derivation = net.derive("a", wrt="x")
    kink = kink_of(derivation)
    assert kink is not None
    assert (kink.left, kink.value, kink.right, kink.neither) == (-1.0, 0.0, 1.0, True)


@pytest.mark.parametrize("seed", range(20))
def test_random_sums_of_kinks(seed: int) -> None:
    """Slopes of piecewise linear functions through the origin, against those written down."""
    random = np.random.default_rng(seed)
    weights, slopes = random.integers(-3, 4, 4), random.integers(1, 4, 4) * random.choice([-1, 1], 4)
    terms = " + ".join(f"({weight})*relu(({slope})*x)" for weight, slope in zip(weights, slopes, strict=True))
    right = float(sum(w * max(s, 0) for w, s in zip(weights, slopes, strict=True)))
    left = float(sum(w * min(s, 0) for w, s in zip(weights, slopes, strict=True)))
    kink = kink_of(network({"a": f"{terms} + x"}).derive("a", wrt="x"))
    if left == right == 0.0:
        assert kink is None
    else:
        assert kink is not None
        assert (kink.value, kink.left, kink.right) == pytest.approx((1.0, 1 + left, 1 + right))
        assert not math.isnan(kink.left)
