"""All ops over axes: importing this module registers them."""

from __future__ import annotations

from backpropsym.ops import (  # noqa: F401  (each import registers a family)
    attention,
    convolution,
    normalisation,
    objectives,
    pooling,
    products,
    rearrange,
    recurrent,
    reductions,
)
