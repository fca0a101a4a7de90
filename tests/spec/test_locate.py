"""Where the statements of a network file begin and end, whatever is broken."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.spec.locate import Source, statements

CUT: dict[str, list[str]] = {
    "a = 1\nb = 2": ["a = 1", "b = 2"],
    "\n\n# c\na = 1 # d = 2\n\n": ["a = 1 # d = 2"],
    'a = "x # y"\nb = 1': ['a = "x # y"', "b = 1"],
    'a = [\n"x",\n"y"\n]\nb = 1': ['a = [\n"x",\n"y"\n]', "b = 1"],
    'a = [ # ]\n"]"]\nb = 1': ['a = [ # ]\n"]"]', "b = 1"],
    "a = [[1],\n[2]]\nb = 1": ["a = [[1],\n[2]]", "b = 1"],
    'a = """\nb = 1\n[c]\n"""\nd = 1': ['a = """\nb = 1\n[c]\n"""', "d = 1"],
    "a = '''\nb = 1\n'''\nd = 1": ["a = '''\nb = 1\n'''", "d = 1"],
    'a = "x\\"y"\nb = 1': ['a = "x\\"y"', "b = 1"],
    "[nodes]\na = 1": ["[nodes]", "a = 1"],
    '"f(x, y)" = "x"\n[ "q" ]': ['"f(x, y)" = "x"', '[ "q" ]'],
    'a = ["x"\nb = 1': ['a = ["x"', "b = 1"],
    'a = ["x"\n[nodes]\nb = 1': ['a = ["x"', "[nodes]", "b = 1"],
    'a = "x\nb = 1': ['a = "x', "b = 1"],
    "a = {b = 1,\nc = 2}\nd = 3": ["a = {b = 1,\nc = 2}", "d = 3"],
    "a = ]\nb = 1": ["a = ]", "b = 1"],
    "hello\nb = 1": ["hello", "b = 1"],
    "a.b = 1": ["a.b = 1"],
}


@pytest.mark.parametrize("text", CUT, ids=ascii)
def test_statements(text: str) -> None:
    assert [text[each.start : each.end] for each in statements(text)] == CUT[text]


TEXT = """\
output = "s1"
inputs = ["x11", "x1",
  "x2"]
[nodes]
s1 = "x1 + x2"
[functions]
"f(x, y)" = "x"
[values]
x1 = 1
"""
PLACES = {
    ("", "output"): (1, "output"),
    ("inputs", "x1"): (2, "x1"),
    ("inputs", "x2"): (3, "x2"),
    ("", "nodes"): (4, "nodes"),
    ("nodes", "s1"): (5, "s1"),
    ("nodes", "missing"): (4, "nodes"),
    ("functions", "f(x, y)"): (7, '"f(x, y)"'),
    ("values", "x1"): (9, "x1"),
}


@pytest.mark.parametrize(("section", "key"), PLACES)
def test_places(section: str, key: str) -> None:
    place = Source(TEXT, "net.toml").place(section, key)
    assert (place.line, place.text[place.column :][: place.width]) == PLACES[section, key]


def test_what_stands_nowhere_has_the_file_alone() -> None:
    source = Source(TEXT, "net.toml")
    assert source.place("constants", "c").line is None
    assert source.place("", "").line is None


def test_the_columns_of_a_formula() -> None:
    source = Source(TEXT, "net.toml")
    place = source.place("nodes", "s1", (5, 7))
    assert place.text[place.column : place.column + place.width] == "x2"


VALUES = st.sampled_from(
    ['"x"', "'y'", "1", "[1, 2]", '["a",\n "b"]', '"""\nz = 1\n"""', "{q = 1}", '"[ { #"', "[[1],\n[2]]"]
)
KEYS = st.sampled_from(["a", "b1", '"c d"', "'e'", "f.g", "h_2"])


@settings(max_examples=200)
@given(st.lists(st.tuples(KEYS, VALUES), max_size=6, unique_by=lambda pair: pair[0]))
def test_each_statement_of_a_good_file_is_good_alone(entries: list[tuple[str, str]]) -> None:
    text = "\n".join(
        f"{key} = {value} # comment" if "\n" not in value else f"{key} = {value}" for key, value in entries
    )
    found = [text[each.start : each.end] for each in statements(text)]
    assert len(found) == len(entries)
    alone: dict[str, object] = {}
    for statement in found:
        alone |= tomllib.loads(statement)
    assert alone == tomllib.loads(text)


@settings(max_examples=200)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_a_broken_line_costs_only_itself(entries: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in entries)
    data, problems = Source(f"{text}\nbroken line\n", "net.toml").load()
    assert data == tomllib.loads(text)
    assert [problem.where.line for problem in problems if problem.where] == [text.count("\n") + 2]
