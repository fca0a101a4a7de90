"""Parameters saved as a file that gives them back: .npz, or TOML for small ones."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backpropsym.arrays import Values
from backpropsym.files import write_whole, writer_for


def _npz(parameters: Values) -> bytes:
    stream = io.BytesIO()
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in parameters.items()}
    np.savez(stream, **arrays)
    return stream.getvalue()


def _toml(parameters: Values) -> bytes:
    lines = [f"{name} = {json.dumps(np.asarray(value, float).tolist())}\n" for name, value in parameters.items()]
    return "".join(["[values]\n", *lines]).encode()


WEIGHTS: dict[str, Callable[[Values], bytes]] = {".npz": _npz, ".toml": _toml}


def save_weights(parameters: Values, path: Path) -> Path:
    """Write parameters by name, numbers or arrays of any shape, as the suffix of `path` says.

    Raises
    ------
    OutputError : an unknown suffix, or a place that cannot be written.
    """
    return write_whole(path, writer_for(path, WEIGHTS, "parameters")(parameters))
