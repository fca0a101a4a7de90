"""Formulas as they are printed, in numbers: text alone goes in, and shapes are taken as they are written.

It is a reader of its own, so that nothing which a printer drops is filled in: it knows the words of `words()`, the
registered functions, NumPy's meaning of signs between arrays, and the arrays of nodes by their names. A formula whose
shapes do not fit is refused.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Given, Numeric, Values
from backpropsym.errors import PrintedError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.printed_words import DELAYED, Scope, Term, delta, whole, words
from backpropsym.formula.tree import Call, Name
from backpropsym.ops.function_table import FunctionTable

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}
_CONDITIONS = ("inside", "KroneckerDelta")
"""Factors of 0 or 1 that say whether a term exists."""

_CONSTANTS = {"oo": math.inf, "True": True, "False": False}


class PrintedFormulas:
    """Evaluates printed formulas over given arrays.

    Parameters
    ----------
    values : the array of each node in its own shape; numbers of symbolic sizes by their names.
    table : the registered functions and those of the network.
    """

    def __init__(self, values: Values, table: FunctionTable) -> None:
        self.values: dict[str, Any] = {name: _plain(value) for name, value in values.items()}
        self.table = table
        self.words = words()
        self._read: dict[str, Term] = {}
        self._found: dict[ast.Call, Any] = {}

    def value(self, text: str, indices: Mapping[str, int] | None = None) -> Any:
        """The value of a formula, an array or a number, exactly in the shape that the text says.

        Parameters
        ----------
        indices : the whole numbers of free indices.

        Raises
        ------
        PrintedError : the text cannot be read, its shapes do not fit, or an entry is read outside its array.
        """
        if text not in self._read:
            self._read[text] = self._compiled(text)
        self._found.clear()
        try:
            with np.errstate(all="ignore"):
                return self._read[text](dict(indices or {}))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise PrintedError(f"the printed formula has no value: {error}", details=(text,)) from error

    def array(self, text: str, shape: Sequence[int], indices: Mapping[str, int] | None = None) -> Array:
        """The value of a formula that must have `shape`.

        Raises
        ------
        PrintedError : as `value`, and where the shape is another one.
        """
        value = np.asarray(self.value(text, indices), float)
        if value.shape != tuple(shape):
            message = f"the printed formula has the shape {value.shape}, expected {tuple(shape)}"
            raise PrintedError(message, details=(text,))
        return value

    def entries(self, text: str, indices: Sequence[str], shape: Sequence[int]) -> Array:
        """The array of `shape` that holds a formula of one entry, for every position of its free `indices`."""
        found = np.empty(tuple(shape))
        for position in np.ndindex(*found.shape):
            found[position] = self.array(text, (), dict(zip(indices, position, strict=True)))
        return found

    def assign(self, symbol: str, value: Given) -> None:
        """Give a symbol a value for later formulas; that of an entry, `d_s[1,0]`, stands beside those of others.

        Raises
        ------
        PrintedError : an entry is given of what has a value as a whole.
        """
        name, bracket, position = symbol.partition("[")
        if not bracket:
            self.values[name] = _plain(value)
            return
        place = tuple(int(part) for part in position.rstrip("]").split(","))
        entries = self.values.setdefault(name, {})
        if not isinstance(entries, dict):
            raise PrintedError(f"{symbol} is an entry of {name}, which is a whole")
        entries[place] = _plain(value)

    def _compiled(self, text: str) -> Term:
        try:
            return self._term(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, RecursionError) as error:
            raise PrintedError(f"the printed formula cannot be read: {error}", details=(text,)) from error

    def _term(self, node: ast.expr) -> Term:
        """A part of a formula as a function of the indices in scope."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return lambda scope: constant
            case ast.Name(id=name):
                return lambda scope: self._named(name, scope)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._term(operand)
                return lambda scope: -inner(scope)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._operation(operator, left, right)
            case ast.Compare(left=left, ops=operators, comparators=comparators):
                return self._comparison(left, operators, comparators)
            case ast.Subscript(value=base, slice=subscript):
                return self._entry(base, subscript)
            case ast.Tuple(elts=parts):
                terms = [self._term(part) for part in parts]
                return lambda scope: tuple(term(scope) for term in terms)
            case ast.Call(func=ast.Name(id=word), args=arguments, keywords=options):
                term = self._call(word, arguments, {str(each.arg): each.value for each in options})
                return self._once(node, term)
        raise PrintedError(f"{ast.unparse(node)} is no part of printed formulas")

    def _once(self, node: ast.Call, term: Term) -> Term:
        """A part that names none of the indices in scope has one value, whatever they are."""
        free = _free_names(node)

        def value(scope: Scope) -> Any:
            if not scope or not free.isdisjoint(scope):
                return term(scope)
            if node not in self._found:
                self._found[node] = term(scope)
            return self._found[node]

        return value

    def _named(self, name: str, scope: Scope) -> Any:
        if name in scope:
            return scope[name]
        if name in self.values:
            return self.values[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise PrintedError(f"the printed formula names {name}, which is no node, index or size")

    def _operation(self, operator: ast.operator, left: ast.expr, right: ast.expr) -> Term:
        first, second = self._term(left), self._term(right)
        match operator:
            case ast.Add():
                return lambda scope: first(scope) + second(scope)
            case ast.Sub():
                return lambda scope: first(scope) - second(scope)
            case ast.Mult():
                return self._product(first, second, right)
            case ast.Div():
                return lambda scope: np.true_divide(first(scope), second(scope))
            case ast.Pow():
                return lambda scope: _power(first(scope), second(scope))
            case ast.MatMult():
                return lambda scope: np.asarray(first(scope)) @ np.asarray(second(scope))
        raise PrintedError(f"{type(operator).__name__} is no sign of printed formulas")

    def _product(self, first: Term, second: Term, right: ast.expr) -> Term:
        """A product; beside a condition that does not hold, nothing is read."""
        if isinstance(right, ast.Call) and isinstance(right.func, ast.Name) and right.func.id in _CONDITIONS:
            return lambda scope: first(scope) * 1.0 if second(scope) else 0.0
        return lambda scope: first(scope) * second(scope)

    def _comparison(self, left: ast.expr, operators: Sequence[ast.cmpop], others: Sequence[ast.expr]) -> Term:
        first, rest = self._term(left), [self._term(other) for other in others]

        def holds(scope: Scope) -> Any:
            values = [first(scope), *(term(scope) for term in rest)]
            found = [_COMPARE[type(op)](a, b) for op, a, b in zip(operators, values, values[1:], strict=False)]
            return np.logical_and.reduce(found) if len(found) > 1 else found[0]

        return holds

    def _entry(self, base: ast.expr, subscript: ast.expr) -> Term:
        """An entry, whose position counts from zero and lies inside, or the part that slices leave."""
        array = self._term(base)
        parts = subscript.elts if isinstance(subscript, ast.Tuple) else [subscript]
        terms = [_stretch(part) if isinstance(part, ast.Slice) else self._term(part) for part in parts]

        def entry(scope: Scope) -> Any:
            value = array(scope)
            place = tuple(each if isinstance(each := term(scope), slice) else whole(each) for term in terms)
            if any(isinstance(at, int) and at < 0 for at in place):
                raise IndexError(f"{ast.unparse(base)} is read at {place}")
            return value[place] if isinstance(value, dict) else _plain(np.asarray(value)[place])

        return entry

    def _call(self, word: str, arguments: Sequence[ast.expr], options: Mapping[str, ast.expr]) -> Term:
        named = {key: self._term(value) for key, value in options.items()}
        if word == "KroneckerDelta" or word not in self.words:
            return self._function(word, [self._term(argument) for argument in arguments])
        if word == "scatter":  # its last argument is a position, also where that looks like the limits of an index
            place = arguments[-1].elts if isinstance(arguments[-1], ast.Tuple) else arguments[-1:]
            return DELAYED[word](word, [*map(self._part, arguments[:-1]), [self._term(each) for each in place]])
        if word in DELAYED or any(map(_is_range, arguments)):
            return DELAYED.get(word, DELAYED["Sum"])(word, [self._part(argument) for argument in arguments])
        if word in self.table and len(arguments) > 1 and not _is_axes(arguments[1]):
            return self._function(word, [self._term(argument) for argument in arguments])
        terms = [self._term(argument) for argument in arguments]
        run = self.words[word].run
        assert run is not None, "the others evaluate their arguments themselves"

        def called(scope: Scope) -> Any:
            return _plain(run(*(t(scope) for t in terms), **{key: t(scope) for key, t in named.items()}))

        return called

    def _part(self, node: ast.expr) -> Any:
        """An argument that a word evaluates itself: a formula, or (index, low, high), or several formulas."""
        if _is_range(node):
            assert isinstance(node, ast.Tuple) and isinstance(node.elts[0], ast.Name)
            return (node.elts[0].id, *(self._term(part) for part in node.elts[1:]))
        if isinstance(node, ast.Tuple):
            return [self._term(part) for part in node.elts]
        return self._term(node)

    def _function(self, word: str, terms: Sequence[Term]) -> Term:
        """A function of scalars, entry by entry."""
        if word == "KroneckerDelta":
            return lambda scope: delta(*(term(scope) for term in terms))
        if word not in self.table:
            raise PrintedError(f"the printed formula calls {word}, which is no word and no function")
        slots = [(f"a{number}", term) for number, term in enumerate(terms)]
        call = Call(word, tuple(Name(name) for name, _ in slots))
        if word in ("max", "min") and len(terms) > 2:
            return lambda scope: getattr(np, f"{word}imum").reduce([term(scope) for term in terms])

        def function(scope: Scope) -> Any:
            values = {name: np.float64(v) if np.ndim(v := t(scope)) == 0 else v for name, t in slots}
            return _plain(evaluate(call, values, self.table))

        return function


def _free_names(node: ast.AST) -> frozenset[str]:
    """The names in a formula that it does not bind itself by the range of an index."""
    if isinstance(node, ast.Name):
        return frozenset((node.id,))
    if not isinstance(node, ast.Call):
        return frozenset[str]().union(*map(_free_names, ast.iter_child_nodes(node)))
    ranges = [part for part in node.args if _is_range(part) and isinstance(part, ast.Tuple)]
    bound = {part.elts[0].id for part in ranges if isinstance(part.elts[0], ast.Name)}
    bounds = (bound_part for part in ranges for bound_part in part.elts[1:])
    inner = frozenset[str]().union(*map(_free_names, node.args), *(_free_names(each.value) for each in node.keywords))
    return (inner - bound).union(*map(_free_names, bounds))


def _is_axes(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "axes"


def _is_range(node: ast.expr) -> bool:
    """Whether an argument is (index, low, high)."""
    return isinstance(node, ast.Tuple) and len(node.elts) == 3 and isinstance(node.elts[0], ast.Name)


def _stretch(part: ast.Slice) -> Term:
    bounds = [None if bound is None else ast.literal_eval(bound) for bound in (part.lower, part.upper, part.step)]
    return lambda scope: slice(*bounds)


def _power(base: Numeric, exponent: Numeric) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent < 0:
        base = float(base)
    return base**exponent if isinstance(exponent, int) else np.power(base, float(exponent))


def _plain(value: Any) -> Any:
    """A number as Python's own, whole ones as such where they count; an array of numbers as it is."""
    if isinstance(value, int | float | tuple):
        return value
    array = np.asarray(value, float) if not np.iscomplexobj(value) else np.asarray(value)
    return array.item() if array.ndim == 0 else array
