"""Attention, recurrent layers, embedding and bilinear forms against PyTorch's, over random shapes and all options."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.spec.toml import parse_network

TOLERANCE = 1e-10
SEEDS = range(4)
Arrays = dict[str, Any]
Peer = Callable[[dict[str, torch.Tensor]], torch.Tensor]


def _compare(arrays: Arrays, formula: str, peer: Peer, constants: Arrays | None = None) -> None:
    """Value and all gradients of sum(out**2) + sum(out)."""
    declared = ", ".join(f"{name} = {list(np.shape(array))}" for name, array in arrays.items())
    fixed = "".join(f"{name} = {np.asarray(array).tolist()}\n" for name, array in (constants or {}).items())
    text = f"parameters = {{{declared}}}\noutput = 'total'\n[constants]\n{fixed}[nodes]\nout = '''{formula}'''\n"
    value, gradients = compile_kernel(parse_network(text + "total = 'sum(out*out) + sum(out)'\n"))(**arrays)
    tensors = {key: torch.tensor(array, requires_grad=True) for key, array in arrays.items()}
    out = peer({**tensors, **{key: torch.tensor(np.asarray(array)) for key, array in (constants or {}).items()}})
    whole = (out * out).sum() + out.sum()
    whole.backward()
    assert math.isclose(value, whole.item(), rel_tol=TOLERANCE)
    for key, tensor in tensors.items():
        assert tensor.grad is not None
        np.testing.assert_allclose(gradients[key], tensor.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE)


def _normal(random: np.random.Generator, **shapes: tuple[int, ...]) -> Arrays:
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


def _sizes(random: np.random.Generator, count: int) -> list[int]:
    return [int(size) for size in random.integers(1, 6, size=count)]


ATTENTION = {
    "plain": ("", lambda p: {}),
    "causal": ("causal=True", lambda p: {"is_causal": True}),
    "mask": ("mask=M", lambda p: {"attn_mask": p["M"] > 0}),
    "bias": ("bias=M", lambda p: {"attn_mask": p["M"]}),
    "not causal": ("causal=False", lambda p: {"is_causal": False}),
}


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("heads", [None, 1, 2])
@pytest.mark.parametrize("name", ATTENTION)
def test_attention_agrees_with_pytorch(name: str, heads: int | None, lead: tuple[int, ...]) -> None:
    option, keywords = ATTENTION[name]
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        t, s, d, e = _sizes(random, 4)
        d, e = d * (heads or 1), e * (heads or 1)
        arrays = _normal(random, q=(*lead, t, d), k=(*lead, s, d), v=(*lead, s, e))
        constants = {"M": random.integers(0, 2, (t, s)).astype(float)} if "M" in option else None
        options = ", ".join([*([f"heads={heads}"] if heads else []), *([option] if option else [])])

        def peer(p: dict[str, torch.Tensor], heads: int = heads or 1) -> torch.Tensor:
            q, k, v = (p[key].unflatten(-1, (heads, -1)).transpose(-2, -3) for key in "qkv")
            found = F.scaled_dot_product_attention(q, k, v, **keywords(p))
            return found.transpose(-2, -3).flatten(-2)

        _compare(arrays, f"attention(q, k, v{', ' + options if options else ''})", peer, constants)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("memory", [False, True])
def test_multi_head_attention_agrees_with_pytorch(memory: bool, biased: bool) -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        t, s, width, heads = _sizes(random, 4)
        width *= heads
        arrays = _normal(random, x=(t, width), **{f"W{key}": (width, width) for key in "qkvo"})
        arrays |= _normal(random, m=(s, width)) if memory else {}
        arrays |= _normal(random, **{f"b{key}": (width,) for key in "qkvo"}) if biased else {}

        def peer(p: dict[str, torch.Tensor], width: int = width, heads: int = heads) -> torch.Tensor:
            bias = torch.cat([p["bq"], p["bk"], p["bv"]]) if biased else None
            weight = torch.cat([p["Wq"], p["Wk"], p["Wv"]])
            source = p["m"] if memory else p["x"]
            found, _ = F.multi_head_attention_forward(
                p["x"], source, source, width, heads, weight, bias, None, None, False, 0.0,
                p["Wo"], p["bo"] if biased else None, need_weights=False,
            )  # fmt: skip
            return found

        options = [f"heads={heads}", *(["memory=m"] if memory else [])]
        options += [f"b{key}=b{key}" for key in "qkvo"] if biased else []
        _compare(arrays, f"multi_head_attention(x, Wq, Wk, Wv, Wo, {', '.join(options)})", peer)


RECURRENT = {"rnn": (torch.nn.RNN, 1), "gru": (torch.nn.GRU, 3), "lstm": (torch.nn.LSTM, 4)}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_agree_with_pytorch(name: str, started: bool, last: bool) -> None:
    made, gates = RECURRENT[name]
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        steps, inner, width = _sizes(random, 3)
        arrays = _normal(
            random, x=(steps, inner), W=(gates * width, inner), U=(gates * width, width), b=(gates * width,)
        )
        arrays |= _normal(random, c=(gates * width,)) if name == "gru" else {}
        starts = ["h0", *(["c0"] if name == "lstm" else [])] if started else []
        arrays |= _normal(random, **dict.fromkeys(starts, (width,)))
        layer = made(inner, width, dtype=torch.float64)

        def peer(
            p: dict[str, torch.Tensor], layer: torch.nn.Module = layer, starts: list[str] = starts
        ) -> torch.Tensor:
            zero = torch.zeros_like(p["b"])
            weights = {
                "weight_ih_l0": p["W"],
                "weight_hh_l0": p["U"],
                "bias_ih_l0": p["b"],
                "bias_hh_l0": p.get("c", zero),
            }
            state = tuple(p[key][None] for key in starts)
            given = () if not state else (state,) if name == "lstm" else state
            found, _ = torch.func.functional_call(layer, weights, (p["x"], *given))
            return found[-1] if last else found

        options = [f"{key}={key}" for key in starts] + (["last=True"] if last else [])
        inside = ", ".join(["x", "W", "U", "b", *(["c"] if name == "gru" else []), *options])
        _compare(arrays, f"{name}({inside})", peer)


def test_rnn_with_another_activation_agrees_with_pytorch() -> None:
    random = np.random.default_rng(0)
    arrays = _normal(random, x=(4, 3), W=(2, 3), U=(2, 2), b=(2,))
    layer = torch.nn.RNN(3, 2, nonlinearity="relu", dtype=torch.float64)

    def peer(p: dict[str, torch.Tensor]) -> torch.Tensor:
        names = {"weight_ih_l0": "W", "weight_hh_l0": "U", "bias_ih_l0": "b"}
        weights = {key: p[name] for key, name in names.items()} | {"bias_hh_l0": torch.zeros_like(p["b"])}
        return torch.func.functional_call(layer, weights, (p["x"],))[0]

    _compare(arrays, 'rnn(x, W, U, b, activation="relu")', peer)


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)], ids=str)
def test_embedding_agrees_with_pytorch(lead: tuple[int, ...]) -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        rows, width = _sizes(random, 2)
        index = random.integers(0, rows, size=lead)
        arrays = _normal(random, E=(rows, width))
        _compare(arrays, "embedding(i, E)", lambda p: F.embedding(p["i"], p["E"]), {"i": index})


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("biased", [False, True])
def test_bilinear_agrees_with_pytorch(biased: bool, lead: tuple[int, ...]) -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        i, j, o = _sizes(random, 3)
        arrays = _normal(random, x=(*lead, i), A=(o, i, j), y=(*lead, j))
        arrays |= _normal(random, b=(o,)) if biased else {}
        call = "bilinear(x, A, y, bias=b)" if biased else "bilinear(x, A, y)"
        _compare(arrays, call, lambda p: F.bilinear(p["x"][None], p["y"][None], p["A"], p.get("b"))[0])
