"""Second derivatives: against sympy.hessian, differences of gradients, mpmath, and one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.forms.registry import of_numbers
from backpropsym.derive.gradient_graph import gradient_graph
from backpropsym.document.notation.names import Notation
from backpropsym.errors import LimitError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.network import Network
from backpropsym.ops.function import FUNCTIONS
from backpropsym.spec.random_network import layered
from tests.documents import compiled

SMOOTH = ("tanh", "sigmoid", "softplus", "silu", "gelu", "exp", "sin", "square", "softsign")
DENSE = "x[3] -> dense(4, tanh) -> dense(2) -> cross_entropy"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def small(function: str, **options: int) -> Network:
    return bp.loads(layered((2, 2, 1), function, **options))


def in_sympy(net: Network, of: str) -> sp.Expr:
    """The whole of `of` in inputs and parameters, functions as SymPy's own."""
    graph, found = net.graph, {}
    for name in graph.order:
        node = graph[name]
        found[name] = sp.Symbol(name, real=True)
        if node.formula is not None:
            symbolic = graph.functions.symbolic.expression(defined(node.formula, graph.functions))
            # SymPy knows the derivatives of its own tanh better than the network does of its.
            symbolic = symbolic.replace(lambda each: each.func.__name__ == "tanh", lambda each: sp.tanh(*each.args))
            found[name] = symbolic.subs({symbol: found[symbol.name] for symbol in symbolic.free_symbols})
    return found[of]


def defined(expr: Any, table: Any) -> Any:
    """`expr` with every function that has a formula replaced by it."""
    from backpropsym.formula.tree import Call, children, rebuild, substitute

    parts = tuple(defined(part, table) for part in children(expr))
    result = rebuild(expr, parts) if parts else expr
    body = table.definition(result.function) if isinstance(result, Call) else None
    return result if body is None else defined(substitute(body, table.bind(result)), table)


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "softplus", "exp", "square"])
@pytest.mark.parametrize("of", ["a", "loss"])
def test_hessians_are_those_of_sympy(function: str, of: str) -> None:
    net = small(function, seed=1)
    whole = net.hessian(of)
    symbols = [sp.Symbol(name, real=True) for name in whole.names]
    point = {sp.Symbol(name, real=True): sp.Rational(str(value)) for name, value in net.values.items()}
    expected = sp.hessian(in_sympy(net, of), symbols).subs(point).evalf(30)
    np.testing.assert_allclose(whole.evaluate(), np.array(expected, float), rtol=1e-11, atol=1e-13)


def test_formulas_are_those_of_sympy_symbol_by_symbol() -> None:
    net = small("square", seed=1)
    whole = net.hessian("loss")
    symbols = [sp.Symbol(name, real=True) for name in whole.names]
    expected = sp.hessian(in_sympy(net, "loss"), symbols)
    for at, row in enumerate(whole.names):
        for column_at, column in enumerate(whole.names):
            steps = whole[row, column]
            table = steps.graph.functions
            found = table.symbolic.expression(defined(steps.tree("expanded"), table))
            assert sp.expand(found - expected[at, column_at]) == 0, (row, column)


@pytest.mark.parametrize("form", of_numbers())
@pytest.mark.parametrize("function", ["relu", "tanh"])
def test_every_form_of_every_entry_has_the_same_value(form: str, function: str) -> None:
    net = bp.loads(layered((2, 2, 1), function, seed=6))
    whole = net.hessian("loss")
    for pair in whole.upper():
        steps = whole[pair]
        values = steps.node_values()
        found = evaluate(steps.tree(form), {**values, **numbers_of(steps)}, steps.graph.functions)
        assert float(found) == pytest.approx(steps.evaluate(), rel=1e-9, abs=1e-12)


