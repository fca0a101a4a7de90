"""Pictures of tensors: plates with shapes, images as grids, a few of many neurons, and the numbers of both passes."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import LimitError, UnknownNameError
from backpropsym.picture.content.shown_rows import FEW, MAX_ROWS, first_and_last
from backpropsym.picture.layout.layout import lay_out
from backpropsym.picture.look.themes import LIGHT
from backpropsym.picture.scene import Box, LinkId, Scene
from tests.picture.pictures import boxes, highlights, visited

DENSE = "x[3] -> dense(4, tanh) -> dense(2) -> mse"
IMAGE = "x[1,12,12] -> conv2d(6, 5, relu) -> max_pool(2) -> flatten -> dense(3) -> cross_entropy"


def box(scene: Scene, name: str) -> Box:
    return next(each for each in scene.boxes if each.id == name)


def label(scene: Scene, source: str, target: str) -> str:
    return next(link.name for link in scene.links if link.id == LinkId(source, target))


def test_plates_show_shapes_and_links_show_functions() -> None:
    scene = bp.parse(DENSE).draw().scene
    shapes = {each.id: each.shape for each in scene.boxes}
    assert shapes["W1"] == ("4", "3")
    assert shapes["s1"] == shapes["z1"] == ("4",)
    assert shapes["loss"] == ()
    assert label(scene, "s1", "z1") == "tanh"
    assert box(scene, "s1").value == "W_{1} x + b_{1}"
    assert "shape (4, 3)" in box(scene, "W1").about


def test_symbolic_sizes_stand_in_plates() -> None:
    assert box(bp.parse("x[n] -> dense(2) -> mse").draw().scene, "W1").shape == ("2", "n")


def test_layers_ops_and_neurons_are_three_pictures() -> None:
    net = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> softmax -> mse")
    names = {level: {each.name for each in net.draw(level=level).scene.boxes} for level in ("layers", "ops", "neurons")}
    assert "s1" not in names["layers"]
    assert {"z1", "softmax1"} <= names["layers"]
    assert {"s1_product", "softmax1_logsumexp"} <= names["ops"]
    assert {"z1[3]", "softmax1[1]"} <= names["neurons"]


def test_a_layer_written_as_one_step_is_a_cluster() -> None:
    scene = bp.parse(DENSE).draw().scene
    assert [(each.name, set(each.boxes)) for each in scene.clusters] == [("dense(4, tanh)", {"W1", "b1", "s1", "z1"})]
    layout = lay_out(scene, LIGHT)
    (cluster,) = layout.clusters
    inside = {name for name, placed in layout.boxes.items() if cluster.rect.overlaps(placed.rect)}
    assert inside == set(scene.clusters[0].boxes)


def test_every_entry_of_the_output_is_an_output() -> None:
    scene = bp.parse(DENSE).draw(level="neurons").scene
    assert [each.id for each in scene.boxes if each.role == "output"] == ["s2[0]", "s2[1]"]


def test_of_a_wide_layer_five_are_shown() -> None:
    scene = bp.example("digits").draw(wrt="W[998,700]").scene
    shown = [each.id for each in scene.boxes if each.id.startswith("s[")]
    assert shown == ["s[0]", "s[1]", "s[2]", "s[3]", "s[998]", "s[999]"]
    assert [each.name for each in scene.boxes if each.role == "more"] == ["778 more", "994 more", "994 more"]
    assert scene.highlights[0].names[:3] == ("W[998,700]", "s[998]", "z[998]")
    assert scene.note == "the first 8 of 10 paths"


def test_links_from_boxes_that_are_left_out_are_told() -> None:
    drawing = bp.parse("x[1,8,8] -> conv2d(2, 3) -> max_pool(2) -> flatten -> dense(1) -> mse").draw(level="neurons")
    scene = drawing.scene
    rests = {(link.source, link.target) for link in scene.links if link.rest}
    # The patch of each sum has nine entries, of which at most three have a box; the last has one.
    assert {target for source, target in rests if source == "+x[0,0,3]"} == {
        each.id for each in scene.boxes if each.id.startswith("s1[")
    }
    assert ("+flatten1[3]", "s2[0]") in rests
    assert not any(source.startswith("+max_pool") for source, _ in rests)
    assert drawing.svg.count('stroke-dasharray="7 4"') == len(rests)
    assert "rest/.style" in drawing.tikz
    assert "link, rest" in drawing.tikz
    assert drawing.mermaid.count("-.->") == len(rests)


@pytest.mark.parametrize(("count", "rows", "expected"), [(16, None, 16), (17, None, FEW), (1000, 7, 7), (6, 5, 6)])
def test_the_first_and_the_last_are_kept(count: int, rows: int | None, expected: int) -> None:
    kept = first_and_last(count, rows)
    assert len(kept) == expected
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert MAX_ROWS == 16


def test_needed_rows_are_kept() -> None:
    assert first_and_last(100, 5, [50]) == [0, 1, 2, 3, 50, 99]


def test_symbolic_or_endless_networks_have_no_neurons() -> None:
    with pytest.raises(LimitError, match="needs numbers for the sizes n"):
        bp.parse("x[n] -> dense(2) -> mse").draw(level="neurons")
    with pytest.raises(LimitError, match="entries"):
        bp.parse("x[4000] -> dense(4000) -> mse").draw(level="neurons")


@pytest.mark.parametrize("wrt", ["W1[0,0]", "W1[2,1]", "b1[3]", "x[1]"])
def test_paths_of_entries_run_over_their_boxes(wrt: str) -> None:
    net = bp.parse(DENSE)
    drawing = net.draw(wrt=wrt)
    assert [highlight.names for highlight in drawing.scene.highlights] == [
        term.path for term in net.derive("loss", wrt=wrt).terms
    ]
    for highlight in highlights(drawing.svg):
        names = highlight.path.split("-")
        assert visited(highlight.line, boxes(drawing.svg)) == [name for name in names if not name.startswith("W1")]


def test_shared_weights_are_labels_of_all_their_links() -> None:
    scene = bp.example("convolution").draw(wrt="K[0,0]", of="loss", rows=40).scene
    labels = [link.name for link in scene.links if link.name == "K[0,0]"]
    assert len(labels) == 12
    first = scene.highlights[0]
    assert first.from_label
    assert label(scene, *first.links[0]) == "K[0,0]"


def test_a_convolution_is_a_patch_on_a_grid_with_its_filter() -> None:
    scene = bp.example("convolution").draw(values={}).scene
    image, out, filters = (box(scene, name).cells for name in ("im", "out", "K"))
    assert image is not None and out is not None and filters is not None
    assert (image.rows, image.columns, image.patch) == (6, 5, (1, 1, 3, 3))
    assert (out.rows, out.columns, out.patch) == (4, 3, (1, 1, 1, 1))
    assert (filters.rows, filters.columns) == (3, 3)
    assert filters.shades[1] == 1.0
    assert filters.shades[7] == -1.0


@pytest.mark.parametrize("place", [(0, 0), (1, 1), (2, 0), (3, 2)])
def test_an_entry_by_a_whole_image_shows_the_pixels_that_it_reads(place: tuple[int, int]) -> None:
    scene = bp.example("convolution").draw(of=f"out[{place[0]},{place[1]}]", wrt="im").scene
    image, out = (box(scene, name).cells for name in ("im", "out"))
    assert image is not None and out is not None
    assert (image.patch, out.patch) == ((*place, 3, 3), (*place, 1, 1))


def test_a_name_alone_means_the_first_entry_that_is_read() -> None:
    net = bp.loads('parameters = {w = [4]}\noutput = "a"\n[nodes]\nh = "w[2:4]"\na = "sum(h*h)"\n')
    scene = net.draw(of="h[1]", wrt="w").scene
    assert {link.source for highlight in scene.highlights for link in highlight.links} == {"w[3]"}


def test_pooling_strides_and_channels_are_on_the_grids() -> None:
    scene = bp.parse(IMAGE).draw().scene
    cells = {each.id: each.cells for each in scene.boxes if each.cells}
    assert (cells["x"].sheets, cells["x"].patch) == (1, (1, 1, 5, 5))
    assert (cells["s1"].sheets, cells["s1"].rows) == (6, 8)
    assert cells["z1"].patch == (2, 2, 2, 2)
    assert cells["max_pool1"].patch == (1, 1, 1, 1)
    assert "flatten1" not in cells


def test_both_passes_stand_at_the_neurons_of_the_lecture() -> None:
    scene = bp.example("lecture").draw(wrt="w11", values={}).scene
    found = {each.id: (each.value, each.adjoint) for each in scene.boxes}
    # By hand: a = 2*1.25 - 0.25; da/dz1 = v11*p11 + v12*p21 = 2 + 0.5; da/dx2 = w21*2.5 + w22*(-0.5).
    assert found["a"] == ("2.25", None)
    assert found["z1"] == ("1", "2.5")
    assert found["x2"] == ("2", "0.25")
    assert found["u2"] == ("0.25", "{-}1")
    assert scene.adjoint_of == "a"


def test_numbers_of_entries_agree_with_differences() -> None:
    net, random = bp.parse(DENSE), np.random.default_rng(3)
    shapes = net.inputs | net.targets | net.parameters
    values = {name: random.normal(size=tuple(map(int, shape))) for name, shape in shapes.items()}
    scene = net.draw(level="neurons", values=values).scene
    kernel = bp.compile(net)
    for name, place in (("x", 1), ("b1", 2)):
        step, ends = 1e-6, []
        for side in (1, -1):
            moved = {key: array.copy() for key, array in values.items()}
            moved[name][place] += side * step
            ends.append(float(kernel(**moved)[0]))
        slope = (ends[0] - ends[1]) / (2 * step)
        shown = (box(scene, f"{name}[{place}]").adjoint or "").replace("{-}", "-")
        assert float(shown) == pytest.approx(slope, rel=1e-3)


def test_of_a_batch_the_means_are_shown() -> None:
    net = bp.parse("x[2] -> dense(1) -> mse")
    values = {"x": [[1.0, 2.0], [3.0, 6.0]], "y": [[0.0], [0.0]], "W1": [[1.0, 1.0]], "b1": [0.0]}
    scene = net.draw(level="neurons", values=values).scene
    assert box(scene, "x[0]").value == "2"
    assert box(scene, "s1[0]").value == "6"
    # d mean((w x)^2) / d b = mean(2 w x) = 2 * (3 + 9) / 2.
    assert box(scene, "b1[0]").adjoint == "12"


def test_dead_links_and_paths_are_marked() -> None:
    scene = bp.example("lecture").draw(wrt="w11", values={"w11": -3.0}).scene
    dead = {link.id for link in scene.links if link.dead}
    assert dead == {LinkId("x1", "s1"), LinkId("x2", "s1"), LinkId("s1", "z1")}
    assert all(highlight.dead for highlight in scene.highlights)
    drawing = bp.example("lecture").draw(values={"w11": -3.0})
    assert drawing.svg.count('stroke-dasharray="2 5"') == 3


def test_weights_of_neighbouring_layers_stand_apart() -> None:
    net = bp.parse("x[784] -> 3*dense(100, relu) -> dense(10) -> cross_entropy")
    assert lay_out(net.draw(level="layers").scene, LIGHT).crowding() == 0
    plates = lay_out(net.draw().scene, LIGHT).clusters
    assert [plate.name for plate in plates] == ["dense(100, relu)"] * 3


def test_a_network_of_scalars_has_no_layers_and_shows_its_neurons() -> None:
    net = bp.example("lecture")
    assert net.draw(level="layers", wrt="w11").scene == net.draw(level="neurons", wrt="w11").scene


def test_a_bias_of_several_neurons_stands_at_each_of_them() -> None:
    net = bp.example("convolution")
    scene = net.draw(level="neurons").scene
    assert {link.target for link in scene.links if link.source.startswith("b@")} == {
        each.id for each in scene.boxes if each.role == "output"
    }
    placed = lay_out(scene, LIGHT).boxes
    assert all(each.small for each in placed.values() if each.box.name == "b")
    assert [each.id for each in net.draw(level="neurons", wrt="b").scene.boxes if each.name == "b"] == ["b"]


def test_links_of_what_is_left_out_begin_beside_its_dots() -> None:
    found = lay_out(bp.example("convolution").draw(level="neurons").scene, LIGHT)
    rests = [link for link in found.scene.links if link.rest]
    assert rests
    for link in rests:
        dots = found.boxes[link.source].rect.centre
        assert all(x > dots[0] + 8 for x, _ in found.routes[link.id])


def test_targets_that_are_left_out_are_no_box() -> None:
    scene = bp.parse("x[2] -> dense(20) -> mse").draw(level="neurons").scene
    assert [each.id for each in scene.boxes if each.role == "more"] == ["+s1[3]"]
    assert LinkId("+s1[3]", "loss") in {link.id for link in scene.links if link.rest}


def test_widths_show_weights_or_shares() -> None:
    net = bp.example("lecture")
    by_weight = {link.name: link.strength for link in net.draw("a", wrt="x1", values={}, width="weight").scene.links}
    assert by_weight["p11"] == 1.0
    assert by_weight["v12"] == pytest.approx(0.25)
    scene = net.draw(wrt="w11", values={}, width="share").scene
    assert [highlight.strength for highlight in scene.highlights] == [1.0, 0.25]
    share = {link.id: link.strength for link in scene.links}
    # Of 2.5 in all, 2 pass v11 and 0.5 pass v12.
    assert share[LinkId("z1", "u1")] == pytest.approx(0.8)
    assert share[LinkId("z1", "u2")] == pytest.approx(0.2)
    with pytest.raises(UnknownNameError, match="did you mean share"):
        net.draw(values={}, width="shares")


def test_long_factors_are_written_as_the_derivatives_that_they_are() -> None:
    scene = bp.parse("x[3] -> dense(3) -> layer_norm(name=n) -> dense(1) -> mse").draw(wrt="W1[0,0]").scene
    assert r"\cdot \frac{\partial n[0]}{\partial s_{1}[0]} \cdot" in scene.highlights[0].term


def test_short_factors_are_written_out() -> None:
    scene = bp.example("digits").draw(wrt="W[0,0]").scene
    assert scene.highlights[0].term.endswith(r"\cdot (\operatorname{softmax}(o)_{0} - \delta_{y 0})")


def test_the_legend_says_what_the_functions_are() -> None:
    assert bp.example("lecture").draw(wrt="w11").scene.facts == (r"f = \text{relu}", "f'(0) = 0")
    (fact,) = bp.example("skip").draw(wrt="w").scene.facts
    assert fact.startswith(r"\tanh'(x) = 1 - \tanh(x)^{2}")


@pytest.mark.parametrize("inputs", ["x = [2]", "x = []"])
def test_without_wrt_the_backward_pass_is_that_of_the_loss(inputs: str) -> None:
    """Alike for numbers and arrays; with wrt it is that of what is derived."""
    net = bp.loads(
        f'output = "a"\nloss = "(a - 3)**2"\n[inputs]\n{inputs}\n[parameters]\nw = []\n[nodes]\na = "sum(w*x)"\n'
    )
    values = {"x": np.ones(net.inputs["x"]), "w": 2.0}
    drawn = {wrt: net.draw(wrt=wrt, values=values).scene.adjoint_of for wrt in (None, "w")}
    assert drawn == {None: r"\mathrm{loss}", "w": "a"}
