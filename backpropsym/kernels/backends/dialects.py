"""The two spellings of a kernel: plain Python on numbers, NumPy on arrays."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, NamedTuple

from backpropsym.kernels.ir.array_operations import ObjectShare, Product, Reduce, Size, Spread
from backpropsym.kernels.ir.program import Kind, Value
from backpropsym.ops.function import FUNCTIONS

CHOICE, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(7)
_PLACE = re.compile(r"\{(\d)\}")
_MODULE = re.compile(r"\bmath\.(\w+)")
_BARE_CALL = re.compile(r"(?<![\w.])([a-z]\w*)(?=\()")
_WITH_CONSTANT = {
    ("max", 0): "({0} if {0} >= {1} else {1})",
    ("max", 1): "({1} if {0} < {1} else {0})",
    ("min", 0): "({0} if {0} <= {1} else {1})",
    ("min", 1): "({1} if {0} > {1} else {0})",
}


class Piece(NamedTuple):
    """A part of an expression as source, and how tightly it binds."""

    text: str
    binds: int

    def bracketed(self, at_least: int) -> str:
        """The text, in brackets where it binds less tightly than `at_least`."""
        return f"({self.text})" if self.binds < at_least else self.text


class Template(NamedTuple):
    """The source of a primitive function.

    Attributes
    ----------
    text : with `{0}`, `{1}`, ... for the arguments.
    binds : how tightly the whole binds.
    uses : how often each argument stands in it.
    """

    text: str
    binds: int
    uses: tuple[int, ...]


@dataclass
class Dialect(ABC):
    """One rule a kind of value; every name of its own starts with an underscore, which no user's name does.

    Attributes
    ----------
    helpers : the underscored names that the printed source needs, such as `_exp`.
    """

    helpers: dict[str, str] = field(default_factory=dict)
    repeats_comparisons: ClassVar[bool] = False
    """Whether a comparison is written anew at each use, rather than given a name."""

    def shape_note(self, item: Value, position: int) -> str:
        """The shape of a value for a comment; nothing where all are numbers."""
        return ""

    def uses(self, item: Value) -> tuple[int, ...]:
        """How often the source of an operation over axes uses each operand."""
        return (1,) * len(item.operands)

    def operation(self, item: Value, operands: Sequence[Piece], constant: tuple[bool, ...]) -> Piece:
        """An operation over axes, given which of its operands are numbers."""
        raise TypeError(f"{type(self).__name__} has no operations over axes")

    def piece(self, item: Value, operands: Sequence[Piece]) -> Piece:
        """The source of a value, given that of its operands."""
        match item.kind:
            case Kind.LEAF:
                return Piece(item.data, ATOM)
            case Kind.NUMBER:
                return self.number(item.data)
            case Kind.ADD:
                return Piece(f"{operands[0].bracketed(SUM)} + {operands[1].bracketed(PRODUCT)}", SUM)
            case Kind.SUBTRACT:
                return Piece(f"{operands[0].bracketed(SUM)} - {operands[1].bracketed(PRODUCT)}", SUM)
            case Kind.MULTIPLY:
                return Piece(f"{operands[0].bracketed(PRODUCT)}*{operands[1].bracketed(POWER)}", PRODUCT)
            case Kind.DIVIDE:
                return Piece(f"{operands[0].bracketed(PRODUCT)}/{operands[1].bracketed(POWER)}", PRODUCT)
            case Kind.NEGATE:
                return Piece(f"-{operands[0].bracketed(PRODUCT)}", SIGN)
            case Kind.POWER:
                return self.power(operands[0], item.data)
            case Kind.COMPARE:
                return Piece(f"{operands[0].bracketed(SUM)} {item.data} {operands[1].bracketed(SUM)}", COMPARISON)
            case _:
                raise TypeError(f"{item.kind} has a rule of its own")

    def number(self, value: float) -> Piece:
        """A constant."""
        if math.isfinite(value):
            return Piece(repr(value), SIGN if math.copysign(1.0, value) < 0 else ATOM)
        name = self.not_finite("nan" if math.isnan(value) else "inf")
        return Piece(f"-{name}", SIGN) if value < 0 else Piece(name, ATOM)

    @abstractmethod
    def not_finite(self, name: str) -> str:
        """The source of nan or inf."""

    def call(self, name: str, operands: Sequence[Piece], constant: tuple[bool, ...]) -> Piece:
        """A primitive function, given which of its arguments are numbers."""
        template = self.template(name, constant)
        at_least = COMPARISON if template.binds < ATOM else CHOICE
        text = template.text.format(*(operand.bracketed(at_least) for operand in operands))
        return Piece(text, template.binds)

    @abstractmethod
    def template(self, name: str, constant: tuple[bool, ...]) -> Template:
        """The source of a primitive, for arguments that are numbers or not; its helpers are noted."""

    @abstractmethod
    def power(self, base: Piece, exponent: float) -> Piece:
        """A power with a constant exponent."""

    def helper(self, name: str, origin: str) -> str:
        """The name under which the source uses `name` of `origin`."""
        self.helpers[f"_{name}"] = origin
        return f"_{name}"


class ScalarDialect(Dialect):
    """Python's own floats and `math`; a mean over one object is the object.

    `helpers` come from "math" or are builtin, "builtins".
    """

    repeats_comparisons = True

    def template(self, name: str, constant: tuple[bool, ...]) -> Template:
        """See Dialect."""
        special = [text for (function, index), text in _WITH_CONSTANT.items() if function == name and constant[index]]
        primitive = FUNCTIONS[name].primitive
        assert primitive is not None, f"{name} is a primitive"
        text = special[0] if special else primitive.scalar
        text = _MODULE.sub(lambda match: self.helper(match.group(1), "math"), text)
        return parsed(_BARE_CALL.sub(lambda match: self.helper(match.group(1), "builtins"), text))

    def not_finite(self, name: str) -> str:
        """See Dialect."""
        return self.helper(name, "math")

    def power(self, base: Piece, exponent: float) -> Piece:
        """See Dialect. Python's `**` would turn a root of a negative number into a complex one."""
        if isinstance(exponent, int):
            return Piece(f"{base.bracketed(ATOM)}**{exponent}", POWER)
        return Piece(f"{self.helper('pow', 'math')}({base.text}, {exponent!r})", ATOM)


