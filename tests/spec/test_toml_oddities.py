"""The corners of TOML, and files that are nothing of the kind."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.errors import BackpropsymError, NetworkError
from backpropsym.formula.text import to_text
from backpropsym.graph.graph import Graph
from backpropsym.spec.toml import parse_network

NET = """\
title = "t"
inputs = ["x1", "x2"]
parameters = ["w"]
output = "a"

[nodes]
s1 = "w*x1"
a = "s1*x2"
"""


def formulas(graph: Graph) -> dict[str, str]:
    return {node.name: to_text(node.formula) for node in graph.nodes.values() if node.formula is not None}


EXPECTED = {"s1": "w*x1", "a": "s1*x2"}
SAME = {
    "CRLF": NET.replace("\n", "\r\n"),
    "mixed line ends": NET.replace("\n", "\r\n", 3),
    "BOM": "\ufeff" + NET,
    "no last line end": NET.rstrip("\n"),
    "tabs": NET.replace(" = ", "\t=\t").replace("s1", "\ts1", 1),
    "comments": NET.replace("\n", " # [nodes] a = 3\n"),
    "single quotes": NET.replace('"', "'"),
    "quoted keys": NET.replace("s1 =", '"s1" =').replace("\na =", "\n'a' ="),
    "quoted section": NET.replace("[nodes]", '["nodes"]'),
    "spaces in the header": NET.replace("[nodes]", "  [ nodes ]  "),
    "dotted keys": NET.replace("[nodes]\n", "").replace("s1 =", "nodes.s1 =").replace("\na =", "\nnodes . a ="),
    "inline table": 'inputs = ["x1", "x2"]\nparameters = ["w"]\noutput = "a"\nnodes = {s1 = "w*x1", a = "s1*x2"}\n',
    "multi-line list": NET.replace('["x1", "x2"]', '[\n  "x1", # the first\n\n  "x2",\n]'),
    "multi-line strings": NET.replace('"w*x1"', '"""w*x1"""').replace('"s1*x2"', "'''s1*x2'''"),
    "string that starts on the next line": NET.replace('"w*x1"', '"""\nw*x1"""'),
    "escapes": NET.replace("w*x1", r"w\u002Ax1"),
    "a title like a file": NET.replace('"t"', '"""\n[nodes]\ns1 = "w"\ns1 = "w"\n"""'),
    "a title with line separators": NET.replace('"t"', '"a\u2028b\u0085c"'),
    "a title with a list": NET.replace('"t"', '"[ [ {"'),
    "empty sections": NET + "[functions]\n[values]\n[constants]\n",
    "shapes as a table": NET.replace('["x1", "x2"]', "{x1 = [], x2 = []}"),
    "shapes as a section": NET.replace('inputs = ["x1", "x2"]\n', "") + "[inputs]\nx1 = []\nx2 = []\n",
}


@pytest.mark.parametrize("kind", SAME)
def test_written_otherwise_it_is_the_same_network(kind: str) -> None:
    graph = parse_network(SAME[kind])
    assert formulas(graph) == EXPECTED
    assert graph.output == "a"


@pytest.mark.parametrize("kind", [kind for kind in SAME if kind != "escapes"])
def test_the_place_is_marked_in_each_spelling(kind: str) -> None:
    text = SAME[kind].replace("s1*x2", "s1*q2")
    with pytest.raises(NetworkError) as caught:
        parse_network(text, "net.toml")
    [problem] = caught.value.problems
    place = problem.where
    assert place is not None
    assert place.line is not None
    assert place.text[place.column : place.column + place.width] == "q2"
    assert "q2" in text.replace("\r\n", "\n").split("\n")[place.line - 1]


def test_where_columns_are_unknown_the_key_is_marked() -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(SAME["escapes"].replace(r"w\u002Ax1", r"w\u002Aq1"))
    [problem] = caught.value.problems
    assert problem.where is not None
    assert problem.where.text[problem.where.column :][: problem.where.width] == "s1"


NUMBERS = {"w = 1": 1.0, "w = 1e3": 1000.0, "w = 1_000": 1000.0, "w = 0x10": 16.0, "w = -0.5": -0.5, "w = +2": 2.0}
NO_NUMBERS = {
    "w = nan": "not finite",
    "w = inf": "not finite",
    "w = -inf": "not finite",
    "w = 1e999": "not finite",
    "w = 0x" + "f" * 400: "not finite",
    "w = " + "9" * 400: "not finite",
    "w = " + "9" * 5000: "too deep or too long",
    "w = true": "not a number",
    'w = "1"': "not a number",
    "w = [1, 2]": "has the shape",
    "w = {a = 1}": "not a number",
    "w.a = 1": "not a number",
    "w = 2020-01-01": "not a number",
    "w = 07:32:00": "not a number",
    "w = " + "[" * 100_000: "too deep or too long",
    "w = " + "{a=" * 100_000: "too deep or too long",
    "w" + ".a" * 100_000 + " = 1": "too deep or too long",
}


@pytest.mark.parametrize("line", NUMBERS)
def test_numbers(line: str) -> None:
    assert parse_network(f"{NET}[values]\n{line}\n").values["w"] == NUMBERS[line]


@pytest.mark.parametrize("line", NO_NUMBERS, ids=lambda line: f"{line[:16]}-{len(line)}")
def test_what_is_no_number(line: str) -> None:
    with pytest.raises(NetworkError, match=NO_NUMBERS[line]) as caught:
        parse_network(f"{NET}[values]\n{line}\n", "net.toml")
    [problem] = caught.value.problems
    assert problem.where is not None
    assert problem.where.line == 10
    assert len(str(problem)) < 1_000


WRONG = {
    "nodes twice": NET + '[values]\nw = 1\n[nodes]\nb = "w"\n',
    "nodes twice in two forms": NET.replace("[nodes]", 'nodes = {b = "w"}\n[nodes]'),
    "key twice": NET + 's1 = "w"\n',
    "key twice on several lines": NET + 's1 = """\nw\n"""\n',
    "array of tables": NET + "[[values]]\nw = 1\n",
    "table of a value": NET + "[output]\nb = 1\n",
    "unclosed header": NET + "[values\nw = 1\n",
    "empty header": NET + "[]\n",
    "empty key": NET + '"" = "w"\n',
    "only a key": NET + "b\n",
    "two on a line": NET + 'b = "w" c = "w"\n',
    "bare carriage return": NET.replace("\n", "\r"),
    "control character": NET.replace("w*x1", "w*\x01x1"),
    "bad escape": NET.replace("w*x1", r"w\qx1"),
    "unclosed long string": NET + 'b = """w\nc = "w"\n',
    "empty file": "",
    "blank file": "\n\n  \n",
    "comment": "# nothing\n",
    "JSON": '{"inputs": ["x"]}',
    "Python": "import os\nos.system('true')\n",
    "binary": "".join(map(chr, range(256))),
    "NUL": "\0" * 100,
    "long line": "a" * 1_000_000,
    "long name": f'[nodes]\n{"k" * 100_000} = "x"\n',
    "long formula": f'output = "a"\n[nodes]\na = "{"x+" * 500_000}x"\n',
    "quotes": 'x = """' * 5_000,
    "open quotes": 'x = "\n' * 5_000,
    "brackets": "x = [\n" * 5_000,
    "headers": "[a.b" * 5_000,
    "dots in values": "x = 1.1.1.1\n" * 5_000,
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_network_file(kind: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(WRONG[kind], "net.toml")
    assert 1 <= len(caught.value.problems) <= 101
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("kind", ["nodes twice", "key twice", "key twice on several lines"])
def test_what_stands_twice_is_one_mistake(kind: str) -> None:
    with pytest.raises(NetworkError, match="is defined twice; the first time in line") as caught:
        parse_network(WRONG[kind])
    assert len(caught.value.problems) == 1


PIECES = (
    *(
        '[nodes]\n[values]\n[functions]\ninputs = ["x1"]\noutput = "a"\na = "w*x1"\nx1 = 1\nf = "tanh"\n'.splitlines(
            True
        )
    ),
    *(
        "\n",
        '"',
        "'",
        '"""',
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "#",
        "\\",
        " ",
        "w",
        "f(x1)",
        "nodes",
        "1e9",
        "\t",
        "\r\n",
    ),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_run_of_pieces_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=string.printable, max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, len(NET)), st.integers(0, 12), st.sampled_from(PIECES))
def test_any_damage_to_a_file_is_read_or_refused(start: int, length: int, piece: str) -> None:
    _read_or_refused(NET[:start] + piece + NET[start + length :])


def _read_or_refused(text: str) -> None:
    try:
        parse_network(text, "net.toml")
    except BackpropsymError as error:
        for problem in error.problems:
            place = problem.where
            if place is not None and place.line is not None:
                line = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")[place.line - 1]
                assert place.text in line
                assert place.column + place.width <= max(len(place.text), place.column + 1)
        assert all(line.isprintable() for line in str(error).splitlines())
