"""Mistakes in architecture strings: each is one error with its place and a fix, and nothing is dropped in silence."""

from collections import Counter

import pytest

from backpropsym.errors import NetworkError
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Role
from backpropsym.ops.lowering import Lowered, Lowering
from backpropsym.spec.architecture import parse_architecture

MISTAKES = {
    "x[n,8,8] -> conv2d(2, 3) -> mse": ("conv2d(2, 3)", "channels and groups as whole numbers"),
    "x[4,8,8] -> conv2d(2, 3, groups=a) -> mse": ("conv2d(2, 3, groups=a)", "channels and groups as whole numbers"),
    "x[4,8] -> batch_norm(bias=False) -> mse": ("batch_norm(bias=False)", "batch_norm always has a bias"),
    "x[8] -> layer_norm(relu) -> mse": ("layer_norm(relu)", "arguments do not fit"),
    "x[8] -> rms_norm(relu) -> mse": ("rms_norm(relu)", "arguments do not fit"),
    "x -> embedding(3, 4, relu) -> mse": ("embedding(3, 4, relu)", "arguments do not fit"),
    "x[8] -> dense(3, **{'a': 1}) -> mse": ("dense(3, **{'a': 1})", "** cannot stand"),
    "x[8] -> relu(3, 4, 5) -> mse": ("relu(3, 4, 5)", "relu takes 1 argument, found 4"),
    "x[1,8,8] -> max_pool -> mse": ("max_pool", "max_pool needs size"),
    "x[8] -> dense(3, weight=x) -> mse": ("dense(3, weight=x)", "x is already taken"),
    "x[8] -> dense(3, weight=w) -> dense(4, weight=w)": ("dense(4, weight=w)", "w is shared by layers of the shapes"),
    "x[8] -> dense(3) -> mse(name=q)": ("mse(name=q)", "always called loss"),
    "x[8] -> residual(dense(8), name=q) -> mse": ("residual(dense(8), name=q)", "residual takes a block"),
    "x[8] -> 2*residual -> mse": ("residual", "residual takes a block"),
    "x[2,4] -> dense(3) -> cross_entropy": ("cross_entropy", "takes one axis of classes, found (2, 3)"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str) -> None:
    place, message = MISTAKES[text]
    with pytest.raises(NetworkError) as caught:
        parse_architecture(text)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.where and problem.where.text
    start = problem.where.column
    assert problem.where.text[start : start + problem.where.width] == place


NORMS = {
    "layer_norm(bias=False)": ["W1"],
    "layer_norm": ["W1", "b1"],
    "rms_norm": ["W1"],
    "group_norm(2, bias=False)": ["W1"],
    "instance_norm(bias=False)": ["W1"],
    "dense(3, layer_norm)": ["W1", "b1"],
    "dense(3, rms_norm, bias=False)": ["W1"],
}


@pytest.mark.parametrize("layer", NORMS)
def test_norms_own_only_what_they_use(layer: str) -> None:
    graph = parse_architecture(f"x[4,8] -> {layer} -> mse")
    assert [name for name, node in graph.nodes.items() if node.role is Role.PARAMETER] == NORMS[layer]


WHOLE = "x[4,8] -> residual(layer_norm -> multi_head_attention(2)) -> lstm(3) -> dense(2, softmax) -> mse"


def test_each_formula_is_lowered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: Counter[str] = Counter()
    root = Lowering.root

    def counted(self: Lowering, expr: Expr) -> list[Lowered]:
        lowered[self.owner] += 1
        return root(self, expr)

    monkeypatch.setattr(Lowering, "root", counted)
    graph = parse_architecture(WHOLE)
    assert set(lowered) == set(graph.written)
    assert set(lowered.values()) == {1}


def test_steps_of_a_renamed_layer_are_named_after_it() -> None:
    plain, renamed = parse_architecture("x[4,8] -> lstm(3)"), parse_architecture("x[4,8] -> lstm(3, name=memory)")
    assert [name.replace("lstm1", "memory") for name in plain.nodes] == list(renamed.nodes)
    assert renamed.layer_steps and all(name.startswith("memory") for name in renamed.layer_steps)
