"""Jacobians, Hessians and products with a direction, as tables of formulas and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from backpropsym.arrays import Array, Numeric, Values
from backpropsym.derive.analyses.hessian import Hessian
from backpropsym.derive.analyses.jacobian import Jacobian
from backpropsym.derive.derivation import MAX_TERMS, Derivation, count_text
from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.document.derivation.conventions import here
from backpropsym.document.formulas import Entries, Formula, Node, Prose, Quotient, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.numbers import finite_data
from backpropsym.errors import AbstractFunctionError, LimitError, ValuesError, counted
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph

LIMIT = 40
_TITLE_NAMES = 12
ROOM = 70
"""Letters of a formula on one line of a landscape page, beside the other columns."""


class _Entry(NamedTuple):
    """One entry of the matrix; `value` is None where numbers are missing, and of a Hessian comes from the matrix.

    `part` is None where formulas are too long to be derived, and numbers alone are there.
    """

    of: str
    wrt: str
    part: Derivation | None
    value: Numeric | None

    @property
    def paths(self) -> int | None:
        """How many paths there are."""
        return None if self.part is None else self.part.count

    @property
    def tree(self) -> Expr | None:
        """The factored formula, in index notation for tensors; None where it would be too long."""
        if self.part is None or self.part.count > MAX_TERMS:
            return None
        try:
            return self.part.tree("index" if self.part.between_arrays else "factored")
        except LimitError:
            return None

    def row(self) -> tuple[Prose, ...]:
        """The entry as a row of the table."""
        tree, value = self.tree, () if self.value is None else (Entries(self.value),)
        if self.part is None:
            return (Quotient(self.of, self.wrt), "", "too long to be written", *value)
        formula = Formula(tree, thin=True) if tree is not None else counted(self.part.count, "path")
        return (Quotient(self.of, self.wrt), count_text(self.part.count), formula, *value)


class MatrixReport:
    """A Hessian or a Jacobian on its way to a medium.

    Parameters
    ----------
    values : numbers by name; without them those of the network, and formulas alone where they are not complete.
    limit : the most entries that are listed; default 40, in JSON 1,000.

    Raises
    ------
    ValuesError : `values` are given and some are missing.
    """

    def __init__(self, found: Hessian | Jacobian, values: Values | None = None, limit: int | None = None):
        self.found = found
        self.values = dict(values or {})
        self.limit = limit
        self.matrix = self._matrix(values is not None)

    @property
    def graph(self) -> Graph:
        """The network whose names are written."""
        if isinstance(self.found, Hessian):
            return self.found.graph if self._derivable else self.found.carrier.graph
        return next(iter(self.found.parts.values())).graph

    def _matrix(self, wanted: bool) -> Array | None:
        """All numbers; None where they cannot be had and were not asked for."""
        try:
            return self.found.evaluate(**self.values)
        except (ValuesError, AbstractFunctionError, LimitError):
            if wanted:
                raise
            return None

    def _entries(self) -> Iterable[_Entry]:
        """The entries that are listed; of a Hessian those that are not zero everywhere."""
        if isinstance(self.found, Jacobian):
            for (of, by), part in self.found.parts.items():
                yield _Entry(of, by, part, None if self.matrix is None else part.evaluate(**self.values))
            return
        at = {name: place for place, name in enumerate(self.found.names)}
        source = self.found if self._derivable else self.found.carrier
        for row, column in self.found.upper():
            entry = source[row, column] if self._derivable else None
            value = None if self.matrix is None else float(self.matrix[at[row], at[column]])
            if value if entry is None else entry.count:
                yield _Entry(source.symbols[row], column, entry, value)

    @cached_property
    def _derivable(self) -> bool:
        """Whether entries have formulas; without them there must be numbers."""
        assert isinstance(self.found, Hessian)
        try:
            return self.found.paths is not None
        except LimitError:
            if self.matrix is None:
                raise
            return False

    def page(self) -> Page:
        """The report as a page."""
        return Page(Notation.of(self.graph), lambda: (self.table(),), self.data, self.graph.title)

    def table(self) -> Table:
        """One row an entry: the derivative, its paths, its factored formula and its number."""
        listed = list(islice(self._entries(), (self.limit or LIMIT) + 1))
        rows = tuple(each.row() for each in listed[: self.limit or LIMIT])
        notes = self._notes(len(listed) > len(rows))
        heads = ("derivative", "paths", "formula", *(() if self.matrix is None else ("value",)))
        return Table(self._title(), heads, rows, frozenset({1}), notes, ROOM)

    def _title(self) -> str:
        if isinstance(self.found, Hessian):
            size = len(self.found.names)
            return f"Second derivatives of {self.found.of}, a matrix of {size} x {size}"
        return f"Derivatives of {_listed(self.found.of)} by {_listed(self.found.wrt)}"

    def _notes(self, more: bool) -> tuple[Prose, ...]:
        notes: list[Prose] = []
        if isinstance(self.found, Hessian):
            notes.append("The matrix is symmetric; pairs without a row are zero everywhere.")
        if more:
            notes.append("More pairs are not listed: --limit N lists more.")
        nodes = [name for name, node in self.graph.nodes.items() if node.formula is not None]
        return (*notes, *here(self.graph, nodes))

    def data(self) -> dict[str, object]:
        """The report as data that JSON can hold.

        Returns
        -------
        Keys `of`; `names` of a Hessian, or `wrt`; `entries`, each with `of`, `wrt`, `count`, `expression` (both None
        where formulas are too long) and with numbers `value`; `matrix`, all numbers as nested lists, or None.
        """
        table = self.graph.functions
        entries = []
        for each in islice(self._entries(), self.limit or MAX_TERMS):
            entry: dict[str, object] = {"of": each.of, "wrt": each.wrt, "count": each.paths}
            entry["expression"] = None if (tree := each.tree) is None else sympy_text(table, tree)
            if each.value is not None:
                entry["value"] = finite_data(each.value)
            entries.append(entry)
        names = {"names": list(self.found.names)} if isinstance(self.found, Hessian) else {"wrt": list(self.found.wrt)}
        of_names = self.found.of if isinstance(self.found, Hessian) else list(self.found.of)
        matrix = None if self.matrix is None else finite_data(self.matrix)
        return {"of": of_names, **names, "entries": entries, "matrix": matrix}


def _listed(names: Sequence[str]) -> str:
    """`names` in a title, or the first ones and how many more there are."""
    more = len(names) - _TITLE_NAMES
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_TITLE_NAMES])} and {more:,} more"


def product_page(found: Hessian, product: Mapping[str, float]) -> Page:
    """The product of a Hessian with a direction: one number a name."""
    title = f"Second derivatives of {found.of} times the direction"
    rows = tuple((Node(name), Value(value)) for name, value in product.items())
    data = {"of": found.of, "product": {name: finite_data(value) for name, value in product.items()}}
    table = Table(title, ("row", "product"), rows, frozenset({1}))
    return Page(Notation.of(found.whole), lambda: (table,), lambda: data, found.whole.title)
