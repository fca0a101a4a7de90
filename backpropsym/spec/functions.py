"""The functions that a network declares: aliases, formulas and abstract ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from backpropsym.errors import FormulaError, Problem, did_you_mean
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import Call, Expr, Name, called, names, walk
from backpropsym.graph.graph import find_cycle
from backpropsym.ops import registry  # noqa: F401  (the import registers the compositions)
from backpropsym.ops.function import FUNCTIONS, Function
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.spec.declaration import Declaration

ABSTRACT = "abstract"
_HEAD = re.compile(r"\s*([^\s(]+)\s*(?:\(([^()]*)\))?\s*\Z")


def declared_functions(declaration: Declaration, problems: list[Problem]) -> FunctionTable:
    """The function table of a network; mistakes are added to `problems`."""
    heads = _heads(declaration, problems)
    signatures: dict[str, Signature] = {name: each.signature for name, each in FUNCTIONS.items()}
    signatures |= {name: Signature(name, ("x",), {}, variadic=True) for name in declaration.unreadable}
    signatures |= {
        name: Signature(name, arguments, {}, variadic=declaration.functions[key] == ABSTRACT)
        for name, (key, arguments) in heads.items()
    }
    own: dict[str, Function] = {}
    for name, (key, arguments) in heads.items():
        function = _function(key, name, arguments, declaration, signatures, problems)
        if function is not None:
            own[name] = function
        else:
            declaration.unreadable.add(name)
    _check_recursion(own, declaration, problems)
    return FunctionTable(own)


def call_signatures(table: FunctionTable) -> dict[str, Signature]:
    """How everything that a formula may call is called: functions of scalars and ops over axes."""
    signatures = dict(table.signatures)
    for name, composition in COMPOSITIONS.items():
        if name not in signatures:
            signatures[name] = composition.signature
        elif composition.signature.reduces and name not in table.own:
            options = composition.signature.options
            signatures[name] = replace(signatures[name], options=options, reduces=True, limits=True)
    return signatures


def _heads(declaration: Declaration, problems: list[Problem]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """For each declared function, the key that declares it and its arguments."""
    heads: dict[str, tuple[str, tuple[str, ...]]] = {}
    for key in declaration.functions:
        name, arguments = _head(key, declaration, problems)
        if not name:
            declaration.unreadable.add(head_name(key))
        elif name in heads:
            place = declaration.places("functions", key, None)
            fix = "remove one, or give it another name"
            problems.append(Problem(f"{name} is declared twice", place, fix=fix))
        else:
            heads[name] = (key, arguments)
    return heads


def head_name(key: str) -> str:
    """The name in "f" or "f(x, beta)"."""
    return key.partition("(")[0].strip()


def declared_formulas(declaration: Declaration, table: FunctionTable) -> Iterator[tuple[str, Expr]]:
    """The formulas of the declared functions, by the key that declares them."""
    for key in declaration.functions:
        function = table.own.get(head_name(key))
        if function is not None and isinstance(function.formula, Expr):
            yield key, function.formula


def settle_abstract(table: FunctionTable, formulas: Iterable[Expr]) -> FunctionTable:
    """The table with each abstract function given as many arguments as its first call has."""
    found = {
        name: function for name, function in table.own.items() if function.abstract and len(function.arguments) == 1
    }
    if not found:
        return table
    counts: dict[str, int] = {}
    for formula in formulas:
        for part in walk(formula):
            if isinstance(part, Call) and part.function in found:
                counts.setdefault(part.function, len(part.arguments))
    settled = {name: replace(found[name], arguments=_placeholders(count)) for name, count in counts.items()}
    return FunctionTable({**table.own, **settled})


def _placeholders(count: int) -> tuple[str, ...]:
    return ("x", *(f"x{index}" for index in range(2, count + 1)))


def _head(key: str, declaration: Declaration, problems: list[Problem]) -> tuple[str, tuple[str, ...]]:
    """Name and arguments of "f" or "f(x, beta)"; an empty name where it is neither."""
    place = declaration.places("functions", key, None)
    match = _HEAD.match(key)
    if match is None:
        problems.append(Problem(f"{key!r} does not declare a function", place, fix='write "f" or "f(x, beta)"'))
        return "", ()
    name, inside = match.groups()
    arguments = ("x",) if inside is None else tuple(part.strip() for part in inside.split(","))
    found = [name_problem(name, "function")] + [name_problem(argument, "name of an argument") for argument in arguments]
    if name == "where":
        found.append(Problem("where belongs to the formula language", fix="give the function another name"))
    problems.extend(problem.at(place) for problem in found if problem)
    if len(set(arguments)) < len(arguments):
        problems.append(Problem(f"{key} repeats an argument", place, fix="give each argument its own name"))
    if any(found) or len(set(arguments)) < len(arguments):
        return "", ()
    return name, arguments


def _function(
    key: str,
    name: str,
    arguments: tuple[str, ...],
    declaration: Declaration,
    signatures: Mapping[str, Signature],
    problems: list[Problem],
) -> Function | None:
    text = declaration.functions[key]
    if text == ABSTRACT:
        return abstract_function(name, arguments)
    others = {head_name(other) for other in declaration.functions} - {name}
    if "(" not in key and text in FUNCTIONS and text not in others:
        return _alias(name, FUNCTIONS[text])
    formula: Expr
    if "(" not in key and text in others:
        arguments = signatures[text].arguments
        formula = Call(text, tuple(map(Name, arguments)))
    else:
        try:
            formula = parse_formula(text, signatures)
        except FormulaError as error:
            problems.extend(_placed(error, declaration, key))
            return None
        unknown = _unknown_names(key, formula, arguments, declaration)
        problems.extend(unknown)
        if unknown:
            return None
    return Function(
        name=name,
        arguments=arguments,
        formula=formula,
        named=len(arguments) == 1,
        domain=((-3.0, 3.0),) * len(arguments),
        source="declared by the network",
    )


def _unknown_names(key: str, formula: Expr, arguments: tuple[str, ...], declaration: Declaration) -> list[Problem]:
    """The names in a function's formula that are none of its arguments."""
    problems = []
    for name in names(formula):
        if name in arguments:
            continue
        span = next(part.span for part in walk(formula) if getattr(part, "name", None) == name)
        place = declaration.places("functions", key, span)
        if "(" not in key and isinstance(formula, Name):
            fix = did_you_mean(name, FUNCTIONS, 'name a registered function, a formula in x, or "abstract"')
            problems.append(Problem(f"{name} is not a function", place, fix=fix))
        else:
            fix = f"the arguments of {head_name(key)} are: {', '.join(arguments)}"
            problems.append(Problem(f"{name} is not an argument of {head_name(key)}", place, fix=fix))
    return problems


