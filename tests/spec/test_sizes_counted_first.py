"""Sizes are whole numbers, counted before anything is built or held: too many are an error with their number."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.errors import LimitError
from backpropsym.ops.memory_budget import MOST_AXES, VARIABLE, amount, check_memory
from backpropsym.spec import architecture
from tests.work import lines_run

LARGE = "x[1000000000] -> relu -> mse"
WIDE = "x[100000] -> dense(100000) -> mse"
MEGABYTES = 2**20

COMMANDS = (
    ("summary",),
    ("kernel",),
    ("check", "--samples", "1"),
    ("draw", "-o", "out.svg"),
    ("draw", "--level", "layers", "-o", "out.svg"),
    *(("derive", "--wrt", "x", "--form", form) for form in ("paths", "index", "matrix", "expanded")),
    ("derive", "--wrt", "x", "--form", "numeric", "--init", "0"),
    ("derive", "--wrt", "x[0]"),
    ("derive", "--wrt", "x", "--level", "neurons"),
    ("paths", "--wrt", "x", "--stats"),
    ("costs",),
    ("train", "--steps", "1"),
    ("trace", "--init", "0"),
    ("wiggle", "--init", "0"),
    ("hessian",),
    ("jacobian",),
    ("jacobian", "--wrt", "x"),
    ("handout", "-o", "out.html"),
    ("slides", "--wrt", "x", "-o", "out.html"),
    ("explore", "-o", "out.html"),
    ("quiz",),
)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fails a test that held more than a network of small sizes needs."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * MEGABYTES


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("network", "command"),
    [
        (LARGE, ("verify", "--wrt", "x[3]", "--claim", "1")),
        *((net, each) for net in (LARGE, WIDE) for each in COMMANDS),
    ],
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_no_command_tries_to_hold_what_is_too_large(
    command: tuple[str, ...], network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers without numbers, or says how many there would be."""
    monkeypatch.chdir(tmp_path)
    name, *options = command
    done = CliRunner().invoke(app, [name, network, *options])
    assert done.exit_code in (0, 2), done.exception
    if name in ("kernel", "check", "trace", "wiggle") or "numeric" in command:
        assert done.exit_code == 2
        assert "numbers at once" in done.output
        assert f"{VARIABLE}=" in done.output


CALLS: dict[str, Callable[[bp.Network], Any]] = {
    "compile": lambda net: bp.compile(net),
    "check": lambda net: bp.check(net),
    "init": lambda net: net.init(),
    "train": lambda net: net.train(),
    "handout": lambda net: net.handout(),
}


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_calls_say_how_many_numbers_they_would_hold(call: Callable[[bp.Network], Any]) -> None:
    with pytest.raises(LimitError, match=r"would hold 10,000,\d{3},\d{3} numbers at once\n  that is 80 GB"):
        call(bp.parse(WIDE))


@pytest.mark.usefixtures("little_memory")
def test_symbolic_sizes_are_counted_when_they_are_known() -> None:
    net = bp.loads(
        'inputs = {x = ["n"]}\nparameters = {w = ["m"]}\noutput = "l"\n[nodes]\n"Q[i, j]" = "w[i]*x[j]"\nl = "sum(Q)"\n'
    )
    kernel = bp.compile(net)
    assert kernel(x=np.ones(3), w=np.ones(2))[0] == 6.0
    with pytest.raises(LimitError, match="10,000,300,001 numbers at once"):
        kernel(x=np.ones(100_000), w=np.ones(100_000))
    assert kernel(x=np.ones(4), w=np.ones(2))[0] == 8.0


@pytest.mark.usefixtures("little_memory")
def test_derivatives_of_arrays_by_arrays_are_counted() -> None:
    net, ones = bp.parse("x[30000] -> relu -> mse"), np.ones(30_000)
    kernel = bp.compile(net)
    with pytest.raises(LimitError, match="the Jacobian of relu1 by x would hold 900,000,000 numbers"):
        kernel.jacobian({"x": ones, "y": ones}, "relu1", "x")
    with pytest.raises(LimitError, match="the derivative of relu1 by x would hold 900,000,000 numbers"):
        net.derive("relu1", wrt="x").evaluate(x=ones)
    wide = bp.parse("x[1000] -> dense(1000) -> mse")
    objects = {"x": np.ones((600, 1000)), "y": np.ones((600, 1000)), "W1": np.ones((1000, 1000)), "b1": np.ones(1000)}
    with pytest.raises(LimitError, match="of each object would hold 600,600,000 numbers"):
        bp.compile(wide).per_object(objects)


