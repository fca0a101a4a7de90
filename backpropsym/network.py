"""The network as people use it in Python: built, loaded, derived, checked, drawn and compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from backpropsym.arrays import Numbers
from backpropsym.derive.entry_derivation import canonical_name
from backpropsym.derive.gradient_graph import LiveDerivatives, gradient_graph, live
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.errors import NetworkError, counted
from backpropsym.graph.graph import Graph, Role, Shape
from backpropsym.graph.levels import at_level
from backpropsym.learn.starting_values import random_parameters
from backpropsym.ops.function import FUNCTIONS
from backpropsym.presentations import Presentations
from backpropsym.spec.architecture import parse_architecture
from backpropsym.spec.build import build
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.handles import Handle, builder, handle, name_of, tree
from backpropsym.spec.source import example_text, read_source
from backpropsym.spec.toml import parse_network
from backpropsym.story.results import shown
from backpropsym.story.shown import Derivation, HigherDerivation, derive_tensors

if TYPE_CHECKING:
    import numpy.typing as npt

    from backpropsym.checks.check import CheckOptions
    from backpropsym.kernels.api.compile import CompileOptions, Kernel
    from backpropsym.story.check import Report

_ABSTRACT = "abstract"


class Network(Presentations):
    """A computational graph with its output, loss and values.

    Built in Python, piece by piece, or made from a finished graph. A built network becomes a graph when it is
    first asked for something; until then mistakes are only collected.

    Parameters
    ----------
    title : shown in pictures and documents.
    graph : a finished graph; such a network takes no further nodes.

    Examples
    --------
    >>> import backpropsym as bp
    >>> net = bp.Network("one neuron")
    >>> x = net.input("x")
    >>> w, b = net.parameter("w b")
    >>> net.output = net.node("a", bp.tanh(w * x + b))
    >>> net.derive("a", wrt="w").expression()
    '(1 - tanh(w*x + b)**2)*x'
    """

    def __init__(self, title: str = "", *, graph: Graph | None = None) -> None:
        self._declaration = Declaration(title=title)
        self._functions: dict[str, str] = {}
        self._finished = graph
        self._built: Graph | None = graph

    def __getstate__(self) -> dict[str, object]:
        """Without what can be derived again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("local", "_live")}

    def __repr__(self) -> str:
        title = self._declaration.title if self._finished is None else self._finished.title
        title = title or "untitled"
        try:
            self.graph  # noqa: B018  A network on its way is looked at too, and may have mistakes until it is finished.
        except NetworkError as error:
            return f"<Network {title!r}, not finished: {error.problems[0].message}>"
        sizes = counted(len(self.graph.nodes), "node"), counted(len(self.parameters), "parameter")
        return f"<Network {title!r}: {', '.join(sizes)}>"

    @property
    def graph(self) -> Graph:
        """The verified graph.

        Raises
        ------
        NetworkError : the network has mistakes; all of them.
        """
        if self._built is None:
            self._built = build(replace(self._declaration, unreadable=set()))
        return self._built

    def _changed(self) -> Declaration:
        if self._finished is not None:
            raise NetworkError(
                "this network is finished: it was loaded, not built",
                fix="build one with bp.Network(), or edit the network file",
            )
        self._built = None
        self.__dict__.pop("local", None)
        return self._declaration

    def _leaves(self, names: str, shape: Shape | int | str, section: str) -> Any:
        declared: dict[str, Shape] = getattr(self._changed(), section)
        shape = (shape,) if isinstance(shape, int | str) else tuple(shape)
        listed = names.split()
        for name in listed:
            self._claim(name)
            declared[name] = shape
        handles = tuple(handle(name) for name in listed)
        return handles[0] if len(handles) == 1 else handles

    def _claim(self, name: str) -> None:
        sections = ("inputs", "targets", "parameters", "constants", "nodes")
        if any(name in getattr(self._declaration, section) for section in sections):
            raise NetworkError(f"{name} is declared twice", fix="give one of them another name")

    def input(self, names: str, shape: Shape | int | str = ()) -> Any:
        """Declare inputs: one handle, or a tuple of handles for several names."""
        return self._leaves(names, shape, "inputs")

    def target(self, names: str, shape: Shape | int | str = ()) -> Any:
        """Declare targets, which the loss may use."""
        return self._leaves(names, shape, "targets")

    def parameter(self, names: str, shape: Shape | int | str = ()) -> Any:
        """Declare parameters."""
        return self._leaves(names, shape, "parameters")

    def constant(self, name: str, value: float) -> Handle:
        """Declare a fixed number with a name."""
        declaration = self._changed()
        self._claim(name)
        declaration.constants[name] = value
        return handle(name)

    def function(self, head: str, formula: str = _ABSTRACT) -> Callable[..., Handle]:
        """Declare a function, "f" or "f(x, beta)", by a registered name, a formula, or as abstract.

        Raises
        ------
        NetworkError : it is declared already, or the network is finished.
        """
        declaration = self._changed()
        if head in self._functions:
            raise NetworkError(f"{head} is declared twice", fix="give one of them another name")
        self._functions[head] = formula
        declaration.functions = self._functions
        name, _, inside = head.partition("(")
        if not inside and formula in FUNCTIONS:
            required = len(FUNCTIONS[formula].required)
            return builder(name.strip(), required, required)
        arity = inside.count(",") + 1
        return builder(name.strip(), arity if inside or formula != _ABSTRACT else 8, arity)

    def node(self, name: str, formula: Handle | float | str) -> Handle:
        """Declare a node by a formula: handles put together, or a text in the formula language."""
        declaration = self._changed()
        self._claim(name)
        declaration.nodes[name] = formula if isinstance(formula, str) else tree(formula)
        return handle(name)

    @property
    def output(self) -> str:
        """The node that the network computes; set it to a handle of a node or to its name."""
        return self.graph.output

    @output.setter
    def output(self, value: Handle | str) -> None:
        self._changed().output = name_of(value)

    @property
    def loss(self) -> str | None:
        """The name of the loss node; set it to a formula."""
        return self.graph.loss

    @loss.setter
    def loss(self, value: Handle | str) -> None:
        self._changed().loss = value if isinstance(value, str) else tree(value)

    @property
    def values(self) -> Numbers:
        """Numbers for leaves, used where a call gives none; set it to a mapping."""
        return self.graph.values

    @values.setter
    def values(self, value: Mapping[str, float]) -> None:
        self._changed().values = dict(value)

    @property
    def title(self) -> str:
        """What the network is called in pictures and documents."""
        return self.graph.title

    @property
    def inputs(self) -> dict[str, Shape]:
        """Shapes of the inputs by name."""
        return self._shapes(Role.INPUT)

    @property
    def targets(self) -> dict[str, Shape]:
        """Shapes of the targets by name."""
        return self._shapes(Role.TARGET)

    @property
    def parameters(self) -> dict[str, Shape]:
        """Shapes of the parameters by name."""
        return self._shapes(Role.PARAMETER)

    def _shapes(self, role: Role) -> dict[str, Shape]:
        return {name: self.graph[name].shape for name in self.graph.names(role)}

    @cached_property
    def local(self) -> LocalDerivatives:
        """The local derivatives of all links, shared by every derivation."""
        return LocalDerivatives(self.graph)

    def derive(self, of: Handle | str | None = None, *, wrt: Handle | str | Sequence[Handle | str]) -> Derivation:
        """The derivative of a node by a node, or of an entry such as "p[1]" by an entry such as "W1[2,0]".

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss.
        wrt : a parameter, an input, or any node; several for a derivative of higher order, by each in turn.

        Raises
        ------
        UnknownNameError : no such node or entry.
        LimitError : a higher derivative in a network of tensors that is too large to be unrolled.
        """
        target = None if of is None else name_of(of)
        if not isinstance(wrt, Handle | str):
            *inner, wrt = wrt
            if inner:
                first, *others = (canonical_name(self.graph, name_of(name)) for name in (*inner, wrt))
                return self.gradient_graph(target, wrt=first).derive(wrt=others)
        if not self.graph.scalar:
            return derive_tensors(self.graph, target, name_of(wrt))
        if self.graph.derivatives:
            return HigherDerivation(self.graph, self._live, target or self.graph.default_target, name_of(wrt))
        return Derivation(self.local, target or self.graph.default_target, name_of(wrt))

    @cached_property
    def _live(self) -> LiveDerivatives:
        """The local derivatives of a gradient network, without links that are zero everywhere."""
        return live(self.graph)

    def gradient_graph(
        self, of: Handle | str | None = None, *, wrt: Handle | str | Sequence[Handle | str] = ()
    ) -> Network:
        """The derivatives of a number as a network of scalars: this one and a node for each adjoint.

        The node dA_dB holds d A / d B. With one name in `wrt` that derivative is the output. With several (default:
        every parameter) the output is `slope`, the sum of the derivatives times inputs t_NAME: the directional
        derivative, whose gradient is the Hessian times the direction.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss.

        Raises
        ------
        LimitError : a network of tensors too large to be unrolled.
        NotScalarError : `of` has axes.
        """
        names = [name_of(each) for each in ([wrt] if isinstance(wrt, Handle | str) else wrt)]
        return Network(graph=gradient_graph(self.graph, None if of is None else name_of(of), names))

    def at_level(self, level: str) -> Network:
        """The same network with other nodes named: derivation, counting, drawing and kernels follow.

        Parameters
        ----------
        level : `layers` collapses each layer of an architecture to one node, `ops` shows the steps inside formulas,
            `neurons` is the network of all entries.

        Raises
        ------
        UnknownNameError : no such level.
        LimitError : too many neurons, or symbolic sizes.

        Examples
        --------
        >>> import backpropsym as bp
        >>> net = bp.parse("x[3] -> dense(2, tanh) -> dense(2) -> cross_entropy")
        >>> [net.at_level(level).derive("loss", wrt="x").count for level in ("layers", "ops")]
        [1, 2]
        >>> net.at_level("neurons").derive("loss", wrt="x[0]").count
        4
        """
        return Network(graph=at_level(self.graph, level))

    def gradients(self, of: str | None = None) -> dict[str, Derivation]:
        """The derivative of a node (default: the loss, else the output) by every parameter."""
        return {name: self.derive(of or self.graph.objective, wrt=name) for name in self.parameters}

    def check(self, samples: int = 3, seed: int = 0, **options: Unpack[CheckOptions]) -> Report:
        """Compare everything that the network gives with independent numerics; see `checks.check.check_graph`.

        Parameters
        ----------
        samples : random points; the network's own values, where complete, are the first.
        seed : of the random points.
        options : `seconds`, how long it may take (default: 20); `thorough`, without a limit; `at`, numbers that come
            before the network's own; `progress`, called on the way.
        """
        from backpropsym.checks.check import check_graph
        from backpropsym.document.reports.printed_comparisons import PRINTED
        from backpropsym.story.check import Report

        return shown(Report, check_graph(self.graph, samples, seed, self.local, others=PRINTED, **options))

    def compile(
        self,
        mode: str = "reverse",
        accuracy: str = "default",
        parameters: Sequence[str] | None = None,
        engine: str = "numpy",
        objects_at_once: int | None = None,
    ) -> Kernel:
        """A fast function for the value and the gradients of the loss, else of the output.

        Parameters
        ----------
        mode : "reverse", "forward", or "paths" for the explicit path sum.
        accuracy : "default", or "full" for full relative accuracy where functions saturate.
        parameters : by which gradients are given; default: all.
        engine : "numpy", "torch" for tensors, or "numba" for networks of scalars over long batches.
        objects_at_once : the most objects of a batch that NumPy computes with together; default: as many as stay in
            the cache.

        Raises
        ------
        AbstractFunctionError : a function has no formula.
        ValuesError : `objects_at_once` is no whole number from 1.
        MissingExtraError : the engine's package is not installed.
        """
        from backpropsym.kernels.api.compile import compile_kernel

        return compile_kernel(self.graph, mode, accuracy, parameters, engine, objects_at_once)

    def init(self, seed: int = 0) -> dict[str, npt.NDArray[np.float64]]:
        """Random parameters by name, in their shapes; symbolic sizes must be numbers first.

        Vectors and scalars are standard normal for networks of scalars, and zero (biases) otherwise; matrices and
        filters are normal with variance 2 / fan-in.

        References
        ----------
        He et al., Delving deep into rectifiers, 2015.
        """
        return random_parameters(self.graph, seed)


def compile(network: Network, mode: str = "reverse", **options: Unpack[CompileOptions]) -> Kernel:
    """A fast function for value and gradients; see `Network.compile`."""
    return network.compile(mode, **options)


def check(network: Network, samples: int = 3, seed: int = 0, **options: Unpack[CheckOptions]) -> Report:
    """Compare everything that a network gives with independent numerics; see `Network.check`."""
    return network.check(samples, seed, **options)


def load(source: str | Path) -> Network:
    """The network in a file.

    Raises
    ------
    NetworkError : one problem for each mistake in the file, with its line.
    """
    return Network(graph=read_source(str(source)))


def parse(architecture: str) -> Network:
    """The network of an architecture string, such as "x[2] -> dense(2, tanh) -> dense(1) -> mse".

    Raises
    ------
    NetworkError : what is wrong, with the place in the string.
    """
    return Network(graph=parse_architecture(architecture))


def loads(text: str) -> Network:
    """The network in the text of a network file."""
    return Network(graph=parse_network(text))


def example(name: str) -> Network:
    """A bundled example, such as `lecture`.

    Raises
    ------
    UnknownNameError : no such example.
    """
    return Network(graph=parse_network(example_text(name), f"{name}.toml"))
