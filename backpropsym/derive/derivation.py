"""One derivation, many views: the derivative of a node by a node as a sum over paths."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from backpropsym.arrays import Given, Numbers, Numeric, Values
from backpropsym.derive.forms.expanded import Expander
from backpropsym.derive.forms.factored import factored
from backpropsym.derive.forms.programme import Programme, adjoints, tangents
from backpropsym.derive.forms.registry import number_form
from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.local.exact_numbers import MOST_LINKS, ExactNumbers, may_be_exact, rounded
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.analytics import PathAnalytics, analyse
from backpropsym.derive.paths.path_space import Path, PathSpace, edges
from backpropsym.derive.paths.semiring import CUT_SUM, SUM
from backpropsym.derive.terms import NumericTerm, Term, summed
from backpropsym.errors import AbstractFunctionError, LimitError, ValuesError
from backpropsym.evaluate.given_numbers import given_numbers
from backpropsym.evaluate.scalar_evaluation import forward, given_values
from backpropsym.evaluate.slopes import with_slopes
from backpropsym.formula.tree import ONE, ZERO, Expr, depth
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name

if TYPE_CHECKING:
    import mpmath
    import sympy as sp

Position = tuple[int, ...]

MAX_TERMS = 1_000
MAX_LEVELS = 150
_CANCELLED = 1e3
"""A sum that is smaller than the sum of its terms' sizes by this factor has lost digits."""


