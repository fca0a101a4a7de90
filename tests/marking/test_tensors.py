"""Claims about entries of tensors, by their positions and in index form."""

import pytest

import backpropsym as bp
from backpropsym.document.registry import write
from backpropsym.document.reports.claims import verdict_data, verdict_page
from backpropsym.errors import FormulaError, UnknownNameError
from backpropsym.marking.mark import Marker
from backpropsym.marking.slips import Kind

DENSE = bp.parse("x[3] -> dense(4, tanh) -> dense(3) -> mse")
MARKER = Marker(DENSE.graph)
ABSTRACT = bp.loads("""
inputs = {x = [3]}
parameters = {W = [3, 3], v = [3]}
output = "a"
[nodes]
s = "W @ x"
a = "sum(v * f(s))"
[functions]
f = "abstract"
""")

RIGHT = {
    "W1[1,2]": [
        "x[2]*(1 - z1[1]**2)*2/3*((s2[0]-y[0])*W2[0,1] + (s2[1]-y[1])*W2[1,1] + (s2[2]-y[2])*W2[2,1])",
        r"\frac{2}{3} x_2 \left(1 - (z_1)_1^2\right) \sum_{k} ((s_2)_k - y_k) W^{(2)}_{k1}",
    ],
    "W1[i,j]": [
        "x[j]*tanh'(s1[i])*sum(2/3*(s2[k]-y[k])*W2[k,i], (k, 0, 2))",
        r"\frac{2}{3} x_j \tanh'((s_1)_i) \sum_{k=0}^{2} ((s_2)_k - y_k) (W_2)_{k,i}",
        r"\sum_{k=0}^{2} \frac{2}{3} ((s_2)_k - y_k) W2_{ki} (1 - \tanh^2((s_1)_i)) x_j",
    ],
    "b1[i]": ["tanh'(s1[i])*sum(2/3*(s2[k]-y[k])*W2[k,i], (k, 0, 2))"],
    "W2[2,0]": ["2/3*(s2[2] - y[2])*z1[0]"],
}


@pytest.mark.parametrize(("wrt", "claim"), [(wrt, claim) for wrt, claims in RIGHT.items() for claim in claims])
def test_right_entries_are_accepted(wrt: str, claim: str) -> None:
    assert MARKER.verify(claim, wrt).right


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (("W2[k,i]", "W2[i,k]"), Kind.TRANSPOSED),
        (("tanh'(s1[i])", "tanh(s1[i])"), Kind.FUNCTION),
        (("tanh'(s1[i])", "tanh'(s1[j])"), Kind.ARGUMENT),
        (("2/3", "2"), Kind.CONSTANT),
        (("x[j]*", ""), Kind.MISSING_FACTOR),
        (("x[j]", "x[i]"), Kind.WRONG_FACTOR),
        (("s2[k]-y[k]", "y[k]-s2[k]"), Kind.SIGN),
        (("k, 0, 2", "k, 0, 1"), Kind.MISSING_PATH),
    ],
)
def test_slips_in_index_form_are_told_at_an_entry(wrong: tuple[str, str], kind: Kind) -> None:
    net = bp.parse("x[3] -> dense(3, tanh) -> dense(3) -> mse")
    right = "x[j]*tanh'(s1[i])*sum(2/3*(s2[k]-y[k])*W2[k,i], (k, 0, 2))"
    assert net.verify(right, wrt="W1[i,j]").right
    verdict = net.verify(right.replace(*wrong), wrt="W1[i,j]")
    assert not verdict.right
    assert {slip.kind for slip in verdict.slips} == {kind}


def test_an_abstract_function_and_an_output_entry() -> None:
    assert ABSTRACT.verify("v[i]*f'(s[i])*x[j]", wrt="W[i,j]").right
    assert ABSTRACT.verify("f(s[2])", wrt="v[2]").right
    assert not ABSTRACT.verify("v[j]*f'(s[i])*x[j]", wrt="W[i,j]").right
    assert DENSE.verify("W2[k,i]*(1 - z1[i]^2)", wrt="b1[i]", of="s2[k]").right


def test_a_large_network_is_followed_along_the_paths_only() -> None:
    net = bp.parse("x[400] -> dense(30, relu) -> dense(4) -> mse")
    assert net.verify("x[7]*relu'(s1[5])*W2[3,5]", wrt="W1[5,7]", of="s2[3]").right
    verdict = net.verify("x[7]*relu'(s1[5])*W2[3,4]", wrt="W1[5,7]", of="s2[3]")
    assert [slip.kind for slip in verdict.slips] == [Kind.WRONG_FACTOR]
    with pytest.raises(FormulaError, match="too large"):
        net.verify("x[7]*relu'(s1[5])*W2[3,5]*s1[6]", wrt="W1[5,7]", of="s2[3]")


