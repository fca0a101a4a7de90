"""The statements of a kernel of scalars as one machine-code loop over the objects, by Numba.

NumPy makes a pass over memory for each operation; here an object's numbers stay in registers from inputs to results,
and the compiler computes several objects at once: nothing in the loop branches, calls a library, or depends on another
object, and the results of a block lie at fixed distances in one array, so that it sees that they do not overlap.
Gradients are linear in what the objects contribute, so that the mean is taken over the results alone.
"""

from __future__ import annotations

import builtins
import itertools
import linecache
import math
import weakref
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.errors import LimitError
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.dialects import ScalarDialect
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.numba import branchless
from backpropsym.kernels.backends.python.module import statement_line
from backpropsym.kernels.backends.statements import body
from backpropsym.kernels.ir.program import Program

MOST_STATEMENTS = 2_000
_ENTRIES = 4096
_LEAST, _MOST = 32, 256
_numbers = itertools.count(1)


def block_length(results: int) -> int:
    """How many objects are computed together: so many that their results stay in the cache."""
    return max(_LEAST, min(_MOST, _ENTRIES // results))


class FusedLoop:
    """A function of arrays, one entry an object, that gives the mean value and gradients.

    Raises
    ------
    LimitError : too many statements to compile in reasonable time.
    """

    def __init__(self, graph: Graph, program: Program, names: Names) -> None:
        self.names = names
        file = f"<backpropsym loop {next(_numbers)}>"
        self.gradients = tuple(program.gradients)
        self.source, namespace = fused_source(graph, program, names)
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        weakref.finalize(self, linecache.cache.pop, file, None)
        exec(compile(self.source, file, "exec"), namespace)
        self.function: Callable[..., None] = compiler()(namespace["_fused"], fastmath={"contract"})

    def __call__(self, values: dict[str, Any]) -> tuple[float, dict[str, float]]:
        """Value and gradients of checked values: floats, and arrays of one dtype and length."""
        arrays = [values[name] for name in self.names.objects if not isinstance(values[name], float)]
        size, dtype = len(arrays[0]), arrays[0].dtype
        sums = np.zeros(1 + len(self.gradients))
        objects = [self._filled(values[name], size, dtype) for name in self.names.objects]
        block = np.empty(len(sums) * block_length(len(sums)))
        self.function(size, sums, block, *objects, *(values[name] for name in self.names.numbers))
        value, *gradients = (sums / size).tolist()
        return value, dict(zip(self.gradients, gradients, strict=True))

    @staticmethod
    def _filled(value: Numeric, size: int, dtype: np.dtype[Any]) -> Array:
        return np.full(size, value, dtype) if isinstance(value, float) else np.ascontiguousarray(value)


def compiler() -> Callable[..., Any]:
    """Numba's compiler, with NumPy's arithmetic: division by zero is quiet."""
    return partial(import_module("numba").njit, error_model="numpy")


def fused_source(graph: Graph, program: Program, names: Names) -> tuple[str, dict[str, object]]:
    """The text of the loop, and the functions that it calls.

    Raises
    ------
    LimitError : it has too many statements to be compiled.
    """
    code = body(program, ScalarDialect(), graph)
    count = len(code.forward) + len(code.backward)
    if count > MOST_STATEMENTS:
        raise LimitError(
            f"the kernel has {count:,} statements, and a fused loop at most {MOST_STATEMENTS:,}",
            fix="leave engine out: NumPy's cost per operation is small in a large network",
        )
    results = [code.value, *code.gradients.values()]
    block = block_length(len(results))
    arguments = ["_size", "_sums", "_block", *(f"_all_{name}" for name in names.objects), *names.numbers]
    lines = [f"def _fused({', '.join(arguments)}):", f"    for _start in _range(0, _size, {block}):"]
    lines.append(f"        _count = _min({block}, _size - _start)")
    lines.append("        for _at in _range(_count):")
    lines += [f"            {name} = _all_{name}[_start + _at]" for name in names.objects]
    lines += [f"            {statement_line(each)}" for each in (*code.forward, *code.backward)]
    lines += [f"            _block[{index * block} + _at] = {text}" for index, text in enumerate(results)]
    lines.append(f"        for _index in _range({len(results)}):")
    lines.append(f"            _sums[_index] += _total(_block[{block}*_index:], _count)")
    return "\n".join(lines) + "\n", _namespace(code.helpers)


def _namespace(helpers: dict[str, str]) -> dict[str, object]:
    """What the loop calls: functions that make vectors where there are such, else Python's."""
    made = compiler()
    found: dict[str, object] = {"__name__": "backpropsym.fused", "_range": range, "_min": min}
    found["_total"] = made(_total, fastmath={"reassoc"})
    vectors = dict(vars(branchless))
    for name in ("power_of_two", "below_one", *branchless.BRANCHLESS):
        vectors[name] = made(FunctionType(vectors[name].__code__, vectors), inline="always")
    for name, origin in helpers.items():
        plain = getattr(math if origin == "math" else builtins, name[1:])
        found[name] = vectors[name[1:]] if name[1:] in branchless.BRANCHLESS else plain
    return found


def _total(numbers: Array, count: int) -> float:
    """The sum of the first entries, in any order, so that it is computed several at once."""
    total = 0.0
    for at in range(count):
        total += numbers[at]
    return total
