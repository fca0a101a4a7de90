"""What every medium lists of a derivation: the terms of its sum, and the equations of its programme."""

from __future__ import annotations

from itertools import islice

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.programme import Programme
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.formula.tree import Add, Expr


def terms(derivation: Derivation, form: str) -> tuple[Expr, ...]:
    """The sum in `form` term by term, one for each path.

    Raises
    ------
    LimitError : the form would be too large to write out.
    """
    tree = derivation.tree(form)
    return tree.terms if isinstance(tree, Add) and derivation.count > 1 else (tree,)


def equations(steps: Programme, writer: Writer, limit: int | None = None) -> list[tuple[str, str]]:
    """Left and right side of each equation of a programme, derivatives written as quotients."""
    symbols = [steps.symbols[steps.varying(each)] for each in steps.equations]
    meaning = {symbol: (each.of, each.by) for symbol, each in zip(symbols, steps.equations, strict=True)}
    inner = writer.with_derivatives(meaning)
    shown = islice(zip(symbols, steps.equations, strict=True), limit)
    return [(inner.name(symbol), inner.write(steps.right_side(each))) for symbol, each in shown]
