"""Labels are measured: none overlaps another, a box or a line that is not its own."""

from __future__ import annotations

import random
from itertools import pairwise
from math import dist
from xml.etree.ElementTree import Element

import pytest

import backpropsym as bp
from backpropsym.picture.layout.engine import ENGINES
from backpropsym.picture.layout.geometry import cross
from backpropsym.picture.layout.grid import HALO, Room
from backpropsym.picture.layout.layout import lay_out
from backpropsym.picture.layout.link_labels import MAX_BETWEEN, gaps, highlighted
from backpropsym.picture.layout.order import crossings, ordered
from backpropsym.picture.look.themes import LIGHT, THEMES
from backpropsym.picture.look.typeset import number
from backpropsym.picture.scene import Box, Link, Scene
from backpropsym.spec.source import examples
from tests.picture.pictures import SVG, boxes, covering, dots, foreign, highlights, labels, links, parsed
from tests.picture.scenes import dense

WIDTHS = [(2, 2), (3, 3), (3, 4), (4, 4), (2, 8), (3, 4, 4, 2)]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_full_layers_have_every_label_on_its_own_line_only(widths: tuple[int, ...]) -> None:
    layout = lay_out(dense(*widths), THEMES["light"])
    assert len(layout.labels) == len(layout.scene.links)
    assert layout.covered() == set()
    assert layout.crowding() == 0


@pytest.mark.parametrize("widths", [(5, 4), (4, 8, 8, 1)], ids=str)
def test_between_columns_with_too_many_links_none_has_a_label(widths: tuple[int, ...]) -> None:
    """They have a heading instead: the first and the last weight."""
    layout = lay_out(dense(*widths), THEMES["light"])
    texts = [heading.latex for heading in layout.headings]
    full = [(i, pair) for i, pair in enumerate(pairwise(widths)) if pair[0] * pair[1] > MAX_BETWEEN]
    assert texts == [rf"w_{{{i}00}},\,\dots,\,w_{{{i}{a - 1}{b - 1}}}" for i, (a, b) in full]
    assert {link.source[1] for link in layout.labels} == {str(i) for i in range(len(widths) - 1)} - {
        str(i) for i, _ in full
    }
    assert layout.crowding() == 0


@pytest.mark.parametrize("wrt", [None, "W1[0,0]"])
def test_the_links_between_two_columns_carry_all_their_labels_or_none(wrt: str | None) -> None:
    """But for those on paths, which always do; what is left out is the entries of the array above the links."""
    drawing = bp.parse("x[4] -> dense(8, tanh) -> dense(2, tanh) -> mse").draw(wrt=wrt, level="neurons")
    layout = lay_out(drawing.scene, THEMES["light"])
    assert [heading.latex for heading in layout.headings] == ["W_{1}"]
    lit, gap = highlighted(drawing.scene), gaps(drawing.scene)
    drawn = {gap[link] for link in layout.labels if link not in lit}
    for link in drawing.scene.links:
        if link.label:
            assert (link.id in layout.labels) == (link.id in lit or gap[link.id] in drawn)
    assert {label.font for label in layout.labels.values()} == {THEMES["light"].label_font}


def test_labels_that_cannot_stand_clear_are_left_out_together() -> None:
    """In a picture that may not become wide, where there is room for boxes only."""
    scene = dense(4, 4)
    layout = lay_out(scene, THEMES["light"], room=Room(tight=0.0, low=0.0), most=(0.0, 0.0))
    assert not layout.labels
    assert len(layout.headings) == 1


def pictures(name: str) -> list[Scene]:
    """The network, its first parameter's paths, and numbers where it has them."""
    net = bp.example(name)
    wrt = next(iter(net.parameters))
    found = [net.draw().scene, net.draw("loss", wrt=wrt).scene]
    if len(net.graph.values) == len(net.inputs | net.targets | net.parameters):
        found.append(net.draw("loss", wrt=wrt, values={}).scene)
    return found


@pytest.mark.parametrize("look", ["light", "contrast"])
@pytest.mark.parametrize("name", examples())
def test_no_label_overlaps_in_any_example(name: str, look: str) -> None:
    for scene in pictures(name):
        assert lay_out(scene, THEMES[look]).crowding() == 0


