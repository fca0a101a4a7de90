"""What parameters do at an object: derivatives, real changes, and the cause where nothing moves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.analyses.dead_neurons import DeadShares
from backpropsym.derive.analyses.sensitivity import Verdict, Wiggle, Wiggles
from backpropsym.derive.local.links import Edge
from backpropsym.document.registry import Layout, write
from backpropsym.document.reports.sensitivity import wiggle_page
from backpropsym.network import Network
from backpropsym.picture.cut_links import wiggle_drawing
from backpropsym.picture.drawing import FORMATS
from backpropsym.spec.random_network import layered

DENSE = "x[3] -> dense(4, relu) -> dense(2) -> cross_entropy"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def wiggle_report(found: Wiggles | DeadShares, medium: str = "text", ascii: bool = False, width: int = 120) -> str:
    """Wiggles as they are printed."""
    return write(wiggle_page(found), medium, Layout(ascii, width))


def row(found: Wiggles, name: str) -> Wiggle:
    return next(each for each in found.rows if each.name == name)


def why(net: Network, name: str, **at: float) -> str:
    found = json.loads(wiggle_report(net.wiggle(at, wrt=name), "json"))
    return str(found["parameters"][0]["why"])


def dense() -> tuple[Network, dict[str, Any]]:
    net = bp.parse(DENSE)
    return net, {"x": [1.0, -0.5, 2.0], "y": 1, **net.init(seed=2)}


@pytest.mark.parametrize("function", ["relu", "tanh"])
@pytest.mark.parametrize("of", ["a", "loss"])
def test_numbers_are_those_of_the_network_run_again(function: str, of: str) -> None:
    net = bp.loads(layered((4, 8, 8, 1), function, seed=5))
    found = net.wiggle(of=of, small=1e-4, finite=0.5)

    def value(**at: float) -> float:
        return net.trace(at, of=of).forward[-1].value if of == net.graph.objective else outputs(net, at)

    base = value()
    assert found.value == pytest.approx(base, rel=1e-12)
    assert [each.name for each in found.rows] == list(net.parameters)
    for each in found.rows:
        assert each.derivative == pytest.approx(net.derive(of, wrt=each.name).evaluate(), rel=1e-12, abs=1e-14)
        assert [push.by for push in each.pushes] == [-0.5, -1e-4, 1e-4, 0.5]
    for each in found.rows[::9]:
        for push in each.pushes:
            moved = value(**{each.name: each.value + push.by})
            assert push.change == pytest.approx(moved - base, rel=1e-9, abs=1e-12)


def outputs(net: Network, at: dict[str, float]) -> float:
    steps = net.trace(at).forward
    return float(next(step.value for step in steps if step.node == "a"))


def test_a_dead_neuron_cuts_and_is_named() -> None:
    """The lecture's wiggle: a weight that feeds a neuron whose output is zero changes nothing."""
    net = bp.example("lecture")
    found = net.wiggle({"w12": -3.0})
    assert row(found, "w12").verdict is Verdict.CUT
    assert [zero.link for zero in row(found, "w12").cut] == [Edge("s2", "z2")]
    assert [push.change for push in row(found, "w12").pushes] == [0.0] * 4
    assert why(net, "w12", w12=-3.0) == "cut at s2 -> z2: z2 is dead, f_prime(s2) = 0 at s2 = -1.5"
    assert row(found, "w22").flips == ("z2", "h2"), "a finite push of the other weight wakes the neuron"
    assert why(net, "v22", w12=-3.0) == "cut at v22 -> u2: z2 = 0, a dead neuron's output (s2 = -1.5)"
    assert row(found, "w11").verdict is Verdict.MOVES


def test_zero_inputs_and_zero_weights_cut() -> None:
    net = bp.example("lecture")
    assert why(net, "w11", x1=0.0) == "cut at w11 -> s1: the input x1 = 0"
    assert why(net, "v12", p21=0.0).startswith("cut at h2 -> a: the parameter p21 = 0")
    two = net.wiggle({"p11": 0.0, "v12": 0.0}, wrt="w11").rows[0]
    assert [zero.link for zero in two.cut] == [Edge("z1", "u2"), Edge("h1", "a")]
    assert net.wiggle({"p11": 0.0, "p21": 0.0}, wrt="w11").rows[0].verdict is Verdict.CUT


