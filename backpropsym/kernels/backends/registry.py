"""The backends of kernels: one entry each, read by `compile`, the command, checks, docs and tests.

A new backend is a printer of programs, what makes a function of its text, and one entry. A name without an entry is an
error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from backpropsym.errors import MissingExtraError, OutputError, UnknownNameError, ValuesError, did_you_mean
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends import javascript
from backpropsym.kernels.backends.numba import engine as numba
from backpropsym.kernels.backends.numpy import engine as numpy
from backpropsym.kernels.backends.task import Run, Task, Text, numbers_alone
from backpropsym.kernels.backends.torch import engine as torch
from backpropsym.kernels.backends.torch import module as torch_module


@dataclass(frozen=True, slots=True)
class Package:
    """A package that must be installed.

    Attributes
    ----------
    module : by which it is imported.
    title : by which people know it.
    extra : the extra of backpropsym that installs it.
    """

    module: str
    title: str
    extra: str


@dataclass(frozen=True, slots=True)
class Backend:
    """What writes kernels for one target, and runs them.

    Attributes
    ----------
    name : what `engine` is called.
    about : what it is for, in a few words.
    printer : the text of a kernel.
    runtime : the function of a text; None if it runs elsewhere than in Python.
    needs : what must be installed to run it.
    modes : in which gradients may be computed.
    arrays : whether it computes networks of arrays too, and not of numbers alone.
    parts : whether a batch may go in parts, `objects_at_once`.
    suffix : of a file with its text.
    """

    name: str
    about: str
    printer: Callable[[Task], Text]
    runtime: Callable[[Task, Any], Run] | None
    needs: tuple[Package, ...] = ()
    modes: tuple[str, ...] = ("reverse",)
    arrays: bool = True
    parts: bool = False
    suffix: str = ".py"

    def accepts(self, graph: Graph, mode: str) -> bool:
        """Whether it computes a network in a mode; arrays have gradients in mode reverse alone."""
        return mode in self.modes and (numbers_alone(graph) or (self.arrays and mode == "reverse"))

    def printed(self, task: Task) -> Text:
        """The text of a kernel.

        Raises
        ------
        UnknownNameError : the network, or the mode, is not one for this backend.
        ValuesError : the batch is to go in parts, and cannot.
        """
        mode = task.options.mode
        if not self.accepts(task.graph, mode):
            if self.arrays and mode in self.modes:
                raise UnknownNameError(f"mode {mode} is for networks of scalars", fix='compile with mode="reverse"')
            kind = "" if self.arrays else "networks of scalars, in "
            modes = " and ".join(self.modes)
            message = f"engine {self.name} is for {kind}the mode{'s' if len(self.modes) > 1 else ''} {modes}"
            raise UnknownNameError(message, fix="leave engine out")
        if task.options.objects_at_once is not None and not self.parts:
            raise ValuesError(f"engine {self.name} computes a batch as a whole", fix="leave objects_at_once out")
        return self.printer(task)

    def function(self, task: Task, text: Text) -> Run:
        """The function of a kernel's text; where it runs elsewhere, one that says so.

        Raises
        ------
        MissingExtraError : a package is not installed.
        """
        if self.runtime is None:
            return self._elsewhere
        for package in self.needs:
            try:
                import_module(package.module)
            except ImportError as error:
                message = f"the engine {self.name} needs {package.title}, which is not installed"
                fix = f"pip install 'backpropsym[{package.extra}]', or leave engine out"
                raise MissingExtraError(message, fix=fix) from error
        return self.runtime(task, text)

    def _elsewhere(self, **_: Any) -> Any:
        raise OutputError(
            f"a kernel of the engine {self.name} is not computed in Python",
            fix="write it to a file by its method save, or compile the network without engine",
        )


BACKENDS: dict[str, Backend] = {}


def define(backend: Backend) -> None:
    """Register a backend; with this entry networks are compiled by it, checked, and written by the command."""
    BACKENDS[backend.name] = backend


def backend_of(name: str) -> Backend:
    """The backend of a name.

    Raises
    ------
    UnknownNameError : no such backend.
    """
    if name not in BACKENDS:
        fix = did_you_mean(name, BACKENDS, f"choose from: {', '.join(BACKENDS)}")
        raise UnknownNameError(f"no engine is called {name!r}", fix=fix)
    return BACKENDS[name]


define(
    Backend(
        "numpy",
        "NumPy, and Python alone for one object of a network of scalars",
        numpy.printed,
        numpy.function,
        modes=("reverse", "forward", "paths"),
        parts=True,
    )
)
define(
    Backend(
        "numba",
        "one loop of machine code over the objects of a long batch",
        numba.printed,
        numba.function,
        needs=(Package("numba", "Numba", "numba"),),
        modes=("reverse", "forward"),
        arrays=False,
    )
)
define(
    Backend(
        "torch",
        "tensors of PyTorch, on the device and in the precision of those that are given",
        torch_module.printed,
        torch.function,
        needs=(Package("torch", "PyTorch", "torch"),),
    )
)
define(
    Backend(
        "javascript",
        "a function for a page, in JavaScript without libraries",
        javascript.printed,
        None,
        arrays=False,
        suffix=".js",
    )
)