class Derivation:
    """d `of` / d `wrt`, for any node by any node, as a sum over paths: between numbers here, between arrays below it.

    Every form is a view of the same local derivatives on the same paths.

    Parameters
    ----------
    local : the local derivatives of the graph.
    of, wrt : names of nodes.

    Attributes
    ----------
    between_arrays : whether terms are in index notation. A path then stands for many between neurons and has no number.
    of_at, wrt_at : the position of the one entry that is derived, where one of an array is asked for.
    of_indices, indices : the free indices of `of` and of `wrt`, which name an entry of each.

    Raises
    ------
    UnknownNameError : no such node.

    References
    ----------
    Bauer, Computational graphs and rounding error, SIAM Journal on Numerical Analysis 11, 1974.
    """

    between_arrays: ClassVar[bool] = False
    of_at: Position | None = None
    wrt_at: Position | None = None
    of_indices: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()

    def __init__(self, local: LocalDerivatives, of: str, wrt: str) -> None:
        self.local = local
        self.graph = local.graph
        self.of = self.graph[of].name
        self.wrt = self.graph[wrt].name
        self.space = PathSpace(self.graph, wrt, of)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.local, self.of, self.wrt)

    def __repr__(self) -> str:
        of, wrt = self.ends
        return f"Derivation(d{of}/d{wrt}, {paths_text(self.count)})"

    @property
    def ends(self) -> tuple[str, str]:
        """What is derived and by what, an entry of an array by its position."""
        return entry_name(self.of, self.of_at or ()), entry_name(self.wrt, self.wrt_at or ())

    @property
    def count(self) -> int:
        """The number of paths, exact."""
        return self.space.count

    @property
    def terms(self) -> Iterator[Term]:
        """One term a path, made one by one."""
        return map(self.term, self.space)

    def term(self, path: Path, readable: bool = False) -> Term:
        """The term of one path.

        Parameters
        ----------
        readable : whether softmax and logsumexp are written by name, for people, and not by sums and exp.
        """
        return Term(path, tuple(self.local[link] for link in edges(path)), self.graph)

    @cached_property
    def outer(self) -> tuple[Derivation, Derivation] | None:
        """(d of / d output, d output / d wrt) where the output lies on every path, else None.

        For of = loss this keeps the factor of the loss apart: L'(a) * da/dw.
        """
        output = self.graph.output
        if output in (self.of, self.wrt) or output not in self.space.common:
            return None
        return Derivation(self.local, self.of, output), Derivation(self.local, output, self.wrt)

    def tree(self, form: str = "paths") -> Expr:
        """The derivative as one formula over the nodes of the graph.

        Raises
        ------
        LimitError : the form would be too large to write out.
        UnknownNameError : no such form.
        """
        build = number_form(form)
        if self.count == 0:
            return ZERO
        if self.wrt == self.of:
            return ONE
        tree = build(self)
        if depth(tree) > MAX_LEVELS:
            raise LimitError(
                f"the {form} form nests {depth(tree):,} levels deep",
                fix="read it as a programme: --form backward has one equation a node",
            )
        return tree

    def path_sum(self) -> Expr:
        """The sum over paths of the products of local derivatives, equal terms apart."""
        return summed([term.tree for term in self._listed()])

    def factored(self) -> Expr:
        """The path sum with common bricks pulled out."""
        return factored(self.local, self.space)

    def expression(self, form: str = "paths") -> str:
        """`tree(form)` as text that SymPy's `parse_expr` reads, node names as symbols."""
        return sympy_text(self.graph.functions, self.tree(form))

    def sympy(self, form: str = "paths") -> sp.Expr:
        """`tree(form)` in SymPy, which may reorder and merge what the text keeps apart."""
        return self.graph.functions.symbolic.expression(self.graph.functions.written(self.tree(form)))

    def programme(self, direction: str = "backward") -> Programme:
        """One equation a node: adjoints from the output back, or tangents from the parameter on."""
        if direction == "backward":
            return adjoints(self.local, self.of, [self.wrt])
        return tangents(self.local, self.of, self.wrt)

    def _listed(self) -> list[Term]:
        if self.count > MAX_TERMS:
            raise LimitError(
                f"d{self.of}/d{self.wrt} has {count_text(self.count)} paths",
                details=(f"at most {MAX_TERMS:,} are written out as one sum",),
                fix="ask for --form backward, or list the strongest: backpropsym paths ... --top 10",
            )
        return list(self.terms)

    def expanded(self) -> Expr:
        """The path sum over inputs, targets, parameters and constants alone."""
        terms = [term.tree for term in self._listed()]
        expander = Expander(self.graph)
        expander.check(terms)
        return summed([expander.expand(term) for term in terms])

    def nested(self, direction: str) -> Expr:
        """The last equation of a programme with all earlier ones put in."""
        steps = self.programme(direction)
        return steps.right_side(steps.equations[-1]) if self.count > MAX_TERMS else steps.nested()

    def links(self) -> tuple[Edge, ...]:
        """Every link on some path."""
        return tuple(Edge(name, user) for name in self.space.nodes for user in self.space.successors[name])

    @property
    def network(self) -> Graph:
        """The network to whose inputs, targets and parameters numbers are given."""
        return self.graph

    def numbers(self, values: Values | None = None) -> dict[Edge, Numeric]:
        """The local derivative on each link at `values`, completed by the network's own; shape () or (batch,)."""
        return self._numbers(self.node_values(values))

    def _numbers(self, nodes: Numbers) -> dict[Edge, Numeric]:
        """The number on each link; in a gradient network, whose nodes are sums that may cancel, by fifty digits."""
        exact = self._in_many_digits(nodes) if self.graph.derivatives else None
        if exact is not None:
            return {link: float(number) for link, number in exact.items()}
        return local_numbers(self.local, self.links(), nodes)

    def numbers_at_one_object(self, values: Values | None = None) -> dict[Edge, float]:
        """The same as plain numbers.

        Raises
        ------
        ValuesError : a number is missing, or a batch is given.
        """
        found = self.numbers(values)
        if any(np.ndim(number) for number in found.values()):
            raise ValuesError("paths have numbers at one object, and a batch was given", fix="give one number a name")
        return {link: float(number) for link, number in found.items()}

    def analytics(self, at: Values | None = None) -> PathAnalytics:
        """What all paths are like: how many, how long, how strong, how even; nothing is listed.

        Parameters
        ----------
        at : numbers by name, completed by the network's own; without it numbers are told where those are complete.

        Raises
        ------
        ValuesError : `at` does not make the numbers complete, or holds a batch.
        """
        try:
            numbers = self.numbers_at_one_object(at)
        except (ValuesError, AbstractFunctionError):
            if at is not None:
                raise
            return analyse(self.space)
        return analyse(self.space, numbers)

    def formulas(self, besides: Iterable[str] = ()) -> dict[str, Expr]:
        """What the nodes are that `of` depends on, in the order in which they are computed.

        Parameters
        ----------
        besides : entries that are wanted even where no path runs through them; between scalars all are there.
        """
        needed = self.graph.ancestors(self.of)
        nodes = (self.graph[name] for name in self.graph.order if name in needed)
        return {node.name: node.formula for node in nodes if node.formula is not None}

    def node_values(self, values: Values | None = None, besides: Iterable[str] = ()) -> dict[str, Numeric]:
        """The value of every node that `of` depends on, shape () or (batch,); `besides` as for `formulas`."""
        leaves = given_values(self.graph, values or {}, self.graph.ancestors(self.of))
        return forward(self.graph, leaves, self.of)

    def evaluate(self, /, **values: Given) -> Numeric:
        """The derivative in numbers, a float, by the backward programme; its mean over objects for a batch.

        Parameters
        ----------
        values : numbers by name, `()` or `(batch,)`, also those that are not needed; missing ones come from the
            network's own values.

        Raises
        ------
        ValuesError : a number is missing, is not one, or is given to what the network does not have.
        AbstractFunctionError : a function on the way has no formula.
        """
        given = given_numbers(self.network, values)
        return float(np.mean(self.adjoint_values(given)[self.wrt])) if self.count else 0.0

    def adjoint_values(self, values: Values | None = None) -> dict[str, Numeric]:
        """The derivative of `of` by every node on the paths, shape () or (batch,), by the backward programme."""
        nodes = self.node_values(values)
        numbers = self._numbers(nodes)
        with np.errstate(all="ignore"):
            found = self.space.sweep(SUM, numbers.__getitem__)
            sizes = self.space.sweep(SUM, lambda link: np.abs(numbers[link]))
        if any(np.ndim(number) for number in numbers.values()):
            return found
        if self.graph.derivatives or any(abs(found[name]) * _CANCELLED < sizes[name] for name in found):
            exact = self._in_many_digits(nodes)
            found |= self._summed(exact) if exact is not None else {}
        return {name: self._defined(name, each, nodes) for name, each in found.items()}

    def _in_many_digits(self, nodes: Numbers) -> dict[Edge, mpmath.mpf] | None:
        """The numbers on the links in fifty digits; None for a batch, at kinks, and where one has none."""
        leaves = {name: value for name, value in nodes.items() if self.graph[name].op is None}
        links = self.links()
        if len(links) > MOST_LINKS or not may_be_exact(self.graph, nodes):
            return None
        return ExactNumbers(self.graph, self.local, leaves).links([self.of], links)

    def _summed(self, numbers: Mapping[Edge, mpmath.mpf]) -> dict[str, float]:
        """The sums over paths of such numbers, in double precision."""
        found = self.space.sweep(SUM, numbers.__getitem__)
        sizes = self.space.sweep(SUM, lambda link: abs(numbers[link]))
        return {name: rounded(found[name], sizes[name]) for name in found}

    def _defined(self, name: str, derivative: Numeric, nodes: Numbers) -> Numeric:
        """The derivative by a node; its true slope where a dead path makes a product of local ones undefined."""
        if np.isfinite(derivative):
            return derivative
        return with_slopes(self.graph, nodes, (self.of, ()), name, derivative)

    def numeric(self, values: Values | None = None, top: int | None = None) -> Iterator[NumericTerm]:
        """Terms with their numbers at one object: in path order, or the `top` strongest.

        Raises
        ------
        ValuesError : a number is missing, or a batch is given.
        """
        numbers = self.numbers_at_one_object(values)
        paths: Iterable[Path] = self.space
        if top is not None:
            paths = islice(self.space.strongest(lambda link: numbers[link]), top)
        yield from self._in_numbers(paths, numbers, values)

    def terms_in_numbers(self, paths: Iterable[Path], values: Values | None = None) -> Iterator[NumericTerm]:
        """The terms of these paths with their numbers at one object.

        Raises
        ------
        ValuesError : a number is missing, or a batch is given.
        """
        return self._in_numbers(paths, self.numbers_at_one_object(values), values)

    def _in_numbers(
        self, paths: Iterable[Path], numbers: Mapping[Edge, float], values: Values | None
    ) -> Iterator[NumericTerm]:
        cut = not all(map(math.isfinite, numbers.values())) and np.isfinite(self.adjoint_values(values)[self.wrt])
        whole = self.space.over(CUT_SUM if cut else SUM, lambda link: abs(numbers[link]))
        for path in paths:
            factors = tuple(numbers[link] for link in edges(path))
            value = 0.0 if cut and 0.0 in factors else math.prod(factors)
            yield NumericTerm(self.term(path), factors, value, abs(value) / whole if whole else math.nan)


def count_text(count: int) -> str:
    """A count for people: digits in groups, or a power of ten where there are very many."""
    if count < 10**30:
        return f"{count:,}"
    digits = int(count.bit_length() * math.log10(2))
    return f"about 10^{digits}"


def paths_text(count: int) -> str:
    """A number of paths for people."""
    return "1 path" if count == 1 else f"{count_text(count)} paths"