def test_cancellation_is_no_cut() -> None:
    text = 'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\ns = "w*x"\nz = "2*s"\na = "z - 2*s + 1"\n'
    found = bp.loads(text).wiggle({"x": 3.0, "w": 0.1}).rows[0]
    assert (found.verdict, found.cut) == (Verdict.CANCELS, ())
    assert "2 live paths cancel" in wiggle_report(bp.loads(text).wiggle({"x": 3.0, "w": 0.1}))


def test_what_no_path_reaches_and_what_is_not_finite() -> None:
    text = 'inputs = ["x"]\nparameters = ["w", "v"]\noutput = "a"\nloss = "a + v"\n[nodes]\na = "log(w*x)"\n'
    net = bp.loads(text)
    found = net.wiggle({"x": 1.0, "w": 0.0, "v": 1.0})
    assert row(found, "v").verdict is Verdict.ABSENT
    assert row(found, "w").verdict is Verdict.UNDEFINED
    data = json.loads(wiggle_report(found, "json"))
    assert data["parameters"][0]["derivative"] is None


def test_kinks_saturation_and_finite_flips_are_told_apart() -> None:
    text = 'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\ns = "w*x"\na = "FUNCTION(s)"\n'
    relu, tanh = (bp.loads(text.replace("FUNCTION", name)) for name in ("relu", "tanh"))
    assert "at a kink of a" in why(relu, "w", x=1.0, w=0.0)
    assert why(relu, "w", x=1.0, w=0.5) == "moves; pushed -1, a flips"
    assert why(relu, "w", x=1.0, w=5.0) == "moves"
    assert "a is saturated, tanh_prime(s) = 0 at s = 400" in why(tanh, "w", x=1.0, w=400.0)


@pytest.mark.parametrize(("w", "flips"), [(-0.5, ("a",)), (-0.0005, ()), (0.0005, ()), (0.5, ("a",))])
def test_what_a_small_push_reaches_is_no_news_of_the_finite_one(w: float, flips: tuple[str, ...]) -> None:
    """Near a kink the small push on the side of the kink crosses it too."""
    text = 'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "relu(w*x)"\n'
    assert bp.loads(text).wiggle({"x": 1.0, "w": w}, small=1e-3, finite=1.0).rows[0].flips == flips


def test_a_formula_of_many_parts_says_which_factor_is_zero() -> None:
    text = 'inputs = ["x"]\nparameters = ["w", "b"]\noutput = "a"\n[nodes]\na = "relu(w*x + b)"\n'
    net = bp.loads(text)
    dead = net.wiggle({"x": 2.0, "w": -1.0, "b": 0.7}, wrt="w")
    assert "relu_prime(w * x + b) = 0 at w * x + b = -1.3" in wiggle_report(dead, ascii=True, width=300)


