"""The step model: the steps, what each lights, and that its formulas are those of the derivation."""

from __future__ import annotations

import re

import pytest

import backpropsym as bp
from backpropsym.errors import UnknownNameError, ValuesError
from backpropsym.picture.content import highlighted_paths
from backpropsym.picture.content.shown_rows import ON_SLIDES
from backpropsym.picture.fitting import ZOOMED
from backpropsym.story.steps import KINDS, plain
from backpropsym.story.story import MAX_WIDTH, line_width
from tests.story.decks import DECKS, deck


def test_the_lecture_is_told_in_its_steps() -> None:
    story = deck("lecture").story
    assert [step.kind for step in story.steps] == ["network", "forward", "paths", "paths", "sum", "bricks", "backward"]
    assert [plain(step.title) for step in story.steps][2:4] == ["Path 1 of 2", "Path 2 of 2"]
    first, second = (step for step in story.steps if step.kind == "paths")
    assert (first.highlights, second.highlights) == ((1,), (2,))
    assert first.formulas.splitlines() == [
        "∂a/∂w₁₁ = x₁ · f′(s₁) · v₁₁ · f′(u₁) · p₁₁",
        "+ x₁ · f′(s₁) · v₁₂ · f′(u₂) · p₂₁",
    ]
    assert plain(second.caption).startswith("w₁₁ → s₁ → z₁ → u₂ → h₂ → a")
    assert story.steps[4].highlights == (1, 2)


def active(step: object) -> set[int | None]:
    return {piece.path_number for column in step.columns for line in column for piece in line.pieces if piece.active}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", DECKS)
def test_the_active_terms_are_those_of_the_lit_paths(name: str) -> None:
    story = deck(name).story
    for step in story.steps:
        if step.kind in ("paths", "sum"):
            assert active(step) - {None} == set(step.highlights)


@pytest.mark.parametrize("name", DECKS)
def test_every_step_has_a_title_a_caption_and_words_for_those_who_do_not_see_it(name: str) -> None:
    for step in deck(name).story.steps:
        assert step.kind in KINDS
        for text in (plain(step.title), plain(step.caption), step.alt, *map(plain, step.notes)):
            assert text.strip()
            assert "\\" not in text
            assert "{" not in text


@pytest.mark.parametrize("name", DECKS)
def test_there_is_a_step_for_each_path_in_the_picture(name: str) -> None:
    story = deck(name).story
    paths = [step for step in story.steps if step.kind == "paths"]
    assert [step.highlights for step in paths] == [(highlight.number,) for highlight in story.scene.highlights]
    for step, highlight in zip(paths, story.scene.highlights, strict=True):
        assert f"path {highlight.number} highlighted" in step.alt


@pytest.mark.parametrize("name", ["lecture", "lecture-loss", "skip", "prelu", "neuron"])
def test_numbers_are_those_of_the_derivation(name: str) -> None:
    story = deck(name, values={}).story
    source, of, wrt = DECKS[name]
    derivation = bp.example(source).derive(of, wrt=wrt)
    listed = {each.term.path: each.value for each in derivation.numeric()}
    for highlight, step in zip(story.scene.highlights, (s for s in story.steps if s.kind == "paths"), strict=True):
        written = float(step.formulas.rsplit("= ", 1)[1].splitlines()[0].replace("−", "-"))
        assert written == pytest.approx(listed[highlight.names], rel=1e-3)
    backward = "\n".join(step.formulas for step in story.steps if step.kind == "backward")
    for line in backward.splitlines():
        by = line.split(" ")[0].rpartition("/∂")[2]
        node = next(name for name in derivation.graph.nodes if bp_name(name, derivation) == by)
        value = bp.example(source).derive(of, wrt=node).evaluate()
        assert float(line.rsplit("= ", 1)[1].replace("−", "-")) == pytest.approx(value, rel=1e-3)


def bp_name(name: str, derivation: object) -> str:
    from backpropsym.document.notation.names import Notation

    return Notation.of(derivation.graph).unicode(name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["lecture", "skip"])
def test_the_passes_write_what_every_node_is(name: str) -> None:
    story = deck(name).story
    graph = bp.example(DECKS[name][0]).graph
    of = DECKS[name][1] or graph.output
    wanted = {node.name for node in graph.nodes.values() if node.op and node.name in graph.ancestors(of)}
    assert set().union(*(step.boxes for step in story.steps if step.kind == "forward")) == wanted
    between = set(graph.between(DECKS[name][2], of)) - {of}
    assert set().union(*(step.boxes for step in story.steps if step.kind == "backward")) == between


WIDE = "x[8] -> dense(16, tanh) -> dense(16, tanh) -> dense(1)"


