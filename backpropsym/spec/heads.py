"""What stands left of a formula and in a shape: free indices, and axes that do not count from zero."""

from __future__ import annotations

import re

from backpropsym.errors import Problem
from backpropsym.formula.names import name_problem
from backpropsym.formula.tree import Expr
from backpropsym.ops.kinds import Shape
from backpropsym.ops.sizes import read_size, size_symbols
from backpropsym.spec.declaration import Declaration

_HEAD = re.compile(r"\s*([^\s\[\]]+)\s*\[([^\[\]]*)\]\s*\Z")
_RANGE = re.compile(r"\s*(-?\d{1,9})\s*\.\.\s*(-?\d{1,9})\s*\Z")


def settle_heads(declaration: Declaration, problems: list[Problem]) -> None:
    """Turn keys such as "out[r, c]" into names with free indices, and sizes into their normal form.

    A range such as "-1..1" becomes the size 3, "d*2 + 1" becomes "2*d + 1".
    """
    nodes: dict[str, str | Expr] = {}
    for key, formula in declaration.nodes.items():
        match = _HEAD.match(key)
        name = match.group(1) if match else key
        if match:
            declaration.indices[name] = _indices(key, match.group(2), declaration, problems)
            declaration.heads[name] = key
        if name in nodes:
            place = declaration.places("nodes", key, None)
            problems.append(Problem(f"{name} is defined twice", place, fix="give one of them another name"))
        nodes[name] = formula
    declaration.nodes = nodes
    for section in ("inputs", "targets", "parameters"):
        leaves: dict[str, Shape] = getattr(declaration, section)
        for name, shape in leaves.items():
            leaves[name] = _counted(name, shape, declaration)
            declaration.symbols.update(symbol for size in leaves[name] for symbol in _symbols(size))


def _indices(key: str, inside: str, declaration: Declaration, problems: list[Problem]) -> tuple[str, ...]:
    indices = tuple(part.strip() for part in inside.split(","))
    place = declaration.places("nodes", key, None)
    for index in indices:
        problem = name_problem(index, "index")
        if problem:
            problems.append(problem.at(place))
    if len(set(indices)) < len(indices):
        problems.append(Problem(f"{key} repeats a free index", place, fix="give each axis its own index"))
    return indices


def _counted(name: str, shape: Shape, declaration: Declaration) -> Shape:
    """A shape with its ranges as sizes; the smallest indices are kept in the declaration."""
    sizes: list[int | str] = []
    lows: list[int] = []
    for size in shape:
        match = _RANGE.match(size) if isinstance(size, str) else None
        low, high = (int(match.group(1)), int(match.group(2))) if match else (0, -1)
        sizes.append(high - low + 1 if match and high >= low else _normal(size))
        lows.append(low if match else 0)
    if any(lows):
        declaration.offsets[name] = tuple(lows)
    return tuple(sizes)


def _normal(size: int | str) -> int | str:
    """A size in normal form; what is none stays as it is, for `shape_problem` to refuse."""
    found = read_size(size) if isinstance(size, str) else None
    return size if found is None else found


def _symbols(size: object) -> tuple[str, ...]:
    return size_symbols(size) if isinstance(size, str) and read_size(size) is not None else ()


def shape_problem(name: str, shape: Shape) -> Problem | None:
    """What is wrong with a declared shape: sizes are positive whole numbers, symbols "n", or sums and products."""
    for size in shape:
        whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        symbolic = isinstance(size, str) and read_size(size) is not None
        if not whole and not symbolic:
            fix = f'write {name} = [3, 2], or with symbols: {name} = ["n", "2*n + 1"]'
            return Problem(f"{size!r} in the shape of {name} is not a size", fix=fix)
    return None
