"""Programs of arrays as expressions of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from backpropsym.kernels.backends.dialects import ATOM, Dialect, Piece, Template, parsed
from backpropsym.kernels.backends.positions import places_source
from backpropsym.kernels.backends.sizes import shape_source, size_source
from backpropsym.kernels.backends.subscripts import item_sources
from backpropsym.kernels.ir.array_operations import (
    ALL,
    BATCH,
    Arrange,
    Concatenate,
    Constant,
    Finite,
    First,
    Fold,
    Item,
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
from backpropsym.kernels.ir.program import Value

_PLAIN = ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "atan", "tanh", "erf", "erfc", "abs")
_FUNCTIONS = {
    **{name: f"_torch.{name}({{0}})" for name in _PLAIN},
    "sign": "_sign({0})",
    "step": "_step({0})",
    "max": "_torch.maximum({0}, {1})",
    "min": "_torch.minimum({0}, {1})",
    "where": "_torch.where({0}, {1}, {2})",
    "KroneckerDelta": "_same({0}, {1})",
}
_REDUCTIONS = {"sum": "sum", "max": "amax", "min": "amin"}


class TorchDialect(Dialect):
    """Tensors; helpers come from `kernels/runtime/torch_statements`, constants from "math".

    Parameters
    ----------
    values : the shapes of all values.
    """

    def __init__(self, values: ArrayValues) -> None:
        super().__init__()
        self.values = values

    def shape_note(self, item: Value, position: int) -> str:
        """See Dialect."""
        return shape_source(self.values.shape(position)).replace("_size_", "").replace(BATCH, BATCH[1:])

    def not_finite(self, name: str) -> str:
        """See Dialect."""
        return self.helper(name, "math")

    def power(self, base: Piece, exponent: float) -> Piece:
        """See Dialect."""
        return Piece(f"_torch.pow({base.text}, {exponent!r})", ATOM)

    def template(self, name: str, constant: tuple[bool, ...]) -> Template:
        """See Dialect. Functions of PyTorch take tensors, and only some take numbers beside them."""
        text = _FUNCTIONS[name]
        for slot, number in enumerate(constant):
            if number:
                text = text.replace(f"{{{slot}}}", f"_number({{{slot}}})")
        return parsed(text)

    def uses(self, item: Value) -> tuple[int, ...]:
        """See Dialect. What chooses entries may stand in several positions, and is named for that."""
        first, *others = (1,) * len(item.operands) or (1,)
        chosen = 2 if isinstance(item.data, Read | Scatter) else 1
        return (first, *(chosen for _ in others))[: len(item.operands)]

    def operation(self, item: Value, operands: Sequence[Piece], constant: tuple[bool, ...]) -> Piece:
        """See Dialect."""
        texts = [
            f"_number({piece.text})" if number else piece.text for piece, number in zip(operands, constant, strict=True)
        ]
        return Piece(_RULES[type(item.data)](item.data, texts), ATOM)


def _numbers(operation: Constant, _: Sequence[str]) -> str:
    return f"_number({_finite_source(operation.numbers.tolist())})"


def _finite_source(numbers: object) -> str:
    """Nested lists of numbers as source; what is not finite by name."""
    if isinstance(numbers, list):
        return f"[{', '.join(map(_finite_source, numbers))}]"
    assert isinstance(numbers, float)
    return repr(numbers) if math.isfinite(numbers) else f"float({str(numbers)!r})"


def _size(operation: Size, _: Sequence[str]) -> str:
    return f"_number(1.0*{size_source(operation.size)})"


def _share(operation: ObjectShare, _: Sequence[str]) -> str:
    return f"_number(1.0/{BATCH})"


def _product(operation: Product, texts: Sequence[str]) -> str:
    return f'_torch.einsum("{",".join(operation.groups)}->{operation.output}", {", ".join(texts)})'


def _reduce(operation: Reduce, texts: Sequence[str]) -> str:
    if not operation.axes:
        return texts[0]
    keep = ", keepdim=True" if operation.keep else ""
    return f"_torch.{_REDUCTIONS[operation.function]}({texts[0]}, dim={operation.axes!r}{keep})"


def _finite(operation: Finite, texts: Sequence[str]) -> str:
    return f"_finite({texts[0]})"


def _first(operation: First, texts: Sequence[str]) -> str:
    return f"_first({texts[0]}, {operation.axes!r}, _torch.arg{operation.function})"


def _pick(operation: Pick, texts: Sequence[str]) -> str:
    return f"_picked({texts[0]}, {_items(operation.items)})"


def _items(items: Sequence[Item]) -> str:
    return f"_at[{', '.join(item_sources(items))}]" if items else "()"


def _arrange(operation: Arrange, texts: Sequence[str]) -> str:
    own = [axis for axis in operation.axes if axis is not None]
    text = texts[0] if own == sorted(own) else f"_torch.permute({texts[0]}, {tuple(own)!r})"
    if None not in operation.axes:
        return text
    return f"({text})[{', '.join('None' if axis is None else ':' for axis in operation.axes)}]"


def _spread(operation: Spread, texts: Sequence[str]) -> str:
    return f"_torch.broadcast_to({texts[0]}, {shape_source(operation.shape)})"


def _reshape(operation: Reshape, texts: Sequence[str]) -> str:
    return f"_torch.reshape({texts[0]}, {shape_source(operation.shape)})"


def _windows(operation: Windows, texts: Sequence[str]) -> str:
    return f"_windows({texts[0]}, {_axes(operation.axes)})"


def _axes(axes: Sequence[Window | Kept]) -> str:
    """For each axis of an array, the axes that it has in its windows, and the places that these are."""
    listed: list[tuple[tuple[int, ...], tuple[int | None, ...] | None]] = []
    for axis in axes:
        if isinstance(axis, Kept):
            listed.append(((axis.out,), None if axis.item == ALL else axis.item))
        else:
            step = (axis.start, axis.stride, axis.count, axis.dilation, axis.width)
            listed.append(((axis.out, axis.within), step))
    return repr(tuple(listed))


def _fold(operation: Fold, texts: Sequence[str]) -> str:
    return f"_fold({_base(operation, texts)}, {texts[0]}, {_axes(operation.axes)})"


def _base(operation: Fold | Place | Scatter, texts: Sequence[str]) -> str:
    """What is added to: a copy of the last operand, or zeros."""
    return f"_torch.clone({texts[-1]})" if operation.based else f"_zeros({shape_source(operation.shape)})"


def _place(operation: Place, texts: Sequence[str]) -> str:
    parts = [f"({_items(region)}, {text})" for region, text in zip(operation.regions, texts, strict=False)]
    return f"_placed({_base(operation, texts)}, [{', '.join(parts)}])"


def _read(operation: Read, texts: Sequence[str]) -> str:
    places = places_source(operation.places, operation.rank, texts, "_arange")
    outside = "" if not operation.fill else f", float({str(operation.fill)!r})"
    return f"_read({texts[0]}, {places}, {operation.lead}, {operation.rank}{outside})"


def _scatter(operation: Scatter, texts: Sequence[str]) -> str:
    places = places_source(operation.places, operation.rank, texts, "_arange")
    return f"_scatter({_base(operation, texts)}, {texts[0]}, {places}, {operation.lead}, {operation.rank})"


def _concatenate(operation: Concatenate, texts: Sequence[str]) -> str:
    return f"_torch.cat(({', '.join(texts)},), dim={operation.axis})"


def _stack(operation: Stack, texts: Sequence[str]) -> str:
    return f"_torch.stack(({', '.join(texts)},))"


def _ordered(operation: Ordered, texts: Sequence[str]) -> str:
    return f"({texts[0]}).contiguous()"


_RULES: dict[type[Operation], Callable[..., str]] = {
    Constant: _numbers,
    Size: _size,
    ObjectShare: _share,
    Product: _product,
    Reduce: _reduce,
    Finite: _finite,
    First: _first,
    Pick: _pick,
    Arrange: _arrange,
    Spread: _spread,
    Reshape: _reshape,
    Windows: _windows,
    Fold: _fold,
    Place: _place,
    Read: _read,
    Scatter: _scatter,
    Concatenate: _concatenate,
    Stack: _stack,
    Ordered: _ordered,
}
