"""The derivative of a tensor by a tensor: one term a layer-level path, in index notation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from types import EllipsisType
from typing import Any

import numpy as np

from backpropsym.arrays import Arrays, Given, Numeric, Values
from backpropsym.derive.derivation import MAX_TERMS, Derivation, Position
from backpropsym.derive.forms.adjoint_programme import matrix_programme, nested
from backpropsym.derive.forms.matrix_notation import written_out
from backpropsym.derive.forms.named_reductions import NamedReductions
from backpropsym.derive.forms.programme import Programme
from backpropsym.derive.forms.registry import array_form
from backpropsym.derive.local.entries import count_of, index_letters, over, placed
from backpropsym.derive.paths.analytics import PathAnalytics, analyse
from backpropsym.derive.paths.index_composer import Composer, PartialTerm
from backpropsym.derive.paths.path_space import Path, PathSpace
from backpropsym.derive.terms import Term, summed
from backpropsym.errors import LimitError, NotScalarError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.evaluate.slopes import with_slopes
from backpropsym.formula.tree import (
    ZERO,
    Call,
    Expr,
    Index,
    Limits,
    Name,
    called,
    children,
    number,
    rebuild,
    substitute,
)
from backpropsym.graph.definitions import FIRST, definition
from backpropsym.graph.graph import Graph, Node
from backpropsym.graph.unroll import entry_name
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.memory_budget import check_memory
from backpropsym.ops.reducer import FOLDS, REDUCERS, filled


def _tail(position: Position) -> tuple[EllipsisType | int, ...]:
    """A subscript that picks a position of the last axes."""
    return (..., *position)


def _entry(indices: Sequence[str], position: Position | None) -> tuple[Expr, ...]:
    """The entry that free indices name, or a fixed one."""
    return tuple(map(Name, indices)) if position is None else tuple(map(number, position))


_SLIDING = frozenset(("array", "einsum"))
"""Ops in which an index definition is stored, and which no person would write for it."""


def equation_of(graph: Graph, node: Node) -> tuple[Expr, Expr]:
    """What a node is: its name and its formula, or an entry and its formula where it was defined entry by entry.

    The latter in index notation, anonymous nodes written out; inner indices count from zero.
    """
    whole = written_out(graph, node)
    if node.name in graph.written or _SLIDING.isdisjoint(called(whole)):
        return Name(node.name), whole
    return TensorDerivation(graph, node.name, node.name).entry_equation()


def steps(graph: Graph, named: Iterable[str]) -> tuple[str, ...]:
    """The steps of layers among `named`, and those in whose formulas they stand: names that nobody wrote."""
    unwritten = graph.layer_steps
    waiting = [name for name in named if name in unwritten]
    found: dict[str, None] = {}
    for name in waiting:
        if name not in found:
            found[name] = None
            waiting += (parent for parent in graph.named[name].parents if parent in unwritten)
    return tuple(found)


def step(graph: Graph, name: str, readable: bool = False) -> tuple[Expr, Expr]:
    """An entry of a step of a layer, such as the scores inside attention, and its formula."""
    return TensorDerivation(graph, name, name).entry_equation(readable)


class TensorDerivation(Derivation):
    """d `of` / d `wrt` where nodes have axes; an entry of each is named by free indices.

    Parameters
    ----------
    of_at, wrt_at : the position of the one entry that is derived, where one is asked for.

    Raises
    ------
    UnknownNameError : no such node.
    """

    between_arrays = True

    def __init__(
        self, graph: Graph, of: str, wrt: str, of_at: Position | None = None, wrt_at: Position | None = None
    ) -> None:
        self.graph = graph
        self.of = graph[of].name
        self.wrt = graph[wrt].name
        self.of_at, self.wrt_at = of_at, wrt_at
        self.space = PathSpace(graph.named, wrt, of)
        self._letters = index_letters(graph)
        rank = len(graph[wrt].shape) if wrt_at is None else 0
        of_rank = len(graph[of].shape) if of_at is None else 0
        self.indices = tuple(self._letters[:rank])
        self.of_indices = tuple(self._letters[rank : rank + of_rank])

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.graph, self.of, self.wrt, self.of_at, self.wrt_at)

    def term(self, path: Path, readable: bool = False) -> Term:
        """The term of one path, its deltas contracted.

        Parameters
        ----------
        readable : whether softmax and logsumexp are written by name, for people, and not by sums and exp.
        """
        composer = Composer(self.graph)
        start = composer.along(path, _entry(self.of_indices, self.of_at))
        found = composer.pin(start, _entry(self.indices, self.wrt_at), self.graph[self.wrt].shape)
        return self._lettered(path, found, readable)

    def _lettered(self, path: Path, found: PartialTerm, readable: bool) -> Term:
        """Bound indices renamed to the next free letters, factors in path order, anonymous nodes written out."""
        letters = iter(self._letters[len(self.indices) + len(self.of_indices) :])
        names = {each.index: self._next(letters) for each in found.sums}
        values = {old: Name(new) for old, new in names.items()}
        factors = tuple(self._transparent(placed(each, values), letters, readable) for each in reversed(found.factors))
        sums = tuple(
            Limits(names[each.index], placed(each.low, values), placed(each.high, values)) for each in found.sums
        )
        conditions = tuple((placed(a, values), placed(b, values), placed(c, values)) for a, b, c in found.conditions)
        return Term(path, factors, self.graph, sums, conditions)

    def entry_equation(self, readable: bool = True) -> tuple[Expr, Expr]:
        """An entry of `of`, and what it is; `readable` as for `term`."""
        indices = tuple(map(Name, self.indices))
        entry = Index(Name(self.of), indices) if indices else Name(self.of)
        letters = iter(self._letters[len(indices) :])
        return entry, self._transparent(self._entry(self.of, indices), letters, readable)

    def _next(self, letters: Iterator[str]) -> str:
        """A letter for one more index."""
        letter = next(letters, "")
        if not letter:
            raise LimitError(
                f"a term of d{self.of}/d{self.wrt} in index notation takes more than {len(self._letters)} indices",
                fix="ask for it without --level layers, or for one entry, such as W[0,0]",
            )
        return letter

    def _transparent(self, expr: Expr, letters: Iterator[str], readable: bool) -> Expr:
        """`expr` with entries of anonymous nodes replaced by their definitions, inner indices lettered."""
        if isinstance(expr, Call) and expr.function == FIRST:
            return self._transparent(expr.arguments[int(readable)], letters, readable)
        expr = self._named_reductions.divided(expr) if readable else expr
        short = self._named_reductions.of(expr) if readable else self._named_reductions.stored(expr)
        if short is not None:
            return short
        if isinstance(expr, Index) and isinstance(expr.base, Name) and self._anonymous(expr.base.name):
            return self._transparent(self._entry(expr.base.name, expr.subscripts), letters, readable)
        if isinstance(expr, Name) and self._anonymous(expr.name):
            return self._transparent(self._entry(expr.name, ()), letters, readable)
        if isinstance(expr, Call) and any(isinstance(part, Limits) for part in expr.arguments):
            spelled = _explicit(expr, self.graph.functions)
            if spelled is not expr:
                return self._transparent(spelled, letters, readable)
            expr = self._relettered(expr, letters)
        parts = children(expr)
        return rebuild(expr, tuple(self._transparent(part, letters, readable) for part in parts)) if parts else expr

    @cached_property
    def _named_reductions(self) -> NamedReductions:
        return NamedReductions(self.graph, defined=self.of if self.of == self.wrt else "")

    def _anonymous(self, name: str) -> bool:
        return name in self.graph.nodes and not self.graph[name].named

    def _entry(self, name: str, subscripts: tuple[Expr, ...]) -> Expr:
        own = definition(self.graph, self.graph[name])
        return placed(own.body, dict(zip(own.indices, subscripts, strict=True)))

    def _relettered(self, expr: Call, letters: Iterator[str]) -> Call:
        fresh = {part.index: self._next(letters) for part in expr.arguments if isinstance(part, Limits)}
        values = {old: Name(new) for old, new in fresh.items()}
        parts = tuple(
            Limits(fresh[part.index], part.low, part.high) if isinstance(part, Limits) else substitute(part, values)
            for part in expr.arguments
        )
        return Call(expr.function, parts)

    @property
    def outer(self) -> None:
        """The factor of the loss is not kept apart between arrays."""
        return None

    def analytics(self, at: Values | None = None) -> PathAnalytics:
        """How many layer-level paths there are, and how long; as each stands for many of neurons, none has a number."""
        return analyse(self.space)

    def node_values(self, values: Values | None = None, besides: Iterable[str] = ()) -> dict[str, Numeric]:
        """Never: paths between arrays have no numbers.

        Raises
        ------
        NotScalarError : with the entry to ask for.
        """
        raise self._not_of_numbers("numbers along paths")

    def formulas(self, besides: Iterable[str] = ()) -> dict[str, Expr]:
        """Never: nodes with axes have no formulas of numbers.

        Raises
        ------
        NotScalarError : with the entry to ask for.
        """
        raise self._not_of_numbers("formulas of numbers")

    def programme(self, direction: str = "backward") -> Programme:
        """Never: between arrays the backward programme is in matrix notation.

        Raises
        ------
        NotScalarError : with what to ask for.
        """
        raise self._not_of_numbers("a programme of numbers")

    def _not_of_numbers(self, what: str) -> NotScalarError:
        shapes = ((name, self.graph[name].shape) for name in (self.of, self.wrt))
        entries = [entry_name(name, (0,) * len(shape)) for name, shape in shapes]
        message = "d{}/d{} is a derivative between arrays and has no {}".format(*self.ends, what)
        return NotScalarError(message, fix=f"ask for one entry by one entry, such as d{entries[0]}/d{entries[1]}")

    def evaluate(self, /, **values: Given) -> Numeric:
        """The derivative in numbers, an array with the axes of `of`, then of `wrt`; its mean over objects for a batch.

        Parameters
        ----------
        values : arrays by name, also those that are not needed, completed by the network's own.

        Raises
        ------
        ValuesError : arrays are missing, have other shapes, or are given to what the network does not have.
        AbstractFunctionError : a function on the way has no formula.
        """
        leaves, batch, sizes = array_leaves(self.graph, values, self.graph.ancestors(self.of))
        graph = self.graph.sized(sizes)
        network = ArrayNetwork(graph, leaves, batch)
        value = network.forward(self.of)
        lead = int(batch is not None and self.of in graph.batched)
        shape = tuple(int(size) for size in graph[self.wrt].shape)
        check_memory(math.prod((*value.shape[lead:], *shape)), f"the derivative of {self.of} by {self.wrt}")
        rows = []
        for position in np.ndindex(*value.shape[lead:]):
            seed = np.zeros_like(value, dtype=float)
            seed[(..., *position)] = 1.0 / (batch or 1) if lead else 1.0
            row = _of(network.reverse(self.of, seed), self.wrt, shape, graph, batch)
            one = batch is None
            rows.append(with_slopes(graph, network.values, (self.of, position), self.wrt, row) if one else row)
        found = np.array(rows).reshape((*value.shape[lead:], *shape))
        found = found if self.of_at is None else found[self.of_at]
        found = found if self.wrt_at is None else np.asarray(found)[_tail(self.wrt_at)]
        return float(found) if found.ndim == 0 else found

    def tree(self, form: str = "paths") -> Expr:
        """The derivative as one formula: of an entry that free indices name, or of whole arrays in matrix notation.

        Raises
        ------
        NotScalarError : matrix notation of what has axes.
        UnknownNameError : a form that only derivatives between numbers have.
        """
        return array_form(form)(self)

    def path_sum(self) -> Expr:
        """The sum over layer-level paths, an entry of it."""
        return summed([term.tree for term in self.terms]) if self.count else ZERO

    def matrix_notation(self) -> Expr:
        """The backward programme as one formula; its last equation alone where there are too many paths for that."""
        equations = matrix_programme(self.graph, self.of, [self.wrt], self.of_at)
        return nested(equations if self.count <= MAX_TERMS else equations[-1:])


def _of(adjoints: Arrays, wrt: str, shape: tuple[int, ...], graph: Graph, batch: int | None) -> Any:
    """The derivative by `wrt`, summed over objects: each object's part already carries its share of the mean."""
    found = adjoints.get(wrt, np.zeros(shape))
    return found.sum(axis=0) if batch is not None and wrt in graph.batched and found.ndim > len(shape) else found


def _explicit(body: Call, table: FunctionTable) -> Expr:
    """A reduction over indices spelled with sums, for texts that SymPy reads; what cannot be spelled stays."""
    summand, *rest = body.arguments
    limits = [each for each in rest if isinstance(each, Limits)]
    if body.function == "sum":
        return Call("Sum", (summand, *limits))
    if body.function not in REDUCERS or body.function in FOLDS:
        return body
    definition = REDUCERS[body.function].definition
    return filled(definition, {"x": summand, "n": count_of(limits)}, table, over(limits))
