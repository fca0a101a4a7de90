"""Architecture strings: "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy"."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import NoReturn

from backpropsym.errors import FormulaError, Location, NetworkError, Problem, ShapeError, did_you_mean
from backpropsym.formula import limits
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Span
from backpropsym.graph import Block, Graph
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import Shape
from backpropsym.ops.lowering import Lowering
from backpropsym.ops.sizes import Dimension, read_size
from backpropsym.ops.table import FunctionTable
from backpropsym.spec.build import build
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.functions import call_signatures

MAX_LAYERS = 10_000
ARROW = "->"
TARGET = "y"
_CLASS_LOSSES = ("cross_entropy", "nll")
_ENTRY_LOSSES = ("mse", "mae", "huber", "smooth_l1", "log_cosh", "bce", "bce_with_logits", "hinge", "poisson", "kl_div")
_LOSSES = (*_ENTRY_LOSSES, *_CLASS_LOSSES)
_PLAIN = ("flatten", "softmax", "log_softmax", "global_avg_pool", "global_max_pool", "transpose", "upsample")
_POOLS = ("max_pool", "avg_pool")
_OPTIONS = {"stride", "padding", "dilation", "groups"}

Argument = int | float | str | bool | tuple["Argument", ...]


def parse_architecture(text: str) -> Graph:
    """The network of an architecture string.

    The input keeps its name, the target is y, the k-th layer with parameters owns Wk and bk.

    Raises
    ------
    NetworkError : what is wrong, with the place in the string.
    """
    return build(_Architecture(text).declaration)


class _Architecture:
    """Layers added one by one to a declaration, the shape of the last node always known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.declaration = Declaration(located=self.place)
        self.table = FunctionTable()
        self.signatures = call_signatures(self.table)
        self.shapes: dict[str, Shape] = {}
        self.spans: dict[str, Span] = {}
        self.parameters = 0
        self.layers = 0
        self.space = ""
        self.current = ""
        self.read(self.parse())
        if not self.declaration.nodes:
            self.fail("the architecture has no layer", fix='add one, as in "x[2] -> dense(1) -> mse"')
        self.declaration.output = self.current

    def place(self, section: str, key: str, span: Span | None) -> Location:
        """The step of the string that made a node."""
        start, end = self.spans.get(key, (0, 0))
        return Location("architecture", None, self.text, start, end - start)

    def fail(self, message: str, node: ast.expr | None = None, fix: str | None = None) -> NoReturn:
        where = Location("architecture", None, self.text)
        if node is not None:
            where = Location("architecture", None, self.text, *self.columns(node))
        raise NetworkError([Problem(message, where, fix=fix)])

    def columns(self, node: ast.expr) -> Span:
        """First column and width of a part of the string."""
        return node.col_offset, (node.end_col_offset or node.col_offset + 1) - node.col_offset

    def parse(self) -> ast.expr:
        """Python's tree of the string, arrows read as shifts."""
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
        self.input(first)
        self.chain(steps[1:])

    def input(self, node: ast.Subscript | ast.Name) -> None:
        name = node.value if isinstance(node, ast.Subscript) else node
        if not isinstance(name, ast.Name):
            self.fail("the input is a name with a shape", node, "write x[784]")
        sizes: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        shape = tuple(self.size(each) for each in sizes)
        if name.id == TARGET:
            self.fail(f"{TARGET} is the name of the target", node, "give the input another name")
        self.declaration.inputs[name.id] = shape
        self.shapes[name.id] = shape
        self.spans[name.id] = (node.col_offset, node.end_col_offset or 0)
        self.current = name.id

    def size(self, node: ast.expr) -> Dimension:
        match node:
            case ast.Constant(value=int() as size) if not isinstance(size, bool) and size > 0:
                return size
            case ast.Name() | ast.BinOp() | ast.UnaryOp() if isinstance(found := read_size(ast.unparse(node)), str):
                return found
            case _:
                self.fail("a size is a positive whole number, a symbol such as n, or a formula such as 2*n + 1", node)

    def chain(self, steps: list[ast.expr]) -> None:
        for step in steps:
            self.layers += 1
            if self.layers > MAX_LAYERS:
                self.fail(f"more than {MAX_LAYERS:,} layers", step)
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
                arguments = [self.argument(each) for each in node.args]
                if any(each.arg is None for each in node.keywords):
                    self.fail("** cannot stand in an architecture", node, "write the options out: stride=2")
                options = {each.arg: self.argument(each.value) for each in node.keywords if each.arg}
                self.block(name, arguments, options, node)
            case _:
                self.fail("this is not a layer", node, "write a layer such as dense(10, relu)")

    def argument(self, node: ast.expr) -> Argument:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name(id=name):
                return name
            case ast.Tuple(elts=[_, *_] as parts):
                return tuple(map(self.argument, parts))
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
        self.add(self.unused("r"), f"{start} + {self.current}", node)

    def block(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """A layer, its nodes kept as one block."""
        before = set(self.declaration.nodes)
        self.layer(name, arguments, options, node)
        added = tuple(each for each in self.declaration.nodes if each not in before)
        if added:
            start, width = self.columns(node)
            self.declaration.blocks.append(Block(self.text[start : start + width], added))

    def layer(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        chosen = options.pop("name", None)
        if self.declaration.loss is not None:
            self.fail("nothing follows the loss", node)
        if name in _LOSSES:
            if chosen is not None:
                self.fail("the loss is always called loss", node, "leave name= out")
            self.loss(name, arguments, options, node)
            return
        makers: Mapping[str, Callable[[list[Argument], dict[str, Argument], ast.expr], None]] = {
            "dense": self.dense,
            "layer_norm": self.layer_norm,
            "rms_norm": self.rms_norm,
            "prelu": self.prelu,
            "embedding": self.embedding,
            **{f"conv{space}d": self.convolution(space) for space in (1, 2, 3)},
        }
        if name in makers:
            makers[name](arguments, options, node)
        elif name in _PLAIN or name in _POOLS or self.is_activation(name):
            inside = ", ".join([self.current, *map(str, arguments), *(f"{k}={v}" for k, v in options.items())])
            op = name + self.space if name in _POOLS else name
            self.add(self.unused(name), f"{op}({inside})", node)
        else:
            known = (*makers, *_PLAIN, *_POOLS, *_LOSSES, "residual", *filter(self.is_activation, FUNCTIONS))
            self.fail(f"{name} is not a layer", node, did_you_mean(name, known, "see the list of layers in the docs"))
        if chosen is not None:
            self.rename(str(chosen), node)

    @staticmethod
    def is_activation(name: object) -> bool:
        """Whether a name is a function of one number."""
        return isinstance(name, str) and name in FUNCTIONS and len(FUNCTIONS[name].required) == 1

    def loss(self, name: str, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        shape = self.shapes[self.current]
        self.declaration.targets[TARGET] = () if name in _CLASS_LOSSES else shape
        inside = ", ".join([self.current, TARGET, *map(str, arguments), *(f"{k}={v}" for k, v in options.items())])
        self.declaration.loss = f"{name}({inside})"
        self.spans["loss"] = (node.col_offset, node.end_col_offset or 0)

    def dense(self, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """W x + b, then the activation; on the last axis where there are several."""
        units, activation = self.heading("dense(units, activation)", arguments, 1, node, activated=True)
        weight, bias = self.owned(options, node)
        self.leftover("dense", options, node)
        shape = self.shapes[self.current]
        if not shape:
            self.fail("dense needs an input with axes", node, "write x[2] for an input of two numbers")
        self.parameter(weight, (units[0], shape[-1]), node)
        product = f"{weight} @ {self.current}" if len(shape) == 1 else f"{self.current} @ transpose({weight})"
        if bias:
            self.parameter(bias, (units[0],), node)
            product += f" + {bias}"
        self.add(self.unused("s", self.parameters), product, node)
        self.activate(activation, node)

    def convolution(self, space: int) -> Callable[[list[Argument], dict[str, Argument], ast.expr], None]:
        """The layer of `space` axes: filters, window, activation."""

        def convolve(arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
            head, activation = self.heading(
                f"conv{space}d(filters, size, activation)", arguments, 2, node, activated=True
            )
            weight, bias = self.owned(options, node)
            shape = self.shapes[self.current]
            channels = shape[0] if len(shape) == space + 1 else 1
            groups = options.get("groups", 1)
            if not isinstance(channels, int) or not isinstance(groups, int):
                self.fail(f"conv{space}d needs its channels and groups as whole numbers", node)
            self.parameter(weight, (head[0], max(channels // max(groups, 1), 1), *((head[1],) * space)), node)
            written = [self.current, weight, *(f"{key}={options.pop(key)}" for key in sorted(_OPTIONS & set(options)))]
            if bias:
                self.parameter(bias, (head[0],), node)
                written.append(f"bias={bias}")
            self.leftover(f"conv{space}d", options, node)
            self.space = f"{space}d"
            self.add(self.unused("s", self.parameters), f"conv{space}d({', '.join(written)})", node)
            self.activate(activation, node)

        return convolve

    def layer_norm(self, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """Scale Wk, shift bk over the last axis."""
        self.heading("layer_norm", arguments, 0, node)
        weight, bias = self.owned(options, node)
        self.leftover("layer_norm", options, node)
        if bias is None:
            self.fail("layer_norm always has a bias", node, "leave bias=False out, or use rms_norm")
        width = self.shapes[self.current][-1:]
        self.parameter(weight, width, node)
        self.parameter(bias, width, node)
        self.add(self.unused("layer_norm"), f"layer_norm({self.current}, {weight}, {bias})", node)

    def rms_norm(self, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """Scale Wk over the last axis."""
        self.heading("rms_norm", arguments, 0, node)
        weight, _ = self.owned(options, node)
        self.leftover("rms_norm", options, node)
        self.parameter(weight, self.shapes[self.current][-1:], node)
        self.add(self.unused("rms_norm"), f"rms_norm({self.current}, {weight})", node)

    def prelu(self, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """The slope Wk is one number."""
        self.heading("prelu", arguments, 0, node)
        weight, _ = self.owned(options, node)
        self.leftover("prelu", options, node)
        self.parameter(weight, (), node)
        self.add(self.unused("prelu"), f"prelu({self.current}, {weight})", node)

    def embedding(self, arguments: list[Argument], options: dict[str, Argument], node: ast.expr) -> None:
        """Row x of the table Wk."""
        head, _ = self.heading("embedding(rows, width)", arguments, 2, node)
        weight, _ = self.owned(options, node)
        self.leftover("embedding", options, node)
        self.parameter(weight, (head[0], head[1]), node)
        self.add(self.unused("embedding"), f"embedding({self.current}, {weight})", node)

    def heading(
        self, usage: str, arguments: list[Argument], sizes: int, node: ast.expr, activated: bool = False
    ) -> tuple[list[Dimension], str | None]:
        """The leading sizes of a layer, and the activation that may follow them."""
        head, rest = arguments[:sizes], arguments[sizes:]
        if len(head) < sizes or len(rest) > activated or not all(isinstance(each, int | str) for each in head):
            self.fail("the arguments do not fit the layer", node, f"write {usage}")
        if any(isinstance(each, int) and each < 1 for each in head):
            self.fail("a size is positive", node, f"write {usage}")
        activation = rest[0] if rest else None
        if activation is not None and not self.is_activation(activation):
            fix = did_you_mean(str(activation), filter(self.is_activation, FUNCTIONS), "name an activation")
            self.fail(f"{activation} is not an activation", node, fix)
        sizes_given: list[Dimension] = [each if isinstance(each, int) else str(each) for each in head]
        return sizes_given, None if activation is None else str(activation)

    def owned(self, options: dict[str, Argument], node: ast.expr) -> tuple[str, str | None]:
        """The names of a layer's weight and bias; no name for bias=False."""
        self.parameters += 1
        weight = str(options.pop("weight", f"W{self.parameters}"))
        problem = name_problem(weight, "weight")
        if problem:
            self.fail(problem.message, node, problem.fix)
        bias = options.pop("bias", True)
        if not isinstance(bias, bool):
            self.fail("bias is True or False", node)
        return weight, f"b{self.parameters}" if bias else None

    def leftover(self, layer: str, options: dict[str, Argument], node: ast.expr) -> None:
        for key in options:
            known = ("weight", "bias", "name", *_OPTIONS)
            self.fail(f"{layer} has no option {key}", node, did_you_mean(key, known, "leave it out"))

    def activate(self, activation: str | None, node: ast.expr) -> None:
        if activation is not None:
            self.add(self.unused("z", self.parameters), f"{activation}({self.current})", node)

    def parameter(self, name: str, shape: Shape, node: ast.expr) -> None:
        """Declare a parameter; a name given twice is one shared parameter."""
        if name in self.shapes and name not in self.declaration.parameters:
            self.fail(f"{name} is already taken", node, "choose another name")
        known = self.declaration.parameters.setdefault(name, shape)
        if known != shape:
            self.fail(f"{name} is shared by layers of the shapes {known} and {shape}", node)
        self.shapes[name] = shape

    def unused(self, stem: str, number: int | None = None) -> str:
        """A node name that is not taken: stem and number."""
        count = number or 1
        while f"{stem}{count}" in self.shapes:
            count += 1
        return f"{stem}{count}"

    def add(self, name: str, formula: str, node: ast.expr) -> None:
        """A node, its shape inferred at once."""
        self.spans[name] = (node.col_offset, node.end_col_offset or 0)
        try:
            tree = parse_formula(formula, self.signatures)
            self.shapes[name] = Lowering(name, dict(self.shapes), self.table).root(tree)[-1].shape
        except (FormulaError, ShapeError, NetworkError) as error:
            self.fail(error.problems[0].message, node, error.problems[0].fix)
        self.declaration.nodes[name] = formula
        self.current = name

    def rename(self, name: str, node: ast.expr) -> None:
        """Give the last node the name that the person chose."""
        problem = name_problem(name)
        if problem or name in self.shapes:
            self.fail(problem.message if problem else f"{name} is already taken", node, "choose another name")
        self.declaration.nodes[name] = self.declaration.nodes.pop(self.current)
        self.shapes[name], self.spans[name] = self.shapes.pop(self.current), self.spans.pop(self.current)
        self.current = name


def _steps(node: ast.expr) -> list[ast.expr]:
    """The steps of a chain, in order."""
    steps: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
        steps.append(node.right)
        node = node.left
    return [node, *reversed(steps)]
