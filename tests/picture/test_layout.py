"""Nothing overlaps, columns are straight, lanes pass every box."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.errors import NetworkError
from backpropsym.picture.content.columns import columns
from backpropsym.picture.layout.geometry import Rect, beside, length, tail, walk
from backpropsym.picture.layout.grid import LONG
from backpropsym.picture.layout.labels import overlapping
from backpropsym.picture.layout.layout import Layout, PlacedLabel, lay_out
from backpropsym.picture.look.themes import LIGHT
from backpropsym.picture.scene import HighlightedPath, LinkId, Role, Scene
from tests.picture.scenes import chain, dense, lecture, scene, single, skips

SCENES = [lecture(), lecture(highlighted=False), dense(2, 3, 1), dense(4, 8, 8, 1), skips(), chain(20), single()]


@pytest.mark.parametrize("found", SCENES)
def test_nothing_overlaps(found: Scene) -> None:
    assert lay_out(found, LIGHT).crowding() == 0


def test_an_overlap_is_counted() -> None:
    layout = lay_out(lecture(), LIGHT)
    link, label = next(iter(layout.labels.items()))
    planted = PlacedLabel(label.text, layout.boxes["s1"].rect, label.share)
    assert replace(layout, labels={**layout.labels, link: planted}).crowding() == 1


def test_labels_keep_off_the_links_of_others_where_they_can() -> None:
    layout = lay_out(lecture(highlighted=False), LIGHT)
    crossed = [
        (name, other)
        for name, label in layout.labels.items()
        for other, course in layout.routes.items()
        if other != name and label.rect.meets_line(course)
    ]
    assert crossed == []


def test_columns_are_straight_symmetric_and_in_the_order_written() -> None:
    boxes = lay_out(lecture(), LIGHT).boxes
    for names in (("x1", "x2"), ("s1", "s2"), ("z1", "z2"), ("u1", "u2"), ("h1", "h2")):
        upper, lower = (boxes[name].rect.centre for name in names)
        assert upper[0] == lower[0]
        assert upper[1] < lower[1]
        assert upper[1] + lower[1] == pytest.approx(2 * boxes["a"].rect.centre[1])


def test_target_and_loss_stand_at_the_right() -> None:
    boxes = lay_out(skips(), LIGHT).boxes
    assert boxes["loss"].rect.left == max(box.rect.left for box in boxes.values())
    assert boxes["y"].rect.top > boxes["a"].rect.bottom
    assert boxes["y"].rect.centre[0] == boxes["a"].rect.centre[0]


def test_a_parameter_of_one_neuron_hangs_above_it() -> None:
    boxes = lay_out(skips(), LIGHT).boxes
    assert boxes["b"].small
    assert boxes["b"].rect.bottom < boxes["s2"].rect.top
    assert not boxes["c"].small


def test_columns_come_from_the_longest_path() -> None:
    roles: dict[str, Role] = {
        "x": "input", "w": "parameter", "b": "parameter", "s": "value", "z": "value", "r": "value",
        "y": "target", "a": "output", "loss": "loss", "unused": "parameter",
    }  # fmt: skip
    pairs = ["x s", "w s", "s z", "z a", "x a", "b a", "a loss", "y loss", "w r", "r loss"]
    found = columns(roles, [LinkId(*pair.split()) for pair in pairs])
    assert found == {"x": 0, "w": 0, "s": 1, "z": 2, "a": 3, "b": 2, "y": 3, "r": 3, "loss": 4, "unused": 0}


def test_a_network_without_inputs_has_columns() -> None:
    found = columns({"w": "parameter", "a": "output"}, [LinkId("w", "a")])
    assert found == {"w": 0, "a": 1}


def passes_boxes(layout: Layout) -> list[tuple[LinkId, str]]:
    """Links that run through boxes of the columns between their ends."""
    where = layout.column
    return [
        (link, name)
        for link, course in layout.routes.items()
        for name, box in layout.boxes.items()
        if where[link.source] < where[name] < where[link.target] and box.rect.meets_line(course)
    ]


def test_links_that_skip_columns_pass_every_box() -> None:
    for found in (skips(), chain(20)):
        assert passes_boxes(lay_out(found, LIGHT)) == []


def test_a_link_through_a_box_is_seen() -> None:
    layout = lay_out(chain(5), LIGHT)
    link = LinkId("z1", "z4")
    straight = (layout.boxes["z1"].rect.centre, layout.boxes["z4"].rect.centre)
    assert passes_boxes(replace(layout, routes={**layout.routes, link: straight}))


@st.composite
def random_scenes(draw: st.DrawFn) -> Scene:
    """Graphs with fan-out, skips, shared and hanging parameters."""
    count = draw(st.integers(2, 14))
    names = [f"n{i}" for i in range(count)]
    roles: dict[str, Role] = {}
    links = []
    for i, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=4)) if i else []
        roles[name] = "value" if parents else draw(st.sampled_from(["input", "parameter", "target", "constant"]))
        links += [(parent, name, draw(st.sampled_from(["", "w1", "v12"]))) for parent in parents]
    roles[names[-1]] = "output"
    return scene(roles, links)


def test_the_level_links_of_a_long_picture_are_as_short_as_their_labels_allow() -> None:
    short, long = (lay_out(chain(length), LIGHT) for length in (LONG - 4, LONG + 4))
    widths = [layout.bounds.width / len(set(layout.column.values())) for layout in (short, long)]
    assert widths[1] < 0.9 * widths[0]
    assert (long.crowding(), long.covered()) == (0, set())


@settings(max_examples=60, deadline=None)
@given(random_scenes())
def test_boxes_of_any_graph_are_apart_and_lanes_clear(found: Scene) -> None:
    layout = lay_out(found, LIGHT)
    assert overlapping([box.rect for box in layout.boxes.values()]) == []
    assert passes_boxes(layout) == []


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 9)] * 2), max_size=12))
def test_overlaps_are_found_as_by_comparing_all_pairs(sizes: list[tuple[int, int, int, int]]) -> None:
    rects = [Rect(x, y, x + width, y + height) for x, y, width, height in sizes]
    pairs = [(i, j) for i in range(len(rects)) for j in range(i + 1, len(rects)) if rects[i].overlaps(rects[j])]
    assert overlapping(rects) == pairs


def test_geometry() -> None:
    corner = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert length(corner) == 20
    assert walk(corner, 0.75) == ((10.0, 5.0), (0.0, 1.0))
    assert tail(corner, 0.25) == ((5.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert beside(corner, 1.0) == ((0.0, 1.0), (9.0, 1.0), (9.0, 10.0))
    assert Rect(0, 0, 4, 4).meets((-1, 2), (5, 2))
    assert not Rect(0, 0, 4, 4).meets((-1, 5), (5, 5))


def test_a_scene_refuses_what_does_not_fit_together() -> None:
    found = lecture()
    with pytest.raises(NetworkError, match="which is no box"):
        replace(found, boxes=found.boxes[1:])
    with pytest.raises(NetworkError, match="2 boxes called 'x1'"):
        replace(found, boxes=(*found.boxes, found.boxes[0]))
    with pytest.raises(NetworkError, match="jumps from s1 to u1"):
        jump = HighlightedPath(1, ("x1", "s1", "a"), (LinkId("x1", "s1"), LinkId("u1", "h1")), "", "")
        replace(found, highlights=(jump,))
    with pytest.raises(NetworkError, match="which is no link"):
        replace(found, highlights=(HighlightedPath(1, ("x1", "a"), (LinkId("x1", "a"),), "", ""),))
