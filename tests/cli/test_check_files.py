"""The report of a check as a file, its limit of time, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.checks.comparison_result import Compared, Outcome
from backpropsym.checks.report import Fault, Report, Row, Verdict
from backpropsym.cli.app import app
from backpropsym.document.reports.junit import junit


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["check", *arguments])
    return found.exit_code, found.stdout, found.stderr


def test_a_report_as_json_is_what_the_option_prints(tmp_path: Path) -> None:
    code, shown, told = run("neuron", "-o", str(tmp_path / "report.json"))
    assert code == 0
    assert "passed: " in shown and "report.json" in told
    written = json.loads((tmp_path / "report.json").read_text())
    printed = json.loads(run("neuron", "--json")[1])
    assert written["passed"] is written["complete"] is True
    assert [each["name"] for each in written["comparisons"]] == [each["name"] for each in printed["comparisons"]]
    assert set(written) == set(printed)


def test_a_report_for_continuous_integration_has_a_case_for_each_comparison(tmp_path: Path) -> None:
    path = tmp_path / "report.XML"
    assert run("neuron", "-o", str(path))[0] == 0
    suite = ElementTree.parse(path).getroot()
    report = bp.example("neuron").check()
    names = [case.get("name") for case in suite]
    assert suite.tag == "testsuite"
    assert names == [*(f"d{report.of}/d{row.name}" for row in report.rows), *(each.name for each in report.comparisons)]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(names)), "0")


def test_what_is_wrong_fails_and_what_was_not_reached_is_skipped() -> None:
    fault = Fault("values: s[0] <&>", "1", 2.0)
    rows = (
        Row("w", Verdict.MISMATCH, (1.0,), faults=(Fault("form paths", "3", 4.0),)),
        Row("v", Verdict.OK, (1.0,), passed=1),
        Row("u", Verdict.KINK, (1.0,)),
        Row("t", Verdict.UNREACHED, (1.0,)),
    )
    compared = (
        Compared("values", "", Outcome.DIFFERS, 3, 1.5, wrong=str(fault)),
        Compared("batches", "", Outcome.AGREES, 3),
        Compared("forms", "", Outcome.AGREES, 3, left="the time was over"),
    )
    alone = Fault("a fault \x1b of no row", "5", 6.0)
    report = Report("loss", rows, 1, 1, 0, faults=(fault, *rows[0].faults, alone), comparisons=compared)
    suite = ElementTree.fromstring(junit(report))
    failed = {case.get("name"): case[0].get("message") for case in suite if case.find("failure") is not None}
    assert failed["dloss/dw"] == "form paths: derived 3, numerics say 4"
    assert failed["values"] == "values: s[0] <&>: derived 1, numerics say 2"
    assert len(failed) == 3 == int(suite.get("failures", "0"))
    skipped = {case.get("name") for case in suite if case.find("skipped") is not None}
    assert skipped == {"dloss/du", "dloss/dt", "forms"}
    assert int(suite.get("tests", "0")) == len(suite) == 8


@pytest.mark.parametrize("name", ["report.docx", "report", "report.junit"])
def test_another_suffix_is_refused_before_anything_is_checked(name: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["check", "neuron", "-o", str(tmp_path / name)])
    assert found.exit_code == 2
    assert ".json" in found.stderr and ".xml" in found.stderr
    assert not (tmp_path / name).exists()


def test_a_limit_of_time_leaves_a_report_that_is_not_complete() -> None:
    code, shown, _ = run("lecture", "--seconds", "0", "--json")
    data = json.loads(shown)
    assert code == 0
    assert data["passed"] is True
    assert data["complete"] is False
    assert {each["outcome"] for each in data["comparisons"]} >= {"not reached"}
    assert "NOT COMPLETE" in run("lecture", "--seconds", "0")[1]
