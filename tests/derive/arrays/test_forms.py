"""Index and matrix notation as the textbooks have them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from backpropsym.checks.arrays.index_evaluation import IndexNumbers
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.report import report
from backpropsym.errors import NotScalarError, UnknownNameError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import called
from backpropsym.graph.graph import Graph, Role
from backpropsym.network import loads, parse
from backpropsym.spec.architecture import parse_architecture
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import LECTURE_CONVOLUTION, PERCEPTRON

CLASSIFIER = "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy"


def _index(graph: Graph, of: str, wrt: str) -> str:
    return TensorDerivation(graph, of, wrt).expression()


def _matrix(graph: Graph) -> dict[str, str]:
    equations = matrix_programme(graph, graph.objective, graph.names(Role.PARAMETER))
    return {each.node: to_text(each.right) for each in equations}


def test_lecture_convolution_by_filter_bias_and_image() -> None:
    graph = parse_network(LECTURE_CONVOLUTION)
    assert _index(graph, "a", "K") == "Sum(im[k + i,l + j]*2*out[k,l], (k, 0, 3), (l, 0, 2))"
    assert _index(graph, "a", "b") == "Sum(2*out[i,j], (i, 0, 3), (j, 0, 2))"
    image = TensorDerivation(graph, "a", "im")
    (term,) = image.terms
    assert to_text(term.summand) == "K[k,l]*2*out[i - k,j - l]"
    assert [[to_text(part) for part in each] for each in term.conditions] == [["0", "i - k", "3"], ["0", "j - l", "2"]]


def test_transposed_convolution_divides_places_only_by_a_stride() -> None:
    text = "inputs = {{x = [1, 5]}}\nparameters = {{K = [1, 1, 3]}}\noutput = 'a'\n[nodes]\n"
    text += "h = 'conv_transpose1d(x, K, stride={})'\na = 'sum(h)'\n"
    one, two = (_index(parse_network(text.format(stride)), "h", "K") for stride in (1, 2))
    assert "x[i,m - k]" in one and "floor" not in one and "Mod" not in one
    assert "x[i,floor((m - k)/2)]" in two and "Mod(m - k, 2)" in two


@pytest.mark.parametrize(
    ("function", "written"),
    [
        ("mean", r"\operatorname{mean}(x) \cdot x_{i}"),
        ("var", r"\operatorname{var}(x) \cdot x_{i}"),
        ("logsumexp", r"\operatorname{logsumexp}(x) \cdot x_{i}"),
        ("max", r"\max(x) \cdot x_{i}"),
        ("min", r"\min(x) \cdot x_{i}"),
    ],
)
def test_people_read_a_number_over_a_whole_array_by_its_name(function: str, written: str) -> None:
    text = f"inputs = {{x = [3]}}\nparameters = {{v = [3]}}\noutput = 'a'\n[nodes]\na = 'sum(v*x)*{function}(x)'\n"
    assert written in loads(text).derive("a", wrt="v").latex()


def test_perceptron_of_symbolic_widths() -> None:
    text = """
