"""Functions that a network declares: aliases, formulas, several arguments, abstract ones; hygiene of names."""

from __future__ import annotations

import math

import pytest

from backpropsym.derive.derivation import Derivation
from backpropsym.errors import AbstractFunctionError, FormulaError, NetworkError
from backpropsym.network import loads
from backpropsym.ops.function import FUNCTIONS


def derived(node: str, functions: str, wrt: str = "w") -> Derivation:
    text = f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "{node}"\n[functions]\n{functions}\n'
    derivation = loads(text).derive(wrt=wrt)
    assert isinstance(derivation, Derivation)
    return derivation


AT = {"x": 0.5, "w": 0.75}
SIGMOID = 1 / (1 + math.exp(-0.75))
VALUES: dict[tuple[str, str], float] = {
    ("f(w)", 'f = "tanh"'): 1 - math.tanh(0.75) ** 2,
    ("f(w)", 'f = "relu"'): 1.0,
    ("f(w)", 'f = "x**2"'): 1.5,
    ("f(w)", 'f = "x*sigmoid(x)"'): SIGMOID + 0.75 * SIGMOID * (1 - SIGMOID),
    ("f(w)", '"f(t)" = "t**3"'): 3 * 0.75**2,
    ("f(w, x)", '"f(t, beta)" = "t**2*beta"'): 0.75,
    ("f(x, w)", '"f(t, beta)" = "t**2*beta"'): 0.25,
    ("f(x=x, beta=w)", '"f(x, beta)" = "x**2*beta"'): 0.25,
    ("f(beta=w, x=x)", '" f ( x , beta ) " = "x**2*beta"'): 0.25,
    ("f(w)", 'f = "g(x)**2"\ng = "3*x"'): 18 * 0.75,
    ("f(w)", 'f = "g"\ng = "3*x**2"'): 6 * 0.75,
    ("f(w)", 'f = "leaky_relu"'): 1.0,
    ("f(-w)", 'f = "leaky_relu"'): -0.01,
    ("f(w, x)", 'f = "prelu"'): 1.0,
    ("f(-x, w)", 'f = "prelu"'): -0.5,
    ("f(w)", 'f = "max(x, 0) + min(x, 0)/10"'): 1.0,
    ("f(w)", 'f = "where(x > 0.5, x**2, 0)"'): 1.5,
    ("f(f(w))", 'f = "x**2"'): 4 * 0.75**3,
    ("f(w)", 'f = "2"'): 0.0,
    ("2*x + w", 'f = "abstract"'): 1.0,
}


@pytest.mark.parametrize(("node", "functions"), VALUES, ids=str)
def test_the_derivative(node: str, functions: str) -> None:
    assert derived(node, functions).evaluate(**AT) == pytest.approx(VALUES[node, functions], rel=1e-14)


TEXTS = {
    ("f(w)*x", 'f = "tanh"'): "x*f_prime(w)",
    ("f(w)*x", 'f = "abstract"'): "x*f_prime(w)",
    ("f(w)*x", 'f = "x**2"'): "x*f_prime(w)",
    ("f(w, x)", '"f(t, beta)" = "t**2*beta"'): "2*x*w",
    ("f(w, x)", 'f = "abstract"'): "f_prime(w, x)",
    ("f(x, w)", 'f = "abstract"'): "f_prime_x2(x, w)",
    ("f(x, w)", '"f(t, beta)" = "abstract"'): "f_prime_beta(x, w)",
    ("f(w, w, x)", 'f = "abstract"'): "f_prime(w, w, x) + f_prime_x2(w, w, x)",
    ("f(w, x)", 'f = "prelu"'): "where(w > 0, 1, x)",
    ("tanh(w)", ""): "1 - tanh(w)**2",
    ("softplus(w)", ""): "sigmoid(w)",
}


@pytest.mark.parametrize(("node", "functions"), TEXTS, ids=str)
def test_the_text_of_the_derivative(node: str, functions: str) -> None:
    assert derived(node, functions).expression() == TEXTS[node, functions]


