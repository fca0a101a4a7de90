"""A verdict on a claim that shows itself in a notebook."""

from __future__ import annotations

from backpropsym.document.model import Page
from backpropsym.document.reports.claims import verdict_page
from backpropsym.marking import verify
from backpropsym.story.results import InNotebook


class Verdict(verify.Verdict, InNotebook):
    """What became of one claim."""

    def page(self) -> Page:
        """What `backpropsym verify` says."""
        return verdict_page(self)

    def __repr__(self) -> str:
        asked = f"d{self.derivation.of}/d{self.derivation.wrt}"
        slips = "".join(f", {slip.kind}" for slip in self.slips)
        return f"<Verdict on {asked} = {self.text}: {'right' if self.right else 'wrong'}{slips}>"
