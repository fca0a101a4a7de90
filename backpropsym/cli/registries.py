"""What commands say of registries, read when help is shown or an option is parsed: new entries are offered at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import typer

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _pictures() -> Iterable[str]:
    from backpropsym.picture.drawing import FORMATS

    return FORMATS


def _slides() -> Iterable[str]:
    from backpropsym.story.decks.slides import FORMATS

    return FORMATS


def _handouts() -> Iterable[str]:
    from backpropsym.story.handout.sheet import FORMATS

    return FORMATS


def _plots() -> Iterable[str]:
    from backpropsym.story.plots.formats import FORMATS

    return FORMATS


def forms() -> Iterable[str]:
    """The forms of derivatives."""
    from backpropsym.derive.forms.registry import FORMS

    return FORMS


def _documents() -> Iterable[str]:
    from backpropsym.document.registry import names

    return names()


def engines() -> Iterable[str]:
    """The backends of kernels."""
    from backpropsym.kernels.backends.registry import BACKENDS

    return BACKENDS


REGISTRIES: Mapping[str, Callable[[], Iterable[str]]] = {
    "forms": forms,
    "documents": _documents,
    "pictures": _pictures,
    "slides": _slides,
    "handouts": _handouts,
    "plots": _plots,
    "engines": engines,
}
"""What stands for `{forms}` and so on in help texts: names of forms and engines, suffixes of formats."""


def filled(text: str, joint: str = ", ") -> str:
    """A help text with what the registries hold in place of `{pictures}` and the like."""

    def listed(match: re.Match[str]) -> str:
        return joint.join(REGISTRIES[match[1]]()) if match[1] in REGISTRIES else match[0]

    return _PLACEHOLDER.sub(listed, text)


def known_form(name: str) -> str:
    """The name itself, where the registry holds it.

    Raises
    ------
    typer.BadParameter : no such form.
    """
    if name not in forms():
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, forms()))}.")
    return name


def complete_engine(incomplete: str) -> list[str]:
    """The backends that begin as typed."""
    return [name for name in engines() if name.startswith(incomplete)]


def complete_form(incomplete: str) -> list[str]:
    """The forms that begin as typed."""
    return [name for name in forms() if name.startswith(incomplete)]
