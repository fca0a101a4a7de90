"""The table [notation]: names as a person writes them, and nothing that could act in a document."""

from __future__ import annotations

from pathlib import Path

import pytest
import ziamath

import backpropsym as bp
from backpropsym.document.derivation.report import latex as written
from backpropsym.document.derivation.report import page
from backpropsym.document.notation.names import Notation
from backpropsym.document.notation.unicode_names import letters_of
from backpropsym.document.registry import write
from backpropsym.errors import NetworkError
from backpropsym.spec.notation import ACCENTS, COMMANDS
from tests.documents import compiled

NETWORK = r"""
inputs = ["x1", "x2"]
parameters = ["w11", "w12", "w1_2_1", "v", "alpha2"]
output = "a"
[nodes]
s1 = "w11*x1 + w12*x2 + alpha2"
z1 = "f(s1)"
a = "v*z1**2 + w1_2_1*x1"
[functions]
f = "tanh"
[notation]
"""


def network(table: str) -> bp.Network:
    return bp.loads(NETWORK + table)


def latex(table: str, name: str) -> str:
    return Notation.of(network(table).graph).latex(name)


@pytest.mark.parametrize(
    ("table", "name", "expected"),
    [
        (r"x1 = '\vec{x}'", "x1", r"\vec{x}"),
        (r'"x#" = "\\vec{x}_{#}"', "x2", r"\vec{x}_{2}"),
        (r"""'z#' = 'z^{(#)}'""", "z1", "z^{(1)}"),
        (r"""'w##' = 'w_{#2#1}'""", "w12", "w_{21}"),
        (r"""'w###' = 'w^{(#1)}_{#3,#2}'""", "w1_2_1", "w^{(1)}_{1,2}"),
        (r"""'w##' = 'w_{#2#1}'""", "w1_2_1", "w_{1,2,1}"),
        (r"""'alpha#' = '\beta_{#}'""", "alpha2", r"\beta_{2}"),
        (r"f = '\sigma'", "f", r"\sigma"),
    ],
)
def test_names_and_patterns(table: str, name: str, expected: str) -> None:
    assert latex(table, name) == expected


@pytest.mark.parametrize(("pattern", "idle"), [("w##", False), ("x#", False), ("w####", True), ("q#", True)])
def test_a_pattern_that_no_name_fits_is_a_warning(pattern: str, idle: bool) -> None:
    [*told] = network(f"""'{pattern}' = 'r'""").graph.warnings
    assert [f"pattern {pattern}" in str(problem) for problem in told] == [True] * idle


def test_other_media_keep_the_names() -> None:
    net = network(r"x1 = '\vec{x}'")
    assert Notation.of(net.graph).unicode("x1") == "x₁"
    assert net.derive("a", wrt="w11").expression().startswith("x1*")


@pytest.mark.parametrize(
    ("own", "letters"),
    [
        (r"\vec{x}_{1}", "x\u20d7₁"),
        (r"z^{(1)}", "z⁽¹⁾"),
        (r"w^{(1)}_{1,2}", "w⁽¹⁾₁,₂"),
        (r"\hat{y}", "ŷ"),
        (r"\mathbf{W}_{1}", "W₁"),
        (r"\hat{\beta}_{2}", "β\u0302₂"),
        (r"W^\top", "Wᵀ"),
        (r"\vec{xy}", ""),
        (r"w_{q}", ""),
    ],
)
def test_own_names_in_letters(own: str, letters: str) -> None:
    assert letters_of(own) == letters


def test_pages_with_pictures_write_names_as_these_do(tmp_path: Path) -> None:
    net = network(r"""'w##' = 'w_{#2#1}'""" + "\n" + r"x2 = '\vec{x}'")
    net.slides("a", wrt="w12").save(tmp_path / "deck.html")
    net.explore("a").save(tmp_path / "page.html")
    pages = [write(page(net.derive("a", wrt="w12")), "html"), *(path.read_text() for path in tmp_path.iterdir())]
    for text in pages:
        assert "w₂₁" in text
        assert "x\u20d7" in text
        assert "w₁₂" not in text
        assert "x₂" not in text


def test_accents_stand_above_their_letters_on_pages_alone() -> None:
    """Columns of a terminal count letters."""
    notation = Notation(["x_bar", "h_tilde2", "y_hat"])
    assert [*map(notation.unicode, ("x_bar", "h_tilde2", "y_hat"))] == ["x_bar", "h_tilde2", "ŷ"]
    assert [*map(notation.on_pages().unicode, ("x_bar", "h_tilde2"))] == ["x\u0304", "h\u0303₂"]


def test_a_name_with_an_exponent_carries_another_one_in_brackets() -> None:
    text = network("""'z#' = 'z^{(#)}'""")._repr_latex_()
    assert r"\left(z^{(1)}\right)^{2}" in text


