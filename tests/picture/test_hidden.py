"""Boxes that are left out of a picture because a person asks for it."""

from __future__ import annotations

import pytest

import backpropsym as bp
from backpropsym.errors import NetworkError, UnknownNameError


def _shown(net: bp.Network, hide: str | list[str], **options: str) -> set[str]:
    scene = net.draw(hide=hide, **options).scene  # type: ignore[arg-type]
    names = {box.id for box in scene.boxes}
    assert {end for link in scene.links for end in link.id} <= names
    assert sorted({box.column for box in scene.boxes}) == list(range(1 + max(box.column for box in scene.boxes)))
    return names


def test_names_and_groups_are_left_out_with_their_links_and_columns() -> None:
    net = bp.example("lecture")
    everything = _shown(net, [], wrt="w11")
    assert everything - _shown(net, ["loss", "targets"], wrt="w11") == {"loss", "y"}
    assert everything - _shown(net, "s2", wrt="w11") == {"s2"}
    assert everything - _shown(net, "inputs") == {"x1", "x2"}


def test_a_group_keeps_what_a_path_runs_through() -> None:
    net = bp.parse("x[2] -> dense(3, tanh) -> dense(1) -> mse")
    assert _shown(net, "parameters", wrt="W1") == {"x", "W1", "s1", "z1", "s2", "y", "loss"}
    entries = _shown(net, ["parameters", "targets"], wrt="b1[0]", level="neurons")
    assert {name.partition("@")[0] for name in entries if name.startswith(("b", "y"))} == {"b1[0]"}


def test_what_a_path_runs_through_is_not_hidden_by_its_name() -> None:
    with pytest.raises(NetworkError, match="a highlighted path runs through a"):
        bp.example("lecture").draw(wrt="w11", hide="a")


@pytest.mark.parametrize("name", ["los", "w11", "target", ""])
def test_what_no_picture_has_is_named(name: str) -> None:
    with pytest.raises(UnknownNameError, match="nothing in the picture is called"):
        bp.example("lecture").draw(wrt="w11", hide=["loss", name])
