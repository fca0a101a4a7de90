"""What statements on tensors call besides PyTorch. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Items = tuple[Any, ...]
Index = tuple[Any, ...]
Guards = tuple[tuple[Any, int], ...]
Axes = tuple[tuple[tuple[int, ...], Any], ...]


class _At:
    """Basic indices as one tuple."""

    def __getitem__(self, items: Any) -> Items:
        return items if isinstance(items, tuple) else (items,)


_at = _At()


def _result(like: Tensor, x: Any, shape: tuple[int, ...]) -> Tensor:
    """A result as a tensor of its own, which shares memory with nothing."""
    whole = torch.as_tensor(x, dtype=like.dtype, device=like.device)
    return whole.expand(shape).clone(memory_format=torch.contiguous_format)


def _sign(x: Tensor) -> Tensor:
    return torch.where(torch.isnan(x), x, torch.sign(x))


def _step(x: Tensor) -> Tensor:
    return torch.where(torch.isnan(x), x, (x > 0).to(x.dtype))


def _same(x: Tensor, y: Tensor) -> Tensor:
    """1 where two whole numbers are equal, else 0."""
    return (torch.abs(x - y) < 0.5).to(x.dtype)


def _finite(x: Tensor) -> Tensor:
    """x, and the largest number of its type in the place of infinity."""
    largest = torch.finfo(x.dtype).max
    return torch.clamp(x, -largest, largest)


def _first(x: Tensor, axes: tuple[int, ...], find: Callable[..., Tensor]) -> Tensor:
    """1 at the first extreme over `axes`, 0 elsewhere."""
    order = [axis for axis in range(x.ndim) if axis not in axes] + list(axes)
    moved = x.permute(order)
    flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    marks = torch.zeros_like(flat).scatter_(-1, find(flat, dim=-1, keepdim=True), 1.0)
    return marks.reshape(moved.shape).permute([order.index(axis) for axis in range(x.ndim)])


def _forward(items: Items, shape: Sequence[int]) -> tuple[Items, list[int]]:
    """Indices whose ranges all go forward, and the axes of the part that must be turned, for ranges that go back."""
    plain, turned, kept = list[Any](), list[int](), 0
    for item, size in zip(items, shape, strict=True):
        if isinstance(item, slice) and (item.step or 1) < 0:
            places = range(size)[item]
            item = slice(places[-1], places[0] + 1, -places.step)
            turned.append(kept)
        plain.append(item)
        kept += isinstance(item, slice)
    return tuple(plain), turned


def _picked(x: Tensor, items: Items) -> Tensor:
    """A part of a tensor."""
    plain, turned = _forward(items, x.shape)
    return torch.flip(x[plain], turned) if turned else x[plain]


def _placed(total: Tensor, parts: Sequence[tuple[Items, Tensor]]) -> Tensor:
    """A tensor with parts added to it at their places."""
    for items, part in parts:
        plain, turned = _forward(items, total.shape)
        seen = total[plain]
        whole = part.expand(seen.shape)
        seen.add_(torch.flip(whole, turned) if turned else whole)
    return total


def _windows(x: Tensor, axes: Axes) -> Tensor:
    """Every window of a tensor: for each of its axes those of the result, and the places along it."""
    for axis in reversed(range(len(axes))):
        outs, places = axes[axis]
        if places is not None:
            index = _along(places, x.shape[axis], x.device)
            x = torch.index_select(x, axis, index.flatten())
            x = x.unflatten(axis, index.shape) if len(outs) > 1 else x
    order = [out for outs, _ in axes for out in outs]
    return x.permute([order.index(axis) for axis in range(len(order))])


def _fold(total: Tensor, part: Tensor, axes: Axes) -> Tensor:
    """A tensor to which each window is added where it was read."""
    part = part.permute([out for outs, _ in axes for out in outs])
    for axis, (outs, places) in enumerate(axes):
        part = part.flatten(axis, axis + 1) if len(outs) > 1 else part
        if places is not None:
            index = _along(places, total.shape[axis], part.device)
            whole = part.new_zeros((*part.shape[:axis], total.shape[axis], *part.shape[axis + 1 :]))
            part = whole.index_add_(axis, index.flatten(), part)
    return total.add_(part)


def _along(places: tuple[Any, ...], size: int, device: Any) -> Tensor:
    """The places of a range (start, stop, step), or of windows (start, stride, count, dilation, width)."""
    if len(places) == 3:
        return torch.tensor(list(range(size)[slice(*places)]), device=device)
    start, stride, count, dilation, width = places
    within = torch.arange(width, device=device) * dilation
    return start + torch.arange(count, device=device)[:, None] * stride + within


def _whole(x: Tensor, rank: int) -> Tensor:
    """Numbers that choose entries, one an object, as whole numbers that broadcast against `rank` axes."""
    chosen = _as_whole(x)
    return chosen.reshape(tuple(chosen.shape) + (1,) * rank)


def _named(x: Tensor, *index: Any) -> Tensor:
    """The entries of a tensor of choices at `index`, as whole numbers; objects, where x has them, come first."""
    return _as_whole(x[(..., *index)])


def _as_whole(x: Tensor) -> Tensor:
    """Numbers that choose entries, as integers.

    Raises
    ------
    IndexError : one of them is not whole.
    """
    chosen = x.to(torch.int64)
    if not torch.equal(chosen.to(x.dtype), x):
        raise IndexError("a value that chooses an entry is not a whole number")
    return chosen


def _inside(position: Tensor, size: int) -> Tensor:
    """Positions chosen by data, which count from zero and never from the end.

    Raises
    ------
    IndexError : one of them is outside.
    """
    outside = position[(position < 0) | (position >= size)]
    if outside.numel():
        raise IndexError(f"a value chooses entry {int(outside[0])} of an axis that counts from 0 to {size - 1}")
    return position


def _positions(x: Tensor, index: Index, guards: Guards, lead: int, rank: int) -> tuple[Index, Tensor]:
    """An index for every axis of x, and the mask of entries that exist."""
    kept = torch.ones((), dtype=torch.bool, device=x.device)
    for position, size in guards:
        kept = kept & (position >= 0) & (position < size)
    places = tuple(torch.as_tensor(position, device=x.device) for position in index)
    if guards:
        places = tuple(position.clamp(0, size - 1) for position, size in zip(places, x.shape[lead:], strict=True))
    if lead:
        places = (torch.arange(x.shape[0], device=x.device).reshape((-1,) + (1,) * rank), *places)
    return places, kept


def _read(x: Tensor, index: Index, guards: Guards, lead: int, rank: int, fill: float = 0.0) -> Tensor:
    """Entries of x; `fill` where one does not exist."""
    places, kept = _positions(x, index, guards, lead, rank)
    return torch.where(kept, x[places], fill) if guards else x[places]


def _scatter(total: Tensor, part: Tensor, index: Index, guards: Guards, lead: int, rank: int) -> Tensor:
    """The adjoint of `_read`: every entry of `total` gets the sum over the places that read it."""
    places, kept = _positions(total, index, guards, lead, rank)
    return total.index_put_(places, torch.where(kept, part, 0.0) if guards else part, accumulate=True)
