"""Graph to a function that gives the value and all gradients."""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypedDict, cast

from backpropsym.arrays import Given, Numeric
from backpropsym.collection import collection_paused
from backpropsym.errors import OutputError, Problem, UnknownNameError, ValuesError, did_you_mean
from backpropsym.files import write_whole
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.api.array_kernel import TensorFunction, tensor_module
from backpropsym.kernels.api.derivative_products import Products
from backpropsym.kernels.backends.numba.fused_loop import FusedLoop
from backpropsym.kernels.backends.path_sums import paths_function
from backpropsym.kernels.backends.python.module import ModuleText, Names, kernel_names, module_text
from backpropsym.kernels.lowering.scalar_lowering import lower
from backpropsym.kernels.runtime.error_function import erf_array, erfc_array
from backpropsym.kernels.runtime.scalar_runtime import arranged, mean, mean_product, on_arrays
from backpropsym.ops.memory_budget import check_memory

MODES = ("reverse", "forward", "paths")
ACCURACIES = ("default", "full")
ENGINES = ("numpy", "numba")
Results = tuple[float, dict[str, Any]]
_numbers = itertools.count(1)


class Kernel(Products, partial[Results]):
    """A compiled network: a function with attributes and further methods.

    Called with a number for every input, target and parameter by name, it returns the value of the objective and
    its derivative by each parameter. Inputs and targets may be arrays of shape (n,), one number an object; then
    value and gradients are means over the objects. Overflow gives inf and what is undefined nan, without warnings.
    The methods take values as one mapping. A kernel pickles and copies by its graph and the options it was compiled
    with, and is compiled again.

    It is a partial of its function, without arguments, so that Python calls the function at no more than its own cost.

    Attributes
    ----------
    mode : "reverse", "forward" or "paths".
    accuracy : "default" or "full".
    engine : "numpy" or "numba".
    graph : what was compiled.
    names : what it must be called with.
    source : its text as a module that needs only NumPy, and for numbers nothing.

    Raises
    ------
    ValuesError : on a call with missing or unknown names, or with something that is not a number.
    """

    def __new__(cls, function: Callable[..., Results], *_: object) -> Kernel:
        """The function as a kernel."""
        return super().__new__(cls, function)

    def __init__(
        self, function: Callable[..., Results], source: str, graph: Graph, names: Names, options: _Options
    ) -> None:
        super().__init__(graph, options.accuracy, options.parameters, options.objects_at_once)
        self.mode, self.accuracy, self.engine = options.mode, options.accuracy, options.engine
        self.names = names.needed
        self.source = source
        self._options = options
        if names.as_keywords:
            needed = [_keyword(name) for name in names.needed]
            ignored = [_keyword(name, default=None) for name in names.ignored]
            self.__signature__ = inspect.Signature([*needed, *ignored])

    def __repr__(self) -> str:
        gradients = f"{len(self.parameters):,} gradients"
        return (
            f"<function kernel of {self.graph.objective} with {gradients}, mode {self.mode}, {self.accuracy} accuracy>"
        )

    def __getattr__(self, name: str) -> Any:
        """What a function has, such as its code, for tools that look into it."""
        return getattr(self.func, name)

    def __reduce__(self) -> tuple[object, ...]:
        return compile_kernel, (self.graph, *astuple(self._options))

    def save(self, path: str | Path) -> None:
        """Write `source` to a file, whole or not at all.

        Raises
        ------
        OutputError : the file cannot be written, or the mode is "paths", whose source is no module.
        """
        if self.mode == "paths":
            message = "a kernel of mode paths has no module of its own"
            raise OutputError(message, fix='compile with mode="reverse" to save it')
        ast.parse(self.source)
        write_whole(Path(path), self.source.encode())


@dataclass(frozen=True)
class _Options:
    """What `compile_kernel` was given besides the graph, in its order."""

    mode: str
    accuracy: str
    parameters: tuple[str, ...]
    engine: str
    objects_at_once: int | None


class CompileOptions(TypedDict, total=False):
    """What `compile` may be told besides the mode; see `compile_kernel`."""

    accuracy: str
    parameters: Sequence[str] | None
    engine: str
    objects_at_once: int | None


def compile_kernel(
    graph: Graph,
    mode: str = "reverse",
    accuracy: str = "default",
    parameters: Sequence[str] | None = None,
    engine: str = "numpy",
    objects_at_once: int | None = None,
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
    objects_at_once : the most objects of a batch that NumPy computes with together; default: as many as stay in the
        cache.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    ValuesError : `objects_at_once` is no whole number from 1.
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
    if objects_at_once is not None and (not isinstance(objects_at_once, int) or objects_at_once < 1):
        raise ValuesError(f"objects_at_once is {objects_at_once!r}", fix="give a whole number from 1, or leave it out")
    options = _Options(mode, accuracy, wanted, engine, objects_at_once)
    names = kernel_names(graph, wanted)
    if engine != "numpy" and (not graph.scalar or mode == "paths"):
        message = f"engine {engine} is for networks of scalars, in the modes reverse and forward"
        raise UnknownNameError(message, fix="leave engine out")
    if not graph.scalar:
        check_memory(
            sum(graph.entries[name] for name in graph.ancestors(graph.objective)), f"computing {graph.objective}"
        )
        with collection_paused():
            module = tensor_module(graph, mode, accuracy, wanted, names)
            file = f"<backpropsym kernel {next(_numbers)}>"
            tensors = TensorFunction(module, names, graph, file, objects_at_once)
        return Kernel(tensors.function, module.whole, graph, names, options)
    with collection_paused():
        if mode == "paths":
            lower(graph, "reverse", (), accuracy)
            function, source = paths_function(graph, wanted, names, checked)
        else:
            program = lower(graph, mode, wanted, accuracy)
            text = module_text(graph, program, mode, accuracy)
            file = f"<backpropsym loop {next(_numbers)}>"
            loop = FusedLoop(graph, program, names, file) if engine == "numba" else None
            function, source = _Compiled(text, names, objects_at_once, loop).function, text.whole
    return Kernel(function, source, graph, names, options)


def _choose(what: str, found: str, known: Collection[str]) -> None:
    if found not in known:
        fix = did_you_mean(found, known, f"choose from: {', '.join(list(known)[:20])}")
        raise UnknownNameError(f"no {what} is called {found!r}", fix=fix)


class _Compiled:
    """The functions of a module's text; the one on arrays is compiled when it is first needed."""

    def __init__(self, text: ModuleText, names: Names, most: int | None, loop: FusedLoop | None = None) -> None:
        self.text = text
        self.most = most
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

    def general(self, given: dict[str, Given]) -> Results:
        """A call with more than floats: arrays, integers, mistakes."""
        values = checked(given, self.names)
        if all(isinstance(value, float) for value in values.values()):
            return self.function(**values)
        return on_arrays(self.arrays, values, self.most) if self.loop is None else self.loop(values)

    def limits(self, given: dict[str, Given]) -> Results:
        """A point where Python raises: NumPy gives inf and nan, as IEEE 754 says."""
        return on_arrays(self.arrays, {name: given[name] for name in self.names.needed})


def checked(given: dict[str, Given], names: Names) -> dict[str, Numeric]:
    """What a kernel was called with, as floats and arrays.

    Raises
    ------
    ValuesError : all mistakes of the call.
    """
    values, mistakes = arranged(given, names.objects, names.numbers, names.ignored)
    if mistakes:
        raise ValuesError([Problem(found, fix=fix) for found, fix in mistakes])
    return values


def _keyword(name: str, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
