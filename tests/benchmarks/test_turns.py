"""The machinery of the benchmarks on a tiny workload: who is measured, and what is said of the others; no times."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmarks import alternatives

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
BAD = {
    "other_value": (True, "failed: the value differs from that of backpropsym"),
    "other_gradient": (True, "failed: the gradient of w differs from that of backpropsym"),
    "not_a_number": (True, "failed: the gradient of w differs from that of backpropsym"),
    "without_gradient": (True, "failed: the gradient of w differs from that of backpropsym"),
    "raises": (True, "failed: ValueError: no such layout"),
    "ends": (True, "failed: its process ended with 7"),
    "ends_later": (True, "failed: its process ended with 7"),
}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the benchmarks, which are a folder of programs and no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import run
    import turns
    import workload

    return SimpleNamespace(run=run, turns=turns, workload=workload)


def tiny(bench: SimpleNamespace, **others: Any) -> Any:
    """A workload whose own entry is right, and `others`."""
    own = bench.workload.Alternative(alternatives.right, compiles=True)
    return bench.workload.Workload("tiny", {"x": 3.0, "w": 2.0}, {"backpropsym": own} | others, 1e-12)


def rows(bench: SimpleNamespace, workload: Any) -> dict[str, Any]:
    """The rows of a workload measured in one round."""
    found = bench.turns.in_turns(workload, 1, bench.turns.Setting())
    assert [row.alternative for row in found if row.workload == "tiny"] == list(workload.alternatives)
    return {row.alternative: row for row in found if row.workload == "tiny"}


def test_alternatives_that_agree_have_a_time_and_a_ratio(bench: SimpleNamespace) -> None:
    talks = bench.workload.Alternative(alternatives.talks, note="says something")
    found = bench.turns.in_turns(tiny(bench, talks=talks), 3, bench.turns.Setting(clock="processor time"), 2)
    assert [(row.workload, row.alternative) for row in found] == [
        ("tiny", "backpropsym"),
        ("tiny", "talks"),
        ("tiny: to the end of the first call", "backpropsym"),
    ]
    assert all(row.seconds > 0.0 and math.isfinite(row.ratio) and not row.failed for row in found)
    assert found[1].ratio == found[1].seconds / found[0].seconds
    assert found[1].note == "says something"


def test_one_that_disagrees_ends_or_is_missing_is_named_and_the_others_are_measured(bench: SimpleNamespace) -> None:
    bad = {name: bench.workload.Alternative(getattr(alternatives, name)) for name in BAD}
    absent = bench.workload.Alternative(alternatives.ends, ("no_such_library",))
    part = bench.workload.Alternative(alternatives.other_value, read=None)
    good = bench.workload.Alternative(alternatives.right)
    found = rows(bench, tiny(bench, **bad, absent=absent, part=part, good=good))
    assert {name: (found[name].failed, found[name].note) for name in BAD} == BAD
    assert (found["absent"].failed, found["absent"].note) == (False, "left out: no_such_library is not installed")
    assert all(math.isnan(found[name].seconds) for name in (*BAD, "absent"))
    assert all(found[name].seconds > 0.0 and not found[name].failed for name in ("part", "good"))


def test_nothing_is_measured_against_an_own_entry_that_fails(bench: SimpleNamespace) -> None:
    own, other = bench.workload.Alternative(alternatives.raises), bench.workload.Alternative(alternatives.right)
    found = rows(bench, bench.workload.Workload("tiny", {"x": 3.0}, {"backpropsym": own, "other": other}, 1e-12))
    assert found["backpropsym"].note == "failed: ValueError: no such layout"
    assert found["other"].failed


@pytest.mark.parametrize(("threads", "seen"), [(1, 1.0), (4, 4.0), (None, 0.0)])
def test_every_process_has_the_same_threads(
    threads: int | None, seen: float, bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    task = bench.workload.Task(bench.workload.Alternative(alternatives.variable), {"x": 0.0, "w": 0.0}, "time")
    with bench.turns.Worker(bench.turns.Setting(threads)) as worker:
        assert worker.ask(task).numbers[0] == seen


def test_a_run_writes_what_failed_and_ends_with_1(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = bench.workload.Alternative(alternatives.other_gradient)
    measured = bench.turns.in_turns(tiny(bench, bad=bad), 1, bench.turns.Setting())
    monkeypatch.setattr(bench.run, "workloads", lambda quick, setting: {"tiny": lambda: measured})
    output = tmp_path / "found.json"
    assert bench.run.main(["--threads", "default", "-o", str(output)]) == 1
    written = json.loads(output.read_text())
    assert written["threads"] == "default"
    assert [row["failed"] for row in written["rows"]] == [False, True, False]
    capsys.readouterr()
    assert bench.run.main(["--table", str(output)]) == 0
    table = capsys.readouterr().out
    assert "in as many threads as each library takes: time on" in table
    assert f"| bad ({BAD['other_gradient'][1]}) |  |  |  |" in table


@pytest.mark.parametrize("words", [["--threads", "0"], ["--threads", "many"], ["--threads", "2", "--cpu"]])
def test_threads_that_cannot_be_measured_are_refused(words: list[str], bench: SimpleNamespace) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.run.main(words)
