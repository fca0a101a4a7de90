"""The forward pass and all derivatives of a network of scalars as JavaScript, for a page that computes by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.backends.dialects import ATOM, Dialect, Piece, ScalarDialect, Template
from backpropsym.kernels.backends.statements import body
from backpropsym.kernels.backends.task import Task
from backpropsym.kernels.ir.program import Kind, Program, Value
from backpropsym.kernels.lowering.lower import lower

MARK = "$"
"""Stands behind every name of a person, so that none is a word of JavaScript's grammar."""
_FUNCTIONS = {
    "exp": "Math.exp({0})",
    "log": "Math.log({0})",
    "log1p": "Math.log1p({0})",
    "expm1": "Math.expm1({0})",
    "sqrt": "Math.sqrt({0})",
    "sin": "Math.sin({0})",
    "cos": "Math.cos({0})",
    "atan": "Math.atan({0})",
    "tanh": "Math.tanh({0})",
    "erf": "(1 - erfc({0}))",
    "erfc": "erfc({0})",
    "abs": "Math.abs({0})",
    "KroneckerDelta": "(Math.abs({0} - {1}) < 0.5 ? 1 : 0)",
    "sign": "({0} > 0 ? 1 : {0} < 0 ? -1 : {0})",
    "step": "({0} > 0 ? 1 : {0} <= 0 ? 0 : {0})",
    "max": "({0} >= {1} || {0} !== {0} ? {0} : {1})",
    "min": "({0} <= {1} || {0} !== {0} ? {0} : {1})",
    "where": "({0} ? {1} : {2})",
}
_PLACE = re.compile(r"\{(\d)\}")


class JavaScript(ScalarDialect):
    """JavaScript's numbers and `Math`."""

    def piece(self, item: Value, operands: Sequence[Piece]) -> Piece:
        """See Dialect."""
        return Piece(f"{item.data}{MARK}", ATOM) if item.kind is Kind.LEAF else super().piece(item, operands)

    def template(self, name: str, constant: tuple[bool, ...]) -> Template:
        """See Dialect."""
        text = _FUNCTIONS[name]
        places = [int(place) for place in _PLACE.findall(text)]
        return Template(text, ATOM, tuple(places.count(index) for index in range(max(places) + 1)))

    def not_finite(self, name: str) -> str:
        """See Dialect."""
        return "NaN" if name == "nan" else "Infinity"

    def power(self, base: Piece, exponent: float) -> Piece:
        """See Dialect."""
        return Piece(f"Math.pow({base.text}, {exponent!r})", ATOM)


@dataclass(frozen=True)
class Script:
    """The text of a function in JavaScript."""

    whole: str


def printed(task: Task) -> Script:
    """The function of a network of numbers; see `script`."""
    return Script(script(task.graph, task.graph.objective, task.options.parameters, task.options.accuracy))


def script(graph: Graph, of: str, wrt: Sequence[str], accuracy: str = "default") -> str:
    """A function of the numbers of the leaves, an object by name, that returns {nodes, gradient}, both by name.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    """
    program = lower(replace(graph, output=of, loss=None), "reverse", wrt, accuracy, batch=False)[1]
    marked: Program = replace(
        program,
        nodes={position: f"{name}{MARK}" for position, name in program.nodes.items()},
        owners=tuple(f"{owner}{MARK}" for owner in program.owners),
    )
    dialect: Dialect = JavaScript()
    code = body(marked, dialect, graph)
    leaves = graph.names(Role.INPUT, Role.TARGET, Role.PARAMETER)
    lines = [f"const {name}{MARK} = given[{json.dumps(name)}];" for name in leaves]
    lines += [f"const {each.target} = {each.expression};" for each in (*code.forward, *code.backward)]
    named = {name: name.removesuffix(MARK) for name in marked.nodes.values()}
    known = [each.target for each in code.forward if each.target in named]
    nodes = [f"{json.dumps(named[each])}: {each}" for each in known]
    if f"{of}{MARK}" not in known:
        nodes.append(f"{json.dumps(of)}: {code.value}")
    gradient = [f"{json.dumps(name)}: {text}" for name, text in code.gradients.items()]
    lines.append(f"return {{nodes: {{{', '.join(nodes)}}}, gradient: {{{', '.join(gradient)}}}}};")
    return "function network(given) {\n  " + "\n  ".join(lines) + "\n}\n" + (_ERFC if "erfc(" in "".join(lines) else "")


_ERFC = """
// The complementary error function: a power series near 0, else Lentz's continued fraction.
function erfc(x) {
  const z = Math.abs(x);
  if (!(z < 2.5)) {
    if (z !== z) return x;
    let fraction = 0;
    for (let k = 60; k > 0; k -= 1) fraction = k / 2 / (z + fraction);
    const tail = z > 27.3 ? 0 : Math.exp(-z * z) / (z + fraction) / Math.sqrt(Math.PI);
    return x < 0 ? 2 - tail : tail;
  }
  let term = x, sum = x;
  for (let k = 1; k < 80; k += 1) {
    term *= -x * x / k;
    sum += term / (2 * k + 1);
  }
  return 1 - 2 / Math.sqrt(Math.PI) * sum;
}
"""