inputs = {x = ["n"]}
parameters = {W = ["h", "n"], v = ["h", "h"], p = ["h"]}
output = "a"
[nodes]
s = "W @ x"
z = "f(s)"
u = "v @ z"
t = "f(u)"
a = "p @ t"
[functions]
f = "abstract"
"""
    found = _index(parse_network(text), "a", "W")
    assert found == "Sum(x[j]*f_prime(s[i])*v[k,i]*f_prime(u[k])*p[k], (k, 0, h - 1))"


TIES = {
    'a = "u @ max(h, axis=0)"': "u[j] * KroneckerDelta(i, argmax(h, axis=0)[j])",
    'a = "min(h, axis=1) @ v"': "v[i] * KroneckerDelta(j, argmin(h, axis=1)[i])",
    'a = "max(h)"': "KroneckerDelta(3 * i + j, argmax(h))",
}


@pytest.mark.parametrize("line", TIES)
def test_ties_of_an_extreme_go_to_the_first_entry(line: str) -> None:
    """In index notation as in numbers; people read a delta, programs a sum that they can evaluate."""
    head = 'parameters = {W = [2, 3], u = [3], v = [2]}\noutput = "a"\n[nodes]\nh = "2*W"\n'
    graph = parse_network(head + line)
    derivation = TensorDerivation(graph, "a", "h")
    assert f"      {TIES[line]}\n" in report(derivation, "index", "text", ascii=True)
    assert not {"argmax", "argmin", "first"} & set(called(derivation.tree()))
    values = {"h": np.ones((2, 3)), "u": np.array([3.0, 5.0, 7.0]), "v": np.array([2.0, 4.0]), "a": np.array(1.0)}
    grid = dict(zip(derivation.indices, np.ogrid[:2, :3], strict=True))
    found = IndexNumbers(values, graph.functions).at(derivation.tree(), grid)
    numbers = derivation.evaluate(W=np.full((2, 3), 0.5), u=values["u"], v=values["v"])
    np.testing.assert_array_equal(found, numbers)
    assert np.count_nonzero(found) < found.size


def test_softmax_with_cross_entropy_is_p_minus_y() -> None:
    graph = parse_architecture(CLASSIFIER)
    assert _matrix(graph)["s2"] == "softmax(s2) - onehot(y, 10)"
    text = report(TensorDerivation(graph, "loss", "s2"), "index", "text", ascii=True)
    assert "softmax(s2)[i] - KroneckerDelta(y, i)" in text


def test_classifier_in_index_and_matrix_notation() -> None:
    graph = parse_architecture(CLASSIFIER)
    data = tensor_data(TensorDerivation(graph, "loss", "W1"), "index")
    assert data["indices"] == ["i", "j"]
    (term,) = data["terms"]
    assert term["path"] == ["W1", "s1", "z1", "s2", "loss"]
    assert term["factors"][:3] == ["x[j]", "step(s1[i])", "W2[k,i]"]
    assert term["sums"] == [["k", 10]]
    assert _matrix(graph) == {
        "s2": "softmax(s2) - onehot(y, 10)",
        "z1": "transpose(W2) @ delta_s2",
        "s1": "entrywise(delta_z1, relu_prime(s1))",
        "b2": "delta_s2",
        "W2": "outer(delta_s2, z1)",
        "b1": "delta_s1",
        "W1": "outer(delta_s1, x)",
    }


def test_texts_are_read_by_sympy() -> None:
    graph = parse_network(PERCEPTRON)
    data = tensor_data(TensorDerivation(graph, "loss", "W1"))
    names = {name: sp.IndexedBase(name) if node.shape else sp.Symbol(name) for name, node in graph.nodes.items()}
    names |= {letter: sp.Symbol(letter, integer=True) for letter in "ijkl"}
    for text in [data["expression"], *data["terms"][0]["factors"]]:
        assert sp.parse_expr(text, local_dict=names) is not None


@pytest.mark.parametrize("blocks", [10, 50])
def test_residual_networks_have_as_many_paths_as_subsets_of_blocks(blocks: int) -> None:
    graph = parse_architecture(f"x[8] -> {blocks}*(residual(dense(8, relu))) -> dense(3) -> cross_entropy")
    assert TensorDerivation(graph, "loss", "x").count == 2**blocks
    assert len(matrix_programme(graph, "loss", ["W1"])) == 3 * blocks + 2


@pytest.mark.parametrize(
    ("formula", "noted"),
    [
        ("sqrt(s)", True),
        ("sqrt(s*s + 1)", False),
        ("sqrt(s**2 + 1/10)", False),
        ("sqrt(s - 1)", True),
        ("s/sqrt(n)", False),
        ("layer_norm(s, g, g)", False),
    ],
)
def test_a_root_has_a_kink_only_where_it_can_be_zero(formula: str, noted: bool) -> None:
    head = 'output = "a"\ninputs = {x = ["n"]}\nparameters = {W = ["n", "n"], g = ["n"]}\n[nodes]\ns = "W @ x"\n'
    graph = parse_network(f'{head}z = "{formula}"\na = "sum(z + g)"\n')
    assert ("sqrt" in report(TensorDerivation(graph, "a", "W"), "index", "text").partition("\n")[0]) == noted


@pytest.mark.parametrize("sizes", ["3, 4", "(3, 4)", "[3, 4]"])
def test_sizes_may_stand_in_any_brackets(sizes: str) -> None:
    head = 'output = "a"\ninputs = {x = [12]}\nparameters = {W = [12]}\n[nodes]\n'
    graph = parse_network(f'{head}z = "reshape(W*x, {sizes})"\na = "sum(z)"\n')
    assert graph["z"].shape == (3, 4)


def test_an_axis_of_one_place_has_an_index_like_any_other() -> None:
    """A layer of one unit is written as a layer of many."""
    one, many = (parse_architecture(f"x[3] -> dense(2, tanh) -> dense({units}) -> huber") for units in (1, 5))
    for of, wrt in (("s2", "W2"), ("s2", "b2"), ("s2", "x")):
        assert _index(one, of, wrt) == _index(many, of, wrt)
    assert _index(one, "s2", "W2") == "z1[j]*KroneckerDelta(k, i)"
    assert _index(parse_architecture("x[3] -> dense(1) -> mse"), "loss", "W1") == "x[j]*2*(s1[i] - y[i])"


def test_the_matrix_form_is_one_formula_over_the_nodes() -> None:
    net = parse("x[4] -> dense(3, tanh) -> residual(dense(3, relu)) -> dense(2) -> mse")
    derivation = net.derive(wrt="W1")
    assert isinstance(derivation, TensorDerivation)
    whole = derivation.expression("matrix")
    assert derivation.expression("backward") == whole == tensor_data(derivation, "matrix")["expression"]
    above = "matmul(transpose(W3), s3 - y)"
    inner = f"{above} + matmul(transpose(W2), entrywise({above}, step(s2)))"
    assert whole == f"outer(entrywise({inner}, 1 - tanh(s1)**2), x)"
    assert not [name for name in sp.parse_expr(whole).free_symbols if "delta" in str(name)]


def test_matrix_notation_of_one_entry_starts_at_that_entry() -> None:
    net = parse("x[4] -> dense(3, tanh) -> dense(2)")
    assert net.derive("s2[1]", wrt="W1").expression("matrix") == (
        "outer(entrywise(matmul(transpose(W2), onehot(1, 2)), 1 - tanh(s1)**2), x)"
    )
    with pytest.raises(NotScalarError, match="--of 's2"):
        net.derive("s2", wrt="W1").expression("matrix")


@pytest.mark.parametrize("form", ["factored", "expanded", "forward"])
def test_a_number_by_a_number_has_every_form_whatever_lies_between(form: str) -> None:
    text = 'inputs = {x = [3], t = []}\nparameters = {w = [3], b = []}\noutput = "a"\n[nodes]\n'
    net = loads(text + 's = "b*t"\na = "tanh(w @ x + s)*sum(w*s)"\n')
    values = {"x": np.array([0.5, -1.0, 2.0]), "t": 1.5, "w": np.array([1.0, 0.25, -0.5]), "b": 0.3}
    derivation = net.derive("a", wrt="b")
    known = {**values, "s": 0.45, "tanh": np.tanh}
    assert eval(derivation.expression(form), known) == pytest.approx(derivation.evaluate(**values), rel=1e-13)  # noqa: S307
    assert derivation.latex(form).count(r"\begin{align*}") >= 1
    with pytest.raises(UnknownNameError, match="form"):
        net.derive("a", wrt="w").expression(form)


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_scalars_have_the_notations_of_arrays(form: str) -> None:
    derivation = loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\ns = "w*x"\na = "s**3"').derive(
        wrt="w"
    )
    assert eval(derivation.expression(form), {"x": 2.0, "s": 5.0}) == 150.0  # noqa: S307
    assert derivation.latex(form)


def test_a_number_that_divides_every_term_stands_once_in_the_bricks() -> None:
    net = parse("x[2] -> dense(2, tanh) -> dense(3) -> mse")
    derivation = net.derive("loss", wrt="W1[0,0]")
    whole = derivation.expression("factored")
    assert whole.count("/3") == 1
    assert derivation.expression("paths").count("/3") == 3
    signs = loads('parameters = ["w"]\ninputs = ["x"]\noutput = "a"\n[nodes]\ns = "w*x"\na = "sin(s)/9 - cos(w)/9"')
    assert signs.derive("a", wrt="w").expression("factored").count("/9") == 1


def test_matrix_notation_of_chosen_entries_names_the_array_once() -> None:
    text = 'inputs = {i = [2], x = [2, 3], w = [2, 2]}\noutput = "a"\n[nodes]\na = "sum(w*gather(x, i, axis=1))"\n'
    assert loads(text).derive(wrt="w").expression("matrix") == "gather(x, i, 1)"


@pytest.mark.parametrize("form", ["paths", "index", "numeric"])
@pytest.mark.parametrize(
    ("node", "expected"), [("z1", "KroneckerDelta(j, i)"), ("W1", "KroneckerDelta(k, i)*KroneckerDelta(l, j)")]
)
def test_the_derivative_of_a_node_by_itself(node: str, expected: str, form: str) -> None:
    net = parse("x[3] -> dense(2, tanh) -> dense(1)")
    derivation = net.derive(node, wrt=node)
    assert derivation.expression(form) == expected
    values = {**net.init(0), "x": np.ones(3)}
    size = int(np.prod(net.graph[node].shape))
    np.testing.assert_array_equal(np.reshape(derivation.evaluate(**values), (size, size)), np.eye(size))
    assert report(derivation, form, "text", values=values, ascii=True)


PADDED = """
inputs = {y = [4]}
parameters = {x = [4, 2]}
output = "p"
[nodes]
u = "sum(y) + x"
v = "pad(einsum('ij,ij->i', u, u), (1, 0), axis=0)"
p = "sum(v*v)"
"""


def test_a_position_that_two_operands_share_keeps_the_condition_of_a_padding() -> None:
    text = loads(PADDED).derive(wrt="y").expression("index")
    assert text == "Sum(Piecewise((4*u[j - 1,k]*v[j], And(0 <= j - 1, j - 1 <= 3)), (0, True)), (j, 0, 4), (k, 0, 1))"


def test_matrix_notation_names_no_node_that_is_not_computed() -> None:
    text = 'parameters = {x = [2]}\ninputs = {}\noutput = "v"\n[nodes]\nb = "softmax(x)"\nv = "logsumexp(x)"\n'
    assert loads(text).derive(wrt="x").expression("matrix") == "softmax(x)"
    assert loads(text).check(seed=1).passed
