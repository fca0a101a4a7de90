"""The text of a kernel on tensors as a module that needs PyTorch, and NumPy for what is given as arrays."""

from __future__ import annotations

from dataclasses import dataclass

from backpropsym.kernels.backends.array_head import docstring, size_lines, tables
from backpropsym.kernels.backends.python.module import (
    after_imports,
    docstring_source,
    source_of,
    statement_line,
    without_head,
)
from backpropsym.kernels.backends.sizes import shape_source
from backpropsym.kernels.backends.statements import Body, body
from backpropsym.kernels.backends.task import Task
from backpropsym.kernels.backends.torch.dialect import TorchDialect
from backpropsym.kernels.runtime import array_check, array_shapes
from backpropsym.ops import real_numbers, size_values

_MADE = {
    "_number": "_like.new_tensor",
    "_zeros": "_like.new_zeros",
    "_arange": "_partial(_torch.arange, device=_like.device)",
}
"""What statements make tensors by, of the type and on the device of what is given."""


@dataclass(frozen=True)
class TorchModule:
    """A kernel's module in parts: `head` imports and tables, `function` the statements, `tail` what calls them."""

    head: str
    function: str
    tail: str

    @property
    def whole(self) -> str:
        """The module."""
        return self.head + self.function + self.tail


def printed(task: Task) -> TorchModule:
    """The module of a network.

    Raises
    ------
    NotScalarError : the objective has several entries.
    LimitError : the tensors would be too large.
    """
    program, values, results = task.array_program
    graph, names = task.graph, task.names
    code = body(program, TorchDialect(values), graph)
    shapes = {name: shape_source(shape) for name, shape in results.items()}
    gradients = {name: f"_result(_like, {text}, {shapes[name]})" for name, text in code.gradients.items()}
    lines = [*size_lines(graph, names), *_made(code)]
    lines += ["# forward", *map(statement_line, code.forward)] if code.forward else []
    lines += ["# derivatives: da_db stands for d a / d b", *map(statement_line, code.backward)] if code.backward else []
    lines += [f"return _result(_like, {code.value}, ()), {{"]
    lines += [*(f'    "{name}": {text},' for name, text in gradients.items()), "}"]
    head = [docstring_source(docstring(graph, names, "tensor", "a tensor of shape ()")), "", *_IMPORTS]
    head += [f"from math import {name[1:]} as {name}" for name, origin in code.helpers.items() if origin == "math"]
    head += ["from typing import Any", "", "import numpy as np", "import torch"]
    head += ["from torch import Tensor", "", "Array = Any", "_torch = torch"]
    head += tables(graph, names)
    arguments = ", ".join(["_like", "_sizes", *names.needed])
    function = "\n".join([f"def _tensors({arguments}):", *(f"    {line}" for line in lines)])
    return TorchModule("\n".join(head) + "\n\n\n", function + "\n\n\n", "\n\n\n".join(_tail()))


def _made(code: Body) -> list[str]:
    text = "\n".join(each.expression for each in (*code.forward, *code.backward)) + code.value
    text += "".join(code.gradients.values())
    return [f"{name} = {made}" for name, made in _MADE.items() if f"{name}(" in text]


def _tail() -> list[str]:
    """What the statements and the calls need, copied from the package; PyTorch need not be there for that."""
    own = (real_numbers, size_values, array_shapes)
    runtime = [without_head(source_of(f"backpropsym.kernels.runtime.{name}")) for name in _RUNTIME]
    check = after_imports(array_check).removeprefix("import numpy as np").strip()
    return [*map(after_imports, own), *runtime, check, _CALLS]


_RUNTIME = ("torch_statements", "torch_call")
_IMPORTS = [
    "from __future__ import annotations",
    "",
    "import math",
    "from collections.abc import Callable, Collection, Iterable, Mapping, Sequence",
    "from functools import partial as _partial, reduce",
]
_CALLS = '''
def kernel(**given):
    """Value and gradients; see the head of this file."""
    unknown = sorted(set(given) - set(_SHAPES) - set(_IGNORED))
    missing = [name for name in _SHAPES if name not in given]
    if unknown or missing:
        raise ValueError(f"missing: {missing}; unknown: {unknown}")
    values, sizes, mistakes = arranged_tensors(given, _SHAPES, _OBJECTS)
    if mistakes:
        raise ValueError("; ".join(f"{found} ({fix})" for found, fix in mistakes))
    return on_torch(_tensors, values, sizes)


if __name__ == "__main__":
    raise SystemExit(0 if check_tensors(kernel, _SHAPES, _OBJECTS, choices=_CHOICES) else 1)
'''.lstrip()
