"""All ops over axes: importing this module registers them."""

from __future__ import annotations

from backpropsym.ops.layers import (  # noqa: F401  (each import registers a family)
    attention,
    convolution,
    einsum,
    normalisation,
    pooling,
    rearrange,
    recurrent,
    reductions,
)
from backpropsym.ops.losses import array_losses  # noqa: F401  (each import registers a family)
