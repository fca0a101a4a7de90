"""Every registered function against SymPy, against fifty digits, and at its probes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from backpropsym.evaluate.arithmetic import COMPLEX, ExactArithmetic, evaluate
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.ops.function import FUNCTIONS, Function, define
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.symbolic import to_tree

TABLE = FunctionTable()
DIGITS = 50
POINTS = 40
PIECEWISE = {
    "sign": lambda x: sp.Piecewise((1, x > 0), (-1, x < 0), (0, True)),
    "step": lambda x: sp.Piecewise((1, x > 0), (0, True)),
    "KroneckerDelta": lambda i, j: sp.Piecewise((1, sp.And(i - j < 0.5, i - j > -0.5)), (0, True)),
    "max": lambda a, b: sp.Piecewise((a, a >= b), (b, True)),
    "min": lambda a, b: sp.Piecewise((a, a <= b), (b, True)),
    "abs": lambda x: sp.Piecewise((x, x >= 0), (-x, True)),
}
RELATIONS = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge}
BY_ARGUMENT = [(name, argument) for name, entry in FUNCTIONS.items() for argument in entry.arguments]
COMPUTED = [(name, argument) for name, argument in BY_ARGUMENT if (name, argument) != ("where", "condition")]


def symbolic(expr: Expr) -> Any:
    """`expr` in SymPy's own functions, every function of ours opened down to its primitives."""
    match expr:
        case Name(name):
            return sp.Symbol(name, real=True)
        case Number(value):
            return sp.Rational(value.numerator, value.denominator)
        case Add(terms):
            return sp.Add(*map(symbolic, terms))
        case Mul(factors):
            return sp.Mul(*map(symbolic, factors))
        case Div(above, below):
            return symbolic(above) / symbolic(below)
        case Neg(operand):
            return -symbolic(operand)
        case Pow(base, exponent):
            return symbolic(base) ** sp.Rational(exponent.numerator, exponent.denominator)
        case Call("where", (Compare(operator, left, right), then, otherwise)):
            relation = RELATIONS[operator](symbolic(left), symbolic(right))
            return sp.Piecewise((symbolic(then), relation), (symbolic(otherwise), True))
        case Call(name):
            return opened(name, [symbolic(argument) for argument in TABLE.bind(expr).values()])
        case _:
            raise TypeError(type(expr).__name__)


def opened(name: str, arguments: list[Any]) -> Any:
    if name in PIECEWISE:
        return PIECEWISE[name](*arguments)
    primitive = FUNCTIONS[name].primitive
    if primitive is not None:
        assert primitive.symbolic is not None, f"{name} needs SymPy's own function"
        return primitive.symbolic(*arguments)
    definition = TABLE.definition(name)
    assert definition is not None
    slots = [sp.Symbol(argument, real=True) for argument in FUNCTIONS[name].arguments]
    return symbolic(definition).xreplace(dict(zip(slots, arguments, strict=True)))


def body(name: str) -> Any:
    """A function in SymPy over symbols of its arguments; `where` on a comparison of its own."""
    if name == "where":
        condition, a, b = (sp.Symbol(argument, real=True) for argument in FUNCTIONS[name].arguments)
        return sp.Piecewise((a, condition > 0), (b, True))
    return opened(name, [sp.Symbol(argument, real=True) for argument in FUNCTIONS[name].arguments])


def points(entry: Function, seed: int) -> list[dict[str, float]]:
    """Random points of the entry's domain, and as many of twice its width where that is still defined."""
    random = np.random.default_rng(seed)
    wide = [(low - (high - low) / 2, high + (high - low) / 2) for low, high in entry.domain]
    bounded = ("log", "log1p", "sqrt", "safe_sqrt", "bce", "kl_div", "smooth_l1", "celu", "reciprocal")
    smooth = entry.name not in bounded
    found = []
    for turn in range(POINTS):
        intervals = wide if smooth and turn % 2 else entry.domain
        numbers = [float(random.uniform(*interval)) for interval in intervals]
        found.append(dict(zip(entry.arguments, numbers, strict=True)))
    return found


def fifty(expr: Expr, at: Mapping[str, Any]) -> Any:
    """`expr` by our interpreter in fifty digits."""
    context = mpmath.MPContext()
    context.dps = DIGITS + 10
    exact = {name: context.mpf(value) if isinstance(value, float) else value for name, value in at.items()}
    if "condition" in exact:
        exact["condition"] = exact["condition"] > 0
    return evaluate(expr, exact, TABLE, ExactArithmetic(context))


def by_sympy(expr: Any, at: Mapping[str, float]) -> Any:
    exact = {sp.Symbol(name, real=True): sp.Rational(Fraction(value)) for name, value in at.items()}
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(str(sp.N(expr.subs(exact), DIGITS)))


def assert_same(found: Any, expected: Any, what: str) -> None:
    with mpmath.workdps(DIGITS):
        gap = abs(mpmath.mpf(str(found)) - mpmath.mpf(str(expected)))
        allowed = mpmath.mpf(10) ** -32 * max(1, abs(expected))
        assert gap <= allowed, f"{what}: {mpmath.nstr(found, 20)}, expected {mpmath.nstr(expected, 20)}"


