"""The text of a kernel as a module that stands alone."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from backpropsym.errors import OutputError, printable
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.backends.dialects import ArrayDialect, ScalarDialect
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.statements import Body, Statement, body
from backpropsym.kernels.backends.task import Options, Task
from backpropsym.kernels.runtime import error_function, scalar_runtime
from backpropsym.ops import real_numbers

_WIDTH = 110
_MAX_LISTED = 40
_MAX_TITLE = 200


class ModuleText:
    """A kernel's module of a network of numbers; what computes batches is written when it is first needed.

    Attributes
    ----------
    head, scalar : source that defines `kernel` on numbers.

    Raises
    ------
    OutputError : the title of the network would be more than a docstring.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        code = body(task.object_program, ScalarDialect(), task.graph)
        docstring = _docstring(task.graph, task.names, task.options)
        self.head = _head(docstring, task.names, code)
        self.scalar = _scalar_function(task.names, code)
        _verify(self.head, docstring)

    @cached_property
    def arrays(self) -> str:
        """The same on NumPy arrays."""
        return _array_function(self.task.names, self._batch)

    @property
    def whole(self) -> str:
        """The module, with what calls both functions."""
        return self.head + self.scalar + self.arrays + _tail(self.task.names, self._batch)

    @cached_property
    def _batch(self) -> Body:
        return body(self.task.batch_program, ArrayDialect(), self.task.graph)


def _verify(head: str, docstring: str) -> None:
    """Read the source again: the docstring is the one meant, and nothing else was slipped in by it.

    Raises
    ------
    OutputError : it is not.
    """
    tree = ast.parse(head)
    allowed = (ast.ImportFrom, ast.Import, ast.Assign)
    plain = all(isinstance(statement, allowed) for statement in tree.body[1:])
    if not plain or ast.get_docstring(tree, clean=False) != docstring:
        raise OutputError("the title of the network cannot stand in a Python module", fix="choose a plainer title")


