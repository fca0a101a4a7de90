"""The derivatives of a number by all parameters as one page: a backward programme with each adjoint once."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.adjoint_sums import AdjointRows
from backpropsym.document.derivation.array_page import adjoint_names, steps_told
from backpropsym.document.derivation.conventions import definition_parts, fact_parts
from backpropsym.document.formulas import Formula, Node, Quotient, Words
from backpropsym.document.model import Derived, Page, Programme, Row
from backpropsym.document.notation.names import Notation
from backpropsym.errors import NetworkError
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import of_numbers


def gradients_page(graph: Graph, of: str, view: View | None = None) -> Page:
    """What a page says of the derivatives of `of` by every parameter that it depends on.

    Raises
    ------
    NetworkError : it depends on none.
    NotScalarError, when a format asks for the parts : `of` has axes.
    LimitError, then too : an equation would be too long.
    """
    wanted = graph.ancestors(of)
    names = [name for name, node in graph.nodes.items() if node.role is Role.PARAMETER and name in wanted]
    if not names:
        raise NetworkError(f"{of} depends on no parameter", fix="derive it by an input: leave out --all, give --wrt")
    arrays = not of_numbers(graph, *graph.nodes)
    notation, rows, shown = (_arrays if arrays else _numbers)(graph, of, names)
    limit = (view.limit if view else None) or len(rows)
    told = Words(f"by {len(rows):,} equations, from the output back")
    inner, left_out = steps_told(graph, shown, matrices=arrays)
    between = [name for name in graph.order if name in wanted and name not in names]
    derived = Derived(
        Programme(Node(of), told, rows[:limit], len(rows)),
        conventions=fact_parts(graph, between),
        definitions=(*definition_parts(shown, graph.functions), *inner),
        left_out=left_out,
    )
    return Page(notation, lambda: (derived,), dict, graph.title)


_Made = tuple[Notation, tuple[Row, ...], Sequence[Expr]]


def _numbers(graph: Graph, of: str, names: Sequence[str]) -> _Made:
    """The adjoints of numbers, each a quotient."""
    steps = adjoints(LocalDerivatives(graph), of, names)
    symbols = {steps.symbols[each.by]: (each.of, each.by) for each in steps.equations}
    inner = [each for each in steps.equations[1:] if each.by not in names]
    equations = [*inner, *(each for each in steps.equations[1:] if each.by in names)]
    trees = [steps.right_side(each) for each in equations]
    rows = (Row(Quotient(each.of, each.by), Formula(tree)) for each, tree in zip(equations, trees, strict=True))
    return Notation.of(graph).with_derivatives(symbols), tuple(rows), trees


def _arrays(graph: Graph, of: str, names: Sequence[str]) -> _Made:
    """The adjoints of arrays in matrix notation, entry by entry where it has no sign for them."""
    programme = matrix_programme(graph, of, names)
    inner = [each for each in programme if each.node not in names]
    equations = [*inner, *(each for each in programme if each.node in names)]
    rows = tuple(map(AdjointRows(graph, of, programme, names).row, equations))
    shown = [row.right.tree for row in rows if isinstance(row.right, Formula)]
    return Notation.of(graph).with_adjoints(adjoint_names(programme)), rows, shown
