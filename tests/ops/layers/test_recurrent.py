"""The shapes that recurrent layers take: each wrong one is named with the right one."""

import pytest

import backpropsym as bp
from backpropsym.errors import ShapeError

SHAPES = {"lstm": {"W": (12, 2), "U": (12, 3), "b": (12,)}, "gru": {"W": (9, 2), "U": (9, 3), "b": (9,), "c": (9,)}}


def network(layer: str, shapes: dict[str, tuple[int, ...]]) -> str:
    parameters = ", ".join(f"{name} = {list(shape)}" for name, shape in shapes.items())
    call = f"{layer}(x, {', '.join(shapes)})"
    return f'inputs = {{x = [4, 2]}}\nparameters = {{{parameters}}}\noutput = "a"\n[nodes]\na = "sum({call})"\n'


@pytest.mark.parametrize("layer", SHAPES)
def test_right_shapes_are_taken(layer: str) -> None:
    assert bp.loads(network(layer, SHAPES[layer])).parameters == SHAPES[layer]


@pytest.mark.parametrize(
    ("layer", "name"), [(layer, name) for layer, own in SHAPES.items() for name in own if name != "U"]
)
def test_a_wrong_shape_is_named(layer: str, name: str) -> None:
    right = SHAPES[layer][name]
    wrong = (right[0] + 1, *right[1:])
    with pytest.raises(ShapeError) as caught:
        bp.loads(network(layer, {**SHAPES[layer], name: wrong}))
    (problem,) = caught.value.problems
    assert f"{layer} found {name} with the shape ({wrong[0]}," in problem.message
    assert problem.fix and f"give {name} the shape ({right[0]}," in problem.fix
