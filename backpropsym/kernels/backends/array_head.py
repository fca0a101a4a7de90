"""What modules of kernels of arrays begin with: what they say of themselves, and tables of what they take."""

from __future__ import annotations

from backpropsym.errors import printable
from backpropsym.evaluate.choices import whole_nodes
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.python.module import wrapped_names
from backpropsym.kernels.backends.sizes import size_source
from backpropsym.kernels.ir.array_operations import BATCH
from backpropsym.ops.sizes import Dimension, size_symbols


def docstring(graph: Graph, names: Names, kind: str = "array", value: str = "a float") -> str:
    """How a kernel is called, and what it gives: `kind` for each name, and a value that is `value`."""
    shapes = {name: graph[name].shape for name in names.needed}
    title = printable(graph.title.strip())[:200] or "a network without a title"
    lines = [f"Value and gradients of {graph.objective}: {title}", ""]
    lines += [f"    value, gradients = kernel(name={kind}, ...)", ""]
    for name in names.objects:
        lines.append(f"{name}: shape {shapes[name]}, or ({BATCH[1:]}, ...) with one {graph[name].role} an object")
    lines += [f"{name}: shape {shapes[name]}" for name in names.numbers]
    lines += ["", f"value: the mean of {graph.objective} over objects, {value}"]
    lines += ["gradients: its derivative by each parameter, in the parameter's shape. Made by backpropsym.", ""]
    return "\n".join(lines)


def tables(graph: Graph, names: Names) -> list[str]:
    """The shapes of what a kernel is called with, which of it chooses entries, and which of it may be a batch."""
    shapes = {name: graph[name].shape for name in names.needed}
    chosen = {name: choice.uses for name, choice in whole_nodes(graph).items() if name in shapes}
    return [
        "_SHAPES = {",
        *(f'    "{name}": {shape!r},' for name, shape in shapes.items()),
        "}",
        f"_CHOICES = {chosen!r}",
        *wrapped_names("_OBJECTS", names.objects),
        *wrapped_names("_IGNORED", names.ignored),
    ]


def size_lines(graph: Graph, names: Names) -> list[str]:
    """Statements that name the number of objects and each symbolic size."""
    return [f"{size_source(size)} = _sizes[{str(size)!r}]" for size in _symbols(graph, names)]


def _symbols(graph: Graph, names: Names) -> list[Dimension]:
    shapes = [graph[name].shape for name in names.needed]
    return [BATCH, *sorted({symbol for shape in shapes for size in shape for symbol in size_symbols(size)})]
