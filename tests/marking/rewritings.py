"""Other ways to write a right answer: reordered, multiplied out, bracketed, tanh' and sigmoid' by identities."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.unicode import AsciiWriter, UnicodeWriter
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import ONE, Add, Call, Div, Expr, Mul, Name, Neg, Pow, children, number, rebuild
from backpropsym.graph.graph import Graph

TWO, FOUR = number(2), number(4)


def square(expr: Expr) -> Expr:
    return Pow(expr, Fraction(2))


def exp(expr: Expr) -> Expr:
    return Call("exp", (expr,))


def minus(left: Expr, right: Expr) -> Expr:
    return Add((left, Neg(right)))


TANH: tuple[Callable[[Expr, Expr], Expr], ...] = (
    lambda s, z: minus(ONE, square(z)),
    lambda s, z: minus(ONE, square(Call("tanh", (s,)))),
    lambda s, z: Mul((minus(ONE, z), Add((ONE, z)))),
    lambda s, z: Div(Mul((FOUR, exp(Mul((TWO, s))))), square(Add((exp(Mul((TWO, s))), ONE)))),
    lambda s, z: Div(FOUR, square(Add((exp(s), exp(Neg(s)))))),
    lambda s, z: Neg(minus(square(z), ONE)),
    lambda s, z: minus(ONE, Mul((z, Call("tanh", (s,))))),
)
"""The derivative of tanh by s, where z = tanh(s)."""

SIGMOID: tuple[Callable[[Expr, Expr], Expr], ...] = (
    lambda s, z: Mul((z, minus(ONE, z))),
    lambda s, z: minus(z, square(z)),
    lambda s, z: Mul((Call("sigmoid", (s,)), Call("sigmoid", (Neg(s),)))),
    lambda s, z: Div(exp(Neg(s)), square(Add((ONE, exp(Neg(s)))))),
    lambda s, z: Div(ONE, Add((TWO, exp(s), exp(Neg(s))))),
    lambda s, z: Div(minus(ONE, square(Call("tanh", (Div(s, TWO),)))), FOUR),
    lambda s, z: Mul((Call("sigmoid", (s,)), minus(ONE, z))),
)
"""The derivative of the logistic function by s, where z is its value."""

IDENTITIES = {"tanh": TANH, "sigmoid": SIGMOID}


class Rewriter:
    """Rewrites formulas over the nodes of a graph without changing what they are."""

    def __init__(self, graph: Graph, function: str, seed: int) -> None:
        self.graph, self.random = graph, random.Random(seed)
        self.identities = IDENTITIES.get(function, ())
        self.value_of = {
            node.formula.arguments[0]: Name(name)
            for name, node in graph.nodes.items()
            if isinstance(node.formula, Call)
        }

    def rewritten(self, expr: Expr, depth: int = 0) -> Expr:
        """`expr` in other words."""
        if isinstance(expr, Call) and expr.function == "f_prime" and self.identities and self.random.random() < 0.8:
            s = expr.arguments[0]
            spelled = self.random.choice(self.identities)(s, self.value_of[s])
            return self.rewritten(spelled, depth + 1) if depth < 2 else spelled
        if isinstance(expr, Name):
            return self.named(expr)
        parts = [self.rewritten(part, depth) for part in children(expr)]
        if isinstance(expr, Add | Mul):
            self.random.shuffle(parts)
        found = rebuild(expr, tuple(parts)) if parts else expr
        if isinstance(found, Mul):
            return self.multiplied(found)
        return Neg(Neg(found)) if self.random.random() < 0.02 else found

    def named(self, expr: Name) -> Expr:
        """A node by its name or, now and then, by its formula."""
        formula = self.graph.nodes[expr.name].formula
        if formula is not None and self.random.random() < 0.08:
            return formula
        if self.random.random() < 0.02:
            return Div(Mul((TWO, expr)), TWO)
        return expr

    def multiplied(self, product: Mul) -> Expr:
        """A product, now and then multiplied out over one of its sums, or with its factors grouped."""
        sums = [factor for factor in product.factors if isinstance(factor, Add)]
        if sums and self.random.random() < 0.3:
            chosen = self.random.choice(sums)
            rest = [factor for factor in product.factors if factor is not chosen]
            return Add(tuple(Mul((*rest, term)) for term in chosen.terms))
        if len(product.factors) > 2 and self.random.random() < 0.3:
            cut = self.random.randrange(1, len(product.factors))
            groups = (product.factors[:cut], product.factors[cut:])
            return Mul(tuple(Mul(group) if len(group) > 1 else group[0] for group in groups))
        return product


def written(expr: Expr, graph: Graph, language: str) -> str:
    """A formula in a language that people write."""
    if language == "plain":
        return to_text(expr)
    kinds = {"latex": LatexWriter, "unicode": UnicodeWriter, "ascii": AsciiWriter}
    kind, _, thin = language.partition(" ")
    return kinds[kind](Notation.of(graph), bool(thin)).write(expr)


LANGUAGES = ("plain", "latex", "latex thin", "unicode", "unicode thin", "ascii")
