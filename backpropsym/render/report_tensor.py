"""Derivatives of tensors for people and scripts: index notation, and the backward programme in matrix notation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from backpropsym.derive.derivation import MAX_TERMS, count_text
from backpropsym.derive.matrix import MatrixEquation, matrix_programme
from backpropsym.derive.tensors import IndexTerm, TensorDerivation
from backpropsym.derive.unroll import entry_name
from backpropsym.errors import UnknownNameError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Index, Limits, MatMul, Name, children, rebuild
from backpropsym.ops.kinds import size_of
from backpropsym.render.conventions import conventions
from backpropsym.render.json_text import json_text
from backpropsym.render.latex import LatexWriter
from backpropsym.render.notation import Notation
from backpropsym.render.unicode import AsciiWriter, UnicodeWriter
from backpropsym.render.writer import Writer

FORMS = ("paths", "index", "matrix", "backward", "numeric")
LIMIT = 20


def tensor_report(
    derivation: TensorDerivation,
    form: str = "paths",
    medium: str = "text",
    values: Mapping[str, Any] | None = None,
    limit: int | None = None,
    ascii: bool = False,
) -> str:
    """`derivation` in `form`, written for `medium`: text, markdown, latex or json.

    Raises
    ------
    UnknownNameError : no such form or medium.
    ValuesError : the numeric form lacks numbers.
    """
    if form not in FORMS:
        fix = f"derivatives of tensors have the forms {', '.join(FORMS)}"
        raise UnknownNameError(f"the form {form} is for networks of scalars, or for one entry such as W[0,0]", fix=fix)
    if form == "numeric" and medium in ("text", "markdown"):
        return f"{np.asarray(derivation.evaluate(**dict(values or {})))}\n"
    match medium:
        case "json":
            return json_text(tensor_data(derivation, form, values, limit or MAX_TERMS))
        case "latex":
            return _Page(derivation, form, LatexWriter(Notation.of(derivation.graph)), limit or MAX_TERMS).latex()
        case "markdown":
            page = _Page(derivation, form, LatexWriter(Notation.of(derivation.graph)), limit or MAX_TERMS)
            return page.markdown()
        case "text":
            notation = Notation.of(derivation.graph)
            writer = AsciiWriter(notation) if ascii else UnicodeWriter(notation)
            return _Page(derivation, form, writer, limit or LIMIT).text()
        case _:
            raise UnknownNameError(f"nothing is written as {medium!r}", fix="choose text, latex, markdown or json")


def tensor_data(
    derivation: TensorDerivation, form: str = "paths", values: Mapping[str, Any] | None = None, limit: int = MAX_TERMS
) -> dict[str, Any]:
    """`derivation` as data that JSON can hold.

    Returns
    -------
    Keys `of`, `wrt`, `form`, `count`, `indices`, `of_indices`, `terms`, `expression`, `conventions`; each term has
    `path`, `factors`, `product`, `sums` as [index, size] or [index, low, high], and `conditions` as
    [low, formula, high]. For the forms matrix and backward, `equations` hold node, symbol and right side; for the
    form numeric, `value` holds the numbers.
    """
    graph = derivation.graph
    terms = [_term(derivation, term) for term in itertools.islice(derivation.terms, limit)]
    found: dict[str, Any] = {
        "of": entry_name(derivation.of, derivation.of_at or ()),
        "wrt": entry_name(derivation.wrt, derivation.wrt_at or ()),
        "form": form,
        "count": derivation.count,
        "indices": list(derivation.indices),
        "of_indices": list(derivation.of_indices),
        "terms": terms,
        "expression": derivation.expression() if derivation.count <= MAX_TERMS else None,
        "output": graph.output,
        "conventions": conventions(derivation, AsciiWriter(Notation.of(graph))),
    }
    if form == "numeric":
        found["value"] = np.asarray(derivation.evaluate(**dict(values or {}))).tolist()
    if form in ("matrix", "backward"):
        table = graph.functions
        found["equations"] = [
            {"node": each.node, "symbol": each.symbol, "expression": to_text(_callable(table.written(each.right)))}
            for each in _equations(derivation)
        ]
        found["expression"] = found["equations"][-1]["expression"] if found["equations"] else "0"
    return found


def _callable(expr: Expr) -> Expr:
    """Matrix products as calls, which SymPy's `parse_expr` reads."""
    parts = tuple(map(_callable, children(expr)))
    if isinstance(expr, MatMul):
        return Call("matmul", parts)
    return rebuild(expr, parts) if parts else expr


def _term(derivation: TensorDerivation, term: IndexTerm) -> dict[str, Any]:
    written = derivation.graph.functions.written
    return {
        "path": list(term.path),
        "factors": [to_text(written(factor)) for factor in term.factors],
        "product": to_text(written(term.product)),
        "sums": [_range(limits) for limits in term.sums],
        "conditions": [[to_text(low), to_text(expr), to_text(high)] for low, expr, high in term.conditions],
    }


def _range(limits: Limits) -> list[Any]:
    """[index, size] where the index starts at zero, else [index, low, high]."""
    size = size_of(limits)
    return [limits.index, to_text(limits.low), to_text(limits.high)] if size is None else [limits.index, size]


