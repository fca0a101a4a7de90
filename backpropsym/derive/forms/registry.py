"""The forms of a derivative: one entry each, read by reports, commands, checks and tests.

Every page, every data format and `check` take a form's formula from its entry here. A name without an entry is an
error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from typing import Protocol

from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.formula.tree import Expr


class WritesNumber(Protocol):
    """What forms ask of the derivative of a number by a number."""

    def path_sum(self) -> Expr:
        """The sum over paths."""

    def factored(self) -> Expr:
        """The sum over paths with common factors pulled out."""

    def expanded(self) -> Expr:
        """The sum over paths, over leaves alone."""

    def nested(self, direction: str) -> Expr:
        """The backward or forward programme as one formula."""


class WritesArrays(Protocol):
    """What forms ask of the derivative of what has axes, or by what has axes."""

    def path_sum(self) -> Expr:
        """The derivative in index notation, the sum over layer-level paths."""

    def matrix_notation(self) -> Expr:
        """The derivative in matrix notation."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the derivative of a number by a number.

    Attributes
    ----------
    tree : the whole derivative in this form, for a derivation with at least one path and one link.
    """

    name: str
    tree: Callable[[WritesNumber], Expr]


@dataclass(frozen=True, slots=True)
class ArrayForm:
    """A form of the derivative of what has axes, or by what has axes.

    Attributes
    ----------
    tree : the whole derivative in this form.
    entries : whether the formula is that of one entry, named by free indices; else it is of whole arrays.
    """

    name: str
    tree: Callable[[WritesArrays], Expr]
    entries: bool


FORMS: dict[str, Form] = {}
ARRAY_FORMS: dict[str, ArrayForm] = {}


def define(form: Form | ArrayForm) -> None:
    """Register a form; with this entry it is derived, printed in every medium, and checked."""
    if isinstance(form, Form):
        FORMS[form.name] = form
    else:
        ARRAY_FORMS[form.name] = form


def form_of(name: str) -> Form:
    """The form of a derivative between numbers.

    Raises
    ------
    UnknownNameError : no such form.
    """
    if name not in FORMS:
        fix = did_you_mean(name, FORMS, f"the forms are: {', '.join(FORMS)}")
        raise UnknownNameError(f"no form is called {name!r}", fix=fix)
    return FORMS[name]


def array_form_of(name: str) -> ArrayForm:
    """The form of a derivative between arrays.

    Raises
    ------
    UnknownNameError : no such form.
    """
    if name in ARRAY_FORMS:
        return ARRAY_FORMS[name]
    fix = f"derivatives of tensors have the forms {', '.join(ARRAY_FORMS)}"
    if name in FORMS:
        message = f"the form {name} is for networks of scalars, or for one entry such as W[0,0]"
        raise UnknownNameError(message, fix=fix)
    raise UnknownNameError(f"no form is called {name!r}", fix=did_you_mean(name, ARRAY_FORMS, fix))


define(Form("paths", methodcaller("path_sum")))
define(Form("factored", methodcaller("factored")))
define(Form("expanded", methodcaller("expanded")))
define(Form("backward", methodcaller("nested", "backward")))
define(Form("forward", methodcaller("nested", "forward")))
define(Form("numeric", methodcaller("path_sum")))

define(ArrayForm("paths", methodcaller("path_sum"), entries=True))
define(ArrayForm("index", methodcaller("path_sum"), entries=True))
define(ArrayForm("matrix", methodcaller("matrix_notation"), entries=False))
define(ArrayForm("backward", methodcaller("matrix_notation"), entries=False))
define(ArrayForm("numeric", methodcaller("path_sum"), entries=True))
