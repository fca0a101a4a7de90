"""The rules of the grammar of claims that calls and sums lead back to."""

from __future__ import annotations

from typing import Protocol

from backpropsym.formula.tree import Expr, Span


class Grammar(Protocol):
    """Reads parts of a claim at the position of a scanner.

    Attributes
    ----------
    whole : the arrays named without subscripts so far, each with its place in the text.
    """

    whole: list[tuple[str, Span]]

    def sum(self) -> Expr:
        """A sum of products."""

    def product(self) -> Expr:
        """A product of powers."""

    def power(self) -> Expr:
        """A power, or only its base."""

    def exponent(self) -> Expr | None:
        """An exponent, or None if none follows."""

    def raised(self, base: Expr, exponent: Expr) -> Expr:
        """A power, its exponent checked."""

    def group(self) -> Expr:
        """The argument of a LaTeX command."""