def _equations(derivation: TensorDerivation) -> tuple[MatrixEquation, ...]:
    return matrix_programme(derivation.graph, derivation.of, [derivation.wrt])


def _adjoints(derivation: TensorDerivation) -> dict[str, str]:
    """What the symbols of the equations are adjoints of."""
    return {each.symbol: each.symbol.removeprefix("delta_") for each in _equations(derivation)}


class _Page:
    """A derivation on its way to text."""

    def __init__(self, derivation: TensorDerivation, form: str, writer: Writer, limit: int) -> None:
        self.derivation = derivation
        self.form = form
        self.writer = writer.with_adjoints(_adjoints(derivation)) if form in ("matrix", "backward") else writer
        self.limit = limit

    @property
    def title(self) -> str:
        """The derivative that is derived, with its free indices."""
        if self.form not in ("matrix", "backward"):
            return entry_title(self.derivation, self.writer)
        of = entry_name(self.derivation.of, self.derivation.of_at or ())
        wrt = entry_name(self.derivation.wrt, self.derivation.wrt_at or ())
        return self.writer.derivative(of, wrt)

    def lines(self) -> list[tuple[str, str]]:
        """What stands left and right in each line."""
        if self.form in ("matrix", "backward"):
            return [(self._left(each), self.writer.write(each.right)) for each in _equations(self.derivation)]
        paths = itertools.islice(self.derivation.space, self.limit)
        return [
            (self.writer.path(path), summed(self.derivation.term(path, readable=True), self.writer)) for path in paths
        ]

    def _left(self, equation: MatrixEquation) -> str:
        if equation.node == self.derivation.wrt:
            return self.writer.derivative(self.derivation.of, equation.node)
        return self.writer.write(Name(equation.symbol))

    def text(self) -> str:
        """Aligned lines under a heading."""
        count = self.derivation.count
        many = "path" if count == 1 else "paths"
        matrix = self.form in ("matrix", "backward")
        words = "in matrix notation" if matrix else f"= sum over {count_text(count)} layer {many}"
        notes = ", ".join(conventions(self.derivation, self.writer))
        lines = [f"{self.title} {words}" + (f"     {notes}" if notes else "")]
        if not count:
            return f"{self.title} = 0: no {many} lead from {self.derivation.wrt} to {self.derivation.of}\n"
        pairs = self.lines()
        width = max(len(left) for left, _ in pairs)
        lines.append("")
        for number, (left, right) in enumerate(pairs, 1):
            lines.append(f"  {left:<{width}} = {right}" if matrix else f"  {number}   {left:<{width}}     {right}")
        if not matrix and count > len(pairs):
            lines.append(f"  and {count_text(count - len(pairs))} more")
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """An align environment."""
        matrix = self.form in ("matrix", "backward")
        rows = [f"{left} &= {right}" if matrix else right for left, right in self.lines()]
        head, joint = ("", " \\\\\n") if matrix else (f"{self.title} &= ", " \\\\\n&\\quad + ")
        body = head + joint.join(rows or ["0"])
        left = self.derivation.count - len(rows)
        more = rf" \\ &\quad + \cdots \text{{ ({count_text(left)} more)}}" if not matrix and left > 0 else ""
        return f"% In the preamble: \\usepackage{{amsmath}}\n\\begin{{align*}}\n{body}{more}\n\\end{{align*}}\n"

    def markdown(self) -> str:
        """A display formula."""
        lines = self.latex().splitlines()[1:]
        return "$$\n" + "\n".join(lines).replace("align*", "aligned") + "\n$$\n"


def entry_title(derivation: TensorDerivation, writer: Writer) -> str:
    """The derivative that is derived, entry by entry, with its free indices."""
    of = entry_name(derivation.of, derivation.of_at or ())
    wrt = entry_name(derivation.wrt, derivation.wrt_at or ())
    if isinstance(writer, LatexWriter):
        above, below = (
            writer.write(Index(Name(name), tuple(map(Name, indices))) if indices else Name(name))
            for name, indices in ((of, derivation.of_indices), (wrt, derivation.indices))
        )
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    sign = "d" if isinstance(writer, AsciiWriter) else "∂"
    of, wrt = (writer.name(name) for name in (of, wrt))
    return f"{sign}{of}{_tail(derivation.of_indices)}/{sign}{wrt}{_tail(derivation.indices)}"


def summed(term: IndexTerm, writer: Writer) -> str:
    """A term with its sums and conditions."""
    product = writer.write(term.product)
    sums = " ".join(writer.ranged(limits) for limits in term.sums)
    latex = isinstance(writer, LatexWriter)
    at_most = r"\le" if latex else "<=" if isinstance(writer, AsciiWriter) else "≤"
    where = ", ".join(f" {at_most} ".join(map(writer.write, condition)) for condition in term.conditions)
    text = f"{sums} {product}".strip()
    word = r"\quad\text{where }" if latex else "where"
    return f"{text}  {word} {where}" if where else text


def _tail(indices: tuple[str, ...]) -> str:
    return f"[{','.join(indices)}]" if indices else ""
