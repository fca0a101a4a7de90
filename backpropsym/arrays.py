"""The types of numbers that all rooms share: as people give them, and as they are computed.

They are only for annotations, so that importing them does not import NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = "NDArray[Any]"
"""An array of what a number system computes with: doubles, complex numbers, many digits; of booleans or positions.

Of the shape () it may be one of NumPy's scalars, which have the attributes of arrays: a shape, axes, a dtype, a sum.
"""

Numeric: TypeAlias = "float | Array"
"""One number, or an array of them; scalars of NumPy and of mpmath are floats here, for they can do what floats do."""

Arrays: TypeAlias = "Mapping[str, Array]"
"""Arrays by the names of nodes."""

Numbers: TypeAlias = "Mapping[str, Numeric]"
"""Numbers by the names of nodes, as they are computed: one each, or an array."""

Given: TypeAlias = "ArrayLike"
"""What people give for a node: a number, nested lists, or what NumPy makes an array of."""

Values: TypeAlias = "Mapping[str, Given]"
"""Numbers by the names of nodes, as people give them.

Each is in the node's shape; those of inputs and targets may have a leading axis of objects.
"""