def abstract_function(name: str, arguments: tuple[str, ...] = ("x",)) -> Function:
    """A function of which only the name is known."""
    return Function(name=name, arguments=arguments, abstract=True, source="declared abstract")


def _alias(name: str, target: Function) -> Function:
    """Another name for a registered function, with its optional arguments left at their defaults."""
    arguments = target.required
    return Function(
        name=name,
        arguments=arguments,
        formula=f"{target.name}({', '.join(arguments)})",
        named=len(arguments) == 1,
        kink=target.kink.replace(f"{target.name}'", f"{name}'"),
        domain=target.domain[: len(arguments)],
        probes=tuple(probe[: len(arguments)] for probe in target.probes),
        source=target.source,
    )


def _placed(error: FormulaError, declaration: Declaration, key: str) -> list[Problem]:
    placed = []
    for problem in error.problems:
        inner = problem.where
        span = (inner.column, inner.column + inner.width) if inner and inner.width else None
        placed.append(replace(problem, where=declaration.places("functions", key, span)))
    return placed


def _check_recursion(own: Mapping[str, Function], declaration: Declaration, problems: list[Problem]) -> None:
    uses = {
        name: tuple(each for each in called(function.formula) if each in own)
        if isinstance(function.formula, Expr)
        else ()
        for name, function in own.items()
    }
    cycle = find_cycle(uses)
    if cycle:
        key = next(key for key in declaration.functions if head_name(key) == cycle[0])
        place = declaration.places("functions", key, None)
        message = f"functions call each other in a circle: {cycle_text(cycle)}"
        problems.append(Problem(message, place, fix="a function may call only what is defined without it"))


def cycle_text(cycle: tuple[str, ...]) -> str:
    """A closed path in words; of a long one, the beginning and the end."""
    shown = cycle if len(cycle) <= 12 else (*cycle[:8], f"... {len(cycle) - 11} more ...", *cycle[-3:])
    return " -> ".join(shown)
