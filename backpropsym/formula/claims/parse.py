r"""A claim to a checked expression tree: the formula language, with primes, LaTeX and Unicode beside it.

    claim    = [name "="] sum
    sum      = product (("+" | "-") product)*
    product  = signed (("*" | "/" | nothing) signed)*
    signed   = ("+" | "-")* power
    power    = atom [("^" | "**") constant]
    atom     = number | name | call | brackets | \frac | \sqrt | \sum

Nothing is ever evaluated, every call is one of the vocabulary's, and length, depth, powers and parts are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import NoReturn

from backpropsym.errors import did_you_mean
from backpropsym.formula import limits
from backpropsym.formula.algebra import constant
from backpropsym.formula.claims.calls import Calls
from backpropsym.formula.claims.indices import MATRIX_CALLS, MATRIX_SIGNS, shown
from backpropsym.formula.claims.names import BY_EXP, Vocabulary
from backpropsym.formula.claims.scanner import ABOVE, BELOW, COMPARISONS, LETTERS, Scanner
from backpropsym.formula.claims.sums import MAX_PARTS, Sums
from backpropsym.formula.claims.words import Words
from backpropsym.formula.tree import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Span,
    depth,
    nested_exponent,
    number,
    walk,
)

MAX_LEVELS = 2 * limits.MAX_DEPTH
"""A bracket is two levels: what stands before it and what is in it."""

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ABOVE = re.compile(f"[{''.join(ABOVE)}]+")
_FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac")
_TIMES = ("\\cdot", "\\times", "\\ast", "\\odot")
_STARTS = re.compile(r"[A-Za-z0-9.(\[{|\\]")
_MATRIX = re.compile(r"@|\.(?:T|transpose|dot)\b")


def parse_claim(text: str, vocabulary: Vocabulary) -> Expr:
    """Read a hand-derived formula.

    Parameters
    ----------
    text : in the formula language, LaTeX or Unicode; an equation counts by its right side.

    Returns
    -------
    A tree over the names of the network's nodes; entries of tensors are `Index`, sums over indices `Call("sum")`.

    Raises
    ------
    FormulaError : outside the language, an unknown name, or over a limit; its location marks the place.
    """
    found = _Reader(Scanner(text), vocabulary).claim()
    scanner = Scanner(text)
    parts = sum(1 for _ in walk(found))
    if parts > MAX_PARTS or depth(found) > 4 * limits.MAX_DEPTH:
        scanner.fail(f"the claim has {parts:,} parts", fix=f"write at most {MAX_PARTS:,}, in fewer brackets")
    if nested_exponent(found) > limits.MAX_EXPONENT:
        scanner.fail("powers of powers are too large", fix=f"keep their product within {limits.MAX_EXPONENT}")
    return found


class _Reader:
    """Recursive descent; one method a rule of the grammar."""

    def __init__(self, scanner: Scanner, vocabulary: Vocabulary) -> None:
        self.scanner = scanner
        self.vocabulary = vocabulary
        self.words = Words(scanner, vocabulary)
        self.calls = Calls(scanner, vocabulary, self.words, self)
        self.sums = Sums(scanner, vocabulary, self.words, self)
        self.level = 0
        self.bars = 0
        self.started = 0
        self.whole: list[tuple[str, Span]] = []

    def claim(self) -> Expr:
        """The whole text: what stands after the last equals sign."""
        last = self.scanner.text.rfind("=")
        head = self.scanner.text[:last]
        if last > 0 and "(" not in head and head[-1] not in "<>=" and "sum" not in head:
            self.scanner.position = last + 1
        found = self.sum()
        if not self.scanner.ended:
            self.scanner.fail(
                f"{self.scanner.peek()!r} was not expected", fix="check the signs and brackets at the mark"
            )
        if self.whole:
            self._refuse_whole(*self.whole[0])
        return found

    def _refuse_whole(self, name: str, span: Span) -> NoReturn:
        """An array that is named without subscripts."""
        shape = self.vocabulary.shapes[name]
        fix = self.vocabulary.asked.entries_fix(name, shape)
        self.scanner.fail(f"{name} is an array of shape ({shown(shape)}), and claims are about entries", span, fix)

    def _refuse_matrices(self, what: str, span: Span) -> NoReturn:
        """An operation on whole arrays."""
        fix = self.vocabulary.asked.matrix_fix(self.vocabulary.shapes)
        self.scanner.fail(f"{what} is an operation on whole arrays, and claims are about entries", span, fix)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.level += 1
        if self.level > MAX_LEVELS:
            self.scanner.fail(f"more than {limits.MAX_DEPTH} levels of brackets", fix="write it with fewer brackets")
        yield
        self.level -= 1

    def sum(self) -> Expr:
        with self._deeper():
            terms = [self.product()]
            while True:
                if self.scanner.take("+"):
                    terms.append(self.product())
                elif self.scanner.take("-"):
                    terms.append(Neg(self.product()))
                else:
                    break
            return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def product(self) -> Expr:
        result = self.signed()
        while True:
            if self._times():
                right = self.signed()
            elif self.scanner.take("/"):
                result = Div(result, self.signed())
                continue
            elif self._starts_factor():
                right = self.power()
                if isinstance(right, Number) and isinstance(result, Number):
                    self.scanner.fail("a number follows a number", fix="write a product with *")
            else:
                return result
            result = Mul((*result.factors, right)) if isinstance(result, Mul) else Mul((result, right))

    def _times(self) -> bool:
        self.scanner.skip()
        matrices = _MATRIX.match(self.scanner.text, self.scanner.position)
        if matrices and any(self.vocabulary.shapes.values()):
            self._refuse_matrices(matrices.group(), matrices.span())
        power = self.scanner.text.startswith("**", self.scanner.position)
        return (not power and self.scanner.take("*")) or any(map(self.scanner.take, _TIMES))

    def _starts_factor(self) -> bool:
        following = self.scanner.peek()
        if (following == "|" and self.bars) or (following == "[" and not self.scanner.latex):
            return False
        at = self.scanner.position
        if self.scanner.text.startswith(("\\rvert", *(sign for sign, _ in COMPARISONS)), at):
            return False
        return bool(following) and (bool(_STARTS.match(following)) or following in LETTERS)

    def signed(self) -> Expr:
        negative, signs = False, 0
        while self.scanner.peek() in ("+", "-") and signs <= limits.MAX_DEPTH:
            negative ^= self.scanner.peek() == "-"
            self.scanner.position += 1
            signs += 1
        found = self.power()
        return Neg(found) if negative else found

    def power(self) -> Expr:
        base = self.atom()
        while (exponent := self.exponent()) is not None:
            base = self.raised(base, exponent)
        return base

    def exponent(self) -> Expr | None:
        """What stands above, as a tree; None where nothing does."""
        above = self.scanner.match(_ABOVE)
        if above is not None:
            return self._number("".join(ABOVE[each] for each in above))
        if not (self.scanner.take("**") or self.scanner.take("^")):
            return None
        with self._deeper():
            if self.scanner.take("{"):
                found = self.sum()
                self.scanner.expect("}", "a power")
                return found
            return self.signed()

    def _number(self, digits: str) -> Expr:
        try:
            return number(int(digits))
        except ValueError:
            self.scanner.fail("a power that is no number", fix="write it as in x^2")

    def raised(self, base: Expr, exponent: Expr) -> Expr:
        if base == Name("e") and "e" not in self.vocabulary.shapes:
            return Call("exp", (exponent,))
        value = constant(exponent)
        if value is None:
            self.scanner.fail("the exponent is not a constant", fix="write it with exp: exp(p*log(x))")
        if abs(value) > limits.MAX_EXPONENT:
            self.scanner.fail("the exponent is too large", fix=f"use at most {limits.MAX_EXPONENT}")
        if base == Number(Fraction(0)) and value < 0:
            self.scanner.fail("zero to a negative power", fix="check the base")
        return Pow(base, value)

    def atom(self) -> Expr:
        with self._deeper():
            token = self.scanner.match(_NUMBER)
            if token is not None:
                return self._value(token)
            inner = self._bracketed()
            if inner is not None:
                return inner
            if any(map(self.scanner.take, _FRACTIONS)):
                return Div(self.group(), self.group())
            if self.scanner.take("\\sqrt"):
                return Call("sqrt", (self.group(),))
            return self.sums.over_index() if self.scanner.take("\\sum") else self._word()

    def _bracketed(self) -> Expr | None:
        """What stands in brackets of any kind, or between bars."""
        for opening, closing in (("(", ")"), ("[", "]"), ("{", "}"), ("|", "|"), ("\\lvert", "\\rvert")):
            if self.scanner.take(opening):
                absolute = closing not in ")]}"
                self.bars += absolute
                inner = self.sum()
                self.scanner.expect(closing, "a bracket")
                self.bars -= absolute
                return Call("abs", (inner,)) if absolute else self._below_brackets(inner)
        return None

    def _value(self, token: str) -> Expr:
        digits, _, exponent = token.lower().partition("e")
        if len(token) > limits.MAX_NUMBER_CHARACTERS or abs(int(exponent or 0)) > limits.MAX_DECADES:
            self.scanner.fail(f"a number of {len(token)} characters", fix="write a shorter number")
        return Number(Fraction(token))

    def group(self) -> Expr:
        """The argument of a command: in braces, or one digit or name."""
        if self.scanner.take("{"):
            found = self.sum()
            self.scanner.expect("}", "an argument")
            return found
        digit = self.scanner.match(re.compile(r"\d"))
        return number(int(digit)) if digit else self.atom()

    def _below_brackets(self, inner: Expr) -> Expr:
        """(W_1)_{2,0}: a tensor in brackets, and its entry."""
        if isinstance(inner, Name) and self.vocabulary.shapes.get(inner.name) and self.scanner.peek() in ("_", "["):
            self.whole.pop()
            return self.words.entry(inner.name)
        return inner

    def _word(self) -> Expr:
        """A node, an entry, or a call."""
        scanner = self.scanner
        scanner.skip()
        start = scanner.position
        word = self.words.letters()
        if word is None:
            found = f"{scanner.peek()!r} was not expected" if scanner.peek() else "the claim ends too early"
            scanner.fail(found, fix="use names, numbers, + - * / ^, brackets and calls of functions")
        end = scanner.position
        self.started = start
        self._check_matrices(word, (start, end))
        for length in range(len(word), 0, -1) if end - start == len(word) else [len(word)]:
            scanner.position = end if length == len(word) else start + length
            if length < len(word) and not scanner.latex:
                break
            reading = self._reading(word[:length]) if word[length - 1] != "_" else None
            if reading is not None:
                return reading
        scanner.position = end
        fix = did_you_mean(word, self.vocabulary.letters(), "use the names of the network: backpropsym summary NETWORK")
        what = "function" if scanner.peek() in ("(", "'") else "node"
        scanner.fail(f"no {what} is called {word!r}", (start, end), fix)

    def _check_matrices(self, word: str, span: Span) -> None:
        """Refuse a word that is an operation on whole arrays, where no node or function is called so."""
        if word in self.vocabulary.shapes or not any(self.vocabulary.shapes.values()) or self.vocabulary.function(word):
            return
        transposed = word == "T" and self.scanner.text[: span[0]].rstrip("{ ").endswith("^")
        if transposed or word in MATRIX_SIGNS or (word in MATRIX_CALLS and self.scanner.peek() == "("):
            self._refuse_matrices(self.scanner.text[slice(*span)], span)

    def _reading(self, word: str) -> Expr | None:
        """What `word`, with what stands above and below it, means; None where it means nothing."""
        start = self.scanner.position
        if (found := self.words.of_positions(word)) is not None:
            return found
        if (found := self.sums.over_axes(word)) is not None:
            return found
        if word in BY_EXP and word not in self.vocabulary.shapes:
            return self.calls.by_exp(word)
        function = self.vocabulary.function(word)
        if function is not None and self.calls.is_called(word):
            return self.calls.call(function)
        if word == "e" and "e" not in self.vocabulary.shapes and self.scanner.peek() == "^":
            return Name("e")
        layer, below = self.words.marks()
        options = self.vocabulary.nodes(word, layer, below)
        if not options and (tensor := self.words.tensor(word, layer, below)) is not None:
            return tensor
        if not options:
            # What stands above or below may belong to brackets or powers: the word is then a name of its own.
            self.scanner.position = start
            options = self.vocabulary.nodes(word, "", None) if not layer and below is None else ()
        if len(options) > 1:
            self.scanner.fail(f"{word} may mean {' or '.join(options)}", fix="write the name as in the network file")
        if not options:
            return None
        if self.vocabulary.shapes[options[0]] and self.scanner.peek() in ("[", "_", *BELOW):
            return self.words.entry(options[0])
        if self.vocabulary.shapes[options[0]]:
            self.whole.append((options[0], (self.started, len(self.scanner.text[: self.scanner.position].rstrip()))))
        return Name(options[0])
