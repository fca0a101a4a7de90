"""Reductions and moves of entries as statements on arrays; one rule an operation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backpropsym.kernels.backends.dialects import PRODUCT, Piece
from backpropsym.kernels.backends.numpy.matrix_products import written_as_product
from backpropsym.kernels.backends.numpy.placement import around, regions
from backpropsym.kernels.backends.numpy.storage import Layout, picked_layout, plain_layout
from backpropsym.kernels.backends.numpy.writer import ArrayWriter, Rule
from backpropsym.kernels.backends.positions import places_source
from backpropsym.kernels.backends.sizes import shape_source, size_source
from backpropsym.kernels.backends.subscripts import WHOLE, item_source, item_sources, subscripts
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
from backpropsym.ops.kinds import Shape

_REDUCTIONS = {"sum": "add.reduce", "max": "maximum.reduce", "min": "minimum.reduce"}


def _reduce(writer: ArrayWriter, position: int, operation: Reduce) -> None:
    if written_as_product(writer, position, operation):
        return
    operand = writer.items[position].operands[0]
    text = f"_np.{_REDUCTIONS[operation.function]}({writer.text(operand)}, axis={_tuple(operation.axes)}"
    text += ", keepdims=True" if operation.keep else ""
    if not operation.shape:
        writer.assign(position, f"{text})")
        return
    order = _layout(writer, operand).order
    if operation.keep:
        left = order
    else:
        axes = [axis for axis in range(len(order)) if axis not in operation.axes]
        left = tuple(axes.index(axis) for axis in order if axis in axes)
    writer.assign(position, f"{text}, out={writer.fresh(position, left)})")


def _tuple(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"


def _finite(writer: ArrayWriter, position: int, operation: Finite) -> None:
    operand = writer.items[position].operands[0]
    largest = writer.storage.number("_np.finfo(_real).max", "_largest")
    if not operation.shape:
        writer.assign(position, f"_finite({writer.text(operand)}, {largest})")
        return
    out = writer.destination(position, False, (operand,))
    writer.assign(position, f"_finite({writer.text(operand)}, {largest}, out={out})")


def _first(writer: ArrayWriter, position: int, operation: First) -> None:
    operand = writer.items[position].operands[0]
    writer.layouts[position] = plain_layout(operation.shape)
    writer.assign(position, f"_first_{operation.function}({writer.text(operand)}, {operation.axes!r})")


def _pick(writer: ArrayWriter, position: int, operation: Pick) -> None:
    operand = writer.items[position].operands[0]
    layout = writer.layouts.get(operand)
    texts = item_sources(operation.items)
    if not operation.shape:
        writer.assign(position, f"{writer.text(operand)}[{', '.join(texts)}]")
        return
    found = None if layout is None else picked_layout(layout, operation.items)
    writer.view(position, operand, found, f"[{subscripts(texts)}]")


def _arrange(writer: ArrayWriter, position: int, operation: Arrange) -> None:
    operand = writer.items[position].operands[0]
    if not writer.shape(operand):
        _filled_with(writer, position, operation.shape, operand)
        return
    suffix, layout = "", writer.layouts.get(operand)
    own = [axis for axis in operation.axes if axis is not None]
    if own != sorted(own):
        suffix = ".T" if own == [1, 0] else f".transpose({', '.join(map(str, own))})"
    if None in operation.axes:
        inside = ["None" if axis is None else WHOLE for axis in operation.axes]
        suffix += f"[{subscripts(inside)}]"
    found = None
    if layout is not None:
        new = [axis for axis, each in enumerate(operation.axes) if each is None]
        placed = {each: axis for axis, each in enumerate(operation.axes) if each is not None}
        found = Layout((*new, *(placed[axis] for axis in layout.order)), layout.dense, layout.unit)
    writer.view(position, operand, found, suffix)


def _spread(writer: ArrayWriter, position: int, operation: Spread) -> None:
    operand = writer.items[position].operands[0]
    if writer.shape(operand):
        writer.alias(position, operand, None)
    writer.layouts[position] = None
    dtype = writer.text(operand) if writer.shape(operand) else f"_real({writer.text(operand)})"
    writer.assign(position, f"_np.broadcast_to({dtype}, {shape_source(operation.shape)})")


def _reshape(writer: ArrayWriter, position: int, operation: Reshape) -> None:
    operand = writer.items[position].operands[0]
    shape, layout = writer.shape(operand), writer.layouts.get(operand)
    if not shape:
        _filled_with(writer, position, operation.shape, operand)
    elif not operation.shape:
        writer.assign(position, f"{writer.text(operand)}[{', '.join('0' for _ in shape)}]")
    elif layout is not None and layout.plain:
        suffix = f".reshape({', '.join(map(size_source, operation.shape))})"
        writer.view(position, operand, plain_layout(operation.shape), suffix)
    else:
        out = writer.fresh(position, tuple(range(len(operation.shape))))
        if position in writer.slots:
            inner = writer.storage.view(writer.slots[position], shape)
        else:
            inner = f"{out}.reshape({', '.join(map(size_source, shape))})"
        writer.lines.append(f"_np.copyto({inner}, {writer.text(operand)})")
        writer.assign(position, out)


def _filled_with(writer: ArrayWriter, position: int, shape: Shape, number: int) -> None:
    """An array of its own for a number under axes."""
    writer.layouts[position] = plain_layout(shape)
    writer.assign(position, f"_np.full({shape_source(shape)}, {writer.text(number)}, dtype=_real)")


def _windows(writer: ArrayWriter, position: int, operation: Windows) -> None:
    """The windows by one copy for each place within them, the batch running fastest in memory."""
    operand = writer.items[position].operands[0]
    source = batch_last(writer, operand)
    out = writer.fresh(position, windows_order(operation.axes, operation.shape[:1] == (BATCH,)))
    for line in _over_places(operation.axes, out, source, "{within} = {seen}"):
        writer.lines.append(line)
    writer.assign(position, out)


def batch_last(writer: ArrayWriter, operand: int) -> str:
    """An array in whose memory neighbours are the same place of different objects."""
    shape, layout = writer.shape(operand), writer.layouts.get(operand)
    if shape[:1] != (BATCH,) or (layout is not None and layout.order[-1] == 0):
        return writer.text(operand)
    order = (*range(1, len(shape)), 0)
    copy = writer.scratch(shape, order)
    writer.lines.append(f"_np.copyto({copy}, {writer.text(operand)})")
    return copy


def windows_order(axes: Sequence[Window | Kept], batched: bool) -> tuple[int, ...]:
    """The order in memory: channels, places within windows, places of windows, objects."""
    windows = [each for each in axes if isinstance(each, Window)]
    kept = [each.out for each in axes if isinstance(each, Kept) and not (batched and each.out == 0)]
    order = (*sorted(kept), *sorted(each.within for each in windows), *sorted(each.out for each in windows))
    return (*order, 0) if batched else order


def _over_places(axes: Sequence[Window | Kept], result: str, operand: str, statement: str) -> list[str]:
    """A statement for each place within windows, as loops; it knows the place as `within` and what it `seen`."""
    windows = [each for each in axes if isinstance(each, Window)]
    lines, indent = [], ""
    inside = [WHOLE] * (len(axes) + len(windows))
    for index, window in enumerate(windows):
        lines.append(f"{indent}for _k{index} in range({window.width}):")
        indent += "    "
        inside[window.within] = f"_k{index}"
    counter = iter(range(len(windows)))
    seen = []
    for each in axes:
        if isinstance(each, Kept):
            seen.append(WHOLE if each.item == ALL else item_source(each.item))
        else:
            seen.append(_moving(each, next(counter)))
    outs = [each.out for each in axes]
    read = f"{operand}[{', '.join(seen)}]"
    if outs != sorted(outs):
        read += f".transpose({', '.join(str(outs.index(axis)) for axis in sorted(outs))})"
    return [*lines, indent + statement.format(within=f"{result}[{', '.join(inside)}]", seen=read)]


def _moving(window: Window, index: int) -> str:
    """What the place `_k` within a window sees, as source."""
    start = f"_k{index}" if window.dilation == 1 else f"{window.dilation}*_k{index}"
    first = f"{window.start} + {start}" if window.start else start
    last = f"{first} + {window.stride * (window.count - 1) + 1}"
    return f"{first}:{last}" + (f":{window.stride}" if window.stride != 1 else "")


def _fold(writer: ArrayWriter, position: int, operation: Fold) -> None:
    """Every window added to where it was read."""
    part = writer.items[position].operands[0]
    layout = _layout(writer, part)
    axis_of = {each.out: axis for axis, each in enumerate(operation.axes)}
    order = tuple(axis_of[axis] for axis in layout.order if axis in axis_of)
    out = _base(writer, position, operation.based, order, zeros=True)
    for line in _over_places(operation.axes, writer.text(part), out, "{seen} += {within}"):
        writer.lines.append(line)
    writer.assign(position, out)


def _base(writer: ArrayWriter, position: int, based: bool, order: tuple[int, ...], zeros: bool) -> str:
    """The array that parts are added to: zeros, or the last operand in its own memory or copied."""
    if not based:
        out = writer.fresh(position, order)
        if zeros:
            writer.lines.append(f"{out}.fill(0.0)")
        return out
    base = writer.items[position].operands[-1]
    owned = base in writer.slots
    out = writer.destination(position, False, (base,))
    if not owned or base in writer.slots:
        writer.lines.append(f"_np.copyto({out}, {writer.text(base)})")
    return out


def _place(writer: ArrayWriter, position: int, operation: Place) -> None:
    """Parts set into zeros where they do not overlap, else added."""
    parts = writer.items[position].operands[: len(operation.regions)]
    layout = writer.layouts.get(parts[0])
    order = around(operation.regions[0], layout.order if layout else plain_layout(writer.shape(parts[0])).order)
    zeros = not (operation.disjoint and operation.complete)
    out = _base(writer, position, operation.based, order, zeros)
    sign = "=" if operation.disjoint and not operation.based else "+="
    for region, part in zip(operation.regions, parts, strict=True):
        if writer.lies_in(part, position, region):
            continue
        inside = subscripts(item_sources(region))
        writer.lines.append(f"{out}[{inside}] {sign} {writer.text(part)}")
    writer.assign(position, out)


def _read(writer: ArrayWriter, position: int, operation: Read) -> None:
    operands = [writer.text(operand) for operand in writer.items[position].operands]
    writer.layouts[position] = plain_layout(operation.shape)
    index = _places(writer, operation, operands)
    outside = "" if not operation.fill else ", -_np.inf" if operation.fill == -math.inf else f", {operation.fill!r}"
    writer.assign(position, f"_read({operands[0]}, {index}, {operation.lead}, {operation.rank}{outside})")


def _places(writer: ArrayWriter, operation: Read | Scatter, operands: Sequence[str]) -> str:
    """Index arrays and guards, under a name of the module where they are the same at every call."""
    text = places_source(operation.places, operation.rank, operands)
    return f"*{writer.body.named_places(text)}" if operation.places.fixed else text


def _scatter(writer: ArrayWriter, position: int, operation: Scatter) -> None:
    item = writer.items[position]
    operands = [writer.text(operand) for operand in item.operands]
    out = _base(writer, position, operation.based, tuple(range(len(operation.shape))), zeros=True)
    index = _places(writer, operation, operands)
    rest = f"{operation.lead}, {operation.rank}, {operation.unique}"
    writer.assign(position, f"_scatter({out}, {operands[0]}, {index}, {rest})")


def _concatenate(writer: ArrayWriter, position: int, operation: Concatenate) -> None:
    out = writer.fresh(position, tuple(range(len(operation.shape))))
    if _filled(writer, position, operation, out):
        return
    operands = ", ".join(writer.text(operand) for operand in writer.items[position].operands)
    writer.assign(position, f"_np.concatenate(({operands},), axis={operation.axis}, out={out})")


def _stack(writer: ArrayWriter, position: int, operation: Stack) -> None:
    out = writer.fresh(position, tuple(range(len(operation.shape))))
    if _filled(writer, position, operation, out):
        return
    operands = ", ".join(writer.text(operand) for operand in writer.items[position].operands)
    writer.assign(position, f"_np.stack(({operands},), out={out})")


def _filled(writer: ArrayWriter, position: int, operation: Stack | Concatenate, out: str) -> bool:
    """Set the operands that were not computed in the result into it; False where none was."""
    operands = writer.items[position].operands
    places = regions(operation, [writer.shape(operand) for operand in operands])
    pairs = list(zip(operands, places, strict=False))
    if not any(writer.lies_in(operand, position, region) for operand, region in pairs):
        return False
    for operand, region in pairs:
        if not writer.lies_in(operand, position, region):
            writer.lines.append(f"{out}[{subscripts(item_sources(region))}] = {writer.text(operand)}")
    writer.assign(position, out)
    return True


def _ordered(writer: ArrayWriter, position: int, operation: Ordered) -> None:
    out = writer.fresh(position, tuple(range(len(operation.shape))))
    writer.lines.append(f"_np.copyto({out}, {writer.text(writer.items[position].operands[0])})")
    writer.assign(position, out)


def _layout(writer: ArrayWriter, operand: int) -> Layout:
    return writer.layouts.get(operand) or plain_layout(writer.shape(operand))


def _constant(writer: ArrayWriter, position: int, operation: Constant) -> None:
    writer.layouts[position] = plain_layout(operation.shape)
    writer.assign(position, f"_np.array({operation.numbers.tolist()!r}, dtype=_real)")


def _size(writer: ArrayWriter, position: int, operation: Size) -> None:
    writer.pieces[position] = Piece(f"1.0*{size_source(operation.size)}", PRODUCT)


def _object_share(writer: ArrayWriter, position: int, operation: ObjectShare) -> None:
    writer.pieces[position] = Piece(f"1.0/{BATCH}", PRODUCT)


MOVES: dict[type[Operation], Rule] = {
    Constant: _constant,
    Size: _size,
    ObjectShare: _object_share,
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
