"""Architecture strings: "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy"."""

from __future__ import annotations

import ast
import itertools
from typing import NoReturn

from backpropsym.errors import FormulaError, LimitError, Location, NetworkError, Problem, ShapeError, did_you_mean
from backpropsym.formula import limits
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Add, Expr, Name, Span
from backpropsym.graph.graph import Block, Graph
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Shape
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.memory_budget import LARGEST_ARRAY, amount
from backpropsym.ops.sizes import Dimension, read_size, size_symbols
from backpropsym.spec.build import build
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.functions import call_signatures
from backpropsym.spec.layers import (
    Applied,
    Argument,
    Layer,
    call_text,
    is_registered,
    layer_maker,
    layer_names,
    registered,
)
from backpropsym.spec.lower import lower

MAX_LAYERS = 10_000
ARROW = "->"
TARGET = "y"


def parse_architecture(text: str) -> Graph:
    """The network of an architecture string.

    The input keeps its name, the target is y, the k-th layer with parameters owns Wk and bk.

    Raises
    ------
    NetworkError : what is wrong, with the place in the string.
    """
    return build(Architecture(text).declaration)


class Architecture:
    """Layers added one by one to a declaration, the shape of the last node always known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.declaration = Declaration(located=self.place)
        self.table = FunctionTable()
        self.signatures = call_signatures(self.table)
        self.shapes: dict[str, Shape] = {}
        self.spans: dict[str, Span] = {}
        self.parameters = 0
        self.space = ""
        self.current = ""
        self._next: dict[str, int] = {}
        self.read(self.parse())
        if not self.declaration.nodes:
            self.fail("the architecture has no layer", fix='add one, as in "x[2] -> dense(1) -> mse"')
        self.declaration.output = self.current

    def place(self, section: str, key: str, span: Span | None) -> Location:
        """The step of the string that made a node."""
        start, end = self.spans.get(key, (0, 0))
        return Location("architecture", None, self.text, start, end - start)

    def fail(self, message: str, node: ast.expr | None = None, fix: str | None = None) -> NoReturn:
        """Refuse the architecture, pointing at a part of it."""
        where = Location("architecture", None, self.text)
        if node is not None:
            where = Location("architecture", None, self.text, *self.columns(node))
        raise NetworkError([Problem(message, where, fix=fix)])

    def columns(self, node: ast.expr) -> Span:
        """First column and width of a part of the string."""
        return node.col_offset, (node.end_col_offset or node.col_offset + 1) - node.col_offset

    def parse(self) -> ast.expr:
        """Python's tree of the string, arrows read as shifts.

        Raises
        ------
        NetworkError : it is not an architecture, or too long or too deep.
        """
        if len(self.text) > limits.MAX_CHARACTERS or not self.text.isascii() or not self.text.isprintable():
            self.text = ascii(self.text[:60])
            self.fail(f"an architecture is printable ASCII of at most {limits.MAX_CHARACTERS:,} characters")
        nesting = 0
        for character in self.text:
            nesting += (character in "([") - (character in ")]")
            if nesting > limits.MAX_DEPTH:
                self.fail(f"more than {limits.MAX_DEPTH} brackets inside each other")
        try:
            return ast.parse(self.text.replace(ARROW, ">>"), mode="eval").body
        except SyntaxError as error:
            column = max((error.offset or 1) - 1, 0)
            where = Location("architecture", None, self.text, column, 1)
            problem = Problem(f"not an architecture: {error.msg}", where, fix='write "x[2] -> dense(1) -> mse"')
            raise NetworkError([problem]) from None
        except (RecursionError, MemoryError, ValueError):
            self.fail("the architecture is too deeply nested")

    def read(self, node: ast.expr) -> None:
        """A chain: the input, then the layers."""
        steps = _steps(node)
        first = steps[0]
        if not isinstance(first, ast.Subscript | ast.Name):
            self.fail("an architecture starts with its input", first, 'write "x[784] -> ..."')
        self.count(steps[1:])
        self.input(first)
        self.chain(steps[1:])

    def count(self, steps: list[ast.expr]) -> None:
        """Refuse too many layers before the first is built.

        Raises
        ------
        LimitError : there are more than `MAX_LAYERS`.
        """
        count = sum(map(_layers, steps))
        if count > MAX_LAYERS:
            where = Location("architecture", None, self.text)
            fix = f"write at most {MAX_LAYERS:,}"
            raise LimitError([Problem(f"the architecture has {amount(count)} layers", where, fix=fix)])

    def input(self, node: ast.Subscript | ast.Name) -> None:
        """Declare the first name of the string, with its shape."""
        name = node.value if isinstance(node, ast.Subscript) else node
        if not isinstance(name, ast.Name):
            self.fail("the input is a name with a shape", node, "write x[784]")
        sizes: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        shape = tuple(self.size(size) for size in sizes)
        if name.id == TARGET:
            self.fail(f"{TARGET} is the name of the target", node, "give the input another name")
        self.extra_input(name.id, shape, node)
        self.current = name.id

    def extra_input(self, name: str, shape: Shape, node: ast.expr) -> str:
        """Declare an input, such as the mask of a dropout."""
        self.declaration.inputs[name] = shape
        self.spans[name] = (node.col_offset, node.end_col_offset or 0)
        self.leaf(name, shape)
        return name

    def leaf(self, name: str, shape: Shape) -> None:
        """The shape of a leaf, whose symbols are numbers in formulas."""
        self.shapes[name] = shape
        self.declaration.symbols.update(symbol for size in shape for symbol in size_symbols(size))

    def size(self, node: ast.expr) -> Dimension:
        """One size of a shape."""
        match node:
            case ast.Constant(value=int() as size) if not isinstance(size, bool) and size > 0:
                return self.whole(size, node)
            case ast.Name() | ast.BinOp() | ast.UnaryOp() if isinstance(found := read_size(ast.unparse(node)), str):
                return found
            case _:
                self.fail("a size is a positive whole number, a symbol such as n, or a formula such as 2*n + 1", node)

    def whole(self, number: int, node: ast.expr) -> int:
        """A whole number that an array can be as large as.

        Raises
        ------
        LimitError : it is larger.
        """
        if number <= LARGEST_ARRAY:
            return number
        where = Location("architecture", None, self.text, *self.columns(node))
        fix = f"write a smaller one; no array has more than {LARGEST_ARRAY:,} entries"
        raise LimitError([Problem(f"the number {amount(number)} is too large", where, fix=fix)])

    def chain(self, steps: list[ast.expr]) -> None:
        """Layers one behind the other."""
        for step in steps:
            self.step(step)

    def step(self, node: ast.expr) -> None:
        """One layer, a repeated block, or a loss."""
        match node:
            case ast.BinOp(left=ast.Constant(value=int() as times), op=ast.Mult(), right=block) if times > 0:
                for _ in range(times):
                    self.chain(_steps(block))
            case ast.Call(func=ast.Name(id="residual"), args=[block], keywords=[]):
                self.residual(block, node)
            case ast.Name(id="residual") | ast.Call(func=ast.Name(id="residual")):
                self.fail("residual takes a block, and no options", node, "write residual(dense(8, relu) -> dense(8))")
            case ast.Name(id=name):
                self.block(name, [], {}, node)
            case ast.Call(func=ast.Name(id=name)):
                arguments = [self.argument(arg) for arg in node.args]
                if any(each.arg is None for each in node.keywords):
                    self.fail("** cannot stand in an architecture", node, "write the options out: stride=2")
                options = {keyword.arg: self.argument(keyword.value) for keyword in node.keywords if keyword.arg}
                self.block(name, arguments, options, node)
            case _:
                self.fail("this is not a layer", node, "write a layer such as dense(10, relu)")

    def argument(self, node: ast.expr) -> Argument:
        """What stands in the brackets of a layer."""
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return self.whole(value, node)
            case ast.Constant(value=bool() | float() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name(id=name):
                return name
            case ast.Tuple(elts=[_, *_] as parts):
                return tuple(map(self.argument, parts))
            case ast.BinOp() if isinstance(size := read_size(ast.unparse(node)), int | str):
                return size
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=keywords) if all(
                keyword.arg for keyword in keywords
            ):
                inside = ((str(each.arg), self.argument(each.value)) for each in keywords)
                return Applied(name, tuple(map(self.argument, parts)), tuple(inside))
            case _:
                self.fail("an argument is a number or a name, or a tuple of them", node)

    def residual(self, block: ast.expr, node: ast.expr) -> None:
        """x + block(x)."""
        start = self.current
        self.chain(_steps(block))
        if self.shapes[self.current] != self.shapes[start]:
            self.fail(
                f"the block of residual turns {self.shapes[start]} into {self.shapes[self.current]}",
                node,
                "end it with a layer of the size that it started from",
            )
        self.add(self.unused("r"), Add((Name(start), Name(self.current))), node)

    def block(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """A layer, its nodes kept as one block."""
        nodes, before = self.declaration.nodes, len(self.declaration.nodes)
        self.layer(name, arguments, options, node)
        added = tuple(itertools.islice(reversed(nodes), len(nodes) - before))
        if added:
            start, width = self.columns(node)
            self.declaration.blocks.append(Block(self.text[start : start + width], added[::-1]))

    def layer(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """A layer of the table, or the loss."""
        chosen = options.pop("name", None)
        if self.declaration.loss is not None:
            self.fail("nothing follows the loss", node)
        if is_registered(name, "target"):
            if chosen is not None:
                self.fail("the loss is always called loss", node, "leave name= out")
            self.loss(name, arguments, options, node)
            return
        maker = layer_maker(name)
        if maker is None:
            fix = did_you_mean(
                name, (*layer_names(), *registered("target"), "residual"), "see the list of layers in the docs"
            )
            self.fail(f"{name} is not a layer", node, fix)
        maker(self, Layer(name, arguments, options, node))
        if chosen is not None:
            self.rename(str(chosen), node)

    def loss(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """The loss of the last value, and its target."""
        shape = self.shapes[self.current]
        self.declaration.targets[TARGET] = () if COMPOSITIONS[name].target == "class" else shape
        self.declaration.loss = call_text(name, [self.current, TARGET, *arguments], options)
        self.spans["loss"] = (node.col_offset, node.end_col_offset or 0)

    def parameter(self, name: str, shape: Shape, node: ast.expr) -> None:
        """Declare a parameter; a name given twice is one shared parameter."""
        if name in self.shapes and name not in self.declaration.parameters:
            self.fail(f"{name} is already taken", node, "choose another name")
        known = self.declaration.parameters.setdefault(name, shape)
        if known != shape:
            self.fail(f"{name} is shared by layers of the shapes {known} and {shape}", node)
        self.leaf(name, shape)

    def unused(self, stem: str, number: int | None = None) -> str:
        """A node name that is not taken: stem and number."""
        count = number or self._next.get(stem, 1)
        while f"{stem}{count}" in self.shapes:
            count += 1
        if number is None:
            self._next[stem] = count
        return f"{stem}{count}"

    def add(self, name: str, formula: str | Expr, node: ast.expr) -> None:
        """A node, its shape inferred at once."""
        self.spans[name] = (node.col_offset, node.end_col_offset or 0)
        try:
            tree = parse_formula(formula, self.signatures) if isinstance(formula, str) else formula
            steps = lower(name, self.declaration, tree, self.shapes, self.table)
        except (FormulaError, ShapeError, NetworkError) as error:
            self.fail(error.problems[0].message, node, error.problems[0].fix)
        self.declaration.nodes[name] = tree
        self.declaration.lowered[name] = steps
        self.shapes[name] = steps[-1].shape
        self.current = name

    def rename(self, name: str, node: ast.expr) -> None:
        """Give the last node the name that the person chose."""
        problem = name_problem(name)
        if problem or name in self.shapes:
            self.fail(problem.message if problem else f"{name} is already taken", node, "choose another name")
        formula = self.declaration.nodes.pop(self.current)
        for step in self.declaration.lowered.pop(self.current):  # anonymous steps are named after their owner
            del self.shapes[step.name]
        self._next.clear()  # the name that it had is free again
        self.add(name, formula, node)


def _steps(node: ast.expr) -> list[ast.expr]:
    """The steps of a chain, in order."""
    steps: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
        steps.append(node.right)
        node = node.left
    return [node, *reversed(steps)]


def _layers(node: ast.expr) -> int:
    """How many layers a step is, repetitions and what stands in them counted."""
    match node:
        case ast.BinOp(left=ast.Constant(value=int() as times), op=ast.Mult(), right=block):
            return max(times, 0) * sum(map(_layers, _steps(block)))
        case ast.Call(func=ast.Name(id="residual"), args=[block]):
            return 1 + sum(map(_layers, _steps(block)))
        case _:
            return 1