@pytest.mark.parametrize("wrt", ["W1[]", "W1[9,0]", "W1[1]", "W1[i]", "V[0]", "W1[0,]", "W1[x,0]"])
def test_an_entry_that_is_none_is_refused(wrt: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        MARKER.verify("x[0]", wrt)
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(
    "claim",
    [
        "W2[9,0]",
        "W2[0]",
        "x[j]*W2[k,0]",
        "sum(x[k], (k, 0, 9))",
        "sum(sum(x[0], (k, 0, 9999)), (l, 0, 9999))",
        "sum(x[0], (k, 0, y[0]))",
    ],
)
def test_positions_outside_and_unbound_indices_are_refused(claim: str) -> None:
    with pytest.raises(bp.BackpropsymError):
        MARKER.verify(claim, "W1[1,2]")


def test_symbolic_widths_are_refused_with_a_way_on() -> None:
    net = bp.loads("""
inputs = {x = ["n"]}
parameters = {w = ["n"]}
output = "a"
[nodes]
a = "sum(w*x)"
""")
    with pytest.raises(bp.BackpropsymError) as caught:
        net.verify("x[i]", wrt="w[i]")
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("of", "wrt", "claim", "right"),
    [
        ("loss", "W1", "2/4*(z1[i] - y[i])*(1 - z1[i]**2)*x[j]", True),
        ("loss", "W1", "2/4*(z1[j] - y[j])*(1 - z1[j]**2)*x[j]", False),
        ("z1[i]", "b1", "1 - z1[i]**2", True),
        ("z1", "b1", "1 - z1[i]**2", False),
    ],
)
def test_a_name_alone_has_the_indices_of_a_derivation(of: str, wrt: str, claim: str, right: bool) -> None:
    marker = Marker(bp.parse("x[5] -> dense(4, tanh) -> mse").graph)
    assert marker.verify(claim, wrt, of).right is right


DELTAS = {
    ("s1", "W1", "x[j]*KroneckerDelta(i, k)"): True,
    ("s1", "W1", r"x_j \delta_{ki}"): True,
    ("s1", "W1", "δ[k,i]*x[j]"): True,
    ("s1", "W1", "x[j]*KroneckerDelta(j, k)"): False,
    ("s1", "W1", "0"): False,
    ("s1", "b1", "KroneckerDelta(i, j)"): True,
    ("s1", "b1", "0"): False,
    ("loss", "W1", "x[j]*(softmax(s1)[i] - δ[y,i])"): True,
    ("loss", "W1", "x[j]*(softmax(s₁)_i - KroneckerDelta(y, i))"): True,
    ("loss", "W1", "x[j]*(softmax(s1)[j] - KroneckerDelta(y, i))"): False,
}


@pytest.mark.parametrize("claim", DELTAS, ids=lambda claim: claim[2])
def test_deltas_and_softmax_are_claimed_as_derivations_print_them(claim: tuple[str, str, str]) -> None:
    of, wrt, text = claim
    assert bp.parse("x[3] -> dense(4) -> cross_entropy").verify(text, wrt=wrt, of=of).right == DELTAS[claim]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x[j]*KroneckerDelta(k)", "a delta of 1 positions"),
        ("x[j]*δ[k]", "a delta has two positions"),
        ("x[j]*KroneckerDelta(q, k)", "the index q is neither"),
        ("x[j]*softmax(y)[i]", "softmax of what has no axes"),
    ],
)
def test_positions_of_deltas_are_checked(text: str, told: str) -> None:
    with pytest.raises(FormulaError, match=told):
        bp.parse("x[3] -> dense(4) -> cross_entropy").verify(text, wrt="W1", of="s1")


TANH = "x[3] -> dense(2, tanh) -> mse"


@pytest.mark.parametrize(
    ("wrt", "claim", "shape", "fix"),
    [
        ("b1", "(z1-y)*(1-z1**2)", "z1 is an array of shape (2,)", "the free index i, here z1[i]"),
        ("W1", "z1", "z1 is an array of shape (2,)", "the free indices i, j, here z1[i]"),
        ("W1", "(z1[i]-y[i])*(1-z1[i]**2)*x", "x is an array of shape (3,)", "here x[j]"),
        (
            "b1",
            "W1*z1[i]",
            "W1 is an array of shape (2, 3)",
            "here W1[i,k]; other indices are summed over: sum(..., (k, 0, 2))",
        ),
        ("b1[1]", "(z1)", "z1 is an array of shape (2,)", "here z1[1]"),
        ("b1", "x[z1]", "z1 is an array of shape (2,)", "positions are whole numbers"),
    ],
)
def test_a_whole_array_is_an_error_at_its_place(wrt: str, claim: str, shape: str, fix: str) -> None:
    with pytest.raises(FormulaError) as caught:
        bp.parse(TANH).verify(claim, wrt=wrt)
    problem = caught.value.problems[0]
    assert shape in problem.message
    assert problem.fix is not None and fix in problem.fix
    assert problem.where is not None and problem.where.width
    name = shape.partition(" ")[0]
    if claim != "x[z1]":
        assert problem.where.text[problem.where.column :].startswith(name)


def test_a_whole_array_in_a_convolution_is_an_error() -> None:
    with pytest.raises(FormulaError, match="out is an array of shape") as caught:
        bp.example("convolution").verify("out - y", wrt="b")
    problem = caught.value.problems[0]
    assert problem.where is not None and problem.where.width == len("out")
    assert problem.fix == (
        "write its entries, here out[k,l]; other indices are summed over: sum(..., (k, 0, 3), (l, 0, 2))"
    )