@pytest.mark.parametrize("wrt", ["x[0]", "W1[0,0]", "b2[3]"])
def test_of_a_cut_layer_all_boxes_are_computed_and_those_not_drawn_are_counted(wrt: str) -> None:
    story = bp.parse(WIDE).slides("s3[0]", wrt=wrt).story
    forward = [step for step in story.steps if step.kind == "forward"]
    drawn = {box.id for box in story.scene.boxes if box.id.startswith(("s", "z"))}
    assert set().union(*(step.boxes for step in forward)) == drawn
    for step in forward:
        nodes = {name.partition("[")[0] for name in step.boxes}
        undrawn = sum(16 - sum(box.startswith(f"{node}[") for box in drawn) for node in nodes - {"s3"})
        assert (f"{undrawn} more, computed alike, are not drawn." in plain(step.caption)) == (undrawn > 0)


def test_entries_beside_the_paths_are_computed_in_numbers_too() -> None:
    net = bp.parse("x[2] -> dense(2, tanh) -> dense(1)")
    values = {"x": [1.0, 2.0], "W1": [[0.5, 0.0], [0.0, 0.25]], "b1": [0.0, 0.1], "W2": [[1.0, 1.0]], "b2": [0.0]}
    forward = net.slides("s2[0]", wrt="W1[0,0]", values=values).story.steps[1]
    assert "s₁[1] = W₁[1,0] · x[0] + W₁[1,1] · x[1] + b₁[1] = 0.6" in forward.formulas


def test_a_derivative_of_nothing_is_zero_and_of_itself_one() -> None:
    assert deck("nothing").story.steps[0].formulas == "∂s₁/∂p₁₁ = 0"
    assert plain(deck("nothing").story.steps[0].caption) == "No path leads from p₁₁ to s₁."
    assert deck("itself").story.steps[0].formulas == "∂a/∂a = 1"


def test_tensors_are_told_in_indices_and_in_matrices() -> None:
    story = deck("digits").story
    assert [step.kind for step in story.steps] == ["network", "forward", "paths", "backward"]
    assert story.steps[2].formulas == ("∂loss/∂W[i,j] = ∑ k<10 x[j] · relu′(s[i]) · V[k,i] · (softmax(o)[k] − δ[y,k])")
    assert story.steps[3].formulas.splitlines()[-1] == "∂loss/∂W = δ_s xᵀ"


def test_a_long_sum_shows_the_strongest_paths_and_says_so() -> None:
    story = deck("deep", values={}).story
    shown = len(story.scene.highlights)
    assert 2 <= shown <= highlighted_paths.ON_SLIDES
    total = next(step for step in story.steps if step.kind == "sum")
    assert f"The {shown} strongest of 16 paths" in plain(total.caption)
    assert "⋯" in total.formulas


HEADS = """
output = "o"
loss = "sum(o**2)"
inputs = {x = [3]}
parameters = {W = [3, 3]}
[nodes]
s = "W @ x"
a = "tanh(s)"
b = "relu(s)"
c = "sigmoid(s)"
d = "s**2"
e = "softplus(s)"
o = "a*b + c*d*e"
"""


@pytest.mark.parametrize(
    ("source", "wrt"),
    [
        ("x[6] -> dense(5, gelu) -> layer_norm -> dense(4, tanh) -> dense(3) -> cross_entropy", "W1"),
        ("x[6] -> residual(dense(6, relu) -> layer_norm) -> dense(2) -> mse", "W1"),
        ("x[3,4] -> lstm(2) -> dense(3) -> mse", "W1"),
        (HEADS, "W"),
    ],
)
def test_the_backward_pass_defines_every_adjoint_before_it_is_used(source: str, wrt: str) -> None:
    net = bp.parse(source) if "->" in source else bp.loads(source)
    defined: set[str] = set()
    for step in net.slides("loss", wrt=wrt).story.steps:
        for line in step.formulas.splitlines() if step.kind == "backward" else ():
            left, right = line.split(" = ", 1)
            assert set(re.findall(r"δ_[^\s()ᵀ,/\[]+", right)) <= defined, line
            defined.add(left)
    assert len(defined) > 4


def test_adjoints_carry_the_names_of_their_nodes() -> None:
    """As matrix notation writes them: a layer of two words is one name, and s1 has its index."""
    net = bp.parse("x[1,6,6] -> conv2d(2,3) -> max_pool(2) -> flatten -> dense(3) -> cross_entropy")
    latex = "".join(
        piece.maths.latex + line.left.latex
        for step in net.slides(wrt="W1").story.steps
        for column in step.columns
        for line in column
        for piece in line.pieces
    )
    assert r"\delta_{\mathrm{max\_pool}_{1}}" in latex
    assert r"\delta_{s_{1}}" in latex
    assert r"\mathrm{max}," not in latex


