"""Text to a checked expression tree: Python's `ast` with a whitelist; nothing is ever evaluated."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from backpropsym.errors import FormulaError, Location, Problem, counted, did_you_mean, printable
from backpropsym.formula import limits
from backpropsym.formula.names import name_problem
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    Limits,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Slice,
    Span,
    Text,
    Tuple,
    depth,
    nested_exponent,
    walk,
)

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"[A-Za-z0-9_ ,.>-]*"|'[A-Za-z0-9_ ,.>-]*')
      | (?P<operator>\*\*|<=|>=|[-+*/@<>=(),\[\]:])""",
    re.VERBOSE,
)
_ODD = re.compile(r"[^ -~]")
_SWITCHES = ("True", "False")
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function may be called in a formula.

    `arguments` are positional names in order; `defaults` those of them that may be left out; `options` are
    keywords that take a constant. `variadic` lifts the upper bound on the number of arguments; a function that
    `reduces` may be given one argument alone, and one with `limits` an argument and (index, low, high), ....
    Options, and the arguments of a function over `axes`, may be tuples.
    """

    name: str
    arguments: tuple[str, ...]
    defaults: Mapping[str, Fraction]
    options: tuple[str, ...] = ()
    variadic: bool = False
    reduces: bool = False
    limits: bool = False
    axes: bool = False


def parse_formula(text: str, functions: Mapping[str, Signature]) -> Expr:
    """Read `text` as a formula whose calls are restricted to `functions`.

    Names are left as they are; whether they exist is decided where the nodes are known.

    Raises
    ------
    FormulaError : outside the language or over a limit; its location marks the columns in `text`.
    """
    _check_characters(text)
    _check_tokens(text)
    try:
        expr = _Reader(text, functions).read(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        last = len(text.rstrip()) - 1
        column = min((error.offset or len(text)) - 1 + len(text) - len(text.lstrip()), last)
        _fail(text, f"not a formula: {error.msg}", (column, column + 1), "check the signs and brackets at the mark")
    except (RecursionError, MemoryError, ValueError):
        _fail(text, "the formula is too deeply nested", fix="split it into several nodes")
    parts = sum(1 for _ in walk(expr))
    if parts > limits.MAX_PARTS or depth(expr) > limits.MAX_DEPTH:
        found = f"the formula has {parts} parts and {depth(expr)} levels"
        allowed = f"split it into several nodes: at most {limits.MAX_PARTS} parts and {limits.MAX_DEPTH} levels"
        _fail(text, found, fix=allowed)
    if "**" in text and nested_exponent(expr) > limits.MAX_EXPONENT:
        fix = f"keep the product of the exponents within {limits.MAX_EXPONENT}, or write it with exp"
        _fail(text, "powers of powers are too large", fix=fix)
    return expr


def _fail(text: str, message: str, span: Span | None = None, fix: str | None = None) -> NoReturn:
    where = None
    if len(text) <= limits.MAX_CHARACTERS:
        start, end = span or (0, 0)
        where = Location("formula", None, text, start, max(end - start, 0))
    raise FormulaError([Problem(message, where, fix=fix)])


def _check_characters(text: str) -> None:
    if len(text) > limits.MAX_CHARACTERS:
        found = f"the formula has {len(text):,} characters"
        _fail(text, found, fix=f"split it into several nodes of at most {limits.MAX_CHARACTERS:,} characters")
    odd = _ODD.search(text)
    if odd is not None:
        shown = printable(ascii(odd.group()))
        _fail(text, f"{shown} cannot stand in a formula", odd.span(), "use printable ASCII")
    if not text.strip():
        _fail(text, "the formula is empty", fix='write it as in "w*x + b"')


def _check_tokens(text: str) -> None:
    """Refuse what Python's parser should never see: odd numbers, deep brackets, long runs of signs."""
    position, nesting, run, previous = 0, 0, 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            known = "use names, numbers, + - * / ** @, brackets and calls of functions"
            fix = "write a power with **" if text[position] == "^" else known
            _fail(text, f"{text[position]!r} cannot stand in a formula", (position, position + 1), fix)
        kind, token, span = match.lastgroup, match.group(), match.span()
        position = match.end()
        if kind == "space":
            continue
        if kind == "number":
            _check_number(text, token, span)
        if kind == "name" and token not in _SWITCHES and (problem := name_problem(token)):
            raise FormulaError([problem.at(Location("formula", None, text, span[0], len(token)))])
        if previous == "number" and kind in ("number", "name"):
            _fail(text, f"{token!r} follows a number", span, "write a product with *")
        nesting += (token in "([") - (token in ")]") if kind == "operator" else 0
        run = run + 1 if kind == "operator" and token not in ")]," else 0
        if max(nesting, run) > limits.MAX_DEPTH:
            _fail(text, f"more than {limits.MAX_DEPTH} levels", span, "split it into several nodes")
        previous = kind or ""


