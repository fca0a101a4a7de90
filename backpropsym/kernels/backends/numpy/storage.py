"""Where arrays live: memory that is kept from call to call, shared by arrays that are not alive together."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from backpropsym.kernels.backends.sizes import size_source
from backpropsym.kernels.ir.array_operations import ALL, Item, nominal
from backpropsym.ops.kinds import Shape

_WASTE = 4


@dataclass(frozen=True)
class Layout:
    """How an array lies in memory.

    Attributes
    ----------
    order : its axes, the one with the largest steps first.
    dense : whether there are no gaps, so that neighbouring axes can be one.
    unit : whether neighbours along the last axis of `order` are neighbours in memory.
    """

    order: tuple[int, ...]
    dense: bool = True
    unit: bool = True

    @property
    def plain(self) -> bool:
        """Whether this is C order without gaps."""
        return self.dense and self.unit and self.order == tuple(range(len(self.order)))


def picked_layout(layout: Layout, items: Sequence[Item]) -> Layout:
    """How a part of an array lies in memory: one integer or range an axis."""
    kept = [axis for axis, item in enumerate(items) if not isinstance(item, int)]
    order = tuple(kept.index(axis) for axis in layout.order if axis in kept)
    slowest, fastest = items[layout.order[0]], items[layout.order[-1]]
    whole = all(items[axis] == ALL for axis in layout.order[1:])
    dense = layout.dense and whole and (isinstance(slowest, int) or slowest[2] == 1)
    return Layout(order, dense, layout.unit and not isinstance(fastest, int) and fastest[2] == 1)


def plain_layout(shape: Shape) -> Layout:
    """C order."""
    return Layout(tuple(range(len(shape))))


@dataclass
class Slot:
    """Memory for one array at a time: entries of one type, the sizes that it must have room for, a fixed number."""

    boolean: bool
    size: int
    rooms: dict[str, None] = field(default_factory=dict)
    number: str = ""


@dataclass
class Storage:
    """The slots of a kernel, and the names of the arrays in them.

    Attributes
    ----------
    views, texts : the names of arrays by their source in the workspace, and the reverse.
    """

    slots: list[Slot] = field(default_factory=list)
    constants: dict[str, int] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    _free: dict[tuple[bool, int], list[int]] = field(default_factory=dict)  # slots in order, by what they have room for

    def acquire(self, shape: Shape, boolean: bool = False) -> int:
        """A slot with room for `shape`: a free one of about the right size, else a new one."""
        need = nominal(shape)
        index = self._fitting(need, boolean)
        if index is not None:
            self._free[boolean, self.slots[index].size].pop(0)
        else:
            index = len(self.slots)
            self.slots.append(Slot(boolean, need))
        slot = self.slots[index]
        slot.size = max(slot.size, need)
        slot.rooms[entries_source(shape)] = None
        return index

    def constant(self, number: str, shape: Shape, order: tuple[int, ...]) -> str:
        """An array that holds one number everywhere and is never written."""
        if number not in self.constants:
            self.constants[number] = len(self.slots)
            self.slots.append(Slot(False, nominal(shape), number=number))
        index = self.constants[number]
        self.slots[index].rooms[entries_source(shape)] = None
        return self.view(index, shape, order)

    def release(self, index: int) -> None:
        """Give a slot back."""
        slot = self.slots[index]
        free = self._free.setdefault((slot.boolean, slot.size), [])
        if index not in free[bisect.bisect_left(free, index) :][:1]:
            bisect.insort(free, index)

    def _fitting(self, need: int, boolean: bool) -> int | None:
        """The free slot nearest in size, of those the first; None where all are much smaller or larger."""
        sizes = [size for (of_booleans, size), free in self._free.items() if free and of_booleans == boolean]
        fitting = [size for size in sizes if need / _WASTE <= size <= need * _WASTE]
        firsts = [self._free[boolean, size][0] for size in fitting]
        return min(firsts, key=lambda each: (abs(math.log(self.slots[each].size / need)), each), default=None)

    def view(self, index: int, shape: Shape, order: tuple[int, ...] | None = None) -> str:
        """The name of an array of `shape` in a slot, its axes in memory in `order`."""
        plain = tuple(range(len(shape)))
        text = f"_s{index}[:{entries_source(shape)}]{_viewed(shape, plain if order is None else order)}"
        return self._named(text)

    def seen(self, array: str, suffix: str) -> str:
        """The name of what source such as `[0]` or `.T` makes of an array that has a name here."""
        return self._named(self.texts[array] + suffix)

    def number(self, text: str, name: str = "") -> str:
        """The name of a number as an array without axes, which NumPy need not convert at every use."""
        name = name.removeprefix("_") or re.sub(r"\W", "_", text.replace("-", "minus_").replace("+", "plus_"))
        return self._named(f"_np.array({text}, _real)", f"_{name}")

    def _named(self, text: str, name: str = "") -> str:
        name = self.views.setdefault(text, name or f"_a{len(self.views)}")
        self.texts[name] = text
        return name

    def lines(self) -> list[str]:
        """The body of the function that makes the arrays, in the order of their names."""
        lines = []
        for index, slot in enumerate(self.slots):
            rooms = list(slot.rooms)
            size = rooms[0] if len(rooms) == 1 else f"max({', '.join(rooms)})"
            made = f"full({size}, {slot.number}" if slot.number else f"empty({size}"
            lines.append(f"_s{index} = _np.{made}, {'bool' if slot.boolean else '_real'})")
        lines.append("return (")
        lines += [f"    {text},  # {name}" for text, name in self.views.items()]
        return [*lines, ")"]


def _viewed(shape: Shape, order: tuple[int, ...]) -> str:
    """A flat array as one of `shape`."""
    if len(shape) == 1:
        return ""
    text = f".reshape({', '.join(size_source(shape[axis]) for axis in order)})"
    if order == tuple(range(len(shape))):
        return text
    return text + f".transpose({', '.join(str(order.index(axis)) for axis in range(len(shape)))})"


def entries_source(shape: Shape) -> str:
    """The number of entries as source."""
    factor = math.prod(size for size in shape if isinstance(size, int))
    symbols = [size_source(size) for size in shape if not isinstance(size, int)]
    return "*".join([*symbols, *([str(factor)] if factor != 1 or not symbols else [])])
