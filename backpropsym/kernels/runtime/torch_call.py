"""Calls of a kernel on tensors. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from backpropsym.kernels.runtime.array_shapes import Mistake, fitted
from backpropsym.ops.real_numbers import real_array

Found = tuple[Tensor, dict[str, Tensor]]


def arranged_tensors(
    given: Mapping[str, Any], shapes: Mapping[str, tuple[int | str, ...]], objects: Sequence[str]
) -> tuple[dict[str, Tensor], dict[str, int], list[Mistake]]:
    """Check what a kernel was called with and bring it into one form.

    Returns
    -------
    Tensors of one floating type, those of `objects` with a leading axis; the sizes of symbols; mistakes with fixes.
    The type is that of the floating tensors and arrays that are given, the device that of a tensor that is given;
    numbers and lists of Python leave both as they are.
    """
    values: dict[str, Tensor] = {}
    mistakes: list[Mistake] = []
    for name in shapes:
        value, wrong = _real_tensor(given[name])
        if wrong:
            mistakes.append((f"{name} is not a tensor of real numbers: {wrong}", "give a tensor of numbers"))
        else:
            values[name] = value
    batched, sizes, unfit = fitted({name: tuple(value.shape) for name, value in values.items()}, shapes, objects)
    mistakes += unfit
    devices = {given[name].device: name for name in values if isinstance(given[name], Tensor)}
    if len(devices) > 1:
        listed = ", ".join(f"{name} is on {device}" for device, name in devices.items())
        mistakes.append((f"the tensors are on several devices: {listed}", "move all to one"))
    if mistakes:
        return {}, {}, mistakes
    typed = [value for name, value in values.items() if value.is_floating_point() and hasattr(given[name], "dtype")]
    dtype = reduce(torch.promote_types, (value.dtype for value in typed)) if typed else torch.float64
    device = next(iter(devices), torch.device("cpu"))
    shared = [name for name in objects if name not in batched]
    for name, value in values.items():
        value = value.to(device, dtype)
        values[name] = value.expand(sizes["_n"], *value.shape) if name in shared else value
    return values, sizes, []


def _real_tensor(value: object) -> tuple[Tensor, str]:
    """`value` as a tensor, and what keeps it from being one of real numbers, else an empty text."""
    if isinstance(value, Tensor):
        return value.detach(), f"it has the type {value.dtype}" if value.is_complex() else ""
    array, wrong = real_array(value)
    return torch.zeros(()) if wrong else torch.tensor(array), wrong


def on_torch(function: Callable[..., Found], values: Mapping[str, Tensor], sizes: Mapping[str, int]) -> Found:
    """The results of a kernel's statements, which PyTorch does not record."""
    like = next(iter(values.values()), torch.zeros((), dtype=torch.float64))
    with torch.no_grad():
        return function(like.new_zeros(()), sizes, **values)
