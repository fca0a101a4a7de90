"""Graph to a function that gives the value and all gradients."""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import weakref
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, cast

from backpropsym.collection import collection_paused
from backpropsym.errors import OutputError, Problem, UnknownNameError, ValuesError, did_you_mean
from backpropsym.files import write_whole
from backpropsym.graph import Graph, Role
from backpropsym.kernels.errorfunction import erf_array, erfc_array
from backpropsym.kernels.fused import FusedLoop
from backpropsym.kernels.lower import lower
from backpropsym.kernels.module import ModuleText, Names, kernel_names, module_text
from backpropsym.kernels.paths import paths_function
from backpropsym.kernels.products import Arrays, Choice, Found, Products
from backpropsym.kernels.runtime import arranged, mean, mean_product, on_arrays
from backpropsym.kernels.tensors import TensorFunction, tensor_module

MODES = ("reverse", "forward", "paths")
PRODUCTS = ("gradients", "per_object", "intermediates", "vjp", "jvp", "hvp", "jacobian")
ACCURACIES = ("default", "full")
ENGINES = ("numpy", "numba")
Results = tuple[float, dict[str, Any]]
_numbers = itertools.count(1)


class Kernel(Protocol):
    """A compiled network: a plain Python function, so that a call costs what a call costs, with attributes.

    Called with a number for every input, target and parameter by name, it returns the value of the objective and
    its derivative by each parameter. Inputs and targets may be arrays of shape (n,), one number an object; then
    value and gradients are means over the objects. Overflow gives inf and what is undefined nan, without warnings.

    Attributes
    ----------
    mode : "reverse", "forward" or "paths".
    accuracy : "default" or "full".
    graph : what was compiled.
    names : what it must be called with.
    source : its text as a module that needs only NumPy, and for numbers nothing.

    Raises
    ------
    ValuesError : on a call with missing or unknown names, or with something that is not a number.
    """

    mode: str
    accuracy: str
    graph: Graph
    names: tuple[str, ...]
    source: str

    def __call__(self, **values: Any) -> Results:
        """Value and gradients."""

    def gradients(self, values: Arrays, wrt: Choice = None) -> tuple[Any, Found]:
        """See Products, as for all methods that take values as one mapping."""

    def per_object(self, values: Arrays, wrt: Choice = None) -> tuple[Any, Found]:
        """Value and gradients of each object."""

    def intermediates(self, values: Arrays, of: Choice = None) -> Found:
        """Values of nodes by name."""

    def vjp(self, values: Arrays, cotangents: Arrays, wrt: Choice = None) -> Found:
        """Cotangents of nodes pulled back to leaves."""

    def jvp(self, values: Arrays, tangents: Arrays, of: Choice = None) -> Found:
        """Derivatives of nodes along a direction."""

    def hvp(self, values: Arrays, direction: Arrays, wrt: Choice = None) -> Found:
        """The Hessian of the mean objective times a direction."""

    def jacobian(self, values: Arrays, of: str, wrt: str) -> Any:
        """Derivatives of every entry of a node by every entry of a leaf."""

    def save(self, path: str | Path) -> None:
        """Write `source` to a file, whole or not at all.

        Raises
        ------
        OutputError : the file cannot be written.
        """


def compile_kernel(
    graph: Graph,
    mode: str = "reverse",
    accuracy: str = "default",
    parameters: Sequence[str] | None = None,
    engine: str = "numpy",
) -> Kernel:
    """The kernel of a graph's objective: its loss, or its output where it has no loss.

    Parameters
    ----------
    mode : "reverse" (adjoints, the cost of a few evaluations), "forward" (tangents, that for each parameter), or
        "paths" (the explicit sum over paths through SymPy's lambdify: slow, and independent of the other two).
    accuracy : "default" lets derivatives use stored forward values, as in 1 - z**2 for tanh; "full" computes each
        to full relative accuracy, also where the function saturates.
    parameters : by which gradients are given; default: by all.
    engine : what computes on batches of a network of scalars: "numpy", or "numba" for one compiled loop over the
        objects, which pays for small networks over long batches.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    MissingExtraError : engine "numba" without Numba.
    LimitError : the kernel would be too large.
    UnknownNameError : no such mode, accuracy, engine or parameter, or an engine that the network cannot have.
    """
    _choose("mode", mode, MODES)
    _choose("engine", engine, ENGINES)
    _choose("accuracy", accuracy, ACCURACIES)
    declared = dict.fromkeys(graph.names(Role.PARAMETER))
    wanted = tuple(declared if parameters is None else dict.fromkeys(parameters))
    for name in wanted:
        _choose("parameter", name, declared)
    names = kernel_names(graph, wanted)
    if engine != "numpy" and (not graph.scalar or mode == "paths"):
        message = f"engine {engine} is for networks of scalars, in the modes reverse and forward"
        raise UnknownNameError(message, fix="leave engine out")
    if not graph.scalar:
        with collection_paused():
            module = tensor_module(graph, mode, accuracy, wanted, names)
            tensors = TensorFunction(module, names, graph, f"<backpropsym kernel {next(_numbers)}>")
        return _finished(tensors.function, graph, names, mode, accuracy, wanted, module.whole)
    with collection_paused():
        if mode == "paths":
            lower(graph, "reverse", (), accuracy)
            function, source = paths_function(graph, wanted, names, checked)
        else:
            program = lower(graph, mode, wanted, accuracy)
            text = module_text(graph, program, mode, accuracy)
            file = f"<backpropsym loop {next(_numbers)}>"
            loop = FusedLoop(graph, program, names, file) if engine == "numba" else None
            function, source = _Compiled(text, names, loop).function, text.whole
    return _finished(function, graph, names, mode, accuracy, wanted, source)