@pytest.mark.parametrize("name", ["x", "x1"])
def test_the_argument_of_a_function_is_not_the_node_of_that_name(name: str) -> None:
    r"""tanh'(x) = 1 - tanh(x)^2 says what tanh' is, not what it is at an input x that is written \vec{x}."""
    text = f'inputs = ["{name}"]\nparameters = ["w"]\noutput = "a"\n[nodes]\ns = "w*{name}"\na = "f(g(s))"\n'
    text += f"[functions]\nf = 'tanh(x)*2'\ng = 'tanh'\n[notation]\n{name} = '\\vec{{x}}'\ng = '\\gamma'\n"
    latex = bp.loads(text).derive("a", wrt="w").latex()
    _, _, facts = latex.partition("Here")
    assert r"f(x) = \tanh(x) \cdot 2" in facts
    assert r"\gamma = \text{tanh}" in facts
    assert "vec" not in facts
    assert r"\vec{x}" in latex


def test_two_names_never_look_alike() -> None:
    notation = Notation.of(network("x1 = 'y'\nx2 = 'y'").graph)
    assert notation.latex("x1") != notation.latex("x2")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", "W_{1}[0,1]"),
        ('entry-style = "subscripts"', "(W_{1})_{0,1}"),
        ("count-from = 1", "W_{1}[1,2]"),
        ('entry-style = "subscripts"\ncount-from = 1\nW1 = "W"', "W_{1,2}"),
        ("""'W#' = '\\mathbf{W}^{(#)}'""", r"\mathbf{W}^{(1)}[0,1]"),
    ],
)
def test_entries_are_written_as_asked(table: str, expected: str) -> None:
    text = 'inputs = {x = [2]}\nparameters = {W1 = [3, 2]}\noutput = "s"\n[nodes]\ns = "W1 @ x"\n[notation]\n' + table
    drawn = bp.loads(text).draw("s[0]", wrt="W1[0,1]").scene
    assert drawn.highlights[0].path.startswith(expected + r" \to")
    derivation = bp.loads(text).derive("s[0]", wrt="W1[0,1]")
    assert rf"\partial {expected}" in derivation.latex()


def test_index_formulas_may_have_brackets() -> None:
    text = 'inputs = {x = [2]}\nparameters = {W = [3, 2]}\noutput = "s"\n[nodes]\ns = "W @ x"\n[notation]\n'
    assert "x_{j}" in bp.loads(text).derive("s", wrt="W").latex()
    assert "x[j]" in bp.loads(text + 'entry-style = "brackets"').derive("s", wrt="W").latex()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (r"x1 = '\input{/etc/passwd}'", r"command .input is not allowed"),
        (r"x1 = '\write18{ls}'", "is not allowed"),
        (r"x1 = 'x$y'", "may not stand"),
        (r"x1 = 'x%'", "may not stand"),
        (r"x1 = 'x&y'", "may not stand"),
        (r"x1 = '\\'", "may not stand"),
        (r"x1 = '^^5cinput'", "do not fit|may not stand"),
        (r"x1 = '\vec x'", "in braces"),
        (r"x1 = 'x}{'", "braces"),
        (r"x1 = '{x'", "braces"),
        (r"x1 = 'x_1_2'", "do not fit"),
        (r"x1 = 'x^{a}^{b}'", "do not fit"),
        (r"x1 = '_'", "do not fit"),
        (r"x1 = 'x_{y^a^b}'", "do not fit"),
        (r"x1 = 1", "not a text"),
        (r"x1 = ''", "not a text"),
        (f"x1 = '{'x' * 100}'", "100 characters"),
        (r"""'w#' = 'w_{#2}'""", "no index #2"),
        (r"x1 = 'x_{#}'", "no index #"),
        (r"y1 = 'x'", "nothing is called y1"),
        ("entry-style = 'dots'", "not one of"),
        ("count-from = 2", "not 0 or 1"),
        ("count-from = true", "not 0 or 1"),
    ],
)
def test_mistakes_are_named_with_their_line(table: str, message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        network(table)
    assert all(problem.where is not None and problem.where.line for problem in caught.value.problems)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_can_be_drawn(command: str) -> None:
    text = rf"\{command}{{x}}" if command in ACCENTS else rf"\{command}"
    assert latex(f"x1 = '{text}'", "x1") == text
    ziamath.Latex(text)


@pytest.mark.needs("pdflatex")
def test_a_document_with_every_command_compiles(tmp_path: Path) -> None:
    names = sorted(COMMANDS)
    table = "\n".join(_entry(i, name) for i, name in enumerate(names))
    inputs = [f"x{i}" for i in range(len(names))]
    text = f'inputs = {inputs}\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*({" + ".join(inputs)})"\n[notation]\n'
    compiled(written(bp.loads(text + table).derive("a", wrt="w"), standalone=True), tmp_path)


def _entry(number: int, name: str) -> str:
    looks = rf"\{name}{{x}}_{{{number}}}" if name in ACCENTS else rf"{{\{name}}}_{{{number}}}"
    return f"x{number} = '{looks}'"
