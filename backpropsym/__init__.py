"""Derivatives of neural networks that a person can see, trust and run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from backpropsym.errors import BackpropsymError as BackpropsymError
    from backpropsym.network import Network as Network
    from backpropsym.network import check as check
    from backpropsym.network import compile as compile
    from backpropsym.network import example as example
    from backpropsym.network import load as load
    from backpropsym.network import loads as loads
    from backpropsym.network import parse as parse
    from backpropsym.spec.handles import Handle

__version__ = "0.1.0"

_PUBLIC = {
    "BackpropsymError": "backpropsym.errors",
    "Network": "backpropsym.network",
    "check": "backpropsym.network",
    "compile": "backpropsym.network",
    "example": "backpropsym.network",
    "load": "backpropsym.network",
    "loads": "backpropsym.network",
    "parse": "backpropsym.network",
}


def __getattr__(name: str) -> Callable[..., Handle]:
    """Public names, loaded when first used; registered functions such as `relu` for building networks.

    Type checkers have the public names from above; what is left to them here are the functions.
    """
    if name in _PUBLIC:
        found: dict[str, Callable[..., Handle]]
        found = {each: getattr(import_module(module), each) for each, module in _PUBLIC.items()}
        globals().update(found)
        return found[name]
    if not name.startswith("_"):
        from backpropsym.spec.handles import registered

        try:
            return registered(name)
        except KeyError:
            pass
    raise AttributeError(f"module 'backpropsym' has no attribute {name!r}")


def __dir__() -> list[str]:
    from backpropsym.ops.function import FUNCTIONS
    from backpropsym.ops.lowering import COMPOSITIONS

    return sorted({*_PUBLIC, *FUNCTIONS, *COMPOSITIONS, "__version__"})
