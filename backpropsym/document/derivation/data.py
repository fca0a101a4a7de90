"""A derivation as plain data for scripts: what `backpropsym derive --json` prints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import cached_property

from backpropsym.arrays import Values
from backpropsym.derive.analyses.kinks import Kink, kink_of
from backpropsym.derive.array_derivation import step, steps
from backpropsym.derive.derivation import MAX_TERMS, Derivation, count_text
from backpropsym.derive.forms.sympy_text import SympyTexts, with_clear_names
from backpropsym.derive.terms import NumericTerm, Term
from backpropsym.document.derivation.conventions import conventions
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.kinks import kink_data
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Expr, children, names
from backpropsym.graph.graph import Graph


def data(
    derivation: Derivation, form: str = "paths", values: Values | None = None, limit: int = MAX_TERMS
) -> dict[str, object]:
    """`derivation` in `form` as data that JSON can hold.

    Parameters
    ----------
    values : numbers for the numeric form, completed by the network's own.
    limit : the most terms and equations that are listed; `count` is exact in any case.

    Returns
    -------
    Keys `of`, `wrt`, `form`, `count`, `terms`, `expression`, `definitions`, `output`, `conventions`; by form also
    `value`, `kink` (both slopes, where a convention at a kink decides) and `equations`; `outer`, the two derivatives
    whose product it is, where the factor of the loss stands apart; and `renamed`, where a node is called like a word
    of the texts, its name in them. Texts are read by `sympy.parse_expr` with the names of nodes as symbols.
    `expression` is None where the sum has too many paths to be written out. `definitions` has the `indices` and the
    `expression` of an entry of each step of a layer that the texts name.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    table = derivation.graph.functions
    found, renamed = with_clear_names(table, lambda texts: _Data(derivation, form, values, limit, texts).whole())
    return found | ({"renamed": renamed} if renamed else {})


class _Data:
    """The data of one derivation in one form, with every formula as a text of `texts`."""

    def __init__(
        self,
        derivation: Derivation,
        form: str,
        values: Values | None,
        limit: int,
        texts: SympyTexts,
    ) -> None:
        self.derivation = derivation
        self.form = form
        self.values = values
        self.limit = limit
        self.texts = texts
        self.named: dict[str, None] = {}
        self.entries: dict[str, None] = {}
        self.graph = derivation.network

    def whole(self) -> dict[str, object]:
        """All of it."""
        derivation, form = self.derivation, self.form
        writable = form not in ("paths", "numeric") or derivation.count <= MAX_TERMS
        found: dict[str, object] = {
            "of": derivation.of,
            "wrt": derivation.wrt,
            "form": form,
            "count": derivation.count,
            "terms": self._terms(),
            "expression": self._text(derivation.tree(form)) if writable else None,
            "output": self.graph.output,
            "conventions": conventions(derivation, AsciiWriter(Notation.of(derivation.graph))),
        }
        if not writable:
            found["note"] = f"{count_text(derivation.count)} paths are not written out as one sum"
        found |= self._extras()
        found["definitions"] = self._derivatives() | definitions(self.graph, self.named, self.texts)
        return found

    def _derivatives(self) -> dict[str, dict[str, object]]:
        """The first derivatives and steps of layers that texts of a second one name, and those in their formulas."""
        graph = self.derivation.graph
        own = graph.derivatives.keys() | graph.listed_steps
        found: dict[str, dict[str, object]] = {}
        while waiting := [name for name in self.entries if name in own and name not in found]:
            for name in waiting:
                formula = graph[name].formula
                assert formula is not None, "a derivative has a formula"
                found[name] = {"indices": [], "expression": self._text(formula)}
        return found

    def _text(self, expr: Expr) -> str:
        self.entries.update(dict.fromkeys(names(expr)))
        self.named.update(dict.fromkeys(name.partition("[")[0] for name in names(expr)))
        return self.texts.text(expr)

    def _extras(self) -> dict[str, object]:
        """What only some forms and derivatives have."""
        derivation, form = self.derivation, self.form
        found: dict[str, object] = {}
        if form == "numeric":
            found["value"] = finite(float(derivation.evaluate(**dict(self.values or {}))))
            found["kink"] = kink_data(self.kink) if self.kink else None
        if form in ("backward", "forward") and derivation.count:
            found["equations"] = self._equations()
        if derivation.outer is not None and derivation.count <= MAX_TERMS:
            found["outer"] = [
                {"of": part.of, "wrt": part.wrt, "expression": self._text(part.tree())} for part in derivation.outer
            ]
        return found

    def _terms(self) -> list[dict[str, object]]:
        derivation = self.derivation
        if self.form != "numeric":
            return [self._term(term) for term in itertools.islice(derivation.terms, self.limit)]
        top = self.limit if derivation.count > self.limit else None
        return [self._numeric(each) for each in derivation.numeric(self.values, top)] if derivation.count else []

    def _term(self, term: Term) -> dict[str, object]:
        factors = [self._text(each) for each in term.derivatives]
        return {"path": list(term.path), "factors": factors, "product": self._text(term.tree)}

    def _numeric(self, each: NumericTerm) -> dict[str, object]:
        numbers = [finite(number) for number in each.numbers]
        found = {"numbers": numbers, "value": finite(each.value), "share": finite(each.share)}
        found["convention"] = self.kink is not None and self.kink.marks(each.term.path, each.numbers)
        return self._term(each.term) | found

    @cached_property
    def kink(self) -> Kink | None:
        """The kink at which the numeric form is; None elsewhere."""
        return kink_of(self.derivation, self.values)

    def _equations(self) -> list[dict[str, str]]:
        steps = self.derivation.programme(self.form)
        return [
            {
                "of": each.of,
                "wrt": each.by,
                "symbol": steps.symbols[steps.varying(each)],
                "expression": self._text(steps.right_side(each)),
            }
            for each in steps.equations[: self.limit]
        ]


def definitions(graph: Graph, named: Iterable[str], texts: SympyTexts) -> dict[str, dict[str, object]]:
    """The steps of layers among the nodes `named`, and those in their formulas: an entry's indices and its formula."""
    found: dict[str, dict[str, object]] = {}
    for name in steps(graph, named):
        entry, formula = step(graph, name)
        found[texts.symbol(name)] = {
            "indices": [to_text(each) for each in children(entry)[1:]],
            "expression": texts.text(formula),
        }
    return found


def finite(value: float) -> float | None:
    """`value`, or None where it is not finite: JSON has no word for that."""
    return value if math.isfinite(value) else None
