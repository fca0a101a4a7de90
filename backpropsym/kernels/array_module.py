"""The text of a kernel of tensors as a module that needs only NumPy."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from backpropsym.errors import printable
from backpropsym.graph import Graph, Shape
from backpropsym.kernels import array_runtime, errorfunction
from backpropsym.kernels.array_lower import BATCH, ArrayLowering, size_source
from backpropsym.kernels.dialects import ArrayDialect
from backpropsym.kernels.module import Names, after_imports, docstring_source, statement_lines, wrapped_names
from backpropsym.kernels.program import Program
from backpropsym.kernels.source import body
from backpropsym.ops import size_values
from backpropsym.ops.sizes import Dimension, size_symbols

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


def array_module(graph: Graph, lowering: ArrayLowering, program: Program, names: Names) -> ArrayModule:
    """The module of a program on arrays."""
    code = body(program, ArrayDialect(), graph.nodes)
    shapes = {name: graph[name].shape for name in names.needed}
    docstring = _docstring(graph, names, shapes)
    head = [docstring_source(docstring), "", "from __future__ import annotations", ""]
    head += ["import math", "from collections.abc import Iterable, Mapping, Sequence", "from typing import Any", ""]
    head += ["import numpy as np", "", "_np = np"]
    head += ["_SHAPES = {", *(f'    "{name}": {shape!r},' for name, shape in shapes.items()), "}"]
    head += [*wrapped_names("_OBJECTS", names.objects), *wrapped_names("_IGNORED", names.ignored)]
    head += [f"{name} = ({text})" for name, text in lowering.constants.items()]
    arguments = ["_real", "_sizes", *names.needed]
    symbols = _symbols(graph, names)
    lines = [f"def _arrays({', '.join(arguments)}):"]
    lines += [f"    {size_source(size)} = _sizes[{str(size)!r}]" for size in symbols]
    lines += statement_lines(code, "    ")
    return ArrayModule(
        docstring=docstring,
        head="\n".join(head) + "\n\n\n",
        function="\n".join(lines) + "\n\n\n",
        tail="\n\n\n".join([*_helpers(code.helpers), _CALLS]),
    )


def _symbols(graph: Graph, names: Names) -> list[Dimension]:
    shapes = [graph[name].shape for name in names.needed]
    return [BATCH, *sorted({symbol for shape in shapes for size in shape for symbol in size_symbols(size)})]


def _docstring(graph: Graph, names: Names, shapes: dict[str, Shape]) -> str:
    title = printable(graph.title.strip())[:200] or "a network without a title"
    lines = [f"Value and gradients of {graph.objective}: {title}", ""]
    lines += ["    value, gradients = kernel(name=array, ...)", ""]
    for name in names.objects:
        lines.append(f"{name}: shape {shapes[name]}, or ({BATCH[1:]}, ...) with one {graph[name].role} an object")
    lines += [f"{name}: shape {shapes[name]}" for name in names.numbers]
    lines += ["", f"value: the mean of {graph.objective} over objects, a float"]
    lines += ["gradients: its derivative by each parameter, in the parameter's shape. Made by backpropsym.", ""]
    return "\n".join(lines)


def _helpers(used: dict[str, str]) -> list[str]:
    own = inspect.getsource(array_runtime).split("\nMistake = ", 1)[1].strip()
    parts = [after_imports(size_values), f"Mistake = {own}"]
    if "_erf_array" in used or "_erfc_array" in used:
        parts += [after_imports(errorfunction), "_erf_array = erf_array\n_erfc_array = erfc_array"]
    return parts


_CALLS = '''
def kernel(**given):
    """Value and gradients; see the head of this file."""
    unknown = sorted(set(given) - set(_SHAPES) - set(_IGNORED))
    missing = [name for name in _SHAPES if name not in given]
    if unknown or missing:
        raise ValueError(f"missing: {missing}; unknown: {unknown}")
    values, sizes, mistakes = arranged_arrays(given, _SHAPES, _OBJECTS)
    if mistakes:
        raise ValueError("; ".join(f"{found} ({fix})" for found, fix in mistakes))
    return on_tensors(_arrays, values, sizes)


if __name__ == "__main__":
    raise SystemExit(0 if check_tensors(kernel, _SHAPES, _OBJECTS) else 1)
'''.lstrip()
