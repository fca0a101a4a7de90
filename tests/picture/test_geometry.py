"""Pictures of every kind in every medium have no fault, and every measure of a fault sees a planted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import backpropsym as bp
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.geometry import Rect
from backpropsym.picture.layout.sheet import Sheet
from backpropsym.picture.look.media import MEDIA
from backpropsym.picture.look.themes import THEMES
from backpropsym.spec.source import examples
from tests.picture.measure import faults
from tests.picture.networks import Subject, subjects

SEEDED = list(subjects(8, seed=1))


@pytest.mark.parametrize("fit", [None, *MEDIA])
@pytest.mark.parametrize("name", [name for name in examples() if name != "deep"])
def test_examples_have_no_fault_in_any_medium(name: str, fit: str | None) -> None:
    net = bp.example(name)
    for theme in ("light", "contrast"):
        assert faults(net.draw(wrt=next(iter(net.parameters)), fit=fit, theme=theme)) == []


@pytest.mark.parametrize("fit", MEDIA)
@pytest.mark.parametrize("subject", SEEDED, ids=[subject.name for subject in SEEDED])
def test_networks_of_every_kind_have_no_fault(subject: Subject, fit: str) -> None:
    """`python -m tests.picture.survey` draws many more, in every theme."""
    assert faults(subject.network.draw(wrt=subject.wrt, level=subject.level, fit=fit)) == []


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_can_be_read_in_every_theme(theme: str) -> None:
    """With numbers, arrays, layers and eight paths."""
    net = bp.parse("x[4] -> dense(8, tanh) -> dense(1) -> mse")
    pictures = [net.draw(wrt="W1", theme=theme), net.draw(wrt="W1[0,0]", theme=theme)]
    pictures.append(
        bp.example("lecture").draw("loss", wrt="w11", values=bp.example("lecture").init(0) | NUMBERS, theme=theme)
    )
    assert [fault for picture in pictures for fault in faults(picture) if "contrast" in fault] == []


NUMBERS = {"x1": 1.0, "x2": 2.0, "y": 0.5}


@pytest.fixture(scope="module")
def picture() -> Drawing:
    """A picture without a fault, to be spoilt."""
    return bp.example("lecture").draw(wrt="w11", fit="column")


def label_on_label(sheet: Sheet) -> Sheet:
    labels = dict(sheet.layout.labels)
    first, second = list(labels)[:2]
    labels[first] = replace(labels[first], rect=labels[second].rect)
    return replace(sheet, layout=replace(sheet.layout, labels=labels))


def label_on_line(sheet: Sheet) -> Sheet:
    labels, routes = dict(sheet.layout.labels), sheet.layout.routes
    link, other = list(routes)[:2]
    (x0, y0), (x1, y1) = routes[other][:2]
    name = link if link in labels else next(iter(labels))
    labels[name] = replace(labels[name], rect=Rect.around(((x0 + x1) / 2, (y0 + y1) / 2), 20, 20))
    return replace(sheet, layout=replace(sheet.layout, labels=labels))


def box_on_line(sheet: Sheet) -> Sheet:
    boxes, route = dict(sheet.layout.boxes), next(iter(sheet.layout.routes.values()))
    name = list(boxes)[-1]
    boxes[name] = replace(boxes[name], rect=Rect.around(route[0], 60, 46))
    return replace(sheet, layout=replace(sheet.layout, boxes=boxes))


def narrow_sheet(sheet: Sheet) -> Sheet:
    bounds = sheet.layout.bounds
    less = Rect(bounds.left + 60, bounds.top, bounds.right - 90, bounds.bottom)
    return replace(sheet, layout=replace(sheet.layout, bounds=less), legend=None, medium=None)


def small_label(sheet: Sheet) -> Sheet:
    labels = dict(sheet.layout.labels)
    name = next(iter(labels))
    labels[name] = replace(labels[name], font=9.0)
    return replace(sheet, layout=replace(sheet.layout, labels=labels))


def legend_on_itself(sheet: Sheet) -> Sheet:
    assert sheet.legend is not None
    texts = [replace(text, left=100.0, baseline=20.0) for text in sheet.legend.texts]
    return replace(sheet, legend=replace(sheet.legend, texts=tuple(texts)))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (label_on_label, "overlaps"),
        (label_on_line, "stands on"),
        (box_on_line, "runs beneath box"),
        (narrow_sheet, "stands outside"),
        (small_label, "has type of"),
        (legend_on_itself, "of the legend overlap"),
    ],
)
def test_a_planted_fault_is_seen(picture: Drawing, spoil: Callable[[Sheet], Sheet], fault: str) -> None:
    assert faults(picture) == []
    spoilt = replace(picture)
    spoilt.__dict__["sheet"] = spoil(picture.sheet)
    assert any(fault in found for found in faults(spoilt))


def test_pale_text_is_seen(picture: Drawing) -> None:
    pale = replace(picture, theme=replace(picture.theme, quiet="#C0C8D0"))
    assert any("contrast" in found for found in faults(pale))
