"""Sizes and shapes as source that Python reads; symbolic sizes have names of their own in a kernel."""

from __future__ import annotations

import re

from backpropsym.kernels.ir.array_operations import BATCH
from backpropsym.ops.kinds import Shape
from backpropsym.ops.sizes import Dimension


def shape_source(shape: Shape) -> str:
    """A shape as source; sizes that are not numbers have names in the kernel."""
    inside = ", ".join(map(size_source, shape))
    return f"({inside}{',' if len(shape) == 1 else ''})"


def size_source(size: Dimension) -> str:
    """A size as source."""
    if isinstance(size, int) or size == BATCH:
        return str(size)
    named = re.sub(r"[A-Za-z_]\w*", lambda symbol: f"_size_{symbol.group()}", size)
    return f"({named})" if not named.isidentifier() else named
