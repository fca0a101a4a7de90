"""The registered functions as a table: what a formula may call."""

from __future__ import annotations

from typing import TypedDict

from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.formula.text import to_text
from backpropsym.ops.function import Function
from backpropsym.ops.function_table import FunctionTable


class FunctionFacts(TypedDict):
    """What is said of a function: texts in the formula language, the derivatives by argument."""

    name: str
    usage: str
    formula: str | None
    derivatives: dict[str, str]
    kink: str
    source: str


def functions_data(only: str | None = None) -> list[FunctionFacts]:
    """One entry a function: `name`, `usage`, `formula`, `derivatives` by argument, `kink`, `source`.

    Parameters
    ----------
    only : the name of the only function to list.

    Raises
    ------
    UnknownNameError : there is no such function.
    """
    table = FunctionTable()
    listed = [name for name, _ in table.items()]
    if only is not None and only not in listed:
        fix = did_you_mean(only, listed, "`backpropsym functions` lists them")
        raise UnknownNameError(f"no function is called {only!r}", fix=fix)
    return [
        {
            "name": name,
            "usage": _usage(function),
            "formula": to_text(table.tree(function.formula)) if function.formula else None,
            "derivatives": {each: _derivative(table, name, each) for each in function.arguments if each != "condition"},
            "kink": function.kink,
            "source": function.source,
        }
        for name, function in table.items()
        if only in (None, name)
    ]


def functions_page(only: str | None = None) -> Page:
    """The same as a page."""
    data = functions_data(only)

    def table() -> tuple[Table]:
        rows = tuple(
            (
                entry["usage"],
                entry["formula"] or "",
                next(iter(entry["derivatives"].values())),
                entry["kink"],
                entry["source"],
            )
            for entry in data
        )
        return (Table("", ("function", "formula", "derivative", "at kinks", "source"), rows),)

    return Page(Notation(()), table, lambda: data)


def _usage(function: Function) -> str:
    arguments = [
        f"{name}={float(function.defaults[name]):g}" if name in function.defaults else name
        for name in function.arguments
    ]
    return f"{function.name}({', '.join(arguments)})"


def _derivative(table: FunctionTable, name: str, argument: str) -> str:
    return to_text(table.written(table.written_partial(name, argument)))