def _choose(what: str, found: str, known: Collection[str]) -> None:
    if found not in known:
        fix = did_you_mean(found, known, f"choose from: {', '.join(list(known)[:20])}")
        raise UnknownNameError(f"no {what} is called {found!r}", fix=fix)


class _Compiled:
    """The functions of a module's text; the one on arrays is compiled when it is first needed."""

    def __init__(self, text: ModuleText, names: Names, loop: FusedLoop | None = None) -> None:
        self.text = text
        self.loop = loop
        self.names = names
        self.file = f"<backpropsym kernel {next(_numbers)}>"
        namespace: dict[str, Any] = {"__name__": "backpropsym.kernel", "_general": self.general, "_limits": self.limits}
        exec(compile(text.head + text.scalar, self.file, "exec"), namespace)
        self.function: Callable[..., Results] = namespace["kernel"]
        lines = text.whole.splitlines(keepends=True)
        linecache.cache[self.file] = (len(text.whole), None, lines, self.file)
        weakref.finalize(self.function, linecache.cache.pop, self.file, None)

    @cached_property
    def arrays(self) -> Callable[..., Any]:
        """The kernel on NumPy numbers."""
        before = "\n" * (self.text.head + self.text.scalar).count("\n")
        namespace: dict[str, Any] = {"_mean": mean, "_mean_product": mean_product}
        namespace |= {"_erf_array": erf_array, "_erfc_array": erfc_array}
        exec(compile(before + self.text.arrays, self.file, "exec"), namespace)
        return cast(Callable[..., Any], namespace["_arrays"])

    def general(self, given: dict[str, Any]) -> Results:
        """A call with more than floats: arrays, integers, mistakes."""
        values = checked(given, self.names)
        if all(isinstance(value, float) for value in values.values()):
            return self.function(**values)
        return on_arrays(self.arrays, values) if self.loop is None else self.loop(values)

    def limits(self, given: dict[str, Any]) -> Results:
        """A point where Python raises: NumPy gives inf and nan, as IEEE 754 says."""
        return on_arrays(self.arrays, {name: given[name] for name in self.names.needed})


def checked(given: dict[str, Any], names: Names) -> dict[str, Any]:
    """What a kernel was called with, as floats and arrays.

    Raises
    ------
    ValuesError : all mistakes of the call.
    """
    values, mistakes = arranged(given, names.objects, names.numbers, names.ignored)
    if mistakes:
        raise ValuesError([Problem(found, fix=fix) for found, fix in mistakes])
    return values


def save(source: str, path: str | Path) -> None:
    """Write a module to a file, whole or not at all.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    ast.parse(source)
    write_whole(Path(path), source.encode())


def _finished(
    function: Callable[..., Results],
    graph: Graph,
    names: Names,
    mode: str,
    accuracy: str,
    wanted: tuple[str, ...],
    source: str,
) -> Kernel:
    """The function with its attributes, a repr that says what it is, and a signature without defaults."""
    kernel = cast(Any, function)
    kernel.mode, kernel.accuracy, kernel.graph, kernel.names, kernel.source = (
        mode,
        accuracy,
        graph,
        names.needed,
        source,
    )
    products = Products(graph, accuracy, wanted)
    for name in PRODUCTS:
        setattr(kernel, name, getattr(products, name))
    kernel.save = partial(_no_module if mode == "paths" else save, source)
    kernel.__module__, kernel.__doc__ = "backpropsym", Kernel.__doc__
    kernel.__qualname__ = f"kernel of {graph.objective} with {len(wanted):,} gradients, mode {mode},"
    if names.as_keywords:
        needed = [_keyword(name) for name in names.needed]
        kernel.__signature__ = inspect.Signature([*needed, *(_keyword(name, default=None) for name in names.ignored)])
    return cast(Kernel, kernel)


def _keyword(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)


def _no_module(source: str, path: str | Path) -> None:
    raise OutputError("a kernel of mode paths has no module of its own", fix='compile with mode="reverse" to save it')
