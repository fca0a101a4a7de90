"""The shape that a formula in matrix notation has as it is written, before broadcasting mends anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backpropsym.errors import ShapeError
from backpropsym.formula.tree import Call, Expr, Index, Limits, MatMul, Name, Number, Slice, Text, Tuple, children
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import Shape, size_of
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.reducer import REDUCERS
from backpropsym.ops.shapes import broadcast, matmul
from backpropsym.ops.sizes import Dimension, as_size, size_product


class WrittenShapes:
    """Shapes of formulas over nodes and adjoints.

    Parameters
    ----------
    known : the shape of each node by name; adjoints may be added to it. Other names are numbers.
    """

    def __init__(self, known: Mapping[str, Shape]) -> None:
        self.known = dict(known)
        self._memo: dict[int, tuple[Expr, Shape]] = {}

    def of(self, expr: Expr) -> Shape:
        """The shape of `expr`.

        Raises
        ------
        ShapeError : its parts do not fit together, or it holds an op whose shape is not known without its node.
        """
        if isinstance(expr, Name):
            return self.known.get(expr.name, ())
        if isinstance(expr, Number | Text):
            return ()
        if id(expr) not in self._memo:
            self._memo[id(expr)] = expr, self._of(expr)
        return self._memo[id(expr)][1]

    def _of(self, expr: Expr) -> Shape:
        match expr:
            case MatMul(left, right):
                return matmul(("left", self.of(left)), ("right", self.of(right)))[1]
            case Index(base, subscripts):
                return _indexed(self.of(base), subscripts)
            case Call(function, (operand,), options) if function in REDUCERS or function == "norm":
                return _reduced(self.of(operand), dict(options))
            case Call(function, arguments, options) if function in _RULES:
                return _RULES[function](self, arguments, dict(options))
            case Call(function) if function not in FUNCTIONS and function in COMPOSITIONS:
                raise ShapeError(f"the shape of {function}(...) is not known without its node")
        return broadcast([self.of(part) for part in children(expr)], "the formula")

    def einsum(self, arguments: Sequence[Expr], options: Mapping[str, Expr]) -> Shape:
        """The sizes of the letters of the result."""
        text = arguments[0]
        assert isinstance(text, Text)
        inputs, output = text.value.split("->")
        sizes: dict[str, Dimension] = {}
        for letters, operand in zip(inputs.split(","), arguments[1:], strict=True):
            shape = self.of(operand)
            if len(letters) != len(shape):
                raise ShapeError(f"einsum reads {len(letters)} axes of an operand that has {len(shape)}")
            sizes |= dict(zip(letters, shape, strict=True))
        return tuple(sizes[letter] for letter in output)


def _indexed(shape: Shape, subscripts: Sequence[Expr]) -> Shape:
    found: list[Dimension] = []
    for size, part in zip(shape, subscripts, strict=False):
        if isinstance(part, Slice):
            found.append(_count(part, size))
    return (*found, *shape[len(subscripts) :])


def _count(part: Slice, size: Dimension) -> Dimension:
    if part.stop is None and part.start is None and part.step == 1:
        return size
    assert isinstance(size, int), "symbolic axes are sliced as a whole"
    return len(range(*slice(part.start, part.stop, part.step).indices(size)))


def axes_in(value: Expr) -> tuple[int, ...]:
    """The axes that an option names."""
    parts = value.parts if isinstance(value, Tuple) else (value,)
    return tuple(int(part.value) for part in parts if isinstance(part, Number))


def _reduced(shape: Shape, options: Mapping[str, Expr]) -> Shape:
    axes = axes_in(options["axis"]) if "axis" in options else tuple(range(len(shape)))
    if "keepdims" in options:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _expanded(shape: Shape, axes: Sequence[int]) -> Shape:
    rest = iter(shape)
    return tuple(1 if axis in axes else next(rest) for axis in range(len(shape) + len(axes)))


def _sizes(parts: Sequence[Expr]) -> Shape:
    found = [as_size(part) for part in parts]
    return tuple(size for size in found if size is not None)


def _onehot(size: Expr) -> Shape:
    return _sizes(size.parts if isinstance(size, Tuple) else (size,))


def _permuted(shape: Shape, order: Sequence[Expr]) -> Shape:
    return tuple(shape[int(axis.value)] for axis in order if isinstance(axis, Number))


def _windows(shape: Shape, kernel: Expr, options: Mapping[str, Expr]) -> Shape:
    """Leading axes, the number of windows along each other axis, and their sizes."""
    sizes = axes_in(kernel)
    space = len(sizes)
    usual = {"stride": (1,) * space, "padding": (0,) * space, "dilation": (1,) * space}
    stride, padding, dilation = (
        (usual | {key: axes_in(value) for key, value in options.items()})[key] for key in usual
    )
    counts = []
    for axis, size in enumerate(shape[-space:]):
        if not isinstance(size, int):
            raise ShapeError("windows over an axis of a symbolic size are not counted")
        counts.append((size + 2 * padding[axis] - dilation[axis] * (sizes[axis] - 1) - 1) // stride[axis] + 1)
    return (*shape[:-space], *counts, *sizes)


def _joined(shapes: Sequence[Shape], axis: int) -> Shape:
    """The shape of several arrays one behind the other along an axis."""
    ends = [shape[axis] for shape in shapes]
    numbers_alone = [end for end in ends if isinstance(end, int)]
    if len(numbers_alone) < len(ends):
        raise ShapeError("arrays of symbolic sizes are not added up along an axis")
    return (*shapes[0][:axis], sum(numbers_alone), *shapes[0][axis + 1 :])


def _array(limits: Sequence[Expr]) -> Shape:
    """One axis for each index of a formula of an entry."""
    found = [size_of(each) for each in limits if isinstance(each, Limits)]
    return tuple(size for size in found if size is not None)


def _gathered(shapes: Sequence[Shape], axis: int) -> Shape:
    """An array read at chosen positions along an axis."""
    array, *chosen = shapes
    return (*array[:axis], *broadcast(chosen, "positions"), *array[axis + 1 :])


_Rule = Callable[[WrittenShapes, Sequence[Expr], Mapping[str, Expr]], Shape]
_RULES: Mapping[str, _Rule] = {
    "einsum": WrittenShapes.einsum,
    "transpose": lambda shapes, parts, _: shapes.of(parts[0])[::-1],
    "permute": lambda shapes, parts, _: _permuted(shapes.of(parts[0]), parts[1:]),
    "outer": lambda shapes, parts, _: (*shapes.of(parts[0]), *shapes.of(parts[1])),
    "ones": lambda shapes, parts, _: shapes.of(parts[0]),
    "zeros": lambda shapes, parts, _: shapes.of(parts[0]),
    "softmax": lambda shapes, parts, _: shapes.of(parts[0]),
    "is_argmax": lambda shapes, parts, _: shapes.of(parts[0]),
    "is_argmin": lambda shapes, parts, _: shapes.of(parts[0]),
    "onehot": lambda shapes, parts, _: _onehot(parts[1]),
    "reshape_like": lambda shapes, parts, _: shapes.of(parts[1]),
    "scatter": lambda shapes, parts, _: shapes.of(parts[1]),
    "flatten": lambda shapes, parts, _: (size_product(shapes.of(parts[0])),),
    "reshape": lambda shapes, parts, _: _sizes(parts[1:]),
    "windows": lambda shapes, parts, options: _windows(shapes.of(parts[0]), parts[1], options),
    "concat": lambda shapes, parts, options: _joined(
        list(map(shapes.of, parts)), axes_in(options["axis"])[0] if "axis" in options else 0
    ),
    "array": lambda _, parts, __: _array(parts[1:]),
    "gather": lambda shapes, parts, _: _gathered(list(map(shapes.of, parts[:-1])), axes_in(parts[-1])[0]),
    "expand_dims": lambda shapes, parts, options: _expanded(shapes.of(parts[0]), axes_in(options["axis"])),
}
