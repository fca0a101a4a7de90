"""Networks of every shape, by seed, to be drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import backpropsym as bp


class Subject(NamedTuple):
    """A network, by what it is derived, and at which level it is drawn."""

    name: str
    network: bp.Network
    wrt: str
    level: str | None = None


def layered(chance: random.Random) -> Subject:
    """Full layers of a few neurons, by neurons."""
    widths = [chance.randint(1, 6) for _ in range(chance.randint(2, 4))]
    layers = " -> ".join(f"dense({width}, {chance.choice(('tanh', 'relu', 'sigmoid'))})" for width in widths)
    return Subject("layered", bp.parse(f"x[{chance.randint(1, 5)}] -> {layers} -> mse"), "W1[0,0]", "neurons")


def residual(chance: random.Random) -> Subject:
    """Blocks with skip links, by layers."""
    blocks = chance.randint(1, 4)
    text = f"x[8] -> dense(8, relu) -> {blocks}*residual(dense(8, relu) -> dense(8)) -> dense(2) -> cross_entropy"
    return Subject("residual", bp.parse(text), "W1")


def attention(chance: random.Random) -> Subject:
    """One head of attention over named arrays."""
    net = bp.Network("attention")
    x = net.input("x", shape=(4, 6))
    size = chance.choice((3, 5))
    q, k, v = (net.node(name, x @ net.parameter(f"W_{name}", shape=(6, size))) for name in ("q", "k", "v"))
    scores = net.node("scores", q @ bp.transpose(k) / 2)
    net.output = net.node("o", bp.softmax(scores) @ v)
    return Subject("attention", net, chance.choice(("W_q", "W_k", "W_v")))


def recurrent(chance: random.Random) -> Subject:
    """A recurrent network of numbers, unrolled."""
    net = bp.Network("recurrent")
    u, w = net.parameter("u"), net.parameter("w")
    h = net.input("h0")
    for step in range(1, chance.randint(3, 7)):
        h = net.node(f"h{step}", bp.tanh(u * net.input(f"x{step}") + w * h))
    net.output = h
    return Subject("recurrent", net, chance.choice(("u", "w")))


def convolutional(chance: random.Random) -> Subject:
    """One or two convolutions with pooling, by layers."""
    deeper = " -> conv2d(4, 3, relu)" if chance.random() < 0.5 else ""
    text = f"x[1,12,12] -> conv2d({chance.randint(2, 6)}, 3, relu) -> max_pool(2){deeper} -> flatten -> dense(3)"
    return Subject("convolutional", bp.parse(f"{text} -> cross_entropy"), "W1")


def wide(chance: random.Random) -> Subject:
    """Layers of which a few neurons are drawn."""
    width = chance.randint(20, 60)
    return Subject("wide", bp.parse(f"x[{width}] -> dense({width}, relu) -> dense(3) -> mse"), "W1[0,0]", "neurons")


def long(chance: random.Random) -> Subject:
    """One neuron after another."""
    net = bp.Network("long")
    z = net.input("x")
    for step in range(1, chance.randint(12, 24)):
        z = net.node(f"z{step}", bp.tanh(net.parameter(f"w{step}") * z))
    net.output = z
    return Subject("long", net, "w1")


def dag(chance: random.Random) -> Subject:
    """Thirty nodes, each of one to three earlier ones."""
    net = bp.Network("dag")
    nodes = [net.input("x1"), net.input("x2")]
    w = net.parameter("w")
    nodes.append(net.node("n1", w * nodes[0]))
    for number in range(2, 29):
        parents = chance.sample(nodes[-6:], chance.randint(1, min(3, len(nodes))))
        total = parents[0]
        for parent in parents[1:]:
            total = total + parent
        nodes.append(net.node(f"n{number}", bp.tanh(total)))
    net.output = nodes[-1]
    return Subject("dag", net, "w")


KINDS: tuple[Callable[[random.Random], Subject], ...] = (
    layered,
    residual,
    attention,
    recurrent,
    convolutional,
    wide,
    long,
    dag,
)


def subjects(count: int, seed: int = 0) -> Iterator[Subject]:
    """`count` networks, of every kind in turn."""
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        found = KINDS[number % len(KINDS)](chance)
        yield found._replace(name=f"{found.name} {seed}:{number}")
