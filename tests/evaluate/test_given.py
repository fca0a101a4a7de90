"""Numbers given in a call come before the network's own, and names that the network lacks are errors, everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.learn.descent import Plan
from backpropsym.network import Network

SCALARS = """
inputs = ["x"]
targets = ["y"]
parameters = ["w", "v"]
output = "a"
loss = "(a - y)**2"
[nodes]
s = "w*x + v"
h = "tanh(s)"
a = "h + w*h*x"
[values]
"""
ARRAYS = """
inputs = {x = [2]}
targets = {y = [2]}
parameters = {w = [2, 2], v = [2]}
output = "a"
loss = "mse(a, y)"
[nodes]
s = "w @ x + v"
h = "tanh(s)"
a = "h*h"
[values]
"""
NUMBERS = {
    SCALARS: ("x = 0.5\ny = 0.25\nw = -0.75\nv = 0.125\n", "x = -1.5\ny = 1.25\nw = 0.5\nv = 0.375\n"),
    ARRAYS: (
        "x = [0.5, -0.25]\ny = [0.25, 0.5]\nw = [[-0.75, 0.5], [0.25, 1.0]]\nv = [0.125, -0.5]\n",
        "x = [-1.5, 0.75]\ny = [1.25, 0.0]\nw = [[0.5, -0.25], [0.75, 0.375]]\nv = [0.375, 0.5]\n",
    ),
}
ENTRY = {SCALARS: ("a", "w", "v"), ARRAYS: ("a[0]", "w[0,1]", "v[0]")}
Given = Mapping[str, Any]
Call = Callable[[Network, str, Given], Any]


def networks(text: str) -> tuple[Network, Network]:
    """The same network with two sets of numbers of its own."""
    first, second = (bp.loads(text + values) for values in NUMBERS[text])
    return first, second


def derivation(net: Network, text: str) -> Any:
    """The derivative of one number by one number."""
    of, wrt, _ = ENTRY[text]
    return net.derive(of, wrt=wrt)


def second(net: Network, text: str) -> Any:
    """A second derivative."""
    of, *wrt = ENTRY[text]
    return net.derive(of, wrt=wrt)


def terms(found: Any) -> list[tuple[float, ...]]:
    """The numbers of terms."""
    return [(*term.numbers, term.value, term.share) for term in found]


def descended(net: Network, given: Given) -> Any:
    """What one step of descent from given numbers reaches."""
    data = {name: np.asarray(given.get(name, net.values.get(name)))[None] for name in ("x", "y")}
    at = {name: value for name, value in given.items() if name not in data}
    return net.train(data, at=at, plan=Plan(steps=1)).parameters


def written(save: Callable[[Path], Any], name: str, tmp: Path) -> str:
    """The text of what is saved as a file."""
    save(tmp / name)
    return (tmp / name).read_text()


CALLS: dict[str, Call] = {
    "Derivation.evaluate": lambda net, text, given: derivation(net, text).evaluate(**given),
    "Derivation.numbers": lambda net, text, given: derivation(net, text).numbers(given),
    "Derivation.numbers_at_one_object": lambda net, text, given: derivation(net, text).numbers_at_one_object(given),
    "Derivation.adjoint_values": lambda net, text, given: derivation(net, text).adjoint_values(given),
    "Derivation.node_values": lambda net, text, given: derivation(net, text).node_values(given),
    "Derivation.numeric": lambda net, text, given: terms(derivation(net, text).numeric(given)),
    "Derivation.terms_in_numbers": lambda net, text, given: terms(
        derivation(net, text).terms_in_numbers(derivation(net, text).space, given)
    ),
    "Derivation.analytics": lambda net, text, given: str(derivation(net, text).analytics(given)),
    "Derivation.latex": lambda net, text, given: derivation(net, text).latex("numeric", given),
    "Derivation of no path": lambda net, text, given: net.derive(ENTRY[text][1], wrt=ENTRY[text][2]).evaluate(**given),
    "HigherDerivation.evaluate": lambda net, text, given: second(net, text).evaluate(**given),
    "HigherDerivation.numeric": lambda net, text, given: terms(second(net, text).numeric(given)),
    "TensorDerivation.evaluate": lambda net, text, given: net.derive("a", wrt="w").evaluate(**given),
    "gradient network": lambda net, text, given: (
        net.gradient_graph(ENTRY[text][0], wrt=ENTRY[text][1]).derive(wrt=ENTRY[text][2]).evaluate(**given)
    ),
    "network of neurons": lambda net, text, given: (
        net.at_level("neurons").derive("loss", wrt=ENTRY[text][1]).evaluate(**given)
    ),
    "Network.hessian": lambda net, text, given: net.hessian("loss").evaluate(**given),
    "Hessian.times": lambda net, text, given: net.hessian("loss").times({ENTRY[text][2]: 1.0}, **given),
    "Network.jacobian": lambda net, text, given: net.jacobian("a", ("w", "v")).evaluate(**given),
    "Network.trace": lambda net, text, given: net.trace(given).gradient,
    "Network.wiggle": lambda net, text, given: [
        (row.value, row.derivative, row.pushes) for row in net.wiggle(given, "loss").rows
    ],
    "Network.train": lambda net, text, given: descended(net, given),
    "Network.check": lambda net, text, given: [row.values for row in net.check(1, at=given).rows],
    "Network.draw": lambda net, text, given: net.draw(ENTRY[text][0], wrt=ENTRY[text][1], values=given).svg,
    "Network.slides": lambda net, text, given: (
        net.slides(ENTRY[text][0], wrt=ENTRY[text][1], values=given, steps=["forward", "sum"]).beamer
    ),
    "Network.explore": lambda net, text, given: net.explore("loss", values=given).html,
}
TABLES = {"Network.explore": (SCALARS,), "Network.slides": (SCALARS, ARRAYS)}
CASES = [(name, text) for name in CALLS for text in TABLES.get(name, (SCALARS, ARRAYS))]
IDS = [f"{name}, {'numbers' if text is SCALARS else 'arrays'}" for name, text in CASES]


@pytest.mark.parametrize(("name", "text"), CASES, ids=IDS)
def test_given_numbers_win(name: str, text: str) -> None:
    net, other = networks(text)
    given, wanted = CALLS[name](net, text, other.values), CALLS[name](other, text, {})
    np.testing.assert_equal(given, wanted)
    if name != "Derivation of no path":
        with pytest.raises(AssertionError):
            np.testing.assert_equal(CALLS[name](net, text, {}), wanted)


@pytest.mark.parametrize(("name", "text"), CASES, ids=IDS)
def test_a_name_that_the_network_lacks_is_an_error(name: str, text: str) -> None:
    net, _ = networks(text)
    for given, told in (({"ww": 1.0}, "ww"), ({"s": net.values["y"]}, "s")):
        with pytest.raises(bp.BackpropsymError, match=rf"to {told}, which"):
            CALLS[name](net, text, given)


def test_the_walk_takes_every_method_that_numbers_are_given_to() -> None:
    """A method with a parameter for numbers that is not in the table above is not tested."""
    owners = (
        Network,
        *(type(derivation(networks(text)[0], text)) for text in NUMBERS),
        bp.example("lecture").hessian(),
    )
    taking = {
        name
        for owner in owners
        for name, method in inspect.getmembers(owner, callable)
        if not name.startswith("_") and {"at", "values"} & set(inspect.signature(method).parameters)
    }
    covered = {name.partition(".")[2] or name for name in CALLS}
    assert taking - covered == {"handout", "latex"} - covered


KERNEL_CALLS: dict[str, Callable[[Any, Given], Any]] = {
    "call": lambda kernel, given: kernel(**given),
    "gradients": lambda kernel, given: kernel.gradients(given),
    "per_object": lambda kernel, given: kernel.per_object(given),
    "intermediates": lambda kernel, given: kernel.intermediates(given),
    "vjp": lambda kernel, given: kernel.vjp(given, {"loss": 1.0}),
    "jvp": lambda kernel, given: kernel.jvp(given, {"v": given["v"]}),
    "hvp": lambda kernel, given: kernel.hvp(given, {"v": given["v"]}),
    "jacobian": lambda kernel, given: kernel.jacobian(given, "a", "w"),
}


@pytest.mark.parametrize("text", [SCALARS, ARRAYS], ids=["numbers", "arrays"])
@pytest.mark.parametrize("name", KERNEL_CALLS)
def test_kernels_refuse_names_that_the_network_lacks(name: str, text: str) -> None:
    net, _ = networks(text)
    kernel = bp.compile(net)
    KERNEL_CALLS[name](kernel, net.values)
    with pytest.raises(bp.BackpropsymError, match="'ww'"):
        KERNEL_CALLS[name](kernel, {**net.values, "ww": 1.0})


COMMANDS: dict[str, tuple[str, ...]] = {
    "derive": ("--wrt", "{wrt}", "--of", "{of}", "--form", "numeric"),
    "paths": ("--wrt", "{wrt}", "--of", "{of}"),
    "trace": (),
    "train": ("--steps", "1"),
    "wiggle": (),
    "jacobian": (),
    "hessian": (),
    "draw": ("--wrt", "{wrt}", "--of", "{of}", "-o", "{file}.svg"),
    "latex": ("--wrt", "{wrt}", "--of", "{of}", "--form", "numeric"),
    "slides": ("--wrt", "{wrt}", "--of", "{of}", "-o", "{file}.tex"),
    "explore": ("-o", "{file}.html"),
    "handout": ("-o", "{file}.md"),
}
_SECOND = ("--wrt", "{by}")
EXTENDED = {
    **COMMANDS,
    "derive twice": (*COMMANDS["derive"], *_SECOND),
    "derive entries": (*COMMANDS["derive"], "--level", "neurons"),
    "paths entries": (*COMMANDS["paths"], "--level", "neurons"),
}


def command_lines(command: str, text: str, tmp: Path) -> list[str]:
    """The arguments of a command after the network."""
    of, wrt, by = ENTRY[text]
    return [part.format(of=of, wrt=wrt, by=by, file=tmp / "out") for part in EXTENDED[command]]


def printed(command: str, text: str, network: Path, at: Path, tmp: Path) -> tuple[int, str]:
    """The exit code of a command, and all that it writes, with the numbers of a file."""
    found = CliRunner().invoke(
        app, [command.split()[0], str(network), *command_lines(command, text, tmp), "--at", str(at)]
    )
    saved = sorted(tmp.glob("out.*"))
    return found.exit_code, found.output + "".join(path.read_text() for path in saved)


@pytest.mark.parametrize("text", [SCALARS, ARRAYS], ids=["numbers", "arrays"])
@pytest.mark.parametrize("command", EXTENDED)
def test_numbers_of_a_file_win(command: str, text: str, tmp_path: Path) -> None:
    first, other = NUMBERS[text]
    files = {"net.toml": text + first, "at.toml": other, "wrong.toml": "ww = 1.0\n", "computed.toml": "s = 1.0\n"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    net = tmp_path / "net.toml"
    given = printed(command, text, net, tmp_path / "at.toml", tmp_path)
    net.write_text(text + other)
    assert given == printed(command, text, net, tmp_path / "at.toml", tmp_path)
    assert given[0] == 0
    for name, told in (("wrong.toml", "ww"), ("computed.toml", "s")):
        code, output = printed(command, text, net, tmp_path / name, tmp_path)
        assert code == 2, output
        assert told in output


def test_every_command_that_takes_numbers_is_tried() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    taking = {name for name, each in commands.items() if any("--at" in option.opts for option in each.params)}
    assert taking == set(COMMANDS)
