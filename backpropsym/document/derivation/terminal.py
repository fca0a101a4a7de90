"""A derivation on a terminal: each path in the colour that it has in the picture, with its number beside it."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Sequence

from rich.text import Text

from backpropsym.derive.analyses.kinks import Kink, kink_of
from backpropsym.derive.derivation import Derivation, count_text, paths_text
from backpropsym.derive.forms.registry import form_of
from backpropsym.derive.terms import NumericTerm, Term
from backpropsym.document.derivation.conventions import conventions
from backpropsym.document.derivation.kinks import MARK, kink_text
from backpropsym.document.derivation.listed_parts import equations, terms
from backpropsym.document.derivation.terminal_parts import (
    TextView,
    heading,
    next_steps,
    numbered,
    of_option,
    quoted,
    style,
    where_lines,
    widest,
)
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import LimitError
from backpropsym.formula.tree import ONE, Expr, Mul

_LONGEST_PATH = 30
_REACHED = 5
"""As many nodes are named of those that one reaches."""

_LONGEST_PRODUCT = 40
_ENDS = 6
_LONGEST_BRICKS = 400
_MOST_LINKS = 2_000


def text(derivation: Derivation, form: str = "paths", view: TextView | None = None) -> Text:
    """`derivation` in `form` as styled text; its `plain` is the text without colours.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    return _Page(derivation, view or TextView()).page(form)


def elided(path: Sequence[str], writer: TextWriter) -> str:
    """A path by its nodes; of a long one the first and the last."""
    if len(path) <= _LONGEST_PATH:
        return writer.path(path)
    left = f"{writer.dots} {len(path) - 2 * _ENDS:,} more {writer.dots}"
    return writer.arrow.join((writer.path(path[:_ENDS]), left, writer.path(path[-_ENDS:])))