def numbers_of(steps: Any) -> dict[str, float]:
    """The symbols of the programmes, by their equations."""
    found: dict[str, float] = {}
    for direction in ("backward", "forward") if steps.count else ():
        programme, values = steps.programme(direction), steps.node_values()
        for each in programme.equations:
            right = programme.right_side(each)
            found[programme.symbols[programme.varying(each)]] = evaluate(
                right, {**values, **found}, steps.graph.functions
            )
    return found


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "softplus"])
def test_hessians_of_larger_networks_are_differences_of_gradients(function: str) -> None:
    net = bp.loads(layered((4, 8, 8, 1), function, seed=7))
    whole = net.hessian("loss")
    found, kernel = whole.evaluate(), net.compile(accuracy="full")
    assert found.shape == (104, 104)
    scale = np.abs(found).max()
    for column in range(0, 104, 5):
        name, step = whole.names[column], 1e-5
        ahead, behind = (kernel(**{**net.values, name: net.values[name] + by})[1] for by in (step, -step))
        slope = [(ahead[row] - behind[row]) / (2 * step) for row in whole.names]
        np.testing.assert_allclose(found[:, column], slope, rtol=1e-6, atol=1e-8 * scale)


@pytest.mark.parametrize("function", SMOOTH)
def test_matrix_entries_products_and_paths_agree(function: str) -> None:
    assert function in FUNCTIONS
    net = bp.loads(layered((2, 3, 1), function, seed=2))
    whole = net.hessian("loss")
    matrix = whole.evaluate()
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12 * np.abs(matrix).max())
    for at, row in enumerate(whole.names):
        for column_at, column in enumerate(whole.names):
            steps = whole[row, column]
            assert steps.count == len(list(steps.terms))
            assert steps.evaluate() == pytest.approx(matrix[at, column_at], rel=1e-9, abs=1e-12)
            terms = sum(each.value for each in steps.numeric()) if steps.count else 0.0
            assert terms == pytest.approx(matrix[at, column_at], rel=1e-9, abs=1e-9)
    direction = dict(zip(whole.names, np.linspace(-1, 1, len(whole.names)), strict=True))
    product = np.array(list(whole.times(direction).values()))
    np.testing.assert_allclose(product, matrix @ list(direction.values()), rtol=1e-9, atol=1e-9)


def test_the_gradient_network_is_derived_compiled_and_drawn() -> None:
    """Pearlmutter: the gradient of the directional derivative is the Hessian times the direction."""
    net = bp.loads(layered((2, 3, 1), "tanh", seed=3))
    whole = net.hessian("loss")
    gradient = net.gradient_graph("loss")
    direction = dict(zip(whole.names, np.linspace(-1, 1, len(whole.names)), strict=True))
    at = {**net.values, **{f"t_{name}": value for name, value in direction.items()}}
    value, slopes = gradient.compile()(**at)
    _, expected = net.compile()(**net.values)
    assert value == pytest.approx(sum(direction[name] * expected[name] for name in direction), rel=1e-12)
    product = whole.times(direction)
    for name in whole.names:
        assert slopes[name] == pytest.approx(product[name], rel=1e-10, abs=1e-12)
    single = net.gradient_graph("a", wrt="w11")
    assert single.output == "da_dw11"
    assert single.compile()(**net.values)[0] == pytest.approx(net.derive("a", wrt="w11").evaluate(), rel=1e-12)
    assert "dw11" in single.draw().svg
    assert single.check(samples=1).passed
    third = net.derive("a", wrt=["w11", "w11", "c1"])
    step = 1e-5
    ahead, behind = (net.derive("a", wrt=["w11", "w11"]).evaluate(c1=net.values["c1"] + by) for by in (step, -step))
    assert third.evaluate() == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-9)


def test_abstract_functions_have_second_derivatives_by_name() -> None:
    net = bp.example("abstract")
    found = net.derive("a", wrt=["w11", "v11"])
    assert found.expression() == "z1*da_dh1*f_prime_prime(u1)*v11*f_prime(s1)*x1 + da_du1*f_prime(s1)*x1"
    assert found.expression("expanded").count("f_prime_prime") == 1
    assert "f''" in found.latex()
    same = bp.loads(
        Path(bp.__file__).parent.joinpath("examples", "abstract.toml").read_text().replace('"abstract"', '"tanh"', 1)
    )
    values = {name: 0.3 + 0.1 * at for at, name in enumerate([*same.inputs, *same.parameters])}
    swapped = same.derive("a", wrt=["v11", "w11"]).evaluate(**values)
    assert same.derive("a", wrt=["w11", "v11"]).evaluate(**values) == pytest.approx(swapped, rel=1e-12)


