"""The report of a check on a terminal."""

from __future__ import annotations

from rich.text import Text

from backpropsym.checks.report import Report, Verdict
from backpropsym.errors import printable

_STYLES = {
    Verdict.MISMATCH: "bold red",
    Verdict.UNDEFINED: "yellow",
    Verdict.KINK: "yellow",
    Verdict.NEAR: "yellow",
    Verdict.UNREACHED: "yellow",
    Verdict.OK: "green",
}


def check_text(report: Report) -> Text:
    """`report` as a table, its verdicts in colour besides their words."""
    lines = Text("\n").join(Text(printable(line)) for line in str(report).splitlines())
    for verdict, style in _STYLES.items():
        lines.highlight_regex(rf"(?<!\S){verdict}(?=$|[ ,])", style)
    lines.highlight_regex(r"(?m)^(passed|FAILED)(?=:)", "bold")
    lines.highlight_regex(r"(?m)^not reached(?=:)|NOT COMPLETE", "yellow")
    return lines.append("\n")
