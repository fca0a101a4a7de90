"""From networks to pictures: weights on links, everything else a box, paths over the right links."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backpropsym as bp
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.errors import LimitError, UnknownNameError, ValuesError
from backpropsym.formula.parse import parse_formula
from backpropsym.graph.graph import Graph
from backpropsym.graph.levels import at_level
from backpropsym.ops.function_table import FunctionTable
from backpropsym.picture.content.op_symbols import sign
from backpropsym.picture.content.weights import activation, weights, wrapped
from backpropsym.picture.draw import draw
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.layout import lay_out
from backpropsym.picture.look.themes import LIGHT
from backpropsym.picture.scene import Link, LinkId, Scene
from backpropsym.spec.toml import parse_network
from tests.picture.pictures import boxes, highlights, visited

WRITER = LatexWriter(Notation("xyz"))

LECTURE = """
title = "The network of the lecture"
inputs = ["x1", "x2"]
targets = ["y"]
parameters = ["w11", "w12", "w21", "w22", "v11", "v12", "v21", "v22", "p11", "p21"]
output = "a"
loss = "(a - y)**2"
[nodes]
s1 = "w11*x1 + w21*x2"
s2 = "w12*x1 + w22*x2"
z1 = "f(s1)"
z2 = "f(s2)"
u1 = "v11*z1 + v21*z2"
u2 = "v12*z1 + v22*z2"
h1 = "f(u1)"
h2 = "f(u2)"
a = "p11*h1 + p21*h2"
[functions]
f = "relu"
[values]
x1 = 1
x2 = 2
y = 1
w11 = 0.5
w12 = -1
w21 = 0.25
w22 = 0.75
v11 = 1
v12 = -0.5
v21 = 0.5
v22 = 1.5
p11 = 2
p21 = -1
"""

MIXED = """
inputs = ["x", "q"]
targets = ["y"]
parameters = ["w", "v", "b", "twice", "shared", "slope", "k", "m"]
output = "a"
loss = "mse(a, y)"
[nodes]
h = "tanh(w*x - v*q + b)"
g = "twice*x + twice*q"
r = "shared*h"
t = "prelu(g, slope)"
a = "r*t + shared*x + k*m*x + 2*m"
"""


@pytest.fixture(scope="module")
def lecture() -> Graph:
    return parse_network(LECTURE)


@pytest.fixture(scope="module")
def mixed() -> Graph:
    return parse_network(MIXED)


def link(scene: Scene, source: str, target: str) -> Link:
    return next(link for link in scene.links if link.id == LinkId(source, target))


def test_weights_are_parameters_of_one_product(lecture: Graph, mixed: Graph) -> None:
    assert {name: tuple(where) for name, where in weights(lecture).items()} == {
        **{f"w{i}{j}": (f"x{i}", f"s{j}") for i in (1, 2) for j in (1, 2)},
        **{f"v{i}{j}": (f"z{i}", f"u{j}") for i in (1, 2) for j in (1, 2)},
        "p11": ("h1", "a"),
        "p21": ("h2", "a"),
    }
    assert {name: tuple(where) for name, where in weights(mixed).items()} == {"w": ("x", "h"), "v": ("q", "h")}


def test_functions_are_seen(lecture: Graph, mixed: Graph) -> None:
    assert activation(lecture["z1"], lecture) == ("s1", "f")
    assert activation(mixed["t"], mixed) == ("g", "prelu")
    assert activation(mixed["h"], mixed) is None
    assert wrapped(mixed["h"], mixed) == "tanh"
    assert wrapped(lecture["s1"], lecture) is None


def test_a_weight_is_a_label_and_nothing_is_lost(lecture: Graph, mixed: Graph) -> None:
    for graph in (lecture, mixed):
        found = draw(graph).scene
        shown = {box.id for box in found.boxes} | set(weights(graph))
        assert shown == set(graph.nodes)
        labelled = {name for link in found.links for name in link.name.split(", ")}
        assert set(weights(graph)) <= labelled
    found = draw(lecture).scene
    assert link(found, "x1", "s1").label == "w_{11}"
    assert link(found, "s1", "z1").label == "f"
    assert link(found, "a", "loss").label is None


def test_two_weights_of_one_factor_share_its_link() -> None:
    graph = parse_network('inputs=["x"]\nparameters=["c", "d"]\noutput="a"\n[nodes]\na = "c*x + d*x"')
    found = draw(graph, wrt="d")
    assert link(found.scene, "x", "a").name == "c, d"
    assert found.scene.highlights[0].from_label


def test_paths_of_the_lecture_run_over_their_boxes(lecture: Graph) -> None:
    drawing = draw(lecture, wrt="w11")
    assert [highlight.caption for highlight in drawing.scene.highlights] == [
        "w11 → s1 → z1 → u1 → h1 → a",
        "w11 → s1 → z1 → u2 → h2 → a",
    ]
    assert [highlight.term for highlight in drawing.scene.highlights] == [
        r"x_{1} \cdot f'(s_{1}) \cdot v_{11} \cdot f'(u_{1}) \cdot p_{11}",
        r"x_{1} \cdot f'(s_{1}) \cdot v_{12} \cdot f'(u_{2}) \cdot p_{21}",
    ]
    assert drawing.scene.highlights[0].links[0] == LinkId("x1", "s1")
    for highlight in highlights(drawing.svg):
        assert visited(highlight.line, boxes(drawing.svg)) == highlight.path.split("-")[1:]
    assert lay_out(drawing.scene, LIGHT).crowding() == 0


@pytest.mark.parametrize("options", [{}, {"values": {}}, {"level": "ops"}, {"derivatives": True}, {"of": "loss"}])
@pytest.mark.parametrize("wrt", ["w11", "p21", "x1", "s2"])
def test_every_view_of_the_lecture_is_uncrowded(lecture: Graph, wrt: str, options: dict[str, object]) -> None:
    drawing: Drawing = draw(lecture, wrt=wrt, **options)  # type: ignore[arg-type]
    assert lay_out(drawing.scene, LIGHT).crowding() == 0
    assert [tuple(highlight.path.split("-")) for highlight in highlights(drawing.svg)] == [
        t.names for t in drawing.scene.highlights
    ]


def test_one_path_keeps_its_number_and_colour(lecture: Graph) -> None:
    both, one = draw(lecture, wrt="w11").scene, draw(lecture, wrt="w11", path=2).scene
    assert one.highlights == both.highlights[1:]
    assert one.note == "path 2 of 2"
    assert not one.derivative


def test_a_path_that_is_not_there_is_an_error(lecture: Graph) -> None:
    for path in (0, 3):
        with pytest.raises(UnknownNameError, match="choose a number from 1 to 2"):
            draw(lecture, wrt="w11", path=path)
    with pytest.raises(UnknownNameError, match="did you mean w"):
        draw(lecture, wrt="w13")
    with pytest.raises(UnknownNameError, match="did you mean neurons"):
        draw(lecture, level="neuron")


def test_no_path_says_so(lecture: Graph) -> None:
    found = draw(lecture, wrt="y").scene
    assert found.highlights == ()
    assert found.note == "a does not depend on y: da/dy = 0"


def test_a_node_by_itself_has_a_picture(lecture: Graph) -> None:
    assert draw(lecture, wrt="a").svg.startswith("<svg")


def test_every_operation_is_a_box_at_the_level_of_ops(lecture: Graph, mixed: Graph) -> None:
    for graph in (lecture, mixed):
        ops = at_level(graph, "ops")
        found = draw(graph, level="ops").scene
        assert {box.id for box in found.boxes} == set(ops.nodes)
        assert {link.id for link in found.links} == {(p, n.name) for n in ops.nodes.values() for p in n.parents}
        assert all(sign(node.formula, WRITER) for node in ops.nodes.values() if node.formula)
        assert found == draw(ops).scene


def test_a_weighted_sum_is_products_and_a_sum_with_the_local_derivative_on_every_link(lecture: Graph) -> None:
    found = draw(lecture, wrt="w11", level="ops").scene
    labels = {box.id: box.label for box in found.boxes}
    assert labels["s1_product"] == labels["s1_product2"] == r"\times"
    assert {box.id: box.value for box in found.boxes}["s1"] == "+"
    chain = {("w11", "s1_product"): "x_{1}", ("s1_product", "s1"): "1", ("s1", "z1"): "f'(s_{1})"}
    assert {ends: link(found, *ends).label for ends in chain} == chain
    assert link(found, "loss_difference", "loss").label == r"2 \cdot (a - y)"
    assert [highlight.term for highlight in found.highlights] == [
        highlight.term for highlight in draw(lecture, wrt="w11").scene.highlights
    ]


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("x*y", r"\times"),
        ("2*x", r"\times 2"),
        ("x + 1", "+ 1"),
        ("x - y", "-"),
        ("1/x", r"1 / \,\cdot\,"),
        ("x/y", r"\div"),
        ("x**2", r"(\cdot)^{2}"),
        ("-x", "-"),
        ("tanh(x)", r"\tanh"),
        ("x*y + z", ""),
        ("tanh(x*y)", ""),
    ],
)
def test_an_operation_has_a_sign_and_a_longer_formula_none(formula: str, written: str) -> None:
    assert sign(parse_formula(formula, FunctionTable().signatures), WRITER) == written


def test_links_carry_local_derivatives_on_request(lecture: Graph) -> None:
    found = draw(lecture, derivatives=True).scene
    assert link(found, "x1", "s1").label == "w_{11}"
    assert link(found, "s1", "z1").label == "f'(s_{1})"


def test_numbers_stand_with_boxes_weights_and_terms(lecture: Graph) -> None:
    found = draw(lecture, wrt="w11", values={"x1": 2.0}).scene
    numbers = {box.id: box.value for box in found.boxes}
    assert numbers["x1"] == "2"
    assert numbers["s1"] == "1.5"
    assert link(found, "x1", "s2").label == "w_{12} = {-}1"
    assert [highlight.value for highlight in found.highlights] == ["4", "0"]
    assert found.total == "4"


def test_missing_numbers_are_an_error(mixed: Graph) -> None:
    with pytest.raises(ValuesError, match="numbers are missing"):
        draw(mixed, values={})


def dense(*widths: int) -> Graph:
    """A fully connected network without functions."""
    names = [[f"n{i}_{j}" for j in range(width)] for i, width in enumerate(widths)]
    parameters, nodes = [], []
    for left, right in itertools.pairwise(names):
        for node in right:
            found = [(f"w_{source}_{node}", source) for source in left]
            parameters += [weight for weight, _ in found]
            nodes.append(f'{node} = "{" + ".join(f"{weight}*{source}" for weight, source in found)}"')
    head = f"inputs = {names[0]}\nparameters = {parameters}\noutput = {names[-1][0]!r}\n[nodes]\n"
    return parse_network(head + "\n".join(nodes))


def test_of_many_paths_the_first_or_the_strongest_are_drawn() -> None:
    graph = dense(1, 20, 1)
    first = draw(graph, wrt="n0_0").scene
    assert [highlight.names[1] for highlight in first.highlights] == [f"n1_{i}" for i in range(8)]
    assert first.note == "the first 8 of 20 paths"
    assert first.partial
    leaves = [name for name, node in graph.nodes.items() if node.op is None]
    values = dict.fromkeys(leaves, 1.0) | {"w_n1_17_n2_0": -5.0, "w_n1_9_n2_0": 3.0}
    strongest = draw(graph, wrt="n0_0", values=values).scene
    assert [highlight.names[1] for highlight in strongest.highlights[:2]] == ["n1_17", "n1_9"]
    assert strongest.note == "the 8 strongest of 20 paths"
    assert strongest.total == "16"


def test_the_paths_of_a_list_are_drawn_under_their_numbers() -> None:
    graph = dense(1, 20, 1)
    found = draw(graph, wrt="n0_0", path=[1, 8, 15, 2]).scene
    assert [(highlight.number, highlight.names[1]) for highlight in found.highlights] == [
        (1, "n1_0"),
        (8, "n1_7"),
        (15, "n1_14"),
        (2, "n1_1"),
    ]
    assert len({highlight.colour for highlight in found.highlights}) == 4
    assert (found.note, found.partial) == ("4 of 20 paths", True)
    assert found.derivative
    with pytest.raises(UnknownNameError, match="has 20 paths; there is no path 21"):
        draw(graph, wrt="n0_0", path=(3, 21))
    with pytest.raises(LimitError, match="17 paths are chosen, and a picture shows at most 16"):
        draw(graph, wrt="n0_0", path=range(1, 18))


def test_a_path_far_down_the_list_is_found_at_once() -> None:
    graph = dense(1, *[10] * 8, 1)
    found = draw(graph, wrt="n0_0", path=10**8).scene.highlights[0]
    assert found.names[1:-1] == tuple(f"n{i}_9" for i in range(1, 9))
    assert found.tag == "10…00"


def test_a_shortcut_is_among_the_few_of_many_paths() -> None:
    graph = bp.parse("x[2] -> residual(dense(6, tanh) -> dense(2)) -> dense(1) -> mse").graph
    found = draw(graph, wrt="x[0]", level="neurons").scene
    assert len(found.highlights) == 8
    assert min(found.highlights, key=lambda highlight: len(highlight.names)).names == ("x[0]", "r1[0]", "s3[0]", "loss")
    assert found.note == "8 of 13 paths, the shortest among them"
    assert {highlight.names[1] for highlight in found.highlights} == {"r1[0]", *(f"s1[{i}]" for i in range(6))}


def test_the_strongest_paths_of_entries_have_boxes_and_their_numbers() -> None:
    network = bp.parse("x[1] -> dense(40, tanh) -> dense(1) -> mse")
    weights = np.full((1, 40), 0.1)
    weights[0, 33] = 5.0
    values = {**network.init(seed=0), "W1": np.ones((40, 1)), "W2": weights, "x": [0.5], "y": [0.0]}
    found = draw(network.graph, wrt="x[0]", level="neurons", values=values).scene
    assert found.highlights[0].names[1] == "s1[33]"
    assert found.highlights[0].number == 34
    assert found.note == "the 8 strongest of 40 paths"


def test_tall_columns_show_the_first_rows_the_last_and_those_of_paths() -> None:
    graph = dense(3, 40, 1)
    found = draw(graph, wrt="w_n0_1_n1_33", rows=5).scene
    middle = [box for box in found.boxes if box.column == 1]
    assert [box.name for box in middle] == ["n1_0", "n1_1", "n1_2", "n1_3", "34 more", "n1_33", "n1_39"]
    assert found.highlights[0].names == ("w_n0_1_n1_33", "n1_33", "n2_0")
    assert all({link.source, link.target} <= {box.id for box in found.boxes} for link in found.links)


def test_a_picture_too_large_to_read_is_refused() -> None:
    nodes = "\n".join(f'z{i + 1} = "tanh(z{i})"' for i in range(2100))
    graph = parse_network(f'inputs = ["z0"]\noutput = "z2100"\n[nodes]\n{nodes}')
    with pytest.raises(LimitError, match="2,101 boxes in 2,101 columns"):
        draw(graph)


def test_long_paths_and_terms_are_shortened_in_the_legend() -> None:
    nodes = "\n".join(f'z{i + 1} = "f(z{i})"' for i in range(30))
    graph = parse_network(f'inputs = ["z0"]\noutput = "z30"\n[nodes]\n{nodes}\n[functions]\nf = "abstract"')
    highlight = draw(graph, wrt="z0").scene.highlights[0]
    assert highlight.path.count(r"\to") == 14
    assert r"f'(z_{6}) \cdots f'(z_{23})" in highlight.term
    assert len(highlight.names) == 31


@st.composite
def networks(draw_: st.DrawFn) -> Graph:
    """Networks with fan-out, skips, weights, biases and shared parameters."""
    inputs, nodes, parameters = ["x0", "x1"], [], ["shared"]
    known = list(inputs)
    for i in range(draw_(st.integers(1, 8))):
        parents = draw_(st.lists(st.sampled_from(known), unique=True, min_size=1, max_size=3))
        terms = []
        for j, parent in enumerate(parents):
            kind = draw_(st.sampled_from(["weight", "shared", "plain", "function"]))
            if kind == "weight":
                parameters.append(f"w{i}{j}")
            terms.append({"weight": f"w{i}{j}*", "shared": "shared*", "plain": "", "function": "2*"}[kind] + parent)
        if draw_(st.booleans()):
            parameters.append(f"b{i}")
            terms.append(f"b{i}")
        body = " + ".join(terms)
        nodes.append(f'n{i} = "{f"tanh({body})" if draw_(st.booleans()) else body}"')
        known.append(f"n{i}")
    return parse_network(
        f"inputs = {inputs}\nparameters = {parameters}\noutput = {known[-1]!r}\n[nodes]\n" + "\n".join(nodes)
    )


@settings(max_examples=40, deadline=None)
@given(networks(), st.data())
def test_any_path_of_any_network_is_drawn_over_its_own_boxes(graph: Graph, data: st.DataObject) -> None:
    wrt = data.draw(st.sampled_from([name for name in graph.nodes if name != graph.output]))
    level = data.draw(st.sampled_from(["neurons", "ops"]))
    drawing = draw(graph, wrt=wrt, level=level)
    shown = at_level(graph, "ops") if level == "ops" else graph
    paths = list(Derivation(LocalDerivatives(shown), graph.output, wrt).space)
    expected = [paths[highlight.number - 1] for highlight in drawing.scene.highlights]
    assert [highlight.names for highlight in drawing.scene.highlights] == expected
    assert len(set(expected)) == min(8, len(paths))
    for highlight, names in zip(drawing.scene.highlights, expected, strict=True):
        assert [link.target for link in highlight.links] == list(names[1:])
        if not highlight.from_label:
            assert highlight.links[0].source == names[0]
        else:
            assert names[0] in link(drawing.scene, *highlight.links[0]).name.split(", ")


def test_a_layer_of_scalars_names_its_function_at_every_level_without_derivatives() -> None:
    for level in ("neurons", "layers"):
        links = {link.id: link.label for link in bp.example("lecture").draw(level=level).scene.links}
        assert links[LinkId("s1", "z1")] == "f", level
    ops = {link.id: link.label for link in bp.example("lecture").draw(level="ops").scene.links}
    assert ops[LinkId("s1", "z1")] == "f'(s_{1})"