def test_links_that_are_zero_everywhere_carry_no_path() -> None:
    """ReLU is linear on each side: only products of different weights have second derivatives."""
    net = bp.example("lecture")
    found = net.derive("a", wrt=["w11", "v11"])
    assert (found.count, found.expression()) == (1, "da_du1*f_prime(s1)*x1")
    assert found.expression("expanded").startswith("p11*f_prime(v11*f(w11*x1")
    assert len(found.draw().scene.highlights) == 1
    assert net.derive("a", wrt=["w11", "w11"]).count == 0
    assert "zero everywhere" in run("derive", "lecture", "--wrt", "w11", "--wrt", "w11").stdout
    matrix = net.hessian().evaluate()
    assert not np.diagonal(matrix).any()


@pytest.mark.parametrize(
    ("formula", "second", "count"),
    [
        ("where(w > x, w**3, w**2)", (12.0, 2.0), 1),
        ("where(w > x, 5*w, w**2)", (0.0, 2.0), 1),
        ("where(w > x, w**3, 5*w)", (12.0, 0.0), 1),
        ("where(w > x, relu(w), 3*w)", (0.0, 0.0), 0),
    ],
)
def test_each_branch_has_its_second_derivative(formula: str, second: tuple[float, float], count: int) -> None:
    """At w = 2 and w = 0.5, to the right and to the left of x = 1; where both are straight there is no path."""
    net = bp.loads(f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "{formula}"\n')
    derivation = net.derive("a", wrt=["w", "w"])
    assert tuple(derivation.evaluate(x=1.0, w=w) for w in (2.0, 0.5)) == second
    assert derivation.count == count


def test_derivatives_by_what_is_not_reached_are_zero() -> None:
    text = 'inputs = ["x"]\nparameters = ["w", "v"]\noutput = "a"\nloss = "a + v"\n[nodes]\na = "tanh(w*x)"\n'
    net = bp.loads(text)
    whole = net.hessian("a")
    assert whole.evaluate(x=1.0, w=0.5)[1].tolist() == [0.0, 0.0]
    assert net.derive("a", wrt=["v", "w"]).count == 0
    assert net.derive("a", wrt=["a", "w"]).count == 0


def test_tensors_entry_by_entry() -> None:
    net = bp.parse(DENSE)
    values = {"x": [1.0, -0.5, 2.0], "y": 1, **net.init(seed=2)}
    whole = net.hessian()
    found = whole.evaluate(**values)
    assert whole.names[:2] == ("W1[0,0]", "W1[0,1]")
    kernel, step, columns = net.compile(accuracy="full"), 1e-5, []
    for name in net.parameters:
        for position in np.ndindex(values[name].shape):
            moved = []
            for by in (step, -step):
                array = np.array(values[name])
                array[position] += by
                _, slopes = kernel(**{**values, name: array})
                moved.append(np.concatenate([np.ravel(slopes[each]) for each in net.parameters]))
            columns.append((moved[0] - moved[1]) / (2 * step))
    np.testing.assert_allclose(found, np.array(columns).T, rtol=1e-6, atol=1e-8)
    direction = {name: np.ones(shape) for name, shape in net.parameters.items()}
    np.testing.assert_allclose(list(whole.times(direction, **values).values()), found.sum(axis=1), atol=1e-12)
    assert net.derive("loss", wrt=["W1[0,0]", "b2[1]"]).evaluate(
        **{name: value for name, value in entries(whole, values).items()}
    ) == pytest.approx(found[whole.names.index("W1[0,0]"), whole.names.index("b2[1]")], abs=1e-14)


def entries(whole: Any, values: dict[str, Any]) -> dict[str, float]:
    from backpropsym.graph.unroll import entry_values

    return entry_values(whole.whole, values)


def test_a_batch_gives_the_mean() -> None:
    net = bp.example("lecture")
    one, two = (net.hessian("loss").evaluate(x1=x) for x in (1.0, 2.0))
    np.testing.assert_allclose(net.hessian("loss").evaluate(x1=[1.0, 2.0]), (one + two) / 2, rtol=1e-12)


def test_what_is_too_large_is_said_to_be() -> None:
    with pytest.raises(bp.BackpropsymError, match="entries"):
        bp.example("digits").hessian().evaluate()
    with pytest.raises(bp.BackpropsymError, match="entry by entry"):
        bp.example("digits").hessian(wrt="W[0,0]")
    with pytest.raises(bp.BackpropsymError, match="has axes"):
        bp.parse(DENSE).hessian("s2")
    with pytest.raises(bp.BackpropsymError, match="no parameters"):
        bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "x**2"\n').hessian()
    whole = bp.example("lecture").hessian()
    with pytest.raises(bp.BackpropsymError, match="no row"):
        whole["w11", "w99"]
    with pytest.raises(bp.BackpropsymError, match="no column"):
        whole.times({"nothing": 1.0})


def test_jacobians_of_scalars_and_tensors() -> None:
    net = bp.example("lecture")
    found = net.jacobian(("h1", "h2"), ("x1", "x2"))
    expected = [[net.derive(of, wrt=wrt).evaluate() for wrt in ("x1", "x2")] for of in ("h1", "h2")]
    assert found.evaluate().tolist() == expected
    assert found["h1", "x1"].count == 2
    dense = bp.parse(DENSE)
    values = {"x": [1.0, -0.5, 2.0], "y": 1, **dense.init(seed=2)}
    z = np.tanh(values["W1"] @ values["x"] + values["b1"])
    by_x = values["W2"] @ np.diag(1 - z**2) @ values["W1"]
    matrix = dense.jacobian(("s2", "loss"), ("x", "b2")).evaluate(**values)
    assert matrix.shape == (3, 5)
    np.testing.assert_allclose(matrix[:2, :3], by_x, rtol=1e-12)
    np.testing.assert_allclose(matrix[:2, 3:], np.eye(2), rtol=1e-12)


def test_higher_derivatives_are_written_as_such() -> None:
    graph = bp.example("abstract").gradient_graph("a", wrt="w11").graph
    notation = Notation.of(graph)
    assert notation.derivative("da_dw11", "v11").unicode == "∂²a/∂v₁₁∂w₁₁"
    assert notation.derivative("da_dw11", "w11").latex == r"\frac{\partial^{2} a}{\partial w_{11}^{2}}"
    assert notation.derivative("da_dw11", "v11").ascii == "d2a/dv11dw11"
    assert notation.derivative("a", "w11").ascii == "da/dw11"


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("command", ["hessian", "jacobian"])
def test_the_commands_in_every_medium(command: str, tmp_path: Path) -> None:
    for suffix in (".txt", ".md", ".json", ".tex"):
        found = run(command, "lecture", "--wrt", "w11", "--wrt", "v11", "-o", str(tmp_path / f"out{suffix}"))
        assert found.exit_code == 0, found.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    expected = [[0.0, 2.0], [2.0, 0.0]] if command == "hessian" else [[2.5, 2.0]]
    assert data["matrix"] == expected
    compiled((tmp_path / "out.tex").read_text(encoding="utf-8"), tmp_path)


def test_formulas_without_numbers_and_numbers_on_request(tmp_path: Path) -> None:
    assert "value" not in run("hessian", "abstract", "--wrt", "w11").stdout
    (tmp_path / "at.toml").write_text("x1 = 1.0\n")
    assert run("hessian", "abstract", "--at", str(tmp_path / "at.toml")).exit_code == 2
    (tmp_path / "along.toml").write_text("w11 = 1.0\n")
    found = json.loads(run("hessian", "lecture", "--times", str(tmp_path / "along.toml"), "--json").stdout)
    assert found["product"]["v11"] == 2.0
    assert "1 path" not in run("hessian", "lecture", "--limit", "2").stdout
    assert "not listed" in run("hessian", "lecture", "--limit", "2").stdout


def test_blanks_in_the_names_of_entries_change_nothing() -> None:
    net = bp.loads('inputs = {x = [2, 2]}\noutput = "a"\n[nodes]\na = "sum(x**3)"\n')
    blanks, none = (net.derive("a", wrt=names) for names in (["x[1, 0]", "x[ 1,0 ]"], ["x[1,0]", "x[1,0]"]))
    assert blanks.expression("paths") == none.expression("paths") != "0"


@pytest.mark.parametrize(
    ("shape", "message"), [('["n"]', "symbolic"), ('[2, "n"]', "symbolic"), ("[3]", "have 30,003 entries")]
)
def test_the_gradient_of_symbolic_sizes_or_of_too_many_entries_is_refused(shape: str, message: str) -> None:
    text = f'inputs = {{x = {shape}, z = [30000]}}\noutput = "a"\n[nodes]\na = "sum(x*x) + sum(z)"\n'
    with pytest.raises(LimitError, match=message):
        gradient_graph(bp.loads(text).graph)
