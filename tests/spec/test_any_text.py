"""Whatever is given as a network is one, or an error of ours."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

import backpropsym as bp
from backpropsym.errors import BackpropsymError
from backpropsym.spec.source import example_text
from tests.hostile import TEXTS

STEPS = [
    "x",
    "x[2]",
    "x[2,3]",
    "x[n]",
    "x[1,4,4]",
    "dense(2)",
    "dense(3, tanh)",
    "dense(n)",
    "relu",
    "softmax",
    "flatten",
]
STEPS += [
    "conv2d(2, 2)",
    "max_pool(2)",
    "lstm(2)",
    "gru(2, last=True)",
    "attention(1)",
    "layer_norm",
    "dropout(0.5)",
    "mse",
]
STEPS += ["cross_entropy", "residual(relu -> tanh)", "2*(relu -> dense(2))", "embedding(3, 2)", "pad(1)", "sum(axis=0)"]
STEPS += [
    "reshape(2, 1)",
    "prelu",
    "batch_norm",
    "0*relu",
    "-1*relu",
    "dense()",
    "dense(2.5)",
    "dense(weight=W)",
    "f(x)",
]
STEPS += [
    "dense(2, name=a)",
    "dense(10**9)",
    "x -> x",
    "1",
    "(",
    ")",
    "->",
    "'a'",
    "None",
    "**{}",
    "lambda: 0",
    "x[-1]",
]
ARCHITECTURES = st.one_of(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=6).map(" -> ".join),
    st.lists(st.sampled_from([*STEPS, *TEXTS]), min_size=1, max_size=4).map(" -> ".join),
    st.text(max_size=40).map(lambda text: f"x[2] -> {text}"),
)
FILES = [example_text(name) for name in ("lecture", "neuron", "convolution")]


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """A bundled network with some of its text put elsewhere, left out, or replaced."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(
            st.one_of(
                st.text(max_size=8), st.sampled_from([*TEXTS, text[end : end + 15], "9" * 30, '"', "\n[nodes]\n"])
            )
        )
        text = text[:start] + new + text[end:]
    return text


@settings(max_examples=150, deadline=None)
@given(text=ARCHITECTURES)
def test_any_architecture_is_answered(text: str) -> None:
    with contextlib.suppress(BackpropsymError):
        bp.parse(text)


@settings(max_examples=150, deadline=None)
@given(text=broken_files())
def test_any_file_is_answered(text: str) -> None:
    with contextlib.suppress(BackpropsymError):
        bp.loads(text)
