"""Each kind of mistake in a network file: what the message says, where it points, and the fix, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpropsym.errors import NetworkError
from backpropsym.spec.toml import parse_network

HEAD = """\
inputs = ["x1", "x2"]
parameters = ["w", "v"]
output = "a"
"""
_BLOCK = re.compile(r"=== (?P<kind>.*)\n(?P<text>(?:.*\n)*?)--- message\n(?P<message>(?:(?!===).*\n)*)")
MISTAKES = {
    block["kind"]: (block["text"], block["message"])
    for block in _BLOCK.finditer(Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_the_message(kind: str) -> None:
    text, message = MISTAKES[kind]
    with pytest.raises(NetworkError) as caught:
        parse_network(text, "net.toml")
    assert f"{caught.value}\n" == message


@pytest.mark.parametrize("kind", MISTAKES)
def test_each_mistake_is_told_once_with_place_and_fix(kind: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(MISTAKES[kind][0], "net.toml")
    problems = caught.value.problems
    assert len(problems) == (2 if kind == "unknown name twice" else 1)
    assert all(problem.fix and problem.where is not None for problem in problems)
    for problem in problems:
        assert problem.where is not None
        assert problem.where.line is not None or "no output" in problem.message


def test_all_kinds_were_read() -> None:
    assert len(MISTAKES) > 50


def test_tabs_do_not_move_the_mark() -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(HEAD + '[nodes]\n\ta\t= "w*x1 + q"\n', "net.toml")
    lines = str(caught.value).splitlines()
    assert lines[1][lines[2].index("^")] == "q"


MANY = """\
inputs = ["x1", "x2"
targets = ["y"]
parameters = ["w1", "w2", "w2", "lambda"]
output = "aa"
loss = "(a - y)**2 + q"

[nodes]
s1 = "w1*x1 + w3*x2"
s2 = w2*x2
z1 = "reluu(s1)"
z2 = "f(s2)"
t  = "z1 +"
a  = "z1*z2*t*g(s2)"
b  = "b*a"

[functions]
f = "x*beta"
g = tanh

[values]
x1 = 1.0
x9 = 2.0
y  = nan
"""


def test_many_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(MANY, "net.toml")
    found = [(problem.where.line, problem.message) for problem in caught.value.problems if problem.where]
    assert found == [
        (1, "not TOML: Unclosed array"),
        (3, "w2 is listed twice in parameters"),
        (3, "'lambda' is a reserved word of Python's grammar and cannot be a name"),
        (4, "the output 'aa' is not a node"),
        (5, "q is not declared"),
        (8, "w3 is not declared"),
        (9, "not TOML: Invalid value"),
        (10, "reluu is not a function"),
        (12, "not a formula: invalid syntax"),
        (14, "nodes depend on each other in a circle: b -> b"),
        (17, "beta is not an argument of f"),
        (18, "not TOML: Invalid value"),
        (22, "values gives a number to x9, which is not declared"),
        (23, "the value of y is not finite"),
    ]


def test_what_could_not_be_read_is_not_reported_again_where_it_is_used() -> None:
    text = (
        HEAD
        + """\
[nodes]
s = w*x1
t = 3
u "v*x2"
z = "s +"
a = "s*t*u*z*f(s)*g(t, u)*h(x1)*loss"
[functions]
f = relu
g = "x +"
"h(x" = "x"
"""
    )
    with pytest.raises(NetworkError) as caught:
        parse_network(text)
    assert [problem.where.line for problem in caught.value.problems if problem.where] == [5, 6, 7, 8, 9, 11, 12, 13]
    assert caught.value.problems[4].message == "loss is not declared"


def test_a_long_line_is_shown_around_the_mistake() -> None:
    text = HEAD + '[nodes]\na = "w*v' + " + x1*x2" * 60 + ' + q"\n'
    with pytest.raises(NetworkError) as caught:
        parse_network(text, "net.toml")
    lines = str(caught.value).splitlines()
    assert len(lines[1]) < 200
    assert lines[1][lines[2].index("^")] == "q"


def test_a_flood_of_mistakes_is_cut_off() -> None:
    names = "\n".join(f'a{i} = "b{i}"' for i in range(5_000))
    with pytest.raises(NetworkError) as caught:
        parse_network(f'output = "a1"\n[nodes]\n{names}\n')
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1].message == "there are more mistakes"


def test_a_flood_of_syntax_errors_is_cut_off() -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network('output = "a"\n' + "hello world\n" * 5_000)
    assert len([each for each in caught.value.problems if each.message.startswith("not TOML")]) == 20


def test_a_file_that_is_not_toml_at_all_is_one_mistake() -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network("root:x:0:0\ndaemon:x:1:1\n", "passwd")
    (only,) = caught.value.problems
    assert only.message.startswith("passwd is not TOML: ")
    assert only.where is not None and only.where.line == 1


def test_a_long_circle_is_shown_by_its_beginning_and_end() -> None:
    nodes = "\n".join(f's{i} = "s{(i + 1) % 3000}"' for i in range(3_000))
    with pytest.raises(NetworkError, match=r"s0 -> s2999 -> .* more ... -> s2 -> s1 -> s0$|s0 -> s2999") as caught:
        parse_network(f'output = "s0"\n[nodes]\n{nodes}\n')
    assert len(caught.value.problems[0].message) < 300


def test_the_shortest_circle_is_shown() -> None:
    every = [f"n{i}" for i in range(14)]
    nodes = "\n".join(f'{name} = "{" + ".join(other for other in every if other != name)}"' for name in every)
    with pytest.raises(NetworkError) as caught:
        parse_network(f'output = "n0"\n[nodes]\n{nodes}\n')
    [problem] = caught.value.problems
    assert problem.message.count("->") == 2


@pytest.mark.parametrize("word", ["Piecewise", "And", "floor", "Mod", "oo"])
def test_words_of_index_notation_are_ordinary_names(word: str) -> None:
    text = f'inputs = {{x = [3]}}\nparameters = {{{word} = [3]}}\noutput = "a"\n[nodes]\na = "sum(x*{word})"\n'
    assert parse_network(text, "net.toml").output == "a"
    scalars = f'inputs = ["x"]\nparameters = ["{word}"]\noutput = "a"\n[nodes]\na = "x*{word}"\n'
    assert parse_network(scalars, "net.toml").output == "a"
