"""The functions that a network declares: aliases, formulas and abstract ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from backpropsym.errors import FormulaError, Problem, did_you_mean
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import Call, Expr, called, names, walk
from backpropsym.graph import find_cycle
from backpropsym.ops import compositions, convolution  # noqa: F401  (the imports register the compositions)
from backpropsym.ops.function import FUNCTIONS, Function
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.table import FunctionTable
from backpropsym.spec.declaration import Declaration

ABSTRACT = "abstract"
_HEAD = re.compile(r"\s*([^\s(]+)\s*(?:\(([^()]*)\))?\s*\Z")


def declared_functions(declaration: Declaration, problems: list[Problem]) -> FunctionTable:
    """The function table of a network; mistakes are added to `problems`."""
    heads = {key: _head(key, declaration, problems) for key in declaration.functions}
    signatures: dict[str, Signature] = {name: each.signature for name, each in FUNCTIONS.items()}
    signatures |= {
        name: Signature(name, arguments, {}, variadic=declaration.functions[key] == ABSTRACT)
        for key, (name, arguments) in heads.items()
        if name
    }
    own: dict[str, Function] = {}
    for key, (name, arguments) in heads.items():
        if name:
            function = _function(key, name, arguments, declaration, signatures, problems)
            if function is not None:
                own[name] = function
    _check_recursion(own, declaration, problems)
    return FunctionTable(own)


def call_signatures(table: FunctionTable) -> dict[str, Signature]:
    """How everything that a formula may call is called: functions of scalars and ops over axes."""
    signatures = dict(table.signatures)
    for name, composition in COMPOSITIONS.items():
        if name not in signatures:
            signatures[name] = composition.signature
        elif composition.signature.reduces and name not in table.own:
            signatures[name] = replace(signatures[name], options=composition.signature.options, reduces=True, limits=True)
    return signatures


def settle_abstract(table: FunctionTable, formulas: Iterable[Expr]) -> FunctionTable:
    """The table with each abstract function given as many arguments as its first call has."""
    found = {name: each for name, each in table.own.items() if each.abstract and len(each.arguments) == 1}
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
    found = [name_problem(name, "function")] + [name_problem(each, "argument") for each in arguments]
    problems.extend(problem.at(place) for problem in found if problem)
    if len(set(arguments)) < len(arguments):
        problems.append(Problem(f"{key} repeats an argument", place, fix="give each argument its own name"))
    if any(found):
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
        return Function(name=name, arguments=arguments, abstract=True, source="declared abstract")
    if "(" not in key and text in FUNCTIONS:
        return _alias(name, FUNCTIONS[text])
    try:
        formula = parse_formula(text, signatures)
    except FormulaError as error:
        problems.extend(_placed(error, declaration, key))
        return None
    unknown = [each for each in names(formula) if each not in arguments]
    for each in unknown:
        span = next(part.span for part in walk(formula) if getattr(part, "name", None) == each)
        place = declaration.places("functions", key, span)
        if "(" not in key and len(names(formula)) == 1 and not called(formula):
            fix = did_you_mean(each, FUNCTIONS, 'name a registered function, a formula in x, or "abstract"')
            problems.append(Problem(f"{each} is not a function", place, fix=fix))
        else:
            fix = f"the arguments of {name} are: {', '.join(arguments)}"
            problems.append(Problem(f"{each} is not an argument of {name}", place, fix=fix))
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
        place = declaration.places("functions", cycle[0], None)
        problems.append(Problem(f"functions call each other in a circle: {' -> '.join(cycle)}", place))
