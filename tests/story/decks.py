"""The derivations that every deck format is tried on: all bundled networks, between scalars and between tensors."""

from __future__ import annotations

from typing import Any

import backpropsym as bp
from backpropsym.story.decks.slides import Slides

DECKS: dict[str, tuple[str, str | None, str]] = {
    "lecture": ("lecture", None, "w11"),
    "lecture-loss": ("lecture", "loss", "w21"),
    "abstract": ("abstract", "loss", "w11"),
    "neuron": ("neuron", "loss", "b"),
    "skip": ("skip", "loss", "w"),
    "prelu": ("prelu", "loss", "c"),
    "deep": ("deep", None, "w1_1_1"),
    "convolution": ("convolution", "loss", "K"),
    "convolution-jacobian": ("convolution", None, "K"),
    "digits": ("digits", "loss", "W"),
    "digits-deep": ("digits", "loss", "b"),
    "entry": ("x[2] -> dense(2, tanh) -> dense(1) -> mse", "loss", "W1[1,0]"),
    "nothing": ("lecture", "s1", "p11"),
    "itself": ("lecture", "a", "a"),
}
"""By name: a network, what is derived, by what."""


def network(source: str) -> bp.Network:
    return bp.parse(source) if "->" in source else bp.example(source)


def deck(name: str, **options: Any) -> Slides:
    source, of, wrt = DECKS[name]
    return network(source).slides(of, wrt=wrt, **options)
