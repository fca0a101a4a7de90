"""Small changes of a file of Python, each of which a test should notice. The kinds are those of cosmic-ray and mutmut.

Left alone: annotations, decorators, docstrings, and the words of errors. Inside other strings the signs of a formula
are changed too, for an op is defined by the text of its formula and a kernel is written as text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
SIGNS = {"+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
SIGN = re.compile(r"(?<=[\w)\]}.\s])(\*\*|<=|>=|[-+*/<>])(?=[\w({.\s])(?!>)")
FORMULA = re.compile(r"[\w(){}\[\].,:*+/<>=\s-]+")


@dataclass(frozen=True)
class Mutant:
    """One change: bytes `start` to `stop` of a file become `text`."""

    file: str
    line: int
    last_line: int
    start: int
    stop: int
    text: str
    operator: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.stop :]


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its text."""
    walk = _Walk(file, source)
    walk.visit(ast.parse(source))
    return list(dict.fromkeys(sorted(walk.found, key=lambda mutant: (mutant.start, mutant.stop, mutant.text))))


def changes(mutant: Mutant, source: str) -> bool:
    """Whether a mutant is Python, and other Python than the source."""
    try:
        changed = ast.parse(mutant.applied(source.encode()))
    except SyntaxError:
        return False
    return ast.dump(changed) != ast.dump(ast.parse(source))


class _Walk(ast.NodeVisitor):
    """Collects mutants. Offsets are of bytes, as the columns of `ast` are."""

    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source.encode()
        self.starts = [0]
        for row in self.source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(row))
        self.found: list[Mutant] = []
        self.statement: ast.stmt | None = None
        self.depth = 0

    def add(self, node: ast.AST, operator: str, text: str) -> None:
        self.between(*self.span(node), operator, text)

    def between(self, start: int, stop: int, operator: str, text: str) -> None:
        assert self.statement is not None
        first = self.source.count(b"\n", 0, start) + 1
        last = max(first, _header(self.statement))
        first = min(first, self.statement.lineno) if not hasattr(self.statement, "body") else first
        self.found.append(Mutant(self.file, first, last, start, stop, text, operator))

    def span(self, node: ast.AST) -> tuple[int, int]:
        place = node  # type: ignore[assignment]
        start = self.starts[place.lineno - 1] + place.col_offset  # type: ignore[attr-defined]
        return start, self.starts[place.end_lineno - 1] + place.end_col_offset  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        start, stop = self.span(node)
        return self.source[start:stop].decode()

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            outer, self.statement = self.statement, node
            super().visit(node)
            self.statement = outer
        else:
            super().visit(node)

    def visit_body(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    # Left alone

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.depth += 1
        self.visit_body([*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body])
        self.depth -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_body(node.body)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.add(node, "statement removed", "pass")

    def visit_If(self, node: ast.If) -> None:
        if self.text(node.test) != "TYPE_CHECKING":
            self.add(node.test, "condition negated", f"not ({self.text(node.test)})")
            self.generic_visit(node)

    # Statements

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if self.depth:
            self.add(node, "statement removed", "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if self.depth and not any(isinstance(name, ast.Name | ast.Tuple) for name in node.targets):
            self.add(node, "statement removed", "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.add(node, "statement removed", "pass")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and self.text(node.value) != "None":
            self.add(node.value, "returns None", "None")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self.add(node, "break to continue", "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self.add(node, "continue to break", "break")

    def visit_For(self, node: ast.For) -> None:
        self.add(node.iter, "loop over nothing", "()")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.add(test, "filter dropped", "True")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.add(node.test, "condition negated", f"(not ({self.text(node.test)}))")
        self.generic_visit(node)

    # Expressions

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            for other in COMPARISONS[type(operator)]:
                self.infix(left, right, "comparison", other)
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if (other := ARITHMETIC.get(type(node.op))) and (self.depth or not isinstance(node.op, ast.BitOr)):
            self.infix(node.left, node.right, "arithmetic", other)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.infix(left, right, "boolean", other)
        self.generic_visit(node)

    def infix(self, left: ast.expr, right: ast.expr, operator: str, other: str) -> None:
        """Replace the operator between two operands, and leave brackets and blanks as they are."""
        start, stop = self.span(left)[1], self.span(right)[0]
        between = self.source[start:stop].decode()
        changed = re.sub(r"[^\s()#\\]+(\s+(?:not|in)\b)?", other, between, count=1)
        self.between(start, stop, operator, changed)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, ast.UAdd):
            self.add(node, "unary operator removed", f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self.add(node, "constant", str(not node.value))
            case int() | float():
                self.add(node, "constant", repr(node.value + 1))
                self.add(node, "constant", f"({node.value - 1!r})")
            case str() if FORMULA.fullmatch(node.value):
                self.signs(*self.span(node))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        start, stop = self.span(node)
        if FORMULA.fullmatch(re.sub(r"\{[^{}]*\}|f?['\"]", "x", self.source[start:stop].decode())):
            self.signs(start, stop)

    def signs(self, start: int, stop: int) -> None:
        """The signs in a text, outside the replacement fields of an f-string."""
        text = self.source[start:stop].decode()
        outside = re.sub(r"\{[^{}]*\}", lambda field: "x" * len(field[0]), text)
        for sign in SIGN.finditer(outside):
            before = start + len(text[: sign.start()].encode())
            self.between(before, before + len(sign[0]), "sign in a text", SIGNS[sign[0]])

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in NAMES:
            self.add(node.func, "function", NAMES[node.func.id])
        if self.text(node.func).endswith("Error"):
            return
        plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        if len(plain) == len(node.args) >= 2 and self.text(node.func) not in NAMES:
            first, second = node.args[:2]
            (start, middle), (third, stop) = self.span(first), self.span(second)
            between = self.source[middle:third].decode()
            self.between(start, stop, "arguments swapped", self.text(second) + between + self.text(first))
        for before, keyword in self.keywords(node):
            self.between(self.span(before)[1], self.span(keyword)[1], "argument dropped", "")
        self.generic_visit(node)

    def keywords(self, node: ast.Call) -> Iterator[tuple[ast.AST, ast.AST]]:
        every: list[ast.AST] = [*node.args, *(keyword for keyword in node.keywords)]
        for before, argument in zip(every, every[1:], strict=False):
            if isinstance(argument, ast.keyword) and argument.arg is not None and self.depth:
                yield before, argument


def _header(statement: ast.stmt) -> int:
    """The last line of a statement, or of the head of one that holds others."""
    body = getattr(statement, "body", None)
    return max(statement.lineno, body[0].lineno - 1) if body else (statement.end_lineno or statement.lineno)
