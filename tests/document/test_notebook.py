"""Networks, derivations and reports show themselves in notebooks, and nothing in them is markup."""

from __future__ import annotations

import pickle
from html.parser import HTMLParser
from typing import Any

import pytest

import backpropsym as bp
from backpropsym.checks.report import Report
from backpropsym.learn.descent import Plan

THINGS = {
    "scalar network": lambda: bp.example("lecture"),
    "tensor network": lambda: bp.example("digits"),
    "scalar derivation": lambda: bp.example("lecture").derive("loss", wrt="w11"),
    "entry derivation": lambda: bp.example("convolution").derive("loss", wrt="K[0,0]"),
    "tensor derivation": lambda: bp.example("convolution").derive("loss", wrt="K"),
}


@pytest.mark.parametrize("name", THINGS)
def test_everything_has_a_picture_mathematics_and_text(name: str) -> None:
    found = THINGS[name]()._repr_mimebundle_()  # type: ignore[no-untyped-call]
    assert set(found) == {"text/plain", "image/svg+xml", "text/latex"}
    assert found["image/svg+xml"].startswith("<svg ")
    assert found["text/latex"].startswith("$$\n\\begin{aligned}")
    assert "textcolor" not in found["text/latex"]
    assert "\\tag" not in found["text/latex"]


def test_the_mathematics_is_the_derivation() -> None:
    text = bp.example("lecture").derive("a", wrt="w11")._repr_latex_()
    assert r"x_{1} \cdot f'(s_{1}) \cdot v_{11} \cdot f'(u_{1}) \cdot p_{11}" in text
    assert r"s_{1} &= w_{11} \cdot x_{1} + w_{21} \cdot x_{2}" in bp.example("lecture")._repr_latex_()


def test_what_is_too_large_for_a_picture_is_still_shown_as_text() -> None:
    nodes = "\n".join(f'z{i + 1} = "tanh(z{i})"' for i in range(2100))
    net = bp.loads(f'inputs = ["z0"]\noutput = "z2100"\n[nodes]\n{nodes}')
    assert set(net._repr_mimebundle_()) == {"text/plain", "text/latex"}


def _results(net: bp.Network) -> dict[str, Any]:
    """Every result that shows itself as the page of its command."""
    return {
        "Trace of loss: ": net.trace(),
        "Wiggles of a = 2.25 by 2 names": net.wiggle(wrt=["w11", "p11"]),
        "DeadShares of ": net.dead({"x1": [1.0, -1.0], "x2": [0.5, 2.0]}),
        "Jacobian of a by w11, w12: 2 derivations": net.jacobian("a", ["w11", "w12"]),
        "Hessian(of loss, 2 x 2)": net.hessian("loss", ["w11", "w12"]),
        "Verdict on da/dv11 = p11*f(u1)*z1: wrong, function for derivative": net.verify("p11*f(u1)*z1", wrt="v11"),
        "Training of loss: stopped after 12 steps": net.train(plan=Plan(rate=0.01)),
        "Report on derivatives of loss: passed": net.check(samples=1),
    }


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_results_are_tables_in_notebooks_and_one_line_elsewhere() -> None:
    for words, result in _results(bp.example("lecture")).items():
        assert words in repr(result)
        assert len(repr(result)) < 300
        html = result._repr_html_()
        assert html.startswith('<div class="backpropsym">')
        assert "<td>" in html or "<td " in html


def test_nothing_that_a_network_is_called_is_markup_in_a_notebook() -> None:
    net = bp.loads(
        'title = "<script>alert(1)</script>"\ninputs = ["x"]\nparameters = ["w"]\noutput = "a"\n'
        '[nodes]\na = "tanh(w*x)"\n[values]\nx = 1.0\nw = 0.5\n'
    )
    for result in (net.trace(), net.wiggle(), net.check(samples=1), net.handout(), net.explore()):
        reader = _Tags()
        reader.feed(result._repr_html_())
        assert "script" not in reader.tags


def test_pages_of_their_own_stand_in_frames() -> None:
    net = bp.example("lecture")
    sheet, page = net.handout()._repr_html_(), net.explore()._repr_html_()
    assert 'sandbox=""' in sheet
    assert 'sandbox="allow-scripts"' in page
    assert all(text.startswith("<iframe srcdoc=") and "&lt;svg" in text for text in (sheet, page))


def test_results_are_what_they_were_and_travel() -> None:
    report = bp.check(bp.example("lecture"), samples=1)
    assert isinstance(report, Report)
    assert pickle.loads(pickle.dumps(report)).rows == report.rows


def test_a_network_on_its_way_is_looked_at_without_a_traceback() -> None:
    net = bp.Network("mine")
    x = net.input("x")
    assert net._repr_mimebundle_() == {"text/plain": "<Network 'mine', not finished: the network has no output>"}
    assert net._repr_latex_() is None
    net.output = net.node("a", bp.tanh(net.parameter("w") * x))
    assert repr(net) == "<Network 'mine': 3 nodes, 1 parameter>"
    assert set(net._repr_mimebundle_()) == {"text/plain", "image/svg+xml", "text/latex"}


def test_slides_show_themselves_as_an_animation() -> None:
    found = bp.example("lecture").slides(wrt="w11")._repr_mimebundle_()
    assert found["image/svg+xml"].count('-step" data-kind=') == 7
    assert found["text/plain"] == "<Slides of 'The network of the lecture': 7 steps>"


def test_what_was_defined_entry_by_entry_is_told_so() -> None:
    """As the lecture writes a convolution, not as it is stored; another letter would be another formula."""
    net = bp.example("convolution")
    formula = r"(\sum_{k=0}^{2} \sum_{l=0}^{2} K_{k,l} \cdot \mathrm{im}_{i + k,j + l}) + b"
    assert rf"\mathrm{{out}}_{{i,j}} &= {formula}" in net._repr_latex_()
    forward = next(step for step in net.slides("loss", wrt="K").story.steps if step.kind == "forward")
    assert "out[i,j] = (∑ k<3 ∑ l<3 K[k,l] · im[i + k,j + l]) + b" in forward.formulas
