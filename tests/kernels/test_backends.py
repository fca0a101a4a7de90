"""The registry of backends: its entries, and what is said of those that are not there or do not fit."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import backpropsym as bp
from backpropsym.checks.comparisons.kernels import other_engines
from backpropsym.cli.registries import complete_engine
from backpropsym.errors import BackpropsymError, MissingExtraError, OutputError, UnknownNameError, ValuesError
from backpropsym.kernels.api.compile import MODES, compile_kernel, kernel_source
from backpropsym.kernels.backends.registry import BACKENDS, Package, backend_of
from tests.kernels.networks import lecture

ARRAYS = "x[2] -> dense(1) -> mse"
EVERY = pytest.mark.parametrize("name", BACKENDS)


@EVERY
def test_a_backend_is_listed_under_its_name(name: str) -> None:
    backend = backend_of(name)
    assert backend.name == name and backend.about
    assert set(backend.modes) <= set(MODES)
    assert name in complete_engine(name[:2])


@EVERY
def test_a_text_is_written_whether_or_not_its_package_is_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in BACKENDS[name].needs:
        monkeypatch.setitem(sys.modules, package.module, None)
    assert "w11" in kernel_source(lecture(), engine=name)


@pytest.mark.parametrize("name", [name for name, backend in BACKENDS.items() if backend.needs])
def test_a_missing_package_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in BACKENDS[name].needs:
        with monkeypatch.context() as missing:
            missing.setitem(sys.modules, package.module, None)
            with pytest.raises(MissingExtraError, match=f"the engine {name} needs {package.title}") as caught:
                compile_kernel(lecture(), engine=name)
        assert f"pip install 'backpropsym[{package.extra}]'" in str(caught.value)


@pytest.mark.parametrize("name", [name for name, backend in BACKENDS.items() if backend.runtime is None])
def test_a_kernel_that_runs_elsewhere_is_saved_and_says_so_when_called(name: str, tmp_path: Path) -> None:
    graph = lecture()
    kernel = compile_kernel(graph, engine=name)
    kernel.save(tmp_path / f"net{BACKENDS[name].suffix}")
    assert (tmp_path / f"net{BACKENDS[name].suffix}").read_text(encoding="utf-8") == kernel.source
    with pytest.raises(OutputError, match=f"a kernel of the engine {name} is not computed in Python"):
        kernel(x1=1.0)


@EVERY
def test_what_a_backend_cannot_do_is_refused(name: str) -> None:
    backend = BACKENDS[name]
    graph, arrays = lecture(), bp.parse(ARRAYS).graph
    for mode in set(MODES) - set(backend.modes):
        with pytest.raises(UnknownNameError, match=f"engine {name} is for .*the modes? {backend.modes[0]}"):
            compile_kernel(graph, mode, engine=name)
    if not backend.arrays:
        with pytest.raises(UnknownNameError, match=f"engine {name} is for networks of scalars"):
            kernel_source(arrays, engine=name)
    if not backend.parts:
        with pytest.raises(ValuesError, match=f"engine {name} computes a batch as a whole"):
            compile_kernel(graph, engine=name, objects_at_once=2)


@pytest.mark.parametrize("call", [compile_kernel, kernel_source])
def test_an_unknown_engine_is_one_error(call: Any) -> None:
    with pytest.raises(UnknownNameError, match="no engine is called 'cuda'") as caught:
        call(lecture(), engine="cuda")
    assert "choose from: numpy, numba, " in str(caught.value)
    with pytest.raises(UnknownNameError) as near:
        call(lecture(), engine="nump")
    assert "did you mean numpy?" in str(near.value)


def test_other_engines_are_checked() -> None:
    names = [comparison.name for comparison in other_engines()]
    runs = [name for name, backend in BACKENDS.items() if backend.runtime is not None and name != "numpy"]
    assert names == [f"kernel reverse (default accuracy, engine {name})" for name in runs]
    assert "numba" in runs


def test_every_missing_package_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Package("no_such_package_here", "Nothing", "nothing")
    monkeypatch.setitem(BACKENDS, "numpy", replace(BACKENDS["numpy"], needs=(Package("math", "Math", ""), nowhere)))
    with pytest.raises(BackpropsymError, match="the engine numpy needs Nothing, which is not installed"):
        compile_kernel(lecture())
