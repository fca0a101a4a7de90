"""The plain truth: every entry of every node, one at a time, from its index definition.

Slow, and meant to be: there is no array operation, no batch, no rule of derivation and no simplification here, so that
a reader can believe it, and everything else can be compared with it. Use it for small networks.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric, Values
from backpropsym.errors import AbstractFunctionError, ValuesError
from backpropsym.evaluate.arithmetic import REAL, Arithmetic, ExactArithmetic
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import ZERO, Add, Call, Compare, Div, Expr, Index, Limits, Mul, Name, Neg, Number, Pow
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.kinds import Definition, Shape, define_entry
from backpropsym.ops.reducer import REDUCERS, computed

Position = tuple[int, ...]
Scope = Numbers
"""What names mean inside one formula: an index its whole number, an argument of a function its number."""


class Reference:
    """The values of one object, entry by entry, in any number system.

    Parameters
    ----------
    graph : its sizes must be numbers.
    leaves : an array for each input, target and parameter that is needed, in its own shape, without a batch axis.
        Entries may be whatever `arithmetic` computes with.
    arithmetic : the number system. In exact arithmetic functions are computed by their definitions, in doubles by
        their numerically stable spelling.
    """

    def __init__(self, graph: Graph, leaves: Values, arithmetic: Arithmetic = REAL) -> None:
        self.graph = graph
        self.arithmetic = arithmetic
        self._leaves = {name: np.asarray(value) for name, value in {**leaves, **graph.constants}.items()}
        self._entries: dict[tuple[str, Position], Numeric] = {}
        self._definitions: dict[str, Definition] = {}

    def array(self, name: str) -> Array:
        """All entries of a node, an array in the node's shape, of objects where the numbers are no doubles.

        Raises
        ------
        ValuesError : a leaf has no numbers, or an entry chosen by data lies outside.
        AbstractFunctionError : a function has no formula.
        """
        needed = self.graph.ancestors(name)
        for ancestor in self.graph.order:  # parents first, so that a long chain is no deep recursion
            if ancestor in needed:
                for position in self._positions(self.graph[ancestor]):
                    self.entry(ancestor, position)
        node = self.graph[name]
        values = np.empty(_numbers(node.shape), object)
        for position in self._positions(node):
            values[position] = self.entry(name, position)
        return values.astype(float) if type(self.arithmetic) is Arithmetic else values

    def entry(self, name: str, position: Position = ()) -> Numeric:
        """One entry of a node; its index counts from zero.

        Raises
        ------
        ValuesError : there is no such entry, or a leaf has no numbers.
        AbstractFunctionError : a function has no formula.
        """
        key = (name, position)
        if key not in self._entries:
            node = self.graph[name]
            inside = len(position) == len(node.shape) and all(
                0 <= index < size for index, size in zip(position, _numbers(node.shape), strict=True)
            )
            if not inside:
                raise ValuesError(f"{name} has no entry {list(position)}", fix=f"its shape is {node.shape}")
            self._entries[key] = self._computed(node, position)
        return self._entries[key]

    def _positions(self, node: Node) -> Iterator[Position]:
        return itertools.product(*map(range, _numbers(node.shape)))

    def _computed(self, node: Node, position: Position) -> Numeric:
        if node.op is None:
            if node.name not in self._leaves:
                raise ValuesError(f"{node.name} has no numbers", fix="give an array for each leaf")
            leaf: Numeric = self._leaves[node.name][position]
            return leaf
        if node.name not in self._definitions:
            shapes = {parent: self.graph[parent].shape for parent in node.parents}
            self._definitions[node.name] = define_entry(node.op, node.shape, shapes)
        definition = self._definitions[node.name]
        return self._value(definition.body, dict(zip(definition.indices, position, strict=True)))

    def _value(self, expr: Expr, scope: Scope) -> Numeric:
        """The number of a formula."""
        arithmetic = self.arithmetic
        match expr:
            case Name(name):
                return scope[name] if name in scope else self.entry(name)
            case Number(value):
                return arithmetic.number(value)
            case Add(terms):
                return _left_to_right(operator.add, (self._value(term, scope) for term in terms))
            case Mul(factors):
                return _left_to_right(
                    lambda left, right: left * right, (self._value(factor, scope) for factor in factors)
                )
            case Div(above, below):
                return arithmetic.divide(self._value(above, scope), self._value(below, scope))
            case Neg(operand):
                return -self._value(operand, scope)
            case Pow(base, exponent):
                return arithmetic.power(self._value(base, scope), exponent)
            case Index(Name(name), subscripts):
                return self.entry(name, tuple(self._whole(subscript, scope) for subscript in subscripts))
            case Call():
                return self._called(expr, scope)
            case _:
                raise TypeError(f"{type(expr).__name__} has no number")

    def _called(self, call: Call, scope: Scope) -> Numeric:
        match call:
            case Call(function, (body, *limits)) if limits and isinstance(limits[-1], Limits):
                terms = [self._value(body, inner) for inner in self._ranged(limits, scope)]
                return self._reduced(function, terms)
            case Call("inside" | "present", (position, low, high, entry, *otherwise)):
                if self._whole(low, scope) <= self._whole(position, scope) < self._whole(high, scope):
                    return self._value(entry, scope)
                if call.function == "present":
                    return -np.inf
                return self._value(otherwise[0] if otherwise else ZERO, scope)
            case Call("where", (condition, then, otherwise)):
                return self._value(then if self._holds(condition, scope) else otherwise, scope)
            case _:
                return self._of_function(call, scope)

    def _of_function(self, call: Call, scope: Scope) -> Numeric:
        """A function of scalars: a primitive of the number system, or its formula at the numbers of its arguments."""
        table = self.graph.functions
        function = table[call.function]
        bound = {name: self._value(argument, scope) for name, argument in table.bind(call).items()}
        if function.primitive is not None:
            return self.arithmetic.apply(function.primitive, tuple(bound.values()))
        exact = isinstance(self.arithmetic, ExactArithmetic)
        formula = table.definition(function.name) if exact else table.numeric(function.name)
        if formula is None:
            raise AbstractFunctionError(f"{function.name} is abstract: it has no numbers", fix="give it a formula")
        return self._value(formula, bound)

    def _holds(self, condition: Expr, scope: Scope) -> bool:
        if not isinstance(condition, Compare):
            raise TypeError(f"{type(condition).__name__} is no condition")
        left, right = self._value(condition.left, scope), self._value(condition.right, scope)
        return bool(np.all(self.arithmetic.compare(condition.operator, left, right)))

    def _ranged(self, limits: Sequence[Expr], scope: Scope) -> Iterator[Scope]:
        """The scope of each term of an indexed sum; both ends of a range are included."""
        ranges = [
            range(self._whole(each.low, scope), self._whole(each.high, scope) + 1)
            for each in limits
            if isinstance(each, Limits)
        ]
        indices = [each.index for each in limits if isinstance(each, Limits)]
        for values in itertools.product(*ranges):
            yield {**scope, **dict(zip(indices, values, strict=True))}

    def _reduced(self, function: str, terms: Sequence[Numeric]) -> Numeric:
        """A reduction by its definition, in a numerically stable spelling."""

        def fold(name: str, body: Expr, known: Numbers, inside: bool) -> Numeric:
            return self._folded(name, [self._value(body, {**known, "x": term}) for term in terms])

        count = self.arithmetic.number(Fraction(len(terms)))
        return computed(REDUCERS[function].numeric, {"n": count}, self._value, fold, self.graph.functions)

    def _folded(self, fold: str, terms: Sequence[Numeric]) -> Numeric:
        if fold == "sum":
            return _left_to_right(operator.add, terms)
        best = (min if fold == "min" else max)(terms, key=self.arithmetic.real)  # of equal ones the first
        finite = fold != "shift" or abs(float(self.arithmetic.real(best))) < math.inf
        return best if finite else self.arithmetic.number(Fraction(0))

    def _whole(self, expr: Expr, scope: Scope) -> int:
        """The whole number of a subscript or of a limit."""
        match expr:
            case Call("quotient", (above, below)):
                return self._whole(above, scope) // self._whole(below, scope)
            case Call("remainder", (above, below)):
                return self._whole(above, scope) % self._whole(below, scope)
            case Add(terms):
                return sum(self._whole(term, scope) for term in terms)
            case Mul(factors):
                return math.prod(self._whole(factor, scope) for factor in factors)
            case Neg(operand):
                return -self._whole(operand, scope)
            case _:
                value = float(self.arithmetic.real(self._value(expr, scope)))
                if not value.is_integer():
                    raise ValuesError(
                        f"the position {to_text(expr)} is {value}", fix="give whole numbers for positions"
                    )
                return int(value)


def _left_to_right(operation: Callable[[Numeric, Numeric], Numeric], numbers: Iterable[Numeric]) -> Numeric:
    """The operation on the first two numbers, then on that and the third, and so on."""
    first, *others = numbers
    for number in others:
        first = operation(first, number)
    return first


def _numbers(shape: Shape) -> Position:
    sizes = tuple(size for size in shape if isinstance(size, int))
    if len(sizes) < len(shape):
        symbol = next(size for size in shape if not isinstance(size, int))
        raise ValuesError(f"the size {symbol} is no number", fix="give sizes, as Graph.sized does")
    return sizes
