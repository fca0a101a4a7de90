"""The text of a kernel of tensors as a module that needs only NumPy."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.array_head import docstring, size_lines, tables
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.numpy.body import ArrayBody
from backpropsym.kernels.backends.numpy.data_movement import MOVES
from backpropsym.kernels.backends.numpy.matrix_products import write_product
from backpropsym.kernels.backends.numpy.writer import ArrayWriter
from backpropsym.kernels.backends.python.module import after_imports, docstring_source
from backpropsym.kernels.backends.sizes import shape_source
from backpropsym.kernels.backends.task import ArrayProgram
from backpropsym.kernels.ir.array_operations import Product
from backpropsym.kernels.runtime import (
    array_arguments,
    array_check,
    array_memory,
    array_parts,
    array_shapes,
    array_statements,
    error_function,
)
from backpropsym.ops import real_numbers, size_values

_WIDTH = 100


@dataclass(frozen=True)
class ArrayModule:
    """A kernel's module in parts: `head` imports and tables, `function` the statements, `tail` what calls them."""

    docstring: str
    head: str
    function: str
    tail: str

    @property
    def whole(self) -> str:
        """The module."""
        return self.head + self.function + self.tail


def array_module(graph: Graph, program: ArrayProgram, names: Names) -> ArrayModule:
    """The module of a program on arrays."""
    rules = {**MOVES, Product: write_product}
    code = ArrayWriter(*program, graph.nodes, rules).written()
    about = docstring(graph, names)
    head = [docstring_source(about), "", "from __future__ import annotations", ""]
    head += [
        "import math",
        "import sys",
        "from collections.abc import Callable, Collection, Iterable, Mapping, Sequence",
    ]
    head += ["from typing import Any", ""]
    head += ["import numpy as np", "", "Array = Given = Numeric = Any", "_np = np"]
    head += tables(graph, names)
    head += [f"{name} = ({text})" for name, text in code.places.items()]
    sizes = size_lines(graph, names)
    lines = ["def _workspace(_real, _sizes):", '    """The arrays in which a call computes, kept for the next one."""']
    lines += [f"    {line}" for line in [*sizes, *code.storage.lines()]]
    shown = [shape_source(shape) for shape in code.results.values()]
    lines += ["", "", "def _results(_sizes):", '    """The shapes of the arrays that a call hands out."""']
    lines += [f"    {line}" for line in [*sizes, f"return [{', '.join(shown)}]"]]
    lines += ["", "", f"def _arrays({', '.join(['_real', '_sizes', '_memory', '_made', *names.needed])}):"]
    lines += [
        f"    {line}"
        for line in [*sizes, *_unpacked(code.storage.views.values(), "_memory"), *_unpacked(code.results, "_made")]
    ]
    return ArrayModule(
        docstring=about,
        head="\n".join(head) + "\n\n\n",
        function="\n".join([*lines, *(f"    {line}" for line in _statements(code))]) + "\n\n\n",
        tail="\n\n\n".join([*_helpers(code.helpers), _CALLS]),
    )


def _unpacked(names: Iterable[str], source: str) -> list[str]:
    """Names for the parts of a tuple, as many a line as fit."""
    text = ", ".join(names)
    lines = textwrap.wrap(text, _WIDTH)
    if len(lines) < 2:
        return [f"({text},) = {source}"] if text else []
    return ["(", *(f"    {line}" for line in lines), f") = {source}"]


def _statements(code: ArrayBody) -> list[str]:
    lines = ["# forward", *code.forward] if code.forward else []
    if code.backward:
        lines += ["# derivatives: da_db stands for d a / d b", *code.backward]
    return [
        *lines,
        f"return {code.value}, {{",
        *(f'    "{name}": {text},' for name, text in code.gradients.items()),
        "}",
    ]


def _helpers(used: dict[str, str]) -> list[str]:
    own = (array_shapes, array_arguments, array_memory, array_statements, array_parts, array_check)
    parts = [after_imports(real_numbers), after_imports(size_values)]
    parts += [after_imports(module).removeprefix("import numpy as np").strip() for module in own]
    if "_erf_array" in used or "_erfc_array" in used:
        parts += [after_imports(error_function), "_erf_array = erf_array\n_erfc_array = erfc_array"]
    return parts


_CALLS = '''
_MEMORY = Memory(_workspace, _results)


def kernel(**given):
    """Value and gradients; see the head of this file."""
    unknown = sorted(set(given) - set(_SHAPES) - set(_IGNORED))
    missing = [name for name in _SHAPES if name not in given]
    if unknown or missing:
        raise ValueError(f"missing: {missing}; unknown: {unknown}")
    values, sizes, mistakes = arranged_arrays(given, _SHAPES, _OBJECTS)
    if mistakes:
        raise ValueError("; ".join(f"{found} ({fix})" for found, fix in mistakes))
    return on_tensors(_MEMORY, _arrays, values, sizes, _OBJECTS)


if __name__ == "__main__":
    raise SystemExit(0 if check_tensors(kernel, _SHAPES, _OBJECTS, choices=_CHOICES) else 1)
'''.lstrip()
