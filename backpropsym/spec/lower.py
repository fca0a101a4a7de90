"""From checked formulas to the nodes of a graph, their shapes inferred on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from backpropsym.errors import LimitError, Problem, ShapeError
from backpropsym.formula.tree import Call, Expr, Index, Limits, MatMul, Text, names, node_names, walk
from backpropsym.graph.graph import Block, Node, Role, topological_order
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.index_lowering import IndexLowering
from backpropsym.ops.kinds import Elementwise, Shape
from backpropsym.ops.lowering import ANONYMOUS, Lowered
from backpropsym.ops.memory_budget import LARGEST_ARRAY, MOST_AXES, amount
from backpropsym.ops.shapes import shape_text
from backpropsym.ops.tensor_lowering import TensorLowering
from backpropsym.spec.declaration import Declaration

LOSS = "loss"
_SECTIONS = ("inputs", "targets", "parameters", "constants")


def lowered_nodes(
    declaration: Declaration,
    roles: Mapping[str, Role],
    formulas: Mapping[str, Expr],
    used: Mapping[str, tuple[str, ...]],
    table: FunctionTable,
) -> tuple[dict[str, Node], tuple[Block, ...]]:
    """Leaves, then the nodes as written, each preceded by those inside its formula; and the blocks.

    A node whose formula has steps with names of their own is a block, or they are part of the block that it is in.

    Parameters
    ----------
    used : for each formula, the nodes that it uses.

    Raises
    ------
    ShapeError : one problem for each node whose shapes do not fit.
    LimitError : an array has more entries than a computer can number.
    """
    shapes = _leaf_shapes(declaration)
    lowered = _lowered_formulas(declaration, formulas, used, shapes, table)
    nodes = {name: Node(name, role, shapes[name]) for name, role in roles.items() if role is not Role.VALUE}
    problems: list[Problem] = []
    for name in formulas:
        for step in lowered[name]:
            if step.name != name and (step.name in nodes or step.name in formulas):
                place = declaration.places("nodes" if name in declaration.nodes else "", name, None)
                message = f"a step inside {name} is called {step.name}, as another node is"
                problems.append(Problem(message, place, fix=f"rename {step.name} or {name}"))
            nodes[step.name] = Node(step.name, Role.VALUE, step.shape, step.op, step.parents)
    if problems:
        raise ShapeError(problems)
    return nodes, _blocks(declaration, lowered)


def _leaf_shapes(declaration: Declaration) -> dict[str, Shape]:
    """The shapes of what is given."""
    shapes: dict[str, Shape] = {}
    for section in _SECTIONS:
        for name, entry in getattr(declaration, section).items():
            shapes[name] = np.shape(entry) if section == "constants" else tuple(entry)
            _check_count(name, shapes[name], declaration)
    return shapes


def _lowered_formulas(
    declaration: Declaration,
    formulas: Mapping[str, Expr],
    used: Mapping[str, tuple[str, ...]],
    shapes: dict[str, Shape],
    table: FunctionTable,
) -> dict[str, list[Lowered]]:
    """The steps of each formula; `shapes`, of what is given, grows by those of the steps."""
    lowered: dict[str, list[Lowered]] = {}
    problems: list[Problem] = []
    for name in topological_order(inner_uses(used)):
        try:
            if all(parent in shapes for parent in used[name]):
                lowered[name] = declaration.lowered.get(name) or lower(name, declaration, formulas[name], shapes, table)
                shapes[name] = lowered[name][-1].shape
                for step in lowered[name]:
                    _check_count(name, step.shape, declaration)
        except ShapeError as error:
            section = "nodes" if name in declaration.nodes else ""
            problems.extend(problem.at(declaration.places(section, name, problem.span)) for problem in error.problems)
    if declaration.loss is not None and shapes.get(LOSS):
        place = declaration.places("", LOSS, None)
        message = f"the loss has the shape {shape_text(shapes[LOSS])}, and it must be one number"
        problems.append(Problem(message, place, fix="take its mean or its sum, as in mean(...)"))
    if problems:
        raise ShapeError(problems)
    return lowered


def _check_count(name: str, shape: Shape, declaration: Declaration) -> None:
    """Refuse more entries than a computer can number, and more axes than arrays may have.

    Raises
    ------
    LimitError : with the place.
    """
    count = math.prod(size for size in shape if isinstance(size, int))
    if count > LARGEST_ARRAY:
        message = f"{name} has {amount(count)} entries"
        fix = f"declare smaller sizes; no array has more than {LARGEST_ARRAY:,} entries"
    elif len(shape) > MOST_AXES:
        message, fix = f"{name} has {len(shape)} axes", f"use at most {MOST_AXES}, or reshape it"
    else:
        return
    section = next((section for section in ("nodes", *_SECTIONS) if name in getattr(declaration, section)), "")
    raise LimitError([Problem(message, declaration.places(section, name, None), fix=fix)])


def _needed(steps: list[Lowered]) -> list[Lowered]:
    """The steps that the last one depends on; to choose between functions, some are lowered in vain."""
    kept, used = [], {steps[-1].name}
    for step in reversed(steps):
        if step.name in used:
            kept.append(step)
            used.update(step.parents)
    return kept[::-1]


def _blocks(declaration: Declaration, lowered: Mapping[str, list[Lowered]]) -> tuple[Block, ...]:
    steps = {
        name: tuple(each.name for each in found[:-1] if not each.name.startswith(ANONYMOUS))
        for name, found in lowered.items()
    }
    blocks = [
        Block(block.label, tuple(each for name in block.nodes for each in (*steps.pop(name, ()), name)))
        for block in declaration.blocks
    ]
    written = {name: text for name, text in declaration.nodes.items() if isinstance(text, str)}
    return (*blocks, *(Block(written.get(name, name), (*inner, name)) for name, inner in steps.items() if inner))


def used_names(declaration: Declaration, name: str, formula: Expr) -> tuple[str, ...]:
    """The nodes that the formula of `name` uses; its indices and symbolic sizes are none."""
    return node_names(formula, {*declaration.indices.get(name, ()), *declaration.symbols})


def inner_uses(used: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """For each node with a formula, those with a formula that it uses."""
    return {name: tuple(parent for parent in parents if parent in used) for name, parents in used.items()}


def lower(
    name: str, declaration: Declaration, formula: Expr, shapes: dict[str, Shape], table: FunctionTable
) -> list[Lowered]:
    """The steps of the node `name`, the last being the node itself.

    Parameters
    ----------
    shapes : of all nodes that the formula uses; grows by those of the steps.

    Raises
    ------
    ShapeError : shapes do not fit.
    """
    return _needed(_lower(name, declaration, formula, shapes, table))


def _lower(
    name: str, declaration: Declaration, formula: Expr, shapes: dict[str, Shape], table: FunctionTable
) -> list[Lowered]:
    if name in declaration.indices:
        return IndexLowering(name, shapes, table, declaration.indices[name], declaration.offsets).root(formula)
    parents = used_names(declaration, name, formula)
    sizes = declaration.symbols.intersection(names(formula)) if declaration.symbols else ()
    if (
        not sizes
        and not any(shapes.get(parent) for parent in parents)  # the caller reports those that are not declared
        and all(_is_scalar(part, table) for part in walk(formula))
    ):
        return [Lowered(name, Elementwise(formula), (), parents)]
    return TensorLowering(name, shapes, table, declaration.offsets).root(formula)


def _is_scalar(part: Expr, table: FunctionTable) -> bool:
    """Whether a part of a formula is arithmetic or a function of scalars: nothing that may need axes."""
    if isinstance(part, Call):
        known = part.function in table and len(part.arguments) >= len(table[part.function].required)
        return known and not part.options
    return not isinstance(part, MatMul | Index | Limits | Text)