def spellings(name: str, argument: str) -> dict[str, Expr]:
    """Every way in which an entry writes its derivative by `argument`."""
    entry = FUNCTIONS[name]
    found = {"derivative": TABLE.written_partial(name, argument)}
    if argument in entry.accurate:
        found["accurate"] = TABLE.tree(entry.accurate[argument])
    if argument in entry.by_value:
        found["by_value"] = TABLE.tree(entry.by_value[argument])
    return found


def value_tree(name: str) -> Expr:
    return Call(name, tuple(map(Name, FUNCTIONS[name].arguments)))


@pytest.mark.parametrize(("name", "argument"), COMPUTED, ids=[".".join(each) for each in COMPUTED])
def test_derivatives_are_what_sympy_derives(name: str, argument: str) -> None:
    entry = FUNCTIONS[name]
    expected = body(name).diff(sp.Symbol(argument, real=True))
    for at in points(entry, 1):
        value = fifty(value_tree(name), at)
        for kind, expr in spellings(name, argument).items():
            assert_same(
                fifty(expr, {**at, "value": value}), by_sympy(expected, at), f"{name}.{argument} {kind} at {at}"
            )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_the_definition(name: str) -> None:
    for at in points(FUNCTIONS[name], 2):
        assert_same(fifty(value_tree(name), at), by_sympy(body(name), at), f"{name} at {at}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_double_precision_is_accurate(name: str) -> None:
    """Values and derivatives in double precision, real and complex, within a few roundings of fifty digits."""
    entry = FUNCTIONS[name]
    for at in points(entry, 3):
        numbers: dict[str, Any] = dict(at)
        if "condition" in numbers:
            numbers["condition"] = np.bool_(numbers["condition"] > 0)
        value = evaluate(value_tree(name), numbers, TABLE)
        expected = float(fifty(value_tree(name), at))
        assert abs(float(value) - expected) <= 1e-14 * max(abs(expected), 1e-2), (name, at)
        assert np.real(evaluate(value_tree(name), numbers, TABLE, COMPLEX)) == value, (name, at)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_probes_are_finite(name: str) -> None:
    """No overflow, no nan and no warning where inputs are extreme; warnings are errors here."""
    entry = FUNCTIONS[name]
    for probe in entry.probes:
        defaults = [float(entry.defaults[each]) for each in entry.arguments[len(probe) :]]
        at: dict[str, Any] = dict(zip(entry.arguments, map(np.float64, [*probe, *defaults]), strict=True))
        if "condition" in at:
            at["condition"] = at["condition"] > 0
        assert np.isfinite(evaluate(value_tree(name), at, TABLE)), (name, probe)
        for argument in entry.arguments[1:] if name == "where" else entry.arguments:
            prime = TABLE.derivative(name, argument).name
            derivative = evaluate(Call(prime, value_tree(name).arguments), at, TABLE)
            assert np.isfinite(derivative), (name, argument, probe)


@pytest.mark.parametrize(("name", "argument"), COMPUTED, ids=[".".join(each) for each in COMPUTED])
def test_a_perturbed_derivative_is_told_from_sympys(name: str, argument: str) -> None:
    """The comparison above rejects an offset of 1e-12, so that its agreement means something."""
    entry = FUNCTIONS[name]
    expected = body(name).diff(sp.Symbol(argument, real=True))
    at = points(entry, 4)[0]
    off = Add((TABLE.written_partial(name, argument), Number(Fraction(1, 10**12))))
    with pytest.raises(AssertionError):
        assert_same(fifty(off, at), by_sympy(expected, at), name)


def test_formulas_name_only_their_arguments() -> None:
    signatures: dict[str, Signature] = {name: entry.signature for name, entry in FUNCTIONS.items()}
    for name, entry in FUNCTIONS.items():
        for kind in ("derivatives", "accurate", "by_value"):
            for argument, formula in getattr(entry, kind).items():
                assert argument in entry.arguments, (name, kind, argument)
                if isinstance(formula, str):
                    allowed = {*entry.arguments, "value"} if kind == "by_value" else set(entry.arguments)
                    read = parse_formula(formula, signatures)
                    assert {part for part in _names(read)} <= allowed, (name, kind, argument)


def _names(expr: Expr) -> tuple[str, ...]:
    from backpropsym.formula.tree import names

    return names(expr)


ONE_ARGUMENT = [name for name, entry in FUNCTIONS.items() if len(entry.arguments) == 1 and entry.named]


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_another_name_for_a_function_has_its_derivative(name: str) -> None:
    """Without SymPy, which finds the same."""
    own = {"f": Function(name="f", arguments=("t",), formula=f"{name}(t)"), name: FUNCTIONS[name]}
    for table in (FunctionTable({"f": own["f"]}), FunctionTable(own)):
        found = table.written_partial("f", "t")
        definition = table.definition("f")
        assert definition is not None
        symbolic = table.symbolic
        assert symbolic.expression(found) == symbolic.expression(definition).diff(symbolic.symbol("t"))
        assert table.written_partial("f", "t") == to_tree(symbolic.expression(found))


def test_every_function_has_a_name_that_formulas_can_call() -> None:
    assert all(name.isidentifier() and name == entry.name for name, entry in FUNCTIONS.items())


def test_a_name_is_registered_once() -> None:
    before = dict(FUNCTIONS)
    with pytest.raises(ValueError, match="tanh is already registered"):
        define(FUNCTIONS["tanh"])
    assert before == FUNCTIONS