@pytest.mark.parametrize("name", [name for name in examples() if name != "deep"])
def test_every_label_of_an_example_stands_on_its_own_line_only(name: str) -> None:
    """But for the example with 256 links between two columns, where only labels on paths are drawn."""
    for scene in pictures(name):
        assert lay_out(scene, THEMES["light"]).covered() == set()


def network(seed: int) -> str:
    """A random network up to six layers of eight neurons, with skip links and biases."""
    chance = random.Random(seed)
    widths = [chance.randint(1, 8) for _ in range(chance.randint(2, 6))]
    layers = [[f"n{i}_{j}" for j in range(width)] for i, width in enumerate(widths)]
    parameters, nodes = [], []
    for i, layer in enumerate(layers[1:], 1):
        for name in layer:
            sources = [each for each in layers[i - 1] if chance.random() < 0.7] or layers[i - 1][:1]
            sources += [each for each in layers[max(i - 2, 0)] if i > 1 and chance.random() < 0.1]
            terms = []
            for source in sources:
                parameters.append(f"w_{source}_{name}")
                terms.append(f"w_{source}_{name}*{source}")
            if chance.random() < 0.3:
                parameters.append(f"b_{name}")
                terms.append(f"b_{name}")
            body = " + ".join(terms)
            nodes.append(f'{name} = "{f"tanh({body})" if chance.random() < 0.5 else body}"')
    head = f"inputs = {layers[0]}\nparameters = {parameters}\noutput = {layers[-1][0]!r}\n[nodes]\n"
    return head + "\n".join(nodes)


@pytest.mark.parametrize("seed", range(30))
def test_no_label_overlaps_in_random_networks(seed: int) -> None:
    net = bp.loads(network(seed))
    wrt = random.Random(seed).choice(list(net.parameters))
    for drawing in (net.draw(), net.draw(wrt=wrt)):
        assert lay_out(drawing.scene, THEMES["light"]).crowding() == 0
        assert covering(drawing.svg) == set()


@pytest.mark.parametrize("name", [name for name in examples() if name != "deep"])
def test_no_label_covers_anything_in_the_files_of_the_examples(name: str) -> None:
    """Read back from the file, for every parameter."""
    net = bp.example(name)
    for wrt in (None, *net.parameters):
        text = net.draw("loss" if wrt else None, wrt=wrt).svg
        assert covering(text) == set()
        assert len(labels(text)) == len(lay_out(net.draw("loss" if wrt else None, wrt=wrt).scene, LIGHT).labels)


def test_a_label_that_covers_something_is_seen() -> None:
    """The measure above, on a picture in which one label was moved onto the place of another, onto a box, and away."""
    text = bp.example("lecture").draw().svg
    grounds, rects = labels(text), boxes(text)
    ground = f'x="{number(grounds["x1-s2"].left)}" y="{number(grounds["x1-s2"].top)}"'
    assert text.count(ground) == 1
    for rect in (grounds["x1-s1"], rects["s1"], grounds["x2-s1"]):
        moved = text.replace(ground, f'x="{number(rect.left)}" y="{number(rect.top)}"')
        assert "x1-s2" in covering(moved)


def astray(svg: str) -> set[str]:
    """The links whose labels stand on the path of another, or beyond it as seen from their own."""
    found, starts = set(), {highlight.path.split("-")[0] for highlight in highlights(svg)}
    grounds, lines = labels(svg), links(svg)
    for name, ground in grounds.items():
        near = min(dots(lines[name], 0.5), key=lambda point: dist(point, ground.centre))
        others = foreign(svg, name)
        on = any(ground.grown(-HALO).meets_line(line) for line in others)
        beyond = any(cross(near, ground.centre, *ends) for line in others for ends in pairwise(line))
        if (on or beyond) and not any(start_of(svg, start) == name for start in starts):
            found.add(name)
    return found


def start_of(svg: str, parameter: str) -> str:
    """The link at whose label the paths of a parameter start: the one whose ground their strokes start in."""
    first = next(highlight.line[0] for highlight in highlights(svg) if highlight.path.split("-")[0] == parameter)
    return min(labels(svg), key=lambda name: dist(labels(svg)[name].centre, first))


