"""Reports of checks without what differs from run to run."""

from __future__ import annotations

import json

from backpropsym.checks.report import Report


def without_times(report: Report) -> str:
    """The data of a report as text, all times left out."""
    data = report.json()
    compared = [{key: value for key, value in each.items() if key != "seconds"} for each in data["comparisons"]]
    return json.dumps({**data, "seconds": 0, "comparisons": compared})
