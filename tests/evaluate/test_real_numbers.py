"""What is no real number is refused wherever numbers come in, in arrays as alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import BackpropsymError, ValuesError
from backpropsym.learn.descent import Plan
from backpropsym.ops.real_numbers import real_array
from backpropsym.spec.values import read_values

REFUSED: dict[str, Any] = {
    "complex": np.ones(3) * 1j,
    "complex list": [1.0, 2.0, 3j],
    "complex objects": np.array([1, 2, 3j], dtype=object),
    "None": [1.0, 2.0, None],
    "texts": np.array(["1", "2", "3"]),
    "a text among numbers": [1.0, 2.0, "3"],
    "text objects": np.array([1.0, 2.0, "3"], dtype=object),
    "bytes": np.array([b"1", b"2", b"3"]),
    "dates": np.array(["2020-01-01"] * 3, dtype="datetime64[D]"),
    "lengths of time": np.array([1, 2, 3], dtype="timedelta64[s]"),
    "records": np.zeros(3, dtype=[("a", float)]),
    "rows of different lengths": [1.0, [2.0], 3.0],
    "a number too large": [1.0, 2.0, 10**400],
    "masked entries": np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 1]),
    "a mapping": {"x": 1.0},
    "a set": {1.0, 2.0, 3.0},
}
ACCEPTED: dict[str, Any] = {
    "whole numbers": [1, 2, 3],
    "bytes of pictures": np.array([1, 2, 3], dtype=np.uint8),
    "halves": np.array([1, 2, 3], dtype=np.float16),
    "fractions": [Fraction(1), Decimal(2), 3],
    "wide": [1, 2, 3 * 10**30 // 10**30],
    "a mask without entries": np.ma.array([1.0, 2.0, 3.0], mask=False),
    "a tuple": (1.0, 2.0, np.float32(3.0)),
}
SCALARS = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n')
VECTORS = bp.loads('inputs = {x = [3]}\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*sum(x)"\n')


def saved(net: bp.Network) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": "saved"}
    exec(compile(net.compile().source, "<saved>", "exec"), namespace)
    kernel: Callable[..., Any] = namespace["kernel"]
    return kernel


def trained(net: bp.Network, x: Any) -> Any:
    two = np.ma.stack if isinstance(x, np.ma.MaskedArray) else list
    objects = x if net is SCALARS else two([x, x])
    return net.train({"x": objects}, plan=Plan(steps=1), at={"w": 1.0}).before.train.objective


PLACES: dict[str, Callable[[bp.Network, Any], Any]] = {
    "kernel": lambda net, x: net.compile()(x=x, w=1.0)[0],
    "kernel of paths": lambda net, x: net.compile(mode="paths" if net is SCALARS else "reverse")(x=x, w=1.0)[0],
    "saved module": lambda net, x: saved(net)(x=x, w=1.0)[0],
    "products": lambda net, x: net.compile().gradients({"x": x, "w": 1.0}, "x")[0],
    "a direction": lambda net, x: np.mean(net.compile().jvp({"x": [1.0, 1.0, 1.0], "w": 1.0}, {"x": x})["a"]),
    "derivation": lambda net, x: net.derive("a", wrt="w").evaluate(x=x, w=1.0),
    "training": trained,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("net", [SCALARS, VECTORS], ids=["of numbers", "of arrays"])
@pytest.mark.parametrize("x", REFUSED.values(), ids=REFUSED)
def test_what_is_no_real_number(x: Any, net: bp.Network, place: Callable[[bp.Network, Any], Any]) -> None:
    with pytest.raises((BackpropsymError, ValueError), match=r"\bx is n|value of x is n|t_x is n|x of the data"):
        place(net, x)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("net", [SCALARS, VECTORS], ids=["of numbers", "of arrays"])
@pytest.mark.parametrize("x", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_a_real_number(x: Any, net: bp.Network, place: Callable[[bp.Network, Any], Any]) -> None:
    assert place(net, x) == pytest.approx(2.0 if net is SCALARS else 6.0)


@pytest.mark.parametrize("section", ["values", "constants"])
@pytest.mark.parametrize("numbers", ['["1", "2"]', "[1.0, true]", "[[1.0], [true]]", "[2020-01-01, 1]", "[1, [2]]"])
def test_numbers_of_a_network_file(section: str, numbers: str) -> None:
    declared = "parameters = {w = [2]}\n" if section == "values" else ""
    text = f'{declared}output = "a"\n[{section}]\nw = {numbers}\n[nodes]\na = "sum(w)"\n'
    with pytest.raises(BackpropsymError, match="w is not an array of numbers"):
        bp.loads(text)


@pytest.mark.parametrize("numbers", ['["1", "2", "3"]', "[1.0, true, 2.0]", "[2020-01-01, 1, 2]", "[1, [2], 3]"])
def test_numbers_at_a_file(tmp_path: Path, numbers: str) -> None:
    path = tmp_path / "at.toml"
    path.write_text(f"x = {numbers}\n", encoding="utf-8")
    with pytest.raises(ValuesError, match="the value of x is not a number"):
        read_values(path, VECTORS.graph)


def test_a_real_number_is_told_from_others_by_one_function() -> None:
    """Every reason is a text, and what is refused gives no array."""
    for value in REFUSED.values():
        array, wrong = real_array(value)
        assert array is None
        assert re.search(r"\w", wrong)
    for value in ACCEPTED.values():
        array, wrong = real_array(value)
        assert (array.tolist(), wrong) == ([1, 2, 3], "")
