"""What a function of the formula language is: everything about one function in one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, SupportsIndex, TypedDict

from backpropsym.arrays import Numeric
from backpropsym.errors import UnknownNameError
from backpropsym.formula.parse import Signature
from backpropsym.formula.tree import Expr

if TYPE_CHECKING:
    import mpmath as mp
    import sympy as sp

Formula = str | Expr
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Primitive:
    """How a function that is not defined by others is computed in each number system.

    Attributes
    ----------
    scalar, array : Python source over `math` or `np`; `{0}`, `{1}`, ... stand for the arguments, already
        bracketed where they need it.
    real, complex : the same as callables on NumPy arrays. The complex one continues the branch that the real
        part takes, so that a complex step sees the derivative of that branch.
    mpmath : the same on mpmath numbers, given the mpmath context first.
    symbolic : SymPy's own function, where it has one that neither rewrites nor branches.
    switch : for a function with branches, the quantity whose sign chooses the branch.
    """

    scalar: str
    array: str
    real: Callable[..., Numeric]
    complex: Callable[..., Any]
    mpmath: Callable[..., mp.mpf]
    symbolic: Callable[..., sp.Expr] | None = None
    switch: Callable[..., Numeric] | None = None

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Pickled by the name under which it is registered, for it is code."""
        for name, function in FUNCTIONS.items():
            if function.primitive is self:
                return _registered_primitive, (name,)
        return super().__reduce_ex__(protocol)


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of scalars, applied entry by entry.

    Formulas are texts in the formula language, or trees, over the names in `arguments`.

    Attributes
    ----------
    defaults : the numbers of arguments that are left out; a parameter in their place starts there.
    start : where parameters in the place of other arguments start.
    formula : the definition by other functions; empty for a primitive and for an abstract function.
    stable : the same for numbers, where the definition overflows or cancels.
    derivatives : the spelling of d/d(argument) that people use, by argument. Where it is missing, SymPy
        derives it from `formula`; where it is given, a test proves it equal to what SymPy derives.
    accurate : the derivative for numbers, to full relative accuracy.
    by_value : the derivative by the stored `value` of the function, as kernels use it.
    named : whether a derivative prints as f'(x); else it is written out.
    kink : the convention at the points without a derivative, in words.
    clamped : whether numbers stay finite, by the convention, where the definition does not.
    domain : where checks take samples, an interval an argument.
    probes : points at which value and derivatives must be finite.
    source : where the definition is from.
    """

    name: str
    arguments: tuple[str, ...] = ("x",)
    defaults: Mapping[str, Fraction] = field(default_factory=dict)
    formula: Formula = ""
    stable: Formula = ""
    derivatives: Mapping[str, Formula] = field(default_factory=dict)
    accurate: Mapping[str, Formula] = field(default_factory=dict)
    by_value: Mapping[str, Formula] = field(default_factory=dict)
    primitive: Primitive | None = None
    abstract: bool = False
    named: bool = True
    kink: str = ""
    clamped: bool = False
    domain: tuple[Interval, ...] = ((-3.0, 3.0),)
    probes: tuple[tuple[float, ...], ...] = ((-1000.0,), (0.0,), (1000.0,))
    source: str = ""
    latex: str = ""
    unicode: str = ""
    start: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def starts(self) -> Mapping[str, Fraction]:
        """Where parameters start that stand in the place of arguments."""
        return {**self.defaults, **self.start}

    @property
    def signature(self) -> Signature:
        """How the function may be called."""
        return Signature(self.name, self.arguments, self.defaults)

    @property
    def required(self) -> tuple[str, ...]:
        """The arguments without a default."""
        return tuple(name for name in self.arguments if name not in self.defaults)


class Facts(TypedDict, total=False):
    """The attributes of `Function` but for its name and its formula, as keywords."""

    arguments: tuple[str, ...]
    defaults: Mapping[str, Fraction]
    stable: Formula
    derivatives: Mapping[str, Formula]
    accurate: Mapping[str, Formula]
    by_value: Mapping[str, Formula]
    primitive: Primitive | None
    abstract: bool
    named: bool
    kink: str
    clamped: bool
    domain: tuple[Interval, ...]
    probes: tuple[tuple[float, ...], ...]
    source: str
    latex: str
    unicode: str
    start: Mapping[str, Fraction]


FUNCTIONS: dict[str, Function] = {}


def define(function: Function) -> None:
    """Register `function`; with this entry it has derivation, LaTeX, kernels, checks and a docs row.

    Raises
    ------
    ValueError : the name is registered already.
    """
    if function.name in FUNCTIONS:
        raise ValueError(f"{function.name} is already registered")
    FUNCTIONS[function.name] = function


def _registered_primitive(name: str) -> Primitive | None:
    """The primitive of a registered function."""
    if name not in FUNCTIONS:
        raise UnknownNameError(f"no function is registered as {name}", fix="import what registers it, then unpickle")
    return FUNCTIONS[name].primitive
