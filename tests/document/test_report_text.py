"""The lecture's rows, word for word, and what happens at the edges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.report import terminal
from backpropsym.document.formats.text import LIMIT, style
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import Layout
from backpropsym.network import Network, load, loads

Lecture = Callable[..., Network]
FACTS = {"relu": "f = relu, f′(0) = 0", "tanh": "f = tanh", "abstract": "f abstract"}

L8 = """\
∂a/∂w₁₁ = sum over 2 paths{note}

  1   w₁₁ → s₁ → z₁ → u₁ → h₁ → a      x₁ · f′(s₁) · v₁₁ · f′(u₁) · p₁₁
  2   w₁₁ → s₁ → z₁ → u₂ → h₂ → a      x₁ · f′(s₁) · v₁₂ · f′(u₂) · p₂₁

  bricks   x₁ f′(s₁) (v₁₁ f′(u₁) p₁₁ + v₁₂ f′(u₂) p₂₁)
"""

L9 = """\
∂a/∂w₁₁ by 8 equations, from the output back    {facts}

  ∂a/∂a   = 1
  ∂a/∂h₂  = p₂₁
  ∂a/∂h₁  = p₁₁
  ∂a/∂u₂  = ∂a/∂h₂ · f′(u₂)
  ∂a/∂u₁  = ∂a/∂h₁ · f′(u₁)
  ∂a/∂z₁  = ∂a/∂u₁ · v₁₁ + ∂a/∂u₂ · v₁₂
  ∂a/∂s₁  = ∂a/∂z₁ · f′(s₁)
  ∂a/∂w₁₁ = ∂a/∂s₁ · x₁
