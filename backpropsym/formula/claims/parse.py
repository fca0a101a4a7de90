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
from backpropsym.formula.claims.indices import MATRIX_CALLS, MATRIX_SIGNS, shown
from backpropsym.formula.claims.names import BY_EXP, Vocabulary
from backpropsym.formula.claims.scanner import ABOVE, BELOW, LETTERS, Scanner
from backpropsym.formula.claims.whole_arrays import REDUCTIONS, NoAxesError, Reductions
from backpropsym.formula.claims.words import WORD, Words
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    Limits,
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

MAX_PARTS = 10_000
MAX_LEVELS = 2 * limits.MAX_DEPTH
"""A bracket is two levels: what stands before it and what is in it."""

MAX_PRIMES = 4
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_PRIMES = re.compile(r"'+")
_ABOVE = re.compile(f"[{''.join(ABOVE)}]+")
_PRIME_ABOVE = re.compile(r"\^\{?\s*((?:(?:\\prime\b|')\s*)+)\}?")
_FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac")
_TIMES = ("\\cdot", "\\times", "\\ast", "\\odot")
_COMPARISONS = (("<=", "<="), (">=", ">="), ("\\leq", "<="), ("\\geq", ">="), ("\\le", "<="), ("\\ge", ">="))
_STARTS = re.compile(r"[A-Za-z0-9.(\[{|\\]")
_MATRIX = re.compile(r"@|\.(?:T|transpose|dot)\b")
_AXIS = re.compile(r"axis\s*=\s*(-?\d{1,3})")


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
        self.reductions = Reductions(vocabulary.shapes)
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
        shape, asked = self.vocabulary.shapes[name], self.vocabulary.asked
        fix = asked.entries_fix(name, shape) if asked else f"write its entries, as in {name}[i,...]"
        self.scanner.fail(f"{name} is an array of shape ({shown(shape)}), and claims are about entries", span, fix)

    def _refuse_matrices(self, what: str, span: Span) -> NoReturn:
        """An operation on whole arrays."""
        asked = self.vocabulary.asked
        fix = asked.matrix_fix(self.vocabulary.shapes) if asked else "write it with indices, as in sum(..., (k, 0, 9))"
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
        if self.scanner.text.startswith(("\\rvert", *(sign for sign, _ in _COMPARISONS)), at):
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
        while (exponent := self._exponent()) is not None:
            base = self._raised(base, exponent)
        return base

    def _exponent(self) -> Expr | None:
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

    def _raised(self, base: Expr, exponent: Expr) -> Expr:
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
                return Div(self._group(), self._group())
            if self.scanner.take("\\sqrt"):
                return Call("sqrt", (self._group(),))
            return self._sum_over() if self.scanner.take("\\sum") else self._word()

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

    def _group(self) -> Expr:
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

    def _sum_over(self) -> Expr:
        r"""\sum_{k=0}^{n} product, or \sum_k where the range is that of the axes that k runs over."""
        scanner = self.scanner
        scanner.expect("_", "a sum")
        braces = scanner.take("{")
        index = scanner.match(WORD if braces else re.compile(r"[A-Za-z]"))
        if index is None:
            scanner.fail("a sum without an index", fix=r"write it as in \sum_{k=0}^{9}")
        low: Expr | None = None
        if braces:
            low = self.sum() if scanner.take("=") else None
            scanner.expect("}", "a sum")
        high = self._exponent()
        body = self.product()
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
        if (found := self._reduced(word)) is not None:
            return found
        if word in BY_EXP and word not in self.vocabulary.shapes:
            return self._by_exp(word)
        function = self.vocabulary.function(word)
        if function is not None and self._is_called(word):
            return self._call(function)
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

    def _reduced(self, word: str) -> Expr | None:
        """A sum over indices, or an op over axes of whole arrays; None where `word` is no such op here."""
        op = "sum" if word == "Sum" else word
        if op not in REDUCTIONS or self.scanner.peek() != "(" or not any(self.vocabulary.shapes.values()):
            return None
        if op != "sum" and (op in self.vocabulary.shapes or self.vocabulary.function(op)):
            return None
        scanner, named = self.scanner, len(self.whole)
        scanner.expect("(", op)
        body, axis, ranges = self.sum(), None, list[Expr]()
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
        if op == "sum" and len(self.whole) == named:
            scanner.fail("a sum without a range", fix="write it as in sum(W[k,i]*d[k], (k, 0, 9))")
        del self.whole[named:]
        return self._over_axes(op, body, axis)

    def _over_axes(self, op: str, body: Expr, axis: int | None) -> Expr:
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

    def _is_called(self, word: str) -> bool:
        """Whether a word that names a function is one here; a node of that name is one only before its arguments."""
        following = self.scanner.peek()
        if following in ("(", "'") or _PRIME_ABOVE.match(self.scanner.text, self.scanner.position):
            return True
        return word not in self.vocabulary.shapes and following not in ("_", *BELOW)

    def _call(self, function: str) -> Expr:
        """A function with its primes and its power, applied."""
        function = self._primed(function)
        exponent = self._exponent()
        expression = self._applied(function)
        return self._raised(expression, exponent) if exponent is not None else expression

    def _by_exp(self, word: str) -> Expr:
        """A hyperbolic function that the formula language writes with exp."""
        exponent = self._exponent()
        argument = self._group()
        found = BY_EXP[word](Call("exp", (argument,)), Call("exp", (Neg(argument),)))
        return self._raised(found, exponent) if exponent is not None else found

    def _primed(self, function: str) -> str:
        above = _PRIME_ABOVE.match(self.scanner.text, self.scanner.position)
        if above:
            self.scanner.position = above.end()
            count = above.group(1).count("prime") + above.group(1).count("'")
        else:
            count = len(self.scanner.match(_PRIMES) or "")
        if count > MAX_PRIMES:
            self.scanner.fail(f"{count} primes", fix="count them again")
        below = self.words.below() if count and self.scanner.peek() in ("_", *BELOW) else ""
        for _ in range(count):
            function = self.vocabulary.derivative(function, below or "")
        return function

    def _applied(self, function: str) -> Expr:
        scanner = self.scanner
        if not (scanner.peek() == "(" or (scanner.latex and scanner.peek() in ("{", "["))):
            if not scanner.latex:
                scanner.fail(f"{function} is a function", fix=f"write {function}(...)")
            return Call(function, (self.power(),))
        closing = {"(": ")", "{": "}", "[": "]"}[scanner.peek()]
        scanner.position += 1
        arguments = [self._argument(function, first=True)]
        while scanner.take(","):
            arguments.append(self._argument(function))
        scanner.expect(closing, f"{function}(...)")
        self._check_arguments(function, arguments)
        return Call(function, tuple(arguments))

    def _argument(self, function: str, first: bool = False) -> Expr:
        found = self.sum()
        if function == "where" and first:
            for sign, symbol in (*_COMPARISONS, ("<", "<"), (">", ">")):
                if self.scanner.take(sign):
                    return Compare(symbol, found, self.sum())
            self.scanner.fail("the first argument of where is a comparison", fix="where(x > 0, a, b)")
        return found

    def _limits(self) -> Expr:
        self.scanner.expect("(", "the range of a sum")
        index = self.scanner.match(WORD) or ""
        self.scanner.expect(",", "the range of a sum")
        low = self.sum()
        self.scanner.expect(",", "the range of a sum")
        high = self.sum()
        self.scanner.expect(")", "the range of a sum")
        return Limits(index, low, high)

    def _check_arguments(self, function: str, arguments: list[Expr]) -> None:
        signature = self.vocabulary.functions[function].signature
        expected = signature.arguments
        least = len([name for name in expected if name not in signature.defaults])
        if not least <= len(arguments) <= len(expected):
            fix = f"write {function}({', '.join(expected)})"
            self.scanner.fail(f"{function} takes {len(expected)} arguments, found {len(arguments)}", fix=fix)