class ArrayDialect(Dialect):
    """NumPy arrays of shape (n,), one entry an object, and NumPy scalars.

    `helpers` are functions that NumPy does not have, from "error_function".
    """

    def shape_note(self, item: Value, position: int) -> str:
        """See Dialect."""
        return "(n,)" if item.batched else "()"

    def template(self, name: str, constant: tuple[bool, ...]) -> Template:
        """See Dialect. A choice between two literals has no dtype of its own and takes the kernel's."""
        primitive = FUNCTIONS[name].primitive
        assert primitive is not None, f"{name} is a primitive"
        text = "np.where({0}, _real({1}), _real({2}))" if name == "where" and all(constant[1:]) else primitive.array
        text = text.replace("np.", "_np.")
        return parsed(_BARE_CALL.sub(lambda match: self.helper(f"{match.group(1)}_array", "error_function"), text))

    def not_finite(self, name: str) -> str:
        """See Dialect."""
        return f"_np.{name}"

    def power(self, base: Piece, exponent: float) -> Piece:
        """See Dialect."""
        return Piece(f"{base.bracketed(ATOM)}**{exponent!r}", POWER)

    def operation(self, item: Value, operands: Sequence[Piece], constant: tuple[bool, ...]) -> Piece:
        """See Dialect. Of networks of numbers: sums over the objects, their number, and what is the same for all."""
        match item.data:
            case ObjectShare():
                return Piece("_real(1.0/_n)", ATOM)
            case Size():
                return Piece("_real(_n)", ATOM)
            case Reduce(function="sum"):
                return Piece(f"_np.add.reduce({operands[0].text})", ATOM)
            case Product():
                return Piece(f"{operands[0].bracketed(PRODUCT)} @ {operands[1].bracketed(POWER)}", PRODUCT)
            case Spread():
                return Piece(f"_np.broadcast_to({operands[0].text}, _n)", ATOM)
        return super().operation(item, operands, constant)


@cache
def parsed(text: str) -> Template:
    """The source of a function with places for its arguments."""
    places = [int(place) for place in _PLACE.findall(text)]
    uses = tuple(places.count(index) for index in range(max(places) + 1))
    if text.startswith("("):
        return Template(text[1:-1], CHOICE, uses)
    return Template(text, ATOM, uses)
