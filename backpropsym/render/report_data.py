"""A derivation as plain data for scripts: what `backpropsym derive --json` prints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from backpropsym.derive.derivation import MAX_TERMS, Derivation, NumericTerm, Term, count_text
from backpropsym.formula.text import to_text
from backpropsym.render.conventions import conventions
from backpropsym.render.notation import Notation
from backpropsym.render.unicode import AsciiWriter


def data(
    derivation: Derivation, form: str = "paths", values: Mapping[str, Any] | None = None, limit: int = MAX_TERMS
) -> dict[str, Any]:
    """`derivation` in `form` as data that JSON can hold.

    Parameters
    ----------
    values : numbers for the numeric form, completed by the network's own.
    limit : the most terms and equations that are listed; `count` is exact in any case.

    Returns
    -------
    Keys `of`, `wrt`, `form`, `count`, `terms`, `expression`, `output`, `conventions`; by form also `value` and
    `equations`; and `outer`, the two derivatives whose product it is, where the factor of the loss stands apart.
    Texts are read by `sympy.parse_expr` with the names of nodes as symbols. `expression` is None where the sum has
    too many paths to be written out.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    writable = form not in ("paths", "numeric") or derivation.count <= MAX_TERMS
    found: dict[str, Any] = {
        "of": derivation.of,
        "wrt": derivation.wrt,
        "form": form,
        "count": derivation.count,
        "terms": _terms(derivation, form, values, limit),
        "expression": derivation.expression(form) if writable else None,
        "output": getattr(derivation, "whole", derivation.graph).output,
        "conventions": conventions(derivation, AsciiWriter(Notation.of(derivation.graph))),
    }
    if not writable:
        found["note"] = f"{count_text(derivation.count)} paths are not written out as one sum"
    return found | _extras(derivation, form, values, limit)


def _extras(derivation: Derivation, form: str, values: Mapping[str, Any] | None, limit: int) -> dict[str, Any]:
    """What only some forms and derivatives have."""
    found: dict[str, Any] = {}
    if form == "numeric":
        found["value"] = finite(derivation.evaluate(**dict(values or {})))
    if form in ("backward", "forward") and derivation.count:
        found["equations"] = _equations(derivation, form, limit)
    if derivation.outer is not None and derivation.count <= MAX_TERMS:
        found["outer"] = [
            {"of": part.of, "wrt": part.wrt, "expression": part.expression()} for part in derivation.outer
        ]
    return found


def finite(value: float) -> float | None:
    """`value`, or None where it is not finite: JSON has no word for that."""
    return value if math.isfinite(value) else None


def _terms(derivation: Derivation, form: str, values: Mapping[str, Any] | None, limit: int) -> list[dict[str, Any]]:
    if form != "numeric":
        return [_term(term) for term in itertools.islice(derivation.terms, limit)]
    top = limit if derivation.count > limit else None
    return [_numeric(each) for each in derivation.numeric(values, top)] if derivation.count else []


def _term(term: Term) -> dict[str, Any]:
    return {"path": list(term.path), "factors": list(term.texts), "product": term.product}


def _numeric(each: NumericTerm) -> dict[str, Any]:
    numbers = [finite(number) for number in each.numbers]
    return _term(each.term) | {"numbers": numbers, "value": finite(each.value), "share": finite(each.share)}


def _equations(derivation: Derivation, form: str, limit: int) -> list[dict[str, str]]:
    steps, table = derivation.programme(form), derivation.graph.functions
    return [
        {
            "of": each.of,
            "wrt": each.by,
            "symbol": steps.symbols[steps.varying(each)],
            "expression": to_text(table.written(steps.right_side(each))),
        }
        for each in steps.equations[:limit]
    ]
