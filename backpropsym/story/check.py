"""A report of a check that shows itself in a notebook."""

from __future__ import annotations

from backpropsym.checks import report
from backpropsym.document.model import Page
from backpropsym.document.reports.check import check_page
from backpropsym.story.results import InNotebook


class Report(report.Report, InNotebook):
    """What a check of one network found."""

    def page(self) -> Page:
        """The table of `backpropsym check`."""
        return check_page(self)

    def __repr__(self) -> str:
        return f"<Report on derivatives of {self.of}: {self.summary}>"
