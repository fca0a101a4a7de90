"""Graph to program: the forward pass, then the programme of derivatives, as shared arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backpropsym.derive.forms.programme import Programme, adjoints, tangents
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.errors import AbstractFunctionError, LimitError, NetworkError
from backpropsym.formula.names import name_problem
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow, walk
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.ir.values import Values, registered_name
from backpropsym.ops.function_table import FunctionTable

Environment = Mapping[str, int]
MAX_TANGENTS = 30_000_000
_MAX_NOTE = 60


class FormulaLowering:
    """Formulas to values; functions that are defined by others are opened into primitives.

    Parameters
    ----------
    table : the functions.
    by_value : whether a derivative may use the stored value of its function (tanh' = 1 - value**2); else it is
        computed to full relative accuracy.
    values : where they go; default: into a new pool.
    """

    def __init__(self, table: FunctionTable, by_value: bool, values: Values | None = None) -> None:
        self.table = table
        self.by_value = by_value
        self.values = Values() if values is None else values
        self._applied: dict[tuple[str, tuple[int, ...], bool], int] = {}

    def formula(self, expr: Expr, known: Environment) -> int:
        """The value of `expr`, where `known` holds the values of its names."""
        values = self.values
        match expr:
            case Name(name):
                return known[name]
            case Number(value):
                return values.number(float(value))
            case Add(terms):
                total = self.formula(terms[0], known)
                for term in terms[1:]:
                    total = values.add(total, self.formula(term, known))
                return total
            case Mul() | Div():
                return self.times(values.number(1.0), expr, known)
            case Neg(operand):
                return values.negate(self.formula(operand, known))
            case Pow(base, exponent):
                return values.power(self.formula(base, known), exponent)
            case Compare(symbol, left, right):
                return values.compare(symbol, self.formula(left, known), self.formula(right, known))
            case Call(name):
                return self.apply(name, self._arguments(expr, known))
            case _:
                raise TypeError(f"{type(expr).__name__} has no scalar value")

    def times(self, start: int, expr: Expr, known: Environment) -> int:
        """`start` times `expr`, factor by factor from the left, so that products share what they begin with."""
        match expr:
            case Mul(factors):
                for factor in factors:
                    start = self.times(start, factor, known)
                return start
            case Div(numerator, denominator):
                return self.values.divide(self.times(start, numerator, known), self.formula(denominator, known))
            case Neg(operand):
                return self.values.negate(self.times(start, operand, known))
            case Call(name) if self.values.derivative and self.table.parent(name):
                body, inner = self._body(name, self._arguments(expr, known))
                if isinstance(body, Mul | Div | Neg | Call):
                    return self.times(start, body, inner)
        return self.values.multiply(start, self.formula(expr, known))

    def apply(self, name: str, arguments: tuple[int, ...]) -> int:
        """The value of a function."""
        primitive = self.table[name].primitive
        if primitive is not None:
            return self.values.call(registered_name(primitive), arguments)
        key = (name, arguments, self.values.derivative)
        if key not in self._applied:
            self._applied[key] = self.formula(*self._body(name, arguments))
        return self._applied[key]

    def _arguments(self, call: Call, known: Environment) -> tuple[int, ...]:
        return tuple(self.formula(argument, known) for argument in self.table.bind(call).values())

    def _body(self, name: str, arguments: tuple[int, ...]) -> tuple[Expr, Environment]:
        """The formula that computes a function at `arguments`, and the values of its names."""
        known = dict(zip(self.table[name].arguments, arguments, strict=True))
        parent = self.table.parent(name)
        if parent and self.by_value:
            function, argument = self.table[parent[0]], parent[1]
            if argument in function.by_value:
                stored = self.apply(function.name, arguments)
                return self.table.tree(function.by_value[argument]), {**known, "value": stored}
        body = self.table.numeric(name)
        if body is None:
            declared = parent[0] if parent else name
            raise AbstractFunctionError(
                f"{declared} is abstract: a kernel needs its numbers",
                fix=f'give it a formula under [functions], as in {declared} = "tanh"',
            )
        return body, known


class Lowering:
    """One graph on its way to a program.

    Raises
    ------
    NetworkError : the name of a node cannot stand in a program.
    """

    def __init__(self, graph: Graph, by_value: bool = True) -> None:
        for name in graph.nodes:
            if problem := name_problem(name):
                raise NetworkError([problem])
        self.graph = graph
        self.formulas = FormulaLowering(graph.functions, by_value)
        self.values = self.formulas.values
        self.local = LocalDerivatives(graph)
        self.known: dict[str, int] = {}
        self.nodes: dict[int, str] = {}
        self.symbols: dict[int, str] = {}
        self.notes: dict[str, str] = {}

    def reverse(self, parameters: Sequence[str]) -> Program:
        """Value, and gradients by one adjoint a node."""
        backward = self._forward()
        steps = adjoints(self.local, self.graph.objective, [name for name in parameters if name in self.known])
        derivatives = self._derivatives(steps)
        return self._program(
            backward, {name: derivatives[name] for name in parameters if name in derivatives}, parameters
        )

    def forward(self, parameters: Sequence[str]) -> Program:
        """Value, and gradients by one tangent a node and parameter.

        Raises
        ------
        LimitError : too many nodes are followed for too many parameters.
        """
        backward = self._forward()
        if len(self.known) * len(parameters) > MAX_TANGENTS:
            raise LimitError(
                f"mode forward would follow {len(self.known):,} nodes for each of {len(parameters):,} parameters",
                fix="use mode reverse, which follows them once, or choose fewer parameters",
            )
        gradients = {}
        for parameter in parameters:
            if parameter in self.known:
                steps = tangents(self.local, self.graph.objective, parameter)
                derivatives = self._derivatives(steps)
                gradients[parameter] = self.values.short_mean(derivatives[self.graph.objective])
        return self._program(backward, gradients, parameters)

    def _forward(self) -> int:
        """The value of every node that the objective depends on; the position after them."""
        needed = self.graph.ancestors(self.graph.objective)
        for name in self.graph.order:
            if name in needed:
                self.values.owner = name
                self.known[name] = self._node(name)
                self.nodes.setdefault(self.known[name], name)
        self.values.derivative = True
        return len(self.values.items)

    def _node(self, name: str) -> int:
        node = self.graph[name]
        if node.role is Role.CONSTANT:
            return self.values.number(float(self.graph.constants[name]))
        if node.op is None:
            return self.values.leaf(name, node.role in (Role.INPUT, Role.TARGET))
        if any(isinstance(part, Call) for part in walk(node.op.formula)):
            self.notes[name] = to_text(node.op.formula)[:_MAX_NOTE]
        return self.formulas.formula(node.op.formula, self.known)

    def _derivatives(self, steps: Programme) -> dict[str, int]:
        """The value of each equation, by the node that distinguishes it from the others.

        Where a node is the same for all objects but what uses it is not, the mean over objects is taken.
        """
        derivatives: dict[str, int] = {}
        for equation in steps.equations:
            node = steps.varying(equation)
            symbol = self.values.owner = steps.symbols[node]
            total = self.values.number(0.0 if equation.parts else 1.0)
            for earlier, link in equation.parts:
                part = self.formulas.times(derivatives[earlier], self.local[link], self.known)
                if steps.direction == "backward" and link.source not in self.graph.batched:
                    part = self.values.short_mean(part)
                total = self.values.add(total, part)
            derivatives[node] = total
            self.symbols.setdefault(total, symbol)
        return derivatives

    def _program(self, backward: int, gradients: Mapping[str, int], parameters: Sequence[str]) -> Program:
        zero = self.values.number(0.0)
        value = self.values.mean(self.known[self.graph.objective])
        return Program(
            items=tuple(self.values.items),
            nodes=self.nodes,
            symbols=self.symbols,
            owners=tuple(self.values.owners),
            notes=self.notes,
            backward=backward,
            value=value,
            gradients={name: gradients.get(name, zero) for name in parameters},
        )


def lower(graph: Graph, mode: str, parameters: Sequence[str], accuracy: str = "default") -> Program:
    """The program of `mode` ("reverse" or "forward").

    Parameters
    ----------
    parameters : by which gradients are taken.
    accuracy : "default" lets derivatives use stored forward values, as in 1 - z**2 for tanh, which loses relative
        accuracy where a function saturates; "full" computes them to full relative accuracy.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    LimitError : too many operations, or functions nested too deeply.
    """
    lowering = Lowering(graph, by_value=accuracy == "default")
    try:
        return lowering.reverse(parameters) if mode == "reverse" else lowering.forward(parameters)
    except RecursionError:
        raise LimitError(
            "the functions of the network call each other too deeply",
            fix="split their formulas into several nodes",
        ) from None