def _check_number(text: str, token: str, span: Span) -> None:
    if len(token) > limits.MAX_NUMBER_CHARACTERS:
        fix = f"write it with an exponent, as in 1e20; at most {limits.MAX_NUMBER_CHARACTERS} characters"
        _fail(text, f"a number of {len(token)} characters", span, fix)
    value = float(token)
    digits, _, exponent = token.lower().partition("e")
    if math.isinf(value) or (value == 0 and digits.strip("0.")) or abs(int(exponent or 0)) > limits.MAX_DECADES:
        _fail(text, f"{token} is outside the range of floating point", span, "rescale the formula")
    if re.match(r"0\d", token):
        _fail(text, f"{token} starts with a zero", span, f"write {token.lstrip('0') or '0'}")


class _Reader:
    """Converts Python's syntax tree into ours; everything that is not listed is refused."""

    def __init__(self, text: str, functions: Mapping[str, Signature]) -> None:
        self.text = text
        self.indent = len(text) - len(text.lstrip())
        self.functions = functions

    def span(self, node: ast.expr) -> Span:
        return (self.indent + node.col_offset, self.indent + (node.end_col_offset or node.col_offset))

    def fail(self, node: ast.expr, message: str, fix: str | None = None) -> NoReturn:
        _fail(self.text, message, self.span(node), fix)

    def read(self, node: ast.expr) -> Expr:
        """One level of Python's tree; a left chain of operators is followed by a loop, not by recursion."""
        span = self.span(node)
        match node:
            case ast.Name(id=name):
                return Name(name, span=span)
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                token = self.text[span[0] : span[1]]
                return Number(Fraction(token), span=span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Neg(self.read(operand), span=span)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return Add(self._sum(node), span=span)
            case ast.BinOp(op=ast.Mult() | ast.Div() | ast.MatMult()):
                return self._product(node)
            case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
                return Pow(self.read(base), self._exponent(base, exponent), span=span)
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=base, slice=subscript):
                inner = subscript.elts if isinstance(subscript, ast.Tuple) else [subscript]
                return Index(self.read(base), tuple(self._subscript(part) for part in inner), span=span)
            case ast.Constant(value=bool() as switch):
                self.fail(node, f"{switch} stands only as an option, as in causal=True", "use a number")
            case ast.Compare():
                self.fail(node, "a comparison stands only as the first argument of where", "where(x > 0, a, b)")
            case _:
                what = type(node).__name__.lower()
                self.fail(node, f"{what} is not part of the formula language", "see: names, + - * / ** @, calls")

    def _sum(self, node: ast.expr) -> tuple[Expr, ...]:
        terms: list[Expr] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            right = self.read(node.right)
            terms.append(Neg(right, span=right.span) if isinstance(node.op, ast.Sub) else right)
            if self._bracketed(node.left):
                break
            node = node.left
        else:
            return (self.read(node), *reversed(terms))
        return (self.read(node.left), *reversed(terms))

    def _bracketed(self, node: ast.expr) -> bool:
        """Whether the person put brackets around `node` (Python's tree forgets them)."""
        return isinstance(node, ast.BinOp) and self.text[self.span(node)[1] :].lstrip().startswith(")")

    def _product(self, node: ast.BinOp) -> Expr:
        links: list[ast.BinOp] = []
        head: ast.expr = node
        while isinstance(head, ast.BinOp) and isinstance(head.op, ast.Mult | ast.Div | ast.MatMult):
            links.append(head)
            head = head.left
        result = self.read(head)
        for link in reversed(links):
            right, span = self.read(link.right), self.span(link)
            if isinstance(link.op, ast.Div):
                result = Div(result, right, span=span)
            elif isinstance(link.op, ast.MatMult):
                result = MatMul(result, right, span=span)
            elif isinstance(result, Mul):
                result = Mul((*result.factors, right), span=span)
            else:
                result = Mul((result, right), span=span)
        return result

    def _exponent(self, base: ast.expr, node: ast.expr) -> Fraction:
        value = self._constant(node)
        if value is None:
            fix = "write it with exp: exp(p*log(x))"
            self.fail(node, "the exponent is not a constant", fix)
        if abs(value) > limits.MAX_EXPONENT:
            fix = f"use an exponent between -{limits.MAX_EXPONENT} and {limits.MAX_EXPONENT}, or write it with exp"
            self.fail(node, "the exponent is too large", fix)
        number = self._constant(base)
        if number is not None:
            self._check_power(base, number, value)
        return value

    def _check_power(self, node: ast.expr, number: Fraction, exponent: Fraction) -> None:
        try:
            value = float(number) ** float(exponent)
        except (OverflowError, ZeroDivisionError):
            value = math.inf
        if isinstance(value, complex) or not math.isfinite(value):
            self.fail(node, "the power of these numbers is not a finite real number", "write the value itself")

    def _subscript(self, node: ast.expr) -> Expr:
        """What may stand inside brackets: a formula, or a slice."""
        if not isinstance(node, ast.Slice):
            return self.read(node)
        start, stop, step = (self._bound(part) for part in (node.lower, node.upper, node.step))
        if step == 0:
            self.fail(node, "the step of a slice is not zero", "write x[::2] for every second entry")
        return Slice(start, stop, 1 if step is None else step, span=self.span(node))

    def _bound(self, node: ast.expr | None) -> int | None:
        value = None if node is None else self._constant(node)
        if node is not None and (value is None or value.denominator > 1):
            self.fail(node, "a slice takes whole numbers", "write x[1:3], or x[:, 0]")
        return None if value is None else int(value)

    def _constant(self, node: ast.expr) -> Fraction | None:
        """The value of a constant such as 2, -0.5 or 1/3; None where it has a name in it."""
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                start, end = self.span(node)
                return Fraction(self.text[start:end])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._constant(operand)
                return None if inner is None else -inner
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                numerator, denominator = self._constant(left), self._constant(right)
                if numerator is None or not denominator:
                    return None
                return numerator / denominator
            case _:
                return None

    def _call(self, node: ast.Call) -> Expr:
        if not isinstance(node.func, ast.Name):
            self.fail(node, "only functions can be called", "write a product with *")
        name = node.func.id
        signature = self.functions.get(name)
        if signature is None:
            fix = did_you_mean(name, self.functions, "see the list of functions: backpropsym functions")
            self.fail(node.func, f"{name} is not a function", fix)
        first = signature.arguments[0]
        arguments = tuple(self._argument(part, signature, index == 0) for index, part in enumerate(node.args))
        keywords = {
            key.arg: self._argument(key.value, signature, key.arg == first, key.arg in signature.options)
            for key in node.keywords
            if key.arg
        }
        if len(keywords) < len(node.keywords):
            self.fail(node, f"a repeated or starred option in {name}(...)")
        return self._arranged(node, signature, arguments, keywords)

    def _argument(self, node: ast.expr, signature: Signature, first: bool, option: bool = False) -> Expr:
        span = self.span(node)
        match node:
            case ast.Starred():
                self.fail(node, "* cannot stand before an argument")
            case ast.Constant(value=str() as text):
                return Text(text, span=span)
            case ast.Constant(value=bool() as switch) if option:
                return Number(Fraction(switch), span=span)
            case ast.Tuple(elts=[ast.Name(id=index), low, high]) if signature.limits and not option:
                return Limits(index, self.read(low), self.read(high), span=span)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if parts and (option or signature.axes):
                return Tuple(tuple(self._argument(part, signature, False, option) for part in parts), span=span)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if first and signature.name == "where":
                symbol = _COMPARISONS.get(type(operator))
                if symbol is None:
                    self.fail(node, "where knows the comparisons < <= > >=")
                return Compare(symbol, self.read(left), self.read(right), span=span)
            case _:
                return self.read(node)

    def _arranged(
        self, node: ast.Call, signature: Signature, arguments: tuple[Expr, ...], keywords: dict[str, Expr]
    ) -> Expr:
        """Arguments in the order of the signature, trailing defaults left out; the options stay keywords."""
        name, expected = signature.name, signature.arguments
        usage = _usage(signature)
        limits = [part for part in arguments if isinstance(part, Limits)]
        indices = [limit.index for limit in limits]
        for index in indices:
            if indices.count(index) > 1:
                self.fail(node, f"{name} runs over the index {index} twice", "give each range an index of its own")
        if limits:
            if keywords or len(limits) != len(arguments) - 1 or isinstance(arguments[0], Limits):
                self.fail(node, f"{name} over indices takes one formula", f"write {name}(x[i], (i, 0, n-1))")
            return Call(name, arguments, span=self.span(node))
        if len(arguments) > len(expected) and not signature.variadic:
            self.fail(node, f"{name} takes {counted(len(expected), 'argument')}, found {len(arguments)}", usage)
        given = dict(zip(expected, arguments, strict=False))
        options: list[tuple[str, Expr]] = []
        for key, value in keywords.items():
            if key in given:
                self.fail(node, f"{name} got {key} twice", usage)
            if key in expected:
                given[key] = value
            elif key in signature.options:
                options.append((key, value))
            else:
                known = (*expected, *signature.options)
                self.fail(node, f"{name} has no option {key}", did_you_mean(key, known, usage))
        if signature.reduces and len(keywords) + len(arguments) == len(options) + 1 and expected[0] in given:
            return Call(name, (given[expected[0]],), tuple(options), span=self.span(node))
        for key in expected:
            if key not in given and key not in signature.defaults:
                self.fail(node, f"{name} needs {key}", usage)
        placed = tuple(given[key] if key in given else Number(signature.defaults[key]) for key in expected)
        while len(placed) > len(arguments) and _is_default(placed[-1], signature.defaults, expected[len(placed) - 1]):
            placed = placed[:-1]
        if name == "where" and not isinstance(placed[0], Compare):
            self.fail(node, "the first argument of where is a comparison", "where(x > 0, a, b)")
        return Call(name, placed + arguments[len(expected) :], tuple(options), span=self.span(node))


def _is_default(argument: Expr, defaults: Mapping[str, Fraction], name: str) -> bool:
    return isinstance(argument, Number) and defaults.get(name) == argument.value


def _usage(signature: Signature) -> str:
    parts = [
        f"{name}={float(signature.defaults[name]):g}" if name in signature.defaults else name
        for name in signature.arguments
    ]
    parts += [f"{name}=..." for name in signature.options]
    return f"write {signature.name}({', '.join(parts)})"
