"""What a network says at given numbers: the part of `Network` that traces, trains and verifies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backpropsym.arrays import Values
from backpropsym.derive.analyses.dead_neurons import DeadShares, dead_shares
from backpropsym.derive.analyses.hessian import Hessian
from backpropsym.derive.analyses.jacobian import Jacobian
from backpropsym.derive.analyses.sensitivity import FINITE, SMALL, Wiggles
from backpropsym.derive.analyses.sensitivity import wiggle as wiggle_graph
from backpropsym.derive.analyses.trace import Trace
from backpropsym.derive.analyses.trace import trace as trace_graph
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.errors import UnknownNameError
from backpropsym.evaluate.given_numbers import given_numbers
from backpropsym.graph.graph import Graph, Role
from backpropsym.spec.handles import Handle, name_of
from backpropsym.story import results, shown
from backpropsym.story.shown import Derivation

if TYPE_CHECKING:
    from backpropsym.learn import training
    from backpropsym.learn.data import Data
    from backpropsym.learn.descent import Plan, Step
    from backpropsym.story.training import Training
    from backpropsym.story.verdict import Verdict


class Analyses(ABC):
    """Analyses of a network, which has a graph and derives."""

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """The verified graph."""

    @abstractmethod
    def derive(self, of: Handle | str | None = None, *, wrt: Handle | str) -> Derivation:
        """The derivative of a node by a node."""

    def trace(self, at: Values | None = None, of: str | None = None, rate: float = 0.1) -> Trace:
        """Both passes of backpropagation at one object, number by number, and one step of gradient descent.

        Parameters
        ----------
        at : numbers by name, completed by the network's own.
        of : a scalar node; default: the loss, else the output.
        rate : the length of the step, in units of parameter squared per unit of `of`.

        Raises
        ------
        ValuesError : numbers are missing, or a batch is given.
        NotScalarError : `of` has axes.
        """
        return results.shown(results.Trace, trace_graph(self.graph, at, of, rate))

    def train(
        self,
        data: str | Path | Values | None = None,
        test: Values | None = None,
        *,
        at: Values | None = None,
        plan: Plan | None = None,
        watch: Callable[[Step], None] | None = None,
    ) -> Training:
        """Gradient descent on the loss, else on the output, until a step moves the parameters by little enough.

        Parameters
        ----------
        data, test : arrays by input and target, with a leading axis of objects; or "digits", "mnist", a file.
        at : parameters to start from, and numbers that are the same for all objects; they complete `data`, and are
            completed by the network's own numbers, then by random ones.
        plan : rate, tolerance, steps, batch and seed; default: Plan().
        watch : is shown every step.

        Raises
        ------
        ValuesError : data that do not fit the network, or that leave out a name; numbers for a name it does not have.

        Examples
        --------
        >>> import backpropsym as bp
        >>> from backpropsym.learn.descent import Plan
        >>> found = bp.example("lecture").train(plan=Plan(rate=0.01))
        >>> found.descent.reason.partition(":")[0], found.after.train.objective < 1e-9
        ('stopped after 12 steps', True)
        """
        from backpropsym.learn.data import data_of
        from backpropsym.story.training import Training

        return results.shown(Training, self._trained(data_of(self.graph, data, test), at or {}, plan, watch))

    def _trained(
        self, objects: Data, at: Values, plan: Plan | None, watch: Callable[[Step], None] | None
    ) -> training.Training:
        """A descent from given parameters, those of the network and random ones, the first that there is of each."""
        from backpropsym.kernels.api.compile import compile_kernel
        from backpropsym.learn.descent import Plan
        from backpropsym.learn.starting_values import random_parameters
        from backpropsym.learn.training import train

        plan = plan or Plan()
        start = random_parameters(self.graph, plan.seed) | {**self.graph.values, **given_numbers(self.graph, at)}
        return train(compile_kernel(self.graph), start, objects, plan, watch)

    def wiggle(
        self,
        at: Values | None = None,
        of: str | None = None,
        wrt: str | Sequence[str] = (),
        small: float = SMALL,
        finite: float = FINITE,
    ) -> Wiggles:
        """What pushing each parameter does at one object, and which links cut every path where it does nothing.

        Parameters
        ----------
        at : numbers by name, completed by the network's own.
        of : a scalar node or an entry; default: the output where that is a scalar, else the loss.
        wrt : leaves, or entries such as "W1[2,0]"; default: every parameter.
        small, finite : how far each is pushed, both ways.

        Raises
        ------
        ValuesError : numbers are missing, or a batch is given.
        LimitError : more than 2,000 entries are pushed.
        """
        found = wiggle_graph(self.graph, at, of, (wrt,) if isinstance(wrt, str) else wrt, small, finite)
        return results.shown(results.Wiggles, found)

    def dead(self, data: Values) -> DeadShares:
        """The share of objects on which each neuron is dead: nothing that it reads moves it.

        Parameters
        ----------
        data : arrays by name, inputs with a leading axis of objects; completed by the network's own numbers.

        Raises
        ------
        ValuesError : numbers are missing, or there is no leading axis of objects.
        """
        return results.shown(results.DeadShares, dead_shares(self.graph, data))

    def jacobian(self, of: str | Sequence[str] | None = None, wrt: str | Sequence[str] = ()) -> Jacobian:
        """The derivatives of several nodes by several nodes: a derivation each, and the matrix in numbers.

        Parameters
        ----------
        of : default: the output.
        wrt : default: every parameter.

        Raises
        ------
        UnknownNameError : no such node, or nothing to derive by.
        """
        rows = (of,) if isinstance(of, str) else tuple(of or (self.graph.output,))
        columns = (wrt,) if isinstance(wrt, str) else tuple(wrt or self.graph.names(Role.PARAMETER))
        if not columns:
            raise UnknownNameError("the network has no parameters to derive by", fix="name inputs with --wrt")
        return results.Jacobian(rows, columns, {(a, b): self.derive(a, wrt=b) for a in rows for b in columns})

    def hessian(self, of: str | None = None, wrt: str | Sequence[str] = ()) -> Hessian:
        """All second derivatives of a number: formulas with their paths, the matrix, its product with a direction.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss.
        wrt : rows and columns; default: every parameter, or every entry of one.

        Raises
        ------
        LimitError : a network of tensors too large to be unrolled, or more than 2,000 names, where entries are asked
            for; by whole leaves, products with a direction are given all the same.
        NotScalarError : `of` has axes.
        """
        from backpropsym.kernels.api.hessian_product import hessian

        return hessian(shown.Hessian, self.graph, of, (wrt,) if isinstance(wrt, str) else wrt)

    def paths(self, of: Handle | str | None = None, *, wrt: Handle | str) -> PathSpace:
        """The paths from `wrt` to `of`: counted exactly, listed lazily, the strongest found without listing all.

        Examples
        --------
        >>> import backpropsym as bp
        >>> paths = bp.example("lecture").paths(wrt="w11")
        >>> paths.count, next(iter(paths))
        (2, ('w11', 's1', 'z1', 'u1', 'h1', 'a'))
        """
        return self.derive(of, wrt=wrt).space

    def verify(self, claim: str, *, wrt: Handle | str, of: Handle | str | None = None, seed: int = 0) -> Verdict:
        """Mark a hand-derived formula: whether it is right, and if not, the nearest explanation.

        Parameters
        ----------
        claim : in the formula language, with f'(s1), or in LaTeX.
        wrt, of : as in `derive`; besides, all entries of a tensor by letters, as in "W1[i,j]".

        Raises
        ------
        FormulaError : the claim cannot be read.

        Examples
        --------
        >>> import backpropsym as bp
        >>> verdict = bp.example("lecture").verify("p11*f(u1)*z1", wrt="v11")
        >>> verdict.right, [str(slip.kind) for slip in verdict.slips]
        (False, ['function for derivative'])
        """
        from backpropsym.marking.mark import Marker
        from backpropsym.story.verdict import Verdict

        found = Marker(self.graph, seed).verify(claim, name_of(wrt), None if of is None else name_of(of))
        return results.shown(Verdict, found)
