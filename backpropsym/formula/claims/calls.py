"""Calls of functions in a claim: primes, powers of functions as in sin^2(x), arguments, hyperbolic functions."""

from __future__ import annotations

import re

from backpropsym.formula.claims.grammar import Grammar
from backpropsym.formula.claims.names import BY_EXP, Vocabulary
from backpropsym.formula.claims.scanner import BELOW, COMPARISONS, Scanner
from backpropsym.formula.claims.words import Words
from backpropsym.formula.tree import Call, Compare, Expr, Neg

MAX_PRIMES = 4
_PRIMES = re.compile(r"'+")
_PRIME_ABOVE = re.compile(r"\^\{?\s*((?:(?:\\prime\b|')\s*)+)\}?")


class Calls:
    """Reads calls at the position of a scanner.

    Parameters
    ----------
    words : reads the subscripts of derivatives.
    grammar : reads arguments and exponents.
    """

    def __init__(self, scanner: Scanner, vocabulary: Vocabulary, words: Words, grammar: Grammar) -> None:
        self.scanner = scanner
        self.vocabulary = vocabulary
        self.words = words
        self.grammar = grammar

    def is_called(self, word: str) -> bool:
        """Whether a word that names a function is one here; a node of that name is one only before its arguments."""
        following = self.scanner.peek()
        if following in ("(", "'") or _PRIME_ABOVE.match(self.scanner.text, self.scanner.position):
            return True
        return word not in self.vocabulary.shapes and following not in ("_", *BELOW)

    def call(self, function: str) -> Expr:
        """A function with its primes and its power, applied."""
        function = self._primed(function)
        exponent = self.grammar.exponent()
        expression = self._applied(function)
        return self.grammar.raised(expression, exponent) if exponent is not None else expression

    def by_exp(self, word: str) -> Expr:
        """A hyperbolic function that the formula language writes with exp."""
        exponent = self.grammar.exponent()
        argument = self.grammar.group()
        expression = BY_EXP[word](Call("exp", (argument,)), Call("exp", (Neg(argument),)))
        return self.grammar.raised(expression, exponent) if exponent is not None else expression

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
            return Call(function, (self.grammar.power(),))
        closing = {"(": ")", "{": "}", "[": "]"}[scanner.peek()]
        scanner.position += 1
        arguments = [self._argument(function, first=True)]
        while scanner.take(","):
            arguments.append(self._argument(function))
        scanner.expect(closing, f"{function}(...)")
        self._check_arguments(function, arguments)
        return Call(function, tuple(arguments))

    def _argument(self, function: str, first: bool = False) -> Expr:
        expression = self.grammar.sum()
        if function == "where" and first:
            for sign, symbol in (*COMPARISONS, ("<", "<"), (">", ">")):
                if self.scanner.take(sign):
                    return Compare(symbol, expression, self.grammar.sum())
            self.scanner.fail("the first argument of where is a comparison", fix="where(x > 0, a, b)")
        return expression

    def _check_arguments(self, function: str, arguments: list[Expr]) -> None:
        signature = self.vocabulary.functions[function].signature
        expected = signature.arguments
        least = len([name for name in expected if name not in signature.defaults])
        if not least <= len(arguments) <= len(expected):
            fix = f"write {function}({', '.join(expected)})"
            self.scanner.fail(f"{function} takes {len(expected)} arguments, found {len(arguments)}", fix=fix)
