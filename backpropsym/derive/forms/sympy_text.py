"""Formulas as texts that SymPy's `parse_expr` reads with the names of nodes as symbols.

A node may be called like a word that stands in such a text: `Sum`, `exp`, `oo`. The text then calls the node otherwise,
`Sum_`; what people read keeps their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from backpropsym.derive.forms.callable_text import callable_products
from backpropsym.derive.forms.sympy_words import plain
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Expr, Name, called, children, names, rebuild
from backpropsym.ops.function_table import FunctionTable

_CONSTANTS = frozenset(("oo",))
_Data = TypeVar("_Data")


class SympyTexts:
    """Writes formulas, and keeps what they name and what they call.

    Attributes
    ----------
    renamed : how nodes are called in the texts, by their own names; the others keep theirs.
    """

    def __init__(self, table: FunctionTable, renamed: Mapping[str, str] | None = None) -> None:
        self.table = table
        self.renamed = dict(renamed or {})
        self._called: set[str] = set(_CONSTANTS)
        self._named: set[str] = set()

    def text(self, expr: Expr) -> str:
        """`expr` in functions that SymPy has, in registered ones, and in words of printed formulas."""
        tree = self.table.written(expr)
        self._named.update(name.partition("[")[0] for name in names(tree))
        tree = callable_products(plain(self._named_anew(tree) if self.renamed else tree))
        self._called.update(called(tree))
        return to_text(tree)

    def symbol(self, name: str) -> str:
        """A name as the texts have it."""
        base, bracket, position = name.partition("[")
        return self.renamed.get(base, base) + bracket + position

    def clashes(self) -> dict[str, str]:
        """Other names for nodes that are called like words in the texts so far."""
        found: dict[str, str] = {}
        for name in sorted(self._named & self._called - set(self.renamed.values())):
            other = f"{name}_"
            while other in self._named or other in self._called:
                other += "_"
            found[name] = other
        return found

    def _named_anew(self, expr: Expr) -> Expr:
        if isinstance(expr, Name):
            return Name(self.symbol(expr.name))
        parts = children(expr)
        return rebuild(expr, tuple(map(self._named_anew, parts))) if parts else expr


def with_clear_names(table: FunctionTable, write: Callable[[SympyTexts], _Data]) -> tuple[_Data, dict[str, str]]:
    """What `write` makes with texts in which no name is also a word, and the nodes that are renamed for that."""
    texts = SympyTexts(table)
    found = write(texts)
    clashes = texts.clashes()
    if not clashes:
        return found, {}
    return write(SympyTexts(table, clashes)), clashes


def sympy_text(table: FunctionTable, expr: Expr) -> str:
    """One formula as such a text."""
    return with_clear_names(table, lambda texts: texts.text(expr))[0]