def test_entries_of_tensors() -> None:
    net, values = dense()
    found = net.wiggle(values)
    assert len(found.rows) == sum(array.size for array in net.init().values())
    for each in found.rows[:: len(found.rows) // 7]:
        assert each.derivative == pytest.approx(net.derive("loss", wrt=each.name).evaluate(**values), abs=1e-15)
    assert row(found, "W1[0,0]").cut[0].link == Edge("s1[0]", "z1[0]")
    assert net.wiggle(values, of="s2[1]", wrt="b2").rows[1].derivative == 1.0


def test_one_entry_of_a_large_network() -> None:
    net = bp.parse("x[90] -> dense(80, relu) -> dense(3) -> cross_entropy")
    values = {"x": np.linspace(-1, 1, 90), "y": 2, **net.init(seed=1)}
    found = net.wiggle(values, wrt=["W1[2,5]", "b1[7]"])
    for each in found.rows:
        assert each.derivative == pytest.approx(net.derive("loss", wrt=each.name).evaluate(**values), rel=1e-12)
    with pytest.raises(bp.BackpropsymError, match="more than 2,000 entries"):
        net.wiggle(values)


def test_shares_of_dead_neurons() -> None:
    net, values = dense()
    x = np.random.default_rng(0).normal(size=(40, 3))
    found = net.dead({**values, "x": x, "y": np.ones(40)})
    sums = x @ values["W1"].T + values["b1"]
    assert found.objects == 40
    assert set(found.shares) == {"z1"}
    np.testing.assert_allclose(found.shares["z1"], (sums <= 0).mean(axis=0))
    lecture = bp.example("lecture").dead({"x1": [1.0, 1.0, 9.0, 9.0], "x2": [2.0, 2.0, 2.0, 2.0]})
    assert {name: float(share) for name, share in lecture.shares.items()} == {
        "z1": 0.0,
        "z2": 0.5,
        "h1": 0.0,
        "h2": 0.5,
    }
    with pytest.raises(bp.BackpropsymError, match="leading axis"):
        net.dead(values)


@pytest.mark.parametrize("medium", ["text", "markdown", "json"])
def test_every_medium_shows_every_parameter(medium: str) -> None:
    net = bp.example("lecture")
    written = wiggle_report(net.wiggle({"w12": -3.0}), medium, ascii=True, width=400)
    for name in net.parameters:
        assert (f"{name[0]}_{{{name[1:]}}}" if medium == "markdown" else name) in written
    assert "is dead" in written
    dead = wiggle_report(net.dead({"x1": [1.0, 9.0]}), medium)
    assert ("0.5" if medium == "json" else "50") in dead


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMATS if suffix not in (".png", ".pdf")])
def test_pictures_bar_the_cut_links(suffix: str, tmp_path: Path) -> None:
    file, at = tmp_path / f"cut{suffix}", tmp_path / "at.toml"
    at.write_text("w12 = -3.0\n", encoding="utf-8")
    assert run("wiggle", "lecture", "--at", str(at), "--wrt", "w12", "-o", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    mark = {".dot": "style=dashed", ".mmd": "stroke-dasharray", ".md": "stroke-dasharray"}
    mark[".tex"] = "% s2 to z2"
    assert mark.get(suffix, 'class="cut" data-link="s2-z2"') in text


def test_a_cut_at_a_weight_bars_the_link_that_carries_it() -> None:
    drawing = wiggle_drawing(bp.example("lecture").wiggle({"x1": 0.0}, wrt=["w11", "p11"]))
    assert drawing.scene.cuts == (("x1", "s1"),)
    assert len(re.findall('class="cut"', drawing.svg)) == 2, "two bars"


def test_the_command_reads_objects_and_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x1=[1.0, 9.0], x2=[2.0, 2.0])
    found = json.loads(run("wiggle", "lecture", "--data", str(tmp_path / "data.npz"), "--json").stdout)
    assert found == {"objects": 2, "dead": {"z1": 0.0, "z2": 0.5, "h1": 0.0, "h2": 0.5}}
    found = json.loads(run("wiggle", "lecture", "--wrt", "w11", "--wrt", "x1", "--json").stdout)
    assert [each["name"] for each in found["parameters"]] == ["w11", "x1"]
    assert run("wiggle", "lecture").stdout.startswith("What each parameter does to a = 2.25")


def test_mistakes_are_said_in_words() -> None:
    missing = run("wiggle", DENSE)
    assert missing.exit_code == 2
    assert "a file with --at" in missing.stderr
    assert run("wiggle", "abstract").exit_code == 2
    assert run("wiggle", "lecture", "--wrt", "w99").exit_code == 2
    net, values = dense()
    for mistake in ({"of": "s2"}, {"small": 0.0}, {"finite": float("nan")}):
        with pytest.raises(bp.BackpropsymError):
            net.wiggle(values, **mistake)
    with pytest.raises(bp.BackpropsymError, match="one object"):
        bp.example("lecture").wiggle({"x1": [1.0, 2.0]})


def test_entries_are_barred_in_the_picture_of_neurons() -> None:
    net, values = dense()
    drawing = wiggle_drawing(net.wiggle(values, wrt=["W1[0,0]", "W2[0,1]"]))
    assert drawing.scene.cuts == (("s1[0]", "z1[0]"), ("z1[1]", "s2[0]"))
    assert drawing.svg.count('class="cut"') == 4
