"""A derivation as Markdown with LaTeX mathematics, as GitHub and notebooks show it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.forms.registry import form_of
from backpropsym.document.derivation.conventions import conventions, spelled_out
from backpropsym.document.derivation.listed_parts import equations, terms
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.errors import printable

LIMIT = 1_000
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&])")


def markdown(derivation: Derivation, form: str = "paths", values: Values | None = None, limit: int = LIMIT) -> str:
    """`derivation` in `form` as Markdown.

    Parameters
    ----------
    values : numbers for the numeric form, completed by the network's own.
    limit : the most paths or equations that are listed.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    writer = LatexWriter(Notation.of(derivation.graph))
    title = derivation.graph.title
    name = writer.derivative(derivation.of, derivation.wrt)
    lines = [f"## {markdown_text(title)}", ""] if title else []
    lines += _body(derivation, form, values, limit, writer, name)
    facts = conventions(derivation, writer)
    locals_ = (derivation.local[link] for link in itertools.islice(derivation.links(), limit))
    facts += spelled_out(locals_, derivation.graph.functions, writer)
    if facts:
        lines += ["", "Here " + ", ".join(f"${fact}$" for fact in facts) + "."]
    return "\n".join(lines) + "\n"


def markdown_of(latex: str, title: str = "") -> str:
    """A LaTeX fragment as Markdown: its formulas as displays, without colours and numbers at the margin."""
    body = re.sub(r"\\definecolor[^\n]*\n", "", latex)
    body = re.sub(r"\\textcolor\{bpPath\d+\}", "", body)
    body = re.sub(r" \\tag\*\{\{\((\d+)\)\}\}", r" && (\1)", body)
    body = body.replace("\\begin{align*}", "$$\n\\begin{aligned}").replace("\\end{align*}", "\\end{aligned}\n$$")
    body = re.sub(r"\{\\raggedright\\noindent (.*?)\\par\}", r"\n\1", body, flags=re.DOTALL)
    return (f"## {markdown_text(title)}\n\n" if title else "") + body


def markdown_text(text: str) -> str:
    """`text` for Markdown: nothing in it is markup."""
    return _ACTIVE.sub(r"\\\1", printable(text))


def _body(
    derivation: Derivation, form: str, values: Values | None, limit: int, writer: LatexWriter, name: str
) -> list[str]:
    form_of(form)
    count = derivation.count
    if count == 0 or derivation.of == derivation.wrt:
        return _display(f"{name} = {min(count, 1)}")
    if form in ("backward", "forward"):
        return _programme(derivation, form, limit, writer)
    if form == "factored":
        return _display(f"{name} = {LatexWriter(writer.notation, thin=True).write(derivation.tree(form))}")
    if form == "numeric":
        total = derivation.evaluate(**dict(values or {}))
        rows = [
            [
                writer.path(each.term.path),
                writer.write(each.term.tree),
                writer.measured(each.value),
                f"{each.share:.1%}".replace("%", r"\,\%"),
            ]
            for each in derivation.numeric(values, top=limit if count > limit else None)
        ]
        head = _display(f"{name} = {writer.measured(total)}")
        return head + _table(("path", "term", "value", "share"), rows) + _left(count, limit)
    if form == "expanded":
        return _display(f"{name} =") + _table(("term",), [[writer.write(each)] for each in terms(derivation, form)])
    if form != "paths":
        return _display(f"{name} = {writer.write(derivation.tree(form))}")
    rows = [[writer.path(term.path), writer.write(term.tree)] for term in itertools.islice(derivation.terms, limit)]
    head = _display(rf"{name} = \sum_{{\text{{paths}}}} \prod_{{\text{{links}}}} \text{{local derivative}}")
    return head + _table(("path", "term"), rows) + _left(count, limit)


def _programme(derivation: Derivation, form: str, limit: int, writer: LatexWriter) -> list[str]:
    steps = derivation.programme(form)
    sides = equations(steps, writer, limit)
    rows = [f"{position}. ${left} = {right}$" for position, (left, right) in enumerate(sides, 1)]
    return rows + _left(len(steps.equations), limit)


def _display(formula: str) -> list[str]:
    return ["$$", formula, "$$", ""]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table with a number before each row, its cells being mathematics."""
    titles = ["", *heads]
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for number, row in enumerate(rows, 1):
        cells = [str(number), *(f"${cell}$" for cell in row)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _left(count: int, limit: int) -> list[str]:
    return ["", f"{count_text(count - limit)} more of {count_text(count)} are not listed."] if count > limit else []
