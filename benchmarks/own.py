"""The library's own kernels, and what a person writes for one network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from workload import Alternative, Inputs, Prepared

MODULES = ("backpropsym.network", "backpropsym.kernels.api.compile")  # `import backpropsym` alone puts the work off


def kernel(text: str, engine: str | None = None) -> Alternative:
    """backpropsym itself: from the text of a network to its kernel."""
    libraries = (*MODULES, engine) if engine else MODULES
    return Alternative(partial(_kernel, text, engine), libraries, compiles=True)


def _kernel(text: str, engine: str | None, inputs: Inputs) -> Prepared:
    net = network(text)
    return net.compile(**({"engine": engine} if engine else {})), inputs


def network(text: str) -> Any:
    """A network from a network file or an architecture string."""
    library = import_module("backpropsym")
    return library.parse(text) if "->" in text.split("\n")[0] else library.loads(text)


def by_hand(function: Callable[..., Any]) -> Alternative:
    """A function that a person has written."""
    return Alternative(partial(_unchanged, function))


def part(function: Callable[..., Any]) -> Alternative:
    """A part of the work, which gives no numbers."""
    return Alternative(partial(_unchanged, function), read=None)


def _unchanged(function: Callable[..., Any], inputs: Inputs) -> Prepared:
    return function, inputs


def written(text: str, note: str = "") -> Alternative:
    """The text of a function `hand` of keywords, as a person writes it."""
    return Alternative(partial(_written, text), note=note)


def _written(text: str, inputs: Inputs) -> Prepared:
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    return namespace["hand"], inputs
