"""How a network is shown: the part of `Network` that draws it and tells its derivations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from backpropsym.analyses import Analyses
from backpropsym.arrays import Values
from backpropsym.errors import NetworkError
from backpropsym.story.shown import Derivation

if TYPE_CHECKING:
    from backpropsym.checks.check import CheckOptions
    from backpropsym.document.derivation.report import LatexOptions
    from backpropsym.picture.drawing import Drawing
    from backpropsym.picture.look.themes import Theme
    from backpropsym.picture.options import DrawOptions, LookOptions
    from backpropsym.story.check import Report
    from backpropsym.story.decks.slides import Slides
    from backpropsym.story.explorer.page import Explorer
    from backpropsym.story.handout.sheet import Sheet


class Presentations(Analyses):
    """Pictures, slides and handouts of a network, which has derivations and a check."""

    @abstractmethod
    def gradients(self, of: str | None = None) -> dict[str, Derivation]:
        """The derivative of a node by every parameter."""

    @abstractmethod
    def check(self, samples: int = 3, seed: int = 0, **options: Unpack[CheckOptions]) -> Report:
        """The proof of every gradient."""

    def draw(self, of: str | None = None, *, wrt: str | None = None, **options: Unpack[DrawOptions]) -> Drawing:
        """The picture of the network; with `wrt`, the paths from there to `of` highlighted.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss; without `wrt` the loss.
        options : `level`, `path`, `values`, `derivatives`, `adjoints`, `theme`, `rows`, `most`, `width`, `layout`
            and `fit`, as in `picture.options.Options`.
        """
        from backpropsym.picture.draw import draw as draw_graph

        return draw_graph(self.graph, wrt, of, **options)

    def latex(self, of: str | None = None, **options: Unpack[LatexOptions]) -> str:
        """Every gradient as LaTeX: one backward programme, in which each adjoint is defined once.

        Parameters
        ----------
        of : default: the loss, else the output.
        options : as those of `Derivation.latex`.

        Raises
        ------
        UnknownNameError : no such node.
        NetworkError : it depends on no parameter.
        NotScalarError : it has axes.
        """
        from backpropsym.document.derivation.report import gradients_latex

        return gradients_latex(self.graph, self.graph[of or self.graph.objective].name, **options)

    def handout(
        self,
        wrt: str | None = None,
        *,
        values: Values | None = None,
        theme: str | Theme = "light",
        samples: int = 3,
        seed: int = 0,
        digits: int | None = None,
    ) -> Sheet:
        """The whole story on a page or two: picture, both passes, every gradient, one path by path, the check.

        Parameters
        ----------
        wrt : the parameter whose derivative is shown path by path; default: one with the most paths.
        values : numbers, completed by the network's own; None shows no numbers.
        samples, seed : as in `check`.
        digits : of numbers in formulas; None for 4.

        Raises
        ------
        NetworkError : the network has no parameters.
        """
        from backpropsym.story.handout.content import handout, most_paths
        from backpropsym.story.handout.sheet import Sheet

        derivations = self.gradients()
        if not derivations:
            raise NetworkError("a handout tells of gradients, and the network has no parameters")
        shown = self.graph[wrt].name if wrt else most_paths(derivations)
        of = self.graph.objective
        derivations = {shown: self.derive(of, wrt=shown), **derivations} if shown not in derivations else derivations
        drawings = self.draw(theme=theme), self.draw(of, wrt=shown, values=values, theme=theme, adjoints=False)
        report = self.check(samples, seed, at=values)
        return Sheet(handout(self.graph, derivations, shown, drawings, report, values, digits))

    def explore(self, of: str | None = None, *, values: Values | None = None, theme: str | Theme = "light") -> Explorer:
        """A page for a browser: every derivative with its paths, and for networks of scalars all numbers, to change.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss.
        values : numbers to begin with, completed by the network's own.
        """
        from backpropsym.story.explorer.explore import explorer

        output, loss = self.graph[self.graph.output], self.graph.objective
        of = of or (loss if output.shape else output.name)
        return explorer(
            self.graph,
            self.graph[of].name,
            lambda wrt: self.derive(of, wrt=wrt),
            lambda wrt: self.draw(of, wrt=wrt, theme=theme),
            values or {},
            theme,
        )

    def slides(
        self,
        of: str | None = None,
        *,
        wrt: str,
        values: Values | None = None,
        steps: Sequence[str] | None = None,
        **options: Unpack[LookOptions],
    ) -> Slides:
        """A derivation step by step: the network, both passes, each path lit with its term, the sum, the bricks.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the loss.
        values : numbers for inputs, targets and parameters, completed by the network's own; None shows no numbers.
        steps : which of `story.steps.KINDS` to show; default: all.
        options : `level`, `theme` and others of `draw`. Where neither `rows` nor `most` is given, there are at most 6
            and 4, and fewer where letters would be too small to read; what is given is kept, however small they get.
        """
        from backpropsym.picture.content import highlighted_paths, shown_rows
        from backpropsym.picture.layout.sheet import FitError
        from backpropsym.picture.look.media import STEP
        from backpropsym.story.decks.slides import Slides
        from backpropsym.story.story import story

        look: LookOptions = {"rows": shown_rows.ON_SLIDES, "most": highlighted_paths.ON_SLIDES, **options}
        try:
            medium = None if options.keys() & {"rows", "most"} else STEP
            drawing = self.draw(of, wrt=wrt, values=values, fit=medium, **look)
        except FitError:  # a deck with small letters is better than none
            drawing = self.draw(of, wrt=wrt, values=values, **look)
        told = story(self.derive(of, wrt=wrt), drawing, values)
        return Slides(told.only(steps) if steps is not None else told)

    def _repr_latex_(self) -> str | None:
        from backpropsym.document.derivation.notebook import network_latex

        try:
            return network_latex(self.graph)
        except NetworkError:
            return None  # not finished yet; its text says what is missing

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from backpropsym.document.derivation.notebook import bundle, network_latex

        return bundle(repr(self), svg=lambda: self.draw().svg, latex=lambda: network_latex(self.graph))
