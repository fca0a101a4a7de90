"""The statements of a kernel of scalars as one machine-code loop over the objects, by Numba.

NumPy makes a pass over memory for each operation; here an object's numbers stay in registers from its inputs to its
gradients. Gradients are linear in what the objects contribute, so that the mean is taken over the results alone.
"""

from __future__ import annotations

import builtins
import linecache
import math
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from backpropsym.errors import LimitError, MissingExtraError
from backpropsym.graph import Graph
from backpropsym.kernels.dialects import ScalarDialect
from backpropsym.kernels.module import Names, statement_line
from backpropsym.kernels.program import Program
from backpropsym.kernels.source import body

MOST_STATEMENTS = 2_000
BLOCK = 512
"""Sums are taken over blocks of objects first, which keeps their rounding errors small."""


class FusedLoop:
    """A function of arrays, one entry an object, that gives the mean value and gradients.

    Raises
    ------
    MissingExtraError : Numba is not installed.
    LimitError : too many statements to compile in reasonable time.
    """

    def __init__(self, graph: Graph, program: Program, names: Names, file: str) -> None:
        self.names = names
        self.gradients = tuple(program.gradients)
        self.source, namespace = fused_source(graph, program, names)
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        weakref.finalize(self, linecache.cache.pop, file, None)
        exec(compile(self.source, file, "exec"), namespace)
        self.function: Callable[..., None] = compiler()(namespace["_fused"])

    def __call__(self, values: dict[str, Any]) -> tuple[float, dict[str, float]]:
        """Value and gradients of checked values: floats, and arrays of one dtype and length."""
        arrays = [values[name] for name in self.names.objects if not isinstance(values[name], float)]
        size, dtype = len(arrays[0]), arrays[0].dtype
        sums = np.zeros(1 + len(self.gradients))
        objects = [self._filled(values[name], size, dtype) for name in self.names.objects]
        self.function(size, sums, *objects, *(values[name] for name in self.names.numbers))
        value, *gradients = (sums / size).tolist()
        return value, dict(zip(self.gradients, gradients, strict=True))

    @staticmethod
    def _filled(value: Any, size: int, dtype: Any) -> Any:
        return np.full(size, value, dtype) if isinstance(value, float) else np.ascontiguousarray(value)


def compiler() -> Callable[..., Any]:
    """Numba's compiler, with NumPy's arithmetic: division by zero is quiet.

    Raises
    ------
    MissingExtraError : Numba is not installed.
    """
    try:
        numba = import_module("numba")
    except ImportError as error:
        message = "the engine numba needs Numba, which is not installed"
        raise MissingExtraError(message, fix="pip install 'backpropsym[numba]', or leave engine out") from error
    found: Callable[..., Any] = numba.njit(error_model="numpy")
    return found


def fused_source(graph: Graph, program: Program, names: Names) -> tuple[str, dict[str, Any]]:
    """The text of the loop, and the functions that it calls."""
    code = body(program, ScalarDialect(), graph.nodes)
    count = len(code.forward) + len(code.backward)
    if count > MOST_STATEMENTS:
        raise LimitError(
            f"the kernel has {count:,} statements, and a fused loop at most {MOST_STATEMENTS:,}",
            fix="leave engine out: NumPy's cost per operation is small in a large network",
        )
    results = [code.value, *code.gradients.values()]
    sums = [f"_sum{index}" for index in range(len(results))]
    arguments = ["_size", "_sums", *(f"_all_{name}" for name in names.objects), *names.numbers]
    lines = [f"def _fused({', '.join(arguments)}):", f"    for _start in _range(0, _size, {BLOCK}):"]
    lines += [f"        {' = '.join(sums)} = 0.0", f"        for _at in _range(_start, _min(_start + {BLOCK}, _size)):"]
    lines += [f"            {name} = _all_{name}[_at]" for name in names.objects]
    lines += [f"            {statement_line(each)}" for each in (*code.forward, *code.backward)]
    lines += [f"            {total} += {text}" for total, text in zip(sums, results, strict=True)]
    lines += [f"        _sums[{index}] += {total}" for index, total in enumerate(sums)]
    namespace: dict[str, Any] = {"__name__": "backpropsym.fused", "_range": range, "_min": min}
    for name, origin in code.helpers.items():
        namespace[name] = getattr(math if origin == "math" else builtins, name[1:])
    return "\n".join(lines) + "\n", namespace
