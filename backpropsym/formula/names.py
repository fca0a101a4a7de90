"""What may be a name, and why not."""

from __future__ import annotations

import keyword
import re

from backpropsym.errors import Problem, printable
from backpropsym.formula.limits import MAX_NAME_CHARACTERS

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def name_problem(name: str, what: str = "name") -> Problem | None:
    """The reason why `name` cannot be used, or None.

    Names are ASCII identifiers that start with a letter. What a name means to Python's builtins, SymPy or
    NumPy does not matter (E, I, S, beta, np are ordinary names); Python's reserved words cannot be read.
    """
    if keyword.iskeyword(name):
        return Problem(
            f"{name!r} is a reserved word of Python's grammar and cannot be a {what}",
            fix=f"call it {name}_ or {name}1",
        )
    if len(name) > MAX_NAME_CHARACTERS:
        return Problem(f"a {what} of {len(name)} characters", fix=f"use at most {MAX_NAME_CHARACTERS} characters")
    if not _IDENTIFIER.match(name):
        shown = printable(ascii(name) if not name.isascii() else repr(name))
        return Problem(
            f"{shown} cannot be a {what}",
            fix="use ASCII letters, digits and _, with a letter first",
        )
    return None
