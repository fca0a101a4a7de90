"""Networks of scalars: one call with one object, keywords in, value and a dict of gradients out; and a long batch."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from measure import OWN
from networks import Dense, Lecture
from own import kernel, network, written
from peers import PEERS
from workload import Workload

TOLERANCE = 1e-12


def lecture(activation: str) -> Workload:
    """The lecture's network: 13 numbers in, loss and 10 gradients out."""
    one = Lecture(activation)
    return _one_object(f"lecture network, {activation}, one object", one, dict(network(one.toml()).values))


def dense() -> Workload:
    """8-16-16-1 with tanh: 409 numbers in, loss and 400 gradients out."""
    one = Dense((8, 16, 16, 1))
    return _one_object("8-16-16-1, tanh, one object", one, one.values())


def _one_object(name: str, one: Lecture | Dense, values: Mapping[str, float]) -> Workload:
    own = {OWN: kernel(one.toml()), "by hand": written(one.by_hand(), "straight-line Python")}
    peers = {peer: each.alternative(one.loss, one.weights) for peer, each in PEERS.items()}
    return Workload(name, values, own | peers, TOLERANCE)


def batch(objects: int) -> Workload:
    """2-2-2-1 with tanh in float64 over a long batch: mean loss and gradients."""
    one, random = Dense((2, 2, 2, 1)), np.random.default_rng(0)
    values = one.values() | {name: random.normal(size=objects) for name in [*one.inputs, "y"]}
    alternatives = {
        OWN: kernel(one.toml()),
        "NumPy by hand": written(_over_arrays(one.by_hand())),
        "backpropsym, numba": kernel(one.toml(), "numba"),
    }
    alternatives |= {name: PEERS[name].alternative(one.mean_loss, one.weights) for name in ("jax.jit", "torch")}
    return Workload(f"2-2-2-1, tanh, {objects:,} objects, float64", values, alternatives, TOLERANCE)


def _over_arrays(by_hand: str) -> str:
    """Code for one object as code for arrays of objects: products of gradients become inner products."""
    text = by_hand.replace("from math", "from numpy").replace("return r*r", "return float(r @ r)/len(y)")
    return re.sub(r'("\w+"): (\w+)\*(\w+)', r"\1: float(\2 @ \3)/len(y)", text)