class _Page:
    def __init__(self, derivation: Derivation, view: TextView) -> None:
        self.derivation = derivation
        self.view = view
        kind = AsciiWriter if view.ascii else UnicodeWriter
        self.notation = Notation.of(derivation.graph)
        self.writer: TextWriter = kind(self.notation)
        self.thin: TextWriter = kind(self.notation, thin=True)

    def page(self, form: str) -> Text:
        form_of(form)
        derivation = self.derivation
        if derivation.count == 0:
            return self.head(f"{self.name()} = 0", "") + self.why_zero()
        if derivation.of == derivation.wrt:
            return self.head(f"{self.name()} = 1", "") + Text("\n")
        pages: dict[str, Callable[[], Text]] = {
            "paths": self.paths,
            "numeric": self.numeric,
            "factored": self.factored,
            "expanded": self.expanded,
            "backward": lambda: self.programme("backward"),
            "forward": lambda: self.programme("forward"),
        }
        return pages[form]() if form in pages else self.formula(form)

    def name(self, derivation: Derivation | None = None) -> str:
        derivation = derivation or self.derivation
        return self.writer.derivative(derivation.of, derivation.wrt)

    def head(self, left: str, right: str, width: int = 0) -> Text:
        return heading(left, right, self.view.width, width)

    def conventions(self) -> str:
        return ", ".join(conventions(self.derivation, self.writer))

    def why_zero(self) -> Text:
        of, wrt, graph = self.derivation.of, self.derivation.wrt, self.derivation.graph
        names = self.writer.name
        why = f"there is no path from {names(wrt)} to {names(of)}"
        if graph.derivatives and graph.between(wrt, of):
            why = f"every path from {names(wrt)} to {names(of)} has a link that is zero everywhere, such as ReLU''"
        elif graph.between(of, wrt):
            why += f"; {names(wrt)} is computed from {names(of)}"
        elif not graph.consumers[wrt]:
            why += f": nothing uses {names(wrt)}"
        else:
            why += f": {names(wrt)} reaches {self.reached(wrt)}"
        return Text(f"\n\n  {why}\n")

    def reached(self, wrt: str) -> str:
        """The named nodes that `wrt` reaches, in the order of computing: the first ones, and how many more."""
        graph = self.derivation.graph
        after = graph.descendants(wrt) - {wrt}
        found = [name for name in graph.order if name in after and graph[name].named]
        more = f" and {len(found) - _REACHED} more" if len(found) > _REACHED else ""
        return ", ".join(map(self.writer.name, found[:_REACHED])) + more

    # The explicit sum

    def paths(self) -> Text:
        outer = self.derivation.outer
        inner = outer[1] if outer else self.derivation
        rows = [self.row(term) for term in itertools.islice(inner.terms, self.view.limit)]
        table = numbered(rows, self.view.width)
        head = self.outer_lines(outer) if outer else Text()
        left = f"{self.name(inner)} = sum over {paths_text(inner.count)}"
        page = head + self.head(left, self.conventions(), widest(table)) + Text("\n\n") + table
        page += self.rest(inner.count, len(rows))
        return page + self.notes(inner) + next_steps(self.derivation, self.view)

    def outer_lines(self, outer: tuple[Derivation, Derivation]) -> Text:
        """The factor of the loss kept apart: dL/dw = dL/da * da/dw, and what dL/da is."""
        first, second = map(self.name, outer)
        lines = Text(f"{self.name()} = {first}{self.writer.times}{second}\n", style="bold")
        value = self.thin.write(outer[0].tree("factored"))
        return lines + Text(f"{first} = {value}\n", style="bold")

    def row(self, term: Term) -> tuple[str, str]:
        return elided(term.path, self.writer), self.product(term.tree)

    def product(self, tree: Expr) -> str:
        if not isinstance(tree, Mul) or len(tree.factors) <= _LONGEST_PRODUCT:
            return self.writer.write(tree)
        left = f"{self.writer.dots} {len(tree.factors) - 2 * _ENDS:,} more {self.writer.dots}"
        first, last = Mul(tree.factors[:_ENDS]), Mul(tree.factors[-_ENDS:])
        return self.writer.times.join((self.writer.write(first), left, self.writer.write(last)))

    def rest(self, count: int, shown: int) -> Text:
        if count <= shown:
            return Text()
        derivation = self.derivation
        strongest = (
            f"backpropsym paths {quoted(self.view)} --wrt {shlex.quote(derivation.wrt)}{of_option(derivation)} --top 10"
        )
        return Text(
            f"  {self.writer.dots} {count_text(count - shown)} more of {count_text(count)} paths: "
            f"--limit N lists more, {strongest} the strongest\n",
            style="dim",
        )

    def notes(self, inner: Derivation) -> Text:
        """The factored form in one line, and what f' stands for."""
        result = Text("\n")
        bricks = self.bricks(inner) if 1 < inner.count <= self.view.limit else ""
        if 0 < len(bricks) <= _LONGEST_BRICKS:
            result.append("  bricks  ", style="dim").append(f" {bricks}\n")
        return result + self.where(inner, before="")

    def where(self, derivation: Derivation, before: str = "\n") -> Text:
        """What f' stands for, one line each."""
        links = itertools.islice(derivation.links(), _MOST_LINKS)
        lines = where_lines((derivation.local[link] for link in links), derivation, self.writer)
        return Text(before if lines else "") + lines

    def bricks(self, derivation: Derivation) -> str:
        try:
            return self.thin.write(derivation.tree("factored"))
        except LimitError:
            return ""

    # The other forms

    def factored(self) -> Text:
        outer = self.derivation.outer
        inner = outer[1] if outer else self.derivation
        head = self.outer_lines(outer) if outer else Text()
        body = f"{self.name(inner)} = {self.thin.write(inner.tree('factored'))}"
        return head + self.head(body, self.conventions()) + Text("\n") + self.where(inner)

    def formula(self, form: str) -> Text:
        """A form without a page of its own: its formula on one line."""
        body = f"{self.name()} = {self.writer.write(self.derivation.tree(form))}"
        return self.head(body, self.conventions()) + Text("\n") + self.where(self.derivation)

    def expanded(self) -> Text:
        count = self.derivation.count
        trees = terms(self.derivation, "expanded")[: self.view.limit]
        digits = len(str(len(trees)))
        body = Text()
        for number, tree in enumerate(trees, 1):
            body.append(f"  {number:>{digits}}   {self.writer.write(tree)}\n", style=style(number))
        head = self.head(f"{self.name()} = sum over {paths_text(count)}", self.conventions(), widest(body))
        return head + Text("\n\n") + body + self.rest(count, len(trees)) + self.where(self.derivation)

    def programme(self, direction: str) -> Text:
        steps = self.derivation.programme(direction)
        sides = equations(steps, self.writer, self.view.limit)
        width = max(len(left) for left, _ in sides)
        body = Text("".join(f"  {left:<{width}} = {right}\n" for left, right in sides))
        way = "the output back" if direction == "backward" else f"{self.writer.name(self.derivation.wrt)} on"
        count = len(steps.equations)
        head = self.head(f"{self.name()} by {count:,} equations, from {way}", self.conventions(), widest(body))
        if count > len(sides):
            body.append(f"  {self.writer.dots} {count - len(sides):,} more: --limit N lists more\n", style="dim")
        return head + Text("\n\n") + body + self.where(self.derivation)

    def numeric(self) -> Text:
        count, limit = self.derivation.count, self.view.limit
        top = limit if count > limit else None
        listed = list(self.derivation.numeric(self.view.values, top))
        total = self.derivation.evaluate(**dict(self.view.values or {}))
        kink = kink_of(self.derivation, self.view.values)
        left = f"{self.name()} = {self.writer.measured(total)}, sum over {paths_text(count)}"
        result = self.head(left, self.conventions()) + Text("\n")
        for number, each in enumerate(listed, 1):
            result += self.numeric_term(number, each, len(str(len(listed))), kink)
        if count > len(listed):
            weaker = f"{count_text(count - len(listed))} weaker ones of {count_text(count)}"
            result.append(f"\n  {self.writer.dots} {weaker}\n", style="dim")
        return result + Text(f"\n  {kink_text(kink, self.writer)}\n" if kink else "")

    def numeric_term(self, number: int, each: NumericTerm, digits: int, kink: Kink | None = None) -> Text:
        """A path, its factors, and under each factor its number."""
        indent = " " * (digits + 5)
        lines = f"\n  {number:>{digits}}   {elided(each.term.path, self.writer)}\n"
        pairs: list[tuple[str, str, float]] = [
            (self.writer.factor(factor, self.writer.write(factor), at == 0), self.writer.measured(value), value)
            for at, (factor, value) in enumerate(zip(each.term.derivatives, each.numbers, strict=True))
            if factor != ONE
        ]
        above, below = self.columns(pairs)
        if above and len(indent) + len(above) <= self.view.width:
            lines += f"{indent}{above}\n{indent}{below} = {self.writer.measured(each.value)}"
        else:
            product = self.product(each.term.tree)
            lines += f"{indent}{product}\n{indent}= {self.writer.measured(each.value)}"
        share = "" if each.share != each.share else f"      {100 * each.share:.1f} %"
        zeros = [part for part, _, value in pairs if value == 0]
        cut = f", cut by {zeros[0]} = 0" if zeros else ""
        mark = f", {MARK}" if kink and kink.marks(each.term.path, each.numbers) else ""
        return Text(f"{lines}{share}{cut}{mark}\n", style=style(number))

    def columns(self, pairs: Sequence[tuple[str, str, float]]) -> tuple[str, str]:
        """The factors of a product, and their numbers under them."""
        widths = [max(len(above), len(below)) for above, below, _ in pairs]
        above, below = (
            self.writer.times.join(f"{pair[side]:<{width}}" for pair, width in zip(pairs, widths, strict=True))
            for side in (0, 1)
        )
        return above.rstrip(), below
