"""Memory that nobody has set, made visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpropsym.kernels.runtime import array_memory


@pytest.fixture
def unset_memory_is_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    """New arrays hold nan until they are set, and every call of a kernel gets new ones."""
    empty, run = np.empty, array_memory.Memory.run

    def filled(*arguments: Any, **options: Any) -> Any:
        array = empty(*arguments, **options)
        array.fill(np.nan if array.dtype.kind == "f" else 1)
        return array

    def run_on_new_arrays(memory: array_memory.Memory, *arguments: Any) -> Any:
        memory.idle.clear()
        memory.made.clear()
        return run(memory, *arguments)

    monkeypatch.setattr(np, "empty", filled)
    monkeypatch.setattr(array_memory.Memory, "run", run_on_new_arrays)