def test_a_slide_shows_at_most_four_paths_where_no_others_are_asked_for() -> None:
    """As many as leave its letters large enough to be read; what is asked for is shown."""
    net = bp.example("deep")
    scene = net.slides(wrt="x1").story.scene
    assert 2 <= len(scene.highlights) <= highlighted_paths.ON_SLIDES
    assert f"{len(scene.highlights)} of 256 paths" in scene.note
    assert len(net.slides(wrt="x1", most=4).story.scene.highlights) == 4
    assert len(net.slides(wrt="x1", most=7).story.scene.highlights) == 7
    chosen = net.slides(wrt="x1", path=[3, 5, 8, 13, 21, 34]).story.scene
    assert [highlight.number for highlight in chosen.highlights] == [3, 5, 8, 13, 21, 34]
    assert len(net.draw(wrt="x1").scene.highlights) == 8


def test_steps_are_chosen_by_kind_and_keep_their_order() -> None:
    story = deck("lecture", steps=["sum", "paths"]).story
    assert [step.kind for step in story.steps] == ["paths", "paths", "sum"]


def test_unknown_and_absent_steps_are_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean paths"):
        deck("lecture", steps=["path"])
    with pytest.raises(UnknownNameError, match="it has network, forward, paths, backward"):
        deck("digits", steps=["bricks"])


def test_missing_numbers_are_named() -> None:
    with pytest.raises(ValuesError, match="numbers are missing for x"):
        bp.parse("x[2] -> dense(1) -> mse").slides("loss", wrt="W1[0,0]", values={})


def test_the_backward_pass_of_a_convolution_is_written_as_in_print() -> None:
    shown = [step.formulas for step in deck("convolution").story.steps if step.kind == "backward"]
    assert "∂loss/∂K[i,j] = ∑ k<4 ∑ l<3 im[k + i,l + j] · δ_out[k,l]" in "\n".join(shown).splitlines()


def test_no_slide_says_how_a_sum_is_computed() -> None:
    """Between convolutions too, with strides and padding."""
    source = "x[1,8,8] -> conv2d(2,3,stride=2,padding=1) -> relu -> conv2d(2,2) -> max_pool(2) -> dense(1) -> mse"
    story = bp.parse(source).slides("loss", wrt="W1").story
    formulas = "\n".join(step.formulas for step in story.steps if step.kind == "backward")
    assert "δ_relu₁[i,j,k] = ∑ l<2 ∑ m<2 ∑ n<2 W₂[l,i,m,n] · δ_s₂[l,j − m,k − n]" in formulas
    assert "einsum" not in formulas


def test_a_tall_column_is_cut_harder_on_a_slide_than_in_a_picture() -> None:
    """The inputs of 8: a slide shows six at most, or those on paths alone, and says so; a picture shows all."""
    story, drawing = deck("deep").story, bp.example("deep").draw(wrt="w1_1_1")
    assert len([box for box in story.scene.boxes if box.role == "input"]) <= ON_SLIDES
    assert ZOOMED in story.scene.note
    assert all("Nodes on no path" in plain(step.caption) for step in story.steps if step.kind == "forward")
    cut = deck("deep", rows=ON_SLIDES).story
    assert len([box for box in cut.scene.boxes if box.role == "input"]) == ON_SLIDES
    assert len([box for box in drawing.scene.boxes if box.role == "input"]) == 8
    whole = deck("deep", rows=16).story
    assert len([box for box in whole.scene.boxes if box.role == "input"]) == 8


def test_paths_that_are_left_out_are_named_with_the_reason() -> None:
    net = bp.example("deep")
    steps = net.slides("a", wrt="x1").story.steps
    (total,) = (step for step in steps if step.kind == "sum")
    note = plain(total.notes[-1])
    assert note.startswith("Left out, for slides tell but a few paths apart: paths ")
    named = re.findall(r"\d+(?:-\d+)?", note.partition(": ")[2])
    numbers = {n for part in named for n in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)}
    assert numbers | set(total.highlights) == set(range(1, 257))
    assert not numbers & set(total.highlights)
    (whole,) = (step for step in bp.example("lecture").slides("a", wrt="w11").story.steps if step.kind == "sum")
    assert "Left out" not in plain(whole.notes[-1])


def test_equations_of_a_pass_that_are_wider_than_a_slide_are_broken() -> None:
    parameters = ", ".join(f'"weight_{at}"' for at in range(9))
    total = " + ".join(f"weight_{at}*x*weight_{(at + 1) % 9}" for at in range(6))
    net = bp.loads(f'inputs = ["x"]\nparameters = [{parameters}]\noutput = "a"\n[nodes]\na = "tanh({total})"\n')
    steps = net.slides("a", wrt="weight_0").story.steps
    for step in steps:
        if step.kind == "backward":
            assert all(line_width(line) <= MAX_WIDTH + 12 for column in step.columns for line in column)
