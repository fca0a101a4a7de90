"""Sums in a claim: over indices, and ops over axes of whole arrays such as `mean(x*w, axis=1)[i]`."""

from __future__ import annotations

import re

from backpropsym.formula.claims.grammar import Grammar
from backpropsym.formula.claims.names import Vocabulary
from backpropsym.formula.claims.scanner import BELOW, Scanner
from backpropsym.formula.claims.whole_arrays import NoAxesError, Reductions
from backpropsym.formula.claims.words import WORD, Words
from backpropsym.formula.tree import Call, Expr, Index, Limits, Name, number, walk

MAX_PARTS = 10_000
_AXIS = re.compile(r"axis\s*=\s*(-?\d{1,3})")


class Sums:
    """Reads sums at the position of a scanner.

    Parameters
    ----------
    words : reads the subscripts behind an op over axes.
    grammar : reads bodies and limits.
    """

    def __init__(self, scanner: Scanner, vocabulary: Vocabulary, words: Words, grammar: Grammar) -> None:
        self.scanner = scanner
        self.vocabulary = vocabulary
        self.words = words
        self.grammar = grammar
        self.reductions = Reductions(vocabulary.shapes, vocabulary.reductions)

    def over_index(self) -> Expr:
        r"""\sum_{k=0}^{n} product, or \sum_k where the range is that of the axes that k runs over."""
        scanner = self.scanner
        scanner.expect("_", "a sum")
        braces = scanner.take("{")
        index = scanner.match(WORD if braces else re.compile(r"[A-Za-z]"))
        if index is None:
            scanner.fail("a sum without an index", fix=r"write it as in \sum_{k=0}^{9}")
        low: Expr | None = None
        if braces:
            low = self.grammar.sum() if scanner.take("=") else None
            scanner.expect("}", "a sum")
        high = self.grammar.exponent()
        body = self.grammar.product()
        if low is None or high is None:
            size = self._range(index, body)
            low, high = low or number(0), high or number(size - 1)
        return Call("sum", (body, Limits(index, low, high)))

    def _range(self, index: str, body: Expr) -> int:
        """The size of the axes that `index` alone runs over."""
        for part in walk(body):
            if isinstance(part, Index) and isinstance(part.base, Name) and Name(index) in part.subscripts:
                size = self.vocabulary.shapes[part.base.name][part.subscripts.index(Name(index))]
                if isinstance(size, int):
                    return size
        self.scanner.fail(f"the range of {index} is not known", fix=rf"write it: \sum_{{{index}=0}}^{{9}}")

    def over_axes(self, word: str) -> Expr | None:
        """A sum over indices, or an op over axes of whole arrays; None where `word` is no such op here."""
        op, vocabulary = "sum" if word == "Sum" else word, self.vocabulary
        if op not in vocabulary.reductions or self.scanner.peek() != "(" or not any(vocabulary.shapes.values()):
            return None
        if op != "sum" and (op in vocabulary.shapes or vocabulary.function(op)):
            return None
        scanner, named = self.scanner, len(self.grammar.whole)
        scanner.expect("(", op)
        body, axis, ranges = self.grammar.sum(), None, list[Expr]()
        while scanner.take(","):
            found = scanner.match(_AXIS)
            if found is None and op != "sum":
                scanner.fail(f"{op} takes one array and an axis", fix=f"write {op}(v), or {op}(A, axis=1)[i]")
            if found is None:
                ranges.append(self._limits())
            else:
                axis = int(found.partition("=")[2])
        scanner.expect(")", f"{op}(...)")
        if ranges:
            return Call("sum", (body, *ranges))
        if op == "sum" and len(self.grammar.whole) == named:
            scanner.fail("a sum without a range", fix="write it as in sum(W[k,i]*d[k], (k, 0, 9))")
        del self.grammar.whole[named:]
        return self._entry(op, body, axis)

    def _entry(self, op: str, body: Expr, axis: int | None) -> Expr:
        """An op over axes of whole arrays at the positions that follow it."""
        try:
            rank = self.reductions.rank(body, axis)
        except NoAxesError as error:
            self.scanner.fail(f"{op} {error}", fix=f"name arrays of the network: {op}(v), or {op}(A, axis=1)[i]")
        has = f"{op}(...) has {rank} {'axis' if rank == 1 else 'axes'} left"
        if rank and self.scanner.peek() not in ("[", "_", *BELOW):
            self.scanner.fail(f"{has}, and claims are about entries", fix=f"write {op}(...)[i,...]")
        kept = self.words.subscripts(rank, has, f"{op}(...)[i,...]") if rank else ()
        found = self.reductions.written(op, body, axis, kept)
        if sum(1 for _ in walk(found)) > MAX_PARTS:
            self.scanner.fail(f"{op} written out has more than {MAX_PARTS:,} parts", fix="nest fewer of them")
        return found

    def _limits(self) -> Expr:
        self.scanner.expect("(", "the range of a sum")
        index = self.scanner.match(WORD) or ""
        self.scanner.expect(",", "the range of a sum")
        low = self.grammar.sum()
        self.scanner.expect(",", "the range of a sum")
        high = self.grammar.sum()
        self.scanner.expect(")", "the range of a sum")
        return Limits(index, low, high)
