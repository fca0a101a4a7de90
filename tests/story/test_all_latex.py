"""Every form of every bundled network at every level, as LaTeX: one document a network, and pdflatex's verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.derive.forms.registry import FORMS, of_arrays, of_numbers
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.report import page
from backpropsym.document.formats.latex import LANDSCAPE, document, fragment
from backpropsym.document.registry import Layout
from backpropsym.errors import BackpropsymError, LimitError, UnknownNameError, ValuesError
from backpropsym.graph.levels import LEVELS
from backpropsym.spec.source import examples
from tests.documents import compiled

WAYS = [*((form, False) for form in FORMS), ("paths", True)]


def networks(name: str) -> Iterator[bp.Network]:
    """The network as it is written, and at every level at which it can be told."""
    whole = bp.example(name)
    yield whole
    for level in LEVELS:
        try:
            yield whole.at_level(level)
        except LimitError:
            assert (name, level) == ("digits", "neurons"), "795,010 parameters and no other network are too many"


def fragments(name: str) -> Iterator[str]:
    """The output by the first parameter, the loss by the first, the last and an input, in every form they have."""
    for network in networks(name):
        first, *_, last = [*network.parameters, next(iter(network.parameters))]
        pairs = [(None, first), ("loss", first), ("loss", next(iter(network.inputs))), ("loss", last)]
        for of, wrt in pairs[:2] if name == "deep" else pairs:
            derivation = network.derive(of, wrt=wrt)
            for form, braces in WAYS:
                layout = Layout(room=LANDSCAPE, braces=braces)
                try:
                    yield fragment(page(derivation, form, View({} if form == "numeric" else None)), layout)
                except BackpropsymError as error:
                    assert may_refuse(network, form, error), f"{of} by {wrt}, {form}: {error}"


def may_refuse(network: bp.Network, form: str, error: BackpropsymError) -> bool:
    """Whether there is a reason that a form is not told: no numbers, whole tensors, or a sum too long to write."""
    given = network.graph.values.keys() >= {*network.inputs, *network.parameters}
    match error:
        case ValuesError():
            return form == "numeric" and not given
        case UnknownNameError():
            return not network.graph.scalar and form in set(of_numbers()) - set(of_arrays())
        case _:
            return isinstance(error, LimitError) and form == "expanded" and len(network.graph.nodes) > 400


def check(parts: list[str], folder: Path) -> None:
    """A document with a page or more for each part, against pdflatex."""
    marked = (rf"\typeout{{part {number} on page \thepage}}" + "\n" + part for number, part in enumerate(parts))
    done = compiled(document("\n\\newpage\n".join(marked)), folder)
    assert f"part {len(parts) - 1} on page" in done.log
    assert done.pages >= len(parts)
    for complaint in ("Overfull", "Missing character", "inside a group"):
        assert complaint not in done.log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", examples())
def test_every_form_of_every_example_at_every_level_compiles(name: str, tmp_path: Path) -> None:
    parts = list(fragments(name))
    assert len(parts) >= len(of_arrays()) * len(LEVELS)
    check(parts, tmp_path)


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize(("whole", "broken"), [(r"\cdot", r"\dotc"), ("}", ""), ("s", "s" * 200)])
def test_a_mistake_in_one_part_is_seen(whole: str, broken: str, tmp_path: Path) -> None:
    """A command misspelt, a brace lost, or a line too long, in one part of many."""
    parts = list(fragments("neuron"))
    check(parts, tmp_path)
    parts[7] = broken.join(parts[7].rsplit(whole, 1))
    with pytest.raises(AssertionError):
        check(parts, tmp_path)