"""


def plain(net: Network, wrt: str, of: str | None = None, form: str = "paths", **view: object) -> str:
    layout = Layout(**{key: view.pop(key) for key in ("ascii", "width") if key in view})  # type: ignore[arg-type]
    return terminal(net.derive(of, wrt=wrt), form, View(**{"limit": LIMIT} | view), layout).plain  # type: ignore[arg-type]


@pytest.mark.parametrize("f", FACTS)
def test_l8_the_explicit_sum(lecture: Lecture, f: str) -> None:
    row = "  1   w₁₁ → s₁ → z₁ → u₁ → h₁ → a      x₁ · f′(s₁) · v₁₁ · f′(u₁) · p₁₁"
    left = "∂a/∂w₁₁ = sum over 2 paths"
    note = FACTS[f].rjust(len(row) - len(left))
    assert plain(lecture(f), "w11") == L8.format(note=note)


@pytest.mark.parametrize("f", FACTS)
def test_l9_the_bricks_and_the_backward_programme(lecture: Lecture, f: str) -> None:
    assert plain(lecture(f), "w11", form="backward") == L9.format(facts=FACTS[f])
    factored = f"∂a/∂w₁₁ = x₁ f′(s₁) (v₁₁ f′(u₁) p₁₁ + v₁₂ f′(u₂) p₂₁)    {FACTS[f]}\n"
    assert plain(lecture(f), "w11", form="factored") == factored


@pytest.mark.parametrize("f", FACTS)
def test_l7_the_chain_rule_through_two_links(lecture: Lecture, f: str) -> None:
    lines = plain(lecture(f), "v11").splitlines()
    assert lines[0].startswith("∂a/∂v₁₁ = sum over 1 path  ")
    assert lines[2] == "  1   v₁₁ → u₁ → h₁ → a      z₁ · f′(u₁) · p₁₁"


@pytest.mark.parametrize("f", FACTS)
def test_l6_the_last_layer(lecture: Lecture, f: str) -> None:
    assert plain(lecture(f), "p11").rstrip() == "∂a/∂p₁₁ = sum over 1 path\n\n  1   p₁₁ → a      h₁"


@pytest.mark.parametrize("f", FACTS)
@pytest.mark.parametrize(("loss", "factor"), [("square", "2 (a − y)"), ("abstract", "L′ₐ(a, y)")])
@pytest.mark.parametrize("wrt", ["w11", "v11", "p11"])
def test_l4_the_factor_of_the_loss_is_kept_apart(lecture: Lecture, f: str, loss: str, factor: str, wrt: str) -> None:
    net = lecture(f, loss)
    lines = plain(net, wrt, "loss").splitlines()
    name = net.derive(wrt=wrt)
    below = plain(net, wrt).splitlines()
    shown = f"{wrt[0]}₁₁"
    assert lines[0] == f"∂loss/∂{shown} = ∂loss/∂a · ∂a/∂{shown}"
    assert lines[1] == f"∂loss/∂a = {factor}"
    assert lines[2].startswith(f"∂a/∂{shown} = sum over {name.count} path")
    assert lines[4:] == below[2:]


def test_numbers_stand_under_their_factors() -> None:
    assert plain(load("lecture"), "w22", "a", "numeric") == (
        "∂a/∂w₂₂ = −1, sum over 2 paths    f = relu, f′(0) = 0\n"
        "\n"
        "  1   w₂₂ → s₂ → z₂ → u₁ → h₁ → a\n"
        "      x₂ · f′(s₂) · v₂₁ · f′(u₁) · p₁₁\n"
        "      2  · 1      · 0.5 · 1      · 2   = 2      40.0 %\n"
        "\n"
        "  2   w₂₂ → s₂ → z₂ → u₂ → h₂ → a\n"
        "      x₂ · f′(s₂) · v₂₂ · f′(u₂) · p₂₁\n"
        "      2  · 1      · 1.5 · 1      · −1  = −3      60.0 %\n"
    )


def test_a_dead_path_names_what_cuts_it() -> None:
    shown = plain(load("lecture"), "w11", "a", "numeric", values={"w11": -5.0})
    assert "∂a/∂w₁₁ = 0, " in shown
    assert shown.count("cut by f′(s₁) = 0") == 2


def test_ascii_holds_ascii_only() -> None:
    for form in ("paths", "factored", "expanded", "backward", "forward", "numeric"):
        shown = plain(load("lecture"), "w11", "loss", form, ascii=True)
        assert shown.isascii()
    assert "da/dw11 = sum over 2 paths" in plain(load("lecture"), "w11", ascii=True)
    assert "x1 * f_prime(s1) * v11 * f_prime(u1) * p11" in plain(load("lecture"), "w11", ascii=True)


@pytest.mark.parametrize(
    ("of", "wrt", "expected"),
    [
        ("a", "y", "∂a/∂y = 0\n\n  there is no path from y to a: y reaches loss\n"),
        ("x1", "w11", "∂x₁/∂w₁₁ = 0\n\n  there is no path from w₁₁ to x₁: w₁₁ reaches s₁, z₁, u₁, u₂, h₁ and 3 more\n"),
        ("s1", "a", "∂s₁/∂a = 0\n\n  there is no path from a to s₁; a is computed from s₁\n"),
        ("a", "a", "∂a/∂a = 1\n"),
    ],
)
def test_zero_says_why(of: str, wrt: str, expected: str) -> None:
    for form in ("paths", "factored", "expanded", "backward", "forward", "numeric"):
        assert plain(load("lecture"), wrt, of, form) == expected


def test_an_unused_parameter_says_so() -> None:
    net = loads('inputs = ["x"]\nparameters = ["w", "v"]\noutput = "a"\n[nodes]\na = "w*x"\n')
    assert "nothing uses v" in plain(net, "v")


def test_each_path_has_the_colour_of_the_picture_and_its_number() -> None:
    page = terminal(load("lecture").derive(wrt="w11"), "paths")
    for number in (1, 2):
        row = page.plain.splitlines()[1 + number]
        spans = [span.style for span in page.spans if row in page.plain[span.start : span.end]]
        assert PALETTE[number - 1] in spans
        assert row.startswith(f"  {number} ")
    assert style(len(PALETTE) + 1) == PALETTE[0]
    assert "#000000" not in {style(number) for number in range(1, 20)}


def test_many_paths_are_cut_short_and_counted() -> None:
    shown = plain(load("deep"), "x1", limit=5)
    rows = [line for line in shown.splitlines() if " → " in line]
    assert len(rows) == 5
    assert "∂a/∂x₁ = sum over 256 paths" in shown
    assert "… 251 more of 256 paths: --limit N lists more" in shown


def test_a_narrow_terminal_gets_two_lines_a_path() -> None:
    lines = plain(load("lecture"), "w11", width=60).splitlines()
    assert lines[2:4] == ["  1   w₁₁ → s₁ → z₁ → u₁ → h₁ → a", "      x₁ · f′(s₁) · v₁₁ · f′(u₁) · p₁₁"]


def test_next_steps_quote_what_the_person_typed() -> None:
    shown = plain(load("lecture"), "w11", "loss", source="my net's.toml")
    assert "backpropsym draw 'my net'\"'\"'s.toml' --wrt w11 --of loss -o w11.svg     see the two paths" in shown
    assert "next" not in plain(load("lecture"), "w11", source="-")


def test_what_a_prime_stands_for_is_spelled_out() -> None:
    shown = plain(load("skip"), "w")
    assert "  where    tanh′(x) = 1 − tanh(x)²\n" in shown


def test_own_functions_are_told() -> None:
    net = loads(
        'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "f(w*x)"\n[functions]\nf = "x*relu(x)"\n'
    )
    assert "f(x) = x · relu(x), relu′(0) = 0" in plain(net, "w")


def test_a_count_of_thousands_of_digits_does_not_crash() -> None:
    layers = 2_200
    nodes = ['h0 = "x"', 'g0 = "x"']
    for layer in range(1, layers):
        for name in "hgk":
            nodes.append(f'{name}{layer} = "h{layer - 1} + g{layer - 1}{" + k" + str(layer - 1) if layer > 1 else ""}"')
    nodes.append(f'a = "h{layers - 1} + g{layers - 1} + k{layers - 1}"')
    net = loads('inputs = ["x"]\noutput = "a"\n[nodes]\n' + "\n".join(nodes))
    assert net.derive(wrt="x").count > 10**1_000
    shown = plain(net, "x", limit=1)
    assert "sum over about 10^" in shown
