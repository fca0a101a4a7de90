"""One call with one object: keywords in, value and a dict of gradients out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from measure import OWN, Row, interleaved
from networks import LECTURE_WEIGHTS, Dense, lecture, lecture_by_hand, lecture_loss
from peers import PEERS, Loss

import backpropsym as bp


def lecture_rows(activation: str, rounds: int) -> list[Row]:
    """The lecture's network: 13 numbers in, loss and 10 gradients out."""
    net = bp.loads(lecture(activation))
    workload = f"lecture network, {activation}, one object"
    loss = lecture_loss(activation)
    return _rows(workload, net, lecture_by_hand(activation), loss, LECTURE_WEIGHTS, net.values, rounds)


def dense_rows(rounds: int) -> list[Row]:
    """8-16-16-1 with tanh: 409 numbers in, loss and 400 gradients out."""
    network = Dense((8, 16, 16, 1))
    net = bp.loads(network.toml())
    workload = "8-16-16-1, tanh, one object"
    return _rows(workload, net, network.by_hand(), network.loss, network.weights, network.values(), rounds)


def batch_rows(objects: int, rounds: int) -> list[Row]:
    """2-2-2-1 with tanh in float64 over a long batch: mean loss and gradients."""
    network = Dense((2, 2, 2, 1))
    net, random = bp.loads(network.toml()), np.random.default_rng(0)
    values = dict(network.values())
    values |= {name: random.normal(size=objects) for name in [*network.inputs, "y"]}
    namespace: dict[str, Any] = {}
    exec(_over_arrays(network.by_hand()), namespace)
    calls: dict[str, Any] = {OWN: (net.compile(), values), "NumPy by hand": (namespace["hand"], values)}
    expected, notes = calls[OWN][0](**values), {}
    _must_agree(expected, namespace["hand"](**values))
    try:
        fused = net.compile(engine="numba")
        _must_agree(fused(**values), expected)
        calls["backpropsym, numba"] = (fused, values)
    except bp.BackpropsymError as error:
        notes["backpropsym, numba"] = f"left out: {error.message}"
    for name in ("jax.jit", "torch"):
        try:
            calls[name] = PEERS[name](
                lambda functions, given: network.loss(functions, given).mean(), network.weights, values
            )
            _must_agree(_called(*calls[name]), expected)
        except ImportError as error:
            notes[name] = f"left out: {error.name} is not installed"
    return interleaved(f"2-2-2-1, tanh, {objects:,} objects, float64", calls, rounds, notes)


def _over_arrays(by_hand: str) -> str:
    """Code for one object as code for arrays of objects: products of gradients become inner products."""
    text = by_hand.replace("from math", "from numpy").replace("return r*r", "return float(r @ r)/len(y)")
    return re.sub(r'("\w+"): (\w+)\*(\w+)', r"\1: float(\2 @ \3)/len(y)", text)


def _rows(
    workload: str,
    net: bp.Network,
    by_hand: str,
    loss: Loss,
    weights: Sequence[str],
    values: Mapping[str, float],
    rounds: int,
) -> list[Row]:
    namespace: dict[str, Any] = {}
    exec(by_hand, namespace)
    kernel, hand = net.compile(), namespace["hand"]
    _must_agree(kernel(**values), hand(**values))
    calls = {OWN: (kernel, values), "by hand": (hand, values)}
    notes = {"by hand": "straight-line Python"}
    for name, peer in PEERS.items():
        try:
            calls[name] = peer(loss, weights, values)
            _must_agree(_called(*calls[name]), kernel(**values))
        except ImportError as error:
            notes[name] = f"left out: {error.name} is not installed"
    return interleaved(workload, calls, rounds, notes)


def _called(peer: Any, inputs: Mapping[str, Any]) -> tuple[float, dict[str, float]]:
    """What a peer gives, as a value and gradients; CasADi has all in one dict."""
    found = peer(**inputs)
    if isinstance(found, dict):
        found = found["value"], {name.removeprefix("d_"): each for name, each in found.items() if name != "value"}
    return _number(found[0]), {name: _number(each) for name, each in found[1].items()}


def _number(found: Any) -> float:
    """A number of any library as Python's; PyTorch's without its graph."""
    return float(found.detach() if hasattr(found, "detach") else found)


def _must_agree(found: Any, expected: Any) -> None:
    """Speed is compared between functions that give the same numbers."""
    pairs = [(found[0], expected[0]), *((found[1][name], each) for name, each in expected[1].items())]
    wrong = [pair for pair in pairs if abs(pair[0] - pair[1]) > 1e-12 * max(1.0, abs(pair[1]))]
    if wrong:
        raise SystemExit(f"the kernel and what it is compared with differ: {wrong[:3]}")
