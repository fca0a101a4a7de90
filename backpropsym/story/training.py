"""A descent that shows itself in a notebook."""

from __future__ import annotations

from backpropsym.document.model import Page
from backpropsym.document.reports.training import train_page
from backpropsym.learn import training
from backpropsym.story.results import InNotebook


class Training(training.Training, InNotebook):
    """A descent on data."""

    def page(self) -> Page:
        """The table of `backpropsym train`."""
        return train_page(self)

    def __repr__(self) -> str:
        return f"<Training of {self.of}: {self.descent.reason}>"
