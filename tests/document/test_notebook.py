"""Networks, derivations and reports show themselves in notebooks, and nothing in them is markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import backpropsym as bp

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


def test_a_report_is_a_table_without_markup_of_its_names() -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            assert not attrs

    report = bp.check(bp.example("lecture"), samples=1)
    reader = Reader()
    reader.feed(report._repr_html_())
    assert set(reader.tags) <= {"table", "caption", "tr", "th", "td", "div"}
    assert reader.tags.count("tr") == 1 + len(report.rows)
    assert "passed" in report._repr_html_()


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