@pytest.mark.parametrize("wrt", ["w1_1_1", "w1_4_14", "w1_8_16", "w1_3_8"])
def test_between_crowded_columns_a_label_keeps_to_its_own_path(wrt: str) -> None:
    """Beside it, or on it where the paths lie too close; the pale links of others show through its ground."""
    text = bp.example("deep").draw(wrt=wrt).svg
    assert len(labels(text)) >= 20
    assert astray(text) == set()
    seen = {group.attrib["data-label"] for group, ground in grounds_of(text) if ground.get("fill-opacity")}
    own = {name for name, line in links(text).items() if name in labels(text) and labels(text)[name].meets_line(line)}
    assert seen == covering(text) - own - {start_of(text, wrt)}


def test_a_label_astray_is_seen() -> None:
    """The measure above, on a picture in which the label of one path stands where that of the next does."""
    text = bp.example("deep").draw(wrt="w1_4_14").svg
    grounds = labels(text)
    at, to = (f'x="{number(grounds[name].left)}" y="{number(grounds[name].top)}"' for name in PAIR)
    assert text.count(at) == 1
    assert astray(text.replace(at, to)) == {PAIR[0]}


PAIR = ("z1_14-s2_3", "z1_14-s2_5")


def grounds_of(svg: str) -> list[tuple[Element, Element]]:
    """Each label's group and its ground."""
    groups = [group for group in parsed(svg).iter(f"{SVG}g") if group.get("data-label") is not None]
    return [(group, group[0]) for group in groups]


def test_a_label_beside_a_path_is_not_parted_from_it_by_another() -> None:
    """Eight paths that fan out of one neuron: between a label and its own line runs no other."""
    net = bp.parse("x[8] -> dense(8, tanh) -> dense(8, tanh) -> dense(1) -> mse")
    text = net.draw(wrt="W1[0,0]").svg
    lines = {name: line for name, line in links(text).items() if name.startswith("z1[0]-")}
    grounds = {name: ground for name, ground in labels(text).items() if name in lines}
    assert len(grounds) == 8
    for name, ground in grounds.items():
        near = min(dots(lines[name], 0.5), key=lambda point: dist(point, ground.centre))
        others = [line for other, line in lines.items() if other != name]
        assert not any(cross(near, ground.centre, *ends) for line in others for ends in pairwise(line)), name


@pytest.mark.needs("dot")
def test_graphviz_lays_out_the_same_boxes_and_links() -> None:
    assert set(ENGINES) == {"columns", "dot"}
    scene = bp.example("skip").draw(wrt="w").scene
    layout = lay_out(scene, THEMES["light"], engine="dot")
    assert set(layout.boxes) == {box.id for box in scene.boxes}
    for link, course in layout.routes.items():
        ends = [layout.boxes[name].rect for name in link]
        assert course[0] == ends[0].centre
        assert course[-1] == ends[1].centre
    assert layout.crowding() == 0


def column(names: str, number: int) -> list[Box]:
    return [Box(name, number, name, name) for name in names.split()]


def test_crossings_are_counted() -> None:
    groups = [column("a b", 0), column("c d", 1)]
    assert crossings(groups, [Link("a", "c"), Link("b", "d")]) == 0
    assert crossings(groups, [Link("a", "d"), Link("b", "c")]) == 1
    both = [Link(s, t) for s in "ab" for t in "cd"]
    assert crossings(groups, both) == 1


def test_a_column_is_reordered_only_where_it_spares_half_of_the_crossings() -> None:
    places = {"a": 0, "b": 0, "c": 1, "d": 1}
    groups = [[Box("a", 0, "a", "a", "input"), Box("b", 0, "b", "b", "input")], column("c d", 1)]
    crossed = ordered(groups, [Link("a", "d"), Link("b", "c")], places)
    assert [[box.id for box in group] for group in crossed] == [["a", "b"], ["d", "c"]]
    full = ordered(groups, [Link(s, t) for s in "ab" for t in "cd"], places)
    assert [[box.id for box in group] for group in full] == [["a", "b"], ["c", "d"]]
