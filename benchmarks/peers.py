"""The same value and gradients by other libraries, each where it is installed.

Every peer is a function of keywords that returns the value and a dict of gradients, in double precision. JAX and
PyTorch are given scalar arrays of their own, which are made before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

Functions = Mapping[str, Callable[[Any], Any]]
Loss = Callable[[Functions, Mapping[str, Any]], Any]
Inputs = Mapping[str, Any]
Peer = Callable[[Loss, Sequence[str], Mapping[str, float]], tuple[Callable[..., Any], Inputs]]


def jax(loss: Loss, weights: Sequence[str], values: Mapping[str, float]) -> tuple[Callable[..., Any], Inputs]:
    """jax.jit of value_and_grad, dispatched in the calling thread; the clock runs until the numbers are there."""
    library = import_module("jax")
    library.config.update("jax_enable_x64", True)
    library.config.update("jax_cpu_enable_async_dispatch", False)
    functions = {"tanh": import_module("jax.numpy").tanh, "relu": import_module("jax.nn").relu}
    names, wait = frozenset(weights), library.block_until_ready

    def value_and_gradients(**given: Any) -> Any:
        rest = {name: each for name, each in given.items() if name not in names}
        parameters = {name: each for name, each in given.items() if name in names}
        return library.value_and_grad(lambda parameters: loss(functions, rest | parameters))(parameters)

    compiled = library.jit(value_and_gradients)
    return (lambda **given: wait(compiled(**given))), {name: library.device_put(each) for name, each in values.items()}


def torch(loss: Loss, weights: Sequence[str], values: Mapping[str, float]) -> tuple[Callable[..., Any], Inputs]:
    """Eager PyTorch with torch.autograd.grad, one thread."""
    library = import_module("torch")
    library.set_num_threads(1)
    functions, grad = {"tanh": library.tanh, "relu": library.relu}, library.autograd.grad

    def value_and_gradients(**given: Any) -> Any:
        value = loss(functions, given)
        return value, dict(zip(weights, grad(value, [given[name] for name in weights]), strict=True))

    def tensor(name: str) -> Any:
        return library.tensor(values[name], dtype=library.float64, requires_grad=name in weights)

    return value_and_gradients, {name: tensor(name) for name in values}


def casadi(loss: Loss, weights: Sequence[str], values: Mapping[str, float]) -> tuple[Callable[..., Any], Inputs]:
    """A CasADi function on its virtual machine, called by names; it returns one dict."""
    library = import_module("casadi")
    symbols = {name: library.SX.sym(name) for name in values}
    value = loss({"tanh": library.tanh, "relu": lambda x: library.fmax(x, 0)}, symbols)
    gradient = library.gradient(value, library.vertcat(*(symbols[name] for name in weights)))
    outputs = dict(
        zip(["value", *(f"d_{name}" for name in weights)], [value, *library.vertsplit(gradient)], strict=True)
    )
    return library.Function("f", list(symbols.values()), list(outputs.values()), list(symbols), list(outputs)), values


PEERS: dict[str, Peer] = {"jax.jit": jax, "torch": torch, "casadi": casadi}
