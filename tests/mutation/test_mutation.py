"""The driver of mutation testing makes the changes it names, and sees which tests fail for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.entries import Entries
from tests.mutation.operators import changes, mutants
from tests.mutation.record import function_around, noted

ROOT = Path(__file__).parents[2]


def changed(body: str) -> set[str]:
    """The bodies that a function may get instead."""
    head = "def f(a, b):\n    "
    source = head + body
    able = [mutant for mutant in mutants("f.py", source) if changes(mutant, source)]
    return {mutant.applied(source.encode()).decode().removeprefix(head) for mutant in able}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a < b", {"return a <= b", "return a >= b", "return None"}),
        ("return a is not b", {"return a is b", "return None"}),
        ("return a not in b", {"return a in b", "return None"}),
        ("return (a) + b", {"return (a) - b", "return None"}),
        ("return a and not b", {"return a or not b", "return a and (b)", "return None"}),
        ("return 3", {"return 4", "return (2)", "return None"}),
        ("return True", {"return False", "return None"}),
        ("return min(a, b)", {"return max(a, b)", "return None"}),
        ("return a(b, 2, key=b)", {"return a(2, b, key=b)", "return a(b, 3, key=b)", "return a(b, (1), key=b)"}
         | {"return a(b, 2)", "return None"}),
        ("a.x = b", {"pass"}),
        ("a += b", {"pass"}),
        ("a(b)", {"pass"}),
        ("raise a", {"pass"}),
        ("raise NetworkError(a - b, 1)", {"pass"}),
        ("for x in a: continue", {"for x in (): continue", "for x in a: break"}),
        ("return [x for x in a if x]", {"return [x for x in a if True]", "return None"}),
        ("return a if b else b", {"return a if (not (b)) else b", "return None"}),
        ("if b: return", {"if not (b): return"}),
        ('return "a*(b + c)"', {'return "a/(b + c)"', 'return "a*(b - c)"', "return None"}),
        ('return f"{a - b} - {b}"', {'return f"{a - b} + {b}"', "return None"}),
        ('return "a sentence, well-formed!"', {"return None"}),
        ('"A docstring."', set()),
        ("x: int | None = a", set()),
    ],
)  # fmt: skip
def test_changes_of_a_function(body: str, expected: set[str]) -> None:
    assert changed(body) == expected


def test_lines_are_those_of_the_statement() -> None:
    source = "def f(a):\n    if a:\n        return [\n            1,\n        ]\n    return 2\n"
    lines = {(mutant.text, mutant.line) for mutant in mutants("f.py", source)}
    assert {("not (a)", 2), ("2", 3), ("3", 6)} <= lines


def test_functions_note_that_they_are_entered() -> None:
    source = (
        'from __future__ import annotations\n\n\nclass A:\n    def f(self):\n        """Words."""\n        return 1\n'
    )
    assert '        __entered__("a.py:A.f")\n        return 1' in noted("a.py", source).replace("'", '"')
    assert function_around(source, 7) == "A.f"
    assert function_around(source, 1) is None


def test_tests_of_a_mutant_are_those_that_enter_its_function(tmp_path: Path) -> None:
    source = 'def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\ndefine(\n    "silu",\n    2,\n)\n'
    (tmp_path / "a.py").write_text(source)
    recorded = {"": [0, ["a.py:g"]], "slow": [2, ["a.py:f"]], "quick": [1, ["a.py:f"]], "t[silu]": [3, []]}
    (tmp_path / "entries").mkdir()
    (tmp_path / "entries" / "all.json").write_text(json.dumps(recorded))
    entries = Entries(tmp_path / "entries", tmp_path)
    by_line = {
        mutant.line: entries.tests(mutant) for mutant in mutants("a.py", source) if mutant.operator == "constant"
    }
    assert by_line[2] == ["quick", "slow"]
    assert by_line[6] == ["quick", "slow", "t[silu]"]
    assert by_line[9] == ["t[silu]", "quick", "slow"]


PROGRAM = "def double(x):\n    return x + x\n"
TESTS = {
    "test_strong.py": "from program import double\n\n\ndef test_strong():\n    assert double(3) == 6\n",
    "test_weak.py": "from program import double\n\n\ndef test_weak():\n    assert double(0) == 0\n",
}
WEAK, STRONG = "test_weak.py::test_weak", "test_strong.py::test_strong"
RUN = """
import json, sys
from pathlib import Path
from tests.mutation.entries import Entries
from tests.mutation.operators import mutants
from tests.mutation.run import Session

root = Path.cwd()
source = (root / "program.py").read_text()
change, = (mutant for mutant in mutants("program.py", source) if mutant.operator == "arithmetic")
for known in json.loads(sys.argv[1]):
    recorded = {test: [0.01, ["program.py:double"]] for test in known}
    (root / "entries" / "all.json").write_text(json.dumps(recorded))
    result = Session(root, Entries(root / "entries", root), 10.0).result(change)
    print(json.dumps([result.status, result.by, (root / "program.py").read_text() == source]))
"""


def test_a_mutant_is_killed_by_a_test_that_fails_for_it(tmp_path: Path) -> None:
    for name, text in {"program.py": PROGRAM, **TESTS}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "entries").mkdir()
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", RUN, json.dumps([[WEAK], [WEAK, STRONG], []])]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert results == [["survived", "", True], ["killed", STRONG, True], ["not executed", "", True]]
