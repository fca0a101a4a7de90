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
    """A form of a derivative.

    Attributes
    ----------
    numbers : the whole derivative of a number by a number, which has at least one path and one link; None where such
        derivatives do not have this form.
    arrays : the whole derivative of what has axes, or by what has axes; None where those do not have this form.
    entries : whether the formula of the latter is that of one entry, named by free indices; else it is of whole arrays.
    """

    name: str
    numbers: Callable[[WritesNumber], Expr] | None = None
    arrays: Callable[[WritesArrays], Expr] | None = None
    entries: bool = True


FORMS: dict[str, Form] = {}


def define(form: Form) -> None:
    """Register a form; with this entry it is derived, printed in every medium, and checked."""
    FORMS[form.name] = form


def of_numbers() -> tuple[str, ...]:
    """The forms that derivatives between numbers have."""
    return tuple(name for name, form in FORMS.items() if form.numbers)


def of_arrays() -> tuple[str, ...]:
    """The forms that derivatives between arrays have."""
    return tuple(name for name, form in FORMS.items() if form.arrays)


def number_form(name: str) -> Callable[[WritesNumber], Expr]:
    """The form of a derivative between numbers.

    Raises
    ------
    UnknownNameError : no such form.
    """
    found = FORMS[name].numbers if name in FORMS else None
    if found is None:
        fix = did_you_mean(name, of_numbers(), f"the forms are: {', '.join(of_numbers())}")
        raise UnknownNameError(f"no form is called {name!r}", fix=fix)
    return found


def array_form(name: str) -> Callable[[WritesArrays], Expr]:
    """The form of a derivative between arrays.

    Raises
    ------
    UnknownNameError : no such form.
    """
    found = FORMS[name].arrays if name in FORMS else None
    if found is None:
        fix = f"derivatives of tensors have the forms {', '.join(of_arrays())}"
        if name in FORMS:
            message = f"the form {name} is for networks of scalars, or for one entry such as W[0,0]"
            raise UnknownNameError(message, fix=fix)
        raise UnknownNameError(f"no form is called {name!r}", fix=did_you_mean(name, of_arrays(), fix))
    return found


_PATHS, _MATRIX = methodcaller("path_sum"), methodcaller("matrix_notation")

define(Form("paths", _PATHS, _PATHS))
define(Form("factored", methodcaller("factored")))
define(Form("expanded", methodcaller("expanded")))
define(Form("backward", methodcaller("nested", "backward"), _MATRIX, entries=False))
define(Form("forward", methodcaller("nested", "forward")))
define(Form("numeric", _PATHS, _PATHS))
define(Form("index", arrays=_PATHS))
define(Form("matrix", arrays=_MATRIX, entries=False))