@pytest.mark.parametrize(
    "claim",
    ["outer(z1-y, x)", "transpose(x)", "(z1-y)@x", "z1 @ x", "x.T", "x^T", r"x^{\top}", r"z1 \otimes x", "z1.dot(x)"],
)
@pytest.mark.parametrize("wrt", ["W1", "b1", "W1[1,2]"])
def test_operations_on_arrays_are_told_to_be_written_with_indices(claim: str, wrt: str) -> None:
    net = bp.parse(TANH)
    with pytest.raises(FormulaError, match="an operation on whole arrays") as caught:
        net.verify(claim, wrt=wrt)
    problem = caught.value.problems[0]
    assert problem.where is not None and problem.where.width
    assert problem.fix is not None and "a sum over k as sum(..., (k, 0, n-1))" in problem.fix
    for example in problem.fix.partition("for example, ")[2].split(" or "):
        net.verify(example, wrt=wrt)


@pytest.mark.parametrize(("wrt", "asked"), [("W1[i,j]", "W₁[i,j]"), ("W1", "W₁[i,j]"), ("W1[p,q]", "W₁[p,q]")])
def test_a_right_claim_is_about_every_entry_that_was_asked_for(wrt: str, asked: str) -> None:
    i, j = asked[3], asked[5]
    verdict = bp.parse(TANH).verify(f"(z1[{i}]-y[{i}])*(1-z1[{i}]**2)*x[{j}]", wrt=wrt)
    assert write(verdict_page(verdict), "text").startswith(f"right: ∂loss/∂{asked}\n")
    assert verdict_data(verdict)["wrt"] == f"W1[{i},{j}]"
    one = bp.parse(TANH).verify("(z1[1]-y[1])*(1-z1[1]**2)*x[2]", wrt="W1[1,2]")
    assert write(verdict_page(one), "text").startswith("right: ∂loss/∂W₁[1,2]\n")


@pytest.mark.parametrize("style", ["brackets", "subscripts"])
def test_free_indices_are_written_in_a_persons_own_notation(style: str) -> None:
    net = bp.loads(f"""
inputs = {{x = [3]}}
parameters = {{w = [3]}}
output = "a"
[nodes]
a = "sum(w*x)"
[notation]
entry-style = "{style}"
""")
    assert "w[i]" in write(verdict_page(net.verify("x[i]", wrt="w")), "text")


NORMS = bp.loads("""
inputs = {x = [2, 3]}
parameters = {v = [3], w = [2]}
output = "a"
[nodes]
h = "x @ v"
a = "norm(v)*mean(h*w) + sum(norm(x*v, axis=1)) + log(var(w))"
""")


@pytest.mark.parametrize(
    ("wrt", "claim", "right"),
    [
        ("v[i]", "v[i]/norm(v)*mean(h*w) + norm(v)*sum(w[k]*x[k,i], (k, 0, 1))/2 + R", True),
        ("v[1]", r"\frac{v_1 \operatorname{mean}(w h)}{norm(v)} + norm(v) mean(w*x[0,1]*0) + Q", True),
        ("w[k]", "norm(v)*h[k]/2 + (w[k] - mean(w))/var(w)", True),
        ("w[k]", "norm(v)*h[k]/2 + (w[k] - sum(w, axis=0)/2)/var(w)", True),
        ("w[k]", "norm(v)*h[k]/2 + (w[k] - sum(w))/var(w)", False),
        ("w[k]", "norm(v)*h[k] + (w[k] - mean(w))/var(w)", False),
    ],
)
def test_claims_may_hold_ops_over_whole_arrays(wrt: str, claim: str, right: bool) -> None:
    rows, one = (f"sum(x[r,{i}]*v[{i}]*x[r,{i}]/norm(x*v, axis=1)[r], (r, 0, 1))" for i in "i1")
    second = f"norm(v)*(w[0]*x[0,1] + w[1]*x[1,1])/2 + {one}"
    assert NORMS.verify(claim.replace("R", rows).replace("Q", second), wrt=wrt).right is right


def test_logsumexp_is_claimed_as_it_is_printed() -> None:
    net = bp.loads('inputs = {x = [3]}\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*logsumexp(x)"\n')
    assert net.verify("logsumexp(x)", wrt="w").right
    assert not net.verify("logsumexp(2*x)", wrt="w").right


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("norm(a)", "norm of what has no axes"),
        ("norm(v, axis=2)", "norm over axis 2 of what has 1 axes"),
        ("norm(x, axis=1)", r"norm\(...\) has 1 axis left"),
        ("mean(v*w)", "arrays of the shapes"),
        ("mean(v, 1)", "mean takes one array and an axis"),
        ("sum(v[0])", "a sum without a range"),
        ("var(v*" * 14 + "v" + ")" * 14, "parts"),
    ],
)
def test_ops_that_do_not_fit_are_refused(claim: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        NORMS.verify(claim, wrt="v[i]")
