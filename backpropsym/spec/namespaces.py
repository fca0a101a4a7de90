"""Names that would mean two things in formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backpropsym.errors import Problem
from backpropsym.graph.graph import Role
from backpropsym.ops.function_table import FunctionTable, prime_name
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.functions import head_name


def own_function_clashes(
    roles: Mapping[str, Role], table: FunctionTable, declaration: Declaration
) -> Iterator[Problem]:
    """Functions that the network declares, and their derivatives, against its nodes."""
    for key in declaration.functions:
        name = head_name(key)
        place = declaration.places("functions", key, None)
        if name in table.own and name in roles:
            yield Problem(f"{name} is both a node and a function", place, fix="rename one of them")
        elif name in table.own:
            for prime in (prime_name(table[name], argument) for argument in table[name].arguments):
                if prime in roles:
                    message = f"a node has the name of a derivative of {name}, {prime}"
                    yield Problem(message, place, fix="rename one of them")
