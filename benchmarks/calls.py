"""One call with one object: keywords in, value and a dict of gradients out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        except ImportError as error:
            notes[name] = f"left out: {error.name} is not installed"
    return interleaved(workload, calls, rounds, notes)


def _must_agree(found: Any, expected: Any) -> None:
    """Speed is compared between functions that give the same numbers."""
    pairs = [(found[0], expected[0]), *((found[1][name], each) for name, each in expected[1].items())]
    wrong = [pair for pair in pairs if abs(pair[0] - pair[1]) > 1e-12 * max(1.0, abs(pair[1]))]
    if wrong:
        raise SystemExit(f"the kernel and the code by hand differ: {wrong[:3]}")
