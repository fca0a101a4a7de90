"""What the page of a network holds: its derivatives by every leaf, and the numbers that it computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, SupportsFloat

from backpropsym.arrays import Values
from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.document.derivation.actions import View as Shown
from backpropsym.document.derivation.adjoint_sums import needs_entries
from backpropsym.document.derivation.report import page
from backpropsym.document.formats.text import LIMIT
from backpropsym.document.notation.names import Notation
from backpropsym.document.registry import write
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.errors import AbstractFunctionError, NetworkError, UnknownNameError
from backpropsym.evaluate.given_numbers import given_numbers
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.backends.registry import backend_of
from backpropsym.kernels.backends.task import Options, Task
from backpropsym.learn.starting_values import random_parameters
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.look.theme_file import theme as named_theme
from backpropsym.picture.look.themes import Theme
from backpropsym.story.explorer.page import Explorer, Leaf, View

MOST_VIEWS = 60
"""Pictures on one page."""

MOST_LINKS = 8_000
"""Links on one page, in all its pictures; at least a few pictures are there."""

_FEWEST_VIEWS = 6

_SCALAR_FORMS = ("paths", "factored", "backward")
_TENSOR_FORMS = ("paths", "matrix")
_ENGINE = "javascript"
_NUMBER = re.compile(r'data-number="(\d+)"')
_ROLES = (Role.PARAMETER, Role.INPUT, Role.TARGET)
_DIGITS = 3


def explorer(
    graph: Graph,
    of: str,
    derive: Callable[[str], Derivation],
    draw: Callable[[str], Drawing],
    values: Values,
    theme: str | Theme,
) -> Explorer:
    """The page of `graph`.

    Parameters
    ----------
    derive, draw : the derivative of `of` by a leaf, and its picture.
    values : numbers by leaf; what they leave out is random for parameters, and 1 for inputs and targets.

    Raises
    ------
    NetworkError : `of` is a leaf.
    ValuesError : numbers are given to what the network does not have.
    """
    if graph[of].op is None:
        raise NetworkError(f"{of} is given, and has no derivatives to explore", fix="choose a computed node with --of")
    writer = UnicodeWriter(Notation.of(graph).on_pages())
    within = graph.ancestors(of)
    leaves = [name for name in graph.names(*_ROLES) if name in within]
    derived = [name for name in leaves if graph[name].role is not Role.TARGET]
    shown = _spread(derived, _most_views(graph))
    computed = _script(graph, of, derived)
    numbers = _numbers(graph, values, drawn=bool(computed))
    return Explorer(
        title=graph.title or "Network",
        leaves=tuple(
            Leaf(name, writer.name(name), str(graph[name].role), float(numbers.get(name, 1.0)) if computed else None)
            for name in leaves
        ),
        nodes=tuple(_equation(graph, name, writer) for name in graph.named.order if name in within and graph[name].op),
        views=tuple(_view(name, derive(name), draw(name)) for name in shown),
        script=computed,
        note=_note(writer.name(of), len(shown), len(derived), bool(computed)),
        theme=theme if isinstance(theme, Theme) else named_theme(theme),
    )


def _numbers(graph: Graph, values: Values, drawn: bool) -> dict[str, Any]:
    """The numbers that the page begins with; parameters are random where none are given and `drawn` asks for it."""
    parameters = random_parameters(graph) if drawn else {}
    rounded = {name: _rounded(value) for name, value in parameters.items()}
    return {**rounded, **graph.values, **given_numbers(graph, values)}


def _equation(graph: Graph, name: str, writer: UnicodeWriter) -> tuple[str, str, str]:
    """A computed node: its name, and both sides of its equation as they are shown."""
    left, right = equation_of(graph, graph[name])
    return name, writer.write(left), writer.write(right)


def _most_views(graph: Graph) -> int:
    """How many pictures of the network fit on one page."""
    links = sum(len(node.parents) for node in graph.nodes.values())
    return min(MOST_VIEWS, max(_FEWEST_VIEWS, MOST_LINKS // max(links, 1)))


def _spread(names: Sequence[str], most: int) -> list[str]:
    """At most so many names, from the first to the last."""
    if len(names) <= most:
        return list(names)
    return [names[at * (len(names) - 1) // (most - 1)] for at in range(most)]


def _view(wrt: str, derivation: Derivation, drawing: Drawing) -> View:
    paths = tuple(sorted({int(number) for number in _NUMBER.findall(drawing.svg)}))
    forms: tuple[str, ...] = _SCALAR_FORMS
    if derivation.between_arrays:
        forms = _TENSOR_FORMS[: 1 + _in_matrices(derivation)]
    text = "\n".join(_text(derivation, form) for form in forms)
    return View(wrt, drawing.svg, paths, derivation.count, text)


def _text(derivation: Derivation, form: str) -> str:
    """A form as text, its names as in the picture, and without what a person would type next."""
    made = page(derivation, form, Shown(limit=LIMIT))
    return write(replace(made, notation=made.notation.on_pages()), "text").split("\n  next")[0].rstrip() + "\n"


def _in_matrices(derivation: Derivation) -> bool:
    """Whether matrix notation says what paths do: not of an array by an array, nor where it is an einsum."""
    if derivation.of_indices:
        return False
    programme = matrix_programme(derivation.graph, derivation.of, [derivation.wrt])
    return not any(needs_entries(equation.right) for equation in programme)


def _script(graph: Graph, of: str, wrt: Sequence[str]) -> str:
    """What computes, where functions have formulas and the network is one that a page computes; else nothing."""
    task = Task(replace(graph, output=of, loss=None), Options("reverse", "default", tuple(wrt), _ENGINE, None))
    try:
        return backend_of(_ENGINE).printed(task).whole
    except (AbstractFunctionError, UnknownNameError):
        return ""


def _rounded(value: SupportsFloat) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def _note(of: str, shown: int, derived: int, computed: bool) -> str:
    numbers = " Change a number: everything is computed again." if computed else ""
    left = f" Of {derived:,} derivatives {shown} have a picture here." if derived > shown else ""
    return f"Choose by what {of} is derived, and a path to see it alone.{numbers}{left}"
