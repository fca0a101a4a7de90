"""Results of analyses that show themselves in a notebook as the page that their command prints."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from backpropsym.derive.analyses import dead_neurons, jacobian, sensitivity, trace

if TYPE_CHECKING:
    from backpropsym.document.model import Page

HEIGHT = 720
"""How high a page of its own is inside a notebook, in pixels; the rest is scrolled."""

_FRAME = '<iframe srcdoc="{}" sandbox="{}" style="width: 100%; height: {}px; border: 0"></iframe>'


class InNotebook:
    """What has a page."""

    @abstractmethod
    def page(self) -> Page:
        """What the command of this result prints."""

    def _repr_html_(self) -> str:
        from backpropsym.document.formats.html import fragment

        return fragment(self.page())


class Trace(trace.Trace, InNotebook):
    """Both passes at one object."""

    def page(self) -> Page:
        """The tables of `backpropsym trace`."""
        from backpropsym.document.reports.trace import trace_page

        return trace_page(self)

    def __repr__(self) -> str:
        return f"<Trace of {self.of}: {len(self.forward)} steps forward, {len(self.backward)} back>"


class Wiggles(sensitivity.Wiggles, InNotebook):
    """Wiggles of parameters at one object."""

    def page(self) -> Page:
        """The table of `backpropsym wiggle`."""
        from backpropsym.document.reports.sensitivity import wiggle_page

        return wiggle_page(self)

    def __repr__(self) -> str:
        counts = Counter(str(row.verdict) for row in self.rows)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        return f"<Wiggles of {self.of} = {self.value:.6g} by {len(self.rows)} names: {told}>"


class DeadShares(dead_neurons.DeadShares, InNotebook):
    """Shares of objects on which neurons are dead."""

    def page(self) -> Page:
        """The table of `backpropsym wiggle --data`."""
        from backpropsym.document.reports.sensitivity import wiggle_page

        return wiggle_page(self)

    def __repr__(self) -> str:
        return f"<DeadShares of {len(self.shares)} nodes over {self.objects:,} objects>"


class Jacobian(jacobian.Jacobian, InNotebook):
    """Derivatives of several nodes by several nodes."""

    def page(self) -> Page:
        """The table of `backpropsym jacobian`, in numbers where the network has them."""
        from backpropsym.document.reports.matrices import MatrixReport

        return MatrixReport(self).page()

    def __repr__(self) -> str:
        return f"<Jacobian of {_few(self.of)} by {_few(self.wrt)}: {len(self.parts):,} derivations>"


_Shown = TypeVar("_Shown")


def shown(kind: type[_Shown], result: Any) -> _Shown:
    """A result as the `kind` of it that shows itself."""
    return kind(**{each.name: getattr(result, each.name) for each in fields(result) if each.init})


def frame(page: str, *, scripts: bool = False) -> str:
    """A page of its own inside a notebook; where it has scripts, they reach nothing outside it."""
    return _FRAME.format(escape(page), "allow-scripts" if scripts else "", HEIGHT)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, ..., {names[-1]}"
