"""Graph to a function that gives the value and all gradients."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Sequence
from dataclasses import astuple
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypedDict

from backpropsym.collection import collection_paused
from backpropsym.errors import OutputError, UnknownNameError, ValuesError, did_you_mean
from backpropsym.files import write_whole
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.api.derivative_products import Products
from backpropsym.kernels.backends.registry import backend_of
from backpropsym.kernels.backends.task import Options, Results, Run, Task, Text

MODES = ("reverse", "forward", "paths")
ACCURACIES = ("default", "full")


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
    engine : the name of its backend.
    graph : what was compiled.
    names : what it must be called with.

    Raises
    ------
    ValuesError : on a call with missing or unknown names, or with something that is not a number.
    """

    def __new__(cls, function: Run, *_: object) -> Kernel:
        """The function as a kernel."""
        return super().__new__(cls, function)

    def __init__(self, function: Run, text: Text, task: Task) -> None:
        options, names = task.options, task.names
        super().__init__(task.graph, options.accuracy, options.parameters, options.objects_at_once)
        self.mode, self.accuracy, self.engine = options.mode, options.accuracy, options.engine
        self.names = names.needed
        self._text = text
        self._options = options
        if names.as_keywords:
            needed = [_keyword(name) for name in names.needed]
            ignored = [_keyword(name, default=None) for name in names.ignored]
            self.__signature__ = inspect.Signature([*needed, *ignored])

    @cached_property
    def source(self) -> str:
        """Its text as a module that needs only what its backend names, and for numbers nothing."""
        return self._text.whole

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
        if backend_of(self.engine).suffix == ".py":
            ast.parse(self.source)
        write_whole(Path(path), self.source.encode())


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
    engine : the name of a backend, see `kernels/backends/registry`: "numpy"; "torch" for tensors of PyTorch; "numba"
        for one compiled loop over the objects of a network of scalars, which pays for small networks over long batches.
    objects_at_once : the most objects of a batch that NumPy computes with together; default: as many as stay in the
        cache.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    ValuesError : `objects_at_once` is no whole number from 1, or the engine takes none.
    MissingExtraError : an engine whose package is not installed.
    LimitError : the kernel would be too large.
    UnknownNameError : no such mode, accuracy, engine or parameter, or an engine that the network cannot have.
    """
    task = _task(graph, mode, accuracy, parameters, engine, objects_at_once)
    backend = backend_of(engine)
    with collection_paused():
        text = backend.printed(task)
        return Kernel(backend.function(task, text), text, task)


def kernel_source(
    graph: Graph,
    mode: str = "reverse",
    accuracy: str = "default",
    parameters: Sequence[str] | None = None,
    engine: str = "numpy",
) -> str:
    """The text of a kernel, for which nothing need be installed; parameters and errors as for `compile_kernel`."""
    task = _task(graph, mode, accuracy, parameters, engine, None)
    with collection_paused():
        return backend_of(engine).printed(task).whole


def _task(
    graph: Graph,
    mode: str,
    accuracy: str,
    parameters: Sequence[str] | None,
    engine: str,
    objects_at_once: int | None,
) -> Task:
    """The options of a kernel, if all are known."""
    _choose("mode", mode, MODES)
    _choose("accuracy", accuracy, ACCURACIES)
    declared = dict.fromkeys(graph.names(Role.PARAMETER))
    wanted = tuple(declared if parameters is None else dict.fromkeys(parameters))
    for name in wanted:
        _choose("parameter", name, declared)
    if objects_at_once is not None and (not isinstance(objects_at_once, int) or objects_at_once < 1):
        raise ValuesError(f"objects_at_once is {objects_at_once!r}", fix="give a whole number from 1, or leave it out")
    return Task(graph, Options(mode, accuracy, wanted, engine, objects_at_once))


def _choose(what: str, found: str, known: Collection[str]) -> None:
    if found not in known:
        fix = did_you_mean(found, known, f"choose from: {', '.join(list(known)[:20])}")
        raise UnknownNameError(f"no {what} is called {found!r}", fix=fix)


def _keyword(name: str, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