def test_the_limit_is_raised_as_the_error_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitError, match=f"set the environment variable {VARIABLE}=4000000001"):
        bp.compile(bp.parse(LARGE))
    monkeypatch.setenv(VARIABLE, "4000000001")
    assert bp.compile(bp.parse(LARGE)).source
    monkeypatch.setenv(VARIABLE, "10")
    with pytest.raises(LimitError, match="at most 10 are allowed"):
        bp.compile(bp.parse("x[4] -> relu -> mse"))
    monkeypatch.setenv(VARIABLE, "many")
    assert bp.compile(bp.parse("x[4] -> relu -> mse")).source


def test_what_no_computer_can_number_is_refused_with_its_place() -> None:
    with pytest.raises(LimitError, match=r"number 99,999,999,999,999,999,999 is too large(.|\n)*\^{20}\n"):
        bp.parse("x[3] -> dense(99999999999999999999) -> mse")
    with pytest.raises(LimitError, match="about 10\\^1900 is too large"):
        bp.parse(f"x[{'9' * 1900}] -> relu -> mse")
    with pytest.raises(LimitError, match=r"x has 1,000,000,000,000,000,000,000 entries(.|\n)*network\.toml:1"):
        bp.loads('inputs = {x = [1000000000000, 1000000000]}\noutput = "a"\n[nodes]\na = "sum(x)"\n')
    with pytest.raises(LimitError, match=r"a has 10,000,000,000,000,000,000 entries(.|\n)*network\.toml:4"):
        bp.loads(
            'inputs = {x = [10000000000, 1], y = [1, 1000000000]}\noutput = "l"\n[nodes]\na = "x*y"\nl = "sum(a)"\n'
        )
    with pytest.raises(LimitError):
        check_memory(10**5000, "a number without digits")
    assert amount(10**5000) == "about 10^5000"


@pytest.mark.parametrize("count", [MOST_AXES, MOST_AXES + 1, 900])
def test_arrays_have_a_bounded_number_of_axes(count: int) -> None:
    ones = ", ".join(["1"] * count)
    leaves = f"parameters = {{w = [{ones}]}}\ninputs = {{x = [{ones}]}}\n"
    text = f'{leaves}output = "l"\n[nodes]\nh = "tanh(w*x)"\nl = "sum(h)"\n'
    if count > MOST_AXES:
        with pytest.raises(LimitError, match=f"[xw] has {count} axes"):
            bp.loads(text)
        return
    net, one = bp.loads(text), np.ones((1,) * count)
    kernel, batch = bp.compile(net), np.ones((3, *one.shape))
    assert kernel.jacobian({"x": batch, "w": one}, "h", "w").shape == (3, *one.shape, *one.shape)
    assert net.derive("h", wrt="w").evaluate(x=one, w=one).shape == (*one.shape, *one.shape)
    assert bp.check(net, samples=1).passed


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x -> 20000*relu", "20,000"),
        ("x -> 99999999*relu", "99,999,999"),
        ("x[2] -> 10*(9999*relu) -> mse", "99,991"),
        ("x[2] -> 5000*(residual(relu -> relu)) -> mse", "15,001"),
        ("x[2] -> 9999*(2*(relu -> tanh)) -> mse", "39,997"),
        (f"x[2] -> {'9' * 900}*({'9' * 900}*relu) -> mse", "about 10^1800"),
    ],
)
def test_layers_are_counted_before_the_first_is_built(text: str, count: str) -> None:
    def refused() -> None:
        with pytest.raises(LimitError, match=f"the architecture has {count.replace('^', '.')} layers"):
            bp.parse(text)

    assert lines_run(refused) < 20_000


def test_as_many_layers_as_are_allowed_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architecture, "MAX_LAYERS", 24)
    assert "relu21" in bp.parse("x[2] -> 4*(5*relu) -> residual(relu -> tanh) -> mse").graph.nodes
    with pytest.raises(LimitError, match="the architecture has 25 layers"):
        bp.parse("x[2] -> 4*(5*relu) -> residual(relu -> tanh) -> relu -> mse")


def test_many_layers_are_work_in_proportion() -> None:
    """Four times the layers are about four times the work; sixteen times where each is compared with all others."""

    def work(layers: int) -> int:
        return lines_run(lambda: bp.parse(f"x[4] -> {layers}*(dense(4, tanh) -> relu) -> mse"))

    work(10)
    assert work(400) < 6 * work(100)


def test_names_of_repeated_layers_count_up() -> None:
    nodes = bp.parse("x[2] -> 2*relu -> dense(2, name=relu5) -> 3*relu -> dense(2) -> mse").graph.nodes
    assert [name for name in nodes if name.startswith("relu")] == ["relu1", "relu2", "relu5", "relu3", "relu4", "relu6"]


def test_a_name_that_was_given_up_is_free_again() -> None:
    assert "relu1" in bp.parse("x[2] -> relu(name=first) -> relu -> mse").graph.nodes
