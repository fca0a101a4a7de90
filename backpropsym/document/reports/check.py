"""The report of a check as a page: a row a derivative, and what was compared below."""

from __future__ import annotations

from typing import Literal

from backpropsym.checks.report import HEADER, Report, Verdict
from backpropsym.document.formulas import Prose, Stated
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation


def check_page(report: Report) -> Page:
    """`report` as a page."""
    return Page(Notation(()), lambda: (_table(report),), report.json, report.title)


def _table(report: Report) -> Table:
    rows: list[tuple[Prose, ...]] = [
        (*row.cells[:-1], Stated(str(row.verdict), _tone(row.verdict))) for row in report.shown
    ]
    hidden = len(report.rows) - len(report.shown)
    more: tuple[Prose, ...] = (f"and {hidden} more rows",) if hidden else ()
    word = "passed" if report.passed else "FAILED"
    summary = (Stated(word, "good" if report.passed else "bad"), report.summary.removeprefix(word))
    notes = (*more, *report.remarks, *report.agreements, summary)
    return Table(f"derivatives of {report.of}", HEADER, tuple(rows), frozenset(range(1, len(HEADER) - 1)), notes)


def _tone(verdict: Verdict) -> Literal["good", "bad", "open"]:
    match verdict:
        case Verdict.OK:
            return "good"
        case Verdict.MISMATCH:
            return "bad"
        case _:
            return "open"
