"""The same value and gradients by other libraries, each where it is installed.

Each is prepared from a loss, the names of the parameters and the inputs, and is then a function of keywords that
returns the value and a dict of gradients. JAX and PyTorch are given arrays of their own, which are made before the
clock of a call starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from workload import Alternative, Inputs, Numbers, Prepared, numbers

Functions = Mapping[str, Callable[[Any], Any]]
Words = Callable[[Any], Any]
Loss = Callable[[Any, Inputs], Any]


def jax(loss: Loss, words: Words, parameters: Sequence[str], inputs: Inputs) -> Prepared:
    """jax.jit of value_and_grad, dispatched in the calling thread; the clock runs until the numbers are there."""
    library = import_module("jax")
    library.config.update("jax_enable_x64", True)
    library.config.update("jax_cpu_enable_async_dispatch", False)
    names, said, wait = frozenset(parameters), words(library), library.block_until_ready

    def value_and_gradients(**given: Any) -> Any:
        rest = {name: each for name, each in given.items() if name not in names}
        chosen = {name: each for name, each in given.items() if name in names}
        return library.value_and_grad(lambda chosen: loss(said, rest | chosen))(chosen)

    compiled = library.jit(value_and_gradients)
    return (lambda **given: wait(compiled(**given))), {name: library.device_put(each) for name, each in inputs.items()}


def torch(loss: Loss, words: Words, parameters: Sequence[str], inputs: Inputs) -> Prepared:
    """Eager PyTorch with torch.autograd.grad."""
    library = import_module("torch")
    said, grad = words(library), library.autograd.grad

    def value_and_gradients(**given: Any) -> Any:
        value = loss(said, given)
        return value, dict(zip(parameters, grad(value, [given[name] for name in parameters]), strict=True))

    names = frozenset(parameters)
    return value_and_gradients, {
        name: library.tensor(np.asarray(each), requires_grad=name in names) for name, each in inputs.items()
    }


def casadi(loss: Loss, words: Words, parameters: Sequence[str], inputs: Inputs) -> Prepared:
    """A CasADi function on its virtual machine, called by names; it returns one dict."""
    library = import_module("casadi")
    symbols = {name: library.SX.sym(name) for name in inputs}
    value = loss(words(library), symbols)
    gradient = library.gradient(value, library.vertcat(*(symbols[name] for name in parameters)))
    outputs = {"value": value}
    outputs |= {f"d_{name}": each for name, each in zip(parameters, library.vertsplit(gradient), strict=True)}
    return library.Function("f", list(symbols.values()), list(outputs.values()), list(symbols), list(outputs)), inputs


def casadi_numbers(found: Any) -> Numbers:
    """Value and gradients from CasADi's one dict of 1 x 1 matrices."""
    value = float(found["value"])
    return numbers((value, {name[2:]: float(each) for name, each in found.items() if name != "value"}))


def autograd(loss: Loss, words: Words, parameters: Sequence[str], inputs: Inputs) -> Prepared:
    """value_and_grad of HIPS autograd by all parameters as arguments, which is faster than by one dict of them."""
    library, said, every = import_module("autograd"), words(import_module("autograd.numpy")), tuple(parameters)
    places = tuple(range(len(every)))

    def value_and_gradients(**given: Any) -> Any:
        def value(*chosen: Any) -> Any:
            return loss(said, given | dict(zip(every, chosen, strict=True)))

        found, gradients = library.value_and_grad(value, places)(*(given[name] for name in every))
        return found, dict(zip(every, gradients, strict=True))

    return value_and_gradients, inputs


def jax_functions(library: Any) -> Functions:
    """The activations in JAX."""
    return {"tanh": library.numpy.tanh, "relu": library.nn.relu}


def torch_functions(library: Any) -> Functions:
    """The activations in PyTorch."""
    return {"tanh": library.tanh, "relu": library.relu}


def casadi_functions(library: Any) -> Functions:
    """The activations in CasADi."""
    return {"tanh": library.tanh, "relu": lambda x: library.fmax(x, 0)}


def autograd_functions(library: Any) -> Functions:
    """The activations in autograd's NumPy."""
    return {"tanh": library.tanh, "relu": lambda x: library.maximum(x, 0.0)}


def itself(library: Any) -> Any:
    """The library: for a loss that is written for it alone."""
    return library


@dataclass(frozen=True)
class Peer:
    """Another library: how it is prepared, what it imports, and its activations."""

    prepare: Callable[[Loss, Words, Sequence[str], Inputs], Prepared]
    functions: Callable[[Any], Functions]
    libraries: tuple[str, ...]
    compiles: bool = False
    read: Callable[[Any], Numbers] = numbers

    def alternative(self, loss: Loss, parameters: Sequence[str], words: Words | None = None) -> Alternative:
        """The library on a loss in the activations by name, or in `words`."""
        prepare = partial(self.prepare, loss, words or self.functions, tuple(parameters))
        return Alternative(prepare, self.libraries, self.compiles, self.read)


PEERS = {
    "jax.jit": Peer(jax, jax_functions, ("jax",), compiles=True),
    "torch": Peer(torch, torch_functions, ("torch",)),
    "casadi": Peer(casadi, casadi_functions, ("casadi",), compiles=True, read=casadi_numbers),
    "autograd": Peer(autograd, autograd_functions, ("autograd", "autograd.numpy")),
}