def _docstring(graph: Graph, names: Names, options: Options) -> str:
    title = printable(graph.title.strip())[:_MAX_TITLE] or "a network without a title"
    roles = [
        ("inputs", [name for name in names.objects if graph[name].role is Role.INPUT], "() or (n,), one an object"),
        ("targets", [name for name in names.objects if graph[name].role is Role.TARGET], "() or (n,)"),
        ("parameters", names.numbers, "()"),
    ]
    lines = [f"Value and gradients of {graph.objective}: {title}", ""]
    lines += ["    value, gradients = kernel(name=number, ...)", ""]
    for role, listed, shapes in roles:
        if listed:
            text = f"{role}, shape {shapes}: {_listed(listed)}"
            lines += textwrap.wrap(text, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    lines += [
        f"value: the mean of {graph.objective} over the n objects, a float",
        "gradients: the derivative of value by each parameter, a dict of floats",
        "",
        f"Mode {options.mode}, accuracy {options.accuracy}. Numbers need Python alone, arrays need NumPy. Run as a "
        "program, this",
        "module checks its gradients against finite differences. Made by backpropsym.",
        "",
    ]
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")


def docstring_source(text: str) -> str:
    """`text` as a docstring that means exactly `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{escaped}"""'


def _head(docstring: str, names: Names, scalar: Body) -> str:
    lines = [docstring_source(docstring), "", "from __future__ import annotations", ""]
    lines += ["import difflib", "import math", "import random"]
    lines += ["from collections.abc import Callable, Sequence"]
    helpers = sorted(scalar.helpers.items())
    lines += [f"from math import {name[1:]} as {name}" for name, origin in helpers if origin == "math"]
    builtin = [name for name, origin in helpers if origin == "builtins"]
    own = ["_float", "_locals"] if names.as_keywords else ["_float", "_len"]
    if not names.as_keywords:
        lines += ["from operator import itemgetter as _itemgetter"]
    lines += ["from typing import Any", "", *(f"{name} = {name[1:]}" for name in [*own, *builtin])]
    lines += ["_OUTSIDE = (ArithmeticError, ValueError)  # what Python raises where IEEE 754 gives inf or nan"]
    if not names.as_keywords:
        lines += ["_ABSENT = KeyError", *wrapped_names("_NEEDED", names.needed), "_take = _itemgetter(*_NEEDED)"]
    return "\n".join(lines) + "\n\n\n"


def wrapped_names(name: str, items: Sequence[str]) -> list[str]:
    """A constant of names as source."""
    text = ", ".join(f'"{item}"' for item in items) + ("," if len(items) == 1 else "")
    if len(text) < _WIDTH - 20:
        return [f"{name} = ({text})"]
    return [f"{name} = (", *_wrapped([f'"{item}",' for item in items], "    "), ")"]


def _wrapped(words: Sequence[str], indent: str) -> list[str]:
    """Words in lines of bounded length."""
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return [*lines, line.rstrip()] if line.strip() else lines


def _joined(items: Sequence[str], separator: str, indent: str) -> list[str]:
    return _wrapped([item + separator for item in items[:-1]] + list(items[-1:]), indent)


def _scalar_function(names: Names, code: Body) -> str:
    """The kernel on floats; whatever else comes goes elsewhere."""
    is_float = _joined([*(f"{name}.__class__" for name in names.needed), "_float"], " is", "        ")
    if names.as_keywords:
        arguments = [*(["*"] if names.needed else []), *(f"{name}=..." for name in names.needed), "**_unknown"]
        lines = ["def kernel(", *_joined(arguments, ",", "    "), "):", *_COMMENT, "    if _unknown or not ("]
        given = whole = "_locals()"
    else:
        given, whole = "_given", '{"_unknown": _given}'
        lines = ["def kernel(**_given):", *_COMMENT, "    try:", "        ("]
        lines += [*_joined(names.needed, ",", "            "), "        ) = _take(_given)"]
        lines += [
            "    except _ABSENT:",
            '        return _general({"_unknown": _given})',
            f"    if _len(_given) != {len(names.needed)} or not (",
        ]
    if not names.needed:
        is_float = ["        True"]
    lines += [*is_float, "    ):", f"        return _general({whole})", "    try:"]
    lines += statement_lines(code, "        ")
    lines += ["    except _OUTSIDE:", f"        return _limits({given})"]
    return "\n".join(lines) + "\n\n\n"


def _array_function(names: Names, code: Body) -> str:
    arguments = ["_np", "_real", "_n", *names.needed]
    lines = ["def _arrays(", *_joined(arguments, ",", "    "), "):"]
    lines += ["    # shapes: () is one number, (n,) one number an object", *statement_lines(code, "    ")]
    return "\n".join(lines) + "\n\n\n"


def statement_lines(code: Body, indent: str) -> list[str]:
    """The statements of a kernel's function, and what it returns."""
    lines = ["# forward", *map(statement_line, code.forward)] if code.forward else []
    if code.backward:
        lines += ["# derivatives: da_db stands for d a / d b", *map(statement_line, code.backward)]
    lines += [f"return {code.value}, {{", *(f'    "{name}": {text},' for name, text in code.gradients.items()), "}"]
    return [indent + line for line in lines]


def statement_line(statement: Statement) -> str:
    """One statement as source."""
    comment = f"  # {statement.comment}" if statement.comment else ""
    return f"{statement.target} = {statement.expression}{comment}"


def _tail(names: Names, arrays: Body) -> str:
    """What the functions above call, copied from the package, and the check of the module by itself."""
    parts = [after_imports(real_numbers), after_imports(scalar_runtime)]
    aliases = []
    if arrays.helpers:
        parts.append(after_imports(error_function))
        aliases += [f"{name} = {name[1:]}" for name in sorted(arrays.helpers)]
    constants = [("_OBJECTS", names.objects), ("_NUMBERS", names.numbers), ("_IGNORED", names.ignored)]
    aliases += [line for name, items in constants for line in wrapped_names(name, items)]
    return "\n\n\n".join([*parts, "\n".join(aliases), _CALLS])


@cache
def after_imports(module: ModuleType) -> str:
    """The source of one of our modules without its head; of imports only that of NumPy, which not every module has."""
    return without_head(inspect.getsource(module))


@cache
def source_of(name: str) -> str:
    """The source of one of our modules, which is not run for that."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None, f"{name} is a part of the package"
    return Path(spec.origin).read_text(encoding="utf-8")


@cache
def without_head(source: str) -> str:
    """The source of a module without its docstring and imports, but for that of NumPy."""
    head = [each for each in ast.parse(source).body if isinstance(each, ast.Import | ast.ImportFrom)]
    lines = source.splitlines(keepends=True)
    kept = [line for line in lines[: head[-1].end_lineno] if line == "import numpy as np\n"]
    return "".join([*kept, *lines[head[-1].end_lineno :]]).strip()


_COMMENT = ['    """Value and gradients; see the head of this file."""']
_CALLS = '''
def _general(given):
    """A call with more than floats: arrays, integers, mistakes."""
    values, mistakes = arranged(given, _OBJECTS, _NUMBERS, _IGNORED)
    if mistakes:
        raise ValueError("; ".join(f"{found} ({fix})" for found, fix in mistakes))
    if all(isinstance(value, float) for value in values.values()):
        return kernel(**values)
    return on_arrays(_arrays, values, _OBJECTS)


def _limits(given):
    """A point where Python raises: NumPy gives inf and nan, as IEEE 754 says."""
    return on_arrays(_arrays, {name: given[name] for name in (*_OBJECTS, *_NUMBERS)}, _OBJECTS)


if __name__ == "__main__":
    passed = check_gradients(kernel, _OBJECTS, _NUMBERS) and check_batch(kernel, _OBJECTS, _NUMBERS)
    raise SystemExit(0 if passed else 1)
'''.lstrip()
