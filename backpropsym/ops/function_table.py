"""The functions that a network knows: the registered ones, its own, and the derivatives of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from backpropsym.formula.algebra import without_units
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import ONE, Call, Expr, Name, Number, children, rebuild, substitute
from backpropsym.ops.function import FUNCTIONS, Formula, Function
from backpropsym.ops.symbolic import SymbolicFunctions, to_tree

# isort: split
# Each import registers its entries; tables list functions in this order.
from backpropsym.ops.functions import activations  # noqa: F401

# isort: split
from backpropsym.ops.losses import scalar_losses  # noqa: F401

# isort: split
from backpropsym.ops.functions import primitives  # noqa: F401


def prime_name(function: Function, argument: str) -> str:
    """The name of the derivative of `function` by `argument`: f_prime, or f_prime_beta for a later argument."""
    suffix = "" if argument == function.arguments[0] else f"_{argument}"
    return f"{function.name}_prime{suffix}"


class FunctionTable(Mapping[str, Function]):
    """Functions by name. Derivatives such as `tanh_prime` are functions too and appear when first asked for.

    Parameters
    ----------
    own : the functions that a network declares, by name; they hide registered ones of the same name from the
        network's formulas, but not from the definitions of other registered functions.
    """

    def __init__(self, own: Mapping[str, Function] | None = None) -> None:
        self.own: dict[str, Function] = dict(own or {})
        self._hidden = {name: f"registered_{name}" for name in self.own if name in FUNCTIONS}
        self._derived = {alias: replace(FUNCTIONS[name], name=alias) for name, alias in self._hidden.items()}
        self._primes: dict[tuple[str, str], str] = {}
        self._parents: dict[str, tuple[str, str]] = {}
        self._trees: dict[str, Expr] = {}
        self._partials: dict[tuple[str, int], Expr] = {}
        self.symbolic = SymbolicFunctions(lambda name: self[name].arguments, self.bind, self.partial)

    def __reduce__(self) -> tuple[object, ...]:
        return _table, (self.own, tuple(self._primes))

    def with_own(self, own: Mapping[str, Function]) -> FunctionTable:
        """A table with other functions of the network's own that knows the same derivatives by the same names."""
        return _table({**self.own, **own}, self._primes)

    def __getitem__(self, name: str) -> Function:
        if name in self.own:
            return self.own[name]
        return FUNCTIONS[name] if name in FUNCTIONS else self._derived[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in FUNCTIONS if name not in self.own)

    def __len__(self) -> int:
        return len(FUNCTIONS.keys() | self.own.keys())

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in FUNCTIONS or name in self._derived

    @cached_property
    def signatures(self) -> Mapping[str, Signature]:
        """How each function may be called in a formula."""
        return {name: function.signature for name, function in self.items()}

    def tree(self, formula: Formula) -> Expr:
        """A formula of an entry as a tree; texts are read once, and their calls mean the registered functions."""
        if isinstance(formula, Expr):
            return formula
        if formula not in self._trees:
            signatures = {name: function.signature for name, function in FUNCTIONS.items()}
            self._trees[formula] = self.registered(parse_formula(formula, signatures))
        return self._trees[formula]

    def registered(self, expr: Expr) -> Expr:
        """`expr` with each call of a hidden registered function by its other name; max(x) is a reduction and stays."""
        if not self._hidden:
            return expr
        parts = tuple(map(self.registered, children(expr)))
        result = rebuild(expr, parts) if parts else expr
        if not isinstance(result, Call) or result.function not in self._hidden:
            return result
        entries = len(result.arguments) >= len(FUNCTIONS[result.function].required)
        return replace(result, function=self._hidden[result.function]) if entries else result

    def registered_name(self, name: str) -> str:
        """How formulas call the registered function `name`, which a function of the network may hide."""
        return self._hidden.get(name, name)

    def bind(self, call: Call) -> dict[str, Expr]:
        """The arguments of a call by name, defaults filled in."""
        function = self[call.function]
        given = dict(zip(function.arguments, call.arguments, strict=False))
        return {name: given[name] if name in given else Number(function.defaults[name]) for name in function.arguments}

    def applied(self, body: Expr, call: Call) -> Expr:
        """A formula over the arguments of a function, with those of `call`; factors that become 1 are left out."""
        slots = self.bind(call)
        ones = {name: value for name, value in slots.items() if value == ONE}
        return substitute(without_units(substitute(body, ones)) if ones else body, slots)

    def shortened(self, expr: Expr) -> Expr:
        """A call without its trailing arguments that equal their defaults; anything else as it is."""
        if not isinstance(expr, Call) or expr.function not in self:
            return expr
        function, arguments = self[expr.function], expr.arguments
        while arguments and function.defaults.get(function.arguments[len(arguments) - 1]) is not None:
            last = arguments[-1]
            if last != Number(function.defaults[function.arguments[len(arguments) - 1]]):
                break
            arguments = arguments[:-1]
        return Call(expr.function, arguments, expr.options)

    def definition(self, name: str) -> Expr | None:
        """The formula that defines `name`, over its arguments; None for a primitive or an abstract function."""
        formula = self[name].formula
        return self.tree(formula) if formula else None

    def numeric(self, name: str) -> Expr | None:
        """The numerically stable spelling of `definition`."""
        formula = self[name].stable or self[name].formula
        return self.tree(formula) if formula else None

    def partial(self, name: str, index: int) -> Expr:
        """d name / d (argument `index`), over the arguments: written out, or a call of f_prime."""
        key = (name, index)
        if key not in self._partials:
            function = self[name]
            argument = function.arguments[index]
            if function.named or function.abstract:
                prime = self.derivative(name, argument)
                self._partials[key] = Call(prime.name, tuple(map(Name, prime.arguments)))
            else:
                self._partials[key] = self.written_partial(name, argument)
        return self._partials[key]

    def written_partial(self, name: str, argument: str) -> Expr:
        """The derivative written out: the entry's own spelling, else what SymPy derives from the definition.

        Raises
        ------
        ValueError : the function has neither a definition nor a derivative.
        """
        function = self[name]
        if argument in function.derivatives:
            return self.tree(function.derivatives[argument])
        definition = self.definition(name)
        if definition is None:
            raise ValueError(f"{name} has neither a definition nor a derivative")
        return self._alias(definition, argument) or to_tree(
            self.symbolic.expression(definition).diff(self.symbolic.symbol(argument))
        )

    def _alias(self, definition: Expr, argument: str) -> Expr | None:
        """The derivative of a definition that is another function by name, as f = "relu" is: that one's own."""
        if not isinstance(definition, Call) or definition.arguments != (Name(argument),) or definition.options:
            return None
        other = self[definition.function]
        if not other.named or len(other.arguments) > 1:
            return None
        return substitute(self.partial(other.name, 0), {other.arguments[0]: Name(argument)})

    def derivative(self, name: str, argument: str) -> Function:
        """The derivative of `name` by `argument`, as a function of the same arguments."""
        function = self[name]
        if (name, argument) not in self._primes:
            prime = prime_name(function, argument)
            while prime in self:
                prime += "_"
            self._primes[name, argument] = prime
            formula = "" if function.abstract else self.written_partial(name, argument)
            self._derived[prime] = Function(
                name=prime,
                arguments=function.arguments,
                defaults=function.defaults,
                formula=formula,
                stable=function.accurate.get(argument, ""),
                abstract=function.abstract,
                kink=function.kink,
                domain=function.domain,
                probes=function.probes,
                source=f"derivative of {name}",
            )
            self._parents[prime] = (name, argument)
        return self[self._primes[name, argument]]

    def parent(self, prime: str) -> tuple[str, str] | None:
        """For a derivative such as `f_prime`, the function and the argument it was derived by."""
        return self._parents.get(prime)

    def written(self, expr: Expr) -> Expr:
        """`expr` with the derivatives of registered functions written out.

        It then names only functions that a reader can look up; those of the network's own stay f_prime(...). A
        weighted term is the product that it is.
        """
        parts = tuple(self.written(part) for part in children(expr))
        result = rebuild(expr, parts) if parts else expr
        if not isinstance(result, Call):
            return result
        if self.get(result.function) is FUNCTIONS["weighted"]:
            return self.written(self.applied(self.tree(FUNCTIONS["weighted"].formula), result))
        parent = self.parent(result.function)
        if parent is None or self._is_own(parent[0]):
            return result
        body = self.definition(result.function)
        assert body is not None, "a registered function is never abstract"
        return self.written(self.applied(body, result))

    def _is_own(self, name: str) -> bool:
        parent = self.parent(name)
        return self._is_own(parent[0]) if parent else name in self.own


def _table(own: Mapping[str, Function], derived: Iterable[tuple[str, str]]) -> FunctionTable:
    """A table in which derivatives, as (function, argument), have been asked for in this order."""
    table = FunctionTable(own)
    for name, argument in derived:
        table.derivative(name, argument)
    return table
