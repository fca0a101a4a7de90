"""The verifier of programs of arrays, checked: what breaks a program is rejected, and the step that did it is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from backpropsym.checks.check import check_graph
from backpropsym.errors import CompilerError
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.ir import verifier
from backpropsym.kernels.ir.array_operations import (
    ALL,
    BATCH,
    Arrange,
    Concatenate,
    Constant,
    Finite,
    First,
    Fold,
    Kept,
    ObjectShare,
    Operation,
    Ordered,
    Pick,
    Place,
    Product,
    Read,
    Reduce,
    Reshape,
    Scatter,
    Size,
    Spread,
    Stack,
    Window,
    Windows,
)
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.positions import (
    Along,
    Chosen,
    Inside,
    Opposite,
    Places,
    Quotient,
    Remainder,
    Times,
    Total,
    Whole,
)
from backpropsym.kernels.ir.program import Kind, Program, Value
from backpropsym.kernels.ir.verifier import verification, verify
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.passes import pipeline
from backpropsym.kernels.passes.pipeline import Pass, improved
from backpropsym.kernels.passes.rebuilding import Rebuilding, Replacement
from backpropsym.ops.kinds import Shape
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers
from tests.kernels.plain import executed

NETWORK = """
inputs = {x = [3, 4]}
parameters = {W = [2, 3], v = [5]}
output = "a"
[nodes]
h = "tanh(W @ x)"
a = "sum(h*h) + sum(v[1:3])"
"""


def _improved_with(one: Pass, graph: Graph) -> None:
    """Lower a network and run one pass over it, verified."""
    lowering = ArrayLowering(graph)
    program = lowering.reverse(graph.names(Role.PARAMETER))
    results = {name: graph[name].shape for name in program.gradients}
    with verification():
        improved(program, lowering.values, results, [one])


def _planted(fits: Callable[[Value], bool], broken: Callable[[Rebuilding, Value, int], int]) -> Pass:
    """A pass that builds the first value that fits in a broken way."""

    def planted(program: Program, values: ArrayValues) -> Mapping[int, Replacement]:
        alive = program.live()
        position = next(each for each, item in enumerate(program.items) if alive[each] and fits(item))
        item = program.items[position]

        def build(new: Rebuilding) -> int:
            return broken(new, item, new.values.again(item, tuple(map(new.moved.__getitem__, item.operands)), None))

        return {position: build}

    return planted


def _swapped(new: Rebuilding, item: Value, built: int) -> int:
    rank = len(new.values.shape(built))
    return new.values.arrange(built, [*range(rank - 2), rank - 1, rank - 2])


def _one_object(new: Rebuilding, item: Value, built: int) -> int:
    return new.values.again(item._replace(batched=False, data="sin"), (item.operands[0],), None)


def _first_object(new: Rebuilding, item: Value, built: int) -> int:
    return new.values.pick(built, [0, *[ALL] * (len(new.values.shape(built)) - 1)])


def _claimed_complete(new: Rebuilding, item: Value, built: int) -> int:
    return new.values.make(replace(item.data, complete=True), *new.values.items[built].operands)


def _is_tanh(item: Value) -> bool:
    return item.kind is Kind.CALL and item.data == "tanh"


def _is_place(item: Value) -> bool:
    return isinstance(item.data, Place)


@pytest.mark.parametrize(
    ("fits", "broken", "message"),
    [
        (_is_tanh, _swapped, r"planted broke value \d+, call for h: its shape \(_n, 2, 4\) became \(_n, 4, 2\)"),
        (_is_tanh, _one_object, r"planted broke .* it differs from object to object, and that was lost"),
        (_is_tanh, _first_object, r"planted broke .* its shape \(_n, 2, 4\) became \(2, 4\)"),
        (_is_place, _claimed_complete, r"planted broke value \d+, Place for d_v: the places leave entries unset"),
    ],
)
def test_a_pass_that_breaks_a_program_is_rejected_by_name(
    fits: Callable[[Value], bool], broken: Callable[[Rebuilding, Value, int], int], message: str
) -> None:
    with pytest.raises(CompilerError, match=message):
        _improved_with(_planted(fits, broken), parse_network(NETWORK))


def test_a_pass_that_keeps_a_program_is_not_rejected() -> None:
    _improved_with(_planted(_is_tanh, lambda new, item, built: built), parse_network(NETWORK))


def test_a_swap_of_axes_of_one_size_is_seen_by_plain_execution_alone() -> None:
    """Shapes do not tell them apart, so that passes are also compared in numbers, by tests/kernels/test_passes.py."""
    graph = parse_network(NETWORK.replace("[3, 4]", "[2, 2]").replace("[2, 3]", "[2, 2]"))
    swap = _planted(_is_tanh, _swapped)
    _improved_with(swap, graph)
    lowering = ArrayLowering(graph)
    program = lowering.reverse(graph.names(Role.PARAMETER))
    rebuilding = Rebuilding(program, lowering.values, swap(program, lowering.values))
    leaves = numbers(graph, np.random.default_rng(0), 3)
    before = executed(program, lowering.values, leaves, {BATCH: 3})
    after = executed(*rebuilding.run(), leaves, {BATCH: 3})
    changed = [
        name for each, name in program.nodes.items() if not np.allclose(after[rebuilding.moved[each]], before[each])
    ]
    assert changed == ["h"]


def test_only_the_cheap_part_runs_without_verification() -> None:
    graph = parse_network(NETWORK)
    lowering = ArrayLowering(graph)
    program = lowering.reverse(graph.names(Role.PARAMETER))
    with verification(False):
        improved(program, lowering.values, {}, [_planted(_is_place, _claimed_complete)])
        with pytest.raises(CompilerError, match="its shape"):
            improved(program, lowering.values, {}, [_planted(_is_tanh, _swapped)])


def test_check_names_the_pass_that_breaks_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PASSES", [_planted(_is_place, _claimed_complete)])
    report = check_graph(parse_network(NETWORK), seed=0)
    assert not report.passed and "planted broke value" in str(report) and "leave entries unset" in str(report)


N3: Shape = (BATCH, 3)
WINDOW = Window(out=0, within=1, count=3, width=2, stride=1, dilation=1, start=0)
BROKEN: list[tuple[Operation, list[Shape], str]] = [
    (Constant.of([1.0, 2.0]), [(3,)], "Constant has no operands"),
    (Constant((3,), bytes(16)), [], "2 numbers are not"),
    (Size((), "n"), [(3,)], "Size has no operands"),
    (Size((2,), "n"), [], "a number has no axes"),
    (ObjectShare(()), [N3], "ObjectShare has no operands"),
    (Product((2, 4), ("ij", "jk"), "ik"), [(2, 3), (5, 4)], "j has the sizes 3 and 5"),
    (Product((4, 2), ("ij", "jk"), "ik"), [(2, 3), (3, 4)], "'ik' gives"),
    (Product((2, 4), ("ij", "jk"), "ik"), [(2, 3), (3, 4, 1)], "does not name the axes"),
    (Reduce((3,), "sum", (0,), False), [(3, 4)], r"sum over \(0,\)"),
    (Reduce((3,), "sum", (2,), False), [(3, 4)], "are no axes"),
    (Reduce((3, 4), "max", (1,), True), [(3, 4)], r"max over \(1,\)"),
    (Finite((3,)), [(3, 1)], "is not"),
    (First((3,), "max", (0,)), [(4,)], "is not"),
    (Ordered((3, 4)), [(4, 3)], "is not"),
    (Pick((3,), (4, ALL)), [(4, 3)], "4 is outside"),
    (Pick((3,), (0, ALL)), [N3], "0 is outside of _n"),
    (Pick((2,), ((0, 3, 1),)), [(3,)], "is"),
    (Pick((2,), ((2, 6, 2),)), [(4,)], "is outside of 4"),
    (Pick((3,), (0,)), [(4, 3)], "one index for each axis"),
    (Arrange((4, 3), (0, 1)), [(3, 4)], "is"),
    (Arrange((3,), (0,)), [(3, 4)], "is no order"),
    (Arrange((3, 3), (0, 0)), [(3, 3)], "is no order"),
    (Spread((3, 4)), [(3,)], "does not broadcast"),
    (Reshape((4, 2)), [(3, 3)], "differ in entries"),
    (Reshape((3, BATCH)), [N3], "the axis of objects"),
    (Windows((3, 2), (replace(WINDOW, start=1),)), [(4,)], "windows leave the axis"),
    (Windows((2, 3), (WINDOW,)), [(4,)], "windows of"),
    (Windows((3, 2, 4), (WINDOW, Kept(2, (0, 3, 1)))), [(4, 4)], "windows of"),
    (Fold((4,), (WINDOW,)), [(3, 3)], "windows of"),
    (Fold((4,), (WINDOW,), based=True), [(3, 2), (1,)], "it is added to"),
    (Place((4,), (((0, 2, 1),),)), [(3,)], "does not fit the place"),
    (Place((4,), ((4,),)), [()], "4 is outside"),
    (Place((4,), (((0, 2, 1),), ((1, 3, 1),)), disjoint=True), [(2,), (2,)], "places overlap"),
    (Place((4,), (((0, 4, 2),),), disjoint=True, complete=True), [(2,)], "leave entries unset"),
    (Place(("n",), ((1,),), disjoint=True, complete=True), [()], "leave entries unset"),
    (Place((2, "n"), ((0, ALL),), disjoint=True, complete=True), [("n",)], "leave entries unset"),
    (Place((4,), ((0,),), based=True), [(), (1,)], "it is added to"),
    (Read((2,), Places((Whole(0),)), 1, 1), [(3,)], "lead=1"),
    (Read((2,), Places((Along(0, 2),)), 0, 1), [(3, 4)], r"1 positions are not one for each axis of \(3, 4\)"),
    (Read((2,), Places((Along(1, 2),)), 0, 1), [(3,)], "a position counts along axis 1 of 1"),
    (Read((2,), Places((Chosen(2, False),)), 0, 1), [(3,), ()], "operand 2 chooses, and 1 do"),
    (Read((4,), Places((Along(0, 4),)), 0, 1), [(3,)], "a position is outside of an axis of size 3"),
    (Read((3,), Places((Total((Along(0, 3), Opposite((Whole(1),)))),)), 0, 1), [(3,)], "a position is outside of"),
    (Read((3,), Places((Times((Along(0, 3), Whole(2))),)), 0, 1), [(4,)], "a position is outside of"),
    (Read((6,), Places((Quotient((Along(0, 6), Whole(2))),)), 0, 1), [(2,)], "a position is outside of"),
    (Read((6,), Places((Remainder((Along(0, 6), Whole(3))),)), 0, 1), [(2,)], "a position is outside of"),
    (Read((), Places((Inside((Chosen(1, False),), 4),)), 0, 0), [(3,), ()], "is kept inside of 4, and its axis has"),
    (Read((4,), Places((Along(0, 4),), ((Along(0, 4), 4),)), 0, 1), [(3,)], "is kept inside of 4, and its axis has"),
    (Scatter((3,), Places((Whole(0),)), 1, 1, False), [(2,)], "lead=1"),
    (Scatter((3,), Places((Whole(3),)), 0, 1, False), [(2,)], "a position is outside of"),
    (Scatter((3,), Places((Whole(0),)), 0, 1, False, based=True), [(2,), (2,)], "it is added to"),
    (Concatenate((5, 3), 0), [(2, 3), (2, 3)], "along axis 0"),
    (Concatenate((4, 3), 0), [(2, 3), (2, 4)], "differ besides axis 0"),
    (Stack((2, 3)), [(3,), (1,)], "differ"),
    (Stack((3, 3)), [(3,), (3,)], "a stack of"),
]


def _alone(operation: Operation, shapes: list[Shape]) -> tuple[Program, ArrayValues]:
    """A program of one operation."""
    values = ArrayValues()
    leaves = []
    for index, shape in enumerate(shapes):
        leaves.append(values.leaf(f"x{index}", BATCH in shape))
        values.shapes[leaves[-1]] = shape
    values.owner = "y"
    found, zero = values.make(operation, *leaves), values.number(0.0)
    return Program(tuple(values.items), {}, {}, tuple(values.owners), 0, zero, {"y": found}), values


@pytest.mark.parametrize(("operation", "shapes", "message"), BROKEN, ids=lambda each: type(each).__name__)
def test_an_operation_that_does_not_fit_is_rejected(operation: Operation, shapes: list[Shape], message: str) -> None:
    program, values = _alone(operation, shapes)
    named = f"lowering broke value {len(shapes)}, {type(operation).__name__} for y: .*{message}"
    with verification(), pytest.raises(CompilerError, match=named):
        verify("lowering", program, values)


def test_every_operation_has_a_planted_error() -> None:
    assert {type(operation) for operation, _, _ in BROKEN} == set(verifier._RULES)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3), (4, 3)], "do not broadcast"),
        ([N3, (2, 3)], "do not broadcast"),
        ([(3,), (BATCH,)], "do not broadcast"),
        ([(BATCH, 1), (BATCH,)], "the axis of objects twice"),
    ],
)
def test_arithmetic_that_does_not_fit_is_rejected(shapes: list[Shape], message: str) -> None:
    program, values = _alone(Finite((3,)), shapes)
    found = values.add(0, 1)
    program = replace(program, items=tuple(values.items), owners=tuple(values.owners), gradients={"y": found})
    with verification(), pytest.raises(CompilerError, match=message):
        verify("lowering", program, values)


def test_a_result_that_does_not_broadcast_to_its_shape_is_rejected() -> None:
    program, values = _alone(Spread((3, 4)), [(4,)])
    with verification():
        verify("lowering", program, values, {"y": (2, 3, 4)})
        with pytest.raises(CompilerError, match=r"\(3, 4\) is no y of \(4, 3\)"):
            verify("lowering", program, values, {"y": (4, 3)})


def test_tests_are_verified() -> None:
    """The environment variable that conftest sets."""
    program, values = _alone(Finite((3,)), [(3, 1)])
    with pytest.raises(CompilerError):
        verify("lowering", program, values)