def test_an_abstract_function_has_formulas_and_no_numbers() -> None:
    derivation = derived("f(w)*x", 'f = "abstract"')
    assert derivation.expression("backward") == "x*f_prime(w)"
    assert derivation.sympy().free_symbols == {derivation.graph.functions.symbolic.symbol(name) for name in "wx"}
    with pytest.raises(AbstractFunctionError, match="f is abstract: it has no numbers") as caught:
        derivation.evaluate(**AT)
    assert caught.value.problems[0].fix == 'give it a formula under [functions], as in f = "tanh"'
    with pytest.raises(AbstractFunctionError, match="f is abstract|f_prime is abstract"):
        list(derivation.numeric(AT))


def test_an_abstract_function_inside_another_is_known_by_its_use_there() -> None:
    derivation = derived("f(w)", '"f(x)" = "g(x, x)*2"\ng = "abstract"')
    assert derivation.expression() == "f_prime(w)"
    with pytest.raises(AbstractFunctionError, match="g is abstract|prime is abstract"):
        derivation.evaluate(**AT)
    with pytest.raises(NetworkError, match="g is called with 1 and with 2 arguments"):
        derived("g(w, x)", 'f = "g(x)"\ng = "abstract"')


def test_the_placeholder_is_x_even_where_an_input_is_called_x() -> None:
    assert derived("f(w)*x", 'f = "x**2"').evaluate(x=10.0, w=3.0) == 60.0


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"where"}))
def test_an_own_function_hides_a_registered_one(name: str) -> None:
    assert derived(f"{name}(w)", f'{name} = "5*x**2"').evaluate(**AT) == pytest.approx(7.5)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"where"}))
def test_hiding_one_leaves_all_others_as_they_are(name: str) -> None:
    """The definition of silu still means the registered sigmoid."""
    for other in ("silu", "mish", "gelu"):
        if other != name:
            expected = derived(f"{other}(w)", "").evaluate(**AT)
            assert derived(f"{other}(w)", f'{name} = "5*x**2"').evaluate(**AT) == expected


@pytest.mark.parametrize("name", ["relu", "tanh", "prelu", "exp", "max"])
def test_an_alias_of_its_own_name_is_the_registered_function(name: str) -> None:
    node = f"{name}(w, x)" if len(FUNCTIONS[name].required) == 2 else f"{name}(w)"
    assert derived(node, f'{name} = "{name}"').evaluate(**AT) == derived(node, "").evaluate(**AT)


def test_an_alias_means_the_networks_own_function_where_there_is_one() -> None:
    assert derived("f(w)", 'f = "relu"\nrelu = "x**2"').evaluate(**AT) == 1.5


@pytest.mark.parametrize("helper", ['f_prime = "100*x"', '"f_prime(x)" = "100*x"'])
def test_a_function_called_like_a_derivative_is_not_taken_for_it(helper: str) -> None:
    assert derived("f(w)", f'f = "x**2"\n{helper}').evaluate(**AT) == 1.5
    assert derived("tanh(w)", f'tanh_prime = "100*x"\n{helper}').evaluate(**AT) == pytest.approx(
        1 - math.tanh(0.75) ** 2
    )


@pytest.mark.parametrize("formula", ["x/(x - x)", "x*(x - x - 1)**0.5"])
def test_a_derivative_that_is_no_real_number_is_an_error_of_ours(formula: str) -> None:
    with pytest.raises(FormulaError, match="not a real number"):
        derived("f(w)", f'f = "{formula}"').expression("expanded")


DEEP = {
    "tanh": "tanh(" * 60 + "x" + ")" * 60,
    "fractions": "1/(1 + " * 30 + "x" + ")" * 30,
    "max": "max(x, 1 + " * 20 + "x" + ")" * 20,
    "where": "where(x > 0, " * 15 + "x" + ", -x)" * 15,
    "product": "*".join(f"(x + {i})" for i in range(60)),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_formulas_are_derived(kind: str) -> None:
    derivation = derived("f(w)", f'f = "{DEEP[kind]}"')
    step = 1e-6
    low, high = (derivation.node_values({**AT, "w": 0.75 + side * step})["a"] for side in (-1, 1))
    assert derivation.evaluate(**AT) == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-8)
