"""Derivations that also show themselves: as LaTeX, as a picture, in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from backpropsym.arrays import Values
from backpropsym.derive import array_derivation, derivation, entry_derivation, gradient_graph
from backpropsym.derive.analyses import hessian
from backpropsym.derive.form_views import in_form
from backpropsym.document.derivation.notebook import bundle, derivation_latex
from backpropsym.document.derivation.report import LatexOptions, latex
from backpropsym.graph.graph import Graph
from backpropsym.story.results import InNotebook

if TYPE_CHECKING:
    from backpropsym.document.model import Page
    from backpropsym.picture.drawing import Drawing
    from backpropsym.picture.options import DrawOptions


class Derivation(derivation.Derivation):
    """A derivation between numbers."""

    def expression(self, form: str = "paths") -> str:
        """The derivative as text in any form that the command knows."""
        view = in_form(self, form)
        return super().expression(form) if view is self else view.expression(form)

    def latex(self, form: str = "paths", values: Values | None = None, **options: Unpack[LatexOptions]) -> str:
        """The derivation as LaTeX for a document with amsmath and xcolor.

        Parameters
        ----------
        options : `braces`, `standalone`, `plain`, `juxtaposed`, `limit`, `count_from` and `digits`, as in
            `document.derivation.report.LatexOptions`.

        Raises
        ------
        UnknownNameError : no such form.
        LimitError : the form would be too large to write out.
        ValuesError : the numeric form lacks numbers.
        """
        return latex(self, form, values, **options)

    def draw(self, **options: Unpack[DrawOptions]) -> Drawing:
        """The picture with this derivation's paths highlighted; options as in `Network.draw`."""
        from backpropsym.picture.draw import draw as draw_graph

        of, wrt = self.ends
        return draw_graph(self.network, wrt, of, **options)

    def _repr_latex_(self) -> str:
        return derivation_latex(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return bundle(repr(self), svg=lambda: self.draw().svg, latex=self._repr_latex_)


class EntryDerivation(entry_derivation.EntryDerivation, Derivation):
    """A derivation between entries of tensors."""


class HigherDerivation(gradient_graph.HigherDerivation, Derivation):
    """A derivation in a gradient network."""


class Hessian(hessian.Hessian, InNotebook):
    """All second derivatives of a number."""

    def page(self) -> Page:
        """The table of `backpropsym hessian`, in numbers where the network has them."""
        from backpropsym.document.reports.matrices import MatrixReport

        return MatrixReport(self).page()

    def __getitem__(self, pair: tuple[str, str]) -> HigherDerivation:
        """One entry as a derivation: of the first derivative by the row, by the column."""
        found = super().__getitem__(pair)
        return HigherDerivation(self.graph, found.local, found.of, found.wrt)


class TensorDerivation(array_derivation.TensorDerivation, Derivation):
    """A derivation between arrays, in index notation."""


def derive_tensors(graph: Graph, of: str | None, wrt: str) -> Derivation:
    """The derivation in a network of tensors: between entries where one side names an entry, else between tensors.

    Parameters
    ----------
    of : default: the output where that is a scalar, else the objective.

    Raises
    ------
    UnknownNameError : no such node or entry.
    """
    target = of or graph.default_target
    (of_name, of_at), (wrt_name, wrt_at) = (
        entry_derivation.read_entry(target, graph),
        entry_derivation.read_entry(wrt, graph),
    )
    entries = [at is not None or not graph[name].shape for name, at in ((of_name, of_at), (wrt_name, wrt_at))]
    if all(entries) and (of_at is not None or wrt_at is not None):
        return EntryDerivation(graph, (of_name, of_at or ()), (wrt_name, wrt_at or ()))
    return TensorDerivation(graph, of_name, wrt_name, of_at, wrt_at)
