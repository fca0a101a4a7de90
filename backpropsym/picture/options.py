"""How a picture is drawn: the options of `draw`, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from backpropsym.arrays import Values
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.graph.levels import LEVELS
from backpropsym.picture.content.highlighted_paths import MAX_HIGHLIGHTED, Choice, PathNumbers
from backpropsym.picture.content.link_width import WIDTHS, Width
from backpropsym.picture.layout.engine import Engine, check_engine
from backpropsym.picture.look.media import FLOOR, Medium, medium
from backpropsym.picture.look.theme_file import theme as named_theme
from backpropsym.picture.look.themes import Theme


class LookOptions(TypedDict, total=False):
    """The attributes of `Options` but for the numbers, as keywords."""

    level: str | None
    path: PathNumbers | None
    derivatives: bool
    adjoints: bool
    theme: str | Theme
    rows: int | None
    most: int
    width: Width | None
    layout: Engine


class DrawOptions(LookOptions, total=False):
    """The attributes of `Options`, as keywords."""

    values: Values | None
    fit: str | Medium | None
    hide: str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a picture.

    Attributes
    ----------
    level : `neurons` draws weights as labels of links (and every entry of a tensor), `ops` every operation as a
        box, in networks of scalars with the local derivative on each link, `layers` each layer of an architecture
        as a box; a network of scalars has none and shows its neurons. Default: neurons for networks of scalars and
        where an entry is derived, the named tensors as boxes otherwise.
    path : the number of the only path to highlight, counted from 1 in the order of the derivation, or several numbers,
        at most 16; by default all, or of more than `most` the strongest at `values`, or without them the shortest
        and others that differ from it and one another.
    values : numbers for inputs, targets and parameters, completed by the network's own; None draws no numbers.
    derivatives : whether links carry their local derivatives.
    adjoints : whether the numbers of the backward pass are drawn with those of the forward pass.
    theme : the name of a theme, a TOML file with one, or a `Theme`.
    rows : the most boxes of a column; by default all up to 16, else 5.
    most : of how many paths all are highlighted where none are chosen.
    width : `weight` or `share`, the part of the derivative that passes a link: what sets the width of links, where
        there are numbers.
    layout : `columns`, or `dot` for that of Graphviz.
    fit : what the picture is made for: `slide`, `column`, `page`, `readme`, or a width such as 84mm. It comes out as
        wide as that, and no text is smaller than can be read there.
    hide : boxes that are left out, by name; `inputs`, `targets`, `parameters` and `constants` are all of these that no
        highlighted path runs through.

    Raises
    ------
    UnknownNameError : no such level, layout or width.
    OptionError : no such medium.
    MissingExtraError : Graphviz is asked for and not installed.
    """

    level: str | None = None
    path: PathNumbers | None = None
    values: Values | None = None
    derivatives: bool = False
    adjoints: bool = True
    theme: str | Theme = "light"
    rows: int | None = None
    most: int = MAX_HIGHLIGHTED
    width: Width | None = None
    layout: Engine = "columns"
    fit: str | Medium | None = None
    hide: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in LEVELS:
            fix = did_you_mean(self.level, LEVELS, f"choose one of {', '.join(LEVELS)}")
            raise UnknownNameError(f"there is no level called {self.level!r}", fix=fix)
        check_engine(self.layout)
        if self.width is not None and self.width not in WIDTHS:
            fix = did_you_mean(self.width, WIDTHS, f"choose one of {', '.join(WIDTHS)}")
            raise UnknownNameError(f"the width of links cannot show {self.width!r}", fix=fix)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names and groups of `hide`."""
        return (self.hide,) if isinstance(self.hide, str) else tuple(self.hide)

    @property
    def choice(self) -> Choice:
        """Which paths are highlighted."""
        return Choice(self.path, self.most)

    @property
    def medium(self) -> Medium | None:
        """What the picture is made for.

        Raises
        ------
        OptionError : there is no medium of that name.
        """
        return medium(self.fit) if isinstance(self.fit, str) else self.fit

    @property
    def look(self) -> Theme:
        """The theme itself.

        Raises
        ------
        UnknownNameError : there is no theme of that name.
        """
        found = named_theme(self.theme) if isinstance(self.theme, str) else self.theme
        return found.legible(FLOOR) if self.fit else found
