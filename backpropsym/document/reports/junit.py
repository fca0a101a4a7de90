"""The report of a check in the format of JUnit, which continuous integration reads."""

from __future__ import annotations

from xml.etree import ElementTree

from backpropsym.checks.comparison_result import Compared, Outcome
from backpropsym.checks.report import Report, Row, Verdict
from backpropsym.errors import printable


def junit(report: Report) -> bytes:
    """One suite: a test case for every derivative and for every comparison.

    What is wrong is a failure with its message. What was not reached, or is undecided at a kink, is skipped.
    """
    suite = ElementTree.Element("testsuite", name=printable(f"derivatives of {report.of} {report.title}".strip()))
    for row in report.rows:
        _row(suite, report.of, row)
    for compared in report.comparisons:
        _comparison(suite, compared)
    told = {fault.place for row in report.rows for fault in row.faults}
    told |= {each.wrong for each in report.comparisons}
    for fault in report.faults:
        if fault.place not in told and str(fault) not in told:
            _failed(_case(suite, "faults", fault.place), str(fault))
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    suite.set("errors", "0")
    suite.set("time", f"{report.seconds:.3f}")
    ElementTree.indent(suite)
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, kind: str, name: str, seconds: float = 0.0) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=kind, name=printable(name), time=f"{seconds:.3f}")


def _failed(case: ElementTree.Element, message: str) -> None:
    ElementTree.SubElement(case, "failure", message=printable(message))


def _skipped(case: ElementTree.Element, message: str) -> None:
    ElementTree.SubElement(case, "skipped", message=printable(message))


def _row(suite: ElementTree.Element, of: str, row: Row) -> None:
    case = _case(suite, "derivatives", f"d{of}/d{row.name}")
    reasons = "; ".join([*map(str, row.faults), *row.notes]) or str(row.verdict)
    if row.failed:
        _failed(case, reasons)
    elif row.verdict is not Verdict.OK:
        _skipped(case, f"{row.verdict}: {reasons}")


def _comparison(suite: ElementTree.Element, compared: Compared) -> None:
    case = _case(suite, "comparisons", compared.name, compared.seconds)
    if compared.outcome is Outcome.DIFFERS:
        _failed(case, compared.wrong)
    elif compared.left or compared.outcome is Outcome.ABSENT:
        _skipped(case, compared.left or str(compared.outcome))
